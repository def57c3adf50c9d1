"""`np.roll` along one axis, as two copies: what differences on a ring of neighbours are made of."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_course.compiling.dataflow import Value
from tinygrad_course.compiling.machine import jit
from tinygrad_course.compiling.machine.loops import function_text
from tinygrad_course.compiling.passes.fuse import FusedCall

_LINES = [
    "for i0 in range(n0):",
    "    for i1 in range(n1):",
    "        y0[i0 * (n1 + n2) + i1] = x0[i0 * (n1 + n2) + n2 + i1]",
    "    for i1 in range(n2):",
    "        y0[i0 * (n1 + n2) + n1 + i1] = x0[i0 * (n1 + n2) + i1]",
    "return None",
]


def is_roll(value: Value) -> bool:
    """Whether a call is one."""
    plain = value.function is np.roll and value.kind == "array" and value.size > 0 and not value.kwargs
    if not plain or value.dtype not in {np.dtype("f8"), np.dtype("f4")}:
        return False
    return len(value.args) == 3 and all(type(x) is int for x in value.args[1:])


def rolled(value: Value) -> FusedCall:
    """Return what computes it."""
    _, shift, axis = value.args
    n, inner = value.shape[axis], math.prod(value.shape[axis % len(value.shape) + 1 :])
    numbers = [value.size // (n * inner), shift % n * inner, (n - shift % n) * inner]
    source = function_text("x0, n0, n1, n2, y0", _LINES)
    kind = value.dtype.str[1:]
    made = jit.compile_source(source, (f"{kind} 0", "i8", "i8", "i8", f"{kind} 0"))
    return FusedCall(made, numbers)
