"""Few numbers, written out one by one: small networks as a loop over the columns of X, and tiny matrices.

Each example is a column, and goes through forward and backward pass by itself: what it leaves behind are its
shares of the sums (the cost, dW, db). So one loop over the columns does everything, the rows of a layer
written out one by one, with no array in between; the compiler makes it run on several examples at once.
A run of calls on tiny matrices (a filter's) is the same without columns.
"""

from __future__ import annotations

import itertools
import math
import operator
from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import (
    Program,
    Value,
    accumulated,
    concatenated,
    is_reduction,
    is_sum,
    is_view,
    item,
    replace,
)
from tinygrad_course.compiling.machine import jit
from tinygrad_course.compiling.machine.scalar_code import ARITHMETIC, Numbers, speaks, text
from tinygrad_course.compiling.passes.fuse import NotFused
from tinygrad_course.rules.indexing import repeats, scatter

#: More numbers than this are not written out one by one.
WRITTEN_OUT = 1200
#: Fewer columns than this are not worth a loop.
FEW = 8
SYSTEMS = {np.linalg.inv, np.linalg.det, np.linalg.solve}
#: What gives entries other places.
MOVES = {
    operator.getitem, np.diagonal, np.broadcast_to, np.transpose, np.reshape, np.concatenate, np.stack,
    concatenated, scatter,
}  # fmt: skip


