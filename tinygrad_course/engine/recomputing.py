"""A recording computed again in numbers that neither overflow nor underflow.

The derivative of ``np.exp(-np.exp(-z))`` at z = -750 is 0, and the chain rule has it as 0 times infinity,
because exp(750) is too large a number. Where a gradient is not finite though the cost is, the backward pass
is recorded, and what was recorded is computed once more from the leaves, in `extended_range`'s numbers from
the first exponential, power or quotient on. What is still not finite then, a slope at a kink or one that
is too large itself, stays as it was.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_course.engine import extended_range
from tinygrad_course.engine.extended_range import Extended, extended, joined
from tinygrad_course.engine.partial_writes import Overwritten, restored
from tinygrad_course.engine.stable_forms import Mended, is_sigmoid
from tinygrad_course.engine.views import as_of, behind
from tinygrad_course.rules.indexing import assign, astype, scatter
from tinygrad_course.rules.shapes import MOVES, is_complex
from tinygrad_course.rules.table import Rule

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor

_FLOAT = np.dtype(float)
_FLOATS = {np.dtype(float), np.dtype(np.float32), np.dtype(np.float16)}

# ------------------------------------------------------------------ functions of extended numbers


def _of_exponentials(far: Callable[[Extended], Extended], near: Callable[[Any], Any]) -> Any:
    """Return a function that is ``near(x)`` where x is small, and x where it is tiny and that is 0 at 0."""

    def compute(x: Extended) -> Extended:
        size = np.abs(x.numbers())
        close = extended(near(np.where(size < 1.0, x.numbers(), 0.0)))
        if near(0.0) == 0:
            close = _where(size < 1e-30, x, close)
        return _where(size < 1.0, close, far(x))

    return compute


def _tanh(x: Extended) -> Extended:
    rest = extended(2.0) / (extended(1.0) + extended_range.exp(extended(2.0) * x.abs()))
    return (extended(1.0) - rest) * extended(np.sign(x.high.m))


def _half_sum(x: Extended, sign: float) -> Extended:
    e = extended_range.exp(x)
    return (e + extended(sign) / e) / extended(2.0)


def _where(condition: Any, first: Extended, second: Extended) -> Extended:
    return joined([first, second], lambda parts: np.where(condition, *parts))


def _chosen(first: Extended, second: Extended, sign: int) -> Extended:
    wins = (first - second).high.m * sign > 0
    return _where(wins, first, second)


def _power(x: Extended, n: Any) -> Extended | None:
    if type(n) is not Extended and np.ndim(n) == 0:
        return x ** float(n)
    n = extended(n)
    return extended_range.exp(n * extended_range.log(x)) if np.all(x.high.m > 0) else None


def _averaged(x: Extended, axis: Any = None, *, keepdims: Any = False) -> Extended:
    total = _folded(operator.add, x, axis, keepdims=keepdims)
    return total / extended(float(math.prod(x.shape) // (math.prod(total.shape) or 1)))


def _folded(combine: Any, x: Extended, axis: Any = None, *, keepdims: Any = False) -> Extended:
    given = range(len(x.shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = sorted({a % len(x.shape) for a in given}, reverse=True)
    for a in axes:
        x = x.fold(combine, a)
    if keepdims:
        x = x.moved(lambda part: np.expand_dims(part, tuple(axes)))
    return x


def _running_product(x: Extended, axis: int | None = None) -> Extended:
    x = x.moved(lambda part: np.ravel(part) if axis is None else np.moveaxis(part, axis, 0))
    step = 1
    while step < x.shape[0]:  # the product of twice as many factors, at each turn
        first, last = (
            x.moved(lambda part, some=some: part[some]) for some in (slice(-step), slice(step, None))
        )
        head = x.moved(lambda part, n=step: part[:n])
        x, step = joined([head, first * last], np.concatenate), 2 * step
    return x.moved(lambda part: np.moveaxis(part, 0, axis or 0))


_ONE = extended(1.0)


def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + e^-x), which is SciPy's `expit`."""
    return 1.0 / (1.0 + np.exp(-x))


#: Functions from which the computation goes on in extended numbers, and those that it knows in these.
_BEGIN: dict[Any, Callable[..., Any]] = {
    np.exp: extended_range.exp,
    np.exp2: lambda x: extended_range.exp(x * extended(math.log(2.0))),
    np.expm1: _of_exponentials(lambda x: extended_range.exp(x) - _ONE, np.expm1),
    np.sinh: _of_exponentials(lambda x: _half_sum(x, -1.0), np.sinh),
    np.cosh: _of_exponentials(lambda x: _half_sum(x, 1.0), np.cosh),
    np.tanh: _of_exponentials(_tanh, np.tanh),
    np.log: extended_range.log,
    np.log1p: lambda x: extended_range.log(_ONE + x),
    np.log2: lambda x: extended_range.log(x) / extended(math.log(2.0)),
    np.log10: lambda x: extended_range.log(x) / extended(math.log(10.0)),
    np.sqrt: Extended.sqrt,
    np.square: lambda x: x * x,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.reciprocal: lambda x: _ONE / x,
    np.power: _power,
    np.float_power: _power,
    np.prod: functools.partial(_folded, operator.mul),
    np.cumprod: _running_product,
    np.logaddexp: lambda a, b: (
        _chosen(a, b, 1) + extended_range.log(_ONE + extended_range.exp(-(a - b).abs()))
    ),
    sigmoid: lambda x: _ONE / (_ONE + extended_range.exp(-x)),
}
_ON: dict[Any, Callable[..., Any]] = {
    **_BEGIN,
    np.add: operator.add,
    np.subtract: operator.sub,
    np.negative: operator.neg,
    np.positive: lambda x: x,
    np.absolute: Extended.abs,
    np.fabs: Extended.abs,
    np.maximum: lambda a, b: _chosen(a, b, 1),
    np.minimum: lambda a, b: _chosen(a, b, -1),
    np.sum: functools.partial(_folded, operator.add),
    np.mean: _averaged,
    astype: lambda x, _: x,
}

