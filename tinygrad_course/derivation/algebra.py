"""Formulas of matrices: SymPy's algebra for what happens element by element, terms of our own for the rest.

A product of matrices, a transpose, a sum over an axis are functions that SymPy takes for numbers it knows
nothing about. Where a whole formula acts on each element by itself, that is just what an element is.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from tinygrad_course.derivation import names
from tinygrad_course.graph.node import Node
from tinygrad_course.graph.program import Call

Expr = Any  # sympy.Expr: SymPy has no type information
Shape = tuple[int, ...]


class Variable(sympy.Dummy):  # type: ignore[misc]
    """A variable of the recording, or the gradient of one, with its shape and how it is written."""

    shape: Shape
    label: str  #: its name, W1
    latex: str  #: how that is written
    text: str
    order: tuple[int, int]  #: where it stands among others in a sum or a product
    value: float | None  #: of a number that is written as it is (``keep_prob``)
    per_example: bool  #: it has a column for each example
    fixed = False  #: it stands for a constant array


def variable(
    label: str,
    shape: Shape = (),
    order: tuple[int, int] = (-1, 0),
    *,
    spelled: tuple[str, str] | None = None,
    value: float | None = None,
) -> Variable:
    """Return a variable of its own, even where another has the same name."""
    new: Variable = Variable(label, real=True)
    new.label = label
    new.text, new.latex = names.spelled(label) if spelled is None else spelled
    new.shape, new.order, new.value = shape, order, value
    new.per_example = False
    return new


# ------------------------------------------------------------------ functions of one element

#: SymPy's, by NumPy's names.
PLAIN: dict[str, Any] = {
    inverse + name: getattr(sympy, inverse[:1] + name)
    for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")
    for inverse in ("", "arc")
} | {"log": sympy.log, "arctan2": sympy.atan2}


class ByElement(sympy.Function):  # type: ignore[misc]
    """A function that SymPy has not; its derivative is in `slopes`, by each argument, where it is not 0."""

    slopes: tuple[Callable[..., Expr], ...] = ()

    def fdiff(self, argindex: int = 1) -> Expr:
        """Return the derivative."""
        return self.slopes[argindex - 1](*self.args) if self.slopes else sympy.Integer(0)


class sigmoid(ByElement):  # noqa: N801  (as it is written)
    """1 / (1 + exp(-z))."""

    slopes = (lambda z: sigmoid(z) * (1 - sigmoid(z)),)


class positive(ByElement):  # noqa: N801
    """1 where z > 0, else 0."""


class relu(ByElement):  # noqa: N801
    """max(0, z)."""

    slopes = (positive,)


class wins(ByElement):  # noqa: N801
    """1 where z > 0, 1/2 where z = 0, else 0."""

    @classmethod
    def eval(cls, z: Expr) -> Expr:
        """Return a simpler form, or None: of 0.9 z that of z."""
        c, rest = z.as_coeff_Mul()
        return None if abs(c) == 1 or rest.is_number else cls(rest if c > 0 else -rest)


def _above(a: Expr, b: Expr) -> Expr:
    return (positive if is_fixed(b) else wins)(a - b)


def is_fixed(x: Expr) -> bool:
    """Whether a formula is of constants alone."""
    return all(getattr(v, "fixed", False) for v in x.free_symbols)


class larger(ByElement):  # noqa: N801
    """max(a, b) of two variables; a tie is shared, or goes to a constant."""

    slopes = (_above, lambda a, b: _above(b, a))

    @classmethod
    def eval(cls, a: Expr, b: Expr) -> Expr:
        """Return a simpler form, or None."""
        return a if a == b else None


class size(ByElement):  # noqa: N801
    """|z|, with slope sign(z)."""

    slopes = (sympy.sign,)


# ------------------------------------------------------------------ terms that are more than that


class Term(sympy.Function):  # type: ignore[misc]
    """A term that SymPy knows nothing about, though it has functions of the same names."""

    def _sympystr(self, printer: Any) -> str:
        return f"{type(self).__name__}({', '.join(printer.doprint(a) for a in self.args)})"


class Linear(Term):
    """A linear function of its first argument: numbers stand before it."""

    @classmethod
    def eval(cls, x: Expr, *how: Expr) -> Expr:
        """Return a simpler form, or None."""
        c, x = scalars_out(x)
        return x if x == 0 else None if c == 1 else c * cls(x, *how)


class Product(Term):
    """A product of two arrays: numbers stand before it."""

    @classmethod
    def eval(cls, a: Expr, b: Expr) -> Expr:
        """Return a simpler form, or None."""
        (c, a), (d, b) = scalars_out(a), scalars_out(b)
        if 0 in (a, b):
            return sympy.Integer(0)
        return None if c * d == 1 else c * d * cls(a, b)


class Dot(Product):
    """The product of two matrices."""


class Outer(Product):
    """The column a times the row b, of two vectors with one axis."""


class T(Linear):
    """The transpose."""

    @classmethod
    def eval(cls, x: Expr) -> Expr:
        """Return a simpler form, or None."""
        if isinstance(x, T):
            return x.args[0]
        if isinstance(x, Dot):
            return Dot(T(x.args[1]), T(x.args[0]))
        return x if len(shape_of(x)) < 2 else super().eval(x)


class Sum(Term):
    """The sum over an axis, which stays with length 1; over all of them, a number, where the axis is -1."""

    @classmethod
    def eval(cls, x: Expr, axis: Expr) -> Expr:
        """Return a simpler form, or None."""
        c, x = scalars_out(x)
        if axis < 0 and isinstance(x, (Reshape, Sum)):
            return c * cls(x.args[0], axis)
        if isinstance(x, sympy.Add) and all(t.could_extract_minus_sign() for t in x.args):
            c, x = -c, -x
        ones = next((f for f in sympy.Mul.make_args(x) if isinstance(f, Ones)), None)
        own = () if ones is None else shape_of(x / ones)
        if axis < 0 and own not in {(), shape_of(x)}:  # each entry as often as it is repeated
            return c * math.prod(shape_of(x)) / math.prod(own) * cls(x / ones, axis)
        return x if x == 0 else None if c == 1 else c * cls(x, axis)


class Softmax(Term):
    """exp(z) over its sum, along an axis."""


class LogSumExp(Term):
    """log(sum(exp(z))) along an axis, which stays with length 1."""


class Variance(Term):
    """z's mean square distance from its mean: ``Variance(z, axis, n)``; of all n, where axis is -1."""