class Columns:
    """The text of a program as a loop over `m` columns; `NotFused` for one that is not of this kind.

    Its `sections` are what comes before a loop over the columns, and what is in it: often there is one loop;
    the last section has none. Given `calls` on tiny matrices, it is they that are written out, of the inputs.
    """

    def __init__(self, program: Program, calls: list[Value] | None = None) -> None:
        self.program = program
        values = program.values() if calls is None else [*program.inputs, *calls]
        self.m = _columns(values) if calls is None else 0
        # by a value's id, the names of its entries; of one with an entry for each example, which is `wide`,
        # those of a single example
        self.names: dict[int, Any] = {}
        self.wide: dict[int, bool] = {}
        self.section: dict[int, int] = {}
        self.loaded: set[int] = set()  # what every loop reads
        self.before: dict[int, list[str]] = {0: []}
        self.inside: dict[int, list[str]] = {}
        self.loads: list[str] = []  # of what has the columns among the inputs, in each loop
        self.count = 0
        self.numbers = Numbers()
        self.singular = False  # whether `wrong` says that a matrix is singular
        given = set(program.inputs)
        for value in values:
            if value in given:
                self.load(value)
            elif value.function is not None:
                self._call(value)
            else:
                self._constant(value)
        if calls is None and not self.inside:
            raise NotFused
        last = max(*self.before, *(i + 1 for i in self.inside), 0)
        loops = [[*self.loads, *self.inside[i]] if i in self.inside else [] for i in range(last + 1)]
        self.sections = [(self.before.get(i, []), loop) for i, loop in enumerate(loops)]

    # ------------------------------------------------------------------ where things go

    def _shape(self, value: Value) -> tuple[int, ...]:
        """Return the shape of a value's names, and note whether it is wide."""
        if len(value.shape) > 2 or value.shape.count(self.m) > 1:
            raise NotFused
        self.wide[id(value)] = self.m in value.shape
        return tuple(1 if n == self.m else n for n in value.shape)

    def _new(self, value: Value, section: int) -> Any:
        shape = self._shape(value)
        count = math.prod(shape)
        names = self._fresh("r" if self.wide[id(value)] else "n", count).reshape(shape)
        self.section[id(value)], self.names[id(value)] = section, names
        return names

    def _fresh(self, letter: str, count: int) -> Any:
        """Return names that nothing has."""
        if self.count + count > WRITTEN_OUT:  # before they are written
            raise NotFused
        self.count += count
        return _array([f"{letter}{i}" for i in range(self.count - count, self.count)], (count,))

    def _lines(self, value: Value) -> list[str]:
        section = self.section[id(value)]
        return (self.inside if self.wide[id(value)] else self.before).setdefault(section, [])

    def load(self, value: Value) -> None:
        """Give an input names."""
        self._new(value, 0)
        wide = self.wide[id(value)]
        if (wide and value.shape[-1] != self.m) or (value.dtype != np.float64 and value.kind != "python"):
            raise NotFused
        if wide:  # else loaded by whoever calls: from an array, or from the state
            self.loaded.add(id(value))
            self.loads += [f"{n} = {place}" for n, place in self.entries(value, self.argument(value))]

    def argument(self, value: Value) -> str:
        """Return the name of an input as a whole."""
        return f"x{self.program.inputs.index(value)}"

    def entries(self, value: Value, whole: str) -> list[tuple[str, str]]:
        """Return the names of a value's entries with the text of each, as parts of what is called `whole`."""
        found = []
        if not self.m and value.shape:  # nobody asks for the shape
            return [(name, f"{whole}[{i}]") for i, name in enumerate(self.names[id(value)].flat)]
        for index, name in np.ndenumerate(self.names[id(value)]):
            at = ["j" if n == self.m else str(i) for i, n in zip(index, value.shape, strict=True)]
            found.append((name, f"{whole}[{', '.join(at)}]" if at else whole))
        return found

    def _constant(self, value: Value) -> None:
        shape = self._shape(value)
        if self.wide[id(value)] or value.dtype.kind not in "fi" or value.size > WRITTEN_OUT:
            raise NotFused
        self.section[id(value)] = 0
        data = np.asarray(value.data, dtype=np.float64)
        if not np.isfinite(data).all():
            raise NotFused
        self.names[id(value)] = _array([self.numbers(x) for x in data.flat], shape)

    # ------------------------------------------------------------------ calls

    def _call(self, value: Value) -> None:
        function = value.function
        if function in {np.matmul, np.dot}:
            self._product(value)
        elif function in SYSTEMS:
            self._system(value)
        elif self._is_same(value):
            self._alias(value, self.names[id(value.args[0])].reshape(self._shape(value)))
        elif function in MOVES:
            self._moved(value)
        elif function is accumulated:
            self._added(value)
        elif is_cross(value):
            self._cross(value)
        elif is_reduction(value):
            self._reduced(value)
        elif speaks(value) or (value.kind == "python" and function in ARITHMETIC):
            self._elementwise(value)
        else:
            raise NotFused

    def _is_same(self, value: Value) -> bool:
        """Whether a call returns the entries of its argument as they are."""
        kind = value.function is operator.getitem and value.args[1] == () and value.args[0].shape == ()
        return kind or value.function in {np.positive, np.asarray, item}

    def _alias(self, value: Value, names: Any) -> None:
        self._shape(value)
        self.names[id(value)], self.section[id(value)] = names, self._ready(value.inputs)
        self.loaded |= {id(value)} if id(value.inputs[0]) in self.loaded else set()

    def _ready(self, operands: list[Value]) -> int:
        """Return the section in which a call can be made."""
        at = max((self.section[id(v)] for v in operands), default=0)
        if any(self.wide[id(v)] and self.section[id(v)] != at and id(v) not in self.loaded for v in operands):
            raise NotFused  # computed in an earlier loop, and gone
        return at

    def _elementwise(self, value: Value) -> None:
        names = self._new(value, self._ready(value.inputs))
        given = {id(v): np.broadcast_to(self.names[id(v)], names.shape) for v in value.inputs}
        for index, name in np.ndenumerate(names):
            said = text(value, lambda v, index=index: given[id(v)][index], self.numbers)
            self._lines(value).append(f"{name} = {said}")

    def _product(self, value: Value) -> None:
        a, b = value.args
        if value.dtype != np.float64 or value.kind == "python" or not {len(a.shape), len(b.shape)} <= {1, 2}:
            raise NotFused
        A, B, at = np.atleast_2d(self.names[id(a)]), self.names[id(b)], self._ready([a, b])
        B = B[:, None] if B.ndim == 1 else B
        if a.shape[-1] == self.m:  # over the examples
            shares = [f"{x} * {y}" for x in A[:, 0] for y in B[0]]
            self._accumulate(value, at, shares)
            return
        for name, (row, column) in zip(self._new(value, at).flat, itertools.product(A, B.T), strict=True):
            terms = " + ".join(f"{x} * {y}" for x, y in zip(row, column, strict=True))
            self._lines(value).append(f"{name} = {terms}")

    def _moved(self, value: Value) -> None:
        self._shape(value)
        wide = any(self.wide[id(v)] for v in (value, *value.inputs))
        if is_indexed(value) or (wide and value.function is not np.transpose):
            raise NotFused
        args = replace(value.args, lambda v: self.names[id(v)])
        names: Any = np.asarray(value.function(*args, **value.kwargs), object)  # type: ignore[misc]
        if value.function is scatter:
            names[names == 0] = "0.0"
        self._alias(value, names)

    def _added(self, value: Value) -> None:
        x, index, g = value.args
        if any(self.wide[id(v)] for v in value.inputs) or is_indexed(value):
            raise NotFused
        names = self.names[id(x)].copy()
        places = np.arange(names.size).reshape(names.shape)[index]
        added = self._fresh("n", places.size)
        of_g = np.broadcast_to(self.names[id(g)], places.shape).flat
        given = zip(added, names.flat[places.ravel()], of_g, strict=True)
        self._alias(value, names)
        self._lines(value).extend(f"{n} = {old} + {new}" for n, old, new in given)
        names.flat[places.ravel()] = added

    def _cross(self, value: Value) -> None:
        if any(self.wide[id(v)] for v in value.args):
            raise NotFused
        a, b = (self.names[id(v)] for v in value.args)
        made = self._new(value, self._ready(value.inputs))
        for i, name in enumerate(made):
            j, k = (i + 1) % 3, (i + 2) % 3
            self._lines(value).append(f"{name} = {a[j]} * {b[k]} - {a[k]} * {b[j]}")

    def _system(self, value: Value) -> None:
        """Eliminate as LAPACK does, the largest entry of each column first."""
        a, function = value.args[0], value.function
        if any(self.wide[id(v)] or v.dtype != np.float64 for v in value.inputs) or len(a.shape) != 2:
            raise NotFused
        n, made = a.shape[0], self._new(value, self._ready(value.inputs))
        right = np.zeros((n, 0), object)
        if function is np.linalg.inv:
            right = _array(["1.0" if i % (n + 1) == 0 else "0.0" for i in range(n * n)], (n, n))
        elif function is np.linalg.solve:
            right = self.names[id(value.args[1])].reshape(n, -1)
        given = np.concatenate([self.names[id(a)], right], axis=1)
        T = self._fresh("n", given.size).reshape(given.shape)
        lines = self._lines(value)
        lines += [f"{t} = {x}" for t, x in zip(T.flat, given.flat, strict=True)]
        lines += ["sign = 1.0", *([] if self.singular else ["wrong = 0.0"])]
        for c in range(n):
            for below in T[c + 1 :]:
                lines.append(f"larger = math.fabs({below[c]}) > math.fabs({T[c, c]})")
                lines.append("sign = select(larger, -sign, sign)")
                for x, y in zip(T[c, c:], below[c:], strict=True):
                    lines.append(f"{x}, {y} = select(larger, {y}, {x}), select(larger, {x}, {y})")
            lines.append(f"pivot = select({T[c, c]} == 0.0, 1.0, {T[c, c]})")
            for below in T[c + 1 :]:
                lines.append(f"share = {below[c]} / pivot")
                lines += [
                    f"{y} = {y} - share * {x}" for x, y in zip(T[c, c + 1 :], below[c + 1 :], strict=True)
                ]
        if function is np.linalg.det:
            lines.append(f"{made.flat[0]} = sign * {' * '.join(np.diagonal(T))}")
            return
        self.singular = True
        for c in reversed(range(n)):
            lines.append(f"wrong = wrong + select({T[c, c]} == 0.0, 1.0, 0.0)")
            for j in range(n, T.shape[1]):
                lines.append(f"{T[c, j]} = {T[c, j]} / {T[c, c]}")
                lines += [f"{t[j]} = {t[j]} - {t[c]} * {T[c, j]}" for t in T[:c]]
        lines += [f"{name} = {t}" for name, t in zip(made.flat, T[:, n:].flat, strict=True)]

    def _accumulate(self, value: Value, at: int, shares: list[str]) -> None:
        """Sum over the examples."""
        names = self._new(value, at + 1).ravel()
        self.before.setdefault(at, []).extend(f"{n} = 0.0" for n in names)
        self.inside.setdefault(at, []).extend(
            f"{n} = accumulate({n}, {share})" for n, share in zip(names, shares, strict=True)
        )

    def _reduced(self, value: Value) -> None:
        a, axes = value.args[0], value.kwargs["axis"]
        axes = range(len(a.shape)) if axes is None else [i % len(a.shape) for i in axes]
        if value.dtype != np.float64 or not a.size or not a.shape:
            raise NotFused
        names = np.moveaxis(self.names[id(a)], axes, range(-len(axes), 0))
        groups = names.reshape(-1, math.prod(names.shape[names.ndim - len(axes) :]))
        across = any(a.shape[i] == self.m for i in axes)
        if across and is_sum(value):
            self._accumulate(value, self.section[id(a)], [" + ".join(group) for group in groups])
            return
        if across:
            raise NotFused
        over = "<=" if value.function is np.min else ">="
        made = self._new(value, self._ready([a])).flat
        for name, group in zip(made, groups, strict=True):
            if is_sum(value):
                self._lines(value).append(f"{name} = {' + '.join(group)}")
                continue
            known = [f"{name} = {group[0]}"]
            known += [
                f"{name} = select(({name} {over} {n}) | ({name} != {name}), {name}, {n})" for n in group[1:]
            ]
            self._lines(value).extend(known)


