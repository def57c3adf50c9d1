"""The rules on arrays that are not NumPy's: nothing is turned into a plain array, nothing is mixed with one.

`Guarded` speaks NumPy's protocols (NEP 13, NEP 18) and refuses what an array on another device refuses: to
become a plain array, and to be combined with one.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.mixins import NDArrayOperatorsMixin

from tests.properties.test_vocabulary import cost, cotangents, evaluate, outputs, variables
from tests.properties.vocabulary import CASES, Call
from tinygrad_course import Tensor

#: These make plain arrays of their own, of positions or numbers, and combine them with what they are given.
PLAIN_INSIDE = {
    *(
        "bincount",
        "compress",
        "concatenate, mixed",
        "cov, weights",
        "cumulative_prod",
        "cumulative_sum",
        "delete",
    ),
    *(
        "diff",
        "ediff1d",
        "extract",
        "geomspace",
        "gradient",
        "gradient, coordinates",
        "gradient, spacing",
        "hfft",
    ),
    *("insert", "insert, a row", "insert, columns", "interp", "interp, outside", "interp, period", "irfft"),
    *(
        "irfft2",
        "irfftn",
        "linspace",
        "logspace",
        "lstsq",
        "median",
        "nanmedian",
        "nanpercentile",
        "nanquantile",
    ),
    *("pad, copies", "percentile", "poly", "polyadd", "polyder", "polydiv", "polyfit", "polyint", "polymul"),
    *("polysub", "quantile", "repeat", "repeat, several", "resize", "select", "sliding_window_view"),
    *("take", "take_along_axis", "take_along_axis, few", "unique", "vander"),
    *("windows along one axis", "assign"),
    *("maximum.accumulate", "minimum.accumulate", "pad, median", "pad, ramps"),
    *("quantile, weights", "percentile, weights", "polyfit, cov", "polyfit, unscaled", "polyfit, full"),
}


class Guarded(NDArrayOperatorsMixin):
    """An array that keeps its numbers to itself."""

    def __init__(self, numbers: Any) -> None:
        self.numbers = np.asarray(numbers)

    shape = property(lambda self: self.numbers.shape)
    ndim = property(lambda self: self.numbers.ndim)
    size = property(lambda self: self.numbers.size)
    dtype = property(lambda self: self.numbers.dtype)
    nbytes = property(lambda self: self.numbers.nbytes)
    T = property(lambda self: Guarded(self.numbers.T))

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("turned into a plain array")

    def __bool__(self) -> bool:
        return bool(self.numbers)

    def __getitem__(self, index: Any) -> Guarded:
        return Guarded(self.numbers[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        self.numbers[index] = opened(value)

    def copy(self) -> Guarded:
        return Guarded(self.numbers.copy())

    def reshape(self, *shape: Any) -> Guarded:
        return Guarded(self.numbers.reshape(*shape))

    def astype(self, dtype: Any) -> Guarded:
        return Guarded(self.numbers.astype(dtype))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if any(isinstance(a, Tensor) for a in args):
            return NotImplemented
        if method == "at":  # its second argument is an index, and indices are NumPy's
            array, index, *rest = args
            return ufunc.at(opened(array), index, *map(opened, rest))
        return closed(getattr(ufunc, method)(*map(opened, args), **{k: opened(v) for k, v in kwargs.items()}))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if Tensor in types:
            return NotImplemented
        return closed(function(*map(opened, args), **{k: opened(v) for k, v in kwargs.items()}))


def opened(x: Any) -> Any:
    if isinstance(x, Guarded):
        return x.numbers
    if isinstance(x, (list, tuple)):
        return type(x)(map(opened, x))
    assert not (isinstance(x, np.ndarray) and x.ndim), "mixed with a plain array"
    return x


def closed(y: Any) -> Any:
    if isinstance(y, (list, tuple)):
        return type(y)(*map(closed, y)) if hasattr(y, "_fields") else type(y)(map(closed, y))
    return Guarded(y) if isinstance(y, (np.ndarray, np.generic)) else y


def guarded(call: Call, function: Any) -> Call:
    """The call with its constant arrays guarded too (indices are NumPy's)."""
    if function is operator.getitem:
        return call

    def guard(x: Any) -> Any:
        return Guarded(x) if isinstance(x, np.ndarray) and x.dtype.kind != "f" else x

    return Call(tuple(map(guard, call.args)), {k: guard(v) for k, v in call.kwargs.items()})


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", [n for n in CASES if n not in PLAIN_INSIDE and not n.startswith("special.")])
@settings(max_examples=max(1, settings.default.max_examples // 30))
@given(data=st.data())
def test_any_array(name: str, data: Any) -> None:
    case = CASES[name]
    call = data.draw(case.calls)
    values = variables(call)
    weights = cotangents(outputs(evaluate(case, call, values)))
    plain = [Tensor(v) for v in values]
    J = cost(case, call, weights)(plain)
    if not isinstance(J, Tensor):
        return
    J.backward()
    ours = [Tensor(Guarded(v)) for v in values]
    ys = outputs(evaluate(case, guarded(call, case.function), ours))
    total: Any = sum(
        np.sum(y * Guarded(w)) for y, w in zip(ys, weights, strict=True) if isinstance(y, Tensor)
    )
    total.backward()
    for a, b in zip(plain, ours, strict=True):
        if a.grad is not None:
            assert isinstance(b.grad, Guarded)
            np.testing.assert_allclose(b.grad.numbers, a.grad, rtol=1e-13, atol=1e-13)
