"""Products that are taken from a matrix where it lies: BLAS's gemm, which NumPy calls for products alone."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import numpy as np

_BY_ROWS, _AS_IT_IS, _TURNED = 101, 111, 112


@functools.cache
def gemm(dtype: Any) -> Any:
    """Return BLAS's function for matrices of a dtype, as NumPy brings it with 64-bit integers; or None."""
    letter, real = {"f4": ("s", ctypes.c_float), "f8": ("d", ctypes.c_double)}[np.dtype(dtype).str[1:]]
    library = ctypes.CDLL(np.linalg._umath_linalg.__file__)  # noqa: SLF001  (a module of its own name)
    found = [f for p in ("scipy_", "") if (f := getattr(library, f"{p}cblas_{letter}gemm64_", None))]
    if not found:
        return None
    order, size, pointer = [ctypes.c_int] * 3, ctypes.c_int64, ctypes.c_void_p
    found[0].argtypes = [*order, size, size, size, real, pointer, size, pointer, size, real, pointer, size]
    found[0].restype = None
    return found[0]


def subtract_product(W: Any, D: Any, B: Any) -> None:
    """Take D @ B from W, whose rows are contiguous, where it lies."""
    (d, D_order, D_pitch), (b, B_order, B_pitch) = map(_laid, (D, B))
    (m, n), k = W.shape, D.shape[1]
    gemm(W.dtype)(
        *(_BY_ROWS, D_order, B_order, m, n, k, -1.0, d.ctypes.data, D_pitch, b.ctypes.data, B_pitch),
        *(1.0, W.ctypes.data, n),
    )


def _laid(x: Any) -> tuple[Any, int, int]:
    """Return a matrix, or a copy, as BLAS reads it: by rows or by columns, so many entries apart."""
    for order, near, far, count in ((_AS_IT_IS, 1, 0, x.shape[1]), (_TURNED, 0, 1, x.shape[0])):
        pitch, rest = divmod(x.strides[far], x.itemsize)
        if x.strides[near] == x.itemsize and not rest and pitch >= max(count, 1):
            return x, order, pitch
    return np.ascontiguousarray(x), _AS_IT_IS, x.shape[1]