def is_cross(value: Value) -> bool:
    """Whether a call is the cross product of two vectors in space, without options."""
    plain = value.function is np.cross and len(value.args) == 2 and not value.kwargs
    return plain and all(isinstance(v, Value) and v.shape == (3,) for v in value.args)


def is_indexed(value: Value) -> bool:
    """Whether a call takes what arrays of integers name, or adds to it."""
    if value.function in {scatter, accumulated}:
        return repeats(value.args[1])
    return value.function is operator.getitem and not is_view(value)


def _array(names: list[str], shape: tuple[int, ...]) -> Any:
    made = np.empty(len(names), object)
    made[:] = names
    return made.reshape(shape)


def _columns(values: list[Value]) -> int:
    """Return the number of examples: the largest dimension of all."""
    m = max((n for v in values for n in v.shape), default=0)
    if m < FEW:
        raise NotFused
    return m


def step_text(
    columns: Columns, stored: list[Value], scalars: list[Value]
) -> tuple[dict[str, str], list[str]]:
    """Return the arguments and lines of a function of one step, of inputs and of arrays for the results."""
    inputs = [v for v in columns.program.inputs if id(v) in columns.names]
    after: list[str] = []
    for i, value in enumerate(stored):
        lines = columns.sections[columns.section[id(value)]][1] if columns.wide[id(value)] else after
        lines += [f"{place} = {n}" for n, place in columns.entries(value, f"y{i}")]
    across = [v for v in inputs if columns.wide[id(v)]]
    m = f"{columns.argument(across[0])}.shape[{len(across[0].shape) - 1}]" if across else str(columns.m)
    lines = [*_loads(columns, inputs), *_sections(columns, m), *after]
    returned = "".join(f"{columns.names[id(v)].flat[0]}, " for v in scalars) + "wrong, " * columns.singular
    axes = None if columns.m else 0
    given = {columns.argument(v): jit.type_of(v, axes) for v in inputs}
    given |= dict.fromkeys(columns.numbers.names, "f8")
    given |= {f"y{i}": jit.type_of(v, axes) for i, v in enumerate(stored)}
    return given, [*lines, f"return ({returned})"] if returned else lines


