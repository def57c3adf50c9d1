"""Small arrays side by side: what is done to each parameter alike is done to all of them in one call."""

from typing import Any

from tinygrad_course.compiling.builder import Builder, regrouped
from tinygrad_course.compiling.dataflow import Program, Value, is_elementwise, segment

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
    for group in alike.values():
        if len(group) > 1 and sum(v.size for v in group) <= SMALL:
            fuser.column(tuple(group))
    return regrouped(program, fuser.groups(), fuser.make) if fuser.calls >= WORTH else program


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


class _HorizontalFuser:
    """Computes arrays of one class together: they are made by the same calls of arrays that have no class."""

    def __init__(self, program: Program) -> None:
        self.columns: dict[tuple[int, ...], tuple[Value, ...]] = {}  # what becomes one array
        self.wholes: dict[tuple[int, ...], Value] = {}  # these arrays
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
        waiting = [segments]
        while waiting:
            segments = waiting.pop()
            key = tuple(map(id, segments))
            if key not in self.columns:
                self.columns[key] = segments
                if key[0] in self.classes:
                    self.calls += 1
                    waiting += [o for o in zip(*(v.args for v in segments), strict=True) if _is_array(o[0])]

    def groups(self) -> dict[int, list[Value]]:
        """Return the calls that are computed together with each."""
        found: dict[int, list[Value]] = {}
        for segments in self.columns.values():
            if id(segments[0]) in self.classes:
                group = list(segments)
                for v in group:
                    found.setdefault(id(v), group)
        return found

    def make(self, builder: Builder, group: list[Value], new: dict[int, Value]) -> None:
        """Compute a group as one array, and take its segments."""
        first, start = group[0], 0
        args = [self._together(builder, column, new) for column in zip(*(v.args for v in group), strict=True)]
        size = sum(v.size for v in group)
        assert first.function is not None  # noqa: S101
        whole = builder.call(first.function, tuple(args), {}, (size,), first.dtype)
        self.wholes[tuple(map(id, group))] = whole
        for v in group:
            made = builder.call(segment, (whole, start, v.shape), {}, v.shape, v.dtype)
            made.named_like(v)
            new.setdefault(id(v), made)
            start += v.size

    def _together(self, builder: Builder, operands: tuple[Any, ...], new: dict[int, Value]) -> Any:
        first = operands[0]
        if not _is_array(first):
            return new[id(first)] if isinstance(first, Value) else first
        whole, size = self.wholes.get(tuple(map(id, operands))), sum(v.size for v in operands)
        return whole or builder.together([new[id(v)] for v in operands], (size,))
