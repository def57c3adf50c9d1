"""Elementwise calls and sums as one nest of loops: the text of one function of machine code.

Calls on arrays of one shape share the loops: what one computes the next takes from a register, and only what
somebody else needs is written to memory. Sums run along. Axes that every array has, or lacks, alike are one
loop: (20, 7, 64) with a bias (64,) is two. Neither sizes nor numbers stand in the text, so that layers and
networks share their machine code. Only a few neighbours, those of pooling or the coordinates of a point, are
written out one by one, which makes a longer loop the innermost: (900, 3, 3) is one of 900.
"""

from __future__ import annotations

import math
import operator

import numpy as np

from tinygrad_course.compiling.dataflow import FLOATS, Value, is_reduction, is_sum, is_view
from tinygrad_course.compiling.machine import jit
from tinygrad_course.compiling.machine.scalar_code import Numbers, speaks, text
from tinygrad_course.compiling.passes.fuse import FusedCall, Group

#: Innermost loops of so many steps are written out, in functions of so many calls all told.
SHORT, WRITTEN_OUT = 4, 60
#: Innermost loops of fewer steps end with a vector of which a part is masked: else what is left over is made
#: number by number. In longer ones that is little, and the mask takes time in each turn. But not where steps
#: are written out: under a mask, entries that lie apart are read one by one.
MASKED = 16


def is_total(value: Value) -> bool:
    """Whether a call is a sum or an extreme that loops can run along with."""
    if not is_reduction(value) or value.dtype not in FLOATS:
        return False
    a: Value = value.inputs[0]
    return a.kind == "array" and a.dtype == value.dtype and a.shape != () and a.size > 0


def is_fusable(value: Value) -> bool:
    """Whether a call can be part of a nest of loops."""
    return is_total(value) or (
        value.kind == "array" and value.shape != () and value.size > 0 and speaks(value)
    )


def space(value: Value) -> tuple[int, ...]:
    """Return the shape of the loops that a call runs in."""
    shape: tuple[int, ...] = value.args[0].shape if is_total(value) else value.shape
    return shape


