"""What a function does while it is traced: its calls in order, and the plain arrays that it meets."""

from __future__ import annotations

from types import FunctionType
from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import Value, constant
from tinygrad_course.compiling.tracing.kindred_results import LARGE
from tinygrad_course.engine.other_arrays import Sparse
from tinygrad_course.rules.table import as_written

DIFFERS = (
    "the function does something else each time it is run (random numbers, the time of day?), which a "
    "program can't: what it does must depend on its arguments alone. Compute what differs outside, and "
    "pass it"
)
OTHER_ARRAY = (
    "an array of shape {} that the function computes is different each time it is run (random numbers?): "
    "compute it outside, and pass it as an argument"
)
MADE_ANEW = (
    "{} is given a function that is made anew each time (a lambda), and a program can't tell whether that "
    "does the same in every call: define it outside the compiled function, or write the choice with np.where"
)


class Trace:
    """The recording in progress: is it still open, and which plain arrays has it met.

    Constants are copied when they are met: what the function does to them later can't reach the program.
    Beside a `first` trace of the same function on the same arguments nothing is computed, and every call has
    to be the one that was made there.
    """

    def __init__(self, names: Any = None, first: Trace | None = None) -> None:
        self.open = True
        self.names = names
        self.first = first
        self.calls: list[tuple[Value, Any]] = []  # each with what it returned: a value, or a nest of values
        self._known: dict[int, tuple[Any, Value]] = {}
        self._samples: dict[Any, Any] = {}

    def constant(self, array: Any) -> Value:
        """Return an array or NumPy scalar as a value, the same for the same array while it is unchanged."""
        met = self._known.get(id(array))
        if met is not None and same(met[1].data, array):
            return met[1]
        value = constant(_kept(array) if isinstance(array, np.ndarray) else array)
        if type(value.data) is np.ndarray:
            value.data.setflags(write=False)
        self._known[id(array)] = (array, value)
        return value

    def difference(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
        """Return how a call differs from the one that was made at this place in the first trace, or None."""
        assert self.first is not None  # noqa: S101
        number = len(self.calls)
        value = self.first.calls[number][0] if number < len(self.first.calls) else None
        if value is None or value.function != function:  # (np.add.reduce is made anew each time)
            return DIFFERS
        difference = _difference(args, value.args) or _difference(kwargs, value.kwargs)
        return MADE_ANEW.format(as_written(function)) if difference == MADE_ANEW else difference

    def sample_of(self, value: Value) -> Any:
        """Return something of a value's kind, shape and dtype."""
        key = value.kind, value.shape, value.dtype
        if key not in self._samples:
            one = value.dtype.type(1)
            array = np.broadcast_to(one, value.shape)
            self._samples[key] = {"array": array, "scalar": one, "python": one.item()}[value.kind]
        return self._samples[key]


def _kept(array: Any) -> Any:
    """Return a copy of an array; of one number in all entries, in the memory of one."""
    if array.size > LARGE:
        alike = np.broadcast_to(array.flat[0], array.shape)
        if same(alike, np.asarray(array)):
            return alike
    return np.array(array)


def like(a: Any, b: Any) -> bool:
    """Whether two arrays or numbers are of one type, shape and dtype."""
    if type(a) is not type(b) or np.shape(a) != np.shape(b):
        return False
    return bool(getattr(a, "dtype", None) == getattr(b, "dtype", None))


def same(a: Any, b: Any) -> bool:
    """Whether two arrays or numbers are of one type, shape and dtype and equal, but for 0.0 and -0.0."""
    if not like(a, b):
        return False
    if isinstance(a, (np.ndarray, np.generic)):
        if a.dtype.kind == "f" and a.dtype.itemsize in {2, 4, 8}:
            bits = f"u{a.dtype.itemsize}"
            return bool(np.array_equal(a.view(bits), b.view(bits)))
        if a.dtype.kind == "c":
            return same(a.real, b.real) and same(a.imag, b.imag)
        return bool(np.array_equal(a, b))
    if isinstance(a, (float, complex)):
        return repr(a) == repr(b)
    return bool(a == b)


def _difference(x: Any, y: Any) -> str | None:
    """Return how what a call is given differs from what the program has of it, or None."""
    kind = type(y)
    if kind is Value:
        if getattr(type(x), "recorded", None) is not None:  # a tracer
            return None if x.recorded is y else DIFFERS
        if y.is_constant and isinstance(x, (np.ndarray, np.generic)):
            if np.shape(x) != y.shape or x.dtype != y.dtype:
                return DIFFERS
            return None if same(y.data, x) else OTHER_ARRAY.format(y.shape)
        return DIFFERS
    if type(x) is not kind:
        return DIFFERS
    if kind is tuple or kind is list:
        if len(x) != len(y):
            return DIFFERS
        return next((d for d in map(_difference, x, y) if d is not None), None)
    if kind is dict:
        return _difference(tuple(x.items()), tuple(y.items()))
    if kind is slice:
        return _difference((x.start, x.stop, x.step), (y.start, y.stop, y.step))
    if x is y or repr(x) == repr(y) or (kind is Sparse and x == y):
        return None
    return MADE_ANEW if isinstance(x, FunctionType) else DIFFERS