class Standardized(Term):
    """(z - mean) / sqrt(variance + eps), both along an axis: ``Standardized(z, axis, n, eps)``."""

    def written_out(self) -> Expr:
        """Return it in terms of a sum and a variance."""
        z, axis, n, eps = self.args
        return (z - Sum(z, axis) / n) / sympy.sqrt(Variance(z, axis, n) + eps)


class Joined(Term):
    """Matrices one after the other along an axis: ``Joined(axis, a, b)``."""


class Part(Linear):
    """Some rows or columns: ``Part(x, axis, start, stop)``."""


class Ones(Term):
    """Ones, of a shape."""


class Reshape(Linear):
    """The same numbers in another shape: ``Reshape(x, n, m)``."""


class Handle(sympy.Dummy):  # type: ignore[misc]
    """Names an operation that has no formula here."""

    index: str = ""  #: of a part of an array, how the user wrote it, ``[1:, 0]``; else nothing
    options: tuple[str, ...] = ()  #: what else the call was given, ``axis=1``
    shape: Shape  #: the result's
    operands: list[Node]
    call: Call  #: how it is computed


class Operation(Term):
    """Any other operation: ``Operation(handle, *operands)``."""


class Vjp(Term):
    """What such an operation sends back to its operand i: ``Vjp(handle, i, g, *operands)``."""


ALONG = (Sum, Softmax, LogSumExp, Variance, Standardized, Part)  # of z and an axis
STRUCTURED = (Dot, Outer, T, *ALONG, Joined, Ones, Reshape, Operation, Vjp)


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
    own = shape_of(x)
    if len(own) > len(shape):  # a single number
        return Reshape(x, *shape)
    return x if own == shape else x * Ones(*shape)


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
    if kind is Joined:
        axis = int(x.args[0])
        return (*shapes[1][:axis], sum(s[axis] for s in shapes[1:]), *shapes[1][axis + 1 :])
    if kind in (Sum, LogSumExp, Variance, Part):
        axis, length = int(x.args[1]), int(x.args[3] - x.args[2]) if kind is Part else 1
        return () if axis < 0 else (*first[:axis], length, *first[axis + 1 :])
    return np.broadcast_shapes(*shapes)
