"""A recorded function as data: values, each an input, a constant, or a call of a NumPy function on others."""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import count
from operator import attrgetter
from typing import Any, Literal

import numpy as np

from tinygrad_course.rules.indexing import add_at, assign

#: What a value is at run time: an array, one of NumPy's scalars, a number of Python's, or a tuple of values.
Kind = Literal["array", "scalar", "python", "tuple"]

#: Python's operators between numbers of Python's, by NumPy's functions for arrays.
OPERATORS: dict[Any, Callable[..., Any]] = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.divide: operator.truediv,
    np.floor_divide: operator.floordiv, np.remainder: operator.mod, np.power: operator.pow,
    np.matmul: operator.matmul, np.bitwise_and: operator.and_, np.bitwise_or: operator.or_,
    np.bitwise_xor: operator.xor, np.less: operator.lt, np.less_equal: operator.le,
    np.greater: operator.gt, np.greater_equal: operator.ge, np.equal: operator.eq, np.not_equal: operator.ne,
    np.negative: operator.neg, np.positive: operator.pos, np.absolute: operator.abs,
    np.invert: operator.invert,
}  # fmt: skip

_clock = count(1).__next__


class Value:
    """One variable of a program: an input, a constant, whose `data` are known, or a call of a `function`.

    The values among the call's `args` and `kwargs`, also inside lists, tuples and slices, are its `inputs`,
    in order. `shape`, `dtype` and `kind` are what it returned when it was recorded. The `name` is what the
    user's code calls it: ``"Z2"``; a gradient on the way back, where `backward` is True, has the name
    ``"dZ2"``. It is `kept` where it stands for this very value; else a constant factor is left out of
    account: the course's dZ2 is m times the cost's gradient. A program runs in the order in which its values
    were `born`, each relative to others.
    """

    __slots__ = (
        "__weakref__", "args", "backward", "born", "data", "dtype", "function", "inputs", "kept", "kind",
        "kwargs", "name", "shape",
    )  # fmt: skip

    def __init__(
        self,
        function: Callable[..., Any] | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        shape: tuple[int, ...],
        dtype: Any,
        kind: Kind = "array",
        data: Any = None,
        name: str | None = None,
    ) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self.shape = shape
        self.dtype = dtype
        self.kind = kind
        self.data = data
        self.name = name
        self.kept = name is not None
        self.backward = False
        self.inputs: list[Value] = []
        if function is not None:
            _collect(args, self.inputs)
            if kwargs:
                _collect(kwargs.values(), self.inputs)
        now = _clock()
        self.born = (now, now)

    def named_like(self, other: Value) -> None:
        """Take the name of an equal value, unless there is a name already."""
        if self.function is not None and self is not other:
            self.backward |= other.backward
            self.born = min(self.born, other.born)
            if self.name is None:
                self.name, self.kept = other.name, other.kept

    @property
    def size(self) -> int:
        """The number of entries."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The size of the array in bytes."""
        return self.size * int(np.dtype(self.dtype).itemsize)

    @property
    def is_constant(self) -> bool:
        """Whether the value is the same in every call."""
        return self.function is None and self.data is not None

    @property
    def is_input(self) -> bool:
        """Whether the value comes with the call's arguments."""
        return self.function is None and self.data is None


def constant(data: Any) -> Value:
    """Return `data`, an array or a number, as a value."""
    return Value(None, (), {}, np.shape(data), np.asarray(data).dtype, kind_of(data), data)


def argument(x: Any, path: str) -> Value:
    """Return the value that comes with each call where `x` came when the function was recorded."""
    return Value(
        None,
        (),
        {},
        np.shape(x),
        np.asarray(x).dtype,
        kind_of(x),
        name=path.rpartition(".")[2].rstrip("]'\""),
    )


def kind_of(x: Any) -> Kind:
    """Return what an array or a number is at run time."""
    return "array" if isinstance(x, np.ndarray) else "scalar" if isinstance(x, np.generic) else "python"


def item(x: Any) -> Any:
    """Return the only entry of an array, or a NumPy scalar, as a number of Python's."""
    return x if type(x) in {int, float, bool} else x.item()


_NESTS = {tuple, list, dict, slice}


def of_each(tree: Any, change: Callable[[Any], Any]) -> Any:
    """Return arguments with each thing in them changed, in lists, tuples, dicts and slices too."""
    kind = type(tree)
    if kind is tuple or kind is list:
        changed = [of_each(t, change) if type(t) in _NESTS else change(t) for t in tree]
        return changed if kind is list else tuple(changed)
    if kind is dict:
        return {k: of_each(t, change) for k, t in tree.items()}
    if kind is slice:
        return slice(*(of_each(t, change) for t in (tree.start, tree.stop, tree.step)))
    return change(tree)


def replace(tree: Any, change: Callable[[Value], Any]) -> Any:
    """Return arguments with every value in them changed."""
    return of_each(tree, lambda x: change(x) if type(x) is Value else x) if tree else tree


def _collect(parts: Iterable[Any], found: list[Value]) -> None:
    """Append the values in arguments, in order."""
    for part in parts:
        kind = type(part)
        if kind is Value:
            found.append(part)
        elif kind is dict:
            _collect(part.values(), found)
        elif kind is slice:
            _collect((part.start, part.stop, part.step), found)
        elif kind in _NESTS:
            _collect(part, found)


