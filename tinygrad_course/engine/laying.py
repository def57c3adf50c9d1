"""Results of functions that are composed of others here, as NumPy's own give them.

Whether a result is a number or an array of no axes, a new array or the argument itself, and how it lies in
memory, decides what a later write to it reaches.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_course.engine.views import View

#: Of no axes, but arrays.
ARRAYS = {np.pad, np.resize, np.broadcast_arrays, np.select, np.piecewise, np.cov}
#: Views of an argument, or the argument itself, as NumPy's.
SHARED = {
    *(np.atleast_1d, np.atleast_2d, np.atleast_3d, np.broadcast_arrays, np.meshgrid, np.rollaxis, np.diag),
    *(np.hsplit, np.vsplit, np.dsplit, np.linalg.matrix_transpose, np.linalg.diagonal, np.real_if_close),
    *(np.diff, np.linalg.matrix_power, np.trim_zeros),
}
#: In the order of rows, however the arguments lie.
BY_ROWS = {
    *(np.take, np.choose, np.interp),
    *(np.quantile, np.percentile),
}
#: In the order of columns where the first argument is.
AS_FIRST = {np.pad, np.delete, np.insert, np.gradient}


def as_numpys(cls: type[Any], function: Any, y: Any, args: tuple[Any, ...]) -> Any:
    """Return the result `y` of a composed function (or its results) as NumPy's function gives it."""
    if type(y) is tuple or type(y) is list:
        return type(y)(as_numpys(cls, function, part, args) for part in y)
    if type(y) is not cls or type(y._data) is not np.ndarray:
        return y
    if not y.shape:
        return y if function in ARRAYS else y[()]
    if function in BY_ROWS or function in AS_FIRST:
        first = getattr(args[0], "_data", None)
        by_columns = function in AS_FIRST and isinstance(first, np.ndarray) and first.flags.fnc
        if not (y._data.flags.f_contiguous if by_columns else y._data.flags.c_contiguous):
            return np.copy(y, order="F" if by_columns else "C")
    if function not in SHARED and (type(y._state) is View or any(y is a for a in args)):
        return np.copy(y)
    return y