def loop_text(
    columns: Columns, state: list[tuple[Value, Value]], data: list[Value], cost: Value
) -> tuple[dict[str, str], list[str]]:
    """Return the arguments and lines of a function of many steps: the state, by entries, stays in registers.

    Of the `state` each pair is what a step is given, and what the next one is given in its place; the `data`
    are the same in every step, or its next columns.
    """
    if columns.singular:
        raise NotFused
    olds = [n for old, _ in state for n in columns.names[id(old)].flat]
    news = [n for _, new in state for n in columns.names[id(new)].flat]
    lines = [*(f"{n} = state[{i}]" for i, n in enumerate(olds)), *_loads(columns, data)]
    lines += ["first = 0", "for t in range(count):"]
    body = _sections(columns, "first, first + width")
    body.append(f"costs[t] = {columns.names[id(cost)].flat[0]}")
    body += [f"next_{n} = {new}" for n, new in zip(olds, news, strict=True)]  # all of them, then all at once
    body += [f"{n} = next_{n}" for n in olds]
    body.append("first += hop")
    lines += [f"    {line}" for line in body]
    lines += [f"state[{i}] = {n}" for i, n in enumerate(olds)]
    given = {"state": "f8 1"} | {columns.argument(v): jit.type_of(v) for v in data}
    given |= {"hop": "i8", "count": "i8", "width": "i8"} | dict.fromkeys(columns.numbers.names, "f8")
    return given | {"costs": "f8 1"}, lines


def _sections(columns: Columns, span: str) -> list[str]:
    lines: list[str] = []
    for before, inside in columns.sections:
        lines += before
        if inside:
            lines.append(f"for j in range({span}):")
            lines += [f"    {line}" for line in inside]
    return lines


def _loads(columns: Columns, values: list[Value]) -> list[str]:
    """Return the lines that read those inputs that do not have the columns."""
    found = (columns.entries(v, columns.argument(v)) for v in values if not columns.wide[id(v)])
    return [f"{n} = {place}" for entries in found for n, place in entries]
