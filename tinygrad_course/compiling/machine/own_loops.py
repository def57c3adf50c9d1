"""Calls that are loops of their own: rows added to those of a table, sines and cosines of many numbers.

Integers name the rows that are added to: the gradient of an embedding, ``E[tokens]``. The C library makes
sines and cosines one by one, and so does NumPy; here they are made several at a time. Far out a multiple of
pi/2 has to be known to more digits than `vector_math` has it: where one is there, they are the C library's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import FLOATS, Value, accumulated
from tinygrad_course.compiling.machine import jit
from tinygrad_course.compiling.machine.scalar_code import FEW
from tinygrad_course.compiling.passes.fuse import FusedCall
from tinygrad_course.rules.indexing import scatter

#: Of a table larger than this, by the size of the rows, a copy costs more than adding to it in place.
COPIED = 8


def _parts(value: Value) -> tuple[Any, Any]:
    """Return the rows that are added, and where."""
    rows, index = value.args[0 if value.function is scatter else 2], value.args[1]
    return rows, index[0] if type(index) is tuple and len(index) == 1 else index


def adds_rows(value: Value) -> bool:
    """Whether a call does it, to zeros or to a table that may be copied."""
    if value.function not in {scatter, accumulated} or value.kind != "array" or not value.size:
        return False
    (rows, index), table = _parts(value), value.args[0]
    if not all(isinstance(x, Value) and x.kind == "array" for x in (rows, index, table)):
        return False
    if value.function is accumulated and (rows is table or value.size > COPIED * rows.size):
        return False
    fits = rows.shape == (*index.shape, *value.shape[1:]) and rows.dtype == table.dtype == value.dtype
    return bool(fits and index.dtype == np.int64 and value.dtype in FLOATS)


def added_rows(value: Value) -> FusedCall:
    """Return what does it."""
    to_zeros = value.function is scatter
    rows = "x0" if to_zeros else "x2"
    lines = [
        "for i0 in range(n1 * n2):",
        f"    y0[i0] = {'0.0' if to_zeros else 'x0[i0]'}",
        "wrong = 0.0",
        "for i0 in range(n0):",
        "    row = select(x1[i0] < 0, x1[i0] + n2, x1[i0])",
        "    inside = (row >= 0) & (row < n2)",
        "    wrong = wrong + select(inside, 0.0, 1.0)",
        "    row = select(inside, row, 0)",
        "    for i1 in range(n1):",
        f"        y0[row * n1 + i1] = y0[row * n1 + i1] + {rows}[i0 * n1 + i1]",
        "return (wrong,)",
    ]
    kind, index = f"{value.dtype.str[1:]} 0", _parts(value)[1]
    given = {"x0": kind, "x1": "i8 0"} | ({} if to_zeros else {"x2": kind})
    given |= {"n0": "i8", "n1": "i8", "n2": "i8", "y0": kind}
    made = jit.checked(jit.function(given, lines), IndexError("an index is out of bounds"))
    return FusedCall(made, [index.size, value.size // value.shape[0], value.shape[0]])


# ------------------------------------------------------------------ sines and cosines

_WAVES: dict[Any, str] = {np.sin: "sin", np.cos: "cos"}


def is_wave(value: Value) -> bool:
    """Whether a call is the sine or cosine of so many numbers."""
    if value.function not in _WAVES or value.kwargs or value.kind != "array" or value.size <= FEW:
        return False
    return bool(value.dtype == value.args[0].dtype == np.float64 and value.args[0].kind == "array")


def wave(value: Value) -> FusedCall:
    """Return what makes them."""
    name = _WAVES[value.function]
    lines = [
        "far = f8(0.0)",
        "for i0 in range(n0):",
        "    far = accumulate(far, select(math.fabs(x0[i0]) <= 100000.0, 0.0, 1.0))",
        "if far == 0.0:",
        "    for i0 in range(n0):",
        f"        y0[i0] = {name}(x0[i0])",
        "else:",
        "    for i0 in range(n0):",
        f"        y0[i0] = math.{name}(x0[i0])",
    ]
    return FusedCall(jit.function({"x0": "f8 0", "n0": "i8", "y0": "f8 0"}, lines), [value.size])
