"""What each operation of NumPy's is as a formula: ``np.tanh`` is tanh(z), ``np.dot`` a product of matrices.

An operation that is not here still has its place in a derivation, as itself (`Operation`).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import sympy

from tinygrad_course.derivation.algebra import (
    PLAIN,
    Dot,
    Expr,
    Joined,
    LogSumExp,
    Outer,
    Reshape,
    Shape,
    Softmax,
    Standardized,
    Sum,
    T,
    Variance,
    full,
    larger,
    relu,
    shape_of,
    sigmoid,
    size,
)
from tinygrad_course.derivation.constants import number
from tinygrad_course.graph.formulas import WHOLE, WRITTEN

_LN2, _LN10 = sympy.log(2), sympy.log(10)


def _maximum(a: Expr, b: Expr) -> Expr:
    """Return max(a, b): the slope at a tie goes to a constant number, or is shared."""
    if a.is_number or b.is_number:
        constant, other = (a, b) if a.is_number else (b, a)
        return constant + relu(other - constant)
    return larger(a, b)


#: Functions of each element by itself; more are written in terms of these in `graph.formulas.WRITTEN`.
FUNCTIONS: dict[str, Callable[..., Expr]] = {
    "add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b, "negative": lambda a: -a, "power": lambda a, b: a**b,
    "log2": lambda a: sympy.log(a) / _LN2, "log10": lambda a: sympy.log(a) / _LN10, "sqrt": sympy.sqrt,
    "exp2": lambda a: sympy.exp(_LN2 * a), "abs": size, "sigma": sigmoid, "max": _maximum,
    "min": lambda a, b: -_maximum(-a, -b), "where": lambda c, a, b: c * a + (1 - c) * b, **PLAIN,
}  # fmt: skip


def with_sigmoid(x: Expr) -> Expr:
    """Write 1 / (1 + exp(-z)) and exp(z) / (1 + exp(z)) as sigmoid(z).

    >>> z = sympy.Symbol("z")
    >>> with_sigmoid(1 / (1 + sympy.exp(-z))), with_sigmoid(sympy.exp(z) / (1 + sympy.exp(z)))
    (sigmoid(z), sigmoid(z))
    """
    if isinstance(x, sympy.Add):
        return sympy.Add(*map(with_sigmoid, x.args))
    factors = list(x.args) if isinstance(x, sympy.Mul) else [x]
    for factor in factors:
        if not (isinstance(factor, sympy.Pow) and factor.exp == -1 and isinstance(factor.base, sympy.Add)):
            continue
        terms = factor.base.args
        if len(terms) != 2 or terms[0] != 1 or not isinstance(terms[1], sympy.exp):
            continue
        power = terms[1].args[0]
        if terms[1] in factors:
            return x / (terms[1] * factor) * sigmoid(power)
        return x / factor * sigmoid(-power)
    return x


# ------------------------------------------------------------------ operations on whole arrays


@dataclass(frozen=True)
class Call:
    """An operation's application."""

    op: str  #: its name in the recording
    operands: list[Expr]
    shapes: list[Shape]  #: theirs
    options: dict[str, Any]  #: its other arguments
    shape: Shape  #: the result's
    count: Callable[[int], Expr]  #: how a number of examples is written: m

    @property
    def x(self) -> Expr:
        """The first operand, an array of its shape even where all of its entries are one number."""
        return full(self.operands[0], self.shapes[0])

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that a reduction goes over."""
        axis, n = self.options.get("axis"), len(self.shapes[0])
        if axis is None:
            return tuple(range(n))
        return tuple(a % max(1, n) for a in (axis if isinstance(axis, tuple) else (axis,)))

    @property
    def along(self) -> int | None:
        """The axis of a matrix that an activation is taken along; the first, the units, by itself."""
        axis = self.options.get("axis", 0)
        return axis % 2 if len(self.shapes[0]) == 2 and isinstance(axis, int) else None


def formula(call: Call) -> Expr | None:
    """Return an operation's formula, None if it has none here."""
    one = len(call.operands) == 1 and call.op in {"max", "min"}  # of an array, over an axis
    if (call.op in FUNCTIONS or call.op in WRITTEN) and (call.options or one):
        return None
    if call.op in FUNCTIONS:
        return with_sigmoid(FUNCTIONS[call.op](*call.operands))
    if call.op in WRITTEN:
        names = {**FUNCTIONS, "e": sympy.E, **dict(zip("abc", call.operands, strict=False))}
        return with_sigmoid(sympy.sympify(WRITTEN[call.op], locals=names))
    build = _BUILD.get(call.op)
    high = any(len(s) > 2 for s in (*call.shapes, call.shape))
    if build is None or (high and not (call.op in {"sum", "mean"} and math.prod(call.shape) == 1)):
        return None
    return build(call)


def _sum(call: Call) -> Expr | None:
    if set(call.options) - {"axis", "keepdims"}:
        return None
    if math.prod(call.shapes[0]) == 1:
        return call.operands[0]
    if len(call.axes) == len(call.shapes[0]) or math.prod(call.shape) == 1:
        return Sum(call.x, -1)
    if len(call.axes) != 1:
        return None
    return _shaped(Sum(call.x, call.axes[0]), call.shape)


