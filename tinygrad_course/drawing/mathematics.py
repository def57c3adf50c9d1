"""The local rules as formulas: what an operation computes, and what it does to a gradient on the way back.

Formulas are written below in Python's notation, with ``a, b, c`` for the operands, ``y`` for the result and
``g`` for the gradient of the cost with respect to the result, and are turned into MathML. They are for
reading; the numbers beside them come from the rules themselves.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tinygrad_course.drawing import labels

#: A MathML element: its tag, its class, and its children, or the text in it.
Math = list[Any]

#: Operations on each element: the result, and its derivative with respect to each operand.
ELEMENTWISE: dict[str, tuple[str, ...]] = {
    "add": ("a + b", "1", "1"),
    "subtract": ("a - b", "1", "-1"),
    "multiply": ("a * b", "b", "a"),
    "divide": ("a / b", "1 / b", "-a / b**2"),
    "negative": ("-a", "-1"),
    "positive": ("a", "1"),
    "reciprocal": ("1 / a", "-1 / a**2"),
    "square": ("a**2", "2 * a"),
    "sqrt": ("sqrt(a)", "1 / (2 * y)"),
    "cbrt": ("cbrt(a)", "1 / (3 * y**2)"),
    "power": ("a**b", "b * a**(b - 1)", "y * log(a)"),
    "float_power": ("a**b", "b * a**(b - 1)", "y * log(a)"),
    "exp": ("e**a", "y"),
    "exp2": ("2**a", "y * log(2)"),
    "expm1": ("e**a - 1", "y + 1"),
    "log": ("log(a)", "1 / a"),
    "log1p": ("log(1 + a)", "1 / (1 + a)"),
    "log2": ("log2(a)", "1 / (a * log(2))"),
    "log10": ("log10(a)", "1 / (a * log(10))"),
    "sin": ("sin(a)", "cos(a)"),
    "cos": ("cos(a)", "-sin(a)"),
    "tan": ("tan(a)", "1 + y**2"),
    "arcsin": ("arcsin(a)", "1 / sqrt(1 - a**2)"),
    "arccos": ("arccos(a)", "-1 / sqrt(1 - a**2)"),
    "arctan": ("arctan(a)", "1 / (1 + a**2)"),
    "sinh": ("sinh(a)", "cosh(a)"),
    "cosh": ("cosh(a)", "sinh(a)"),
    "tanh": ("tanh(a)", "1 - y**2"),
    "hypot": ("sqrt(a**2 + b**2)", "a / y", "b / y"),
    "logaddexp": ("log(e**a + e**b)", "e**(a - y)", "e**(b - y)"),
    "absolute": ("abs(a)", "sign(a)"),
    "maximum": ("max(a, b)", "where(a > b)", "where(b > a)"),
    "minimum": ("min(a, b)", "where(a < b)", "where(b < a)"),
    "expit": ("sigma(a)", "y * (1 - y)"),
    "log_expit": ("log(sigma(a))", "1 - sigma(a)"),
    "xlogy": ("a * log(b)", "log(b)", "a / b"),
    "erf": ("erf(a)", "2 / sqrt(pi) * e**(-a**2)"),
    "relu": ("max(0, a)", "where(a > 0)"),
}

#: Other operations: the result, and the gradient with respect to each operand.
LINEAR: dict[str, tuple[str, ...]] = {
    "dot": ("a @ b", "g @ b.T", "a.T @ g"),
    "matmul": ("a @ b", "g @ b.T", "a.T @ g"),
    "linear": ("a @ b + c", "g @ b.T", "a.T @ g", "sums(g)"),
    "outer": ("a @ b.T", "g @ b", "g.T @ a"),
    "inner": ("a @ b.T", "g @ b", "g.T @ a"),
    "sum": ("total(a)", "spread(g)"),
    "mean": ("total(a) / n", "spread(g) / n"),
    "prod": ("product(a)", "g * y / a"),
    "transpose": ("a.T", "g.T"),
    "trace": ("tr(a)", "g * I"),
    "norm": ("norm(a)", "g * a / y"),
    "softmax": ("softmax(a)", "y * (g - total(g * y))"),
    "log_softmax": ("log(softmax(a))", "g - e**y * total(g)"),
    "logsumexp": ("log(total(e**a))", "spread(g) * e**(a - y)"),
    "leaky_relu": ("max(s * a, a)", "g * where(a > 0, s)"),
    "drop": ("a * b / k", "g * b / k"),
    "where": ("where(a)", "", "g * where(a)", "g * where(1 - a)"),
    "reshape": ("reshaped(a)", "reshaped(g)"),
    "ravel": ("reshaped(a)", "reshaped(g)"),
    "squeeze": ("reshaped(a)", "reshaped(g)"),
    "expand_dims": ("reshaped(a)", "reshaped(g)"),
    "broadcast_to": ("spread(a)", "sums(g)"),
    "getitem": ("chosen(a)", "placed(g)"),
    "binary_cross_entropy": (
        "-(1 / m * total(b * log(a) + (1 - b) * log(1 - a)))", "", "", "g * (1 / m) * (a - b)",
    ),
    "categorical_cross_entropy": ("-(1 / m * total(b * log(a)))", "", "", "g * (1 / m) * (a - b)"),
}  # fmt: skip
_NAMES = {"e": "e", "pi": "π", "m": "m", "n": "n", "s": "s", "k": "k", "I": "I"}
_WORDS = {
    "spread": "spread", "sums": "sum over the copies", "reshaped": "reshape", "chosen": "choose",
    "placed": "put back", "softmax": "softmax", "tr": "tr", "log2": "log₂", "log10": "log₁₀", "sigma": "σ",
    "sign": "sign",
}  # fmt: skip


def identifier(name: str) -> Math:
    """Return a variable's name in the course's notation: W1 is W with [1] above, x2 has its 2 below.

    >>> text(identifier("W1")), text(identifier("w2")), text(identifier("cost"))
    ('W^[1]', 'w_2', 'cost')
    """
    shown = labels.short(name)
    layered = re.fullmatch(r"(d?[WbZAD]|γ|β|gamma|beta)(\d+)", shown)
    if layered:
        return [
            "msup",
            "",
            ["mi", "", layered[1]],
            ["mrow", "", ["mo", "", "["], ["mn", "", layered[2]], ["mo", "", "]"]],
        ]
    numbered = re.fullmatch(r"([A-Za-zα-ω]+)_?(\d+)", shown)
    if numbered:
        return ["msub", "", ["mi", "", numbered[1]], ["mn", "", numbered[2]]]
    return ["mi", "", shown]


def factor(value: float) -> Math:
    """Return a number as a product's factor: in parentheses if it is negative."""
    written = number(value)
    return row(operator("("), written, operator(")")) if text(written).startswith("−") else written


