"""Calls of NumPy's functions on Tensors: computed on their data, and remembered.

NumPy hands its calls over through two protocols: NEP 13 (`__array_ufunc__`) for ufuncs and NEP 18
(`__array_function__`) for the rest. `dispatch` looks the function up in the tables of rules; `record`
computes it and makes the node.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_course.engine import errors
from tinygrad_course.engine.creation import clock, leaf, node
from tinygrad_course.engine.errors import blocks
from tinygrad_course.engine.kinks import watch_sign
from tinygrad_course.engine.other_arrays import ASKED_FIRST, admitted, refuse_solver, with_known_shape
from tinygrad_course.engine.partial_writes import WRITE, detached
from tinygrad_course.engine.plain_numbers import into_plain
from tinygrad_course.engine.result_layout import OWN, as_numpys
from tinygrad_course.engine.saved_arrays import SMALL, kept, kept_array
from tinygrad_course.engine.sweep import OUTPUT
from tinygrad_course.engine.views import View, in_memory, is_view, now
from tinygrad_course.rules.elementwise import step as sign_of_reals
from tinygrad_course.rules.indexing import astype
from tinygrad_course.rules.shapes import MOVES, as_array
from tinygrad_course.rules.table import (
    COMPOSED,
    NO_DERIVATIVE,
    RULES,
    WITH_KEYWORDS,
    Rule,
    as_written,
    entered_late,
    is_tensor,
    refusal,
)
from tinygrad_course.rules.ufunc_methods import method_of, selected
from tinygrad_course.rules.windows import windows
from tinygrad_course.rules.writing import harmless, reads_before

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor

_new: Any = object.__new__
_float64 = np.float64
_ndarray = np.ndarray
_FLOAT = np.dtype(float)
_GETITEM = RULES[operator.getitem]
_NUMBERS = {bool, int, float, type(None)}
_UNCHANGING = _NUMBERS | {slice, type(Ellipsis)}

#: What NumPy makes views, for arrays of other libraries, which don't tell; None: it depends on the layout.
VIEWS: dict[Callable[..., Any], bool | None] = {
    **dict.fromkeys(MOVES - {np.copy, np.tile, np.repeat, np.roll} | {np.real, np.imag, windows}, True),
    **dict.fromkeys((np.reshape, np.ravel, np.einsum)),
}
#: What asks how arrays lie in memory.
LOOKING = {f: f for f in (np.shares_memory, np.may_share_memory)} | {harmless: reads_before}
READ_ONLY = {np.diagonal, np.broadcast_to, windows}

# ------------------------------------------------------------------ recording a call


def record(  # noqa: C901  (one pass over the arguments; a comprehension would make their names slower)
    cls: type[Tensor], rule: Rule, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None
) -> Any:
    """Compute ``rule.function(*args, **kwargs)`` on the data and return it as a recorded Tensor.

    What the vjps will read is kept as it is here: a leaf's data, which can be replaced, and the values of
    constants, which can be written to. Several results are a tuple or list of Tensors. Where no Tensor stands
    in an argument that has a derivative, the result is plain; what the rule does not cover raises.
    """
    holds: list[Any] = []
    plain = len(args) <= rule.covered and (not kwargs or _ordinary(rule, kwargs))
    if not plain:
        if kwargs:
            args, kwargs = _bind(cls, rule, args, kwargs)
            kwargs = {k: kept(v, holds) for k, v in kwargs.items()}
        if len(args) > rule.most_args and len(args) <= len(names := _argument_names(rule)):
            return dispatch(cls, rule.function, *_spelled(names, int(rule.most_args), args, kwargs))
        differentiable, args = _covered(cls, rule, args)
    given = args
    values: list[Any] = []
    keep = narrow = False
    for arg in args:
        kind = type(arg)
        if kind is cls:
            value = arg._data
            if arg._op is None:
                if arg._state is None:
                    keep = True
                else:
                    recorded, value = arg._state.read(arg)
                    if recorded is not arg:
                        args = _with(recorded, arg, args)
                    if rule is not _GETITEM or recorded._op is None:  # which needs no values
                        keep = True
            values.append(value)
        elif kind is float or kind is int:
            values.append(arg)
        elif kind is _ndarray:
            if rule.saves or not rule.elementwise:
                value = arg.copy("K") if arg.nbytes <= SMALL else kept_array(arg, holds)
                if rule is _GETITEM:
                    args = _with(value, arg, args)
                else:
                    keep = True
                if rule.casts and arg.dtype is not _FLOAT:
                    narrow = True
                arg = value
            values.append(arg)
        else:
            if rule.sequence and not values:
                keep = True
                members, value = _members(cls, rule, arg, holds)
                args = (members, *args[1:])
            else:
                value = _constant(cls, rule, arg, holds, len(values))
                if type(value) is cls:
                    return record(cls, rule, _with(value, arg, args), kwargs)
                narrow = narrow or rule.casts
                if value is not arg:
                    if rule.elementwise or rule is _GETITEM:  # what there is to whoever reads the recording
                        args = _with(value, arg, args)
                    else:
                        keep = True
            values.append(value)
    try:
        y = rule.compute(*values, **kwargs) if kwargs else rule.compute(*values)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is told better)
        holds.clear()
        raise errors.explain(error, rule, given) from None
    if not plain:
        if not differentiable:
            return y
        if "dtype" in rule.accepted and getattr(y, "dtype", _FLOAT).kind not in "fc":
            name = as_written(rule.function)
            raise TypeError(f"{name}(..., dtype={y.dtype}) rounds, and what is rounded has no derivative")
    kind = type(y)
    view = False
    if kind is not _float64 and (kind is not _ndarray or y.base is not None or y is values[0]):
        if rule.outputs:
            out = node(cls, rule, args, tuple(y), values if keep else None, holds, kwargs)
            return _outputs(cls, out, y)
        if kind is not _ndarray:
            y = _result(rule, y)
        elif y is values[0]:
            y = y[...]  # np.real returns its argument; a Tensor has an array of its own to show
        view = kind is _ndarray or (rule.function in VIEWS and not isinstance(y, np.generic))
    if narrow:  # as the ufunc casts it: the square of 200 is not that of a uint8
        values = [
            v if type(a) is cls else _as_computed(rule, v, y) for a, v in zip(given, values, strict=True)
        ]
        keep = True
    # what `creation.node` does, without the call
    out = _new(cls)
    out._data = y
    out._op = rule
    out._args = args
    out._values = values if keep else None
    out._kwargs = kwargs
    out._state = out._grad = out._about = None
    out._serial = clock()
    if holds:
        out._note().holds = holds
    if rule.mend is not None:
        out = rule.mend(out)
    if blocks.open:
        errors.watch(out)
    return _view(cls, out, given, values, kwargs) if view else out


def _as_computed(rule: Rule, value: Any, y: Any) -> Any:
    """Return a constant in the dtype that a ufunc with the result `y` computes with, for its derivative."""
    dtype, wanted = getattr(value, "dtype", None), y.dtype
    if dtype is None or dtype == wanted or wanted.kind not in "fc" or dtype.kind not in "fiub":
        return value
    if dtype.kind != "f" and rule.whole:
        wanted = np.dtype(int)
    elif wanted.kind == "c":
        wanted = np.dtype(f"f{wanted.itemsize // 2}")
    return astype(value, wanted)


def record_one(cls: type[Tensor], rule: Rule, arg: Tensor) -> Any:
    """Record a function of one argument, as `record` does: for a computed one there is little to look at."""
    data = arg._data
    if arg._op is None or rule.arity != 1 or not (type(data) is _ndarray or type(data) is _float64):
        return record(cls, rule, (arg,))
    try:
        y = rule.compute(data)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is told better)
        raise errors.explain(error, rule, (arg,)) from None
    return node(cls, rule, (arg,), y)


def _ordinary(rule: Rule, kwargs: dict[str, Any]) -> bool:
    """Whether all keywords are numbers that the rule knows, as ``axis=0, keepdims=True``."""
    for value in kwargs.values():
        if type(value) not in _NUMBERS:
            return False
    return kwargs.keys() <= rule.accepted


def _with(new: Any, old: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple([new if a is old else a for a in args])


def _covered(cls: type[Tensor], rule: Rule, args: tuple[Any, ...]) -> tuple[bool, tuple[Any, ...]]:
    """Return whether a Tensor stands where there is a derivative, and the arguments without the others."""
    if len(args) > rule.most_args:
        raise TypeError(errors.uncovered(rule, f"its argument number {len(args)}"))
    vjps = rule.vjps
    last = len(vjps) - 1
    differentiable = rule.sequence
    for i, arg in enumerate(args):
        if type(arg) is cls:
            vjp = vjps[i] if i <= last else vjps[last] if rule.variadic else None
            if vjp is not None:
                differentiable = True
            elif i > last:
                raise TypeError(errors.uncovered(rule, f"a Tensor as its argument number {i + 1}"))
            else:
                args = (*args[:i], peek(cls, arg), *args[i + 1 :])
    return differentiable, args


def _result(rule: Rule, y: Any) -> Any:
    """Return what a function computed as a Tensor can hold it; raise for what is no array of numbers."""
    if isinstance(y, (int, float)) and not isinstance(y, np.generic):
        return _float64(y)
    if type(y) is complex:
        return np.complex128(y)
    kind = getattr(getattr(y, "dtype", None), "kind", "?")
    if kind not in "fciub":
        raise TypeError(
            f"{rule.name} returned {type(y).__name__}"
            + (f" of dtype {y.dtype}" if hasattr(y, "dtype") else "")
            + "; a Tensor holds numbers"
        )
    return with_known_shape(y, f"the result of {rule.name}")


def _members(
    cls: type[Tensor], rule: Rule, members: Any, holds: list[Any]
) -> tuple[tuple[Any, ...], list[Any]]:
    """Return the arrays that a function such as np.concatenate takes first, as recorded, and their values."""
    recorded, values = [], []
    for given in members:
        member = as_array(given) if _holds_tensor(cls, given) else given
        if type(member) is cls:
            here = now(member)
            recorded.append(here)
            values.append(here._state.read(here)[1] if here._state is not None else here._data)
        else:
            recorded.append(member)
            values.append(kept(member, holds) if rule.saves else admitted(member))
    return tuple(recorded), values


def _constant(cls: type[Tensor], rule: Rule, value: Any, holds: list[Any], i: int) -> Any:
    """Return argument i so that later changes to it don't reach the recording; a list of Tensors, joined."""
    kind = type(value)
    if kind is tuple and not rule.elementwise and _UNCHANGING.issuperset(map(type, value)):
        return value
    if (kind is list or kind is tuple) and _holds_tensor(cls, value):
        if rule.variadic or rule.vjps[i : i + 1] not in {(), (None,)}:
            return as_array(value)
        raise TypeError(errors.uncovered(rule, f"a Tensor inside a {kind.__name__}"))
    if rule.elementwise and (kind is list or kind is tuple):
        return np.array(value)
    return kept(value, holds)


