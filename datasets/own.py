"""Data of one's own in the course's orientation: MATLAB, Octave, HDF5, .npz, CSV, a folder of pictures.

>>> from datasets import own
>>> from scipy.io import savemat
>>> savemat("mine.mat", {"X": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], "y": np.array([[1], [0], [1]], "uint8")})
>>> X, Y = own.load("mine.mat")
>>> X.shape, -Y
((2, 3), array([[-1., -0., -1.]]))
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.container import Array, as_columns
from datasets.files import DatasetError
from datasets.matrices import read_arrays

__all__ = ["columns", "load", "read_csv", "read_pictures"]

_LABELS = ("Y", "y", "labels", "label", "target", "targets")
_PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}


def load(
    path: str | os.PathLike[str], X: str = "X", Y: str | None = None, *, rows: bool | None = None
) -> tuple[Array, Array]:
    """Read X (n_x, m) and Y (1, m) out of a .mat, HDF5 or .npz file, whichever way round they are there.

    Parameters
    ----------
    path : path
    X, Y : str
        The names of the arrays; of Y by default the first that is there of Y, y, labels, target.
    rows : bool, optional
        Whether examples are rows in the file. None: as the number of labels tells.

    Returns
    -------
    X : ndarray of float64, shape (n_x, m)
    Y : ndarray of float64, shape (1, m)

    Raises
    ------
    DatasetError
        If an array is missing, or the shapes do not tell which way round they are: the message shows them.
    """
    source = Path(path)
    wanted = [X, *(_LABELS if Y is None else [Y])]
    arrays = read_arrays(source, wanted)
    labels = next((name for name in wanted[1:] if name in arrays), None)
    if X not in arrays or labels is None:
        held = {name: value.shape for name, value in read_arrays(source).items()}
        missing = X if X not in arrays else Y or f"labels ({', '.join(_LABELS)})"
        raise DatasetError(f"{source} has no {missing}; it holds {held or 'no arrays'}")
    try:
        return columns(arrays[X], arrays[labels], rows=rows)
    except ValueError as error:
        raise DatasetError(f"{source}: {error}") from None


def columns(X: Any, Y: Any, *, rows: bool | None = None) -> tuple[Array, Array]:
    """Return X as columns, (n_x, m), and Y as (1, m), float64, whichever way round they are.

    Raises
    ------
    ValueError
        If the shapes do not tell: the message shows them.

    Examples
    --------
    >>> X, Y = columns(np.ones((5, 2)), np.array([1, 0, 1, 1, 0], dtype="uint8"))
    >>> X.shape, Y.shape, Y.dtype
    ((2, 5), (1, 5), dtype('float64'))
    """
    features, labels = np.asarray(X), np.asarray(Y)
    told = f"X is {features.shape} and Y is {labels.shape}"
    for name, array in (("X", features), ("Y", labels)):
        if array.dtype.kind not in "fiub":
            raise ValueError(f"{name} is an array of {array.dtype}; expected real numbers")
    m = labels.size
    if features.ndim < 2 or labels.ndim > 2 or max(labels.shape, default=0) != m or m == 0:
        raise ValueError(f"{told}; expected X (m, n_x) or (n_x, m), and m labels: (m,), (m, 1) or (1, m)")
    first, last = features.shape[0] == m, features.shape[-1] == m
    if rows is None and first and last:
        if labels.ndim == 1 or m == 1:
            raise ValueError(f"{told}: are examples rows or columns? Say rows=True or rows=False")
        rows = labels.shape[0] == m
    elif rows is None:
        if not (first or last):
            raise ValueError(f"{told}: there are {m} labels, and X has {m} neither rows nor columns")
        rows = first
    if not (first if rows else last):
        raise ValueError(f"{told}: X has not {m} {'rows' if rows else 'columns'}, one for each label")
    return as_columns(features if rows else np.moveaxis(features, -1, 0), labels)


def read_csv(
    path: str | os.PathLike[str], label: str | int = -1, *, delimiter: str = ","
) -> tuple[Array, Array, list[str]]:
    r"""Read a table, an example a row, and return X (n_x, m), Y (1, m) and the names of the classes.

    Parameters
    ----------
    path : path
        A first row that is no numbers is taken for names.
    label : str or int
        The column of the labels, by name or place; by default the last.
    delimiter : str

    Returns
    -------
    X : ndarray of float64, shape (n_x, m)
    Y : ndarray of float64, shape (1, m)
        The labels, or their places among the names where they are text.
    classes : list of str
        The names, in alphabetical order; empty for numbers.

    Raises
    ------
    DatasetError
        For a cell that is no number, rows of different lengths, a column that is not there.

    Examples
    --------
    >>> _ = Path("flowers.csv").write_text("width,length,kind\n1,2.5,iris\n3,0.5,aster\n")
    >>> X, Y, classes = read_csv("flowers.csv")
    >>> X.tolist(), Y.tolist(), classes
    ([[1.0, 3.0], [2.5, 0.5]], [[1.0, 0.0]], ['aster', 'iris'])
    """
    source = Path(path)
    with source.open(newline="", encoding="utf-8-sig") as file:
        table = [row for row in csv.reader(file, delimiter=delimiter) if row]
    if not table:
        raise DatasetError(f"{source} is empty")
    named = all(_number(cell) is None for cell in table[0])
    header = [cell.strip() for cell in table[0]] if named else None
    body = table[1:] if header else table
    place = _place(source, label, header, len(table[0]))
    width = len(table[0])
    begin = 2 if header else 1
    for line, row in enumerate(body, start=begin):
        if len(row) != width:
            raise DatasetError(f"{source}, row {line}: {len(row)} cells; the first row has {width}")
    cells = [[row[j] for j in range(width) if j != place] for row in body]
    kept = [j for j in range(width) if j != place]
    numbers = [[_number(cell) for cell in row] for row in cells]
    for line, found in enumerate(numbers, start=begin):
        for j, value in zip(kept, found, strict=True):
            if value is None or not np.isfinite(value):
                name = header[j] if header else f"column {j + 1}"
                raise DatasetError(f"{source}, row {line}, {name}: {body[line - begin][j]!r} is no number")
    said = [row[place].strip() for row in body]
    values: list[float | None] = [_number(word) for word in said]
    names: list[str] = []
    if any(value is None for value in values):
        names = sorted(set(said))
        values = list(map(float, map(names.index, said)))
    if not body:
        raise DatasetError(f"{source} has a row of names and no examples")
    X, Y = as_columns(np.array(numbers, dtype=np.float64), np.array(values, dtype=np.float64))
    return X, Y, names


def _place(source: Path, label: str | int, header: list[str] | None, width: int) -> int:
    if isinstance(label, str):
        if header is None or label not in header:
            raise DatasetError(
                f"{source} has no column {label!r}; it has {header or f'{width} without names'}"
            )
        return header.index(label)
    if not -width <= label < width:
        raise DatasetError(f"{source} has {width} columns, and no column {label}")
    return label % width


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def read_pictures(
    folder: str | os.PathLike[str], size: Sequence[int] = (64, 64), *, colours: int = 3
) -> tuple[Array, Array, list[str]]:
    """Read a folder with a folder of pictures for each class; return X, Y and the names of the classes.

    Parameters
    ----------
    folder : path
        ``pets/cat/1.jpg``, ``pets/dog/1.png``: needs Pillow.
    size : sequence of two int
        Height and width that all are brought to.
    colours : int
        3, or 1 for grey.

    Returns
    -------
    X : ndarray of float64, shape (height * width * colours, m)
        Values in [0, 1].
    Y : ndarray of float64, shape (1, m)
        The place of each one's class in the names.
    classes : list of str

    Raises
    ------
    DatasetError
        If there are no pictures, or a file is none.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    top = Path(folder)
    if not top.is_dir():
        raise DatasetError(f"{top} is no folder")
    found: list[tuple[str, Path]] = [
        (inner.name, path)
        for inner in sorted(top.iterdir())
        if inner.is_dir()
        for path in sorted(inner.iterdir())
        if path.suffix.lower() in _PICTURES
    ]
    if not found:
        raise DatasetError(f"{top} has no folder of pictures for each class, such as {top / 'cat' / '1.jpg'}")
    classes = sorted({name for name, _ in found})
    height, width = size
    pictures: list[NDArray[Any]] = []
    for _, path in found:
        try:
            with Image.open(path) as opened:
                upright = ImageOps.exif_transpose(opened).convert("RGB" if colours == 3 else "L")
                small = upright.resize((width, height), Image.Resampling.BILINEAR)
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError) as error:
            raise DatasetError(f"{path} is no picture that can be read: {error}") from error
        pictures.append(np.asarray(small, dtype=np.float64) / 255.0)
    X, Y = as_columns(np.stack(pictures), [classes.index(name) for name, _ in found])
    return X, Y, classes
