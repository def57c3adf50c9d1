"""How things are written in pictures: numbers, shapes, names and the symbols of operations."""

import math
import unicodedata
from typing import Any

import numpy as np

from tinygrad_course.graph.program import index_text

#: The sign on the circle, where an operation has one; elsewhere its name stands there.
SYMBOLS = {
    "add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "true_divide": "÷", "negative": "−",
    "power": "^", "float_power": "^", "square": "( )²", "sqrt": "√", "cbrt": "∛", "reciprocal": "1/x",
    "matmul": "@", "sum": "Σ", "prod": "Π", "mean": "mean", "absolute": "| |", "maximum": "max",
    "minimum": "min", "expit": "σ", "log_expit": "log σ", "transpose": "T", "matrix_transpose": "T",
    "norm": "‖ ‖", "getitem": "[ ]", "concatenate": "concat", "positive": "=", "leaky_relu": "leaky relu",
    "log_softmax": "log softmax", "binary_cross_entropy": "cross-entropy",
    "categorical_cross_entropy": "cross-entropy",
}  # fmt: skip

#: The longest name that is drawn in full.
LONGEST = 28
#: Marks that change the direction of writing: a name could pass for another.
_BIDI = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c")


def number(value: Any, digits: int = 4) -> str:
    """Write one number to `digits` significant digits, with a true minus sign.

    >>> number(33.0), number(-0.000123456), number(1e300), number(float("nan")), number(2 - 0.5j)
    ('33', '−0.0001235', '1e+300', 'NaN', '2−0.5i')
    """
    plain = complex(value) if np.iscomplexobj(value) else float(value)
    text = f"{plain:.{digits}g}".replace("j", "i").replace("-", "−").replace("e−0", "e−").replace("e+0", "e+")
    return text.replace("inf", "∞").replace("nan", "NaN")


def visible(text: str) -> str:
    """Return text that takes one line and reads the way it is stored.

    Line breaks, other control characters, lone surrogates and marks that reverse the direction of writing are
    replaced by signs for them.

    >>> visible("a" + chr(10) + "b" + chr(27)), visible("成本")
    ('a␊b␛', '成本')
    """
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    kind = unicodedata.category(character)
    hidden = character in _BIDI or kind in {"Cc", "Cs", "Zl", "Zp"} or code & 0xFFFE == 0xFFFE
    return "�" if hidden else character


def short(name: str, longest: int = LONGEST) -> str:
    """Shorten a long name in the middle.

    >>> short("the_cost_of_a_very_long_day_at_sea", 15)
    'the_cos…_at_sea'
    """
    name = visible(name)
    if len(name) <= longest:
        return name
    half = (longest - 1) // 2
    return f"{name[:half]}…{name[-half:]}"


def scalar(value: Any) -> float | None:
    """Return the one number that a value holds, or None."""
    if value is None or isinstance(value, tuple) or math.prod(np.shape(value)) != 1:
        return None
    try:
        return float(np.asarray(value).reshape(()).item())
    except (TypeError, ValueError):
        return None


def option(name: str, value: Any) -> str:
    """Write an operation's option as a caller would: ``axis=1``; empty where it says nothing.

    >>> option("axis", 1), option("keepdims", False), option("index", (0, slice(None), slice(2, None)))
    ('axis=1', '', '[0, :, 2:]')
    >>> option("index", ([3, 0], 1)), option("index", np.array([True, False]))
    ('[indices (2,), 1]', '[mask (2,)]')
    """
    if value is None or value is False:
        return ""
    if name == "index":
        kinds = {True: "mask", False: "indices"}
        return index_text(
            value,
            lambda p: (
                f"{kinds[np.asarray(p).dtype == bool]} {np.shape(p)}" if np.ndim(p) else short(str(p), 16)
            ),
        )
    return short(str(value), 20) if name == "subscripts" else f"{name}={short(repr(value), 20)}"
