"""The arguments of a recorded call as the passes read them."""

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import of_each
from tinygrad_course.engine.inputs import parameters
from tinygrad_course.rules.table import is_tensor

AXES = {"axis", "axes", "axis1", "axis2", "source", "destination"}


def as_read(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return a call's arguments with arrays for lists among operands, and Python's ints for axes.

    Examples
    --------
    >>> as_read(np.sum, (np.ones(2), np.int64(0)), {})[0][1]
    0
    """
    if isinstance(function, np.ufunc) or function is np.where:
        return tuple([_as_array(x) for x in args]), kwargs
    if function is operator.getitem:
        return args, kwargs
    of_axes = _axes(function)
    args = tuple([_whole(x) if i in of_axes else x for i, x in enumerate(args)])
    return args, {k: _whole(x) if k in AXES else x for k, x in kwargs.items()}


def _as_array(x: Any) -> Any:
    """Return what NumPy makes an array of, a list or a range, as one; what holds tracers by a call."""
    if x is None or hasattr(x, "__array_ufunc__") or isinstance(x, (int, float, complex, str)):
        return x
    found: list[Any] = []
    of_each(x, lambda part: found.append(part) if is_tensor(part) else None)
    return np.stack([_as_array(part) for part in x]) if found else np.asarray(x)


@functools.cache
def _axes(function: Callable[..., Any]) -> frozenset[int]:
    """Return at which positions a function takes axes."""
    return frozenset(i for i, p in enumerate(parameters(function)) if p.name in AXES)


def _whole(axes: Any) -> Any:
    def whole(x: Any) -> Any:
        if isinstance(x, np.ndarray) and x.ndim:
            return tuple(x.tolist())
        return x.item() if isinstance(x, (np.integer, np.ndarray)) else x

    return of_each(axes, whole)