def number(value: float) -> Math:
    """Return a number."""
    shown = labels.number(value, 5)
    base, e, power = shown.partition("e")
    written: Math = ["mn", "", shown]
    if e:
        exponent = ["mn", "", power.replace("+", "")]
        written = row(["mn", "", base], ["mo", "", "·"], ["msup", "", ["mn", "", "10"], exponent])
    return written


def derivative(cost: Math, by: Math) -> Math:
    """Return ∂J/∂x, in the gradients' colour."""
    return ["mfrac", "red", row(["mo", "", "∂"], cost), row(["mo", "", "∂"], by)]


def partial(of: Math, by: Math) -> Math:
    """Return ∂y/∂x."""
    return ["mfrac", "", row(["mo", "", "∂"], of), row(["mo", "", "∂"], by)]


def row(*parts: Math) -> Math:
    """Return its parts side by side."""
    return ["mrow", "", *parts]


def operator(sign: str) -> Math:
    """Return a sign."""
    return ["mo", "", sign]


def result(op: str, names: Mapping[str, Math], operands: Sequence[Math], *, scalar: bool) -> Math:
    """Return what an operation computes: ``b × c``, ``W X + b``."""
    entry = ELEMENTWISE.get(op) or LINEAR.get(op)
    if entry is None:
        inside: list[Math] = []
        for operand in operands[:6]:
            inside += [operand, operator(",")]
        if len(operands) > 6:
            inside += [operator("…"), operator(",")]
        return row(["mtext", "", op], operator("("), *inside[:-1], operator(")"))
    return formula(entry[0], names, scalar=scalar)


def local(op: str, position: int, names: Mapping[str, Math], *, scalar: bool) -> Math | None:
    """Return the derivative of an elementwise operation with respect to an operand, or None for another's."""
    entry = ELEMENTWISE.get(op, ())
    return formula(entry[position + 1], names, scalar=scalar) if position + 1 < len(entry) else None


def backward(op: str, position: int, names: Mapping[str, Math], *, scalar: bool) -> Math | None:
    """Return the gradient with respect to an operand in terms of g, or None where no formula is known."""
    entry = LINEAR.get(op, ())
    if position + 1 < len(entry) and entry[position + 1]:
        return formula(entry[position + 1], names, scalar=scalar)
    return None


def formula(template: str, names: Mapping[str, Math], *, scalar: bool = False) -> Math:
    """Return a formula with the user's names in the place of a, b, c, y and g."""
    return _Writer(names, scalar).write(_parsed(template), 0)


@functools.cache
def _parsed(template: str) -> ast.expr:
    return ast.parse(template, mode="eval").body


