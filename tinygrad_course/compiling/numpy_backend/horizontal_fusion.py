"""Small arrays side by side: what is done to each parameter alike is done to all of them in one call."""

from __future__ import annotations

from typing import Any

from tinygrad_course.compiling.builder import Builder
from tinygrad_course.compiling.dataflow import Program, Value, is_elementwise, replace
from tinygrad_course.compiling.numpy_backend.buffers import concatenated, segment

#: Arrays that together have more entries than this are left apart: the calls cost more than their number.
SMALL = 4096
#: Fewer calls than this for each array don't pay for bringing the arrays together.
WORTH = 4


def fuse_horizontally(program: Program) -> Program:
    """Return a program in which results that are computed alike are computed together."""
    groups: dict[Any, list[Value]] = {}
    signatures: dict[int, Any] = {}
    for value in program.values():  # arguments first: no recursion
        _signature(value, signatures)
    for result in program.results:
        signature = _signature(result, signatures)
        if signature is not None and result not in groups.setdefault(signature, []):
            groups[signature].append(result)
    fuser = _HorizontalFuser()
    try:
        for group in groups.values():
            if len(group) > 1 and sum(v.size for v in group) <= SMALL:
                fuser.column(tuple(group))
        if fuser.calls < WORTH:
            return program
        return fuser.rewrite(program)
    except (_Circle, RecursionError):
        return program


def _fits(value: Value) -> bool:
    """Whether a call can be done side by side: entry by entry, on arrays of its own shape and numbers."""
    return (
        is_elementwise(value)
        and value.dtype.kind == "f"
        and all(
            v.shape == () if v.kind != "array" else (v.shape == value.shape and v.dtype == value.dtype)
            for v in value.inputs
        )
    )


def _signature(value: Value, known: dict[int, Any]) -> Any:
    if id(value) not in known:
        if not _fits(value):
            known[id(value)] = None
        else:
            known[id(value)] = hash((value.function, value.dtype, *(_part(a, known) for a in value.args)))
    return known[id(value)]


def _part(arg: Any, known: dict[int, Any]) -> Any:
    if not isinstance(arg, Value):
        return repr(arg)
    if arg.kind != "array":
        return id(arg)
    return _signature(arg, known) or "array"


class _Circle(Exception):  # noqa: N818  (a signal, not an error)
    """Of arrays that were to be computed together, one is computed from another."""


class _HorizontalFuser:
    def __init__(self) -> None:
        self.builder = Builder()
        self.columns: dict[tuple[int, ...], tuple[tuple[Value, ...], Any]] = {}  # what becomes one call
        self.calls = 0

    def column(self, segments: tuple[Value, ...]) -> None:
        """Note that `segments` are to be computed together, with everything that they are computed from."""
        key = tuple(id(v) for v in segments)
        if key in self.columns:
            return
        together = (
            len({v.function for v in segments}) == 1
            and all(_fits(v) for v in segments)
            and self._alike(segments)
        )
        if together:
            for operands in zip(*(v.args for v in segments), strict=True):
                if isinstance(operands[0], Value) and operands[0].kind == "array":
                    self.column(operands)
            self.calls += 1
        self.columns[key] = segments, together

    def _alike(self, segments: tuple[Value, ...]) -> bool:
        for operands in zip(*(v.args for v in segments), strict=True):
            first = operands[0]
            if isinstance(first, Value) and first.kind == "array":
                if not all(isinstance(o, Value) and o.kind == "array" for o in operands):
                    return False
            elif any(
                o is not first
                and (isinstance(o, Value) or isinstance(first, Value) or repr(o) != repr(first))
                for o in operands
            ):
                return False
        return True

    def rewrite(self, program: Program) -> Program:
        new: dict[int, Value] = {}
        wholes: dict[tuple[int, ...], Value] = {}
        open_wholes: set[tuple[int, ...]] = set()
        of: dict[int, tuple[tuple[int, ...], int]] = {}  # a concatenated value's column, and its place there
        for key, (segments, together) in self.columns.items():
            if together:
                for i, v in enumerate(segments):
                    of.setdefault(id(v), (key, i))

        def whole_of(segments: tuple[Value, ...]) -> Value:
            key = tuple(id(v) for v in segments)
            if key in wholes:
                return wholes[key]
            if key in open_wholes:
                raise _Circle
            open_wholes.add(key)
            size, dtype = sum(v.size for v in segments), segments[0].dtype
            if not self.columns[key][1]:
                made = self.builder.call(concatenated, tuple(new_of(v) for v in segments), {}, (size,), dtype)
            else:
                args = tuple(
                    whole_of(operands) if isinstance(operands[0], Value) and operands[0].kind == "array"
                    else new_of(operands[0]) if isinstance(operands[0], Value) else operands[0]
                    for operands in zip(*(v.args for v in segments), strict=True)
                )  # fmt: skip
                function = segments[0].function
                assert function is not None  # noqa: S101
                made = self.builder.call(function, args, {}, (size,), dtype)
            wholes[key] = made
            return made

        def new_of(value: Value) -> Value:
            if id(value) in new:
                return new[id(value)]
            if value.function is None:
                made = value
            elif id(value) in of:
                key, i = of[id(value)]
                segments = self.columns[key][0]
                start = sum(v.size for v in segments[:i])
                made = self.builder.call(
                    segment, (whole_of(segments), start, value.shape), {}, value.shape, value.dtype
                )
            else:
                args, kwargs = (replace(x, new_of) for x in (value.args, value.kwargs))
                made = self.builder.like(value, args, kwargs)
            made.named_like(value)
            new[id(value)] = made
            return made

        for value in program.values():
            if id(value) not in of:
                new_of(value)
        return Program(program.inputs, [new_of(v) for v in program.results])
