"""Arrays that are filled piece by piece, and nests of Tensors and numbers made one Tensor."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.rules.shapes import as_array
from tinygrad_course.rules.table import is_tensor


def zeros(shape: int | Sequence[int], dtype: DTypeLike = np.float64) -> Tensor:
    """Return a Tensor of zeros to be filled: what is written to it is recorded.

    It takes the place of `np.zeros` where a loop computes an array element by element; a plain array can't
    remember what it was filled with, and refuses Tensors.

    Examples
    --------
    Euler's method for y' = -k y:

    >>> from tinygrad_course import grad, zeros
    >>> def last(k):
    ...     y = zeros(11)
    ...     y[0] = 1.0
    ...     for n in range(10):
    ...         y[n + 1] = y[n] - 0.1 * k * y[n]
    ...     return y[-1]
    >>> print(grad(last)(1.0).round(6), round(-10 * 0.1 * 0.9**9, 6))
    -0.38742 -0.38742
    """
    return _buffer(np.zeros(shape, dtype), dtype)


def _buffer(a: Any, dtype: DTypeLike | None = None) -> Tensor:
    if a.dtype.kind == "c":  # what lies between leaves and costs
        return _buffer(a.real).astype(a.dtype)
    # A Tensor of no axes holds a number, as what NumPy computes does; a view of no axes can be written to.
    tensor: Tensor = Tensor(a, dtype=dtype) if a.ndim else Tensor(a[None], dtype=dtype).reshape(())
    return tensor


def zeros_like(x: Any, dtype: DTypeLike | None = None) -> Any:
    """Return zeros of x's shape to be filled: a Tensor where x is one, else NumPy's array.

    So a function that fills a buffer goes on to work on plain arrays.

    Examples
    --------
    >>> from tinygrad_course import grad, zeros_like
    >>> def squares(x):
    ...     y = zeros_like(x)
    ...     for i in range(len(x)):
    ...         y[i] = x[i] ** 2
    ...     return np.sum(y)
    >>> x = np.array([1.0, 2.0])
    >>> print(squares(x), grad(squares)(x))
    5.0 [2. 4.]
    """
    like = np.zeros_like(x, dtype=dtype)
    return _buffer(like) if is_tensor(x) else like


def array(nest: Any) -> Any:
    """Join a nest of lists and tuples of Tensors, arrays and numbers to one Tensor, as `np.array` does.

    A nest without Tensors gives NumPy's array.

    Raises
    ------
    ValueError
        If parts of one level differ in shape.

    Examples
    --------
    >>> from tinygrad_course import array, grad
    >>> def rotated(t):
    ...     R = array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
    ...     return (R @ np.array([1.0, 0.0]))[1]
    >>> print(grad(rotated)(0.0))
    1.0
    """
    return as_array(nest) if isinstance(nest, (list, tuple)) else np.copy(nest)
