"""Formulas as a user types them: ``3*(a + b*c)``, read over a closed list of names and never evaluated.

`ast` takes the text apart; each part is then one of those that are listed here, or it is refused by name.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import expit

from tinygrad_course.engine.recording import peek
from tinygrad_course.engine.tensor import Tensor

#: The functions of the course; ``np.`` before a name changes nothing.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": np.abs, "arctan": np.arctan, "cos": np.cos, "cosh": np.cosh, "dot": np.dot, "exp": np.exp,
    "log": np.log, "log10": np.log10, "log1p": np.log1p, "log2": np.log2, "max": np.max,
    "maximum": np.maximum, "mean": np.mean, "min": np.min, "minimum": np.minimum,
    "relu": lambda z: np.maximum(0, z), "sigmoid": expit, "sin": np.sin, "sinh": np.sinh, "sqrt": np.sqrt,
    "square": np.square, "sum": np.sum, "tan": np.tan, "tanh": np.tanh,
}  # fmt: skip
CONSTANTS = {"pi": np.pi, "e": np.e}
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.MatMult: operator.matmul,
}  # fmt: skip
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}

LONGEST = 2_000
LARGEST = 4_096


class ExpressionError(ValueError):
    """A formula or a value that can't be read, with the part that is at fault."""


def evaluate(formula: str, values: Mapping[str, str]) -> Tensor:
    """Compute a formula and remember how; the result is called J if it was computed, its leaves as typed.

    A formula has numbers, the variables, ``+ - * / ** @``, parentheses, ``.T``, and calls of `FUNCTIONS`; a
    variable's value is a number, a list of them, or a list of rows (``[[1, 2], [3, 4]]``). Raises
    ExpressionError for anything else, for a variable without a value, a value that plays no part, and a
    result that is infinite or no number.

    Examples
    --------
    >>> J = evaluate("3*(a + b*c)", {"a": "5", "b": "3", "c": "2"})
    >>> J.item()
    33.0
    >>> evaluate("__import__('os')", {})
    Traceback (most recent call last):
    tinygrad_course.cli.typed.ExpressionError: __import__('os'): there is no function __import__; ...
    """
    variables = {name: Tensor(value(name, text), name=name) for name, text in values.items()}
    reader = _Reader(formula, variables)
    with np.errstate(all="ignore"):  # what becomes infinite is told with its place
        J = reader.read(_tree(formula))
    unused = sorted(set(variables) - reader.used)
    if unused:
        raise ExpressionError(f"{unused[0]}={values[unused[0]]}: the formula {formula} has no {unused[0]}")
    if type(J) is not Tensor:
        raise ExpressionError(f"{formula} has no variable: give it one, such as a, and its value, a=5")
    return J.named("J") if J.operation is not None else J


def value(name: str, text: str) -> Any:
    """Read a variable's value: a number, or a nest of lists of numbers, at most two deep.

    >>> value("x", "[1, 2.5, -3]")
    array([ 1. ,  2.5, -3. ])
    """
    if not name.isidentifier():
        raise ExpressionError(f"{name}={text}: a variable's name is a word, such as a or W1")
    if name in FUNCTIONS or name == "np":
        raise ExpressionError(f"{name}={text}: {name} is a function here; give the variable another name")
    told = f"{name}={text if len(text) < 60 else text[:57] + '...'}"
    try:
        array = np.array(_numbers(_tree(text, longest=20 * LARGEST)), dtype=float)
    except (ExpressionError, ValueError):
        raise ExpressionError(
            f"{told}: a value is a number (5, -0.1, 1e-3), a list of numbers ([1, 2, 3]), or a list of "
            "rows of equal length ([[1, 2], [3, 4]])"
        ) from None
    if array.ndim > 2 or array.size > LARGEST or not array.size:
        raise ExpressionError(f"{told}: a value has one or two axes and between 1 and {LARGEST} numbers")
    if not np.all(np.isfinite(array)):
        raise ExpressionError(f"{told}: that is too large for a floating-point number")
    return array[()]


def values_of(words: Sequence[str]) -> dict[str, str]:
    """Split ``a=5`` into name and value."""
    values: dict[str, str] = {}
    for word in words:
        name, sign, text = word.partition("=")
        if not sign:
            raise ExpressionError(
                f"{word}: a value is given as name=value, such as a=5 (and a formula in quotes)"
            )
        if name.strip() in values:
            raise ExpressionError(f"{word}: {name.strip()} has a value already, {values[name.strip()]}")
        values[name.strip()] = text.strip()
    return values


def _numbers(tree: ast.expr) -> Any:
    if isinstance(tree, (ast.List, ast.Tuple)):
        return [_numbers(element) for element in tree.elts]
    if isinstance(tree, ast.UnaryOp) and type(tree.op) in _UNARY:
        return _UNARY[type(tree.op)](_numbers(tree.operand))
    if isinstance(tree, ast.Constant) and type(tree.value) in {int, float}:
        return _float(tree.value)
    raise ExpressionError("not a number")


