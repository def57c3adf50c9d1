"""The local rules as formulas: what an operation computes, and what it does to a gradient on the way back.

Formulas are written below in Python's notation, with ``a, b, c`` for the operands, ``y`` for the result and
``g`` for the gradient of the cost with respect to the result, and are turned into MathML. They are for
reading; the numbers beside them come from the rules themselves.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tinygrad_course.drawing import labels
from tinygrad_course.graph.formulas import parsed

#: A MathML element: its tag, its class, and its children, or the text in it.
Math = list[Any]

_NAMES = {"pi": "π"}
_WORDS = {
    "spread": "spread", "sums": "sum over the copies", "reshaped": "reshape", "chosen": "choose",
    "placed": "put back", "softmax": "softmax", "tr": "tr", "log2": "log₂", "log10": "log₁₀", "sigma": "σ",
    "sign": "sign", "gamma": "Γ", "psi": "ψ", "beta": "Β", "conjugate": "conj", "real": "Re", "imag": "Im",
}  # fmt: skip
_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Gt: ">", ast.Lt: "<", ast.GtE: "≥", ast.LtE: "≤", ast.Eq: "=", ast.NotEq: "≠",
}  # fmt: skip
_AXES = "ijkl"


def identifier(name: str) -> Math:
    """Return a variable's name in the course's notation: W1 is W with [1] above, x2 has its 2 below.

    >>> text(identifier("W1")), text(identifier("w2")), text(identifier("cost"))
    ('W^[1]', 'w_2', 'cost')
    """
    shown = labels.short(name)
    layered = re.fullmatch(r"(d?[WbZAD]|γ|β|gamma|beta)(\d+)", shown)
    if layered:
        number_of = row(operator("["), ["mn", "", layered[2]], operator("]"))
        return ["msup", "", ["mi", "", layered[1]], number_of]
    numbered = re.fullmatch(r"([A-Za-zα-ω]+)_?(\d+)", shown)
    if numbered:
        return ["msub", "", ["mi", "", numbered[1]], ["mn", "", numbered[2]]]
    return ["mi", "", shown]


def factor(value: float) -> Math:
    """Return a number as a product's factor: in parentheses if it is negative."""
    written = number(value)
    return within(written) if text(written).startswith("−") else written


def number(value: float) -> Math:
    """Return a number."""
    shown = labels.number(value, 5)
    base, e, power = shown.partition("e")
    if not e:
        return ["mn", "", shown]
    exponent = ["mn", "", power.replace("+", "")]
    return row(["mn", "", base], operator("·"), ["msup", "", ["mn", "", "10"], exponent])


def derivative(cost: Math, by: Math) -> Math:
    """Return ∂J/∂x, in the gradients' colour."""
    return ["mfrac", "red", *partial(cost, by)[2:]]


def partial(of: Math, by: Math) -> Math:
    """Return ∂y/∂x."""
    return ["mfrac", "", row(operator("∂"), of), row(operator("∂"), by)]


def row(*parts: Math) -> Math:
    """Return its parts side by side."""
    return ["mrow", "", *parts]


def operator(sign: str) -> Math:
    """Return a sign."""
    return ["mo", "", sign]


def within(*parts: Math) -> Math:
    """Return something in parentheses."""
    return row(operator("("), *parts, operator(")"))


def between(parts: Sequence[Math], sign: str) -> list[Math]:
    """Return parts with a sign between each and the next."""
    return [piece for part in parts for piece in (part, operator(sign))][:-1]


def applied(op: str, operands: Sequence[Math]) -> Math:
    """Return an operation that has no formula as a function of its operands."""
    more = [operator("…")] if len(operands) > 6 else []
    return row(["mtext", "", op], *within(*between([*operands[:6], *more], ","))[2:])


def formula(tree: ast.expr | str, names: Mapping[str, Math], *, scalar: bool = False) -> Math:
    """Return a formula with the user's names in the place of a, b, c, d, y and g."""
    return _Writer(names, scalar).write(parsed(tree) if isinstance(tree, str) else tree, 0)


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
        above = inner[1] if re.fullmatch(r"\w+|\[\d+\]T?", inner[1]) else f"({inner[1]})"
        return f"{inner[0]}{'^' if tag == 'msup' else '_'}{above}"
    if tag == "mspace":
        return " "
    if tag == "msqrt":
        return f"√({''.join(inner)})"
    return "".join(inner)


