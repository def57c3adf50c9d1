"""Products of small matrices in registers.

A call of BLAS looks at its arguments, asks for memory and brings the matrices into an order of its own: with
matrices of a few dozen rows that takes longer than the product. Here a tile of the result stays in registers
(`register_tiles`), and the matrices are read where they lie.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import Value, is_product
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
