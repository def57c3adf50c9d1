"""Elementwise calls and sums as loops: the text of one function of machine code.

Calls on arrays of one shape share a loop: what one computes the next takes from a register, and only what
somebody else needs is written to memory. Sums run along.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import Value, inputs_of, is_sum
from tinygrad_course.compiling.machine.scalar_code import speaks, text


def is_total(value: Value) -> bool:
    """Whether a call is a sum that a loop can run along with: over all axes, or one axis of a matrix."""
    if not is_sum(value) or value.dtype not in {np.dtype("f8"), np.dtype("f4")} or not value.args[0].shape:
        return False
    axes = value.kwargs["axis"]
    return axes is None or (len(value.args[0].shape) == 2 and len(axes) == 1 and value.kwargs["keepdims"])


def is_fusable(value: Value) -> bool:
    """Whether a call can be part of a loop."""
    if is_total(value):
        return bool(value.args[0].kind == "array" and value.args[0].size > 0)
    if value.kind != "array" or not value.shape or not value.size or not speaks(value):
        return False
    return len(value.shape) == 2 or all(v.shape in {value.shape, ()} for v in inputs_of(value))


def space(value: Value) -> tuple[int, ...]:
    """Return the shape of the loop that a call runs in."""
    shape: tuple[int, ...] = value.args[0].shape if is_total(value) else value.shape
    return shape


def function_text(arguments: str, lines: list[str]) -> str:
    """Return the text of a function of machine code."""
    return f"def compute({arguments}):\n    widely()\n" + "".join(f"    {line}\n" for line in lines)


class LoopNest:
    """A loop over one shape, and the calls in it."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.calls: list[Value] = []


