"""Systems of equations: triangles are solved as such, and a matrix of several systems is factored once.

The gradient of a solution is that of a system with the transposed matrix, whose factors are there already.
"""

from collections import Counter
from typing import Any

import numpy as np

from tinygrad_course.compiling import blas
from tinygrad_course.compiling.builder import Builder, rewritten
from tinygrad_course.compiling.dataflow import FLOATS, Program, Value

#: Systems of fewer rows cost no more than their call.
LEAST = 48


def quicker_systems(program: Program) -> Program:
    """Return a program in which no matrix is factored that need not be."""
    systems = [v for v in program.values() if _is_system(v)]
    shared = Counter(id(_upright(v.args[0])[0]) for v in systems)
    first = {id(_upright(v.args[0])[0]): v.args[0] for v in reversed(systems)}  # what NumPy would factor

    def change(builder: Builder, value: Value, new: dict[int, Value]) -> Value | None:
        if not _is_system(value):
            return None
        (a, turned), b = _upright(value.args[0]), new[id(value.args[1])]
        lower = _triangle(a)
        if lower is not None:
            args: tuple[Any, ...] = new[id(a)], b, lower, turned
            return builder.call(blas.solve_triangle, args, {}, value.shape, value.dtype)
        if shared[id(a)] < 2:
            return None
        made = builder.call(blas.factors, (new[id(first[id(a)])],), {}, (), None, "tuple")
        args = made, b, turned != _upright(first[id(a)])[1]
        return builder.call(blas.solve_factored, args, {}, value.shape, value.dtype)

    return rewritten(program, change) if systems else program


def _is_system(value: Value) -> bool:
    if value.function is not np.linalg.solve or value.dtype not in FLOATS:
        return False
    a, b = value.args
    if not all(isinstance(x, Value) and x.kind == "array" and x.dtype == value.dtype for x in (a, b)):
        return False
    fits = len(a.shape) == 2 and a.shape[0] >= LEAST and len(b.shape) < 3 and b.size
    return bool(fits and blas.routine("getrs", value.dtype))


def _upright(a: Value) -> tuple[Value, bool]:
    """Return a matrix, and whether a value is its transpose."""
    turned = a.function is np.transpose
    return (a.args[0] if turned else a), turned


def _triangle(a: Value) -> bool | None:
    """Return whether a matrix is a lower triangle; None if it is none."""
    if a.function is np.linalg.cholesky:
        return not a.kwargs.get("upper", False)
    offset = a.args[1] if len(a.args) > 1 else a.kwargs.get("k", 0)
    if a.function is np.tril and type(offset) is int and offset <= 0:
        return True
    return False if a.function is np.triu and type(offset) is int and offset >= 0 else None
