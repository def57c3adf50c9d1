"""Products of small matrices in registers, and those with one matrix as one: the gates of an LSTM are such.

A call of BLAS looks at its arguments, asks for memory and brings the matrices into an order of its own: with
matrices of a few dozen rows that takes longer than the product. Here a tile of the result stays in registers
(`register_tiles`), and the matrices are read where they lie.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.compiling.builder import Builder, regrouped, rewritten
from tinygrad_course.compiling.dataflow import Program, Value, is_product
from tinygrad_course.compiling.machine import jit
from tinygrad_course.compiling.machine.register_tiles import vector_bytes
from tinygrad_course.compiling.passes.fuse import FusedCall

#: The calls of products with more entries than this cost nothing beside their arithmetic.
SMALL = 8192
#: The rows of a tile, and its vectors: their sums and what they are made of are all the registers.
ROWS, VECTORS = 6, 2


def is_small(value: Value) -> bool:
    """Whether a call is a product of small matrices that tiles can make."""
    if not is_product(value) or value.args[0] is value.args[1]:  # a call takes each array once
        return False
    small = all(0 < v.size <= SMALL for v in (*value.args, value))
    return small and vector_bytes() // value.dtype.itemsize <= value.shape[1]


def small_product(value: Value) -> FusedCall:
    """Return what makes a product of small matrices."""
    turned = value.args[1].function is np.transpose
    made = tiled(value.shape[0], value.shape[1], value.dtype, in_order=not turned)
    return FusedCall(made, strided=(0, 1) if turned else (0,))


def tiled(m: int, n: int, dtype: Any, *, in_order: bool = False) -> Callable[..., Any]:
    """Return a function that writes x0 @ x1, of m rows and n columns, to y0.

    `in_order`: the rows of x1 are contiguous.
    """
    size, kind = np.dtype(dtype).itemsize, np.dtype(dtype).str[1:]
    lanes = vector_bytes() // size
    rows, width = min(ROWS, m), min(VECTORS, n // lanes) * lanes
    right = "x1" if in_order else "right"
    tile = f"tile({rows}, {width}, {lanes}, x0, top * down, over, down, {right}, y0, top * n + left, k"
    copied = [
        "right = np.empty(k * n, x0.dtype)",
        "for l in range(k):",
        "    for j in range(n):",
        "        right[l * n + j] = x1[l, j]",
    ]
    lines = [
        "m, k, n = x0.shape[0], x0.shape[1], x1.shape[1]",
        f"size = {size}",
        "down, over = x0.strides[0] // size, x0.strides[1] // size",
        *([] if in_order else copied),
        f"pitch = {'x1.strides[0] // size' if in_order else 'n'}",
        f"for j in range(0, n, {width}):",
        f"    left = min(j, n - {width})",  # the last tile has some columns of the one before
        f"    for i in range(0, m, {rows}):",
        f"        top = min(i, m - {rows})",
        f"        {tile}, False, left, pitch, n)",
    ]
    return jit.function({"x0": f"{kind} 2 strided", "x1": f"{kind} 2 strided", "y0": f"{kind} 2"}, lines)


# ------------------------------------------------------------------ products with one matrix


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
