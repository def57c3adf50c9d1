"""What a formula comes to with values for its variables, and how large the terms are that it is a sum of."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy
from scipy import special

from tinygrad_course.derivation.algebra import (
    ALONG,
    PLAIN,
    Dot,
    Expr,
    Handle,
    Joined,
    LogSumExp,
    Ones,
    Operation,
    Outer,
    Part,
    Reshape,
    Softmax,
    Standardized,
    Sum,
    T,
    Variable,
    Variance,
    Vjp,
    larger,
    positive,
    relu,
    shape_of,
    sigmoid,
    size,
    wins,
)

_ELEMENTWISE: dict[Any, Callable[..., Any]] = {
    **{kind: getattr(np, name) for name, kind in PLAIN.items()},
    sympy.exp: np.exp, sympy.sign: np.sign, sympy.Abs: np.abs, size: np.abs, sigmoid: special.expit,
    relu: lambda z: np.maximum(z, 0.0), positive: lambda z: np.where(z > 0, 1.0, 0.0), larger: np.maximum,
    wins: lambda z: np.heaviside(z, 0.5), Dot: np.dot, T: np.transpose, Outer: np.outer,
}  # fmt: skip
_ALONG: dict[Any, Callable[..., Any]] = {
    Sum: lambda z, axis: np.sum(z) if axis < 0 else np.sum(z, axis=axis, keepdims=True),
    Softmax: lambda z, axis: special.softmax(z, axis=axis),
    LogSumExp: lambda z, axis: special.logsumexp(z, axis=axis, keepdims=True),
    Variance: lambda z, axis: np.var(z, axis=axis, keepdims=True),
}


def evaluate(x: Expr, values: Mapping[Variable, Any]) -> Any:
    """Compute a formula with values for its variables."""
    if isinstance(x, Variable):
        return values[x] if x.value is None else x.value
    if not x.args:
        return float(x)
    kind = type(x)
    if kind is Ones:
        return np.ones([int(n) for n in x.args])
    if kind in (Operation, Vjp, Joined):
        return _operation(x, values)
    if kind is sympy.Pow:
        base, power = x.args
        value = evaluate(base, values)
        if power == -1:
            return np.divide(1.0, value)
        if power == sympy.Rational(1, 2):
            return np.sqrt(value)
        if power.is_Integer:
            return np.power(value, float(power)) if power > 0 else 1.0 / np.power(value, float(-power))
        return np.power(value, evaluate(power, values))
    if kind in ALONG:
        return _along(x, values)
    of = [evaluate(a, values) for a in (x.args[:1] if kind is Reshape else x.args)]
    if kind is sympy.Add:
        return sum(of[1:], of[0])
    if kind is sympy.Mul:
        product = of[0]
        for factor in of[1:]:
            product = product * factor
        return product
    if kind is Reshape:
        return np.reshape(of[0], shape_of(x))
    return _ELEMENTWISE[kind](*of)


def magnitude(x: Expr, values: Mapping[Variable, Any]) -> Any:
    """Return how large the terms of a formula are: where they cancel, its rounding is measured by them."""
    kind = type(x)
    if isinstance(x, Variable) or not x.args:
        return np.abs(evaluate(x, values))
    if kind in (sympy.Add, sympy.Mul):
        of = [magnitude(a, values) for a in x.args]
        return sum(of[1:], of[0]) if kind is sympy.Add else functools.reduce(np.multiply, of)
    if kind in (Dot, T, Outer):
        return _ELEMENTWISE[kind](*(magnitude(a, values) for a in x.args))
    if kind is Sum:
        return _ALONG[Sum](magnitude(x.args[0], values), int(x.args[1]))
    if kind is Reshape:
        return np.reshape(magnitude(x.args[0], values), shape_of(x))
    own = np.abs(evaluate(x, values))
    return own + np.max(magnitude(x.args[2], values), initial=0.0) if kind is Vjp else own


def _along(x: Expr, values: Mapping[Variable, Any]) -> Any:
    if type(x) is Standardized:
        return evaluate(x.written_out(), values)
    if type(x) is Part:
        axis, *ends = (int(n) for n in x.args[1:])
        return evaluate(x.args[0], values)[(slice(None),) * axis + (slice(*ends),)]
    return _ALONG[type(x)](evaluate(x.args[0], values), int(x.args[1]))


def _operation(x: Expr, values: Mapping[Variable, Any]) -> Any:
    if type(x) is Joined:
        return np.concatenate([evaluate(a, values) for a in x.args[1:]], axis=int(x.args[0]))
    handle: Handle = x.args[0]
    operands = [np.float64(evaluate(a, values)) for a in x.args[1 if isinstance(x, Operation) else 3 :]]
    y = handle.call.value(operands)
    if isinstance(x, Operation):
        return y
    g = np.broadcast_to(np.float64(evaluate(x.args[2], values)), handle.shape)[()]
    return handle.call.sent(g, y, operands).get(int(x.args[1]), 0.0)
