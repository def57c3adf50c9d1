"""Calls of NumPy's functions on Tensors: computed on their data, and remembered.

NumPy hands its calls over through two protocols: NEP 13 (`__array_ufunc__`) for ufuncs and NEP 18
(`__array_function__`) for the rest. `dispatch` looks the function up in the tables of rules; `record`
computes it and makes the node.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_course.engine import errors
from tinygrad_course.engine.errors import Watch
from tinygrad_course.engine.sweep import OUTPUT, clock
from tinygrad_course.rules.table import (
    COMPOSED,
    NO_DERIVATIVE,
    RULES,
    WITH_KEYWORDS,
    Rule,
    entered_late,
    refusal,
)
from tinygrad_course.rules.ufunc_methods import method_of, selected

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor

_new = object.__new__
_float64 = np.float64
_FLOAT = np.dtype(float)

#: Constant arrays up to this size (bytes) are copied when they are recorded, larger ones are locked.
SMALL = 16_384


# ------------------------------------------------------------------ what a recording holds stays as it was


_holds: dict[int, int] = {}
_waiting: dict[int, list[np.ndarray[Any, Any]]] = {}


class Hold:
    """Keeps an array from being written to for as long as a recording needs its values.

    A gradient computed from an array that was changed in between would be wrong without a word; a write into
    an array on hold raises NumPy's "assignment destination is read-only" instead. The array can be written to
    again once the last recording that needs it is gone.
    """

    __slots__ = ("array",)

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array
        key = id(array)
        held = _holds.get(key, 0)
        if not held:
            array.setflags(write=False)
        _holds[key] = held + 1

    def __del__(self) -> None:
        key = id(self.array)
        held = _holds[key] - 1
        if held:
            _holds[key] = held
            return
        del _holds[key]
        _unlock(self.array)
        for view in _waiting.pop(key, ()):
            _unlock(view)


def _unlock(array: np.ndarray[Any, Any]) -> None:
    base = array.base
    if isinstance(base, np.ndarray) and id(base) in _holds:  # NumPy unlocks no view of a locked array
        _waiting.setdefault(id(base), []).append(array)
        return
    try:
        array.setflags(write=True)
    except ValueError:
        return  # its owner has made the base read-only meanwhile


def hold(array: Any) -> list[Hold]:
    """Keep `array`, and the array that it is a view of, from being written to while the result lives."""
    holds = []
    while isinstance(array, np.ndarray):
        if array.flags.writeable or id(array) in _holds:
            holds.append(Hold(array))
        array = array.base
    return holds


# ------------------------------------------------------------------ recording a call


def record_plain(  # noqa: C901  (one pass over the arguments)
    cls: type[Tensor], rule: Rule, args: tuple[Any, ...]
) -> Tensor:
    """Compute and record a function that takes arrays and nothing else, each with a derivative.

    What the vjps will read is kept as it is here: a leaf's data, which can be replaced, and the values of
    constant arrays, which can be written to.
    """
    values: Any
    holds: list[Hold] | None = None
    keep = False
    if len(args) == 1:
        arg = args[0]
        value = arg._data
        if arg._op is None:
            keep = True
            if arg._extra is not None and "open" in arg._extra:
                value = arg._settled()
        values = (value,)
    else:
        values = []
        for arg in args:
            kind = type(arg)
            if kind is cls:
                value = arg._data
                if arg._op is None:
                    keep = True
                    if arg._extra is not None and "open" in arg._extra:
                        value = arg._settled()
                values.append(value)
            elif kind is np.ndarray:
                if not rule.saves:
                    values.append(arg)
                elif arg.nbytes <= SMALL:
                    keep = True
                    values.append(arg.copy())
                else:
                    holds = hold(arg) if holds is None else holds + hold(arg)
                    values.append(arg)
            elif kind is float or kind is int:
                values.append(arg)
            else:
                keep = True
                values.append(_constant(cls, rule, arg) if kind is list or kind is tuple else arg)
    try:
        y = rule.function(*values)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is told better)
        raise errors.explain(error, rule, args) from None
    if type(y) is not np.ndarray and type(y) is not _float64:
        y = _result(rule, y)
    elif y is values[0] and type(y) is np.ndarray:
        y = y[...]  # np.real returns its argument; a Tensor has an array of its own to show
    out = _new(cls)
    out._data = y
    out._op = rule
    out._args = args
    out._values = values if keep else None
    out._pending = out._grad = None
    out._extra = None if holds is None else {"holds": holds}
    out._serial = clock()
    if Watch.on:
        errors.watch(out)
    return out


def record(  # noqa: C901  (one pass over the arguments)
    cls: type[Tensor], rule: Rule, args: tuple[Any, ...], kwargs: dict[str, Any] | None
) -> Any:
    """Compute ``rule.function(*args, **kwargs)`` on the data and return it as a recorded Tensor.

    Parameters
    ----------
    cls : type
        `Tensor` itself.
    rule : Rule
        The derivative of the function.
    args, kwargs
        The call, with Tensors among the positional arguments (or in the list that is the first of them).

    Returns
    -------
    Tensor, or tuple or list of Tensors, or a plain array
        Plain where no Tensor stands in an argument that has a derivative.

    Raises
    ------
    TypeError
        For an argument that the rule does not cover.
    """
    if kwargs:
        args, kwargs = _bind(cls, rule, args, kwargs)
        kwargs = {k: v.copy() if type(v) is np.ndarray else v for k, v in kwargs.items()}
    if len(args) > rule.most_args:
        raise TypeError(errors.uncovered(rule, f"its argument number {len(args)}"))
    differentiable = keep = False
    holds: list[Hold] = []
    vjps = rule.vjps
    last = len(vjps) - 1
    values: list[Any] = []
    kept: list[Any] = []
    for i, arg in enumerate(args):
        kind = type(arg)
        if kind is cls:
            vjp = vjps[i] if i <= last else vjps[last] if rule.variadic else None
            if vjp is None:
                if i > last:
                    raise TypeError(errors.uncovered(rule, f"a Tensor as its argument number {i + 1}"))
                arg = value = arg.data
            else:
                differentiable = True
                value = arg._data
                if arg._op is None:
                    keep = True
                    if arg._extra is not None and "open" in arg._extra:
                        value = arg._settled()
        elif i == 0 and rule.sequence:
            arg = tuple(arg)
            differentiable = keep = True
            value = _members(cls, rule, arg, holds)
        elif kind is np.ndarray:
            value = arg
            if rule.saves:
                if arg.nbytes <= SMALL:
                    keep = True
                    value = arg.copy()
                else:
                    holds += hold(arg)
        elif kind is list or kind is tuple:
            arg = value = _constant(cls, rule, arg)
        else:
            value = arg
        values.append(value)
        kept.append(arg)
    try:
        y = rule.compute(*values, **kwargs) if kwargs else rule.compute(*values)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is told better)
        raise errors.explain(error, rule, args) from None
    if not differentiable:
        return y
    if "dtype" in rule.accepted and getattr(y, "dtype", _FLOAT).kind not in "fc":
        raise TypeError(f"np.{rule.name}(..., dtype={y.dtype}) rounds, and what is rounded has no derivative")
    if type(y) is not np.ndarray and type(y) is not _float64 and not rule.outputs:
        y = _result(rule, y)
    elif y is values[0] and type(y) is np.ndarray:
        y = y[...]
    out = _new(cls)
    out._data = y
    out._op = rule
    out._args = tuple(kept)
    out._kwargs = kwargs or None
    out._values = values if keep else None
    out._pending = out._grad = None
    out._extra = {"holds": holds} if holds else None
    out._serial = clock()
    if rule.outputs:
        return _outputs(cls, out, y)
    if Watch.on:
        errors.watch(out)
    return out


def _result(rule: Rule, y: Any) -> Any:
    """Return what a function computed as a Tensor can hold it.

    Raises
    ------
    TypeError
        If it is no number or array of numbers.
    """
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
    return y


def _members(cls: type[Tensor], rule: Rule, members: tuple[Any, ...], holds: list[Hold]) -> list[Any]:
    """Unwrap the list of arrays that a function such as np.concatenate takes first."""
    values = []
    for member in members:
        if type(member) is cls:
            values.append(member._settled() if member._op is None else member._data)
        else:
            if rule.saves and type(member) is np.ndarray:
                holds += hold(member)
            values.append(member)
    return values


def _constant(cls: type[Tensor], rule: Rule, value: list[Any] | tuple[Any, ...]) -> Any:
    """Return a list or tuple argument so that later changes to it don't reach the recording."""
    if _holds_tensor(cls, value):
        if rule.elementwise:
            raise TypeError(
                f"np.{rule.name} was given a {type(value).__name__} that holds Tensors; "
                "join them first with np.stack([...]) or np.concatenate([...])"
            )
        raise TypeError(errors.uncovered(rule, f"a Tensor inside a {type(value).__name__}"))
    if rule.elementwise:
        return np.array(value)
    return list(value) if type(value) is list else value


