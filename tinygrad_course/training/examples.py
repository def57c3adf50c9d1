"""What a network is given, looked at before it is used: orientation, missing values, labels."""

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.engine.trees import Array
from tinygrad_course.functions import one_hot as one_hot_columns


def check_X(X: ArrayLike, n_x: int, dtype: DTypeLike) -> Array:
    """Return X as an array of `dtype`, or say what is wrong with it.

    Raises TypeError if it holds something else than real numbers; ValueError if it is not (n_x, m) with m at
    least 1, or holds a NaN or an infinity.

    >>> check_X(np.zeros((400, 2)), 2, np.float64)
    Traceback (most recent call last):
    ValueError: X is (400, 2), and the first layer has 2 units: examples are columns; did you mean X.T?
    """
    array = _real(X, "X")
    if array.ndim != 2:
        hint = {0: "", 1: f"; X.reshape({n_x}, -1) has examples as columns"}.get(
            array.ndim, "; X.reshape(X.shape[0], -1).T flattens one picture a row into columns"
        )
        raise ValueError(f"X is {array.shape}; expected ({n_x}, m), examples as columns{hint}")
    if array.shape[0] != n_x:
        hint = "; did you mean X.T?" if array.shape[1] == n_x else ""
        raise ValueError(
            f"X is {array.shape}, and the first layer has {n_x} units: examples are columns{hint}"
        )
    if array.shape[1] == 0:
        raise ValueError(f"X is {array.shape}: it holds no examples")
    _finite(array, "X")
    return array.astype(dtype, copy=False)


def check_Y(Y: ArrayLike, m: int, n: int, dtype: DTypeLike, last: str) -> Array:
    """Return what a network of n units in its last layer learns of m examples, as columns of `dtype`, (n, m).

    After the activation `last` of "identity" these are numbers, else labels 0 and 1; of a "softmax" also
    classes, (1, m), which are made columns. Raises ValueError if the shape is another, or there is a label or
    a number that is none.

    >>> check_Y(np.array([[0, 2, 1]]), 3, 1, np.float64, "sigmoid")
    Traceback (most recent call last):
    ValueError: Y holds 2 at [0, 1]; labels are 0 and 1
    >>> check_Y(np.zeros((3, 1)), 3, 1, np.float64, "identity")
    Traceback (most recent call last):
    ValueError: Y is (3, 1); expected (1, 3), a column for each column of X; did you mean Y.T?
    """
    array, numbers, one_hot = _real(Y, "Y"), last == "identity", last == "softmax"
    if one_hot and array.shape == (1, m):
        _finite(array, "Y")
        columns: Array = one_hot_columns(array, n).astype(dtype, copy=False)
        return columns
    if array.shape != (n, m):
        expected = f"({n}, {m})" + (f", or (1, {m}) of classes" if one_hot else "")
        hint, each = "", "column" if numbers else "label"
        if array.shape == (m,):
            hint = "; did you mean Y.reshape(1, -1)?"
        elif array.shape in {(m, n), (m, n if numbers else 1)}:
            hint = "; did you mean Y.T?"
        raise ValueError(f"Y is {array.shape}; expected {expected}, a {each} for each column of X{hint}")
    _finite(array, "Y")
    wrong = (array != 0) & (array != 1)
    if np.any(wrong) and not numbers:
        raise ValueError(f"Y holds {_first(array, wrong)}; labels are 0 and 1")
    if one_hot and np.any(np.sum(array, axis=0) != 1):
        column = int(np.flatnonzero(np.sum(array, axis=0) != 1)[0])
        raise ValueError(f"column {column} of Y is {array[:, column]}; one-hot columns hold a single 1")
    return array.astype(dtype, copy=False)


def _real(data: ArrayLike, name: str) -> Array:
    if isinstance(data, Tensor):
        raise TypeError(f"{name} is a Tensor; a network takes plain arrays, and what was recorded has .data")
    array = np.asarray(data)
    if array.dtype.kind not in "fiub":
        of_text = name == "Y" and array.dtype.kind == "U" and array.size
        hint = f": (Y == {str(array.flat[0])!r}) * 1 has 0 and 1" if of_text else ""
        raise TypeError(f"{name} is an array of {array.dtype}; expected real numbers{hint}")
    return array


def _finite(array: Array, name: str) -> None:
    wrong = ~np.isfinite(array)
    if np.any(wrong):
        raise ValueError(f"{name} holds {_first(array, wrong)}; fill in or leave out such examples")


def _first(array: Array, wrong: NDArray[np.bool_]) -> str:
    """Return "nan at [0, 3]"."""
    index = tuple(int(i[0]) for i in np.nonzero(wrong))
    return f"{array[index]} at {list(index)}"
