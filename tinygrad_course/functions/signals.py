"""Convolution and correlation of arrays of any dimension, with the names and arguments of `scipy.signal`."""

from typing import Any

import numpy as np

from tinygrad_course.functions.convolution import conv


def convolve(in1: Any, in2: Any, mode: str = "full") -> Any:
    """Return the convolution of two arrays of the same number of axes: `scipy.signal.convolve`.

    Parameters
    ----------
    in1, in2 : array
    mode : "full", "same" or "valid"
        Every overlap; as many as in1 has, from the middle; those where one array lies within the other.

    Examples
    --------
    >>> convolve(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 0.5]))
    array([0. , 1. , 2.5, 4. , 1.5])
    """
    return correlate(in1, in2[(slice(None, None, -1),) * len(in2.shape)], mode)


def correlate(in1: Any, in2: Any, mode: str = "full") -> Any:
    """Return the cross-correlation of two arrays, of which in2 moves: `scipy.signal.correlate`.

    Examples
    --------
    >>> correlate(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 0.5]), mode="same")
    array([2. , 3.5, 3. ])
    """
    if mode not in ("full", "same", "valid"):
        raise ValueError(f'mode is {mode!r}; expected "full", "same" or "valid"')
    if len(in1.shape) != len(in2.shape) or not in1.shape:
        raise ValueError(f"in1 is {in1.shape} and in2 {in2.shape}; expected as many axes, one or more")
    if mode == "valid" and not (_inside(in1, in2) or _inside(in2, in1)):
        raise ValueError(
            f'mode="valid" needs one array within the other, and they are {in1.shape} and {in2.shape}'
        )
    if mode == "valid" and _inside(in1, in2):
        return _cut(in2, in1, mode)[(slice(None, None, -1),) * len(in1.shape)]
    return _cut(in1, in2, mode)


def _inside(small: Any, large: Any) -> bool:
    return all(a <= b for a, b in zip(small.shape, large.shape, strict=True))


def _cut(x: Any, kernel: Any, mode: str) -> Any:
    """Return the kernel's products with the windows of x, of the overlaps that the mode asks for."""
    before = [n - 1 for n in kernel.shape] if mode != "valid" else [0] * len(kernel.shape)
    full = conv(np.reshape(x, (1, *x.shape, 1)), np.reshape(kernel, (*kernel.shape, 1, 1)), pad=before)
    y = np.reshape(full, full.shape[1:-1])
    if mode != "same":
        return y
    starts = [(n - m) // 2 for n, m in zip(y.shape, x.shape, strict=True)]
    return y[tuple(slice(a, a + m) for a, m in zip(starts, x.shape, strict=True))]
