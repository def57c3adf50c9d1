"""Small arrays side by side: what is done to each parameter alike is done to all of them in one call."""

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
    fuser = _HorizontalFuser(program)
    alike: dict[int, list[Value]] = {}
    for result in {id(v): v for v in program.results if id(v) in fuser.classes}.values():
        alike.setdefault(fuser.classes[id(result)], []).append(result)
    try:
        for group in alike.values():
            if len(group) > 1 and sum(v.size for v in group) <= SMALL:
                fuser.column(tuple(group))
        return fuser.rewritten() if fuser.calls >= WORTH else program
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


def _is_array(operand: Any) -> bool:
    return isinstance(operand, Value) and operand.kind == "array"


class _Circle(Exception):  # noqa: N818  (a signal, not an error)
    """Of arrays that were to be computed together, one is computed from another."""


class _HorizontalFuser:
    """Computes arrays of one class together: they are made by the same calls of arrays that have no class."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.builder = Builder()
        self.columns: dict[tuple[int, ...], tuple[Value, ...]] = {}  # what becomes one array
        self.calls = 0
        self.classes: dict[int, int] = {}
        numbers: dict[Any, int] = {}
        for value in program.values():
            if _fits(value):
                made_of = [
                    self.classes.get(id(a))
                    if _is_array(a)
                    else ("one", id(a) if isinstance(a, Value) else repr(a))
                    for a in value.args
                ]
                made = (value.function, value.dtype, *made_of)
                self.classes[id(value)] = numbers.setdefault(made, len(numbers))

    def column(self, segments: tuple[Value, ...]) -> None:
        """Note that `segments` are to be computed together, with everything that they are computed from."""
        key = tuple(map(id, segments))
        if key not in self.columns:
            self.columns[key] = segments
            if key[0] in self.classes:
                self.calls += 1
                for operands in filter(
                    lambda o: _is_array(o[0]), zip(*(v.args for v in segments), strict=True)
                ):
                    self.column(operands)

    def rewritten(self) -> Program:
        """Return the program with each column as one array."""
        self.new: dict[int, Value] = {}
        self.wholes: dict[tuple[int, ...], Value | None] = {}  # by their columns; None: in the making
        self.places: dict[int, tuple[tuple[Value, ...], int]] = {}  # a value's column, and its place there
        for segments in self.columns.values():
            if id(segments[0]) in self.classes:
                for i, v in enumerate(segments):
                    self.places.setdefault(id(v), (segments, i))
        for value in self.program.values():
            if id(value) not in self.places:
                self._new_of(value)
        return Program(self.program.inputs, [self._new_of(v) for v in self.program.results])

    def _whole_of(self, segments: tuple[Value, ...]) -> Value:
        key = tuple(map(id, segments))
        made = self.wholes.get(key)
        if made is not None:
            return made
        if key in self.wholes:
            raise _Circle
        self.wholes[key] = None
        function: Any = segments[0].function if key[0] in self.classes else concatenated
        operands: Any = [(v,) for v in segments]
        if function is not concatenated:
            operands = zip(*(v.args for v in segments), strict=True)
        args = tuple(self._together(column) for column in operands)
        made = self.builder.call(function, args, {}, (sum(v.size for v in segments),), segments[0].dtype)
        self.wholes[key] = made
        return made

    def _together(self, operands: tuple[Any, ...]) -> Any:
        first = operands[0]
        if len(operands) > 1 and _is_array(first):
            return self._whole_of(operands)
        return self._new_of(first) if isinstance(first, Value) else first

    def _new_of(self, value: Value) -> Value:
        made = self.new.get(id(value))
        if made is not None:
            return made
        if value.function is None:
            made = value
        elif id(value) in self.places:
            segments, i = self.places[id(value)]
            start = sum(v.size for v in segments[:i])
            args = self._whole_of(segments), start, value.shape
            made = self.builder.call(segment, args, {}, value.shape, value.dtype)
        else:
            args, kwargs = (replace(x, self._new_of) for x in (value.args, value.kwargs))
            made = self.builder.like(value, args, kwargs)
        made.named_like(value)
        self.new[id(value)] = made
        return made
