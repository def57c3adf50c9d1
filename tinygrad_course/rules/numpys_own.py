"""What NumPy computes in Python from functions that have rules: by its own code, in which a Tensor stays one.

`np.trapezoid` makes an array of its samples, and goes on with slices, `np.diff` and a sum. Its code takes
Tensors where the names that make arrays, `np.asarray` and its like, mean what leaves a Tensor alone.
"""

import functools
import importlib
import inspect
import types
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib import scimath

from tinygrad_course.rules.shapes import as_array
from tinygrad_course.rules.table import composed


def asarray(a: Any, dtype: Any = None) -> Any:
    """What stands for `np.asarray` and `np.asanyarray`."""
    a = as_array(a)
    return a if dtype is None or a.dtype == dtype else a.astype(dtype)


def array(a: Any, dtype: Any = None, *, copy: bool | None = True, ndmin: int = 0, subok: bool = False) -> Any:
    """What stands for `np.array`."""
    a = asarray(a, dtype)
    a = np.copy(a) if copy else a
    return a if a.ndim >= ndmin else a.reshape((1,) * (ndmin - a.ndim) + a.shape)


_OURS = {"asarray": asarray, "asanyarray": asarray, "array": array}


class Names:
    """A module, by which NumPy's code calls what makes arrays."""

    def __init__(self, module: types.ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return _OURS.get(name) or getattr(self._module, name)


def own(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's function, without the protocol before it, as one that takes Tensors."""
    plain: Any = inspect.unwrap(function)
    return _moved(plain, _namespace(plain.__module__))


def _moved(function: Any, names: dict[str, Any]) -> Callable[..., Any]:
    moved = types.FunctionType(function.__code__, names, function.__name__, function.__defaults__)
    moved.__kwdefaults__ = function.__kwdefaults__
    return moved


@functools.cache
def _namespace(module: str) -> dict[str, Any]:
    """The names of a module of NumPy's: its helpers are moved with its functions."""
    held = vars(importlib.import_module(module))
    names = {**held, **{name: ours for name, ours in _OURS.items() if name in held}}
    for name, value in held.items():
        if isinstance(value, types.ModuleType):
            names[name] = Names(value)
        elif isinstance(value, types.FunctionType) and name[0] == "_" and value.__globals__ is held:
            names[name] = _moved(value, names)
    return names


for _function in (
    np.atleast_1d, np.atleast_2d, np.atleast_3d, np.vstack, np.hstack, np.dstack, np.column_stack,
    np.vsplit, np.hsplit, np.dsplit, np.unstack, np.rollaxis, np.extract, np.trim_zeros, np.fill_diagonal,
    np.apply_over_axes, np.diff, np.trapezoid, np.cumulative_sum, np.cumulative_prod, np.corrcoef,
    np.polyadd, np.polysub, np.polyval, np.polyder, np.polyint, np.poly,
    np.linalg.matrix_transpose, np.linalg.diagonal, np.linalg.trace, np.linalg.matmul, np.linalg.tensordot,
    np.linalg.outer, np.linalg.cross, np.linalg.matrix_power, np.linalg.multi_dot, np.linalg.tensorinv,
    np.linalg.matrix_norm, np.linalg.vector_norm, np.linalg.svdvals,
    scimath.sqrt, scimath.log, scimath.log2, scimath.log10, scimath.arccos, scimath.arcsin, scimath.arctanh,
):  # fmt: skip
    composed(_function)(own(_function))
