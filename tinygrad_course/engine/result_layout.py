"""Results of functions that are composed of others here, as NumPy's own give them.

Whether a result is a number or an array of no axes, a new array or the argument itself, and how it lies in
memory, decides what a later write to it reaches.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_course.engine.views import View

#: Of no axes, but arrays.
ARRAYS = {np.pad, np.resize, np.broadcast_arrays, np.select, np.piecewise, np.cov, np.full_like, np.cross}
#: Views of an argument, or the argument itself, as NumPy's.
SHARED = {
    *(np.atleast_1d, np.atleast_2d, np.atleast_3d, np.broadcast_arrays, np.meshgrid, np.rollaxis, np.diag),
    *(np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit, np.unstack),
    *(np.linalg.matrix_transpose, np.linalg.diagonal, np.real_if_close),
    *(np.diff, np.linalg.matrix_power, np.trim_zeros, np.lib.stride_tricks.sliding_window_view),
}
#: In the order of rows, however the arguments lie.
BY_ROWS = {np.take, np.choose}
#: In the order of columns where the first argument is.
AS_FIRST = {np.pad, np.delete, np.insert, np.gradient}


#: Computed by NumPy itself, to the last digit and in its dtype: the definition is there for the gradient.
OWN = {
    *(np.average, np.quantile, np.percentile, np.median, np.nanquantile, np.nanpercentile, np.nanmedian),
    *(np.nanmean, np.nanvar, np.nanstd, np.cov, np.corrcoef, np.correlate, np.gradient, np.trapezoid),
    *(np.polyval, np.polyint, np.polydiv, np.polyfit, np.linspace, np.logspace, np.geomspace),
    *(np.modf, np.full_like, np.cross, np.linalg.cross, np.sum, np.prod, np.nanmax, np.nanmin),
    *(np.interp, np.linalg.lstsq, np.linalg.cond),
}


def as_numpys(cls: type[Any], function: Any, y: Any, args: tuple[Any, ...], own: Any = None) -> Any:
    """Return the result of a composed function as NumPy's own gives it, which has computed `own` if asked."""
    if type(y) is tuple or type(y) is list:
        owns = [None] * len(y) if own is None else own
        return type(y)(as_numpys(cls, function, part, args, o) for part, o in zip(y, owns, strict=True))
    if own is not None and (type(y) is not cls or (y.size and not np.size(own))):
        return own
    if own is not None and np.shape(own) == y.shape:
        y = y if type(y._state) is not View and all(y is not a for a in args) else np.positive(y)
        y._data = own if y.shape or function in ARRAYS else own[()]
        return y
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
