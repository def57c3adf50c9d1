"""`sliding_window_view`: the windows are a view, and what comes back to them is added up by slices."""

import itertools
import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tinygrad_course.rules.shapes import normalize
from tinygrad_course.rules.table import composed, primitive, rule

Lengths = tuple[int, ...]


@primitive
def windows(x: Any, sizes: Lengths, axes: Lengths) -> Any:
    """Every window over different axes, as a view."""
    return sliding_window_view(x, sizes, axes)


@primitive
def from_windows(g: Any, shape: Lengths, sizes: Lengths, axes: Lengths) -> Any:
    """Zeros of `shape` with each window of `g` added where it was seen."""
    out = np.zeros_like(g, shape=shape)
    n, k = len(shape), len(sizes)
    grid = np.moveaxis(out, axes, range(n - k, n))
    g = np.moveaxis(g, axes, range(n - k, n))  # the other axes, the positions, the places in the window
    positions = g.shape[n - k : n]
    by_place = math.prod(sizes) <= math.prod(positions)  # a loop over the fewer of the two
    for at in itertools.product(*map(range, sizes if by_place else positions)):
        seen: Any = tuple(slice(i, i + m) for i, m in zip(at, positions if by_place else sizes, strict=True))
        grid[(..., *seen)] += g[(..., *at)] if by_place else g[(..., *at, *(slice(None),) * k)]
    return out


rule(
    windows,
    lambda g, y, x, sizes, axes: from_windows(g, x.shape, sizes, axes),
    saves=False,
    name="sliding_window_view",
)
rule(
    from_windows,
    lambda g, y, w, shape, sizes, axes: windows(g, sizes, axes),
    saves=False,
    name="sum of windows",
)


@composed(sliding_window_view)
def view(x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False) -> Any:
    sizes = (window_shape,) if isinstance(window_shape, (int, np.integer)) else tuple(window_shape)
    axes = normalize(axis, x.ndim)
    if len(set(axes)) == len(axes):
        return windows(x, sizes, axes)
    for size, along in zip(sizes, axes, strict=True):
        x = windows(x, (size,), (along,))
    return x
