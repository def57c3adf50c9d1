"""Products with one matrix as one product: the gates of an LSTM, the queries, keys and values of a head."""

from __future__ import annotations

import operator

import numpy as np

from tinygrad_course.compiling.builder import Builder
from tinygrad_course.compiling.dataflow import Program, Value
from tinygrad_course.compiling.numpy_backend.buffers import concatenated

#: The calls of products with more entries than this cost nothing beside their arithmetic.
SMALL = 8192


def stack_products(program: Program) -> Program:
    """Return a program in which small matrices that are multiplied by one and the same are stacked."""
    order = program.values()
    place = {id(v): i for i, v in enumerate(order)}
    results = {id(v) for v in program.results}
    found: dict[tuple[int, ...], list[Value]] = {}
    for value in order:
        if value.function is np.matmul and id(value) not in results and _is_small(value):
            found.setdefault((id(value.args[1]), value.args[0].shape[1]), []).append(value)
    group_of: dict[int, list[Value]] = {}
    for group in found.values():
        if len(group) > 1 and _are_apart(group, place, group_of):
            group_of |= dict.fromkeys(map(id, group), group)
    if not group_of:
        return program
    builder = Builder()
    new: dict[int, Value] = {}
    waiting = list(reversed(order))
    while waiting:
        value = waiting.pop()
        if id(value) in new:
            continue
        group = group_of.get(id(value), [value])
        missing = [v for member in group for v in member.inputs if id(v) not in new]
        if missing:
            waiting += [value, *missing]
        elif len(group) > 1:
            _stack(builder, group, new)
        else:
            new[id(value)] = value if value.function is None else builder.again(value, new)
    return Program(program.inputs, [new[id(v)] for v in program.results])


def _is_small(value: Value) -> bool:
    left, right = value.args
    return (
        len(value.shape) == 2
        and left.function is not np.transpose
        and left.kind == right.kind == "array"
        and left.dtype == right.dtype == value.dtype
        and max(value.size, left.size, right.size) <= SMALL
    )


def _are_apart(group: list[Value], place: dict[int, int], group_of: dict[int, list[Value]]) -> bool:
    """Whether no factor is computed from one of the products, where the groups so far are stacked."""
    products = {id(v) for v in group}
    first = _begin(min(place[p] for p in products), place, group_of)
    waiting = [x for v in group for x in v.inputs]
    seen: set[int] = set()
    while waiting:
        value = waiting.pop()
        if id(value) in products:
            return False
        if id(value) not in seen and place[id(value)] >= first:
            members = group_of.get(id(value), [value])
            seen |= {id(v) for v in members}
            waiting += [x for v in members for x in v.inputs]
    return True


def _begin(first: int, place: dict[int, int], group_of: dict[int, list[Value]]) -> int:
    """The place before which nothing is computed from what is at `first` or later."""
    spans = {(place[id(g[0])], place[id(g[-1])]) for g in group_of.values()}
    for begin, end in sorted(spans, reverse=True):
        if begin < first < end:
            first = begin
    return first


def _stack(builder: Builder, group: list[Value], new: dict[int, Value]) -> None:
    lefts = tuple([new[id(v.args[0])] for v in group])
    right, dtype = new[id(group[0].args[1])], group[0].dtype
    rows, k = sum(v.shape[0] for v in group), lefts[0].shape[1]
    flat = builder.call(concatenated, lefts, {}, (rows * k,), dtype)
    whole = builder.call(np.reshape, (flat, (rows, k)), {}, (rows, k), dtype)
    function: np.ufunc = np.matmul
    product = builder.call(function, (whole, right), {}, (rows, right.shape[1]), dtype)
    start = 0
    for v in group:
        part = slice(start, start + v.shape[0])
        start = part.stop
        made = builder.call(operator.getitem, (product, part), {}, v.shape, dtype)
        made.named_like(v)
        new[id(v)] = made
