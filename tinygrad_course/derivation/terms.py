"""A formula term by term: what it comes to, how large its terms are, what its gradient gives each variable.

By element the gradient is SymPy's `diff`; products and sums have a rule each.
"""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy
from scipy import special

from tinygrad_course.derivation.algebra import (
    ALONG,
    PLAIN,
    STRUCTURED,
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
    Shape,
    Softmax,
    Standardized,
    Sum,
    T,
    Variable,
    Variance,
    Vjp,
    full,
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
        if power == sympy.Rational(1, 2):
            return np.sqrt(value)
        if power.is_Integer:
            return np.power(value, float(power)) if power > 0 else 1.0 / np.power(value, float(-power))
        return np.power(value, evaluate(power, values))
    if kind is Standardized:
        return evaluate(x.written_out(), values)
    if kind is Part:
        axis, *ends = (int(n) for n in x.args[1:])
        return evaluate(x.args[0], values)[(slice(None),) * axis + (slice(*ends),)]
    if kind in ALONG:
        return _ALONG[kind](evaluate(x.args[0], values), int(x.args[1]))
    of = [evaluate(a, values) for a in (x.args[:1] if kind is Reshape else x.args)]
    if kind is sympy.Add:
        return sum(of[1:], of[0])
    if kind is sympy.Mul:
        return math.prod(of[1:], start=of[0])
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


# ------------------------------------------------------------------ the gradient


def adjoint(x: Expr, g: Expr, into: dict[Variable, Expr], shape: Shape | None = None) -> None:
    """Add to `into` what the gradient `g` of a formula, of `shape` or of its own, gives each variable."""
    shape = shape_of(x) if shape is None else shape
    stand_ins = {part: sympy.Dummy(real=True) for part in _parts(x)}
    flat = x.xreplace(stand_ins)
    back = {d: part for part, d in stand_ins.items()}
    for part, d in stand_ins.items():
        slope = sympy.diff(flat, d).xreplace(back)
        if slope != 0:
            _into_part(part, unbroadcast(g * slope, shape, shape_of(part)), into)


def _parts(x: Expr) -> list[Expr]:
    """Return the outermost variables and structured terms of a formula, in order."""
    found: dict[Expr, None] = {}
    stack = [x]
    while stack:
        y = stack.pop()
        if isinstance(y, (Variable, *STRUCTURED)):
            if not isinstance(y, Ones) and not (isinstance(y, Variable) and y.value is not None):
                found.setdefault(y)
        else:
            stack.extend(reversed(y.args))
    return list(found)


def _into_part(part: Expr, g: Expr, into: dict[Variable, Expr]) -> None:
    if isinstance(part, Variable):
        into[part] = into.get(part, 0) + g
        return
    kind, shape, inner = type(part), shape_of(part), part.args[0]
    if kind is Dot:
        a, b = part.args
        adjoint(a, _left(g, a, b, shape), into)
        adjoint(b, _right(g, a, b, shape), into)
    elif kind is T:
        adjoint(inner, T(g), into)
    elif kind is Reshape:
        adjoint(inner, g if shape_of(g) == () else Reshape(full(g, shape), *shape_of(inner)), into)
    elif kind in ALONG:
        _through_axis(part, g, into)
    elif kind is Joined:
        axis, start = int(inner), 0
        for operand in part.args[1:]:
            stop = start + shape_of(operand)[axis]
            adjoint(operand, Part(full(g, shape), axis, start, stop), into)
            start = stop
    elif kind is Operation:
        for i, operand in enumerate(part.args[1:]):
            if any(v.value is None for v in operand.atoms(Variable)):
                adjoint(operand, Vjp(inner, i, g, *part.args[1:]), into)
    else:  # Outer, Vjp: only gradients are made of them
        raise NotImplementedError(kind.__name__)


def _through_axis(part: Expr, g: Expr, into: dict[Variable, Expr]) -> None:
    """Add what goes back through a function along an axis."""
    inner, axis = part.args[:2]
    shape = shape_of(inner)
    if isinstance(part, Sum):
        adjoint(inner, g, into)
    elif isinstance(part, Softmax):
        adjoint(inner, part * (g - Sum(full(g * part, shape), axis)), into)
    elif isinstance(part, LogSumExp):
        adjoint(inner, g * Softmax(inner, axis), into)
    elif isinstance(part, Variance):  # the mean depends on z too, but what is sent through it adds up to 0
        n = part.args[2]
        adjoint(inner, g * 2 * (inner - Sum(inner, axis) / n) / n, into)
    elif isinstance(part, Standardized):
        n, eps = part.args[2:]
        rest = g - Sum(full(g, shape), axis) / n - part * Sum(full(g * part, shape), axis) / n
        adjoint(inner, rest / sympy.sqrt(Variance(inner, axis, n) + eps), into)
    else:  # Part: only gradients are made of it
        raise NotImplementedError(type(part).__name__)


def _left(g: Expr, a: Expr, b: Expr, shape: Shape) -> Expr:
    if len(shape_of(b)) == 1:
        return Outer(full(g, shape), b) if len(shape_of(a)) == 2 else g * b
    return Dot(full(g, shape), T(b)) if len(shape_of(a)) == 2 else Dot(b, full(g, shape))


def _right(g: Expr, a: Expr, b: Expr, shape: Shape) -> Expr:
    if len(shape_of(a)) == 1:
        return Outer(a, full(g, shape)) if len(shape_of(b)) == 2 else g * a
    return Dot(T(a), full(g, shape))


def unbroadcast(g: Expr, shape: Shape, wanted: Shape) -> Expr:
    """Sum a gradient of `shape` over the axes along which its variable was repeated."""
    if shape == wanted:
        return g
    if not wanted or all(n == 1 for n in wanted):
        return g if all(n == 1 for n in shape) else Sum(full(g, shape), -1)
    lead = len(shape) - len(wanted)
    for axis, n in enumerate(shape):
        if n != 1 and (axis < lead or wanted[axis - lead] == 1):
            g = Sum(full(g, shape), axis)
            shape = (*shape[:axis], 1, *shape[axis + 1 :])
    return g if shape == wanted or shape_of(g) == () else Reshape(full(g, shape), *wanted)