def _holds_tensor(cls: type[Tensor], value: Any) -> bool:
    if type(value) is list or type(value) is tuple:
        return any(_holds_tensor(cls, v) for v in value)
    return type(value) is cls


def _bind(
    cls: type[Tensor], rule: Rule, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Check the keywords against the rule, and move Tensors among them to their positions."""
    if kwargs.keys() <= rule.accepted and not rule.sequence:
        for value in kwargs.values():
            kind = type(value)
            if kind is cls or kind is list or (kind is tuple and _holds_tensor(cls, value)):
                break
        else:
            return args, kwargs
    if kwargs.get("out", 0) is None:
        kwargs = {k: v for k, v in kwargs.items() if k != "out"}
    if "out" in kwargs:
        raise TypeError(
            f"np.{rule.name}(..., out=...) would overwrite an array that a recording may need; "
            "leave out= away and use the result"
        )
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


def _argument_names(rule: Rule) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(rule.function).parameters)
    except (ValueError, TypeError):
        return rule.names


def _outputs(cls: type[Tensor], node: Tensor, y: Any) -> Any:
    """Return one Tensor for each of a function's results, in the container that it returns."""
    node._data = tuple(y)
    outs = [
        cls._node(v, OUTPUT, (node, i)) if getattr(v, "dtype", np.dtype(bool)).kind in "fc" else v
        for i, v in enumerate(node._data)
    ]
    if isinstance(y, tuple):
        return type(y)(*outs) if hasattr(y, "_fields") else tuple(outs)
    return outs


# ------------------------------------------------------------------ the protocols


def dispatch(
    cls: type[Tensor], function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Do what the tables say of `function` for a call that has a Tensor in it (NEP 18).

    Raises
    ------
    TypeError
        If the function is refused, or on no list.
    """
    rule = RULES.get(function)
    if rule is not None:
        if rule.plain and not kwargs and len(args) == len(rule.vjps):
            return record_plain(cls, rule, args)
        if kwargs and function in WITH_KEYWORDS:
            names, with_those = WITH_KEYWORDS[function]
            if not names.isdisjoint(kwargs):
                return _composed(function, with_those, args, kwargs)
        return record(cls, rule, args, kwargs)
    definition = COMPOSED.get(function)
    if definition is not None:
        return _composed(function, definition, args, kwargs)
    if function in NO_DERIVATIVE:
        return function(*[peek(cls, a) for a in args], **{k: peek(cls, v) for k, v in kwargs.items()})
    if entered_late():
        return dispatch(cls, function, args, kwargs)
    raise TypeError(errors.no_rule(function, refusal(function)))


def _composed(function: Any, definition: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        inspect.signature(definition).bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(errors.not_covered_by_definition(function, error)) from None
    return definition(*args, **kwargs)


def dispatch_ufunc(
    cls: type[Tensor], ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Do what the tables say of a ufunc, or of its method such as ``np.add.reduce`` (NEP 13)."""
    if method == "__call__":
        rule = RULES.get(ufunc)
        if rule is not None and not kwargs and rule.plain:
            return record_plain(cls, rule, inputs)
        if rule is not None and ("where" in kwargs or "dtype" in kwargs) and rule.elementwise:
            return _composed(ufunc, functools.partial(selected, ufunc), inputs, kwargs)
        return dispatch(cls, ufunc, inputs, kwargs)
    definition = method_of(ufunc, method)
    if definition is None:
        if entered_late():
            return dispatch_ufunc(cls, ufunc, method, inputs, kwargs)
        raise TypeError(errors.no_rule(ufunc, refusal(ufunc), method))
    if kwargs.get("out", (None,)) == (None,):
        kwargs = {k: v for k, v in kwargs.items() if k != "out"}
    try:
        return definition(*inputs, **kwargs)
    except TypeError as error:
        if "unexpected keyword" in str(error):
            raise TypeError(errors.not_covered_by_definition(getattr(ufunc, method), error)) from None
        raise


def plain(cls: type[Tensor], value: Any) -> Any:
    """Replace Tensors by their data, in lists, tuples and dicts too, for the user to have."""
    return _unwrapped(cls, value, "data")


def peek(cls: type[Tensor], value: Any) -> Any:
    """Replace Tensors by their data, for a look that neither keeps nor changes them."""
    return _unwrapped(cls, value, "_data")


def _unwrapped(cls: type[Tensor], value: Any, attribute: str) -> Any:
    if type(value) is cls:
        return getattr(value, attribute)
    if type(value) is list:
        return [_unwrapped(cls, v, attribute) for v in value]
    if type(value) is tuple:
        return tuple(_unwrapped(cls, v, attribute) for v in value)
    if type(value) is dict:
        return {k: _unwrapped(cls, v, attribute) for k, v in value.items()}
    return value
