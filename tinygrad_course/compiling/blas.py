"""What NumPy's BLAS and LAPACK do and NumPy does not: products taken from a matrix, and systems of equations.

A triangle is solved without factors, and the factors of a matrix serve every system that has it.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import numpy as np


@functools.cache
def routine(name: str, dtype: Any) -> Any:
    """Return a function for matrices of a dtype, as NumPy brings it with 64-bit integers; or None."""
    library = ctypes.CDLL(np.linalg._umath_linalg.__file__)  # noqa: SLF001  (a module of its own name)
    name = {"f4": "s", "f8": "d"}[np.dtype(dtype).str[1:]] + name
    return next((f for p in ("scipy_", "") if (f := getattr(library, f"{p}{name}_64_", None))), None)


def _call(name: str, matrix: Any, *args: Any) -> None:
    """Call a function for matrices like this one, as Fortran does: everything by its address."""
    real = {4: ctypes.c_float, 8: ctypes.c_double}[matrix.itemsize]

    def given(x: Any) -> Any:
        if isinstance(x, np.ndarray):
            return ctypes.c_void_p(x.ctypes.data)
        return x if type(x) is bytes else ctypes.byref((real if type(x) is float else ctypes.c_int64)(x))

    routine(name, matrix.dtype)(*map(given, args))


def subtract_product(W: Any, D: Any, B: Any) -> None:
    """Take D @ B from W, whose rows are contiguous, where it lies."""
    (d, D_order, D_pitch), (b, B_order, B_pitch) = map(_laid, (D, B))
    (m, n), k = W.shape, D.shape[1]
    _call("gemm", W, B_order, D_order, n, m, k, -1.0, b, B_pitch, d, D_pitch, 1.0, W, n)


def _laid(x: Any) -> tuple[Any, bytes, int]:
    """Return a matrix, or a copy, as BLAS reads it: by rows or by columns, so many entries apart."""
    for order, near, far, count in ((b"N", 1, 0, x.shape[1]), (b"T", 0, 1, x.shape[0])):
        pitch, rest = divmod(x.strides[far], x.itemsize)
        if x.strides[near] == x.itemsize and not rest and pitch >= max(count, 1):
            return x, order, pitch
    return np.ascontiguousarray(x), b"N", x.shape[1]


def solve_triangle(a: Any, b: Any, lower: bool, turned: bool) -> Any:
    """Return x of a x = b, or if `turned` of a^T x = b, of a triangular a."""
    if not np.diagonal(a).all():
        raise np.linalg.LinAlgError("Singular matrix")
    a, x, n = np.ascontiguousarray(a), np.array(b, order="C"), len(a)
    k = b.size // n
    _call("trsm", a, b"R", b"U" if lower else b"L", b"T" if turned else b"N", b"N", k, n, 1.0, a, n, x, k)
    return x


def factors(a: Any) -> tuple[Any, Any]:
    """Return the factors of a matrix, and which rows have changed places."""
    lu, pivots, wrong = np.array(a, order="F"), np.empty(len(a), np.int64), np.zeros(1, np.int64)
    _call("getrf", lu, len(a), len(a), lu, len(a), pivots, wrong)
    if wrong[0]:
        raise np.linalg.LinAlgError("Singular matrix")
    return lu, pivots


def solve_factored(factored: tuple[Any, Any], b: Any, turned: bool) -> Any:
    """Return x of a x = b, or if `turned` of a^T x = b, of the factors of a."""
    (lu, pivots), x, n = factored, np.array(b, order="F"), len(b)
    _call("getrs", lu, b"T" if turned else b"N", n, b.size // n, lu, n, pivots, x, n, np.empty(1, np.int64))
    return np.ascontiguousarray(x)
