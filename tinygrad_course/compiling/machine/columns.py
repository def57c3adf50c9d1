"""Small networks, one example at a time: the text of a loop over the columns of X.

Each example is a column, and goes through forward and backward pass by itself: what it leaves behind are its
shares of the sums (the cost, dW, db). So one loop over the columns does everything, the rows of a layer
written out one by one, with no array in between; the compiler makes it run on several examples at once.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import Program, Value, is_reduction, is_sum, item
from tinygrad_course.compiling.machine.loops import function_text
from tinygrad_course.compiling.machine.scalar_code import ARITHMETIC, Numbers, speaks, text
from tinygrad_course.compiling.passes.fuse import NotFused

#: More numbers than this are not written out one by one.
WRITTEN_OUT = 1200
#: Fewer columns than this are not worth a loop.
FEW = 8


class Columns:
    """The text of a program as a loop over `m` columns; `NotFused` for one that is not of this kind.

    Its `sections` are what comes before a loop over the columns, and what is in it: often there is one loop;
    the last section has none.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        values = program.values()
        self.m = _columns(values)
        # by a value's id, the names of its entries, or of its rows if it has the columns, and is `wide`
        self.names: dict[int, list[str]] = {}
        self.wide: dict[int, bool] = {}
        self.section: dict[int, int] = {}
        self.before: dict[int, list[str]] = {0: []}
        self.inside: dict[int, list[str]] = {}
        self.loads: list[str] = []  # of what has the columns among the inputs, in each loop
        self.count = 0
        self.numbers = Numbers()
        for value in values:
            if value.function is not None:
                self._call(value)
            elif value.is_constant:
                self._constant(value)
            else:
                self.load(value)
        if not self.inside:
            raise NotFused
        last = max(*self.before, max(self.inside) + 1)
        loops = [[*self.loads, *self.inside[i]] if i in self.inside else [] for i in range(last + 1)]
        self.sections = [(self.before.get(i, []), loop) for i, loop in enumerate(loops)]

    # ------------------------------------------------------------------ where things go

    def _new(self, value: Value, count: int, section: int) -> list[str]:
        wide = self.wide[id(value)]
        self.section[id(value)] = section
        if self.count + count > WRITTEN_OUT:  # before they are written
            raise NotFused
        names = [f"{'r' if wide else 'n'}{self.count + i}" for i in range(count)]
        self.count += count
        self.names[id(value)] = names
        return names

    def _lines(self, value: Value) -> list[str]:
        section = self.section[id(value)]
        return (self.inside if self.wide[id(value)] else self.before).setdefault(section, [])

    def load(self, value: Value) -> None:
        """Give an input names."""
        shape = value.shape
        self.wide[id(value)] = wide = self._has_columns(shape)
        if wide and shape[-1] != self.m:
            raise NotFused
        if value.dtype != np.float64 and value.kind != "python":
            raise NotFused
        if not wide:
            self._new(value, max(value.size, 1), 0)
            return  # loaded by whoever calls: from an array, or from the state
        rows = shape[0] if len(shape) == 2 else 1
        names = self._new(value, rows, 0)
        x = self.argument(value)
        place = "{}, j" if len(shape) == 2 else "j"
        self.loads += [f"{n} = {x}[{place.format(i)}]" for i, n in enumerate(names)]

    def argument(self, value: Value) -> str:
        """Return the name of an input as a whole."""
        return f"x{self.program.inputs.index(value)}"

    def _constant(self, value: Value) -> None:
        self.wide[id(value)] = False
        if self._has_columns(value.shape) or value.dtype.kind not in "fi" or value.size > WRITTEN_OUT:
            raise NotFused
        self.section[id(value)] = 0
        data = np.asarray(value.data, dtype=np.float64).reshape(-1)
        if not np.isfinite(data).all():
            raise NotFused
        self.names[id(value)] = [self.numbers(x) for x in data]

    def _has_columns(self, shape: tuple[int, ...]) -> bool:
        has = self.m in shape
        if len(shape) > 2 or shape.count(self.m) > 1:
            raise NotFused
        return has

    # ------------------------------------------------------------------ calls

    def _call(self, value: Value) -> None:
        if value.kind == "tuple" or value.dtype is None:
            raise NotFused
        self.wide[id(value)] = self._has_columns(value.shape)
        function = value.function
        if function is np.matmul:
            self._product(value)
        elif is_sum(value):
            self._total(value)
        elif function is np.transpose and len(value.args) == 1:
            self._alias(value, value.args[0], transposed=True)
        elif self._is_same(value):
            self._alias(value, value.args[0])
        elif function is np.max and is_reduction(value):
            self._highest(value)
        elif speaks(value) or (value.kind == "python" and function in ARITHMETIC):
            self._elementwise(value)
        else:
            raise NotFused

    def _is_same(self, value: Value) -> bool:
        """Whether a call returns the entries of its argument as they are."""
        if value.function is np.reshape:
            return not self.wide[id(value)] and not self.wide[id(value.args[0])]
        return value.function in {np.positive, np.asarray, item} or _only_kind(value)

    def _alias(self, value: Value, of: Value, *, transposed: bool = False) -> None:
        names = self.names[id(of)]
        if transposed and not self.wide[id(of)]:
            n, k = of.shape
            names = [names[i * k + j] for j in range(k) for i in range(n)]
        self.names[id(value)] = names
        self.section[id(value)] = self.section[id(of)]

    def _upright(self, value: Value) -> bool:
        """Whether a wide value has its columns last: (r, m), not (m, r)."""
        return not self.wide[id(value)] or value.shape[-1] == self.m

    def _ready(self, operands: list[Value]) -> int:
        """Return the section in which a call can be made."""
        at = max((self.section[id(v)] for v in operands), default=0)
        for v in operands:
            made = v
            while made.function is np.transpose:
                made = made.args[0]
            if self.wide[id(v)] and self.section[id(v)] != at and made.function is not None:
                raise NotFused  # computed in an earlier loop, and gone
        return at

    def _entry(self, value: Value, i: int, j: int, n: int) -> str:
        """Return the name of an operand's entry (i, j), broadcast to n axes; j < 0: of a column."""
        names = self.names[id(value)]
        shape = (1,) * (n - len(value.shape)) + value.shape
        if self.wide[id(value)]:
            return names[i if len(shape) == 2 and shape[0] > 1 else 0]
        if not value.shape:
            return names[0]
        rows, columns = shape if len(shape) == 2 else (1, shape[0])
        if j < 0 and columns != 1:
            raise NotFused
        return names[(i if rows > 1 else 0) * columns + (j if columns > 1 else 0)]

    def _elementwise(self, value: Value) -> None:
        operands = value.inputs
        if not all(map(self._upright, [value, *operands])):
            raise NotFused
        section = self._ready(operands)
        wide = self.wide[id(value)]
        shape = value.shape
        rows = shape[0] if len(shape) == 2 else 1
        columns = 1 if wide or not shape else shape[-1]
        names = self._new(value, rows * columns, section)
        lines = self._lines(value)
        for i in range(rows):
            for j in range(columns):
                said = text(
                    value, lambda v, i=i, j=j: self._entry(v, i, -1 if wide else j, len(shape)), self.numbers
                )
                lines.append(f"{names[i * columns + j]} = {said}")

    def _product(self, value: Value) -> None:
        a, b = value.args
        wide_a, wide_b = self.wide[id(a)], self.wide[id(b)]
        if value.dtype != np.float64 or len(a.shape) != 2 or len(b.shape) != 2:
            raise NotFused
        (n, k), m = a.shape, b.shape[1]
        A, B = self.names[id(a)], self.names[id(b)]
        if wide_a and wide_b and k == self.m and not self.wide[id(value)]:  # over the examples
            at = self._ready([a, b])
            names = self._accumulators(value, n * m, at)
            self.inside.setdefault(at, []).extend(
                f"{names[i * m + j]} = accumulate({names[i * m + j]}, {A[i]} * {B[j]})"
                for i in range(n)
                for j in range(m)
            )
        elif wide_b and not wide_a and self._upright(b):  # W @ A
            names = self._new(value, n, self._ready([a, b]))
            for i in range(n):
                self._lines(value).append(
                    f"{names[i]} = " + " + ".join(f"{A[i * k + l]} * {B[l]}" for l in range(k))
                )
        elif not wide_a and not wide_b and not self.wide[id(value)]:
            names = self._new(value, n * m, self._ready([a, b]))
            for i in range(n):
                for j in range(m):
                    terms = " + ".join(f"{A[i * k + l]} * {B[l * m + j]}" for l in range(k))
                    self._lines(value).append(f"{names[i * m + j]} = {terms}")
        else:
            raise NotFused

    def _accumulators(self, value: Value, count: int, at: int) -> list[str]:
        names = self._new(value, count, at + 1)
        self.before.setdefault(at, []).extend(f"{n} = 0.0" for n in names)
        return names

    def _total(self, value: Value) -> None:
        a, axes = value.args[0], value.kwargs["axis"]
        if value.dtype != np.float64 or not self._upright(a):
            raise NotFused
        names = self.names[id(a)]
        if not self.wide[id(a)]:
            self._small_total(value, a, axes, names)
        elif self.wide[id(value)]:  # over the units of each example
            made = self._new(value, 1, self._ready([a]))
            self._lines(value).append(f"{made[0]} = {' + '.join(names)}")
        else:
            at = self.section[id(a)]
            every = axes is None or len(axes) == len(a.shape)
            totals = self._accumulators(value, 1 if every else len(names), at)
            shares = [" + ".join(names)] if every else names
            self.inside.setdefault(at, []).extend(
                f"{t} = accumulate({t}, {share})" for t, share in zip(totals, shares, strict=True)
            )

    def _small_total(self, value: Value, a: Value, axes: Any, names: list[str]) -> None:
        if not a.shape:
            raise NotFused
        index = np.arange(a.size).reshape(a.shape)
        kept = np.moveaxis(index, axes or (), range(len(axes or ()))) if axes else index.reshape(-1, 1)
        groups = (
            kept.reshape(int(np.prod([a.shape[i] for i in axes])), -1).T if axes else index.reshape(1, -1)
        )
        made = self._new(value, len(groups), self._ready([a]))
        for name, group in zip(made, groups, strict=True):
            self._lines(value).append(f"{name} = " + (" + ".join(names[i] for i in group) or "0.0"))

    def _highest(self, value: Value) -> None:
        """Emit np.max over the units of each example."""
        a = value.args[0]
        if value.kwargs["axis"] != (0,) or not self.wide[id(a)] or len(a.shape) != 2 or not self._upright(a):
            raise NotFused
        names = self.names[id(a)]
        made = self._new(value, 1, self._ready([a]))[0]
        lines = self._lines(value)
        lines.append(f"{made} = {names[0]}")
        lines += [f"{made} = select(({made} >= {n}) | ({made} != {made}), {made}, {n})" for n in names[1:]]


