"""Arrays put together from others: padded, one beside the other, rolled, and the gradients of slices."""

from __future__ import annotations

import itertools
import operator
from typing import Any

import numpy as np

from tinygrad_course.compiling.builder import Builder, rewritten
from tinygrad_course.compiling.dataflow import FLOATS, Program, Value, accumulated, is_view
from tinygrad_course.compiling.machine import jit
from tinygrad_course.compiling.passes.fuse import FusedCall
from tinygrad_course.rules.indexing import scatter
from tinygrad_course.rules.padding import pad_constant

#: An array of more parts than this is not put together at once.
MANY = 16


def assembled(parts: Any, shape: tuple[int, ...], *arrays: Any) -> Any:
    """Return zeros of a shape with arrays in them.

    A part is an array's number, its slice, the place of that, and whether it is added to what is there.
    """
    out = np.zeros(shape, arrays[0].dtype)
    for number, source, target, adds in parts:
        part = arrays[number][source].reshape(out[target].shape)
        out[target] = out[target] + part if adds else part
    return out


def assemble(program: Program) -> Program:
    """Return a program in which what puts arrays together says so."""
    uses = program.uses()

    def change(builder: Builder, value: Value, new: dict[int, Value]) -> Value | None:
        if value.kind != "array" or not value.size or value.dtype not in FLOATS:
            return None
        found, parts, arrays = _parts(value), [], []
        if value.function is accumulated:
            base = new[id(value.args[0])]
            if uses[id(value.args[0])] > 1 or base.function is not assembled:
                return None
            parts, arrays = list(base.args[0]), list(base.args[2:])
        for x, source, target in found:
            if not isinstance(x, Value) or x.kind != "array" or not x.shape or x.dtype != value.dtype:
                return None
            if target is None or _memory(x.shape)[source].size != _memory(value.shape)[target].size:
                return None
            part = source is ... and x.function is operator.getitem and is_view(x)
            if part and x.args[0].function is not None and not is_view(x.args[0]):
                within = _slices(x.args[1], x.args[0].shape)  # which is read where it lies
                x, source = (x, ...) if within is None else (x.args[0], within)
            if new[id(x)] not in arrays:
                arrays.append(new[id(x)])
            parts.append((arrays.index(new[id(x)]), source, target, value.function is accumulated))
        if not found or len(parts) > MANY:
            return None
        return builder.call(assembled, (tuple(parts), value.shape, *arrays), {}, value.shape, value.dtype)

    return rewritten(program, change)


def _parts(value: Value) -> list[Any]:
    """Return what a call puts together: arrays, slices of them, and the slices where."""
    function, args, shape = value.function, value.args, value.shape
    if function in {scatter, accumulated}:
        return [(args[0 if function is scatter else 2], ..., _slices(args[1], shape))]
    if function is pad_constant and repr(args[2]) in {"0", "0.0"} and np.min(args[1]) >= 0:
        inner = zip(args[1], args[0].shape, strict=True)
        return [(args[0], ..., tuple(slice(before, before + n) for (before, _), n in inner))]
    if function is np.roll:
        given = dict(zip(("shift", "axis"), args[1:], strict=False)) | value.kwargs
        k, axis = given["shift"], given.get("axis")
        if type(k) is not int or type(axis) is not int:
            return []
        n, before = shape[axis], (slice(None),) * (axis % len(shape))
        k %= n
        halves = (slice(n - k, n), slice(k)), (slice(n - k), slice(k, n))
        return [(args[0], (*before, of), (*before, to)) for of, to in halves]
    if function in {np.concatenate, np.stack} and not args[2:] and value.kwargs.keys() <= {"axis"}:
        axis = value.kwargs.get("axis", (*args, 0)[1])
        if type(axis) is int and all(isinstance(x, Value) and x.shape for x in args[0]):
            sizes = [1 if function is np.stack else x.shape[axis] for x in args[0]]
            ends = itertools.pairwise(itertools.accumulate([0, *sizes]))
            before = (slice(None),) * (axis % len(shape))
            return [(x, ..., (*before, slice(*end))) for x, end in zip(args[0], ends, strict=True)]
    return []


def _slices(index: Any, shape: tuple[int, ...]) -> Any:
    """Return an index of numbers and slices forwards as slices alone, None of another."""
    parts = index if type(index) is tuple else (index,)
    if any(p is ... for p in parts):
        at = parts.index(...)
        parts = (*parts[:at], *[slice(None)] * (len(shape) + 1 - len(parts)), *parts[at + 1 :])
    found = []
    for p, n in zip(parts, shape, strict=False):
        p = slice(p % n, p % n + 1) if type(p) is int else p
        if type(p) is not slice or {type(x) for x in (p.start, p.stop, p.step)} - {int, type(None)}:
            return None
        found.append(p)
    return tuple(found) if all((p.step or 1) > 0 for p in found) else None


def _memory(shape: tuple[int, ...]) -> Any:
    """Return an array whose strides are those of any of that shape, in entries; nobody touches its memory."""
    return np.empty(shape, np.int8)


def assembling(value: Value) -> FusedCall:
    """Return what does it."""
    parts, shape, *arrays = value.args
    numbers: list[int] = []  # so that functions that differ in them are one

    def said(x: int) -> str:
        numbers.append(x)
        return f"k{len(numbers) - 1}"

    lines = []
    whole = _memory(shape)
    if sum(whole[target].size for _, _, target, adds in parts if not adds) < value.size:
        lines += [f"for i0 in range({said(value.size)}):", "    y0[i0] = 0.0"]
    for number, source, target, adds in parts:
        there, given = whole[target], _memory(arrays[number].shape)
        here = given[source].reshape(there.shape)
        axes: list[list[int]] = []  # the turns of loops, and how far each goes there and here
        for n, up, down in zip(there.shape, there.strides, here.strides, strict=True):
            if axes and axes[-1][1:] == [n * up, n * down]:  # they go on where the ones before end
                n *= axes.pop()[0]
            axes.append([n, up, down])
        to, of = (said(part.ctypes.data - all_.ctypes.data) for part, all_ in ((there, whole), (here, given)))
        for depth, (n, *strides) in enumerate(axes):
            lines.append(f"{'    ' * depth}for i{depth} in range({said(n)}):")
            to, of = (
                f"{at} + i{depth}" + (f" * {said(step)}" if step != 1 else "")
                for at, step in zip((to, of), strides, strict=True)
            )
        before = f"y0[{to}] + " if adds else ""
        lines.append(f"{'    ' * len(axes)}y0[{to}] = {before}x{number}[{of}]")
    kind = f"{value.dtype.str[1:]} 0"
    arguments = {f"x{i}": kind for i in range(len(arrays))} | {f"k{i}": "i8" for i in range(len(numbers))}
    return FusedCall(jit.function(arguments | {"y0": kind}, lines), numbers)
