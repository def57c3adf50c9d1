"""Arrays out of files of MATLAB (v4 to v7.3), Octave (also ``-hdf5``), h5py and NumPy, as these show them.

MATLAB and Octave keep an array's axes in the reverse order in HDF5: here they are put right.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.files import DatasetError

__all__ = ["read_arrays"]

# What SciPy's reader raises on damaged files, besides its own MatReadError.
_UNREADABLE = (
    OSError, ValueError, TypeError, LookupError, NotImplementedError, MemoryError, zlib.error,
    zipfile.BadZipFile,
)  # fmt: skip
_WORD = "utf-8"


def read_arrays(path: Path, names: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file by their names; sparse ones are made full.

    Parameters
    ----------
    path : Path
        .mat, HDF5, or .npz.
    names : sequence of str, optional
        Those that are wanted; others are passed over. None: all that are arrays of numbers.

    Raises
    ------
    DatasetError
        If it is no such file, a damaged one, or what is wanted is no array of numbers.

    Examples
    --------
    >>> from scipy.io import savemat
    >>> savemat("two.mat", {"X": np.ones((3, 2)), "y": np.array([[1], [0], [1]], dtype="uint8")})
    >>> {name: value.shape for name, value in read_arrays(Path("two.mat")).items()}
    {'X': (3, 2), 'y': (3, 1)}
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    with path.open("rb") as file:
        start = file.read(8)
    try:
        if start.startswith(b"PK"):
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                return {name: archive[name] for name in names or archive.files if name in archive.files}
        if h5py.is_hdf5(path):
            return _from_hdf5(path, names)
        return _from_mat(path, names)
    except DatasetError:
        raise
    except _UNREADABLE as error:
        raise DatasetError(
            f"{path}: this is no whole MATLAB file or HDF5 or .npz file "
            f"({str(error) or type(error).__name__}); it has {path.stat().st_size} bytes and starts {start!r}"
        ) from error


def _from_mat(path: Path, names: Sequence[str] | None) -> dict[str, NDArray[Any]]:
    from scipy import sparse
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        found = loadmat(path, variable_names=None if names is None else list(names), spmatrix=False)
    except MatReadError as error:
        raise ValueError(str(error)) from error
    arrays = {}
    for name, value in found.items():
        if name.startswith("__"):
            continue
        full: Any = value  # SciPy's types know no common toarray
        value = full.toarray() if sparse.issparse(value) else value
        if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
            arrays[name] = value
        elif names is not None:
            raise DatasetError(f"{path}: {name} is {_said(value)}; expected real numbers")
    return arrays


def _said(value: Any) -> str:
    kind = getattr(getattr(value, "dtype", None), "kind", "?")
    return {"O": "a cell array", "V": "a struct", "U": "text", "c": "complex128"}.get(
        kind, type(value).__name__
    )


def _from_hdf5(path: Path, names: Sequence[str] | None) -> dict[str, NDArray[Any]]:
    arrays = {}
    with h5py.File(path, "r") as file:
        for name in _paths(file) if names is None else names:
            if name not in file or name.startswith("#"):
                continue
            value, told = _member(file[name])
            if value is not None:
                arrays[name] = value
            elif names is not None:
                raise DatasetError(f"{path}: {name} is {told}; expected real numbers")
    return arrays


def _paths(group: Any, above: str = "") -> Iterator[str]:
    """Yield the names of what a file holds; of groups that h5py made, ``train/X``."""
    for name, item in group.items():
        if isinstance(item, h5py.Group) and not {"MATLAB_class", "OCTAVE_NEW_FORMAT"} & set(item.attrs):
            yield from _paths(item, f"{above}{name}/")
        else:
            yield above + name


def _member(item: Any) -> tuple[NDArray[Any] | None, str]:
    """Return a variable's array, or None and what it is."""
    kind = item.attrs.get("MATLAB_class")
    if kind is not None:
        return _of_matlab(item, _text(kind))
    if isinstance(item, h5py.Group):
        if "OCTAVE_NEW_FORMAT" in item.attrs and "type" in item:
            return _of_octave(item)
        return None, f"a group of {', '.join(item) or 'nothing'}"
    value = item[()]
    value = np.asarray(value)
    return (value, "") if value.dtype.kind in "fiub" else (None, f"an array of {value.dtype}")


def _of_matlab(item: Any, kind: str) -> tuple[NDArray[Any] | None, str]:
    if "MATLAB_sparse" in item.attrs:
        return _full(item, int(item.attrs["MATLAB_sparse"]), "ir", "jc", "data"), ""
    if kind in {"char", "cell", "struct"} or isinstance(item, h5py.Group):
        return None, {"char": "text", "cell": "a cell array"}.get(kind, "a struct")
    value = item[()]
    if item.attrs.get("MATLAB_empty", 0):
        return np.zeros(tuple(int(n) for n in np.ravel(value))), ""
    if value.dtype.kind not in "fiub":
        return None, f"an array of {value.dtype}"
    return (value.astype(bool) if kind == "logical" else value).T, ""


def _of_octave(item: Any) -> tuple[NDArray[Any] | None, str]:
    kind, value = _text(item["type"][()]), item["value"]
    if "OCTAVE_EMPTY_MATRIX" in item.attrs:
        return np.zeros(tuple(int(n) for n in value[()])), ""
    if "sparse" in kind and isinstance(value, h5py.Group):
        return _full(value, int(value["nr"][()]), "ridx", "cidx", "data"), ""
    if "range" in kind:
        first, _, step = value[()].tolist()
        return (first + step * np.arange(int(value.attrs["OCTAVE_RANGE_NELEM"])))[None, :], ""
    if isinstance(value, h5py.Group) or value.dtype.kind not in "fiub":
        return None, f"a {kind}"
    array = np.asarray(value[()])
    array = array.reshape(1, 1) if array.ndim == 0 else array.T
    return (array.astype(bool) if "bool" in kind else array), ""


def _full(group: Any, rows: int, row_names: str, starts: str, data: str) -> NDArray[Any]:
    """Return a sparse matrix by columns as a full one."""
    from scipy import sparse

    ends = np.ravel(group[starts][()]).astype(np.int64)
    empty = data not in group
    values = np.zeros(0) if empty else np.ravel(group[data][()])
    places = np.zeros(0, np.int64) if empty else np.ravel(group[row_names][()]).astype(np.int64)
    made = sparse.csc_array((values, places, ends), shape=(rows, len(ends) - 1))
    full: NDArray[Any] = made.toarray()
    return full


def _text(word: Any) -> str:
    word = word.item() if hasattr(word, "item") else word
    return word.decode(_WORD) if isinstance(word, bytes) else str(word)
