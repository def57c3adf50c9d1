"""What a formula's gradient gives its variables: by element SymPy's `diff`, for products and sums a rule."""

from __future__ import annotations

import sympy

from tinygrad_course.derivation.algebra import (
    ALONG,
    STRUCTURED,
    Dot,
    Expr,
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
    shape_of,
)


def adjoint(x: Expr, g: Expr, into: dict[Variable, Expr], shape: Shape) -> None:
    """Add to `into` what the gradient `g` of a formula of `shape` gives each of its variables."""
    parts = _parts(x)
    stand_ins = {part: sympy.Dummy(real=True) for part in parts}
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
    kind = type(part)
    shape = shape_of(part)
    inner = part.args[0]
    if kind is Dot:
        a, b = part.args
        for one, ga in ((a, _left(g, a, b, shape)), (b, _right(g, a, b, shape))):
            adjoint(one, ga, into, shape_of(one))
    elif kind is T:
        adjoint(inner, T(g), into, shape_of(inner))
    elif kind is Reshape:
        adjoint(
            inner,
            g if shape_of(g) == () else Reshape(full(g, shape), *shape_of(inner)),
            into,
            shape_of(inner),
        )
    elif kind in ALONG:
        _through_axis(part, g, into)
    elif kind is Joined:
        axis, start = int(inner), 0
        for operand in part.args[1:]:
            stop = start + shape_of(operand)[axis]
            adjoint(operand, Part(full(g, shape), axis, start, stop), into, shape_of(operand))
            start = stop
    elif kind is Operation:
        for i, operand in enumerate(part.args[1:]):
            if any(v.value is None for v in operand.atoms(Variable)):
                adjoint(operand, Vjp(part.args[0], i, g, *part.args[1:]), into, shape_of(operand))
    else:  # Outer, Vjp: only gradients are made of them
        raise NotImplementedError(kind.__name__)


def _through_axis(part: Expr, g: Expr, into: dict[Variable, Expr]) -> None:
    """Add what goes back through a function along an axis."""
    inner, axis = part.args[:2]
    shape = shape_of(inner)
    if isinstance(part, Sum):
        adjoint(inner, g, into, shape)
    elif isinstance(part, Softmax):
        adjoint(inner, part * (g - Sum(full(g * part, shape), axis)), into, shape)
    elif isinstance(part, LogSumExp):
        adjoint(inner, g * Softmax(inner, axis), into, shape)
    elif isinstance(part, Variance):  # the mean depends on z too, but what is sent through it adds up to 0
        n = part.args[2]
        adjoint(inner, g * 2 * (inner - Sum(inner, axis) / n) / n, into, shape)
    elif isinstance(part, Standardized):
        n, eps = part.args[2:]
        rest = g - Sum(full(g, shape), axis) / n - part * Sum(full(g * part, shape), axis) / n
        adjoint(inner, rest / sympy.sqrt(Variance(inner, axis, n) + eps), into, shape)
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