# ------------------------------------------------------------------ from Python's notation to MathML

_SUM, _PRODUCT, _POWER, _ATOM = 1, 2, 3, 4


class _Writer:
    def __init__(self, names: Mapping[str, Math], scalar: bool) -> None:
        self.names = names
        self.times = "·" if scalar else "⊙"

    def write(self, tree: ast.expr, around: int) -> Math:
        binding, math = self._written(tree)
        return within(math) if binding < around else math

    def _written(self, tree: ast.expr) -> tuple[int, Math]:
        match tree:
            case ast.Constant(value=value):
                return _ATOM, ["mn", "", labels.number(value)]
            case ast.Name(id=name):
                return _ATOM, self.names.get(name) or ["mi", "", _NAMES.get(name, name)]
            case ast.Attribute(value=inner):
                base, turned = self.write(inner, _ATOM), ["mi", "", "T"]
                if base[0] == "msup":  # W^[2]T, and not a T that is raised twice
                    return _POWER, ["msup", "", base[2], row(base[3], turned)]
                return _POWER, ["msup", "", base, turned]
            case ast.UnaryOp(operand=inner):
                return _SUM, row(["mo", "sign", "−"], self.write(inner, _PRODUCT))
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                base = self.write(left, _ATOM)
                if base[0] == "msup":  # the 2 is a power of A^[1], not of its [1]
                    base = within(base)
                return _POWER, ["msup", "", base, self.write(right, 0)]
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return _ATOM, ["mfrac", "", self.write(left, 0), self.write(right, 0)]
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                space = ["mspace", "thin"]
                return _PRODUCT, row(self._factor(left), space, self._factor(right))
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                plain = self.times == "·" or _number(left) or _number(right)
                sign = operator("·" if plain else self.times)
                return _PRODUCT, row(self.write(left, _PRODUCT), sign, self.write(right, _PRODUCT))
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
                sign = operator("+" if isinstance(op, ast.Add) else "−")
                return _SUM, row(self.write(left, _SUM), sign, self.write(right, _PRODUCT))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._called(name, arguments)
            case ast.Compare():
                return _ATOM, row(operator("["), self._condition(tree), operator("]"))
        raise ValueError(f"no formula: {ast.dump(tree)}")

    def _factor(self, tree: ast.expr) -> Math:
        """Return a factor of a product of matrices: one that is a product by element in parentheses."""
        by_element = isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult)
        return self.write(tree, _ATOM if by_element else _PRODUCT)

    def _called(self, name: str, arguments: list[ast.expr]) -> tuple[int, Math]:
        bare = name == "where"  # its brackets are there already
        inner = [
            self._condition(a) if bare and isinstance(a, ast.Compare) else self.write(a, 0) for a in arguments
        ]
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
                return _PRODUCT, row(_over(sign, arguments), self.write(arguments[0], _POWER))
            case "softmax" | "mean":
                word = _over(["mi", "", name], arguments)
                return _ATOM, row(word, operator("("), inner[0], operator(")"))
            case "where" if len(inner) == 1:
                return _ATOM, row(operator("["), inner[0], operator("]"))
            case "where":
                signs = (operator("if"), operator("else"))
                return _SUM, row(inner[1], signs[0], inner[0], signs[1], inner[2])
        word = ["mi" if len(name) < 8 else "mtext", "", _WORDS.get(name, name)]
        return _ATOM, row(word, *within(*between(inner, ","))[2:])

    def _condition(self, tree: ast.Compare) -> Math:
        sign = operator(_SIGNS[type(tree.ops[0])])
        return row(self.write(tree.left, 0), sign, self.write(tree.comparators[0], 0))


def _over(sign: Math, arguments: Sequence[ast.expr]) -> Math:
    """Return a sum's sign with its index, where it goes over one axis: i for rows, j for columns."""
    match arguments:
        case [_, ast.Constant(value=int(axis))] if axis < len(_AXES):
            return ["msub", "", sign, ["mi", "", _AXES[axis]]]
    return sign


def _number(tree: ast.expr) -> bool:
    match tree:
        case ast.Constant() | ast.Name(id="m" | "n"):
            return True
        case ast.BinOp(left=left, right=right):
            return _number(left) and _number(right)
        case ast.UnaryOp(operand=inner):
            return _number(inner)
    return False
