"""Formulas of matrices: SymPy's algebra for what happens element by element, terms of our own for the rest.

A product of matrices, a transpose, a sum over an axis are functions that SymPy takes for numbers it knows
nothing about. Where a whole formula acts on each element by itself, that is just what an element is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy
from scipy import special

from tinygrad_course.derivation import names
from tinygrad_course.graph.program import Call

Expr = Any  # sympy.Expr: SymPy has no type information
Shape = tuple[int, ...]


class Variable(sympy.Dummy):  # type: ignore[misc]
    """A variable of the recording, or the gradient of one, with its shape and how it is written.

    Attributes
    ----------
    shape : tuple of int
    label : str
        Its name, W1.
    latex, text : str
        How that is written.
    order : tuple
        Where it stands among others in a sum or a product.
    value : float or None
        Of a number that is written as it is (``keep_prob``).
    per_example : bool
        It has a column for each example.
    """

    shape: Shape
    label: str
    latex: str
    text: str
    order: tuple[int, int]
    value: float | None
    per_example: bool


def variable(
    label: str,
    shape: Shape = (),
    order: tuple[int, int] = (-1, 0),
    *,
    text: str | None = None,
    latex: str | None = None,
    value: float | None = None,
) -> Variable:
    """Return a variable of its own, even where another has the same name."""
    new: Variable = Variable(label, real=True)
    new.label = label
    text = names.text(label) if text is None else text
    latex = names.latex(label) if latex is None else latex
    new.text, new.latex, new.shape, new.order, new.value = text, latex, shape, order, value
    new.per_example = False
    return new


# ------------------------------------------------------------------ functions of one element


class sigmoid(sympy.Function):  # type: ignore[misc]  # noqa: N801  (as it is written)
    """1 / (1 + exp(-z))."""

    def fdiff(self, _argindex: int = 1) -> Expr:
        """Return the derivative."""
        return self * (1 - self)


class relu(sympy.Function):  # type: ignore[misc]  # noqa: N801
    """max(0, z)."""

    def fdiff(self, _argindex: int = 1) -> Expr:
        """Return the derivative."""
        return positive(self.args[0])


class positive(sympy.Function):  # type: ignore[misc]  # noqa: N801
    """1 where z > 0, else 0."""

    def fdiff(self, _argindex: int = 1) -> Expr:
        """Return the derivative."""
        return sympy.Integer(0)


class larger(sympy.Function):  # type: ignore[misc]  # noqa: N801
    """max(a, b) of two variables; a tie is shared."""

    def fdiff(self, argindex: int = 1) -> Expr:
        """Return the derivative."""
        a, b = self.args
        return wins(a - b) if argindex == 1 else wins(b - a)


class wins(sympy.Function):  # type: ignore[misc]  # noqa: N801
    """1 where z > 0, 1/2 where z = 0, else 0."""

    def fdiff(self, _argindex: int = 1) -> Expr:
        """Return the derivative."""
        return sympy.Integer(0)


class size(sympy.Function):  # type: ignore[misc]  # noqa: N801
    """|z|, with slope sign(z)."""

    def fdiff(self, _argindex: int = 1) -> Expr:
        """Return the derivative."""
        return sympy.sign(self.args[0])


# ------------------------------------------------------------------ terms that are more than that


class Term(sympy.Function):  # type: ignore[misc]
    """A term that SymPy knows nothing about, though it has functions of the same names."""

    def _sympystr(self, printer: Any) -> str:
        return f"{type(self).__name__}({', '.join(printer.doprint(a) for a in self.args)})"


class Dot(Term):
    """The product of two matrices; numbers stand before it."""

    nargs = 2

    @classmethod
    def eval(cls, a: Expr, b: Expr) -> Expr:
        """Return a simpler form, or None."""
        (c, a), (d, b) = scalars_out(a), scalars_out(b)
        return None if c * d == 1 else c * d * cls(a, b)


class Outer(Term):
    """The column a times the row b, of two vectors with one axis."""

    nargs = 2


class T(Term):
    """The transpose."""

    nargs = 1

    @classmethod
    def eval(cls, x: Expr) -> Expr:
        """Return a simpler form, or None."""
        c, x = scalars_out(x)
        if isinstance(x, T):
            return c * x.args[0]
        if isinstance(x, Dot):
            return c * Dot(T(x.args[1]), T(x.args[0]))
        if len(shape_of(x)) < 2:
            return c * x
        return None if c == 1 else c * cls(x)


class Sum(Term):
    """The sum over an axis, which stays with length 1; over all of them, a number, where the axis is -1."""

    nargs = 2

    @classmethod
    def eval(cls, x: Expr, axis: Expr) -> Expr:
        """Return a simpler form, or None."""
        c, x = scalars_out(x)
        if axis < 0 and isinstance(x, (Reshape, Sum)):
            return c * cls(x.args[0], axis)
        if isinstance(x, sympy.Add) and all(t.could_extract_minus_sign() for t in x.args):
            c, x = -c, -x
        return None if c == 1 else c * cls(x, axis)


class Softmax(Term):
    """exp(z) over its sum, along an axis."""

    nargs = 2


class LogSumExp(Term):
    """log(sum(exp(z))) along an axis, which stays with length 1."""

    nargs = 2


class Variance(Term):
    """The mean square of what z is from its mean along an axis of n entries: ``Variance(z, axis, n)``."""

    nargs = 3


class Standardized(Term):
    """(z - mean) / sqrt(variance + eps), both along an axis: ``Standardized(z, axis, n, eps)``."""

    nargs = 4

    def written_out(self) -> Expr:
        """Return it in terms of a sum and a variance."""
        z, axis, n, eps = self.args
        return (z - Sum(z, axis) / n) / sympy.sqrt(Variance(z, axis, n) + eps)


class Ones(Term):
    """Ones, of a shape."""


class Reshape(Term):
    """The same numbers in another shape: ``Reshape(x, n, m)``."""


class Handle(sympy.Dummy):  # type: ignore[misc]
    """Names an operation that has no formula here.

    Attributes
    ----------
    index : str
        Of a part of an array, how the user wrote it: ``[1:, 0]``.
    shape : tuple of int
        The result's.
    call : Call
        How it is computed.
    """

    index: str
    shape: Shape
    call: Call


class Operation(Term):
    """Any other operation: ``Operation(handle, *operands)``."""


class Vjp(Term):
    """What such an operation sends back to its operand i: ``Vjp(handle, i, g, *operands)``."""


ALONG = (Sum, Softmax, LogSumExp, Variance, Standardized)  # of z and an axis
STRUCTURED = (Dot, Outer, T, *ALONG, Ones, Reshape, Operation, Vjp)


def scalars_out(x: Expr) -> tuple[Expr, Expr]:
    """Split a product into what is a number and what is an array."""
    if not isinstance(x, sympy.Mul):
        return sympy.Integer(1), x
    numbers = [f for f in x.args if shape_of(f) == ()]
    if not numbers or len(numbers) == len(x.args):
        return sympy.Integer(1), x
    return sympy.Mul(*numbers), sympy.Mul(*[f for f in x.args if shape_of(f) != ()])


def full(x: Expr, shape: Shape) -> Expr:
    """Return `x` as an array of `shape`, where it has fewer entries that are repeated."""
    return x if shape_of(x) == shape else x * Ones(*shape)


# ------------------------------------------------------------------ shapes


def shape_of(x: Expr) -> Shape:
    """Return a formula's shape; parts that are the same number everywhere have the shape ()."""
    if isinstance(x, Variable):
        return x.shape
    if not x.args:
        return ()
    kind = type(x)
    if kind in (Ones, Reshape):
        return tuple(int(n) for n in x.args[kind is Reshape :])
    if kind is Operation:
        shape: Shape = x.args[0].shape
        return shape
    if kind is Vjp:
        return shape_of(x.args[3 + int(x.args[1])])
    shapes = [shape_of(a) for a in (x.args[:1] if kind in ALONG else x.args)]
    first = shapes[0]
    if kind is T:
        return first[::-1]
    if kind is Dot:
        return first[:-1] + shapes[1][1:]
    if kind is Outer:
        return first + shapes[1]
    if kind in (Sum, LogSumExp, Variance):
        axis = int(x.args[1])
        return () if axis < 0 else (*first[:axis], 1, *first[axis + 1 :])
    return np.broadcast_shapes(*shapes)


