"""Small products as one product: those with one matrix, and those that are added up.

The gates of an LSTM are products with one matrix, and the gradient that comes back through them is a sum of
products: W1.T @ dZ1 + W2.T @ dZ2 is [W1; W2].T @ [dZ1; dZ2], of matrices below one another.
"""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from tinygrad_course.compiling.builder import Builder, regrouped, rewritten
from tinygrad_course.compiling.dataflow import Program, Value, terms
from tinygrad_course.compiling.machine.small_products import (
    SMALL,
    SumOfProducts,
    is_even,
    is_small,
)

#: Fewer products than this are added up as they come.
MANY = 4


def stack_products(program: Program) -> Program:
    """Return a program in which small matrices that are multiplied by one and the same are stacked."""
    results = {id(v) for v in program.results}
    found: dict[tuple[int, ...], list[Value]] = {}
    for value in program.values():
        small = is_small(value) and value.args[0].function is not np.transpose
        if id(value) not in results and (small or isinstance(value.function, SumOfProducts)):
            rights = value.args[len(value.args) // 2 :]
            found.setdefault((*map(id, rights), value.args[0].shape[1]), []).append(value)
    group_of = {id(v): group for group in found.values() if len(group) > 1 for v in group}
    return regrouped(program, group_of, _stack) if group_of else program


def add_products(program: Program) -> Program:
    """Return a program in which a sum of small products is one product, or one call.

    It is one product where the left sides are transposes.
    """
    uses, order = program.uses(), program.values()
    once = {id(v) for v in order if uses.get(id(v)) == 1}
    inner = {id(v) for value in order if _is_sum(value) for v in value.args if _is_part(v, value)} & once

    def change(builder: Builder, value: Value, new: dict[int, Value]) -> Value | None:
        if _is_sum(value) and id(value) not in inner:
            return _total(builder, value, inner, once, new)
        if not _is_slice(value) or id(value.args[0]) not in once:
            return None
        product = new[id(value.args[0])]  # of which some rows are needed
        if product.function is not np.matmul or len(product.shape) != 2:
            return None
        left, right = product.args
        shape = (value.shape[0], left.shape[1])
        rows = builder.call(operator.getitem, (left, value.args[1]), {}, shape, left.dtype)
        return builder.matmul(rows, right)

    return rewritten(program, change)


def _total(
    builder: Builder, value: Value, inner: set[int], once: set[int], new: dict[int, Value]
) -> Value | None:
    """Return a sum with its products together, if there are some; `inner` are sums that are part of it."""
    turned: list[Value] = []
    others: list[Value] = []
    rest: list[Any] = []
    for v in terms(value, inner):
        fits = id(v) in once and v.shape == value.shape
        (turned if fits and _is_turned(v) else others if fits and is_even(v) else rest).append(v)
    made = []
    if len(turned) > 1:
        made.append(_turned(builder, turned, new))
    else:
        rest += turned
    if len(others) >= MANY:
        factors = [new[id(v.args[i])] for i in (0, 1) for v in others]
        function = SumOfProducts(value.shape[0], value.shape[1], value.dtype)
        made.append(builder.call(function, tuple(factors), {}, value.shape, value.dtype))
    else:
        rest += others
    if not made:
        return None
    add: np.ufunc = np.add
    made += [new[id(v)] if isinstance(v, Value) else v for v in rest]
    return functools.reduce(lambda a, b: builder.ufunc(add, a, b), made)


def _turned(builder: Builder, products: list[Value], new: dict[int, Value]) -> Value:
    """Return the sum of products as one, of matrices below one another."""
    products = sorted(products, key=lambda v: v.args[1].born)
    left = _below(builder, [new[id(v.args[0].args[0])] for v in products])
    right = _below(builder, [new[id(v.args[1])] for v in products])
    return builder.matmul(builder.transpose(left), right)


def _is_sum(value: Value) -> bool:
    return value.function is np.add and len(value.shape) == 2


def _is_part(term: Any, total: Value) -> bool:
    """Whether a term of a sum is a sum of the same kind."""
    return isinstance(term, Value) and _is_sum(term) and term.shape == total.shape


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
    """Return matrices below one another."""
    return builder.together(matrices, (sum(v.shape[0] for v in matrices), matrices[0].shape[1]))


def _stack(builder: Builder, group: list[Value], new: dict[int, Value]) -> None:
    # in the order of others' stacks, which are the same memory then
    group = sorted(group, key=lambda v: v.args[0].born)
    first, half = group[0], len(group[0].args) // 2
    lefts = [_below(builder, [new[id(v.args[i])] for v in group]) for i in range(half)]
    rights = [new[id(v)] for v in first.args[half:]]
    if isinstance(first.function, SumOfProducts):
        shape = (lefts[0].shape[0], first.shape[1])
        total = SumOfProducts(*shape, first.dtype)
        product = builder.call(total, (*lefts, *rights), {}, shape, first.dtype)
    else:
        product = builder.matmul(*lefts, *rights)
    start = 0
    for v in group:
        part = slice(start, start + v.shape[0])
        start = part.stop
        made = builder.call(operator.getitem, (product, part), {}, v.shape, first.dtype)
        made.named_like(v)
        new[id(v)] = made
