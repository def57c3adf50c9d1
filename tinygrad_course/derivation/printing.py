"""Formulas as text and as LaTeX, in the course's order: numbers, gradients, matrices; ``*`` by element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy

from tinygrad_course.derivation.algebra import (
    ALONG,
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

_FUNCTIONS = {
    sympy.log: ("log", "\\log"), sympy.sin: ("sin", "\\sin"), sympy.cos: ("cos", "\\cos"),
    sympy.tan: ("tan", "\\tan"), sympy.asin: ("arcsin", "\\arcsin"), sympy.acos: ("arccos", "\\arccos"),
    sympy.atan: ("arctan", "\\arctan"), sympy.sinh: ("sinh", "\\sinh"), sympy.cosh: ("cosh", "\\cosh"),
    sympy.tanh: ("tanh", "\\tanh"), sympy.asinh: ("arsinh", "\\operatorname{arsinh}"),
    sympy.acosh: ("arcosh", "\\operatorname{arcosh}"), sympy.atanh: ("artanh", "\\operatorname{artanh}"),
    sympy.sign: ("sign", "\\operatorname{sign}"), sigmoid: ("σ", "\\sigma"),
    relu: ("relu", "\\operatorname{relu}"), larger: ("max", "\\max"),
    Softmax: ("softmax", "\\operatorname{softmax}"), LogSumExp: ("logsumexp", "\\operatorname{logsumexp}"),
    Variance: ("var", "\\operatorname{var}"),
}  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """Something written, in both ways."""

    text: str
    latex: str
    holds: int = _ATOM

    def within(self, tight: int) -> Piece:
        """Return the piece in parentheses where it holds together less than `tight`."""
        if self.holds >= tight:
            return self
        return Piece(f"({self.text})", f"\\left({self.latex}\\right)")


NOTHING = Piece("", "")


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
        of = write(x.args[0])
        return Piece(f"exp({of.text})", f"e^{{{of.latex}}}", _POWER)
    if kind in _FUNCTIONS:
        text, latex = _FUNCTIONS[kind]
        inside = [write(a) for a in (x.args[:1] if kind in ALONG else x.args)]
        text += f"({', '.join(p.text for p in inside)})"
        if kind is sympy.log and inside[0].holds == _ATOM:
            return Piece(text, f"{latex} {inside[0].latex}", _POWER)
        return Piece(text, f"{latex}({', '.join(p.latex for p in inside)})")
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
        a, b = (write(a).within(_PRODUCT) for a in x.args)
        a, b = (
            p.within(_ATOM) if isinstance(q, sympy.Mul) else p for p, q in zip((a, b), x.args, strict=True)
        )
        row = "^T" if kind is Outer else ""
        return Piece(f"{a.text} {b.text}{row}", f"{a.latex} {b.latex}{row}", _SIDE)
    if kind is Reshape:
        return write(x.args[0])
    if kind is Joined:
        sign, parts = "; " if x.args[0] == 0 else ", ", [write(a) for a in x.args[1:]]
        return Piece(f"[{sign.join(p.text for p in parts)}]", f"[{sign.join(p.latex for p in parts)}]")
    if kind is Part:
        ends = f"{x.args[2]}:{x.args[3]}"
        return _at(x.args[0], f"[{ends}]" if x.args[1] == 0 else f"[:, {ends}]")
    if kind is Ones:
        return Piece("1", "\\mathbf{1}")
    if kind in (positive, wins):
        condition = _condition(x.args[0])
        return Piece(f"1{{{condition.text}}}", f"\\mathbf{{1}}\\{{{condition.latex}\\}}")
    if kind is size:
        of = write(x.args[0])
        return Piece(f"|{of.text}|", f"\\left|{of.latex}\\right|")
    if kind is Operation:
        return _indexed(x) if x.args[0].index else _named(x.args[0].name, x.args[1:])
    if kind is Vjp:
        if x.args[0].index:
            g, index = write(x.args[2]).within(_PRODUCT), x.args[0].index
            return Piece(f"{g.text} at {index}", f"{g.latex} \\text{{ at }} \\texttt{{{index}}}", _PRODUCT)
        which = f"_{int(x.args[1]) + 1}" if len(x.args) > 4 else ""
        return _named(f"{x.args[0].name}'", [x.args[2]], which)
    return Piece(str(x), sympy.latex(x))


def _raised(latex: str, by: str) -> str:
    """Write a variable with one more superscript, within the one that it has."""
    if latex.endswith(("]}", "\\rangle}")):
        return f"{latex[:-1]}{'' if latex.endswith(']}') else ' '}{by.strip('{}')}}}"
    return f"{{{latex}}}^{by}" if "^" in latex else f"{latex}^{by}"


def _named(name: str, args: Any, which: str = "") -> Piece:
    of = [write(a) for a in args]
    safe = name.rstrip("'").replace("_", "\\_")
    prime = "'" if name.endswith("'") else ""
    return Piece(
        f"{name}{which}({', '.join(o.text for o in of)})",
        f"\\operatorname{{{safe}}}{prime}{which}\\left({', '.join(o.latex for o in of)}\\right)",
    )


def _indexed(x: Expr) -> Piece:
    """Write a part of an array: W[1:, 0]."""
    return _at(x.args[1], x.args[0].index)


def _at(x: Expr, index: str) -> Piece:
    of = write(x).within(_ATOM)
    return Piece(f"{of.text}{index}", f"{of.latex}\\texttt{{{index}}}")


def _condition(x: Expr) -> Piece:
    of = write(x)
    return Piece(f"{of.text} > 0", f"{of.latex} > 0")


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
        piece, number = write(inside).within(_PRODUCT), write(content)
        return Piece(f"{number.text} {piece.text}", f"{number.latex} {piece.latex}", _PRODUCT)
    terms = sorted(x.args, key=_order)
    negative = [t.could_extract_minus_sign() for t in terms]
    if _opposite(x):
        inside = write(-x)
        return Piece(f"-({inside.text})", f"-\\left({inside.latex}\\right)", _SUM)
    if negative[0] and not all(negative) and not terms[0].has(Sum):
        first = negative.index(False)
        terms.insert(0, terms.pop(first))
    text = latex = ""
    for term in terms:
        minus = term.could_extract_minus_sign()
        piece = write(-term if minus else term)
        piece = piece.within(_PRODUCT) if minus else piece
        sign = " - " if minus else " + "
        text += f"{sign}{piece.text}" if text else f"{'-' if minus else ''}{piece.text}"
        latex += f"{sign}{piece.latex}" if latex else f"{'-' if minus else ''}{piece.latex}"
    return Piece(text, latex, _SUM)


def _of_fractions(x: Expr) -> bool:
    return isinstance(x, sympy.Add) and all(map(_is_fraction, x.args))


def _opposite(x: Expr) -> bool:
    """Whether a sum is written -(a/b - c/d): of fractions, the first negative, as in the course's dA."""
    if not _of_fractions(x) or x.has(Sum):
        return False
    negative = [t.could_extract_minus_sign() for t in sorted(x.args, key=_order)]
    return negative[0] and not all(negative)


