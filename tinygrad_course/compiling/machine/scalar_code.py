"""Elementwise calls as text for machine code: on single numbers, without branches."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from scipy import special

from tinygrad_course.compiling.dataflow import Value
from tinygrad_course.rules.indexing import astype

#: Functions of numbers, by what stands for their operands.
ARITHMETIC: dict[Any, str] = {
    np.add: "({} + {})", np.subtract: "({} - {})", np.multiply: "({} * {})", np.divide: "({} / {})",
    np.negative: "(-{})", np.square: "({0} * {0})", np.reciprocal: "(1 / {})",
    np.maximum: "select(({0} >= {1}) | ({0} != {0}), {0}, {1})",
    np.minimum: "select(({0} <= {1}) | ({0} != {0}), {0}, {1})",
    np.sign: "(select({0} > 0, {1}, select({0} < 0, -{1}, {0})) + 0)",
    np.where: "select({0}, {1}, {2})",
    operator.add: "({} + {})", operator.sub: "({} - {})", operator.mul: "({} * {})",
    operator.truediv: "({} / {})", operator.neg: "(-{})", operator.pow: "({} ** {})", np.power: "({} ** {})",
    astype: "{}",
}  # fmt: skip
#: Functions that are computed in double precision, whatever comes in, but for those in `OWN`.
DOUBLE: dict[Any, str] = {
    np.exp: "exp({})", np.expm1: "expm1({})", np.log: "log({})", np.log1p: "log1p({})", np.tanh: "tanh({})",
    special.expit: "expit({})", np.sqrt: "math.sqrt({})", np.absolute: "math.fabs({})",
    np.fabs: "math.fabs({})", np.copysign: "math.copysign({}, {})", np.sin: "math.sin({})",
    np.cos: "math.cos({})", np.arctan: "math.atan({})", np.sinh: "math.sinh({})", np.cosh: "math.cosh({})",
    np.logaddexp: "logaddexp({}, {})",
}  # fmt: skip
OWN = {np.exp, np.log, np.tanh, special.expit, np.sqrt, np.absolute, np.fabs, np.copysign}
#: What the C library does, one number after the other: NumPy has several at a time, of so many together.
OF_C, FEW = {np.sin, np.cos, np.arctan, np.sinh, np.cosh, np.power}, 128
COMPARISONS: dict[Any, str] = {
    np.less: "({} < {})", np.less_equal: "({} <= {})",
    np.greater: "({} > {})", np.greater_equal: "({} >= {})",
    np.equal: "({} == {})", np.not_equal: "({} != {})", np.isnan: "({0} != {0})",
    np.isinf: "(math.fabs({0}) == math.inf)",
    np.isfinite: "(({0} - {0}) == 0)", np.logical_and: "({} & {})", np.logical_or: "({} | {})",
    np.logical_not: "(not {})", np.bitwise_and: "({} & {})", np.bitwise_or: "({} | {})",
}  # fmt: skip
_OF_TRUTH = {np.logical_and, np.logical_or, np.logical_not, np.bitwise_and, np.bitwise_or}

_SPOKEN = {np.dtype("f8"), np.dtype("f4"), np.dtype("?")}

#: Numbers that are written out; others are arguments, so that functions that differ in them are one.
WRITTEN = {0.0, 1.0, -1.0, 2.0, 0.5}


class Numbers:
    """The numbers in a function's text that it is given as arguments: the learning rate, 1/m."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self._names: dict[str, str] = {}

    def __call__(self, x: float) -> str:
        """Return the text of a number."""
        x = float(x)
        if not np.isfinite(x):
            return "math.nan" if np.isnan(x) else "math.inf" if x > 0 else "-math.inf"
        if x in WRITTEN:
            return f"({x!r})"
        if repr(x) not in self._names:
            self._names[repr(x)] = f"k{len(self.values)}"
            self.values.append(x)
        return self._names[repr(x)]

    @property
    def names(self) -> list[str]:
        """The names of `values` in the text."""
        return list(self._names.values())


def speaks(value: Value) -> bool:
    """Whether a call can be said on single numbers here."""
    function = value.function
    if value.kwargs or value.dtype not in _SPOKEN or (function in OF_C and value.size > FEW):
        return False
    if not all(isinstance(a, (Value, bool, int, float, np.number, np.dtype)) for a in value.args):
        return False  # x == None
    dtypes = {v.dtype for v in value.inputs}
    if any(d is None or d.kind not in "fiub" or (d.kind == "f" and d.itemsize not in {4, 8}) for d in dtypes):
        return False
    if function is np.logaddexp:
        return value.dtype == np.float64 or (value.dtype.kind == "f" and _is_softplus(value))
    if function is np.power:
        return value.dtype.kind == "f" and all(d.kind == "f" for d in dtypes)
    if function in _OF_TRUTH:
        return all(d.kind == "b" for d in dtypes)
    if function in COMPARISONS:
        return True
    return value.dtype.kind == "f" and (function in ARITHMETIC or function in DOUBLE)


def _is_softplus(value: Value) -> bool:
    return not isinstance(value.args[0], Value) and bool(value.args[0] == 0)


def text(value: Value, operand: Any, numbers: Numbers) -> str:
    """Return the text of a call; `operand` returns that of a value, `numbers` that of a number."""
    function = value.function

    def cast(x: Any, name: str) -> str:
        """Return the text of an operand as a number of the dtype called `name`."""
        if isinstance(x, Value):
            own = {np.dtype("f8"): "f8", np.dtype("f4"): "f4"}.get(x.dtype)
            return operand(x) if own == name and x.kind != "python" else f"{name}({operand(x)})"
        return numbers(x) if name == "f8" else f"f4({numbers(x)})"

    def truth(x: Any) -> str:
        return str(operand(x)) if isinstance(x, Value) else repr(bool(x))

    if function in _OF_TRUTH:
        return COMPARISONS[function].format(*(truth(a) for a in value.args))
    if function in COMPARISONS:
        if all(a.dtype.kind in "iub" if isinstance(a, Value) else type(a) is int for a in value.args):
            whole = [operand(a) if isinstance(a, Value) else f"({a!r})" for a in value.args]
            return COMPARISONS[function].format(*whole)
        dtype = np.result_type(
            *(a.dtype if isinstance(a, Value) and a.kind != "python" else 0.0 for a in value.args)
        )
        wanted = "f4" if dtype == np.float32 else "f8"
        return COMPARISONS[function].format(*(cast(a, wanted) for a in value.args))
    name = "f4" if value.dtype == np.float32 else "f8"
    if function is np.logaddexp and _is_softplus(value):
        return f"softplus({cast(value.args[1], name)})"
    if function in OWN:
        return DOUBLE[function].format(*(cast(a, name) for a in value.args))
    if function in DOUBLE:
        inner = DOUBLE[function].format(*(cast(a, "f8") for a in value.args))
        return inner if name == "f8" else f"f4({inner})"
    if function is np.where:
        return ARITHMETIC[function].format(truth(value.args[0]), *(cast(a, name) for a in value.args[1:]))
    operands = [cast(a, name) for a in (value.args[:1] if function is astype else value.args)]
    if function is np.reciprocal:
        return f"({name}(1.0) / {operands[0]})"
    if function is np.sign:
        operands.append(f"{name}(1.0)")
    return ARITHMETIC[function].format(*operands)