def text(math: Math) -> str:
    """Return a formula in one line, for those who listen.

    >>> text(formula("y * (1 - y)", {"y": ["mi", "", "A"]}, scalar=True))
    'A · (1 − A)'
    """
    tag, look, *parts = math
    if parts and isinstance(parts[0], str):
        spaced = tag == "mo" and look != "sign" and parts[0] in set("+−·⊙=×<>")
        return f" {parts[0]} " if spaced else parts[0]
    inner = [text(p) for p in parts]
    if tag == "mfrac":
        return "/".join(i if re.fullmatch(r"[\w∂^\[\]′]+", i) else f"({i})" for i in inner)
    if tag in {"msup", "msub"}:
        above = inner[1] if re.fullmatch(r"\w+|\[\d+\]", inner[1]) else f"({inner[1]})"
        return f"{inner[0]}{'^' if tag == 'msup' else '_'}{above}"
    if tag == "mspace":
        return " "
    if tag == "msqrt":
        return f"√({''.join(inner)})"
    return "".join(inner)


# ------------------------------------------------------------------ from Python's notation to MathML

_SUM, _PRODUCT, _UNARY, _POWER, _ATOM = 1, 2, 3, 4, 5


class _Writer:
    def __init__(self, names: Mapping[str, Math], scalar: bool) -> None:
        self.names = names
        self.times = "·" if scalar else "⊙"

    def write(self, tree: ast.expr, around: int) -> Math:
        binding, math = self._written(tree)
        return row(operator("("), math, operator(")")) if binding < around else math

    def _written(self, tree: ast.expr) -> tuple[int, Math]:
        match tree:
            case ast.Constant(value=value):
                return _ATOM, ["mn", "", labels.number(value)]
            case ast.Name(id=name):
                return _ATOM, self.names.get(name) or ["mi", "", _NAMES.get(name, name)]
            case ast.Attribute(value=inner):
                return _POWER, ["msup", "", self.write(inner, _ATOM), ["mi", "", "T"]]
            case ast.UnaryOp(operand=inner):
                return _UNARY, row(["mo", "sign", "−"], self.write(inner, _PRODUCT))
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                base = self.write(left, _ATOM)
                if base[0] == "msup":  # the 2 is a power of A^[1], not of its [1]
                    base = row(operator("("), base, operator(")"))
                return _POWER, ["msup", "", base, self.write(right, 0)]
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return _ATOM, ["mfrac", "", self.write(left, 0), self.write(right, 0)]
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                space = ["mspace", "thin"]
                return _PRODUCT, row(self.write(left, _PRODUCT), space, self.write(right, _PRODUCT))
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                plain = self.times == "·" or _number(left) or _number(right)
                sign = operator("·" if plain else self.times)
                return _PRODUCT, row(self.write(left, _PRODUCT), sign, self.write(right, _PRODUCT))
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
                sign = operator("+" if isinstance(op, ast.Add) else "−")
                return _SUM, row(self.write(left, _SUM), sign, self.write(right, _PRODUCT))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._called(name, arguments)
        raise ValueError(f"no formula: {ast.dump(tree)}")

    def _called(self, name: str, arguments: list[ast.expr]) -> tuple[int, Math]:
        inner = [self._condition(a) if isinstance(a, ast.Compare) else self.write(a, 0) for a in arguments]
        match name:
            case "sqrt":
                return _ATOM, ["msqrt", "", inner[0]]
            case "cbrt":
                return _ATOM, ["mroot", "", inner[0], ["mn", "", "3"]]
            case "abs" | "norm":
                bar = operator("|" if name == "abs" else "‖")
                return _ATOM, row(bar, inner[0], bar)
            case "total" | "product":
                sign = operator("Σ" if name == "total" else "Π")
                return _PRODUCT, row(sign, self.write(arguments[0], _POWER))
            case "where":
                otherwise = [operator(","), inner[1]] if len(inner) > 1 else []
                return _ATOM, row(operator("["), inner[0], *otherwise, operator("]"))
        parts: list[Math] = []
        for part in inner:
            parts += [part, operator(",")]
        word = ["mi" if len(name) < 8 else "mtext", "", _WORDS.get(name, name)]
        return _ATOM, row(word, operator("("), *parts[:-1], operator(")"))

    def _condition(self, tree: ast.Compare) -> Math:
        sign = operator(">" if isinstance(tree.ops[0], ast.Gt) else "<")
        return row(self.write(tree.left, 0), sign, self.write(tree.comparators[0], 0))


def _number(tree: ast.expr) -> bool:
    match tree:
        case ast.Constant() | ast.Name(id="m" | "n"):
            return True
        case ast.BinOp(left=left, right=right):
            return _number(left) and _number(right)
        case ast.UnaryOp(operand=inner):
            return _number(inner)
    return False
