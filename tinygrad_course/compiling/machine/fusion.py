"""The machine engine: the parts of a program that are not BLAS's as machine code, through LLVM.

A small network is one function, a loop over the columns. Of others, calls that run over one shape are fused
into nests of loops, and the products of large matrices are NumPy's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.compiling.builder import Builder
from tinygrad_course.compiling.dataflow import Program, Value, accumulated, is_reduction, is_view
from tinygrad_course.compiling.machine import jit, loops
from tinygrad_course.compiling.machine.assembling import assemble, assembled, assembling
from tinygrad_course.compiling.machine.columns import MOVES, SYSTEMS, Columns, is_cross, is_indexed, step_text
from tinygrad_course.compiling.machine.loops import Loops, is_fusable, is_total
from tinygrad_course.compiling.machine.own_loops import added_rows, adds_rows, is_wave, wave
from tinygrad_course.compiling.machine.products import is_narrow, narrow_product
from tinygrad_course.compiling.machine.scalar_code import speaks
from tinygrad_course.compiling.machine.small_products import is_small, small_product, stack_products
from tinygrad_course.compiling.passes.fuse import FusedCall, Group, NotFused, called, fuse

#: Results of more bytes than this are looked at while they are made.
LARGE = 65_536
#: The rows of a tiny matrix; so many products and systems of such, or calls, are worth being written out.
TINY, MANY, CALLS = 4, 4, 60


def machine_code(program: Program, *, looks: bool = False) -> tuple[Program, list[Value]]:
    """Return a program as machine code: one loop over the columns if it is small, else nests of loops.

    If it `looks`, return with it what is infinite or NaN if one of the results is: their sums, if those are
    made on the way.
    """
    looked = [v for v in program.results if v.dtype.kind == "f" and not v.is_input] if looks else []
    try:
        builder, add = Builder(), np.add
        numbers = [builder.total(v) if v.shape else v for v in looked]
        whole = [functools.reduce(lambda a, b: builder.ufunc(add, a, b), numbers)] if numbers else []
        fused = _one_fused(Program(program.inputs, [*program.results, *whole]))
        return fused, fused.results[-1:]
    except NotFused:
        large = {id(v): v for v in looked if v.kind == "array" and v.nbytes >= LARGE}
    results = [*program.results, *map(Builder().total, large.values())]
    program = assemble(stack_products(Program(program.inputs, results)))
    tiny = _tiny_calls(program)
    alone = {id(v): make for v in program.values() if id(v) not in tiny and (make := _alone(v)) is not None}

    def space(value: Value) -> Any:
        if id(value) in tiny or id(value) in alone:
            return "tiny" if id(value) in tiny else id(value)
        return loops.space(value) if is_fusable(value) else None

    def made(group: Group) -> FusedCall:
        first = group.calls[0]
        if id(first) in alone:
            return alone[id(first)](first)
        if id(first) not in tiny:
            return Loops(group).fused()
        return _written_out(Columns(Program(group.inputs, group.calls), group.calls), group)

    program = fuse(program, space, lambda v: id(v) not in tiny and is_total(v), made)
    return program, [new for old, new in zip(results, program.results, strict=True) if id(old) not in large]


def _alone(value: Value) -> Callable[[Value], FusedCall] | None:
    """Return what makes a function of one call by itself, None of what loops can have among others."""
    return next((make for fits, make in _ALONE if fits(value)), None)


_ALONE = (
    (is_narrow, narrow_product),
    (is_small, small_product),
    (is_wave, wave),
    (lambda value: value.function is assembled, assembling),
    (adds_rows, added_rows),
)


def _one_fused(program: Program) -> Program:
    chosen = {id(v): v for v in program.results if v.function is not None and v.kind in {"array", "scalar"}}
    if not chosen or any(v.dtype != np.float64 for v in chosen.values()):
        raise NotFused
    inner = Program(program.inputs, list(chosen.values()))
    columns, group = Columns(inner), Group(inner.results, {*chosen})
    group.inputs = [v for v in program.inputs if id(v) in columns.names]
    new = called(_written_out(columns, group), group.inputs, group)
    return Program(program.inputs, [new.get(id(v), v) for v in program.results])


def _written_out(columns: Columns, group: Group) -> FusedCall:
    made = jit.function(*step_text(columns, group.stored, group.scalars))
    if columns.singular:
        made = jit.checked(made, np.linalg.LinAlgError("Singular matrix"))
    return FusedCall(made, columns.numbers.values)


# ------------------------------------------------------------------ tiny matrices


def _tiny_calls(program: Program) -> set[int]:
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
