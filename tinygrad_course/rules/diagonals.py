"""Diagonals and traces: reading a diagonal, and writing one into zeros."""

from typing import Any

import numpy as np

from tinygrad_course.rules.shapes import spread
from tinygrad_course.rules.table import composed, primitive, rule


@primitive
def on_diagonal(values: Any, shape: tuple[int, ...], offset: int, axis1: int, axis2: int) -> Any:
    """Zeros with `values` (along their last axis) on a diagonal: `np.diagonal`, the other way."""
    offset = int(offset)  # it may be unsigned
    out = np.zeros_like(values, shape=shape)
    matrices = np.moveaxis(out, (axis1, axis2), (-2, -1))
    i = np.arange(values.shape[-1])
    matrices[..., i + max(-offset, 0), i + max(offset, 0)] = values
    return out


def trace_vjp(
    g: Any, y: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None
) -> Any:
    offset = int(offset)
    n = max(0, min(a.shape[axis1] + min(offset, 0), a.shape[axis2] - max(offset, 0)))
    return on_diagonal(spread(g[..., None], (*g.shape, n)), a.shape, offset, axis1, axis2)


rule(
    np.diagonal,
    lambda g, y, a, offset=0, axis1=0, axis2=1: on_diagonal(g, a.shape, offset, axis1, axis2),
    saves=False,
    chooses=(),
)
rule(
    on_diagonal,
    lambda g, y, values, shape, offset, axis1, axis2: np.diagonal(g, offset, axis1, axis2),
    saves=False,
    name="diagonal",
)
rule(np.trace, trace_vjp, saves=False, chooses=())


@composed(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    if v.ndim == 2:
        return np.diagonal(v, k)
    if v.ndim != 1:
        raise ValueError(f"np.diag takes a vector or a matrix, not an array of shape {v.shape}")
    n = v.shape[0] + abs(k)
    return on_diagonal(v, (n, n), k, 0, 1)


composed(np.diagflat)(lambda v, k=0: diag(v.reshape(-1), k))
