"""Parameters alone, under the course's names and in their order: .npz, HDF5, safetensors."""

import importlib
import io
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_course import files
from tinygrad_course.engine import trees
from tinygrad_course.engine.trees import Array, Nest

_KINDS = ".npz, .h5, .hdf5 and .safetensors"
_ORDER = "names"  # safetensors sorts what it writes: our order is in its metadata


def save_weights(path: str | os.PathLike[str], parameters: Nest) -> Path:
    """Write parameters into a file that other libraries read, whole or not at all.

    Parameters
    ----------
    path : path
        Its suffix says the kind: .npz, .h5, .hdf5, .safetensors.
    parameters : nest of arrays
        ``{"W1": ..., "b1": ...}``. In a deeper nest the names are paths: ``layers[0].W``.

    Raises
    ------
    ValueError
        For another suffix.
    TypeError
        For a value that is no array of numbers.

    Examples
    --------
    >>> path = save_weights("weights.npz", {"W1": np.ones((1, 2)), "b1": np.zeros((1, 1))})
    >>> {name: value.shape for name, value in np.load(path).items()}
    {'W1': (1, 2), 'b1': (1, 1)}
    """
    target = Path(path)
    plain = {name: files.plain_array(value, name) for name, value in trees.leaves(parameters)}
    arrays = {name: np.asarray(array, order="C") for name, array in plain.items()}
    if not arrays:
        raise ValueError("there are no parameters to save")
    if target.suffix == ".npz":
        content = io.BytesIO()
        np.savez(content, **arrays)  # type: ignore[arg-type]
        return files.write(target, content.getvalue())
    if target.suffix in {".h5", ".hdf5"}:
        import h5py

        content = io.BytesIO()
        with h5py.File(content, "w", track_order=True) as file:
            for name, value in arrays.items():
                file.create_dataset(name.replace("/", "%2F"), data=value)
        return files.write(target, content.getvalue())
    if target.suffix == ".safetensors":
        return files.write(
            target, extra("safetensors.numpy").save(arrays, {_ORDER: json.dumps(list(arrays))})
        )
    raise ValueError(f"{target}: what kind of file is this to be? The suffixes are {_KINDS}")


def load_weights(path: str | os.PathLike[str], like: Nest = None) -> Nest:
    """Read parameters from a .npz, HDF5 or safetensors file; nothing in it is executed.

    Parameters
    ----------
    path : path
    like : nest of arrays, optional
        Parameters of the same structure, whose names, order and shapes the file has to have.

    Returns
    -------
    dict of str to ndarray
        In the file's order; of `like`'s structure where that is given.

    Raises
    ------
    ValueError
        If the file is of another kind, or its arrays are not those of `like`: the message names the shapes.

    Examples
    --------
    >>> start = {"W1": np.ones((1, 2)), "b1": np.zeros((1, 1))}
    >>> load_weights(save_weights("weights.h5", start), like=start)
    {'W1': array([[1., 1.]]), 'b1': array([[0.]])}
    """
    source = existing(path)
    readers = {".npz": _read_npz, ".safetensors": _read_safetensors, ".h5": _read_hdf5, ".hdf5": _read_hdf5}
    if source.suffix not in readers:
        raise ValueError(f"{source}: what kind of file is this? The suffixes are {_KINDS}")
    arrays = readers[source.suffix](source)
    if like is None:
        return arrays
    expected = {name: np.shape(value) for name, value in trees.leaves(like)}
    found = {name: value.shape for name, value in arrays.items()}
    if found != expected:
        raise ValueError(f"{source} holds {found or 'nothing'}; expected {expected}")
    return trees.rebuild(like, iter([arrays[name] for name in expected]))


def _read_npz(path: Path) -> dict[str, Array]:
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is no .npz file, which is a zip archive of arrays")
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no .npz file of plain arrays: {error}") from error


def _read_hdf5(path: Path) -> dict[str, Array]:
    import h5py

    def arrays(group: Any, above: str = "") -> Iterator[tuple[str, Array]]:
        for name, item in group.items():
            if isinstance(item, h5py.Dataset):
                yield f"{above}{name}".replace("%2F", "/"), item[()]
            else:
                yield from arrays(item, f"{above}{name}/")

    try:
        with h5py.File(path, "r", track_order=True) as file:
            return dict(arrays(file))
    except OSError as error:
        raise ValueError(f"{path} is no HDF5 file: {error}") from error


def _read_safetensors(path: Path) -> dict[str, Array]:
    library = extra("safetensors.numpy")
    raw = path.read_bytes()
    try:
        arrays = library.load(raw)
        length = int.from_bytes(raw[:8], "little")
        told = json.loads(raw[8 : 8 + length])
    except Exception as error:
        raise ValueError(f"{path} is no safetensors file: {error}") from error
    names = json.loads(told.get("__metadata__", {}).get(_ORDER, "null"))
    if not isinstance(names, list) or set(names) != set(arrays):
        names = sorted(arrays, key=lambda name: told[name]["data_offsets"])
    return {name: arrays[name] for name in names}


def extra(module: str) -> Any:
    """Return a module that an extra of the package brings, or say which."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f'{module.partition(".")[0]} is not installed: python -m pip install "tinygrad-course[exchange]"'
        ) from None


def existing(path: str | os.PathLike[str]) -> Path:
    """Return the path of a file that is there."""
    source = Path(path)
    if not source.is_file():
        raise FileNotFoundError(f"{source}: there is no such file")
    return source
