"""Formulas as text and as LaTeX, in the course's order: numbers, gradients, matrices; ``*`` by element."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import sympy

from tinygrad_course.derivation.algebra import (
    ALONG,
    PLAIN,
    Dot,
    Expr,
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
from tinygrad_course.derivation.constants import with_power

# How tightly a piece of writing holds together.
_SUM, _PRODUCT, _SIDE, _POWER, _ATOM = range(5)  # _SIDE: matrices side by side, W dZ

#: Functions that LaTeX has, and those that it has not.
_FUNCTIONS = {kind: (name, f"\\{name}") for name, kind in {**PLAIN, "max": larger}.items()} | {
    kind: (name, f"\\operatorname{{{name}}}")
    for name, kind in {
        "arctan2": sympy.atan2, "arsinh": sympy.asinh, "arcosh": sympy.acosh, "artanh": sympy.atanh,
        "sign": sympy.sign, "relu": relu, "softmax": Softmax, "logsumexp": LogSumExp, "var": Variance,
    }.items()
} | {sigmoid: ("σ", "\\sigma")}  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """Something written, in both ways."""

    text: str
    latex: str
    holds: int = _ATOM

    def within(self, tight: int) -> Piece:
        """Return the piece in parentheses where it holds together less than `tight`."""
        return self if self.holds >= tight else put_in("(%s)", "\\left(%s\\right)", self)


NOTHING = Piece("", "")


def put_in(text: str, latex: str, *parts: Piece, holds: int = _ATOM) -> Piece:
    """Write pieces within others: each stands at a ``%s`` of both ways."""
    return Piece(text % tuple(p.text for p in parts), latex % tuple(p.latex for p in parts), holds)


def joined(sign: str, pieces: Iterable[Piece], latex_sign: str | None = None, holds: int = _PRODUCT) -> Piece:
    """Write pieces one after the other, with a sign between them."""
    pieces = list(pieces)
    latex = (sign if latex_sign is None else latex_sign).join(p.latex for p in pieces)
    return Piece(sign.join(p.text for p in pieces), latex, holds)


def write(x: Expr) -> Piece:
    """Write a formula.

    >>> write(sympy.Rational(1, 2)).text, write(sympy.Rational(43, 50)).latex
    ('1/2', '0.86')
    """
    if isinstance(x, Variable):
        return Piece(x.text, x.latex, _PRODUCT if " " in x.latex or "/" in x.text else _ATOM)
    if x.is_Rational:
        return _rational(x)
    kind = type(x)
    if kind is sympy.Add:
        return _sum(x)
    if kind is sympy.Mul:
        return _product(x)
    if kind is sympy.Pow:
        return _power(x)
    if kind is sympy.exp:
        return put_in("exp(%s)", "e^{%s}", write(x.args[0]), holds=_POWER)
    if kind in _FUNCTIONS:
        text, latex = _FUNCTIONS[kind]
        inside = [write(a) for a in (x.args[:1] if kind in ALONG else x.args)]
        if kind is sympy.log and inside[0].holds == _ATOM:
            return put_in("log(%s)", "\\log %s", inside[0], holds=_POWER)
        return put_in(f"{text}(%s)", f"{latex}(%s)", joined(", ", inside))
    return _structured(x)


def _structured(x: Expr) -> Piece:
    kind = type(x)
    if kind is Sum:
        return _total(x)
    if kind is Standardized:
        return write(x.written_out())
    if kind is T:
        of = write(x.args[0]).within(_ATOM)
        text = f"{of.text}T" if isinstance(x.args[0], Variable) and of.text.endswith("]") else f"{of.text}^T"
        return Piece(text, _raised(of.latex, "T") if isinstance(x.args[0], Variable) else f"{of.latex}^T")
    if kind in (Dot, Outer):
        a, b = (write(a).within(_ATOM if isinstance(a, sympy.Mul) else _PRODUCT) for a in x.args)
        row = "%s %s^T" if kind is Outer else "%s %s"
        return put_in(row, row, a, b, holds=_SIDE)
    if kind is Reshape:
        return write(x.args[0])
    if kind is Joined:
        return put_in("[%s]", "[%s]", joined("; " if x.args[0] == 0 else ", ", map(write, x.args[1:])))
    if kind is Part:
        ends = f"{x.args[2]}:{x.args[3]}"
        return _at(x.args[0], f"[{ends}]" if x.args[1] == 0 else f"[:, {ends}]")
    if kind is Ones:
        return Piece("1", "\\mathbf{1}")
    if kind in (positive, wins):
        of = x.args[0]
        sign, of = ("<", -of) if of.could_extract_minus_sign() and not of.is_Add else (">", of)
        return put_in(f"1{{%s {sign} 0}}", f"\\mathbf{{1}}\\{{%s {sign} 0\\}}", write(of))
    if kind in (size, sympy.Abs):
        return put_in("|%s|", "\\left|%s\\right|", write(x.args[0]))
    if kind in (Operation, Vjp):
        return _by_the_table(x)
    return Piece("e" if x is sympy.E else str(x), sympy.latex(x))


def _by_the_table(x: Expr) -> Piece:
    """Write an operation that has no formula, or what its rule sends back."""
    handle, *args = x.args
    if type(x) is Operation:
        if handle.index:  # W[1:, 0]
            return _at(args[0], handle.index)
        return _named(handle.name, [*map(write, args), *map(_code, handle.options)])
    if handle.index:
        return joined(" at ", (write(args[1]).within(_PRODUCT), _code(handle.index)), " \\text{ at } ")
    which = f"_{int(args[0]) + 1}" if len(args) > 3 else ""
    return _named(f"{handle.name}'", [write(args[1])], which)


def _code(text: str) -> Piece:
    escaped = text.replace("_", "\\_")
    return Piece(text, f"\\texttt{{{escaped}}}")


def _raised(latex: str, by: str) -> str:
    """Write a variable with one more superscript, within the one that it has."""
    if latex.endswith(("]}", "\\rangle}")):
        return f"{latex[:-1]}{'' if latex.endswith(']}') else ' '}{by.strip('{}')}}}"
    return f"{{{latex}}}^{by}" if "^" in latex else f"{latex}^{by}"


def _named(name: str, args: Iterable[Piece], which: str = "") -> Piece:
    safe = name.rstrip("'").replace("_", "\\_")
    prime = "'" if name.endswith("'") else ""
    latex = f"\\operatorname{{{safe}}}{prime}{which}\\left(%s\\right)"
    return put_in(f"{name}{which}(%s)", latex, joined(", ", args))


def _at(x: Expr, index: str) -> Piece:
    return joined("", (write(x).within(_ATOM), _code(index)), holds=_ATOM)


def _rational(x: Expr) -> Piece:
    if x.q == 1:
        text = str(x.p)
    elif not _is_decimal(x):
        sign = "-" if x < 0 else ""
        return Piece(f"{x.p}/{x.q}", f"{sign}\\frac{{{abs(x.p)}}}{{{x.q}}}", _PRODUCT)
    else:
        text = f"{float(x):.6g}"
    return Piece(text, with_power(text), _SUM if x < 0 else _ATOM)


def _is_decimal(x: Expr) -> bool:
    """Whether a number is written 0.7 rather than as a fraction."""
    return bool(x.q > 4 and sympy.Rational(f"{float(x):.6g}") == x)


# ------------------------------------------------------------------ sums, products, powers


def _order(x: Expr) -> tuple[Any, ...]:
    """Numbers, then what comes first in the recording, the shorter; penalties and logarithms last."""
    symbols = [v for v in x.free_symbols if isinstance(v, Variable) and v.value is None]
    penalty = x.has(Sum) and not any(v.per_example for v in symbols)
    first: Any = min((v.order for v in symbols), default=(-9, 0))
    if penalty:  # W1 before W2
        first = min((v.label for v in symbols), default="")
    return (penalty, bool(symbols), x.has(sympy.log), first, x.count_ops(), sympy.default_sort_key(x))


def _sum(x: Expr) -> Piece:
    content, inside = x.primitive()
    if content != 1 and all(abs(t.as_coeff_Mul()[0]) == 1 for t in inside.args):
        return joined(" ", (write(content), write(inside).within(_PRODUCT)))
    terms = sorted(x.args, key=_order)
    negative = [t.could_extract_minus_sign() for t in terms]
    if _opposite(x):
        return put_in("-(%s)", "-\\left(%s\\right)", write(-x), holds=_SUM)
    if negative[0] and not all(negative) and not terms[0].has(Sum):
        first = negative.index(False)
        terms.insert(0, terms.pop(first))
    pieces: list[Piece] = []
    for term in terms:
        if term.could_extract_minus_sign():
            sign = " - %s" if pieces else "-%s"
            pieces.append(put_in(sign, sign, write(-term).within(_PRODUCT)))
        else:
            sign = " + %s" if pieces else "%s"
            pieces.append(put_in(sign, sign, write(term)))
    return joined("", pieces, holds=_SUM)


def _of_fractions(x: Expr) -> bool:
    return isinstance(x, sympy.Add) and all(any(map(_divides, sympy.Mul.make_args(t))) for t in x.args)


def _opposite(x: Expr) -> bool:
    """Whether a sum is written -(a/b - c/d): of fractions, the first negative, as in the course's dA."""
    if not _of_fractions(x) or x.has(Sum):
        return False
    negative = [t.could_extract_minus_sign() for t in sorted(x.args, key=_order)]
    return negative[0] and not all(negative)


