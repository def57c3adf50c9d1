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
from tinygrad_course.compiling.machine.small_products import SMALL, is_small


def stack_products(program: Program) -> Program:
    """Return a program in which small matrices that are multiplied by one and the same are stacked."""
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
    product, start = builder.matmul(_below(builder, lefts), right), 0
    for v in group:
        part = slice(start, start + v.shape[0])
        start = part.stop
        new[id(v)] = builder.call(operator.getitem, (product, part), {}, v.shape, v.dtype)
        new[id(v)].named_like(v)


def add_products(program: Program) -> Program:
    """Return a program in which the small products in a sum whose left sides are transposes are one.

    And of such a product no rows are made that nobody needs.
    """
    uses, order = program.uses(), program.values()
    once = {id(v) for v in order if uses.get(id(v)) == 1}
    inner = {id(v) for value in order if _is_sum(value) for v in value.args if _is_part(v, value)} & once

    def change(builder: Builder, value: Value, new: dict[int, Value]) -> Value | None:
        if _is_sum(value) and id(value) not in inner:
            parts = list(terms(value, inner))
            turned = [v for v in parts if id(v) in once and v.shape == value.shape and _is_turned(v)]
            if len(turned) < 2:
                return None
            rest = [new[id(v)] if isinstance(v, Value) else v for v in parts if v not in turned]
            add: np.ufunc = np.add
            total = _turned(builder, turned, new)
            return functools.reduce(lambda a, b: builder.ufunc(add, a, b), rest, total)
        if not _is_slice(value) or id(value.args[0]) not in once:
            return None
        product = new[id(value.args[0])]
        if product.function is not np.matmul or len(product.shape) != 2:
            return None
        left, right = product.args
        shape = (value.shape[0], left.shape[1])
        rows = builder.call(operator.getitem, (left, value.args[1]), {}, shape, left.dtype)
        return builder.matmul(rows, right)

    return rewritten(program, change)


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
