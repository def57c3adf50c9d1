"""NaN on the way to results: whether one may get lost, so that results which are finite are wrong."""

import operator
from collections import Counter

import numpy as np

from tinygrad_course.compiling.builder import uniform
from tinygrad_course.compiling.dataflow import Program, Value
from tinygrad_course.compiling.tracing.trace import Trace
from tinygrad_course.engine.stable_forms import is_sigmoid
from tinygrad_course.rules.table import as_written

#: What overflows to infinity, from which NaN comes.
_EXPONENTIALS = {
    *(np.exp, np.exp2, np.expm1, np.power, operator.pow, np.float_power, np.sinh, np.cosh, np.logaddexp),
}
_POWERS = {np.power, operator.pow, np.float_power}
#: A product of more factors than this may be too large, or too small, whatever they are.
MANY = 64


def leaves_range(program: Program) -> bool:
    """Whether results come by numbers that may be too large, or too small: by exponentials, or cubes.

    Powers, quotients and logarithms count on the way to gradients alone: a slope that is infinite, that of a
    root at 0, may be multiplied by a constant 0, and 1 - A is 0 where A is 1.
    """
    factors: dict[int, list[int]] = {}
    needed = {id(v) for v in program.values() if v.backward}
    for v in reversed(program.values()):
        if id(v) in needed:
            needed.update(map(id, v.inputs))
    for v in program.values():
        if id(v) not in needed:
            continue
        if v.function in {np.multiply, np.square}:
            operands = v.inputs * (2 if v.function is np.square else 1)
            found = factors[id(v)] = [f for a in operands for f in factors.get(id(a), [id(a)])]
            if len(found) > MANY or max(Counter(found).values(), default=0) > 2:
                return True
        if v.function in _POWERS or _divides(v):
            return True
    return any(
        v.function in _EXPONENTIALS - _POWERS - {np.logaddexp} and not _is_bounded(v)
        for v in program.values()
    )


def _divides(v: Value) -> bool:
    """Whether something is divided by what is computed, or its logarithm taken, and that may be 0."""
    divisor = v.args[-1] if v.function in {np.divide, np.reciprocal, np.log} else None
    return isinstance(divisor, Value) and not divisor.is_constant and not _is_beyond_one(divisor)


def _is_beyond_one(v: Value) -> bool:
    """Whether it is 1 + exp(-|z|)."""
    numbers = [uniform(a) if isinstance(a, Value) else a for a in v.args]
    return v.function is np.add and 1.0 in numbers and any(map(_is_bounded, v.inputs))


def _is_bounded(v: Value) -> bool:
    """Whether it is exp(-|z|) or a sigmoid, which are at most 1."""
    if v.function is not np.exp:
        return is_sigmoid(v.function)
    inner = v.args[0].args[0] if v.inputs and v.args[0].function is np.negative else None
    return isinstance(inner, Value) and inner.function is np.absolute


#: Functions of numbers that give NaN for a NaN among any of them.
_WITH_NAN = {
    *(np.add, np.subtract, np.multiply, np.divide, np.negative, np.square, np.sqrt, np.exp, np.log, np.tanh),
    *(np.maximum, np.minimum, np.absolute, np.expm1, np.log1p, np.sum, np.mean, np.max, np.min, np.transpose),
    *(np.matmul, np.dot, np.reshape),
}
#: Functions of numbers that may give a finite one for NaN.
_WITHOUT_NAN = {
    *(np.fmin, np.fmax, np.nan_to_num, np.power, operator.pow, np.sort, np.partition, np.hypot, np.copysign),
}


def loses_nan(program: Program, trace: Trace, since: int | None, *, exponentials: bool) -> bool:
    """Whether a NaN, the last of so many calls or later, may reach no result: its sign is asked for, say.

    With `exponentials`, from the first one on.
    """
    calls = [v for v, *_ in trace.calls]
    begins = [calls[since - 1].born] if since else []
    if exponentials:
        begins += [v.born for v in calls if v.function in _EXPONENTIALS][:1]
    if not begins:
        return False
    begin = min(begins)
    shown = {id(v) for v in program.results}  # whose NaN is one of a result
    values = program.values()
    for v in reversed(values):
        if id(v) in shown and v.function in _WITH_NAN and not v.kwargs.keys() - {"axis", "keepdims"}:
            shown.update(map(id, v.inputs))
    for v in values:
        if v.kind == "tuple":
            continue
        lost = v.function in _WITHOUT_NAN or as_written(v.function).startswith("np.nan")
        if v.function is np.linalg.norm:  # of order 0 it counts
            lost = (*v.args[1:2], v.kwargs.get("ord"))[0] == 0
        for a in v.inputs:
            while a.function is np.reshape and isinstance(a.args[0], Value):
                a = a.args[0]
            computed = a.function is not None and a.born >= begin and id(a) not in shown
            floats = a.dtype is not None and a.dtype.kind in "fc"
            if computed and (lost or (floats and v.dtype.kind not in "fc")):
                return True
    return False