def _product(x: Expr) -> Piece:
    turned = next((f for f in x.args if _opposite(f)), None)
    if x.could_extract_minus_sign() and x.args[0].is_Rational:
        return put_in("-%s", "-%s", write(-x).within(_PRODUCT), holds=_SUM)
    if turned is not None:
        inside = sympy.Mul(*[-f if f is turned else f for f in x.args], evaluate=False)
        return put_in("-%s", "-%s", write(inside).within(_PRODUCT), holds=_SUM)
    number = x.args[0] if x.args[0].is_Rational else sympy.Integer(1)
    factors = [f for f in x.args if f is not number and not isinstance(f, Ones)]
    ones = [f for f in x.args if isinstance(f, Ones)]
    if ones and all(shape_of(f) == () for f in factors):  # written only where nothing else has the shape
        factors += ones
    front = [f for f in factors if shape_of(f) == () and not f.has(Sum)]
    if len(front) < len(factors):  # A * D / keep_prob, but (1/m) dZ
        front = [f for f in front if not (_divides(f) and getattr(f.base, "text", "m") != "m")]
    rest = [f for f in factors if f not in front]
    up, down = _halves(front)
    if _is_decimal(number):
        up.insert(0, _rational(number))
    else:
        up, down = ([*map(_integer, {n} - {1}), *side] for n, side in ((number.p, up), (number.q, down)))
    above, below = _halves(rest, lambda f: (not _of_fractions(f), _order(f)))
    if up and not down and not above and len(below) == 1:  # K/(1 + A), and not K * 1/(1 + A)
        return _fraction(up, below, " ")
    arrays = _fraction(above, below, " * ")
    if not up and not down:
        return arrays
    scalar = _fraction(up, down, " ")
    if not rest:
        return scalar
    beside = "(%s) %s" if "/" in scalar.text else "%s * %s" if arrays.text[0].isdigit() else "%s %s"
    return put_in(beside, "%s %s", scalar.within(_PRODUCT), arrays.within(_PRODUCT), holds=_PRODUCT)


