"""`Tracer`: what a function is given while it is recorded, in place of each array argument.

It answers NumPy's protocols like an array, computes on the array that it stands for, and notes each call in
the recording. A Tensor can hold one, so that backward passes are noted call by call as they are computed.
What needs the numbers themselves raises; see `refused_methods`.
"""

import operator
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NoReturn

import numpy as np

from tinygrad_course.compiling.dataflow import OPERATORS, Value, item, kind_of, of_each
from tinygrad_course.compiling.tracing.as_read import as_read
from tinygrad_course.compiling.tracing.kindred_results import LARGE, kindred
from tinygrad_course.compiling.tracing.library_code import file_of_caller, of_library
from tinygrad_course.compiling.tracing.refusals import (
    BY_VALUES,
    IN_PLACE,
    OF_SHAPES,
    CannotCompile,
    allowed_to_fail,
    note_error,
    refuse_call,
)
from tinygrad_course.compiling.tracing.refused_methods import Unanswered
from tinygrad_course.compiling.tracing.trace import Trace
from tinygrad_course.engine.other_arrays import (
    SPARSE,
    Sparse,
    is_sparse,
    own_operator,
    sparse_times,
    times_sparse,
)
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.engine.trees import leaves, rebuild, tree_map
from tinygrad_course.rules.indexing import assign, astype, scatter
from tinygrad_course.rules.table import as_written


def _operator(ufunc: Callable[..., Any], plain: Callable[..., Any], a: Any, b: Any) -> Any:
    """Record an operator: NumPy's function on arrays, Python's own between numbers of Python's."""
    for x in (a, b):
        if type(x) in _KNOWN:
            continue
        if type(x) is Tensor or (x is b and own_operator(type(x), f"__r{plain.__name__}__", a)):
            return NotImplemented
        if is_sparse(x):
            if ufunc is not np.matmul:
                raise CannotCompile(f"a scipy.sparse matrix beside an array of a compiled function: {SPARSE}")
            return times_sparse(a, Sparse(x)) if x is b else sparse_times(Sparse(x), b)
        if plain is operator.mul and isinstance(x, (list, tuple, str, bytes)):
            count = b if x is a else a
            if not count.shape and count.dtype.kind in "iub":
                count.__index__()  # [x] * n: a count, as in range(n)
    if _is_number(a) and _is_number(b):
        return record(plain, (a, b), {})
    return record(ufunc, (a, b), {}, plain)


def _is_number(x: Any) -> bool:
    return type(x) in {int, float, bool} or (type(x) is Tracer and x.recorded.kind == "python")