def _holds_tensor(cls: type[Tensor], value: Any) -> bool:
    if type(value) is list or type(value) is tuple:
        return any(_holds_tensor(cls, v) for v in value)
    return type(value) is cls


# ------------------------------------------------------------------ views


def _view(cls: type[Tensor], out: Tensor, given: tuple[Any, ...], values: list[Any], kwargs: Any) -> Tensor:
    """Return `out` as the view of an argument that NumPy would have made, or as it is if none."""
    rule: Any = out._op
    function = rule.function
    trouble, unsure = None, False
    tensors = [i for i, arg in enumerate(given) if type(arg) is cls]
    at = tensors[0] if tensors else 0
    if isinstance(out._data, np.ndarray):
        for i in tensors:
            if is_view(out._data, values[i]):
                at = i
                break
        else:  # (a number that was broadcast shares no memory)
            if function not in READ_ONLY or not tensors:
                return out
    elif (
        len(tensors) != 1
        or (function is operator.getitem and _basic(values[1], out.shape) is False)
        or (function is np.imag and values[0].dtype.kind != "c")
        or (values[at].shape == () and isinstance(getattr(values[at], "sample", None), np.generic))
    ):
        return out  # of a number there is no view
    elif function is operator.getitem and _basic(values[1], out.shape) is None:
        unsure = True
        trouble = (
            "whether x[i] is a view or a copy depends on what kind of number i is, which is not known here"
        )
    elif VIEWS[function] is None and (
        function is not np.reshape or values[at].ndim != 1 or {*(kwargs or ())} - {"order"}
    ):
        # (a row can be cut up as it lies, whatever its stride)
        unsure = True
        trouble = (
            f"whether {out._label()} is a view or a copy depends on how the array lies in memory, which is "
            "not known here"
        )
    if function in READ_ONLY:
        trouble = (
            f"{rule.name} gives a view that can't be written to, as NumPy's can't but with writeable=True: "
            "take a copy of it, or write to what it is a view of"
        )
    rest = [*values[:at], *values[at + 1 :]]
    if out._args[at]._op is WRITE:
        out._data = detached(out._data, values[at])
    shown = leaf(cls, out._data)
    shown._state = View(given[at], out, rule, at, rest, kwargs or {}, trouble, unsure)
    shown._serial = out._serial
    return shown


