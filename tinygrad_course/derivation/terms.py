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
    is_fixed,
    larger,
    positive,
    relu,
    shape_of,
    sigmoid,
    size,
    wins,
)


def in_double(a: Any) -> Any:
    """Return values in double precision, complex where they are."""
    return np.asarray(a, np.result_type(a, np.float64))


def _of_shape(a: Any, shape: Shape) -> Any:
    """Return values in their recorded shape, where a formula has one number for all, or with other axes."""
    a = in_double(a)
    return np.broadcast_to(np.reshape(a, ()) if np.size(a) == 1 else a, shape)[()]


def _operands(handle: Handle, values: tuple[Any, ...]) -> list[Any]:
    """Return operands as they were recorded: indices are whole numbers."""
    given = []
    for a, node in zip(values, handle.operands, strict=True):
        kind, array = np.asarray(node.value).dtype, _of_shape(a, node.shape)
        given.append(array if kind.kind in "fc" else array.astype(kind))
    return given


def _sent_to(handle: Handle, place: int, g: Any, *operands: Any) -> Any:
    given = _operands(handle, operands)
    return handle.call.sent(_of_shape(g, handle.shape), handle.call.value(given), given).get(place, 0.0)


#: What computes each kind of term, of its arguments' values.
_COMPUTED: dict[Any, Callable[..., Any]] = {
    **{kind: getattr(np, name) for name, kind in PLAIN.items()},
    sympy.exp: np.exp, sympy.sign: np.sign, sympy.Abs: np.abs, size: np.abs, sigmoid: special.expit,
    relu: lambda z: np.maximum(z, 0.0), positive: lambda z: np.where(z > 0, 1.0, 0.0), larger: np.maximum,
    wins: lambda z: np.heaviside(z, 0.5), Dot: np.dot, T: np.transpose, Outer: np.outer,
    Sum: lambda z, axis: np.sum(z) if axis < 0 else np.sum(z, axis=axis, keepdims=True),
    Softmax: lambda z, axis: special.softmax(z, axis=axis),
    LogSumExp: lambda z, axis: special.logsumexp(z, axis=axis, keepdims=True),
    Variance: lambda z, axis, n: np.var(z) if axis < 0 else np.var(z, axis=axis, keepdims=True),
    Ones: lambda *shape: np.ones(shape), Reshape: lambda z, *shape: np.reshape(z, shape),
    Joined: lambda axis, *parts: np.concatenate(parts, axis=axis),
    Part: lambda z, axis, start, stop: z[(slice(None),) * axis + (slice(start, stop),)],
    Operation: lambda handle, *of: handle.call.value(_operands(handle, of)), Vjp: _sent_to,
}  # fmt: skip


def evaluate(x: Expr, values: Mapping[Variable, Any]) -> Any:
    """Compute a formula with values for its variables."""
    if isinstance(x, Variable):
        return values[x] if x.value is None else x.value
    if isinstance(x, Handle):
        return x
    if not x.args:
        return int(x) if x.is_Integer else float(x)
    kind = type(x)
    if kind is Standardized:
        return evaluate(x.written_out(), values)
    of = [evaluate(a, values) for a in x.args]
    if kind is sympy.Add:
        return sum(of[1:], of[0])
    if kind is sympy.Mul:
        return math.prod(of[1:], start=of[0])
    if kind is not sympy.Pow:
        return _COMPUTED[kind](*of)
    if x.args[1] == sympy.Rational(1, 2):
        return np.sqrt(of[0])
    if x.args[1].is_Integer:
        return np.power(of[0], float(of[1])) if of[1] > 0 else 1.0 / np.power(of[0], float(-of[1]))
    return np.power(*of)


def magnitude(x: Expr, values: Mapping[Variable, Any]) -> Any:
    """Return how large the terms of a formula are: where they cancel, its rounding is measured by them."""
    kind = type(x)
    if kind in (sympy.Add, sympy.Mul):
        of = [magnitude(a, values) for a in x.args]
        return functools.reduce(np.add if kind is sympy.Add else np.multiply, of)
    if kind in (Dot, T, Outer, Sum, Reshape, Part, Joined):
        return _COMPUTED[kind](*[int(a) if a.is_Integer else magnitude(a, values) for a in x.args])
    own = np.abs(evaluate(x, values))
    return own + np.max(magnitude(x.args[2], values), initial=0.0) if kind is Vjp else own


# ------------------------------------------------------------------ the gradient


def adjoint(x: Expr, g: Expr, into: dict[Variable, Expr], shape: Shape | None = None) -> None:
    """Add to `into` what the gradient `g` of a formula, of `shape` or of its own, gives each variable."""
    shape = shape_of(x) if shape is None else shape
    stand_ins = {part: Variable(real=True) for part in _parts(x)}
    for part, d in stand_ins.items():
        d.fixed = is_fixed(part)
    flat = x.xreplace(stand_ins)
    back = {d: part for part, d in stand_ins.items()}
    for part, d in stand_ins.items():
        slope = sympy.diff(flat, d).xreplace(back)
        if slope == 0:
            continue
        sent = unbroadcast(g * slope, shape, shape_of(part))
        if isinstance(part, Variable):
            into[part] = into.get(part, 0) + sent
        else:
            for operand, its in _sent(part, sent, shape_of(part)):
                adjoint(operand, its, into)


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


def _sent(part: Expr, g: Expr, shape: Shape) -> list[tuple[Expr, Expr]]:
    """Return the operands of a term of `shape`, each with the gradient that g, the term's, gives it."""
    kind, (x, *rest) = type(part), part.args
    if kind is Dot:
        b, g = rest[0], full(g, shape)
        if len(shape_of(x)) == 1:
            return [(x, g * b if len(shape_of(b)) == 1 else Dot(b, g)), (b, Outer(x, g) if shape else g * x)]
        return [(x, Dot(g, T(b)) if len(shape_of(b)) == 2 else Outer(g, b)), (b, Dot(T(x), g))]
    if kind is Outer:
        return [(x, Dot(full(g, shape), rest[0])), (rest[0], Dot(x, full(g, shape)))]
    if kind is T:
        return [(x, T(g))]
    if kind is Sum:
        return [(x, g)]
    if kind is Reshape:
        return [(x, g if shape_of(g) == () else Reshape(full(g, shape), *shape_of(x)))]
    if kind is Softmax:
        return [(x, part * (g - Sum(full(g * part, shape), *rest)))]
    if kind is LogSumExp:
        return [(x, g * Softmax(x, *rest))]
    if kind is Variance:  # the mean depends on z too, but what is sent through it adds up to 0
        axis, n = rest
        return [(x, g * 2 * (x - Sum(x, axis) / n) / n)]
    if kind is Standardized:
        axis, n, eps = rest
        even = g - Sum(full(g, shape), axis) / n - part * Sum(full(g * part, shape), axis) / n
        return [(x, even / sympy.sqrt(Variance(x, axis, n) + eps))]
    if kind is Joined:
        ends = np.cumsum([0, *(shape_of(operand)[int(x)] for operand in rest)]).tolist()
        return [(o, Part(full(g, shape), x, *ends[i : i + 2])) for i, o in enumerate(rest)]
    if kind is Operation:
        return [(operand, Vjp(x, i, g, *rest)) for i, operand in enumerate(rest)]
    raise NotImplementedError(kind.__name__)  # Part, Vjp: only gradients are made of them


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
