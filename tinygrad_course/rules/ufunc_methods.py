"""Methods of ufuncs (``np.add.reduce``, ``np.multiply.outer``) in terms of functions that have rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.rules.reductions import logsumexp
from tinygrad_course.rules.shapes import Axes, as_array
from tinygrad_course.rules.table import COMPOSED, RULES, UFUNC_METHODS


def reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, with the default of ``ufunc.reduce``: the first axis."""

    def reduce(array: Any, axis: Axes = 0, **kwargs: Any) -> Any:
        return function(array, axis=axis, **{k: v for k, v in kwargs.items() if v is not None})

    return reduce


def accumulation(function: Callable[..., Any]) -> Callable[..., Any]:
    def accumulate(array: Any, axis: int = 0, **kwargs: Any) -> Any:
        return function(array, axis=axis, **{k: v for k, v in kwargs.items() if v is not None})

    return accumulate


def outer(ufunc: np.ufunc) -> Callable[..., Any]:
    """Every element of the first argument with every element of the second."""

    def definition(a: Any, b: Any) -> Any:
        a, b = as_array(a), as_array(b)
        return ufunc(a.reshape(a.shape + (1,) * b.ndim), b)

    return definition


UFUNC_METHODS[np.add, "reduce"] = reduction(np.sum)
UFUNC_METHODS[np.multiply, "reduce"] = reduction(np.prod)
UFUNC_METHODS[np.maximum, "reduce"] = reduction(np.max)
UFUNC_METHODS[np.minimum, "reduce"] = reduction(np.min)
UFUNC_METHODS[np.logaddexp, "reduce"] = logsumexp
UFUNC_METHODS[np.add, "accumulate"] = accumulation(np.cumsum)
UFUNC_METHODS[np.multiply, "accumulate"] = accumulation(np.cumprod)
for entry in (*RULES, *COMPOSED):
    if isinstance(entry, np.ufunc) and entry.nin == 2 and entry.signature is None:
        UFUNC_METHODS[entry, "outer"] = outer(entry)