def _count(call: Call) -> Expr:
    """Return how many entries a mean is over."""
    last = len(call.shapes[0]) - 1
    number = sympy.Integer(1)
    for i in call.axes:
        number *= call.count(call.shapes[0][i]) if i == last else call.shapes[0][i]
    return number


def _var(call: Call) -> Expr | None:
    every = len(call.axes) == len(call.shapes[0])
    if set(call.options) - {"axis", "keepdims"} or not (every or len(call.axes) == 1):
        return None
    return _shaped(Variance(call.x, -1 if every else call.axes[0], _count(call)), call.shape)


def _shaped(x: Expr, shape: Shape) -> Expr:
    return x if shape_of(x) == shape else Reshape(x, *shape)


def _normalized(call: Call) -> Expr | None:
    """Return what is divided by its standard deviation, or for "rms_norm" by the root of its mean square."""
    own = replace(call, options={"axis": call.options.get("axis", 0)})
    if len(own.axes) != 1 or len(own.shapes[0]) != 2:
        return None
    axis, n, eps = own.axes[0], _count(own), number(call.options.get("eps", 1e-5))
    if call.op == "standardize":
        return Standardized(call.x, axis, n, eps)
    return call.x / sympy.sqrt(Sum(call.x**2, axis) / n + eps)


def _dot(call: Call) -> Expr | None:
    if len(call.operands) == 1:  # np.dot(0.5, W)
        return call.operands[0] * number(next(iter(call.options.values())))
    a, b = call.operands
    if () in call.shapes:
        return a * b
    a, b = (full(x, shape) for x, shape in zip(call.operands, call.shapes, strict=True))
    if len(call.shapes[0]) == len(call.shapes[1]) == 1:
        return Sum(a * b, -1)
    if call.shape == (1, 1) and call.shapes[0][-1] > 1 and b.has(T):
        # a row times a row's transpose: the course's other way to write a sum
        turned = [t if shape_of(t) == () else T(t) for t in sympy.Add.make_args(b)]
        return Sum(a * sympy.Add(*turned), -1)
    return Dot(a, b)


def _reshape(call: Call) -> Expr | None:
    if call.options.get("order") not in {None, "C"}:
        return None
    if math.prod(call.shape) == 1:
        return call.operands[0]
    return _shaped(call.x, call.shape)


def _concatenate(call: Call) -> Expr | None:
    axis = call.options.get("axis", 0)
    if len(call.shape) != 2 or not isinstance(axis, int) or set(call.options) - {"axis", "casting"}:
        return None
    parts = list(map(full, call.operands, call.shapes))
    # (an array of zeros is the number 0 here, and has no sides to be joined by)
    return Joined(axis % 2, *parts) if list(map(shape_of, parts)) == call.shapes else None


def _leaky_relu(call: Call) -> Expr | None:
    slope = call.options.get("slope", sympy.Rational(1, 100))
    return slope * call.operands[0] + (1 - slope) * relu(call.operands[0])  # at 0 its derivative is the slope


def _whole(call: Call) -> Expr | None:
    """Return what `graph.formulas` says of an operation as a whole."""
    names = {"total": lambda x: Sum(x, -1), "k": call.options.get("keep_prob")}
    names |= {"m": call.count(call.shapes[0][-1]), **dict(zip("ab", call.operands, strict=True))}
    return sympy.sympify(WHOLE[call.op][0], locals=names)


_BUILD: dict[str, Callable[[Call], Expr | None]] = {
    "sum": _sum, "dot": _dot, "matmul": _dot, "reshape": _reshape, "squeeze": _reshape,
    "mean": lambda call: None if (total := _sum(call)) is None else total / _count(call),
    "ravel": _reshape, "expand_dims": _reshape,  "leaky_relu": _leaky_relu,
    "binary_cross_entropy": _whole, "categorical_cross_entropy": _whole, "drop": _whole, "var": _var,
    "concatenate": _concatenate, "standardize": _normalized, "rms_norm": _normalized,
    "logsumexp": lambda call: None if (axis := call.along) is None else
    _shaped(LogSumExp(call.x, axis), call.shape),
    "outer": lambda call: Outer(call.x, full(call.operands[1], call.shapes[1]))
    if [*map(len, call.shapes)] == [1, 1] else None,
    "linear": lambda call: Dot(*call.operands[:2]) + call.operands[2],
    "norm": lambda call: None if call.options or call.shape else sympy.sqrt(Sum(call.x**2, -1)),
    "std": lambda call: None if (variance := _var(call)) is None else sympy.sqrt(variance),
    "softmax": lambda call: None if call.along is None else Softmax(call.x, call.along),
    "log_softmax": lambda call: None if call.along is None else call.x - LogSumExp(call.x, call.along),
    "transpose": lambda call: T(call.x) if tuple(call.options.get("axes") or (1, 0)) == (1, 0) else None,
    "matrix_transpose": lambda call: T(call.x),
    "swapaxes": lambda call: T(call.x) if len(call.shape) == 2 and call.shape != call.shapes[0] else None,
}  # fmt: skip