#: The dtypes that machine code and BLAS compute in.
FLOATS = {np.dtype("f8"), np.dtype("f4")}


def is_product(value: Value) -> bool:
    """Whether a call is a product of two matrices of one of these dtypes."""
    if value.function is not np.matmul or value.dtype not in FLOATS or value.kwargs:
        return False
    return all(v.kind == "array" and v.dtype == value.dtype and len(v.shape) == 2 for v in value.args)


def is_elementwise(value: Value) -> bool:
    """Whether a call is a ufunc on arrays, entry by entry, with one result."""
    f = value.function
    one = isinstance(f, np.ufunc) and f.signature is None and f.nout == 1
    return one and not value.kwargs and value.kind == "array"


#: What makes one number of many, with the operation that it repeats.
REDUCTIONS: dict[Any, np.ufunc] = {np.sum: np.add, np.max: np.maximum, np.min: np.minimum}


def is_sum(value: Value) -> bool:
    """Whether a call is a sum in its one spelling; see `is_reduction`."""
    return value.function is np.sum and is_reduction(value)


def is_reduction(value: Value) -> bool:
    """Whether a call is a sum or an extreme in its one spelling, over all axes (None) or a tuple of them."""
    return (
        value.function in REDUCTIONS
        and len(value.args) == len(value.inputs) == 1
        and value.kwargs.keys() == {"axis", "keepdims"}
        and type(value.kwargs["axis"]) is not int
    )


_LINEAR = {np.transpose, np.reshape, np.broadcast_to}


def linear_in(value: Value) -> tuple[int, ...]:
    """Return the places of the operands that a call is linear in: np.where in x, if the other choice is 0."""
    if value.function is np.sum:
        return (0,) if is_sum(value) else ()
    if value.kwargs:
        return ()
    if value.function is np.where and len(value.args) == 3:
        zero = [not isinstance(a, Value) and a == 0 for a in value.args]
        return (1,) if zero[2] and not zero[1] else (2,) if zero[1] and not zero[2] else ()
    return (0,) if value.function in _LINEAR else (0, 1) if value.function is np.matmul else ()


def concatenated(*segments: Any) -> Any:
    """Return the entries of several arrays, one after the other."""
    return np.concatenate([np.ravel(segment) for segment in segments])


def segment(whole: Any, start: int, shape: tuple[int, ...]) -> Any:
    """Return one of several arrays that were brought together."""
    return np.ndarray(shape, whole.dtype, whole, start * whole.itemsize)


def accumulated(x: Any, index: Any, g: Any) -> Any:
    """Return an array with something added at an index, where an entry that is named twice gets both."""
    out = x.copy()
    add_at(out, index, g)
    return out


#: What writes to a part of its first argument, if nobody else needs that, or else of a copy.
WRITES = {assign, accumulated}


def is_view(value: Value) -> bool:
    """Whether a call returns the memory of its first argument in another shape."""
    f, base = value.function, value.args[0] if value.args else None
    if value.kind != "array" or not isinstance(base, Value) or base.kind != "array":
        return False
    if f is operator.getitem:
        parts = value.args[1] if isinstance(value.args[1], tuple) else value.args[1:]
        numbers = len(value.inputs) > 1  # that may be others in the next call
        return all(
            p is None or p is Ellipsis or type(p) is int or (type(p) is slice and not numbers) for p in parts
        )
    whole = f in {np.transpose, np.broadcast_to, np.reshape, segment} and len(value.inputs) == 1
    by_rows = f is not np.reshape or len(value.args) == 2  # in another order it may be a copy
    return whole and by_rows and not value.kwargs


class Program:
    """Inputs, one for each array (or changing number) given, results, and the calls that lead to them."""

    def __init__(self, inputs: list[Value], results: list[Value]) -> None:
        self.inputs = inputs
        self.results = results
        self._order: list[Value] | None = None

    def values(self) -> list[Value]:
        """Return what the results need, in the order of birth, arguments before what they serve."""
        if self._order is None:
            self._order = self._ordered()
        return self._order

    def _ordered(self) -> list[Value]:
        needed = dict.fromkeys(self.results)
        stack = list(needed)
        while stack:
            for v in stack.pop().inputs:
                if v not in needed:
                    needed[v] = None
                    stack.append(v)
        found: dict[Value, None] = {}
        for value in sorted(needed, key=attrgetter("born")):
            stack = [value]
            while stack:
                missing = [v for v in stack[-1].inputs if v not in found]
                stack += missing
                if not missing:
                    found[stack.pop()] = None
        return list(found)

    def users(self) -> dict[int, list[Value]]:
        """Return the calls that each value is an argument of, in order, by its id."""
        users: dict[int, list[Value]] = {id(v): [] for v in self.values()}
        for user in self.values():
            for v in user.inputs:
                of = users[id(v)]
                if not of or of[-1] is not user:
                    of.append(user)
        return users

    def uses(self) -> dict[int, int]:
        """Return how often each value is used, by its id; results count as used."""
        return Counter(id(v) for v in (*self.results, *(v for user in self.values() for v in user.inputs)))
