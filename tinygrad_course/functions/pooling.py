"""Max and average pooling: the largest, or the mean, of what a window sees of each channel."""

from typing import Any

import numpy as np

from tinygrad_course.functions.window_geometry import Padding, Sizes, Window, check_picture, each, grid_of
from tinygrad_course.rules.shapes import inexact
from tinygrad_course.rules.table import primitive, rule


@primitive
def largest(x: Any, window: Window) -> Any:
    """Return the largest element of each window."""
    return _joined(np.maximum, x, window, -np.inf)


def _joined(join: Any, x: Any, window: Window, around: float) -> Any:
    """Return what joins the elements of each window; around the picture stands a number."""
    x = window.inward(x)
    places = window.slices(window.positions(x.shape[2:]))
    x = window.padded(x, around)
    y = x[next(places)]
    for place in places:
        y = join(y, x[place])
    return window.outward(y)


def shares(x: Any, y: Any, window: Window) -> tuple[list[Any], Any]:
    """Return for each offset where it has its window's largest element, and how many have it."""
    places = window.slices(window.positions(x.shape[2:]))
    x = window.padded(x, -np.inf)
    hits = [x[place] == y for place in places]
    counts = hits[0].astype(y.dtype)
    for hit in hits[1:]:
        counts += hit
    return hits, np.maximum(counts, 1)  # NaN equals nothing


@primitive
def from_largest(g: Any, x: Any, y: Any, window: Window) -> Any:
    """Return g at the places of the elements that were the largest, in equal parts where there is a tie."""
    x = window.inward(x)
    hits, counts = shares(x, window.inward(y), window)
    g = window.inward(g) / counts
    return window.outward(window.gathered((g * hit for hit in hits), g, x.shape))


@primitive
def at_largest(h: Any, x: Any, y: Any, window: Window) -> Any:
    """Return the elements of h at the places where x is largest, the mean of them where x has a tie."""
    x, h = window.inward(x), window.padded(window.inward(h))
    hits, counts = shares(x, window.inward(y), window)
    places = window.slices(window.positions(x.shape[2:]))
    total = sum(h[place] * hit for place, hit in zip(places, hits, strict=True))
    return window.outward(total / counts)


rule(largest, lambda g, y, x, window: from_largest(g, x, y, window), name="max_pool")
rule(from_largest, lambda h, z, g, x, y, window: at_largest(h, x, y, window), None, None)
rule(at_largest, lambda g, z, h, x, y, window: from_largest(g, x, y, window), None, None)


@primitive
def sum_windows(x: Any, window: Window) -> Any:
    """Return the sum over each window."""
    return _joined(np.add, x, window, 0.0)


@primitive
def repeat_windows(g: Any, window: Window, shape: tuple[int, ...]) -> Any:
    """Return the sum of windows filled with g, each at its place."""
    g = window.inward(g)
    parts, full = [g] * int(np.prod(window.size)), (*g.shape[:2], *grid_of(shape, window.channels))
    return window.outward(window.gathered(parts, g, full))


rule(sum_windows, lambda g, y, x, window: repeat_windows(g, window, x.shape), name="sum_pool", saves=False)
rule(repeat_windows, lambda h, y, g, window, shape: sum_windows(h, window), saves=False)


def _pooling(A_prev: Any, f: Sizes, stride: Sizes | None, pad: Padding, channels: str) -> Window:
    check_picture(A_prev, channels, None, "A_prev")
    grid = grid_of(A_prev.shape, channels)
    size = each(f, len(grid), "f")
    window = Window.over(grid, size, size if stride is None else stride, pad, channels)
    if any(max(p) >= n for p, n in zip(window.pad, size, strict=True)):
        raise ValueError(f"pad={pad!r} leaves windows of f={f!r} outside the picture, without an element")
    return window


def max_pool(
    A_prev: Any, f: Sizes = 2, stride: Sizes | None = None, pad: Padding = "valid", channels: str = "last"
) -> Any:
    """Return the largest element of each window, channel by channel.

    Parameters
    ----------
    A_prev : array, shape (m, n_H_prev, n_W_prev, n_C)
        With ``channels="first"`` (m, n_C, n_H_prev, n_W_prev); any number of axes of the grid.
    f : int or one int for each axis
        The window's size.
    stride : int or one int for each axis, optional
        By default f: windows side by side.
    pad : "valid", "same", or int, or one int for each axis
        What is added around is never the largest.
    channels : "last" or "first"

    Returns
    -------
    array, shape (m, n_H, n_W, n_C), or (m, n_C, n_H, n_W)

    Notes
    -----
    Course 4, week 1. Equal elements share the gradient; the course's ``create_mask_from_window`` gives
    each all of it.

    Examples
    --------
    >>> max_pool(np.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    return largest(A_prev, _pooling(A_prev, f, stride, pad, channels))


def average_pool(
    A_prev: Any, f: Sizes = 2, stride: Sizes | None = None, pad: Padding = "valid", channels: str = "last"
) -> Any:
    """Return the mean of each window, channel by channel; what `pad` adds around is not counted.

    Parameters are those of `max_pool`.

    Examples
    --------
    >>> average_pool(np.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    A_prev = inexact(A_prev)
    window = _pooling(A_prev, f, stride, pad, channels)
    total = sum_windows(A_prev, window)
    if not any(map(any, window.pad)):
        return total / float(np.prod(window.size))
    grid = grid_of(A_prev.shape, channels)
    ones = np.ones((1, *grid, 1) if channels == "last" else (1, 1, *grid), A_prev.dtype)
    return total / sum_windows(ones, window)
