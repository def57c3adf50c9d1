"""The innermost part of a product of matrices, in LLVM's own language: what is in which register."""

from __future__ import annotations

import itertools
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic


def vector_bytes() -> int:
    """Return the size of this processor's vector registers."""
    features = llvmlite.binding.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx") else 16


def _make_tile(  # numba looks at the names
    _: Any,
    rows: Any,
    vectors: Any,
    lanes: Any,
    x: Any,
    start: Any,  # noqa: ARG001
    down: Any,  # noqa: ARG001
    over: Any,  # noqa: ARG001
    left: Any,
    sums: Any,
    at: Any,  # noqa: ARG001
    count: Any,  # noqa: ARG001
    more: Any,  # noqa: ARG001
    ahead: Any,  # noqa: ARG001
    pace: Any,  # noqa: ARG001
) -> Any:
    """Sum x[start + l * down + r * over] * left[l * width + i] over l < count, for r < rows and i < width.

    The sums go to ``sums[at + r * width + i]``, or are added to what is there if `more`; width is
    vectors * lanes. Beside that, x[ahead + l * pace] is called into the cache.
    """
    if not all(isinstance(n, types.IntegerLiteral) for n in (rows, vectors, lanes)):
        return None
    size = rows.literal_value, vectors.literal_value, lanes.literal_value
    index = types.intp
    signature = types.int8(
        rows, vectors, lanes, x, index, index, index, left, sums, index, index, types.boolean, index, index
    )

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _Tile(context, builder, signature, args, *size).emit()

    return signature, generate


class _Tile:
    def __init__(
        self, context: Any, builder: Any, signature: Any, args: Any, rows: int, vectors: int, lanes: int
    ) -> None:
        self.builder = builder
        self.rows, self.vectors, self.lanes = rows, vectors, lanes
        self.x, self.left, self.sums = (
            context.make_array(signature.args[i])(context, builder, args[i]).data for i in (3, 7, 8)
        )
        self.start, self.down, self.over, self.at, self.count, self.more, self.ahead, self.pace = (
            args[i] for i in (4, 5, 6, 9, 10, 11, 12, 13)
        )
        self.vector = ir.VectorType(self.x.type.pointee, lanes)
        self.nothing = ir.Constant(self.vector, ir.Undefined)

    def emit(self) -> Any:
        builder, index = self.builder, ir.IntType(64)
        before = builder.block
        loop, after = builder.append_basic_block("tile"), builder.append_basic_block("tile.end")
        builder.branch(loop)
        builder.position_at_end(loop)
        step, place, ahead = (builder.phi(index) for _ in range(3))
        step.add_incoming(_number(0), before)
        place.add_incoming(self.start, before)
        ahead.add_incoming(self.ahead, before)
        held = [[builder.phi(self.vector) for _ in range(self.vectors)] for _ in range(self.rows)]
        made = self._add_products(held, step, place)
        self._call_ahead(ahead)
        following = builder.add(step, _number(1))
        step.add_incoming(following, loop)
        place.add_incoming(builder.add(place, self.down), loop)
        ahead.add_incoming(builder.add(ahead, self.pace), loop)
        for old, new in zip(itertools.chain(*held), itertools.chain(*made), strict=True):
            old.add_incoming(ir.Constant(self.vector, None), before)
            old.add_incoming(new, loop)
        builder.cbranch(builder.icmp_signed("<", following, self.count), loop, after)
        builder.position_at_end(after)
        self._write(made)
        return ir.Constant(ir.IntType(8), 0)

    def _add_products(self, held: list[list[Any]], step: Any, place: Any) -> list[list[Any]]:
        builder = self.builder
        width = self.vectors * self.lanes
        first = builder.mul(step, _number(width))
        lefts = [self._load(self.left, first, v * self.lanes) for v in range(self.vectors)]
        made = []
        for r in range(self.rows):
            x = builder.load(builder.gep(self.x, [builder.add(place, builder.mul(self.over, _number(r)))]))
            x.align = 1
            alone = builder.insert_element(self.nothing, x, ir.Constant(ir.IntType(32), 0))
            everywhere = builder.shuffle_vector(
                alone, self.nothing, ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
            )
            row = []
            for v in range(self.vectors):
                product = builder.fmul(everywhere, lefts[v], flags=("contract",))
                row.append(builder.fadd(held[r][v], product, flags=("contract",)))
            made.append(row)
        return made

    def _call_ahead(self, ahead: Any) -> None:
        builder = self.builder
        pointer = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, *[ir.IntType(32)] * 3])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
        address = builder.bitcast(builder.gep(self.x, [ahead]), pointer)
        builder.call(prefetch, [address, *(ir.Constant(ir.IntType(32), n) for n in (0, 3, 1))])

    def _write(self, made: list[list[Any]]) -> None:
        builder = self.builder
        for r in range(self.rows):
            for v in range(self.vectors):
                offset = (r * self.vectors + v) * self.lanes
                known = self._load(self.sums, self.at, offset)
                whole = builder.select(self.more, builder.fadd(made[r][v], known), made[r][v])
                store = builder.store(whole, self._pointer(self.sums, self.at, offset))
                store.align = 1

    def _pointer(self, array: Any, index: Any, offset: int) -> Any:
        place = self.builder.gep(array, [self.builder.add(index, _number(offset))])
        return self.builder.bitcast(place, self.vector.as_pointer())

    def _load(self, array: Any, index: Any, offset: int) -> Any:
        loaded = self.builder.load(self._pointer(array, index, offset))
        loaded.align = 1
        return loaded


def _number(n: int) -> Any:
    return ir.Constant(ir.IntType(64), n)


tile: Any = intrinsic(prefer_literal=True)(_make_tile)


def _make_plainly(_: Any, i: Any) -> Any:
    """Return i, hidden from the compiler: a loop that says it is left a simple one, and compiles sooner."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        kind = args[0].type
        return builder.asm(ir.FunctionType(kind, [kind]), "", "=r,0", args, side_effect=True)

    return i(i), generate


plainly: Any = intrinsic(_make_plainly)