def _float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf")


def _tree(text: str, longest: int = LONGEST) -> ast.expr:
    if len(text) > longest:
        raise ExpressionError(f"{text[:40]}...: {len(text)} characters are too many; the limit is {longest}")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        place = f" at {text.strip()[error.offset - 1 :][:20]!r}" if error.offset else ""
        meant = times_written(text.strip())
        hint = f"; did you mean {meant}?" if meant else ""
        raise ExpressionError(f"{text}: this is no formula ({error.msg}{place}){hint}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"{text[:40]}: this is no formula ({error})") from None


#: Where a product may be meant: after a number, a closing parenthesis, or a name with a blank behind it.
_PRODUCT = re.compile(r"((?<![\w.])\d+\.?\d*(?=\s*[A-Za-z_(])|\)(?=\s*[\w(]))\s*|(?<=\w)(\s+)(?=[\w(])")


def times_written(text: str) -> str:
    """Return a formula with the signs of multiplication that mathematics leaves out, if that makes it one.

    >>> times_written("2a"), times_written("3(a + b c)"), times_written("2 +")
    ('2*a', '3*(a + b*c)', '')
    """
    meant = _PRODUCT.sub(lambda found: f"{found[1] or ''}*", text)
    try:
        ast.parse(meant, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return meant if meant != text else ""


class _Reader:
    """Goes through a formula's parts, and computes those that are on the list."""

    def __init__(self, formula: str, variables: Mapping[str, Tensor]) -> None:
        self.formula = formula.strip()
        self.variables = variables
        self.used: set[str] = set()

    def read(self, tree: ast.expr) -> Any:
        try:
            result = self._part(tree)
        except ExpressionError:
            raise
        except RecursionError:
            raise ExpressionError(f"{self._text(tree)}: too many parentheses inside each other") from None
        except OverflowError:
            raise ExpressionError(
                f"{self._text(tree)} is infinite: too large for a floating-point number"
            ) from None
        except (ArithmeticError, ValueError, TypeError, IndexError) as error:
            raise ExpressionError(f"{self._text(tree)}: {str(error).splitlines()[0]}") from None
        data = peek(Tensor, result)
        if isinstance(data, complex) or not np.all(np.isfinite(data)):
            what = "no real number" if isinstance(data, complex) or np.any(np.isnan(data)) else "infinite"
            raise ExpressionError(f"{self._text(tree)} is {what} with these values")
        return result

    def _part(self, tree: ast.expr) -> Any:
        match tree:
            case ast.Constant(value=number) if type(number) in {int, float}:
                return _float(number)  # whole numbers too: 9**9**9 is infinite at once, instead of never
            case ast.Name(id=name):
                return self._variable(name)
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
                return _UNARY[type(op)](self.read(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return _BINARY[type(op)](self.read(left), self.read(right))
            case ast.Attribute(value=inner, attr="T"):
                return np.transpose(self.read(inner))
            case ast.Call(func=function, args=arguments, keywords=[]):
                return self._function(function)(*map(self.read, arguments))
        raise ExpressionError(f"{self._text(tree)}: {self._refusal(tree)}")

    def _variable(self, name: str) -> Any:
        if name in self.variables:
            self.used.add(name)
            return self.variables[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name in FUNCTIONS:
            raise ExpressionError(f"{name} is a function: give it an argument, {name}(...)")
        raise ExpressionError(f"{name} has no value: add one, such as {name}=2")

    def _function(self, tree: ast.expr) -> Callable[..., Any]:
        match tree:
            case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="np"), attr=name) if name in FUNCTIONS:
                return FUNCTIONS[name]
            case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="np"), attr=name):
                if name in self.variables:
                    meant = self.formula.replace(f"{name}(", f"{name}*(")
                    raise ExpressionError(f"{name} is a variable, no function; did you mean {meant}?")
                known = ", ".join(FUNCTIONS)
                raise ExpressionError(
                    f"{self.formula}: there is no function {name}; the functions are {known}"
                )
        told = self._text(tree)
        meant = times_written(self.formula) or self.formula.replace(f"{told}(", f"{told}*(")
        raise ExpressionError(f"{told}: only a function can be called, by its name; did you mean {meant}?")

    def _text(self, tree: ast.expr) -> str:
        return ast.get_source_segment(self.formula, tree) or self.formula

    @staticmethod
    def _refusal(tree: ast.expr) -> str:
        match tree:
            case ast.Attribute(attr=name):
                return f"of a value only .T can be asked here, not .{name}"
            case ast.Constant():
                return "a formula is made of numbers, variables, operators and functions"
            case ast.Call():
                return "a function takes its arguments by position here"
            case ast.List() | ast.Tuple():
                return "give the list a name and a value, such as x=[1,2,3]"
            case ast.BinOp(op=ast.BitXor()):
                return "a power is written **"
        return "this can't stand in a formula; numbers, variables, + - * / ** @, .T and functions can"