def _columns(values: list[Value]) -> int:
    """Return the number of examples: the largest dimension of all."""
    m = max((n for v in values for n in v.shape), default=0)
    if m < FEW:
        raise NotFused
    return m


def _only_kind(value: Value) -> bool:
    """Whether a call gives an array without axes as a scalar: x[()]."""
    return value.function is operator.getitem and value.args[1] == () and value.args[0].shape == ()


def step_source(columns: Columns, stored: list[Value], scalars: list[Value]) -> str:
    """Return the text of a function of one step: of the inputs, and of arrays for the results."""
    program = columns.program
    lines: list[str] = []
    for value in program.inputs:
        if id(value) in columns.names:
            lines += _entries(columns, value)
    for i, value in enumerate(stored):
        if columns.wide[id(value)]:
            place = f"y{i}[{{}}, j]" if len(value.shape) == 2 else f"y{i}[j]"
            loop = columns.sections[columns.section[id(value)]][1]
            loop += [f"{place.format(k)} = {n}" for k, n in enumerate(columns.names[id(value)])]
    across = [v for v in program.inputs if id(v) in columns.names and columns.wide[id(v)]]
    m = f"{columns.argument(across[0])}.shape[{len(across[0].shape) - 1}]" if across else str(columns.m)
    lines += _sections(columns, f"range({m})")
    for i, value in enumerate(stored):
        if not columns.wide[id(value)]:
            names = columns.names[id(value)]
            lines += [f"{p} = {n}" for n, p in zip(names, _places(f"y{i}", value), strict=True)]
    returned = "".join(f"{columns.names[id(v)][0]}, " for v in scalars)
    lines.append(f"return ({returned})" if scalars else "return None")
    arguments = [columns.argument(v) for v in program.inputs if id(v) in columns.names]
    arguments += [*columns.numbers.names, *(f"y{i}" for i in range(len(stored)))]
    return function_text(", ".join(arguments), lines)


