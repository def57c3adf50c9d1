"""Gradients that are 0 whatever the numbers are: that of the shift, max(z), of a softmax typed by hand.

With e = exp(z - max(z)), S = sum(e) and a = e / S, what comes back to the maximum is the sum along the axis
of e (g / S - sum(g a / S)). Such a sum is made of e and g by the four operations of arithmetic alone, so that
what is 0 for numbers drawn at random is 0 for all. And where a 0 that is added is not nothing: beside -0.0.
"""

import math
from typing import Any

import numpy as np
from scipy import special

from tinygrad_course.compiling.builder import Unfit
from tinygrad_course.compiling.dataflow import Value, is_sum

#: What a sum is followed back through, so many calls far; before that, numbers are drawn.
_FOLLOWED: set[Any] = {
    *(np.add, np.subtract, np.multiply, np.divide, np.negative, np.square, np.reciprocal, np.sum),
    *(np.reshape, np.broadcast_to),
}
DEPTH = 16
#: And so many calls far to find a softmax.
NEAR = 5
#: So many of the examples are looked at.
SOME = 3


def is_nothing(value: Value) -> bool:
    """Whether a sum along axes is what comes back to the maximum, and so 0."""
    axes = value.kwargs["axis"]
    if axes is None or not _has_softmax(value.args[0], axes):
        return False
    try:
        return _vanishes(value, axes, SOME)
    except Unfit:
        return _vanishes(value, axes, math.inf)


def _vanishes(value: Value, axes: tuple[int, ...], some: float) -> bool:
    """Whether a sum is 0 for so many examples; `Unfit` if there are constants that differ in the others."""
    sizes = {value.args[0].shape[axis] for axis in axes}
    rng = np.random.RandomState(0)
    known: dict[int, Any] = {}
    rounding = 100 * np.finfo(float).eps

    def cut(shape: tuple[int, ...]) -> tuple[int, ...]:
        return tuple([n if n in sizes or n <= some else SOME for n in shape])

    def numbers(v: Any, depth: int = DEPTH) -> Any:
        nonlocal rounding
        if not isinstance(v, Value):
            return v
        if id(v) not in known:
            if v.is_constant:  # labels, rounded to what the program computes in
                rounding = max(rounding, 8 * np.finfo(value.dtype).eps)
                known[id(v)] = v.data
                if cut(v.shape) != v.shape:
                    raise Unfit
            elif not depth or not _is_followed(v, axes):
                known[id(v)] = rng.uniform(0.5, 1.5, cut(v.shape))
            else:
                first, *others = [numbers(a, depth - 1) for a in v.args]
                if v.function in {np.reshape, np.broadcast_to}:
                    others = [cut(v.shape)]
                known[id(v)] = v.function(first, *others, **v.kwargs)  # type: ignore[misc]
        return known[id(v)]

    with np.errstate(all="ignore"):
        terms = numbers(value.args[0])
        return bool(np.all(np.abs(np.sum(terms, axes)) <= rounding * np.sum(np.abs(terms), axes)))


def _is_followed(value: Value, axes: tuple[int, ...]) -> bool:
    if value.function is np.reshape:
        return [n for n in value.args[0].shape if n != 1] == [n for n in value.shape if n != 1]
    if value.function is np.sum:
        return is_sum(value) and value.kwargs["axis"] == axes
    return value.function in _FOLLOWED and not value.kwargs


def _has_softmax(value: Value, axes: tuple[int, ...], depth: int = NEAR) -> bool:
    """Whether exp(z - max(z)) is a factor in what is summed."""
    return _is_softmaxs(value, axes) or (
        depth > 0
        and value.function is not np.sum
        and _is_followed(value, axes)
        and any(_has_softmax(v, axes, depth - 1) for v in value.inputs)
    )


def _is_softmaxs(value: Value, axes: tuple[int, ...]) -> bool:
    """Whether it is exp(z - max(z)), which no infinite number is among."""
    shifted = value.args[0] if value.function is np.exp else None
    if not isinstance(shifted, Value) or shifted.function is not np.subtract:
        return False
    z, shift = shifted.args
    return (
        isinstance(shift, Value)
        and shift.function is np.max
        and shift.args == (z,)
        and shift.kwargs["axis"] == axes
    )


def without_nothing(new: Value, nothing: set[int]) -> Value:
    """Return what a call on sums that are 0 amounts to, and note it where that is 0 too."""
    function, args = new.function, new.args
    first, *others = [isinstance(a, Value) and id(a) in nothing for a in args]
    if function in {np.negative, np.reshape, np.broadcast_to, np.divide, np.squeeze} and first:
        nothing.add(id(new))
    elif function is np.where and len(args) == 3 and others[0]:
        if others[1] or (not isinstance(args[2], Value) and args[2] == 0):
            nothing.add(id(new))
    elif function in {np.add, np.subtract} and (first or others[0]):
        left = args[0] if others[0] else args[1]
        is_left = function is np.add or others[0]
        if is_left and isinstance(left, Value) and (left.shape, left.dtype) == (new.shape, new.dtype):
            return left
    return new


def turns_minus_0(function: Any, args: Any) -> bool:
    """Whether x + 0, or 0 - x, is another number than x, or -x: 0.0 where these are -0.0."""
    zeros = [not isinstance(a, Value) and a == 0 for a in args]
    if function is np.subtract:
        return zeros[0]
    return function is np.add and any(zeros) and not all(map(_never_minus_0, args))


def _never_minus_0(arg: Any) -> bool:
    while isinstance(arg, Value) and is_sum(arg):
        arg = arg.args[0]
    return not isinstance(arg, Value) or arg.function in {np.square, np.exp, np.absolute, special.expit}