class Loops:
    """The text of a function that computes some values of one space from others.

    Its arguments are the inputs, numbers, how often the loops run, and the arrays that it writes.
    """

    def __init__(self, group: Group) -> None:
        self.calls, self.inputs = group.calls, group.inputs
        self.scalars, self.stored = group.scalars, group.stored
        self.shape = space(self.calls[0])
        self.names = {id(v): f"x{i}" for i, v in enumerate(self.inputs)}
        self.names |= {id(v): f"y{i}" for i, v in enumerate(self.stored)}
        self.names |= {id(v): f"s{i}" for i, v in enumerate(self.scalars)}
        #: Parts of matrices, u[1:, :-1], are read where they lie, by rows.
        self.parts = {id(v) for v in self.inputs if len(v.shape) > 1 and v.shape[-1] > 1 and _is_part(v)}
        self.said = Numbers()
        self.local: dict[int, str] = {}
        self._collapse()

    def fused(self) -> FusedCall:
        """Return the function that computes the calls."""
        lines, sizes = self._lines(), self.sizes[: self.inner + 1]
        rows = tuple(i for i, v in enumerate(self.inputs) if id(v) in self.parts)
        given = {self.names[id(v)]: jit.type_of(v, axes=0) for v in self.inputs}
        given |= {f"x{i}": f"{jit.type_of(self.inputs[i])} rows" for i in rows}
        given |= dict.fromkeys(self.said.names, "f8") | {f"n{loop}": "i8" for loop in range(len(sizes))}
        given |= {self.names[id(v)]: jit.type_of(v, axes=0) for v in self.stored}
        return FusedCall(jit.function(given, lines), [*self.said.values, *sizes], rows=rows)

    # ------------------------------------------------------------------ loops

    def _has(self, value: Value) -> tuple[bool, ...]:
        """Return for each axis whether a value varies along it."""
        if is_total(value) and self.names[id(value)][0] != "x":
            axes = value.kwargs["axis"]
            every = range(len(self.shape)) if axes is None else [a % len(self.shape) for a in axes]
            return tuple(i not in every and n != 1 for i, n in enumerate(self.shape))
        shape = (1,) * (len(self.shape) - len(value.shape)) + value.shape
        return tuple(n != 1 for n in shape)

    def _collapse(self) -> None:
        """Find the loops: runs of axes that every array has, or lacks, alike."""
        arrays = [v for v in [*self.inputs, *self.stored] if v.shape != ()]
        has = {id(v): self._has(v) for v in [*arrays, *self.scalars]}
        self.sizes: list[int] = []
        self.over: dict[int, list[int]] = {key: [] for key in has}  # the loops that each array varies with
        before = None
        for axis, n in enumerate(self.shape):
            pattern = tuple(h[axis] and (key not in self.parts or axis + 1) for key, h in has.items())
            if n == 1:
                continue
            if pattern == before:
                self.sizes[-1] *= n
                continue
            before = pattern
            for key, present in zip(has, pattern, strict=True):
                if present:
                    self.over[key].append(len(self.sizes))
            self.sizes.append(n)
        self.sizes = self.sizes or [1]
        inner = len(self.sizes) - 1
        while inner and self.sizes[inner] <= SHORT:
            inner -= 1
        steps = math.prod(self.sizes[inner + 1 :])
        few = self.sizes[inner] > SHORT and steps * len(self.calls) <= WRITTEN_OUT and not self.parts
        #: The innermost loop; those beyond are written out, in so many steps.
        self.inner, self.steps = (inner, steps) if few else (len(self.sizes) - 1, 1)
        self.step = 0  # the one that is being written

    def _is_apart(self, value: Value) -> bool:
        """Whether the steps that are written out read different entries."""
        return self.over[id(value)][-1:] > [self.inner]

    def _offset(self, value: Value) -> int:
        """Return which of its entries that lie together the step reads."""
        rest, at, count = self.step, 0, 1
        for loop in range(len(self.sizes) - 1, self.inner, -1):
            rest, i = divmod(rest, self.sizes[loop])
            if loop in self.over[id(value)]:
                at, count = at + i * count, count * self.sizes[loop]
        return at

    def _index(self, value: Value) -> str:
        if id(value) in self.parts:
            loops = iter(self.over[id(value)])
            return ", ".join("0" if n == 1 else f"i{next(loops)}" for n in value.shape)
        at = ""
        for loop in self.over[id(value)]:
            if loop <= self.inner:
                at = f"({at}) * n{loop} + i{loop}" if at else f"i{loop}"
        together = math.prod(self.sizes[loop] for loop in self.over[id(value)] if loop > self.inner)
        if together > 1:
            return f"({at}) * {together} + {self._offset(value)}" if at else str(self._offset(value))
        return at or "0"

    # ------------------------------------------------------------------ text

    def _lines(self) -> list[str]:
        last = self.inner
        totals = [v for v in self.calls if is_total(v)]
        whole = [v for v in totals if not self.over[id(v)]]  # over everything
        turns = [*range(last + 1)]
        within = [v for v in totals if [loop for loop in self.over[id(v)] if loop <= last] == turns]
        others = [v for v in totals if (last in self.over[id(v)] or self._is_apart(v)) and v not in within]
        along = [v for v in totals if v not in (*whole, *others, *within)]  # over the last loop
        for i, v in enumerate(totals):
            self.local[id(v)] = f"a{i}"
        lines = [f"{self.local[id(v)]} = {_begin(v)}" for v in whole]
        summed = [v for v in along if len(self.over[id(v)]) < last]  # over an outer loop as well
        for v in [*others, *summed]:
            over = [loop for loop in self.over[id(v)] if loop <= last]
            lines += [f"{'    ' * i}for i{loop} in range(n{loop}):" for i, loop in enumerate(over)]
            for step in range(self.steps if self._is_apart(v) else 1):
                self.step = step
                lines.append(f"{'    ' * len(over)}{self.names[id(v)]}[{self._index(v)}] = {_begin(v)}")
        loaded: dict[int, list[str]] = {}
        apart: list[Value] = []
        for u in self.inputs:
            if u.shape == ():
                self.local[id(u)] = self.names[id(u)]
                continue
            self.local[id(u)] = f"t{len(self.local)}"
            if self._is_apart(u):
                apart.append(u)
                continue
            at = self.over[id(u)][-1] if self.over[id(u)] else -1
            loaded.setdefault(at, []).append(f"{self.local[id(u)]} = {self.names[id(u)]}[{self._index(u)}]")
        lines += loaded.get(-1, [])
        for loop in range(last + 1):
            if loop == last:
                lines += [f"{'    ' * loop}{self.local[id(v)]} = {_begin(v)}" for v in along]
            masked = loop == last and self.sizes[loop] < MASKED and self.steps == 1
            lines.append(f"{'    ' * loop}for i{loop} in {'masked' if masked else 'range'}(n{loop}):")
            lines += [f"{'    ' * (loop + 1)}{line}" for line in loaded.get(loop, [])]
        begun: dict[str, str] = {}  # sums within a turn of the last loop, and the lines that keep them
        for step in range(self.steps):
            self.step = step
            for v in within:
                self.local[id(v)] = known = f"{self.names[id(v)]}_{self._offset(v)}"
                if known not in begun:
                    begun[known] = f"{self.names[id(v)]}[{self._index(v)}] = {known}"
                    lines.append(f"{'    ' * (last + 1)}{known} = {_begin(v)}")
            said = [f"{self.local[id(u)]} = {self.names[id(u)]}[{self._index(u)}]" for u in apart]
            said += self._calls({id(v) for v in [*whole, *along, *within]})
            lines += [f"{'    ' * (last + 1)}{line}" for line in said]
        lines += [f"{'    ' * (last + 1)}{line}" for line in begun.values()]
        for v in along:
            place = f"{self.names[id(v)]}[{self._index(v)}]"
            made = _further(v, place, self.local[id(v)]) if v in summed else self.local[id(v)]
            lines.append(f"{'    ' * last}{place} = {made}")
        for v in whole:
            number = "f4" if v.dtype == np.float32 else "f8"
            target = self.names[id(v)] if v.shape == () else f"{self.names[id(v)]}[0]"
            lines.append(f"{target} = {number}({self.local[id(v)]})")
        returned = "".join(f"{self.names[id(v)]}, " for v in self.scalars)
        return [*lines, f"return ({returned})"] if returned else lines

    def _calls(self, in_registers: set[int]) -> list[str]:
        lines = []
        for v in self.calls:
            if is_total(v):
                x = self.local[id(v.args[0])]
                if id(v) in in_registers:
                    known = self.local[id(v)]
                    made = f"accumulate({known}, f8({x}))" if is_sum(v) else _further(v, known, x)
                else:
                    known = f"{self.names[id(v)]}[{self._index(v)}]"
                    turning = is_sum(v) and self.inner not in self.over[id(v)]
                    made = f"accumulate({known}, {x})" if turning else _further(v, known, x)
                lines.append(f"{known} = {made}")
                continue
            said = text(v, lambda u: self.local[id(u)], self.said)
            self.local.setdefault(id(v), f"t{len(self.local)}")
            lines.append(f"{self.local[id(v)]} = {said}")
            if id(v) in self.names:
                lines.append(f"{self.names[id(v)]}[{self._index(v)}] = {self.local[id(v)]}")
        return lines


def _is_part(value: Value) -> bool:
    return value.function is operator.getitem and is_view(value) and value.size < value.args[0].size


def _begin(value: Value) -> str:
    """Return the text of what a reduction begins with."""
    if is_sum(value):
        return "f8(0.0)"
    number = "f4" if value.dtype == np.float32 else "f8"
    return f"{number}({'-' if value.function is np.max else ''}math.inf)"


def _further(value: Value, known: str, x: str) -> str:
    """Return the text of a reduction with one more number."""
    if is_sum(value):
        return f"{known} + {x}"
    return f"{'largest' if value.function is np.max else 'smallest'}({known}, {x})"