_KNOWN = {np.ndarray, np.int64, np.intp, np.int32, np.bool_, np.float64}


def _basic(index: Any, shape: tuple[int, ...]) -> bool | None:
    """Whether ``x[index]`` is a view, of no arrays and no single number; None: a tracer's number is in it."""
    parts = index if isinstance(index, tuple) else (index,)
    if any(type(p) not in _KNOWN and getattr(p, "shape", None) == () for p in parts):
        return None if shape else False
    plain = all(
        p is None or p is Ellipsis or (isinstance(p, (int, np.integer, slice)) and not isinstance(p, bool))
        for p in parts
    )
    return plain and (shape != () or any(p is Ellipsis for p in parts))


def _bind(
    cls: type[Tensor], rule: Rule, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Check the keywords against the rule, and move Tensors among them to their positions."""
    tensors = {k for k, v in kwargs.items() if _holds_tensor(cls, v)}
    if rule.sequence or tensors:
        names = _argument_names(rule)
        bound = list(args)
        for name in names[len(args) :]:
            if name not in kwargs:
                break
            bound.append(kwargs[name])
            kwargs = {k: v for k, v in kwargs.items() if k != name}
            tensors.discard(name)
            if not tensors:
                break
        args = tuple(bound)
        if tensors:
            raise TypeError(errors.uncovered(rule, f"a Tensor as {min(tensors)}="))
    for name in kwargs:
        if name not in rule.accepted:
            raise TypeError(errors.uncovered(rule, f"the keyword {name}="))
    return args, kwargs


@functools.cache
def _arguments(function: Callable[..., Any]) -> dict[str, bool]:
    """Return the names of a function's arguments, each with whether it comes first and has no default."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return {}
    return {p.name: p.default is p.empty and p.kind <= p.POSITIONAL_OR_KEYWORD for p in parameters}


def _required(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple([name for name, required in _arguments(function).items() if required])


def _argument_names(rule: Rule) -> tuple[str, ...]:
    return tuple(_arguments(rule.function)) or rule.names


def _spelled(
    names: tuple[str, ...], first: int, args: tuple[Any, ...], kwargs: dict[str, Any] | None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return a call with what comes after the first arguments given by name; out=None is none."""
    more = dict(zip(names[first:], args[first:], strict=False))
    if more.get("out", 0) is None:
        del more["out"]
    return args[:first], {**more, **(kwargs or {})}


def _outputs(cls: type[Tensor], whole: Tensor, y: Any) -> Any:
    """Return one Tensor for each of a function's results, in the container that it returns."""
    outs: list[Any] = []
    for i, v in enumerate(whole._data):
        if getattr(v, "dtype", np.dtype(bool)).kind not in "fc":
            outs.append(v)
            continue
        outs.append(node(cls, OUTPUT, (whole, i), v, None))
    if isinstance(y, tuple):
        return type(y)(*outs) if hasattr(y, "_fields") else tuple(outs)
    return outs


# ------------------------------------------------------------------ the protocols


def dispatch(
    cls: type[Tensor], function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Do what the tables say of `function` for a call that has a Tensor in it (NEP 18)."""
    if "out" in kwargs:
        kwargs = dict(kwargs)
        out = kwargs.pop("out")
        if out is not None:
            return _into(cls, out, function, args, kwargs)
    if kwargs and len(args) < len(required := _required(function)):
        given = list(itertools.takewhile(kwargs.__contains__, required[len(args) :]))
        args = (*args, *[kwargs[name] for name in given])
        kwargs = {k: v for k, v in kwargs.items() if k not in given}
    rule = RULES.get(function)
    if rule is not None:
        if kwargs and function in WITH_KEYWORDS:
            names, with_those = WITH_KEYWORDS[function]
            given = [kwargs[name] for name in names if name in kwargs]
            if given and (names.isdisjoint({"initial", "period"}) or _holds_tensor(cls, given)):
                return _composed(cls, function, with_those, args, kwargs)
        return record(cls, rule, args, kwargs)
    if function in ASKED_FIRST:
        refuse_solver()
    definition = COMPOSED.get(function)
    if definition is not None:
        return _composed(cls, function, definition, args, kwargs)
    if function in LOOKING:
        return LOOKING[function](*_unwrapped(cls, args, in_memory), **kwargs)
    if function in NO_DERIVATIVE:
        if function is sign_of_reals:
            result = function(*peek(cls, args))
            watch_sign(now(args[0]), np.sign, 0, result)
            return result
        return function(*peek(cls, args), **peek(cls, kwargs))
    if entered_late():
        return dispatch(cls, function, args, kwargs)
    raise TypeError(errors.no_rule(function, refusal(function)))


def _composed(
    cls: type[Tensor], function: Any, definition: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    own = None
    try:
        if function in OWN:
            own = _own_value(function, peek(cls, args), peek(cls, kwargs))
        with np.errstate(all=None if own is None else "ignore"):
            return as_numpys(cls, function, definition(*args, **kwargs), args, own)
    except TypeError:
        try:
            inspect.signature(definition).bind(*args, **kwargs)
        except TypeError as error:
            first, names = len(_required(function)), tuple(_arguments(function))
            if first < len(args) <= len(names):
                return dispatch(cls, function, *_spelled(names, first, args, kwargs))
            raise TypeError(errors.not_covered_by_definition(function, error)) from None
        raise


def _own_value(function: Any, args: Any, kwargs: Any) -> Any:
    """Return what NumPy's function itself computes; None for arrays of other libraries."""
    for a in (*args, *kwargs.values()):
        if hasattr(a, "__array_function__") and type(a) is not np.ndarray and not is_tensor(a):
            return None
    names = tuple(_arguments(function))
    if "overwrite_input" in names:  # what is recorded stays as it is
        at = names.index("overwrite_input")
        args = [a if i != at else False for i, a in enumerate(args)]
        kwargs = {k: v for k, v in kwargs.items() if k != "overwrite_input"}
    return function(*args, **kwargs)


#: Keywords of ufuncs that change no number, where they change none of the kinds.
HARMLESS = {"casting", "order", "subok"}


def dispatch_ufunc(
    cls: type[Tensor], ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Do what the tables say of a ufunc, or of its method such as ``np.add.reduce`` (NEP 13)."""
    out = kwargs.get("out")
    if method == "__call__" and not HARMLESS.isdisjoint(kwargs):
        if out is None:  # NumPy refuses what does not fit
            ufunc(*peek(cls, inputs), **peek(cls, kwargs))
        order = kwargs.get("order", "K")
        kwargs = {k: v for k, v in kwargs.items() if k not in HARMLESS}
        y = dispatch_ufunc(cls, ufunc, method, inputs, kwargs)
        return y if order == "K" or out is not None else np.copy(y, order=order)
    if method == "__call__" and ("where" in kwargs or "dtype" in kwargs):
        rule = RULES.get(ufunc)
        if rule is not None and rule.elementwise:
            return _composed(cls, ufunc, functools.partial(selected, ufunc), inputs, kwargs)
    if out is not None:
        kwargs = {k: v for k, v in kwargs.items() if k != "out"}
        if len(out) > 1:
            raise TypeError(f"{as_written(ufunc)} with several out= is not recorded; use its results")
        if out[0] is not None:
            function = ufunc if method == "__call__" else getattr(ufunc, method)
            return _into(cls, out[0], function, inputs, kwargs)
    if method == "__call__":
        return dispatch(cls, ufunc, inputs, kwargs)
    definition = method_of(ufunc, method)
    if definition is None:
        if entered_late():
            return dispatch_ufunc(cls, ufunc, method, inputs, kwargs)
        raise TypeError(errors.no_rule(ufunc, refusal(ufunc), method))
    if isinstance(axis := kwargs.get("axis"), tuple) and method == "accumulate":
        (kwargs["axis"],) = axis
    try:
        return definition(*inputs, **kwargs)
    except TypeError as error:
        if "unexpected keyword" in str(error):
            raise TypeError(errors.not_covered_by_definition(getattr(ufunc, method), error)) from None
        raise


def _into(
    cls: type[Tensor], out: Any, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Compute a call and write its result into the Tensor that was given as ``out=``."""
    if type(out) is tuple and len(out) == 1:
        out = out[0]
    if type(out) is not cls:
        if function in NO_DERIVATIVE:
            return function(*peek(cls, args), **peek(cls, kwargs), out=out)
        raise into_plain(f"out= of {as_written(function)}")
    y = function(*args, **kwargs)
    dtype, casting = getattr(y, "dtype", out.dtype), kwargs.get("casting", "same_kind")
    if not np.can_cast(dtype, out.dtype, casting) and not _cast_anyway(cls, out, function, args, kwargs):
        raise TypeError(f"out= is {out.dtype}, and the result is {dtype}, which NumPy does not write there")
    out[...] = y
    return out


def _cast_anyway(cls: type[Tensor], out: Tensor, function: Any, args: Any, kwargs: dict[str, Any]) -> bool:
    """Whether NumPy writes a result of another kind all the same: sums and their like write all they find."""
    data = now(out)._data
    if type(data) is not _ndarray:
        return False
    try:
        function(*peek(cls, args), **peek(cls, kwargs), out=np.empty_like(data))
    except TypeError:
        return False
    return True


def plain(cls: type[Tensor], value: Any) -> Any:
    """Replace Tensors by their data, in lists, tuples and dicts too, for the user to have."""
    return _unwrapped(cls, value, cls._shared)


def peek(cls: type[Tensor], value: Any) -> Any:
    """Replace Tensors by their data, for a look that neither keeps nor changes them."""
    return _unwrapped(cls, value, lambda tensor: now(tensor)._data)


def _unwrapped(cls: type[Tensor], value: Any, data: Callable[[Tensor], Any]) -> Any:
    if type(value) is cls:
        return data(value)
    if type(value) is list:
        return [_unwrapped(cls, v, data) for v in value]
    if type(value) is tuple:
        return tuple([_unwrapped(cls, v, data) for v in value])
    if type(value) is dict:
        return {k: _unwrapped(cls, v, data) for k, v in value.items()}
    return value
