"""Engine two: the parts of a program that are not BLAS's as machine code, through numba.

Calls are gathered in stages: what can be computed before the next product of large matrices goes into one
function of machine code, the product itself to NumPy's BLAS.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import Program, Value
from tinygrad_course.compiling.machine.columns import Columns, Unsuited, step_source
from tinygrad_course.compiling.machine.jit import MachineCall
from tinygrad_course.compiling.machine.loops import Loops, is_fusable
from tinygrad_course.compiling.machine.products import Product, is_narrow
from tinygrad_course.compiling.passes.fuse import FusedCall, Group, fuse, part
from tinygrad_course.compiling.passes.hoist import hoist_scale


class MachineCode(Group):
    """Calls as loops of machine code."""

    def __init__(self, calls: list[Value], needed: set[int]) -> None:
        super().__init__(calls, needed)
        self.loops = Loops(calls, needed)
        self.inputs, self.stored, self.scalars = self.loops.inputs, self.loops.stored, self.loops.scalars

    def fused(self) -> FusedCall:
        """Return the function that computes the calls."""
        return MachineCall(self.loops.source)


class Tiled(Group):
    """A product of a few rows with a large matrix."""

    def fused(self) -> FusedCall:
        """Return the function that computes the product."""
        return Product(self.calls[0])


def machine_code(program: Program) -> Program:
    """Return a program as machine code: one loop over the columns if it is small, else stages."""
    try:
        return _one_fused(program)
    except Unsuited:
        return fuse(hoist_scale(program), _is_ours, _alone, _group, 1)


def _is_ours(value: Value) -> bool:
    return is_fusable(value) or is_narrow(value)


def _alone(value: Value) -> Any:
    return id(value) if is_narrow(value) else None


def _group(calls: list[Value], needed: set[int]) -> Group:
    return Tiled(calls, needed) if is_narrow(calls[0]) else MachineCode(calls, needed)


def _one_fused(program: Program) -> Program:
    chosen = {
        id(v): v
        for v in program.results
        if v.function is not None and (v.kind == "scalar" or (v.kind == "array" and v.shape))
    }
    if not chosen or any(v.dtype != np.float64 for v in chosen.values()):
        raise Unsuited
    inner = Program(program.inputs, list(chosen.values()))
    columns = Columns(inner)
    stored = [v for v in inner.results if v.kind == "array"]
    scalars = [v for v in inner.results if v.kind == "scalar"]
    fused = MachineCall(step_source(columns, stored, scalars))
    inputs = tuple(v for v in program.inputs if id(v) in columns.names)
    whole = Value(fused, inputs, {}, (), None, "tuple")
    new = {}
    for i, v in enumerate([*scalars, *stored]):
        made = Value(part, (whole, i), {}, v.shape, v.dtype, v.kind)
        made.named_like(v)
        new[id(v)] = made
    fused.arrays = [new[id(v)] for v in stored]
    fused.scalars = [new[id(v)] for v in scalars]
    return Program(program.inputs, [new.get(id(v), v) for v in program.results])