class Tracer(Unanswered):
    """Stands for one array while a function is recorded.

    What is computed on in this call is its `sample`. Where that is large and not looked at yet, `shown` is
    something of its kind, and `call` is still to be made.
    """

    __slots__ = ("__weakref__", "call", "recorded", "recording", "shown")

    shape: tuple[int, ...]
    dtype: Any
    __array_priority__: ClassVar[float] = 900.0
    base: ClassVar[None] = None  # nobody writes into it, so that it may share what it likes

    def __init__(self, trace: Trace, value: Value, sample: Any) -> None:
        self.recording = trace
        self.recorded = value
        self.shown = sample
        self.call: Any = None

    # -------------------------------------------------------------- what it can tell

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """What ``isinstance`` in the user's code is told: the class of the array or number it stands for."""
        return Tracer if of_library(file_of_caller()) else type(self.shown)

    @property
    def sample(self) -> Any:
        """What is computed on in this call."""
        waiting = [self]
        while waiting:
            one, operands = waiting[-1], list[Tracer]()
            call = one.call and _shown(one.call, operands)
            missing = [t for t in operands if t.call is not None]
            waiting += missing
            if not missing:
                waiting.pop()
                if call is not None:
                    one.shown, one.call = call[0](*call[1], **call[2]), None
        return self.shown

    ndim = property(lambda self: len(self.recorded.shape))
    T = property(lambda self: record(np.transpose, (self,), {}))
    real = property(lambda self: record(np.real, (self,), {}))
    imag = property(lambda self: record(np.imag, (self,), {}))
    mT = property(np.matrix_transpose)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(f"{self._label()} is a scalar: it has no len()")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getattr__(self, name: str) -> NoReturn:
        if hasattr(np.ndarray, name) and not name.startswith("__"):
            raise CannotCompile(f"{self._label()}.{name} is nothing that a program can hold or compute")
        raise AttributeError(f"an array has no attribute {name!r}")

    # -------------------------------------------------------------- what is recorded

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(type(x) is Tensor for x in inputs):
            return NotImplemented
        if method == "at":
            raise CannotCompile(
                f"{as_written(ufunc.at)} changes its first argument in place, which a recording can't "
                "follow: give each place its sum, (index == np.arange(n)[:, None]) @ values",
                writes=True,
            )
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        return record(function, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if Tensor in types:
            return NotImplemented
        if func is np.shape and type(args[0]) is Tracer:
            return args[0].recorded.shape
        return record(func, args, kwargs)

    @staticmethod
    def __record_call__(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Record a call of one of the library's own primitives (`tinygrad_course.rules.table.primitive`)."""
        if any(type(x) is Tensor for x in args):
            return Tensor.__record_call__(function, args, kwargs)
        if function in {scatter, assign, times_sparse, sparse_times}:
            return record(function, args, kwargs)
        try:
            with allowed_to_fail():
                return function.__wrapped__(*args, **kwargs)  # of NumPy's functions, each of them recorded
        except (CannotCompile, TypeError, ValueError):
            return record(function, args, kwargs)  # it writes into an array of its own: a call by itself

    def __variable__(self) -> Any:
        """Return what a Tensor holds of it: of a number of Python's, NumPy's scalar."""
        return record(np.positive, (self,), {}) if self.recorded.kind == "python" else self

    def item(self, *index: Any) -> Any:
        """Return an entry as a number of Python's, which leaves float32 arrays what they are."""
        one: Any = self
        if len(index) == 1 and not isinstance(index[0], tuple):
            one = np.reshape(self, -1)[index]
        elif index:
            one = self[index if len(index) > 1 else index[0]]
        return record(item, (one,), {})

    def __getitem__(self, index: Any) -> Any:
        return record(operator.getitem, (self, index), {})

    def copy(self, order: Any = "C") -> Any:
        """Return the values in memory of their own, which matters where an argument is copied."""
        if self.recorded.kind != "array" or of_library(file_of_caller()):  # tracers are never written to
            copy = Tracer(self.recording, self.recorded, self.shown)
            copy.call = self.call
            return copy
        return record(np.copy, (self, order), {})

    def astype(self, dtype: Any, *_: Any, **__: Any) -> Any:
        """Return the values in another dtype."""
        return record(astype, (self, np.dtype(dtype)), {})


def _give_operators(name: str, ufunc: np.ufunc, plain: Callable[..., Any]) -> None:
    """Give tracers the methods of one of Python's operators."""

    def unary(self: Tracer) -> Any:
        return record(plain if _is_number(self) else ufunc, (self,), {})

    def forward(self: Tracer, other: Any) -> Any:
        return _operator(ufunc, plain, self, other)

    def reflected(self: Tracer, other: Any) -> Any:
        return _operator(ufunc, plain, other, self)

    def in_place(self: Tracer, other: Any) -> Any:
        if self.recorded.kind == "array":
            raise CannotCompile(IN_PLACE.format(self._label()), writes=True)
        return forward(self, other)  # numbers are never changed: the name gets another one

    methods = {"": forward, "r": reflected, "i": in_place} if ufunc.nin == 2 else {"": unary}
    for mark, method in methods.items():
        setattr(Tracer, f"__{mark}{name}__", method)


#: What is given an index as its second argument.
_INDEXED = {operator.getitem, scatter, assign}
_KNOWN = {Tracer, float, int, np.ndarray, np.float64}  # whom an operator need not look at

for _ufunc, _plain in OPERATORS.items():
    _give_operators(_plain.__name__.strip("_"), _ufunc, _plain)

for _name in ("shape", "dtype", "size", "nbytes"):
    setattr(Tracer, _name, property(operator.attrgetter(f"recorded.{_name}")))


def record(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], compute: Any = None) -> Any:
    """Compute ``function(*args, **kwargs)`` on what tracers stand for, and return one for the result.

    Here `compute` is called in its place: Python's operator, where NumPy's arrays treat it specially.
    """
    if kwargs.get("out", 0) is None:
        kwargs = {k: v for k, v in kwargs.items() if k != "out"}
    args, kwargs = as_read(function, args, kwargs)
    tracers: list[Tracer] = []
    numbers, options = _shown(args, tracers), _shown(kwargs, tracers) if kwargs else kwargs
    trace = tracers[0].recording if tracers else None
    if trace is None:  # a tracer hidden in something else than a list, tuple, dict or slice
        raise CannotCompile(
            f"{as_written(function)} was given an array inside an object that a recording can't look into"
        )
    if not trace.open:
        raise CannotCompile(
            "a value from inside a compiled function was used after the function was recorded: it was put "
            "somewhere outside (a list, an attribute, a global). Return it instead."
        )
    if function is np.empty_like:
        function = np.zeros_like
    if trace.first is not None and function not in OF_SHAPES:
        difference = trace.difference(function, args, kwargs)
        if difference is None:
            return _again(trace)
        (compute or function)(*numbers, **options)  # it may raise, as it did at first
        raise CannotCompile(difference)
    refuse_call(function, args, kwargs)
    if function in OF_SHAPES:
        return function(*numbers, **options)
    by_index: list[Tracer] = []
    if function in _INDEXED:
        _shown(args[1], by_index)
    try:
        result, call = _computed(
            function, compute or function, (args, kwargs), (numbers, options), tracers, by_index
        )
    except BY_VALUES as error:
        if type(error) is not IndexError or by_index:
            note_error(as_written(function), error)
        raise
    if function is operator.getitem and any(i.dtype.kind == "b" for i in by_index):
        raise CannotCompile(
            "x[mask] with a mask of booleans has a shape that depends on values, and a program is made for "
            "fixed shapes: use np.where(mask, x, 0), x = np.where(mask, f(x), x) for x[mask] = f(x[mask]), "
            "or select outside the compiled function"
        )
    constants = _values(trace, kwargs) if kwargs else kwargs
    recorded = _stand_in(trace, function, _values(trace, args), constants, result)
    if type(recorded) is Tracer:
        recorded.call = call
        trace.calls.append((recorded.recorded, recorded.recorded))
        name = trace.names.of_call() if trace.names is not None else None
        recorded.recorded.backward = trace.names is not None and trace.names.returning
        if name is not None:
            recorded.recorded.name, recorded.recorded.kept = name, True
    else:
        parts = [t.recorded for _, t in leaves(recorded)]
        trace.calls.append((parts[0].inputs[0], rebuild(recorded, iter(parts))))
    return recorded


def _computed(
    function: Any, compute: Any, given: Any, shown: Any, tracers: list[Tracer], by_index: list[Tracer]
) -> tuple[Any, Any]:
    """Return what a call returns, and None; or something of its kind, and the call, if it is large."""
    if any(t.call is not None or t.recorded.size > LARGE for t in tracers):
        result = None if by_index else kindred(function, *shown)
        if result is not None:
            return result, (compute, *given)
        shown = of_each(given, lambda x: x.sample if type(x) is Tracer else x)
    return compute(*shown[0], **shown[1]), None


def _again(trace: Trace) -> Any:
    """Return what the next call of an earlier trace returned, as tracers."""
    assert trace.first is not None  # noqa: S101
    call = trace.first.calls[len(trace.calls)]
    trace.calls.append(call)
    made = call[1]
    if type(made) is Value:
        return Tracer(trace, made, trace.sample_of(made))
    return tree_map(lambda v: Tracer(trace, v, trace.sample_of(v)), made)


def _stand_in(trace: Trace, function: Any, args: Any, kwargs: Any, result: Any) -> Any:
    if isinstance(result, (tuple, list)):
        value = Value(function, args, kwargs, (), None, "tuple")
        items = [_stand_in(trace, operator.getitem, (value, i), {}, item) for i, item in enumerate(result)]
        if isinstance(result, tuple):
            return type(result)(*items) if hasattr(result, "_fields") else tuple(items)
        return items
    if type(result) in {int, float, bool}:
        return Tracer(trace, Value(function, args, kwargs, (), np.asarray(result).dtype, "python"), result)
    if isinstance(result, np.generic) or (type(result) is np.ndarray and result.dtype.kind in "fiubc"):
        value = Value(function, args, kwargs, result.shape, result.dtype, kind_of(result))
        return Tracer(trace, value, result)
    raise CannotCompile(
        f"{as_written(function)} returned a {type(result).__name__}, which a program can't hold"
    )


def _shown(tree: Any, tracers: list[Tracer]) -> Any:
    """Return what a call is given, with the arrays that tracers show, and append these tracers."""

    def shown(x: Any) -> Any:
        if type(x) is not Tracer:
            return x
        tracers.append(x)
        return x.shown

    return of_each(tree, shown)


def _values(trace: Trace, tree: Any) -> Any:
    """Return what the program keeps of what a call is given."""

    def value(x: Any) -> Any:
        if type(x) is Tracer:
            return x.recorded
        if isinstance(x, (np.ndarray, np.generic)):
            return trace.constant(x)
        if hasattr(x, "__array_function__"):
            library = type(x).__module__.partition(".")[0]
            raise CannotCompile(
                f"a program computes with NumPy's arrays alone, and this is a {library}.{type(x).__name__}: "
                "leave the function uncompiled, or hand over its values"
            )
        return x

    return of_each(tree, value)
