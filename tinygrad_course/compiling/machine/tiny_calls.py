"""Which calls are on matrices and vectors so small that they are written out, entry by entry."""

from __future__ import annotations

import numpy as np

from tinygrad_course.compiling.dataflow import Program, Value, accumulated, is_reduction, is_view
from tinygrad_course.compiling.machine.columns import MOVES, SYSTEMS, is_cross, is_indexed
from tinygrad_course.compiling.machine.scalar_code import speaks

#: The rows of a tiny matrix; so many products and systems of such, or calls, are worth being written out.
TINY, MANY, CALLS = 4, 4, 60


def tiny_calls(program: Program) -> set[int]:
    """Return the ids of the calls that `Columns` writes out: those on tiny matrices, if there are many."""
    kept, found = {id(v) for v in program.results}, {}
    for v in program.values():
        shows = is_view(v) and (id(v) in kept or id(v.args[0]) not in found)  # memory of others
        if v.function is not None and _is_tiny(v) and not shows:
            found[id(v)] = v
    products = sum(v.function in {np.matmul, np.dot, np.cross, *SYSTEMS} for v in found.values())
    return set(found) if products >= MANY or len(found) >= CALLS else set()


def _is_tiny(value: Value) -> bool:
    for v in (value, *value.inputs):
        if v.dtype != np.float64 or not 0 < v.size <= TINY * TINY or len(v.shape) > 2:
            return False
    if value.kind != ("array" if value.shape else "scalar") or is_indexed(value):
        return False
    plain = value.function in {np.matmul, np.dot, *SYSTEMS, np.transpose, np.reshape} and not value.kwargs
    if plain or is_reduction(value):
        return all(v.shape for v in value.inputs)
    return value.function in MOVES or value.function is accumulated or is_cross(value) or speaks(value)
