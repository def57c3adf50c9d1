"""Arrays put together from others: rolled, padded, one beside the other, and the gradients of slices."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tinygrad_course.compiling.builder import Builder, rewritten
from tinygrad_course.compiling.dataflow import Program, Value, accumulated
from tinygrad_course.compiling.machine import jit
from tinygrad_course.compiling.machine.loops import function_text
from tinygrad_course.compiling.passes.fuse import FusedCall
from tinygrad_course.rules.indexing import scatter
from tinygrad_course.rules.padding import pad_constant

#: Of more parts than this an array is not put together at once.
MANY = 8


def assembled(parts: Any, shape: tuple[int, ...], *arrays: Any) -> Any:
    """Return zeros of a shape with arrays in them.

    A part is an array's number, its slice, the place of that, and whether it is added to what is there.
    """
    out = np.zeros(shape, arrays[0].dtype)
    for number, source, target, adds in parts:
        there = out[target]
        there[...] = there * adds + arrays[number][source].reshape(there.shape)
    return out


def assemble(program: Program) -> Program:
    """Return a program in which what puts arrays together says so."""
    uses = program.uses()

    def change(builder: Builder, value: Value, new: dict[int, Value]) -> Value | None:
        if value.kind != "array" or not value.size or value.dtype not in {np.dtype("f8"), np.dtype("f4")}:
            return None
        found, parts, arrays = _parts(value), [], []
        if value.function is accumulated:
            base = new[id(value.args[0])]
            if uses[id(value.args[0])] > 1 or base.function is not assembled:
                return None
            parts, arrays = list(base.args[0]), list(base.args[2:])
        for x, source, target, adds in found:
            if not isinstance(x, Value) or x.kind != "array" or not x.shape or x.dtype != value.dtype:
                return None
            if target is None or (source is ... and x.size != _memory(value.shape)[target].size):
                return None
            if new[id(x)] not in arrays:
                arrays.append(new[id(x)])
            parts.append((arrays.index(new[id(x)]), source, target, adds))
        if not found or len(parts) > MANY:
            return None
        return builder.call(assembled, (tuple(parts), value.shape, *arrays), {}, value.shape, value.dtype)

    return rewritten(program, change)


def _parts(value: Value) -> list[Any]:
    """Return what a call puts together: arrays, their slices, the places of these, and whether it adds."""
    function, args, shape = value.function, value.args, value.shape
    if function in {scatter, accumulated}:
        return [
            (args[0 if function is scatter else 2], ..., _slices(args[1], shape), function is accumulated)
        ]
    if function is pad_constant and repr(args[2]) in {"0", "0.0"} and np.min(args[1]) >= 0:
        inner = zip(args[1], args[0].shape, strict=True)
        return [(args[0], ..., tuple(slice(before, before + n) for (before, _), n in inner), False)]
    if function is np.roll and len(args) == 3 and all(type(x) is int for x in args[1:]):
        n, before = shape[args[2]], (slice(None),) * (args[2] % len(shape))
        k = args[1] % n
        halves = (slice(n - k, n), slice(k)), (slice(n - k), slice(k, n))
        return [(args[0], (*before, of), (*before, to), False) for of, to in halves]
    if function in {np.concatenate, np.stack} and not args[2:] and value.kwargs.keys() <= {"axis"}:
        axis = value.kwargs.get("axis", (*args, 0)[1])
        if type(axis) is int and all(isinstance(x, Value) and x.shape for x in args[0]):
            sizes = [1 if function is np.stack else x.shape[axis] for x in args[0]]
            ends = itertools.pairwise(itertools.accumulate([0, *sizes]))
            before = (slice(None),) * (axis % len(shape))
            return [(x, ..., (*before, slice(*end)), False) for x, end in zip(args[0], ends, strict=True)]
    return []


def _slices(index: Any, shape: tuple[int, ...]) -> Any:
    """Return an index of numbers and slices forwards as slices alone, or None."""
    parts = index if type(index) is tuple else (index,)
    if any(p is ... for p in parts):
        at = parts.index(...)
        parts = (*parts[:at], *[slice(None)] * (len(shape) + 1 - len(parts)), *parts[at + 1 :])
    found = []
    for p, n in zip(parts, shape, strict=False):
        numbers = (p.start, p.stop, p.step) if type(p) is slice else (p, 0, 1)
        if any(x is not None and type(x) is not int for x in numbers) or p is None or (numbers[2] or 1) < 0:
            return None
        found.append(p if type(p) is slice else slice(p % n, p % n + 1))
    return tuple(found)


def _memory(shape: tuple[int, ...]) -> Any:
    """Return an array whose strides are those of any of that shape, in entries; nobody touches its memory."""
    return np.empty(shape, np.int8)


def is_assembled(value: Value) -> bool:
    """Whether a call puts an array together."""
    return value.function is assembled


def assembling(value: Value) -> FusedCall:
    """Return what does it."""
    parts, shape, *arrays = value.args
    numbers: list[int] = []

    def said(x: int) -> str:
        if x in {0, 1}:
            return str(x)
        numbers.append(x)
        return f"k{len(numbers) - 1}"

    lines = []
    whole = _memory(shape)
    if sum(whole[target].size for _, _, target, adds in parts if not adds) < value.size:
        lines += [f"for i0 in range({said(value.size)}):", "    y0[i0] = 0.0"]
    for number, source, target, adds in parts:
        there, given = whole[target], _memory(arrays[number].shape)
        here = given[source]
        here = here if source is not ... else here.reshape(there.shape)
        axes: list[list[int]] = []
        for n, up, down in zip(there.shape, there.strides, here.strides, strict=True):
            if axes and axes[-1][1:] == [n * up, n * down]:  # they go on where the ones before end
                axes[-1] = [axes[-1][0] * n, up, down]
            elif n != 1:
                axes.append([n, up, down])
        to, of = (said(part.ctypes.data - all_.ctypes.data) for part, all_ in ((there, whole), (here, given)))
        for depth, (n, up, down) in enumerate(axes):
            lines.append(f"{'    ' * depth}for i{depth} in range({said(n)}):")
            to, of = f"{to} + i{depth} * {said(up)}", f"{of} + i{depth} * {said(down)}"
        before = f"y0[{to}] + " if adds else ""
        lines.append(f"{'    ' * len(axes)}y0[{to}] = {before}x{number}[{of}]")
    inputs = [f"x{i}" for i in range(len(arrays))]
    names = [*inputs, *(f"k{i}" for i in range(len(numbers))), "y0"]
    kind = f"{value.dtype.str[1:]} 0"
    types = (*[kind] * len(inputs), *["i8"] * len(numbers), kind)
    made = jit.compile_source(function_text(", ".join(names), [*lines, "return None"]), types)
    return FusedCall(made, numbers)
