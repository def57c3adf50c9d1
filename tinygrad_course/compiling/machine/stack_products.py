"""Small products with one matrix as one product: the gates of an LSTM are such."""

from __future__ import annotations

import operator

import numpy as np

from tinygrad_course.compiling.builder import Builder, regrouped, rewritten
from tinygrad_course.compiling.dataflow import Program, Value
from tinygrad_course.compiling.machine.small_products import is_small


def stack_products(program: Program) -> Program:
    """Return a program in which small matrices that are multiplied by one and the same are stacked."""
    program = _without_rows(program)
    results = {id(v) for v in program.results}
    found: dict[tuple[int, int], list[Value]] = {}
    for value in program.values():
        if id(value) not in results and is_small(value) and value.args[0].function is not np.transpose:
            found.setdefault((id(value.args[1]), value.args[0].shape[1]), []).append(value)
    group_of = {id(v): group for group in found.values() if len(group) > 1 for v in group}
    return regrouped(program, group_of, _stack) if group_of else program


def _stack(builder: Builder, group: list[Value], new: dict[int, Value]) -> None:
    # in the order of others' stacks, which are the same memory then
    group = sorted(group, key=lambda v: v.args[0].born)
    lefts, right = [new[id(v.args[0])] for v in group], new[id(group[0].args[1])]
    below = builder.together(lefts, (sum(v.shape[0] for v in lefts), right.shape[0]))
    product, start = builder.matmul(below, right), 0
    for v in group:
        part = slice(start, start + v.shape[0])
        start = part.stop
        new[id(v)] = builder.call(operator.getitem, (product, part), {}, v.shape, v.dtype)
        new[id(v)].named_like(v)


def _without_rows(program: Program) -> Program:
    """Return a program that makes no rows of a product which nobody needs."""
    uses = program.uses()

    def change(builder: Builder, value: Value, new: dict[int, Value]) -> Value | None:
        if not _is_slice(value) or uses[id(value.args[0])] != 1:
            return None
        product = new[id(value.args[0])]
        if product.function is not np.matmul or len(product.shape) != 2:
            return None
        left, right = product.args
        shape = (value.shape[0], left.shape[1])
        rows = builder.call(operator.getitem, (left, value.args[1]), {}, shape, left.dtype)
        return builder.matmul(rows, right)

    return rewritten(program, change)


def _is_slice(value: Value) -> bool:
    if value.function is not operator.getitem or value.inputs[1:] or value.kind != "array":
        return False
    index = value.args[1]
    return type(index) is slice or (type(index) is tuple and len(index) == 1 and type(index[0]) is slice)
