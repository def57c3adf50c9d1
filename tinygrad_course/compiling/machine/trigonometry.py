"""Sines and cosines of many numbers in double precision: several at a time, but where one is far out.

The C library makes them one by one, and so does NumPy. Far out a multiple of pi/2 has to be known to more
digits than `vector_math` has it: then they are the C library's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import Value
from tinygrad_course.compiling.machine import jit
from tinygrad_course.compiling.machine.loops import function_text
from tinygrad_course.compiling.machine.scalar_code import FEW
from tinygrad_course.compiling.passes.fuse import FusedCall

NAMES: dict[Any, str] = {np.sin: "sin", np.cos: "cos"}
_DOUBLE = np.dtype("f8")


def is_wave(value: Value) -> bool:
    """Whether a call is the sine or cosine of so many numbers."""
    if value.function not in NAMES or value.kwargs or value.kind != "array" or value.size <= FEW:
        return False
    return bool(value.dtype == value.args[0].dtype == _DOUBLE and value.args[0].kind == "array")


def wave(value: Value) -> FusedCall:
    """Return what makes them."""
    name = NAMES[value.function]
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
        "return None",
    ]
    source = function_text("x0, n0, y0", lines)
    return FusedCall(jit.compile_source(source, ("f8 0", "i8", "f8 0")), [value.size])
