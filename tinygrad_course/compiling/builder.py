"""Making values: equal calls are made once, and calls of constants are computed."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import (
    OPERATORS,
    Kind,
    Program,
    Value,
    concatenated,
    constant,
    replace,
)
from tinygrad_course.compiling.tracing.trace import same

#: Calls of constants alone are computed if their result is no larger than this (bytes).
FOLDED = 65_536


class Unfit(Exception):  # noqa: N818  (a signal, not an error)
    """What was to be built has another shape or dtype than it should have."""


class Builder:
    """Makes the values of one program; `readable` if what was typed is to be recognised."""

    def __init__(self, *, readable: bool = False) -> None:
        self.readable = readable
        self._made: dict[Any, Value] = {}
        self._keep: list[Any] = []  # what a key names by its id must not be collected

    def call(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        shape: tuple[int, ...],
        dtype: Any,
        kind: Kind = "array",
    ) -> Value:
        """Return the value of a call, the one made before if it was made before."""
        key = self._key_of(function, args, kwargs)
        value = self._made.get(key)
        if value is None:
            value = Value(function, args, kwargs, shape, dtype, kind)
            latest, folds = 0, bool(value.inputs)
            for v in value.inputs:
                folds = folds and v.function is None and v.data is not None
                latest = max(latest, v.born[0])
            value.born = (latest, value.born[1])
            value = self._made[key] = self._folded(value) if folds else value
        return value

    def again(self, value: Value, new: dict[int, Value]) -> Value:
        """Return the same call as `value` of what stands in `new`, by their ids, for its arguments."""
        if all(new[id(v)] is v for v in value.inputs):
            return self._made.setdefault(self._key_of(value.function, value.args, value.kwargs), value)
        made = self.like(value, *(replace(x, lambda v: new[id(v)]) for x in (value.args, value.kwargs)))
        made.named_like(value)
        return made

    def like(self, value: Value, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Value:
        """Return the same call as `value` with other arguments of the same shapes and dtypes."""
        assert value.function is not None  # noqa: S101
        return self.call(value.function, args, kwargs, value.shape, value.dtype, value.kind)

    def ufunc(self, ufunc: np.ufunc, *args: Any) -> Value:
        """Return an elementwise call, its shape and dtype by NumPy's rules; `Unfit` if there is none."""
        values = [a for a in args if type(a) is Value]
        python = all(v.kind == "python" for v in values) and ufunc in OPERATORS
        function = OPERATORS[ufunc] if python else ufunc
        known = self._made.get(self._key_of(function, args, {}))
        if known is not None:
            return known
        shapes = {v.shape for v in values}
        try:
            shape = shapes.pop() if len(shapes) == 1 else np.broadcast_shapes(*shapes)
            dtypes = ufunc.resolve_dtypes((*(_dtype_of(a) for a in args), *[None] * ufunc.nout))
        except (TypeError, ValueError):
            raise Unfit from None
        kind: Kind = "array" if shape else "python" if python else "scalar"
        return self.call(function, args, {}, shape, dtypes[-1], kind)

    def total(self, value: Value) -> Value:
        """Return the sum of all entries of an array."""
        return self.call(np.sum, (value,), {"axis": None, "keepdims": False}, (), value.dtype, "scalar")

    def matmul(self, a: Value, b: Value) -> Value:
        """Return the product of two matrices."""
        return self.call(np.matmul, (a, b), {}, (a.shape[0], b.shape[1]), a.dtype)

    def reshape(self, value: Value, shape: tuple[int, ...]) -> Value:
        """Return an array in another shape."""
        return self.call(np.reshape, (value, shape), {}, shape, value.dtype)

    def rows(self, value: Value) -> Value:
        """Return the rows of a stack of matrices as one matrix."""
        return self.reshape(value, (value.size // value.shape[-1], value.shape[-1]))

    def together(self, parts: Sequence[Value], shape: tuple[int, ...]) -> Value:
        """Return arrays one after the other in memory, where each may be computed in its place."""
        flat = self.call(concatenated, tuple(parts), {}, (sum(v.size for v in parts),), parts[0].dtype)
        return flat if flat.shape == shape else self.reshape(flat, shape)

    def transpose(self, value: Value, order: tuple[int, ...] = (1, 0)) -> Value:
        """Return an array with its axes in another order."""
        rest = () if order == tuple(reversed(range(len(order)))) else (order,)
        return self.call(np.transpose, (value, *rest), {}, tuple(value.shape[i] for i in order), value.dtype)

    def constant(self, data: Any) -> Value:
        """Return a constant, the one made before for equal data of moderate size."""
        array = np.asarray(data)
        if array.nbytes > FOLDED:
            return constant(data)
        key = ("constant", type(data), array.dtype, array.shape, array.tobytes())
        if key not in self._made:
            self._made[key] = constant(data)
        return self._made[key]

    def _folded(self, value: Value) -> Value:
        if value.kind == "tuple" or value.nbytes > FOLDED:
            return value
        function = value.function
        assert function is not None  # noqa: S101
        with np.errstate(all="ignore"):
            args, kwargs = (replace(x, attrgetter("data")) for x in (value.args, value.kwargs))
            data = function(*args, **kwargs)
        return self.constant(data)

    def _key_of(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        key = (function, *[a if type(a) is Value else self._key(a) for a in args])
        return (*key, self._key(kwargs)) if kwargs else key

    def _key(self, x: Any) -> Any:
        kind = type(x)
        if kind is Value or kind is str or x is None:
            return x
        if kind is int or kind is float or kind is bool or kind is complex:
            return (kind, x or repr(x))  # 0.0 is not -0.0
        if kind is tuple or kind is list:
            return (kind, *[y if type(y) is Value else self._key(y) for y in x])
        if kind is dict:
            return tuple([(k, self._key(y)) for k, y in sorted(x.items())])
        if kind is slice:
            return ("slice", self._key(x.start), self._key(x.stop), self._key(x.step))
        try:
            hash(x)
        except TypeError:
            self._keep.append(x)
            return ("thing", id(x))
        return x


def rewritten(
    program: Program, change: Callable[[Builder, Value, dict[int, Value]], Value | None]
) -> Program:
    """Return a program with what ``change(builder, value, new)`` makes of each call in its place.

    `new` holds what was made of the values before, by their ids. Where None is made of a call, it stays.
    """
    builder = Builder()
    new: dict[int, Value] = {}
    for value in program.values():
        made = value
        if value.function is not None:
            made = change(builder, value, new) or builder.again(value, new)
            made.named_like(value)
        new[id(value)] = made
    if all(new[id(v)] is v for v in program.values()):
        return program
    return Program(program.inputs, [new[id(v)] for v in program.results])


def regrouped(
    program: Program,
    group_of: dict[int, list[Value]],
    make: Callable[[Builder, list[Value], dict[int, Value]], None],
) -> Program:
    """Return a program in which each group of calls is made together, once what it needs is there.

    ``make(builder, group, new)`` puts what it makes of the group into `new`, by the ids of its calls. If one
    is computed from another by calls outside the group, they are made one by one.
    """
    group_of = dict(group_of)
    builder = Builder()
    new: dict[int, Value] = {}
    opened: set[int] = set()
    waiting = list(reversed(program.values()))
    while waiting:
        value = waiting.pop()
        if id(value) in new:
            continue
        group = group_of.get(id(value), [value])
        inside = {id(v) for v in group}
        missing = [v for one in group for v in one.inputs if id(v) not in new and id(v) not in inside]
        if missing:
            if id(group) in opened:
                group_of = {key: other for key, other in group_of.items() if other is not group}
                waiting.append(value)
                continue
            opened.update([id(group)] if id(value) in group_of else [])
            waiting += [value, *missing]
        elif id(value) in group_of:
            make(builder, group, new)
        else:
            new[id(value)] = value if value.function is None else builder.again(value, new)
    return Program(program.inputs, [new[id(v)] for v in program.results])


def _dtype_of(x: Any) -> Any:
    if isinstance(x, Value):
        if x.kind == "python":
            return {"f": float, "i": int, "b": np.dtype(bool)}[x.dtype.kind]
        return x.dtype
    return type(x) if type(x) in {int, float} else np.asarray(x).dtype


def uniform(value: Value) -> float | None:
    """Return the number that every entry of a constant is, or None."""
    if not value.is_constant or value.dtype.kind not in "fiu" or not value.size:
        return None
    array = np.asarray(value.data)
    first = array.flat[0]
    return float(first) if np.isfinite(first) and same(np.broadcast_to(first, array.shape), array) else None
