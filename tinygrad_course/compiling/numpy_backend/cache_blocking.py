"""Long chains of elementwise calls a block at a time: what one call leaves, the next finds in the cache."""

import math
from collections.abc import Callable
from typing import Any

from tinygrad_course.compiling.dataflow import Program, Value, is_elementwise, is_sum
from tinygrad_course.compiling.numpy_backend.code_generation import StraightLineCode, python_function
from tinygrad_course.compiling.passes.fuse import FusedCall, Group, fuse

#: Arrays of fewer entries than this fit into the cache whole.
LONG = 250_000
#: Chains of fewer calls than this leave nothing in the cache for each other.
CHAIN = 3
#: The entries of a block.
BLOCK = 8192


def block_for_cache(program: Program) -> Program:
    """Return a program whose long elementwise chains, and the sums over them, are done a block at a time."""
    return fuse(program, _space, is_sum, lambda chain: FusedCall(_Blocks(chain)), CHAIN)


def _space(value: Value) -> tuple[int, ...] | None:
    """Return the shape that a long call runs over, None of another."""
    if is_sum(value):
        a: Value = value.args[0]
        long = value.kind == "scalar" and a.kind == "array" and a.size >= LONG and a.dtype.kind == "f"
        return a.shape if long else None
    if not is_elementwise(value) or value.size < LONG:
        return None
    return value.shape if all(v.shape == value.shape or v.kind != "array" for v in value.inputs) else None


class _Blocks:
    """Runs a chain over arrays of one shape."""

    def __init__(self, group: Group) -> None:
        size = math.prod(_space(group.calls[0]) or ())
        self.whole = _steps(group, BLOCK)
        rest = size % BLOCK
        self.rest = _steps(group, rest) if rest else None
        self.size = size
        self.flat = [v.kind == "array" for v in group.inputs]
        self.sums = len(group.scalars)

    def __call__(self, *arrays: Any) -> Any:
        """Write into the last arrays what is computed from the others, and return the sums."""
        is_array = [*self.flat, *[True] * (len(arrays) - len(self.flat))]
        views = [a.reshape(-1) if cut else a for a, cut in zip(arrays, is_array, strict=True)]
        totals = [0.0] * self.sums
        for start in range(0, self.size, BLOCK):
            stop = start + BLOCK
            steps = self.whole if stop <= self.size else self.rest
            assert steps is not None  # noqa: S101
            part = steps(*[v[start:stop] if cut else v for v, cut in zip(views, is_array, strict=True)])
            totals = [t + p for t, p in zip(totals, part, strict=True)]
        return totals


def _steps(group: Group, size: int) -> Callable[..., Any]:
    """Return a function that runs the calls of a group on `size` entries."""
    inputs = [
        Value(None, (), {}, (size,) if v.kind == "array" else (), v.dtype, v.kind) for v in group.inputs
    ]
    new = {id(v): made for v, made in zip(group.inputs, inputs, strict=True)}
    for call in group.calls:
        args = tuple(new[id(a)] if isinstance(a, Value) else a for a in call.args)
        shape: tuple[int, ...] = () if is_sum(call) else (size,)
        new[id(call)] = Value(call.function, args, call.kwargs, shape, call.dtype, call.kind)
    stored = [new[id(v)] for v in group.stored]
    sums = [new[id(v)] for v in group.scalars]
    body = StraightLineCode(
        Program(inputs, [*stored, *sums]), targets={id(v): f"y{i}" for i, v in enumerate(stored)}
    )
    arguments = ", ".join([*(f"x{i}" for i in range(len(inputs))), *(f"y{i}" for i in range(len(stored)))])
    returned = "".join(f"{body.name(v)}, " for v in sums)
    lines = "".join(f"    {line}\n" for line in [*body.lines, f"return ({returned})"])
    return python_function(f"def call({arguments}):\n{lines}", body.bound, body.layout.blocks)