def _is_fraction(x: Expr) -> bool:
    return any(isinstance(f, sympy.Pow) and f.exp.could_extract_minus_sign() for f in sympy.Mul.make_args(x))


def _product(x: Expr) -> Piece:
    if x.could_extract_minus_sign() and x.args[0].is_Rational:
        inside = write(-x).within(_PRODUCT)
        return Piece(f"-{inside.text}", f"-{inside.latex}", _SUM)
    turned = next((f for f in x.args if _opposite(f)), None)
    if turned is not None:
        inside = write(sympy.Mul(*[-f if f is turned else f for f in x.args], evaluate=False)).within(
            _PRODUCT
        )
        return Piece(f"-{inside.text}", f"-{inside.latex}", _SUM)
    number = x.args[0] if x.args[0].is_Rational else sympy.Integer(1)
    factors = [f for f in x.args if f is not number and not isinstance(f, Ones)]
    ones = [f for f in x.args if isinstance(f, Ones)]
    if ones and all(shape_of(f) == () for f in factors):  # written only where nothing else has the shape
        factors += ones
    front = [f for f in factors if shape_of(f) == () and not f.has(Sum)]
    if len(front) < len(factors):  # A * D / keep_prob, but (1/m) dZ
        front = [f for f in front if not (_divides(f) and getattr(f.base, "text", "m") != "m")]
    rest = [f for f in factors if f not in front]
    below = [_divides(f) for f in front]
    pieces = []
    if front or number != 1:
        pieces.append(_scalar(number, *_halves(front, below)))
    if rest:
        pieces.append(_arrays(*_halves(rest, [_divides(f) for f in rest])))
    return pieces[0] if len(pieces) == 1 else _beside(*pieces)