def loop_source(columns: Columns, state: list[tuple[Value, Value]], data: list[Value], cost: Value) -> str:
    """Return the text of a function of many steps: the state, entry by entry, stays in registers.

    Of the `state` each pair is what a step is given, and what the next one is given in its place; the `data`
    are the same in every step, or its next columns.
    """
    olds = [n for old, _ in state for n in columns.names[id(old)]]
    news = [n for _, new in state for n in columns.names[id(new)]]
    lines = [f"{n} = state[{i}]" for i, n in enumerate(olds)]
    for value in data:
        lines += _entries(columns, value)
    lines += ["first = 0", "for t in range(count):"]
    body = _sections(columns, "range(first, first + width)")
    body.append(f"costs[t] = {columns.names[id(cost)][0]}")
    body += [f"next_{n} = {new}" for n, new in zip(olds, news, strict=True)]  # all of them, then all at once
    body += [f"{n} = next_{n}" for n in olds]
    body.append("first += hop")
    lines += [f"    {line}" for line in body]
    lines += [f"state[{i}] = {n}" for i, n in enumerate(olds)]
    given = [*map(columns.argument, data), "hop", "count", "width", *columns.numbers.names, "costs"]
    return function_text(", ".join(["state", *given]), lines)


def _sections(columns: Columns, span: str) -> list[str]:
    lines: list[str] = []
    for before, inside in columns.sections:
        lines += before
        if inside:
            lines.append(f"for j in {span}:")
            lines += [f"    {line}" for line in inside]
    return lines


def _entries(columns: Columns, value: Value) -> list[str]:
    """Return the lines that read an input, if it does not have the columns."""
    if columns.wide[id(value)]:
        return []
    places = _places(columns.argument(value), value)
    return [f"{n} = {p}" for n, p in zip(columns.names[id(value)], places, strict=True)]


def _places(name: str, value: Value) -> list[str]:
    """Return the text of each entry of a small array."""
    if value.shape == ():
        return [name]
    return [f"{name}[{', '.join(map(str, index))}]" for index in np.ndindex(value.shape)]
