"""Calls as Python text: ``W1 @ X``, ``np.sum(dZ2, axis=1, keepdims=True)``, ``A1**2``."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from tinygrad_course.compiling.dataflow import OPERATORS, Value, is_reduction, item
from tinygrad_course.engine.other_arrays import Sparse, sparse_times, times_sparse
from tinygrad_course.graph.program import index_text
from tinygrad_course.rules.table import as_written

# How strongly Python's operators bind.
COMPARE, OR, XOR, AND, SUM, TERM, SIGN, POWER, CALL = 6, 8, 9, 10, 12, 13, 14, 15, 16

#: How NumPy's functions, and Python's operators for numbers, are written, and how strongly that binds.
SYMBOLS: dict[Any, tuple[str, int]] = {
    np.add: ("+", SUM), np.subtract: ("-", SUM), np.multiply: ("*", TERM), np.divide: ("/", TERM),
    **dict.fromkeys([np.matmul, sparse_times, times_sparse], ("@", TERM)),
    np.remainder: ("%", TERM), np.floor_divide: ("//", TERM),
    np.power: ("**", POWER), np.less: ("<", COMPARE), np.less_equal: ("<=", COMPARE),
    np.greater: (">", COMPARE), np.greater_equal: (">=", COMPARE), np.equal: ("==", COMPARE),
    np.not_equal: ("!=", COMPARE),
    np.bitwise_and: ("&", AND), np.bitwise_or: ("|", OR), np.bitwise_xor: ("^", XOR),
}  # fmt: skip
SYMBOLS |= {OPERATORS[f]: symbol for f, symbol in SYMBOLS.items() if f in OPERATORS}
_UNARY = {np.negative: "-", operator.neg: "-", np.invert: "~"}

#: What the library computes by functions of its own, in NumPy's terms.
HELPERS = {
    "assign": "def assign(x, index, value):\n    y = np.array(x)\n    y[index] = value\n    return y\n",
    "scatter": (
        "def scatter(g, index, shape):\n    y = np.zeros(shape, g.dtype)\n    np.add.at(y, index, g)\n"
        "    return y\n"
    ),
}


def nest_text(tree: Any, leaf: Callable[[Any], str]) -> str:
    """Return the text of a nest of dicts, lists, tuples and slices, given that of what they hold.

    Examples
    --------
    >>> nest_text({"W": [1, (2,)]}, str)
    '{"W": [1, (2,)]}'
    """
    kind = type(tree)
    if kind is dict:
        keys = [f'"{k}"' if type(k) is str and k.isidentifier() else leaf(k) for k in tree]
        values = [nest_text(value, leaf) for value in tree.values()]
        return "{" + ", ".join([f"{k}: {v}" for k, v in zip(keys, values, strict=True)]) + "}"
    if kind is slice:
        return f"slice{nest_text((tree.start, tree.stop, tree.step), leaf)}"
    if kind is not list and kind is not tuple:
        return leaf(tree)
    inner = ", ".join([nest_text(x, leaf) for x in tree])
    return f"[{inner}]" if kind is list else f"({inner},)" if len(tree) == 1 else f"({inner})"


class Printer:
    """Prints calls, given the text of each operand and how strongly it binds.

    What the text needs beyond ``import numpy as np`` are its `imports` and those of `HELPERS`.
    """

    def __init__(self, operand: Callable[[Value], tuple[str, int]]) -> None:
        self.operand = operand
        self.divisors: dict[int, str] = {}  # names for numbers below the line: 400 is m
        self.whole = False  # whether 2 may be written for 2.0
        self.matrices: dict[Sparse, str] = {}  # names for sparse ones
        self.imports: set[str] = set()
        self.helpers: set[str] = set()

    def call(self, value: Value) -> tuple[str, int]:
        """Return the text of a call and how strongly it binds."""
        function, args, kwargs = value.function, value.args, value.kwargs
        operands = [v for v in value.inputs if v.dtype is not None][function is np.where :]
        self.whole = any(v.dtype.kind in "fc" for v in operands)  # no float makes one of an integer
        if function in SYMBOLS and len(args) == 2 and not kwargs:
            return self._binary(*SYMBOLS[function], *args)
        if function in _UNARY and not kwargs:
            return _UNARY[function] + self.text(args[0], SIGN), SIGN
        if function is np.square:
            return self.text(args[0], POWER + 1) + "**2", POWER
        if function is special.expit:
            return f"1 / (1 + np.exp(-{self.text(args[0], SIGN)}))", TERM
        if function is np.transpose and len(args) == 1 and not kwargs:
            return self.text(args[0], CALL) + ".T", CALL
        if function is np.reshape and args[1] == tuple(n for n in args[0].shape if n != 1):
            return f"np.squeeze({self.text(args[0])})", CALL
        if function is operator.getitem:
            return f"{self.text(args[0], CALL)}{self._index(args[1])}", CALL
        name = getattr(function, "__name__", "")
        module = getattr(function, "__module__", "") or ""
        if function is item:
            return f"{self.text(args[0], CALL)}.item()", CALL
        if module.startswith("tinygrad_course.") and name in {"astype", "as_integers"}:
            return f"{self.text(args[0], CALL)}.astype({self.text(args[1])})", CALL
        if is_reduction(value) and kwargs["axis"] is None:
            kwargs = {"keepdims": True} if kwargs["keepdims"] else {}
        elif is_reduction(value) and len(kwargs["axis"]) == 1:
            kwargs = {"axis": kwargs["axis"][0], **({"keepdims": True} if kwargs["keepdims"] else {})}
        parts = [self.text(a) for a in args] + [f"{k}={self.text(v)}" for k, v in kwargs.items()]
        return f"{self.function(function)}({', '.join(parts)})", CALL

    def _binary(self, symbol: str, strength: int, a: Any, b: Any) -> tuple[str, int]:
        if symbol == "*" and not isinstance(b, Value) and isinstance(a, Value):
            a, b = b, a
        if symbol == "**":
            return f"{self.text(a, POWER + 1)}**{self.text(b, SIGN)}", POWER
        if symbol == "/" and type(b) is int and b in self.divisors:
            return f"{self.text(a, strength)} / {self.divisors[b]}", strength
        left = self.text(a, strength + (strength == COMPARE))
        right = self.text(b, strength if symbol == "+" else strength + 1)
        return f"{left} {symbol} {right}", strength

    def text(self, x: Any, strength: int = 0) -> str:
        """Return the text of an argument, in parentheses if it binds less than `strength`."""
        if isinstance(x, Value):
            text, own = self.operand(x)
        else:
            text, own = self.literal(x, self.whole)
        return f"({text})" if own < strength else text

    def literal(self, x: Any, whole: bool = False) -> tuple[str, int]:
        """Return the text of a number or an option; 2.0 as 2 with `whole`."""
        if isinstance(x, (tuple, list, slice)):
            return nest_text(tuple(x) if isinstance(x, tuple) else x, self.text), CALL
        if isinstance(x, np.dtype):
            return (f"np.{x.name}" if x.kind in "fiu" else f"np.dtype({x.str!r})"), CALL
        if isinstance(x, type) and x.__module__ == "numpy":
            return f"np.{x.__name__}", CALL
        if isinstance(x, np.generic):
            return f"np.{type(x).__name__}({x.item()!r})".replace("(nan)", "(np.nan)").replace(
                "inf)", "np.inf)"
            ), CALL
        if isinstance(x, float) and not np.isfinite(x):
            return ("np.nan" if np.isnan(x) else "np.inf" if x > 0 else "-np.inf"), CALL if x > 0 else SIGN
        if x is Ellipsis:
            return "...", CALL
        if type(x) is Sparse:
            return self.matrices[x], CALL
        whole = whole and isinstance(x, float) and x.is_integer() and abs(x) < 1e6 and repr(x) != "-0.0"
        text = repr(int(x) if whole else x)
        return text, SIGN if text.startswith("-") else CALL

    def _index(self, index: Any) -> str:
        if index == () and type(index) is tuple:
            return "[()]"
        text = index_text(index, self.text)
        return f"{text[:-1]},]" if isinstance(index, tuple) and len(index) == 1 else text

    def function(self, function: Any) -> str:
        """Return a function's name, such as ``np.sum`` or ``np.linalg.inv``; others are imported."""
        module, _, name = as_written(function).rpartition(".")
        if module.startswith("np"):
            return f"{module}.{name}"
        if name in HELPERS:
            self.helpers.add(name)
            return name
        if getattr(operator, name, None) is function:
            self.imports.add("import operator")
            return f"operator.{name}"
        self.imports.add(f"from {module or function.__module__} import {name}")
        return name
