"""Norms of vectors and matrices.

A norm's gradient at the origin is 0; equal maxima share it.
"""

import math
from typing import Any

import numpy as np

from tinygrad_course.rules.elementwise import quotient
from tinygrad_course.rules.shapes import Axes, by_formula, normalize, restore
from tinygrad_course.rules.table import composed, rule

# ------------------------------------------------------------------ vector norms


def shared(values: Any, extreme: Any, axis: Axes) -> Any:
    """1 where a value is the extreme, divided among equal ones."""
    hit = values == extreme
    return hit / np.sum(hit, axis=axis, keepdims=True, dtype=values.dtype.type)


def vector_norm_slope(x: Any, y: Any, ord: Any, axis: Axes) -> Any:
    """The gradient of a vector norm y, which has its axis kept."""
    if ord is None or ord == 2:
        return quotient(x, y)
    if ord == 1:
        return np.sign(x)
    if ord == 0:
        return x * 0.0
    size = np.abs(x)
    if abs(ord) == math.inf:
        return np.sign(x) * shared(size, y, axis)
    # |x|**(p - 1) / y**(p - 1), by the ratio, which neither overflows nor divides by 0 at the origin
    ratio = quotient(size, y)
    return np.sign(x) * (ratio + (ratio == 0)) ** (ord - 1)


@by_formula
def norm_vjp(g: Any, y: Any, x: Any, ord: Any = None, axis: Axes = None, keepdims: Any = False) -> Any:
    if axis is None and (ord is None or x.ndim == 1 or (x.ndim == 2 and ord in ("fro", "f"))):
        return g * vector_norm_slope(x, y, None if isinstance(ord, str) else ord, None)
    axes = normalize(axis, x.ndim)
    g, y = restore(g, x.shape, axes, keepdims), restore(y, x.shape, axes, keepdims)
    if len(axes) == 1:
        return g * vector_norm_slope(x, y, ord, axes)
    if ord in (None, "fro", "f"):
        return g * quotient(x, y)
    return g * matrix_norm_slope(x, y, ord, axes)


def matrix_norm_slope(x: Any, y: Any, ord: Any, axes: tuple[int, ...]) -> Any:
    """The gradient of a matrix norm y other than Frobenius', with both axes kept."""
    row, column = axes
    if ord in (1, -1, math.inf, -math.inf):
        along = row if abs(ord) == 1 else column
        sums = np.sum(np.abs(x), axis=along, keepdims=True)
        # not y: a compiled program may add in another order than it does
        extreme = (np.max if ord > 0 else np.min)(sums, axis=axes, keepdims=True)
        return np.sign(x) * shared(sums, extreme, axes)
    u, s, vt = np.linalg.svd(np.moveaxis(x, axes, (-2, -1)), full_matrices=False)
    extreme = s if ord == "nuc" else s[..., :1] if ord == 2 else s[..., -1:]
    weights = np.sign(s) if ord == "nuc" else np.sign(s) * shared(s, extreme, -1)
    return np.moveaxis(np.matmul(u * weights[..., None, :], vt), (-2, -1), axes)


rule(np.linalg.norm, norm_vjp)


def extreme_entries(x: Any, ord: Any = None, axis: Axes = None, keepdims: Any = False) -> Any:
    """Which entries a norm that is a maximum or minimum is made of; None for another norm."""
    axes = normalize(axis, x.ndim)
    if ord not in ((math.inf, -math.inf) if len(axes) == 1 else (1, -1, math.inf, -math.inf)):
        return None
    sizes = np.abs(x)
    if len(axes) == 2:
        sizes = np.sum(sizes, axis=axes[0 if abs(ord) == 1 else 1], keepdims=True)
    extreme = (np.max if ord > 0 else np.min)(sizes, axis=axes, keepdims=True)
    return np.broadcast_to(sizes == extreme, x.shape)


@composed(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    if p is None or p in (2, -2):
        s = np.linalg.svdvals(x)
        largest, smallest = np.max(s, axis=-1), np.min(s, axis=-1)  # equal ones share, as in the norms
        return smallest / largest if p == -2 else largest / smallest
    return np.linalg.norm(x, p, (-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, (-2, -1))
