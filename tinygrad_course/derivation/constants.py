"""Constants as they are written: 422 is 2m, 0.86 is keep_prob, an array that equals 1 - Y is 1 - Y."""

import math
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import sympy

from tinygrad_course.derivation.algebra import Expr, T, Variable, variable
from tinygrad_course.graph.related import affine

#: Numbers of the course that are looked for by value, where ``names`` has them.
NAMED = ("lambd", "lambda_", "lam", "keep_prob", "slope")


class Numbers:
    """Writes numbers: by the name of a variable that has the value, in terms of m, or as they are.

    Of the user's numbers, `named`, those that the course names are used; m is the number of examples, if the
    cost is a mean over them; `spelled` are names that are written in full, see `names.alike`.
    """

    def __init__(
        self, named: Mapping[str, float], m: int | None, spelled: Mapping[str, tuple[str, str]]
    ) -> None:
        own = ((k, float(named[k])) for k in NAMED if k in named)
        self.named = [variable(k, value=value, spelled=spelled.get(k)) for k, value in own]
        self.m = None if m is None else variable("m", order=(-2, 0), value=float(m))

    def count(self, n: int) -> Expr:
        """Write a number of examples."""
        return self.m if self.m is not None and self.m.value == n else sympy.Integer(n)

    def plain(self, value: float) -> Expr:
        """Write a number by the name of the user's variable that has it, or as it is."""
        for symbol in self.named:
            if value == symbol.value:
                return symbol
            if symbol.value and math.isclose(value, 1 / symbol.value, rel_tol=1e-12) and value != 1:
                return 1 / symbol
        return number(value)

    def scale(self, value: float, *, divides: bool = False) -> Expr:
        """Write a number that multiplies or divides a sum: in terms of m, if it is a simple multiple."""
        if self.m is None or value == 0:
            return self.plain(value)
        m = self.m.value
        assert m is not None  # noqa: S101  (it is made with one)
        simple = (1, -1) if m == 1 else (1, -1, 2, -2)
        for r in simple:
            if math.isclose(value, r * m, rel_tol=1e-13) and (divides or m > 1):
                return r * self.m
            if math.isclose(value, 1 / (r * m), rel_tol=1e-13):
                return 1 / (r * self.m)
        for symbol in self.named:
            for r in simple:
                if symbol.value and math.isclose(value, symbol.value / (r * m), rel_tol=1e-13):
                    return symbol / (r * self.m)
        if m > 1 and _digits(value) > 6:
            over = {r: float(f"{value * m * r:.12g}") for r in simple[::2]}
            r = min(over, key=lambda r: _digits(over[r]))
            if _digits(over[r]) <= 4:
                return _as_written(over[r]) / (r * self.m)
        return self.plain(value)

    def array(self, array: Any, known: Collection[tuple[Any, Variable]]) -> Expr | None:
        """Write a constant array by the name of a known one, or in terms of one (1 - Y); else None."""
        turned = [(np.transpose(o), T(x)) for o, x in known if np.ndim(o) == np.ndim(array) == 2]
        for other, x in (*known, *turned):
            if np.shape(other) == np.shape(array) and (fit := affine(array, other)) is not None:
                a, b = (self.scale(v) if v not in {1.0, -1.0} else number(v) for v in fit)
                return a * x + b
        return None


def number(value: float) -> Expr:
    """Return a number: exactly, where it takes few digits to write it.

    >>> number(3.0), number(0.5), number(0.86)
    (3, 1/2, 43/50)
    """
    value = float(value)
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return sympy.Integer(int(value))
    if math.isfinite(value) and _digits(value) <= 6:
        return sympy.Rational(repr(value))
    for n, over in ((value**2, False), (value**-2, True)) if 1e-3 < value < 1e3 else ():  # sqrt(d)
        if n >= 2 and math.isclose(n, round(n), rel_tol=1e-14):
            text, latex = f"sqrt({round(n)})", f"\\sqrt{{{round(n)}}}"
            told = (f"1/{text}", f"\\frac{{1}}{{{latex}}}") if over else (text, latex)
            return variable(told[0], spelled=told, value=value)
    return _as_written(value)


def _as_written(value: float) -> Variable:
    text = in_digits(value)
    return variable(text, spelled=(text, with_power(text)), value=value)


def in_digits(value: Any, most: int = 6) -> str:
    """Return a number in so many digits, a complex one in parentheses.

    >>> in_digits(1 / 3), in_digits(2 - 1j)
    ('0.333333', '(2-1i)')
    """
    text = f"{value:.{most}g}"
    return f"({text})".replace("j", "i") if np.iscomplexobj(value) else text


def with_power(text: str) -> str:
    r"""Return a number in LaTeX.

    >>> with_power("2.5e-08"), with_power("1e-05"), with_power("0.86")
    ('2.5 \\cdot 10^{-8}', '10^{-5}', '0.86')
    """
    if text.startswith("("):
        return text
    mantissa, _, power = text.partition("e")
    times = "" if mantissa == "1" else f"{mantissa} \\cdot "
    return f"{times}10^{{{int(power)}}}" if power else text


def _digits(value: float) -> int:
    """Return how many digits the shortest way to write a number has."""
    return len(Decimal(repr(abs(value))).normalize().as_tuple().digits) if math.isfinite(value) else 99