# ------------------------------------------------------------------ numbers

_ELEMENTWISE: dict[Any, Callable[..., Any]] = {
    sympy.exp: np.exp, sympy.log: np.log, sympy.sin: np.sin, sympy.cos: np.cos, sympy.tan: np.tan,
    sympy.asin: np.arcsin, sympy.acos: np.arccos, sympy.atan: np.arctan, sympy.sinh: np.sinh,
    sympy.cosh: np.cosh, sympy.tanh: np.tanh, sympy.asinh: np.arcsinh, sympy.acosh: np.arccosh,
    sympy.atanh: np.arctanh, sympy.sign: np.sign, sympy.Abs: np.abs, size: np.abs,
    sigmoid: special.expit, relu: lambda z: np.maximum(z, 0.0), positive: lambda z: np.where(z > 0, 1.0, 0.0),
    larger: np.maximum, wins: lambda z: np.where(z > 0, 1.0, np.where(z == 0, 0.5, 0.0)),
    Dot: np.dot, T: np.transpose, Outer: np.outer,
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
    if kind in (Operation, Vjp):
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
    return _ALONG[type(x)](evaluate(x.args[0], values), int(x.args[1]))


def _operation(x: Expr, values: Mapping[Variable, Any]) -> Any:
    handle: Handle = x.args[0]
    operands = [np.float64(evaluate(a, values)) for a in x.args[1 if isinstance(x, Operation) else 3 :]]
    y = handle.call.value(operands)
    if isinstance(x, Operation):
        return y
    g = np.broadcast_to(np.float64(evaluate(x.args[2], values)), handle.shape)[()]
    return handle.call.sent(g, y, operands).get(int(x.args[1]), 0.0)
