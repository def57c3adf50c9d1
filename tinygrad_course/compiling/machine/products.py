"""Products of a few rows with a large matrix, W1 @ X and dZ1 @ X.T, as machine code.

BLAS is made for products in which every number is used often. With the few units of the course's networks X
is used once or twice, so that the product is as fast as X comes from memory, and what BLAS does beside that
(it copies X to an order that suits it) costs more than the arithmetic. Here X is read where it lies, once,
what comes next being asked for ahead of time; the sums stay in registers.

A *tile* is that part of the result which the registers hold: for some columns of the large matrix (say 8),
the sums of all rows of the narrow one, which lie side by side in vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import Value, is_product
from tinygrad_course.compiling.machine import jit, register_tiles
from tinygrad_course.compiling.passes.fuse import FusedCall

#: With fewer rows, or more, the product is BLAS's.
FEW, MANY = 4, 48
#: A matrix with fewer entries than this is in the cache anyhow.
LARGE = 1_000_000
#: How far a sum goes before a tile is written back: along contiguous columns of the matrix, across its rows.
ALONG, ACROSS = 512, 64
#: The columns whose sums are collected before they are written to the result.
COLUMNS = 256


def is_narrow(value: Value) -> bool:
    """Whether a call is a product of a few rows with a large matrix."""
    if not is_product(value) or not FEW <= value.shape[0] <= MANY:
        return False
    large: Value = value.args[1]
    return large.size >= LARGE and min(large.shape) >= 8


def narrow_product(value: Value) -> FusedCall:
    """Return what makes such a product, whichever way the large matrix lies in memory."""
    left, right = value.args
    return FusedCall(product_function(left.shape, right.shape, value.dtype), strided=(0, 1))


def product_function(left: tuple[int, ...], right: tuple[int, ...], dtype: Any) -> Callable[..., Any]:
    """Return a function that writes the product of its first two arguments into the third."""
    if not FEW <= left[0] <= MANY:
        return np.dot
    return jit.compile_source(*product_source(left, right, dtype))


def product_source(left: tuple[int, ...], right: tuple[int, ...], dtype: Any) -> tuple[str, tuple[str, ...]]:
    """Return the text of a function that writes x0 @ x1, of these shapes, to y0; and its arguments' types."""
    lanes = register_tiles.vector_bytes() // np.dtype(dtype).itemsize
    (m, k), n = left, right[1]
    rows = min(4 if register_tiles.vector_bytes() == 32 else 8, n)
    panels = [(p, *panel) for p, panel in enumerate(_panels(m, lanes))]
    wide = min(n, COLUMNS if k > ALONG else COLUMNS // 4)
    lines = [
        f"size = {np.dtype(dtype).itemsize}",
        "down, over = x1.strides[0] // size, x1.strides[1] // size",
        f"deep, wide = {min(k, ACROSS)}, {min(n, COLUMNS)}",
        "if down < over:",
        f"    deep, wide = {min(k, ALONG)}, {wide}",
    ]
    for p, _, _, width in panels:
        lines.append(f"left{p} = np.zeros({min(k, ALONG) * width}, x0.dtype)")
        lines.append(f"sums{p} = np.empty({(min(n, COLUMNS) + rows) * width}, x0.dtype)")
    lines += [
        f"for block in range(0, {n}, wide):",
        f"    first = min(block, {n} - wide)",  # the last block has some columns of the one before
        f"    for k0 in range(0, {k}, deep):",
        f"        count = min(deep, {k} - k0)",
    ]
    for p, top, bottom, width in panels:
        call = f"tile({rows}, {width}, {lanes}"
        lines += [
            f"        if block == 0 or deep < {k}:",
            f"            for i in range({bottom - top}):",
            "                for l in range(count):",
            f"                    left{p}[l * {width} + i] = x0[{top} + i, k0 + l]",
            "        at = 0",
            f"        for j in range(0, wide, {rows}):",
            f"            start = k0 * down + (first + min(j, wide - {rows})) * over",
            "            ahead, pace = start + deep * down, down",
            "            if down < over:",
            f"                ahead, pace = start + {rows} * over, {rows} * down",
            f"            {call}, x1, start, down, over, left{p}, sums{p}, at, count, k0 > 0, ahead, pace)",
            f"            at += {rows * width}",
        ]
    lines += [f"    {line}" for line in _from_tiles(panels, rows, "wide", "y0", "first + ")]
    return jit.text_of(dict.fromkeys(("x0", "x1", "y0"), f"{np.dtype(dtype).str[1:]} 2 strided"), lines)


def single_pass_source(m: int, shape: tuple[int, ...], dtype: Any) -> tuple[str, tuple[str, ...]]:
    """Return the text of a function that makes y0 -= x0 @ x1.T and then y1 = y0 @ x1, reading x1 once.

    x1 has this shape and contiguous rows; the others have `m` rows, those of y0 as in `in_panels`. And its
    arguments' types.
    """
    k, n = shape
    lines = _pass_of_rows(m, k, n, dtype) if m > 1 else _pass_of_one_row(k, n, dtype)
    kind = np.dtype(dtype).str[1:]
    given = {"x0": f"{kind} 2 strided", "x1": f"{kind} 2", "y0": f"{kind} 1", "y1": f"{kind} 2 strided"}
    return jit.text_of(given, lines)


def _pass_of_rows(m: int, k: int, n: int, dtype: Any) -> list[str]:
    lanes = register_tiles.vector_bytes() // np.dtype(dtype).itemsize
    rows = 4 if register_tiles.vector_bytes() == 32 else 8
    panels = [(p, *panel) for p, panel in enumerate(_panels(m, lanes))]
    lines = []
    for p, top, bottom, width in panels:
        lines += [
            f"slope{p} = np.zeros({n * width}, x0.dtype)",
            f"sums{p} = np.zeros({(n + rows) * width}, x0.dtype)",
            f"for i in range({bottom - top}):",
            f"    for j in range({n}):",
            f"        slope{p}[j * {width} + i] = -x0[{top} + i, j]",
        ]
    lines += [f"for block in range(0, {k}, {ACROSS}):", f"    count = min({ACROSS}, {k} - block)"]
    for p, top, _, width in panels:
        lines.append(f"    at = {k * top} + block * {width}")
        for some, span in (
            (rows, f"0, count - count % {rows}, {rows}"),
            (1, f"count - count % {rows}, count"),
        ):
            tile = f"tile({some}, {width}, {lanes}, x1, start, 1, {n}, slope{p}, y0, at + l * {width}, {n}"
            lines += [
                f"    for l in range({span}):",
                f"        start = (block + l) * {n}",
                f"        {tile}, True, start + {rows * n}, {some})",
            ]
        tile = f"tile({rows}, {width}, {lanes}, x1, start, {n}, 1, y0, sums{p}, j * {width}, count"
        lines += [
            f"    for j in range(0, {n}, {rows}):",
            f"        start = block * {n} + min(j, {n - rows})",
            f"        {tile}, block > 0, at, {width}, {width})",
        ]
    return [*lines, *_from_tiles(panels, rows, str(n), "y1")]


def in_panels(W: Any) -> Any:
    """Return W as a pass needs it: column by column, so that it is read from one end to the other."""
    m, k = W.shape
    lanes = register_tiles.vector_bytes() // W.itemsize
    *_, (top, _, width) = _panels(m, lanes)
    flat = np.zeros(k * (top + width if m > 1 else 1), W.dtype)
    for rows, part in _rows_in(flat, m, k):
        part[...] = W[rows]
    return flat


def out_of_panels(flat: Any, W: Any) -> None:
    """Put into W what `in_panels` has made of it."""
    for rows, part in _rows_in(flat, *W.shape):
        W[rows] = part


def _rows_in(flat: Any, m: int, k: int) -> Iterator[tuple[slice, Any]]:
    lanes = register_tiles.vector_bytes() // flat.itemsize
    for top, bottom, width in _panels(m, lanes) if m > 1 else [(0, 1, 1)]:
        whole = flat[k * top : k * (top + width)].reshape(k, width)
        yield slice(top, bottom), whole[:, : bottom - top].T


def _pass_of_one_row(k: int, n: int, dtype: Any) -> list[str]:
    return [
        f"slope, sums = np.empty({n}, x0.dtype), np.zeros({n}, x0.dtype)",
        f"for j in range({n}):",
        "    slope[j] = x0[0, j]",
        f"for l in range({k}):",
        f"    step = {np.dtype(dtype).str[1:]}(0.0)",
        f"    for j in range({n}):",
        "        step = accumulate(step, x1[l, j] * slope[j])",
        "    w = y0[l] - step",
        "    y0[l] = w",
        f"    for j in range({n}):",
        "        sums[j] += w * x1[l, j]",
        f"for j in range({n}):",
        "    y1[0, j] = sums[j]",
    ]


def _from_tiles(panels: list[Any], rows: int, wide: str, target: str, first: str = "") -> Iterator[str]:
    """Go through the lines that write sums, in tiles of so many columns, to their places in the target."""
    for p, top, bottom, width in panels:
        yield f"for i in range({bottom - top}):"
        yield f"    for j in range({wide}):"
        yield f"        tiles = j // {rows}"
        yield f"        column = tiles * {rows} + j - min(tiles * {rows}, {wide} - {rows})"
        yield f"        {target}[{top} + i, {first}j] = sums{p}[column * {width} + i]"


def _panels(m: int, lanes: int) -> Iterator[tuple[int, int, int]]:
    """Go through the rows in groups whose sums the registers hold: first, last, and the width they fill.

    With vectors of 64 bytes the last may be a part of one, which takes half the time: 20 rows are 16 and 4.
    """
    part = lanes // 4 if register_tiles.vector_bytes() == 64 else lanes
    for first in range(0, m, 3 * lanes):
        last = min(first + 3 * lanes, m)
        whole, rest = divmod(last - first, lanes)
        parts = -(-rest // part)
        yield first, last, whole * lanes + part * (4 if parts == 3 else parts)