#: Functions that put entries elsewhere, of which each is one entry of the arguments.
_MOVES = MOVES | {np.tril, np.triu, np.concatenate, np.stack, np.where, assign}


def _moved(rule: Rule, args: list[Any], kwargs: dict[str, Any]) -> Extended:
    """Return the call of a function that puts entries elsewhere."""
    if rule.sequence:
        parts, rest = [extended(a) for a in args[0]], args[1:]
        return joined(parts, lambda members: rule.function(members, *rest, **kwargs))
    at = [i for i, vjp in enumerate(rule.vjps[: len(args)]) if vjp is not None]

    def call(members: list[Any]) -> Any:
        given = list(args)
        for i, member in zip(at, members, strict=True):
            given[i] = member
        return rule.function(*given, **kwargs)

    return joined([extended(args[i]) for i in at], call)


def _linear(function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Return the call of a function that is linear in each of its extended arguments."""
    power = 0.0
    given = list(args)
    for i, arg in enumerate(args):
        if type(arg) is Extended:
            m, e = arg.high.m, arg.high.e
            largest = float(np.max(e, initial=extended_range.ZERO, where=m != 0))
            largest = largest if largest > extended_range.ZERO else 0.0
            given[i] = np.ldexp(m, np.clip(e - largest, -3000, 0).astype(int))[()]
            power += largest
    found = np.asarray(function(*given, **kwargs))
    return None if found.dtype.kind == "c" else Extended(extended_range.scaled(found.astype(float), power))


# ------------------------------------------------------------------ a recording


def recomputed(tensors: list[Tensor]) -> list[Any]:
    """Return the values of Tensors, computed from the leaves."""
    known: dict[Tensor, Any] = {}
    for node in behind(tensors):
        known[node] = _value(node, as_of(node), known)
    return [_plain(known[tensor]) for tensor in tensors]


def _plain(value: Any) -> Any:
    return value.numbers() if type(value) is Extended else value


def _value(node: Tensor, args: tuple[Any, ...], known: dict[Tensor, Any]) -> Any:
    """Return what a node amounts to: its own data where nothing can have been lost so far."""
    rule, kwargs, data = node._op, node._kwargs or {}, node._data
    if type(data) is Overwritten:
        data = restored(node)
    if rule is None or type(rule.vjps) is not tuple:  # a leaf, or an operation whose graph was freed
        return data
    values = node._values

    def of(a: Any, kept: Any) -> Any:
        return known[a] if type(a) is type(node) else kept

    given: list[Any] = [of(a, a if values is None else values[i]) for i, a in enumerate(args)]
    if rule.sequence:
        kept = args[0] if values is None else values[0]
        given[0] = [of(a, v) for a, v in zip(args[0], kept, strict=True)]
    function: Any = rule.function
    if type(function) is Mended:
        function, given = function.function, given[: function.count]
    elif is_sigmoid(function):
        function = sigmoid
    members = given[0] if rule.sequence else given
    begun = any(type(a) is Extended for a in members)
    if not begun and (function not in _BEGIN or getattr(data, "dtype", None) not in _FLOATS):
        return data
    try:
        found = _computed(rule, function, members if rule.sequence else given, given, kwargs)
    except TypeError:  # of a keyword
        found = None
    if found is None:
        plain = [[_plain(a) for a in members], *given[1:]] if rule.sequence else map(_plain, given)
        found = function(*plain, **kwargs)
    return found


def _computed(rule: Rule, function: Any, members: list[Any], given: list[Any], kwargs: dict[str, Any]) -> Any:
    """Return a call in extended numbers, None of a function that is not known in these."""
    if any(
        is_complex(a) or not math.prod(getattr(a, "shape", ())) for a in members if not isinstance(a, type)
    ):
        return None
    if function in _ON:
        first, *rest = given
        if function in {np.power, np.float_power} and type(rest[0]) is not Extended:
            return _power(extended(first), *rest)
        arity = len(rule.vjps) if rule.elementwise else 1
        return _ON[function](*map(extended, given[:arity]), *given[arity:], **kwargs)
    if function in _MOVES:
        return _moved(rule, given, kwargs)
    if function is scatter or rule.product or not rule.saves:
        return None if rule.outputs or rule.sequence else _linear(function, given, kwargs)
    return None
