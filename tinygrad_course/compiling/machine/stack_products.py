"""Small products as one product: those with one matrix, and those that are added up.

The gates of an LSTM are products with one matrix, and the gradient that comes back through them is a sum of
products: W1.T @ dZ1 + W2.T @ dZ2 is [W1; W2].T @ [dZ1; dZ2], of matrices below one another.
"""

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


def add_products(program: Program) -> Program:
    """Return a program in which a sum of small products whose left sides are transposes is one product."""
    uses, builder = program.uses(), Builder()
    add: np.ufunc = np.add
    matmul: np.ufunc = np.matmul
    new: dict[int, Value] = {}

    def once(value: Value) -> bool:
        return uses[id(value)] == 1

    for value in program.values():
        made = None
        if value.function is np.add and len(value.shape) == 2:
            terms, products = [], []
            waiting = list(reversed(value.args))
            while waiting:
                v = waiting.pop()
                if isinstance(v, Value) and v.function is np.add and v.shape == value.shape and once(v):
                    waiting += reversed(v.args)
                elif isinstance(v, Value) and v.shape == value.shape and once(v) and _is_turned(v):
                    products.append(v)
                else:
                    terms.append(new[id(v)] if isinstance(v, Value) else v)
            if len(products) > 1:
                products.sort(key=lambda v: v.args[1].born)
                left = _below(builder, [new[id(v.args[0].args[0])] for v in products])
                right = _below(builder, [new[id(v.args[1])] for v in products])
                turned = builder.call(np.transpose, (left,), {}, left.shape[::-1], left.dtype)
                made = builder.call(matmul, (turned, right), {}, value.shape, value.dtype)
                for term in terms:
                    made = builder.ufunc(add, made, term)
        elif _is_slice(value) and once(value.args[0]):  # the rows that are needed of a product
            product = new[id(value.args[0])]
            if product.function is np.matmul and len(product.shape) == 2:
                left, index = product.args[0], value.args[1]
                shape = (value.shape[0], left.shape[1])
                rows = builder.call(operator.getitem, (left, index), {}, shape, left.dtype)
                made = builder.call(matmul, (rows, product.args[1]), {}, value.shape, value.dtype)
        if made is None:
            made = value if value.function is None else builder.again(value, new)
        new[id(value)] = made
    return Program(program.inputs, [new[id(v)] for v in program.results])


def _is_turned(value: Value) -> bool:
    """Whether a call is a small product whose left side is a transpose."""
    if value.function is not np.matmul or len(value.shape) != 2:
        return False
    left, right = value.args
    return bool(
        left.function is np.transpose
        and len(left.args) == 1
        and left.kind == right.kind == "array"
        and left.dtype == right.dtype == value.dtype
        and max(value.size, left.size, right.size) <= SMALL
    )


def _is_slice(value: Value) -> bool:
    if value.function is not operator.getitem or value.inputs[1:] or value.kind != "array":
        return False
    index = value.args[1]
    return type(index) is slice or (type(index) is tuple and len(index) == 1 and type(index[0]) is slice)


def _below(builder: Builder, matrices: list[Value]) -> Value:
    """Return matrices below one another, each of which may be computed in its place."""
    rows, k, dtype = sum(v.shape[0] for v in matrices), matrices[0].shape[1], matrices[0].dtype
    flat = builder.call(concatenated, tuple(matrices), {}, (rows * k,), dtype)
    return builder.call(np.reshape, (flat, (rows, k)), {}, (rows, k), dtype)


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
    right, dtype = new[id(group[0].args[1])], group[0].dtype
    group = sorted(
        group, key=lambda v: v.args[0].born
    )  # the order of others' stacks: they are the same memory
    whole = _below(builder, [new[id(v.args[0])] for v in group])
    function: np.ufunc = np.matmul
    product = builder.call(function, (whole, right), {}, (whole.shape[0], right.shape[1]), dtype)
    start = 0
    for v in group:
        part = slice(start, start + v.shape[0])
        start = part.stop
        made = builder.call(operator.getitem, (product, part), {}, v.shape, dtype)
        made.named_like(v)
        new[id(v)] = made