def _divides(x: Expr) -> bool:
    return isinstance(x, sympy.Pow) and bool(x.exp.could_extract_minus_sign())


def _halves(factors: list[Expr], below: list[bool]) -> tuple[list[Expr], list[Expr]]:
    pairs = list(zip(factors, below, strict=True))
    return [f for f, b in pairs if not b], [f for f, b in pairs if b]


def _beside(number: Piece, rest: Piece) -> Piece:
    number, rest = number.within(_PRODUCT), rest.within(_PRODUCT)
    text = f"({number.text})" if "/" in number.text else number.text
    return Piece(f"{text} {rest.text}", f"{number.latex} {rest.latex}", _PRODUCT)


def _scalar(number: Expr, above: list[Expr], below: list[Expr]) -> Piece:
    """Write a product of numbers, a fraction where something divides."""
    over, under = number.p, number.q
    factors = [write(f) for f in sorted(above, key=_order)]
    if _is_decimal(number):
        factors.insert(0, _rational(number))
        over = under = 1
    if over != 1:
        factors.insert(0, Piece(str(over), str(over)))
    down = [write(1 / f) for f in sorted(below, key=_order)]
    if under != 1:
        down.insert(0, Piece(str(under), str(under)))
    return _fraction(factors, down, " ")


def _fraction(up: list[Piece], down: list[Piece], sign: str) -> Piece:
    tight = _SIDE if "*" in sign else _POWER
    over = _joined(up, sign, tight) if up else Piece("1", "1")
    if not down:
        return over
    under = _joined(down, sign, tight)
    text = f"{over.within(_PRODUCT).text}/{under.within(_POWER).text}"
    return Piece(text, f"\\frac{{{over.latex}}}{{{under.latex}}}", _PRODUCT)


def _joined(pieces: list[Piece], sign: str, tight: int) -> Piece:
    if len(pieces) == 1:
        return pieces[0]
    pieces = [p.within(tight) for p in pieces]
    return Piece(sign.join(p.text for p in pieces), sign.join(p.latex for p in pieces), _PRODUCT)


def _arrays(above: list[Expr], below: list[Expr]) -> Piece:
    """Write a product element by element."""
    fractions_first = sorted(above, key=lambda f: (not _of_fractions(f), _order(f)))
    factors = [write(f) for f in fractions_first]
    down = [write(1 / f) for f in sorted(below, key=_order)]
    return _fraction(factors, down, " * ")


def _power(x: Expr) -> Piece:
    base, power = x.args
    if power.could_extract_minus_sign():
        one = Piece("1", "1")
        return _fraction([one], [write(1 / x)], " ")
    of = write(base)
    if power == sympy.Rational(1, 2):
        return Piece(f"sqrt({of.text})", f"\\sqrt{{{of.latex}}}")
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
        of = write(inner.base)
        return Piece(f"||{of.text}||^2", f"\\left\\|{of.latex}\\right\\|_F^{{2}}")
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
