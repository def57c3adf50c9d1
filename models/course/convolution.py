"""Assignment 4.1 (course 4, week 1): convolution and pooling by hand, step by step; backward by the graph.

The forward functions are the assignment's loops over examples, positions and channels;
`tinygrad_course.functions` has the same as one matrix product.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from datasets.container import Array
from tinygrad_course import vjp
from tinygrad_course.functions import average_pool, conv, max_pool

__all__ = [
    "conv_backward",
    "conv_forward",
    "conv_single_step",
    "pool_backward",
    "pool_forward",
    "zero_pad",
]

Sizes = dict[str, int]


def zero_pad(X: Array, pad: int) -> Array:
    """Return the pictures (m, n_H, n_W, n_C) with so many zeros around each.

    Examples
    --------
    >>> zero_pad(np.ones((4, 3, 3, 2)), 2).shape
    (4, 7, 7, 2)
    """
    return np.pad(X, ((0, 0), (pad, pad), (pad, pad), (0, 0)))


def conv_single_step(a_slice_prev: Array, W: Array, b: Array) -> Any:
    """Return the sum of a window times the kernel, plus b."""
    return np.sum(a_slice_prev * W) + b.item()


def conv_forward(A_prev: Array, W: Array, b: Array, hparameters: Sizes) -> tuple[Array, tuple[Any, ...]]:
    """Return Z (m, n_H, n_W, n_C) and the cache (A_prev, W, b, hparameters).

    Parameters
    ----------
    A_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C_prev)
    W : ndarray, shape (f, f, n_C_prev, n_C)
    b : ndarray, shape (1, 1, 1, n_C)
    hparameters : dict with "stride" and "pad"

    Examples
    --------
    >>> random = np.random.RandomState(1)
    >>> A_prev, W, b = random.randn(10, 4, 4, 3), random.randn(2, 2, 3, 8), random.randn(1, 1, 1, 8)
    >>> Z, cache = conv_forward(A_prev, W, b, {"pad": 2, "stride": 2})
    >>> print(np.mean(Z).round(13))
    0.0489952035289
    >>> bool(np.allclose(Z, conv(A_prev, W, b, stride=2, pad=2)))
    True
    """
    stride, pad = hparameters["stride"], hparameters["pad"]
    m, n_H_prev, n_W_prev, _ = A_prev.shape
    f, _, _, n_C = W.shape
    n_H = (n_H_prev - f + 2 * pad) // stride + 1
    n_W = (n_W_prev - f + 2 * pad) // stride + 1
    Z = np.zeros((m, n_H, n_W, n_C))
    A_prev_pad = zero_pad(A_prev, pad)
    for i in range(m):
        for h in range(n_H):
            for w in range(n_W):
                a_slice = A_prev_pad[i, h * stride : h * stride + f, w * stride : w * stride + f, :]
                for c in range(n_C):
                    Z[i, h, w, c] = conv_single_step(a_slice, W[..., c], b[..., c])
    return Z, (A_prev, W, b, hparameters)


def pool_forward(A_prev: Array, hparameters: Sizes, mode: str = "max") -> tuple[Array, tuple[Any, ...]]:
    """Return A (m, n_H, n_W, n_C), the largest element or the mean of each window, and a cache.

    Parameters
    ----------
    A_prev : ndarray, shape (m, n_H_prev, n_W_prev, n_C)
    hparameters : dict with "f" and "stride"
    mode : "max" or "average"

    Examples
    --------
    >>> A_prev = np.random.RandomState(1).randn(2, 4, 4, 3)
    >>> pool_forward(A_prev, {"stride": 2, "f": 3})[0][0, 0, 0].round(8)
    array([1.74481176, 0.86540763, 1.13376944])
    """
    f, stride = hparameters["f"], hparameters["stride"]
    m, n_H_prev, n_W_prev, n_C = A_prev.shape
    n_H, n_W = (n_H_prev - f) // stride + 1, (n_W_prev - f) // stride + 1
    A = np.zeros((m, n_H, n_W, n_C))
    pooled: Any = {"max": np.max, "average": np.mean}[mode]
    for i in range(m):
        for h in range(n_H):
            for w in range(n_W):
                for c in range(n_C):
                    window = A_prev[i, h * stride : h * stride + f, w * stride : w * stride + f, c]
                    A[i, h, w, c] = pooled(window)
    return A, (A_prev, hparameters)


def conv_backward(dZ: Array, cache: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Return dA_prev, dW and db, from the graph.

    Examples
    --------
    >>> random = np.random.RandomState(1)
    >>> A_prev, W, b = random.randn(10, 4, 4, 3), random.randn(2, 2, 3, 8), random.randn(1, 1, 1, 8)
    >>> Z, cache = conv_forward(A_prev, W, b, {"pad": 2, "stride": 2})
    >>> dA_prev, dW, db = conv_backward(Z, cache)
    >>> print(np.mean(dA_prev).round(11), np.mean(dW).round(11), np.mean(db).round(11))
    1.45243777754 1.72699145831 7.83923256462
    """
    A_prev, W, b, hparameters = cache
    _, pullback = vjp(
        lambda A_prev, W, b: conv(A_prev, W, b, hparameters["stride"], hparameters["pad"]), A_prev, W, b
    )
    dA_prev, dW, db = pullback(dZ)
    return dA_prev, dW, db


def pool_backward(dA: Array, cache: tuple[Any, ...], mode: str = "max") -> Array:
    """Return dA_prev, from the graph. Equal elements share; the assignment's mask gives each all of it."""
    A_prev, hparameters = cache
    pool = {"max": max_pool, "average": average_pool}[mode]
    _, pullback = vjp(lambda A_prev: pool(A_prev, hparameters["f"], hparameters["stride"]), A_prev)
    (dA_prev,) = pullback(dA)
    result: Array = dA_prev
    return result
