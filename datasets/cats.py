"""The course's cat pictures: assignments 1.2 and 1.4 (course 1, weeks 2 and 4).

Two HDF5 files, ``train_catvnoncat.h5`` and ``test_catvnoncat.h5``, each with the pictures (m, 64, 64, 3) as
uint8, the labels (m,) as int64 (1 = cat), and the names of the two classes. ``python -m datasets.cats``
describes them, ``python -m datasets.cats --download`` fetches them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.container import Dataset, as_columns
from datasets.files import OTHER, DatasetError, Folder, expect, find, is_original

__all__ = ["load"]

TRAIN, TEST = "train_catvnoncat.h5", "test_catvnoncat.h5"
MOST_BYTES = 2**28  # a hundred times the course's pictures


def load(folder: Folder = None) -> Dataset:
    """Load the cats: 209 training and 50 test pictures of 64 x 64 pixels in three colours.

    Parameters
    ----------
    folder : path, optional
        The folder with both files; otherwise the one ``TINYGRAD_COURSE_DATA`` names, otherwise ``datasets/``.

    Returns
    -------
    Dataset
        X_train (12288, 209) and X_test (12288, 50), scaled to [0, 1] by 1/255; Y_train (1, 209) and Y_test
        (1, 50).

    Raises
    ------
    FileNotFoundError
        If a file is missing; the message says how to get it.
    DatasetError
        If a file is damaged or is another one; the message names what is wrong.

    Examples
    --------
    >>> from datasets import cats
    >>> cats.load()  # doctest: +SKIP
    <Dataset cats: X_train (12288, 209), Y_train (1, 209), X_test (12288, 50), Y_test (1, 50)>
    """
    train_path, test_path = find(TRAIN, folder), find(TEST, folder)
    train, train_labels, classes = _read(train_path, "train")
    test, test_labels, test_classes = _read(test_path, "test")
    expect(
        test.shape[1:] == train.shape[1:],
        test_path,
        f"its pictures are {test.shape[1:]}",
        f"{train.shape[1:]}, as in {TRAIN}",
    )
    expect(test_classes == classes, test_path, f"its classes are {test_classes}", f"{classes}, as in {TRAIN}")
    X_train, Y_train = as_columns(train, train_labels)
    X_test, Y_test = as_columns(test, test_labels)
    verified = is_original(train_path) and is_original(test_path)
    places = dict.fromkeys(str(path.parent) for path in (train_path, test_path))
    return Dataset(
        "cats",
        X_train / 255.0,
        Y_train,
        X_test / 255.0,
        Y_test,
        classes=classes,
        source=f"{' and '.join(places)}{'' if verified else OTHER}",
        picture_shape=train.shape[1:],
        verified=verified,
    )


def _read(path: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[Any], tuple[str, str]]:
    """Read and check one file: pictures (m, height, width, 3), labels (m,), names of the classes."""
    try:
        with h5py.File(path, "r") as file:
            pictures, labels, names = _members(file, path, part)
            _check(pictures, labels, path, part)
            return pictures[()], _binary(labels[()], path, part), _classes(names[()], path)
    except DatasetError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError) as error:
        raise DatasetError(f"{path}: {_damage(path, error)}") from error


def _members(file: Any, path: Path, part: str) -> list[Any]:
    wanted = [f"{part}_set_x", f"{part}_set_y", "list_classes"]
    other = "test" if part == "train" else "train"
    held = sorted(file)
    missing = [name for name in wanted if not isinstance(file.get(name), h5py.Dataset)]
    if f"{part}_set_x" in missing and f"{other}_set_x" in held:
        raise DatasetError(
            f"{path}: it holds {other}_set_x, so it is the {other} file under the {part} file's name"
        )
    expect(
        not missing,
        path,
        f"no dataset {', '.join(missing)} (it holds {', '.join(held) or 'nothing'})",
        "the course's " + ", ".join(wanted),
    )
    return [file[name] for name in wanted]


def _check(pictures: Any, labels: Any, path: Path, part: str) -> None:
    x, y = f"{part}_set_x", f"{part}_set_y"
    expect(
        len(pictures.shape) == 4 and pictures.shape[3] == 3 and 0 not in pictures.shape,
        path,
        f"{x} is {pictures.shape}",
        "(m, height, width, 3)",
    )
    expect(pictures.dtype == np.uint8, path, f"{x} is {pictures.dtype}", "uint8, pixels of 0 to 255")
    expect(
        pictures.nbytes <= MOST_BYTES,
        path,
        f"{x} is {pictures.shape}, {pictures.nbytes:,} bytes",
        f"at most {MOST_BYTES:,}, for they become float64 in memory",
    )
    m = pictures.shape[0]
    expect(labels.shape == (m,), path, f"{y} is {labels.shape}", f"({m},), a label for each picture")
    expect(labels.dtype.kind in "iub", path, f"{y} is {labels.dtype}", "whole numbers")


def _binary(labels: NDArray[Any], path: Path, part: str) -> NDArray[Any]:
    wrong = labels[(labels != 0) & (labels != 1)]
    expect(wrong.size == 0, path, f"{part}_set_y holds the label {wrong[:1].tolist()}", "0 or 1 (1 = cat)")
    return labels


def _classes(names: Any, path: Path) -> tuple[str, str]:
    listed = [
        name.decode("utf-8", "replace") if isinstance(name, bytes) else name
        for name in np.ravel(names).tolist()
    ]
    expect(
        len(listed) == 2 and all(isinstance(name, str) for name in listed),
        path,
        f"list_classes holds {listed[:5]}",
        "the names of two classes",
    )
    return listed[0], listed[1]


def _damage(path: Path, error: Exception) -> str:
    """Say what is wrong with a file that h5py cannot read."""
    remedy = "delete it and fetch it again with `python -m datasets.cats --download`"
    with path.open("rb") as file:
        start = file.read(64)
    size = f"{path.stat().st_size} bytes"
    if "truncated" in str(error) or not start:
        return f"the file is cut short at {size}; {remedy}"
    if start.lstrip().startswith(b"<"):
        return f"this is a web page, not an HDF5 file; {remedy}"
    if not start.startswith(b"\x89HDF\r\n\x1a\n"):
        return f"this is not an HDF5 file ({size}, starting {start[:8]!r}); {remedy}"
    return f"the HDF5 file is damaged ({error}); {remedy}"


if __name__ == "__main__":
    from datasets.command import main

    raise SystemExit(main(__spec__.name, load, [TRAIN, TEST]))
