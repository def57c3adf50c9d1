"""How well labels and numbers are predicted: accuracy, the confusion matrix, R2."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def accuracy(labels: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share of labels that are predicted right.

    Raises
    ------
    ValueError
        If the shapes differ: NumPy would compare each with each.

    Examples
    --------
    >>> accuracy([[0, 1, 1, 0]], [[0, 1, 0, 0]])
    0.75
    """
    true, given = _alike(labels, predicted)
    return float(np.mean(true == given))


def confusion_matrix(
    labels: ArrayLike, predicted: ArrayLike, classes: int | None = None
) -> NDArray[np.int64]:
    """Return how often each class was taken for each: a row for the true class, a column for the predicted.

    Parameters
    ----------
    labels, predicted : arrays of whole numbers, of one shape
    classes : int, optional
        How many there are; by default up to the largest that occurs.

    Examples
    --------
    >>> confusion_matrix([[0, 1, 1, 0]], [[0, 1, 0, 0]])
    array([[2, 0],
           [1, 1]])
    """
    pair = _alike(labels, predicted)
    for values in pair:
        if np.any(parts := values != np.floor(values)):
            raise ValueError(f"classes are whole numbers, and not {values[parts][0]}; is it a probability?")
    true, given = (values.ravel().astype(np.int64) for values in pair)
    highest = int(max(true.max(initial=0), given.max(initial=0)))
    lowest = int(min(true.min(initial=0), given.min(initial=0)))
    n = highest + 1 if classes is None else classes
    if lowest < 0 or highest >= n:
        wrong = lowest if lowest < 0 else highest
        raise ValueError(f"there are {n} classes, 0 to {n - 1}, and a label is {wrong}")
    counts = np.bincount(n * true + given, minlength=n * n)
    return counts.reshape(n, n)


def r2(values: ArrayLike, predicted: ArrayLike) -> float:
    """Return 1 - sum((Y - A)**2) / sum((Y - mean)**2), the mean over the rows where there are several.

    1 is a perfect prediction, 0 as good as the mean. Of values that are all equal it is 1 if they are
    predicted exactly, and 0 otherwise.

    Examples
    --------
    >>> r2([[1.0, 2.0, 3.0]], [[1.0, 2.0, 4.0]])
    0.5
    """
    true, given = _alike(values, predicted)
    true, given = np.atleast_2d(true), np.atleast_2d(given)
    errors = np.sum((true - given) ** 2, axis=1)
    spread = np.sum((true - true.mean(axis=1, keepdims=True)) ** 2, axis=1)
    constant = spread == 0
    shares = np.where(constant, (errors == 0) * 1.0, 1 - errors / np.where(constant, 1.0, spread))
    return float(np.mean(shares))


def _alike(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    true, given = np.asarray(a), np.asarray(b)
    if true.shape != given.shape:
        raise ValueError(
            f"what is true is {true.shape} and what is predicted {given.shape}; they must be equal"
        )
    return true, given