class Loops:
    """The text of a function that computes some values from others.

    Attributes
    ----------
    inputs : list of Value
        The function's first arguments.
    stored : list of Value
        Arrays that it writes into: its last arguments.
    scalars : list of Value
        What it returns: a tuple of numbers.
    source : str
        ``def compute(...)``.
    """

    def __init__(self, calls: list[Value], needed: set[int]) -> None:
        self.inside = {id(v) for v in calls}
        self.nests: list[LoopNest] = []
        self.nest_of: dict[int, int] = {}
        for call in calls:
            self._place(call)
        self.inputs = list(
            {id(u): u for v in calls for u in inputs_of(v) if id(u) not in self.inside}.values()
        )
        self.scalars = [v for v in calls if v.shape == ()]
        self.stored = [v for v in calls if v.shape != () and (id(v) in needed or self._leaves(v, calls))]
        self.names = {id(v): f"x{i}" for i, v in enumerate(self.inputs)}
        self.names |= {id(v): f"y{i}" for i, v in enumerate(self.stored)}
        self.names |= {id(v): f"s{i}" for i, v in enumerate(self.scalars)}
        self.count = 0
        lines = [line for nest in self.nests for line in self._nest(nest)]
        arguments = ", ".join(self.names[id(v)] for v in [*self.inputs, *self.stored])
        returned = ", ".join(f"s{i}" for i in range(len(self.scalars)))
        lines.append(f"return ({returned},)" if self.scalars else "return None")
        self.source = function_text(arguments, lines)

    def _place(self, call: Value) -> None:
        shape = space(call)
        lowest = 0
        for v in inputs_of(call):
            if id(v) in self.inside:
                at = self.nest_of[id(v)]
                together = not is_total(v) and v.shape == shape
                lowest = max(lowest, at if together else at + 1)
        for i in range(lowest, len(self.nests)):
            if self.nests[i].shape == shape:
                break
        else:
            self.nests.append(LoopNest(shape))
            i = len(self.nests) - 1
        self.nests[i].calls.append(call)
        self.nest_of[id(call)] = i

    def _leaves(self, value: Value, calls: list[Value]) -> bool:
        """Whether a value is used in another loop than its own."""
        at = self.nest_of[id(value)]
        return is_total(value) or any(
            self.nest_of[id(user)] != at for user in calls for v in inputs_of(user) if v is value
        )

    # ------------------------------------------------------------------ text

    def _nest(self, nest: LoopNest) -> list[str]:
        loaded = {
            id(u): u
            for v in nest.calls
            for u in inputs_of(v)
            if not (id(u) in self.nest_of and u in nest.calls)
        }
        totals = [v for v in nest.calls if is_total(v)]
        flat = all(u.shape in {nest.shape, ()} or u.size == 1 for u in loaded.values())
        flat = flat and all(v.kwargs["axis"] is None for v in totals)
        self.local: dict[int, str] = {}
        head: list[str] = []
        for u in loaded.values():
            if u.shape == ():
                self.local[id(u)] = self.names[id(u)]
            elif u.size == 1:
                head.append(f"{self._fresh(u)} = {self.names[id(u)]}[{', '.join('0' * len(u.shape))}]")
        head += [f"{self._total(v)} = f8(0.0)" for v in totals if v.shape == () or v.size == 1]
        body = self._flat(nest, loaded) if flat else self._rows(nest, loaded, totals)
        return head + body + self._tail(totals)

    def _fresh(self, value: Value) -> str:
        self.count += 1
        self.local[id(value)] = f"t{self.count}"
        return self.local[id(value)]

    def _total(self, value: Value) -> str:
        return f"a_{self.names[id(value)]}"

    def _operand(self, value: Value) -> str:
        return self.local[id(value)]

    def _tail(self, totals: list[Value]) -> list[str]:
        lines = []
        for v in totals:
            name = "f4" if v.dtype == np.float32 else "f8"
            if v.shape == ():
                lines.append(f"{self.names[id(v)]} = {name}({self._total(v)})")
            elif v.size == 1:
                lines.append(f"{self.names[id(v)]}[0, 0] = {self._total(v)}")
        return lines

    def _calls(self, nest: LoopNest, store: str, row: Any = None) -> list[str]:
        lines = []
        for v in nest.calls:
            if is_total(v):
                x = f"f8({self._operand(v.args[0])})"
                if v.size == 1:
                    lines.append(f"{self._total(v)} = accumulate({self._total(v)}, {x})")
                elif v.kwargs["axis"] == (0,):
                    lines.append(f"{self.names[id(v)]}[0, j] += {self._operand(v.args[0])}")
                else:
                    lines.append(f"a_row{row[id(v)]} = accumulate(a_row{row[id(v)]}, {x})")
                continue
            said = text(v, self._operand)
            lines.append(f"{self._fresh(v)} = {said}")
            if id(v) in self.names:
                lines.append(f"{self.names[id(v)]}{store} = {self.local[id(v)]}")
        return lines

    def _flat(self, nest: LoopNest, loaded: dict[int, Value]) -> list[str]:
        arrays = [u for u in loaded.values() if u.size != 1]
        written = [v for v in nest.calls if id(v) in self.names and not is_total(v)]
        lines = [f"{self.names[id(u)]}_ = {self.names[id(u)]}.reshape(-1)" for u in [*arrays, *written]]
        like = next((u for u in [*written, *arrays] if u.shape == nest.shape), None)
        # not a number, so that layers of different sizes share their machine code
        lines.append(f"for i in range({f'{self.names[id(like)]}_.size' if like else np.prod(nest.shape)}):")
        inner = [f"{self._fresh(u)} = {self.names[id(u)]}_[i]" for u in arrays]
        inner += self._calls(nest, "_[i]")
        return lines + [f"    {line}" for line in inner]

    def _rows(self, nest: LoopNest, loaded: dict[int, Value], totals: list[Value]) -> list[str]:
        n0, n1 = nest.shape
        like = next(
            (u for u in [*nest.calls, *loaded.values()] if id(u) in self.names and u.shape == (n0, n1)), None
        )
        rows, columns = (f"{self.names[id(like)]}.shape[{i}]" for i in range(2)) if like else (n0, n1)
        over_rows = [v for v in totals if v.size != 1 and v.kwargs["axis"] == (0,)]
        lines = [f"{self.names[id(v)]}[:] = 0" for v in over_rows]
        lines.append(f"for i in range({rows}):")
        along = {
            id(v): k for k, v in enumerate(v for v in totals if v.size != 1 and v.kwargs["axis"] == (1,))
        }
        outer = [f"a_row{k} = f8(0.0)" for k in along.values()]
        inner = []
        for u in loaded.values():
            name = self.names[id(u)]
            if u.size == 1:
                continue
            if u.shape == (n0, 1) and n1 != 1:
                outer.append(f"{self._fresh(u)} = {name}[i, 0]")
            elif u.shape == (n0, n1):
                inner.append(f"{self._fresh(u)} = {name}[i, j]")
            else:
                inner.append(f"{self._fresh(u)} = {name}[{'j' if len(u.shape) == 1 else '0, j'}]")
        inner += self._calls(nest, "[i, j]", along)
        lines += [f"    {line}" for line in outer]
        lines.append(f"    for j in range({columns}):")
        lines += [f"        {line}" for line in inner]
        lines += [f"    {self.names[id(v)]}[i, 0] = a_row{along[id(v)]}" for v in totals if id(v) in along]
        return lines