def _integer(n: int) -> Piece:
    return Piece(str(n), str(n))


def _divides(x: Expr) -> bool:
    return isinstance(x, sympy.Pow) and bool(x.exp.could_extract_minus_sign())


def _halves(factors: list[Expr], order: Callable[[Expr], Any] = _order) -> tuple[list[Piece], list[Piece]]:
    """Write the factors above and below a fraction's line."""
    above = [write(f) for f in sorted(factors, key=order) if not _divides(f)]
    return above, [write(1 / f) for f in sorted(factors, key=_order) if _divides(f)]


def _fraction(up: list[Piece], down: list[Piece], sign: str) -> Piece:
    tight = _SIDE if "*" in sign else _POWER
    over, under = (
        side[0] if len(side) == 1 else _beside([p.within(tight) for p in side], sign)
        for side in (up or [_integer(1)], down)
    )
    if not down:
        return over
    text = f"{over.within(_PRODUCT).text}/{under.within(_POWER).text}"
    return Piece(text, f"\\frac{{{over.latex}}}{{{under.latex}}}", _PRODUCT)


def _beside(factors: list[Piece], sign: str) -> Piece:
    """Write factors with a sign between them, which is no blank before a number: 6 * 7.4 a."""
    signed = [factors[0]] if factors else []
    for factor in factors[1:]:
        blank = sign == " " and factor.text[0].isdigit()
        signed.append(
            put_in(" * %s", " \\cdot %s", factor) if blank else put_in(f"{sign}%s", f"{sign}%s", factor)
        )
    return joined("", signed)


def _power(x: Expr) -> Piece:
    base, power = x.args
    if power.could_extract_minus_sign():
        return _fraction([], [write(1 / x)], " ")
    of = write(base)
    if power == sympy.Rational(1, 2):
        if of.text.startswith("||") and of.text.endswith("||^2") and isinstance(base, Sum):
            return Piece(of.text.removesuffix("^2"), of.latex.removesuffix("^{2}"))
        return put_in("sqrt(%s)", "\\sqrt{%s}", of)
    if isinstance(base, Variable) and "^" in of.latex:
        of = Piece(f"({of.text})" if "^" in of.text else of.text, f"({of.latex})")
    else:
        of = of.within(_ATOM)
    by = write(power)
    return Piece(f"{of.text}^{by.within(_ATOM).text}", f"{of.latex}^{{{by.latex}}}", _POWER)


def _total(x: Expr) -> Piece:
    """Write a sum over an axis: over the examples i, over the units k, or over both."""
    inner, axis = x.args[0], int(x.args[1])
    shape = shape_of(inner)
    examples = any(v.per_example for v in inner.free_symbols if isinstance(v, Variable))
    if axis < 0 and not examples and len(shape) == 2 and isinstance(inner, sympy.Pow) and inner.exp == 2:
        return put_in("||%s||^2", "\\left\\|%s\\right\\|_F^{2}", write(inner.base))
    columns = axis == 1 or len(shape) != 2 or (axis < 0 and shape[0] == 1)
    index = "i" if columns else "k" if axis == 0 or shape[1] == 1 else "i,k"
    of = write(inner).within(_PRODUCT)
    text, latex = of.text, of.latex
    if isinstance(inner, Variable) and columns and examples:  # the course's dZ^[2](i)
        latex = _raised(latex, "{(i)}")
        text = f"{text}(i)" if text.endswith("]") else f"{text}^(i)"
    low = "i=1}^{m" if columns and examples else index
    mark = index if len(index) == 1 else f"{{{index}}}"
    return Piece(f"Σ_{mark} {text}", f"\\sum_{{{low}}} {latex}", _PRODUCT)
