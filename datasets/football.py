"""The course's football pitch: assignment 2.1 on regularisation (course 2, week 1).

Points where a ball was headed, labelled by the team that got it, in the MATLAB file ``data.mat``: X (211, 2),
y (211, 1), and Xval (200, 2), yval (200, 1). ``python -m datasets.football`` describes them,
``python -m datasets.football --download`` fetches them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.container import Dataset, as_columns
from datasets.files import OTHER, DatasetError, Folder, expect, find, is_original
from datasets.matrices import read_arrays

__all__ = ["load"]

FILE = "data.mat"


def load(folder: Folder = None) -> Dataset:
    """Load the pitch: 211 training and 200 test points.

    Parameters
    ----------
    folder : path, optional
        The folder with ``data.mat``; otherwise the one ``TINYGRAD_COURSE_DATA`` names, otherwise
        ``datasets/``.

    Returns
    -------
    Dataset
        X_train (2, 211), Y_train (1, 211), X_test (2, 200), Y_test (1, 200); the file's labels are uint8,
        these are float64.

    Raises
    ------
    FileNotFoundError
        If the file is missing; the message says how to get it.
    DatasetError
        If the file is damaged or is another one; the message names what is wrong.

    Examples
    --------
    >>> from datasets import football
    >>> football.load()  # doctest: +SKIP
    <Dataset football: X_train (2, 211), Y_train (1, 211), X_test (2, 200), Y_test (1, 200)>
    """
    path = find(FILE, folder)
    arrays = _read(path)
    X_train, Y_train = as_columns(arrays["X"], arrays["y"])
    X_test, Y_test = as_columns(arrays["Xval"], arrays["yval"])
    verified = is_original(path)
    return Dataset(
        "football",
        X_train,
        Y_train,
        X_test,
        Y_test,
        classes=("the other team's ball", "our team's ball"),
        source=f"{path.parent}{'' if verified else OTHER}",
        verified=verified,
    )


def _read(path: Path) -> dict[str, NDArray[Any]]:
    """Read and check the four arrays."""
    wanted = ("X", "y", "Xval", "yval")
    try:
        arrays = read_arrays(path, wanted)
    except DatasetError as error:
        raise DatasetError(
            f"{error}. If it is the course's, fetch it again with `python -m datasets.football --download`"
        ) from error
    missing = [name for name in wanted if name not in arrays]
    expect(not missing, path, f"no variable {', '.join(missing)}", "the course's X, y, Xval and yval")
    for points, labels in (("X", "y"), ("Xval", "yval")):
        X, y = arrays[points], arrays[labels]
        m = X.shape[0]
        expect(X.shape == (m, 2) and m > 0, path, f"{points} is {X.shape}", "(m, 2), a point a row")
        expect(
            y.shape == (m, 1), path, f"{labels} is {y.shape}", f"({m}, 1), a label for each row of {points}"
        )
        for name, array in ((points, X), (labels, y)):
            expect(array.dtype.kind in "iufb", path, f"{name} is {array.dtype}", "real numbers")
        expect(bool(np.isfinite(X).all()), path, f"{points} holds a NaN or an infinity", "finite numbers")
        wrong = y[(y != 0) & (y != 1)]
        expect(wrong.size == 0, path, f"{labels} holds the label {wrong[:1].tolist()}", "0 or 1")
    return arrays


if __name__ == "__main__":
    from datasets.command import main

    raise SystemExit(main(__spec__.name, load, [FILE]))
