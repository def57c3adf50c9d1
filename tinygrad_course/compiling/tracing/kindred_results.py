"""What a call on large arrays would return, in kind, shape and dtype, without computing it."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.rules.indexing import assign, astype, scatter

#: Arrays of more entries than this are not computed while a function is recorded, unless somebody looks.
LARGE = 8192

#: What costs next to nothing on arrays all of whose entries are one number in memory.
_CHEAP: set[Any] = {
    *(operator.getitem, np.transpose, np.reshape, np.squeeze, np.expand_dims, np.broadcast_to, np.swapaxes),
    *(np.moveaxis, np.sum, np.mean, np.max, np.amax, np.min, np.amin),
}
_NUMBERS = {int, float}


def kindred(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return something of the kind, shape and dtype of what a call returns; None if that is not known.

    What the call raises by the shapes of its arguments is raised.
    """
    if function in _CHEAP:
        made = function(*args, **kwargs)
        return one(made.shape, made.dtype) if isinstance(made, np.ndarray) else made
    if kwargs:
        return None
    if function is scatter:
        return one(args[2], args[0].dtype)
    if function is assign:
        x, index, value = args
        np.broadcast_to(value, np.shape(x[index]))
        return one(x.shape, x.dtype)
    if function is astype:
        return one(args[0].shape, args[1])
    arrays = [a for a in args if isinstance(a, (np.ndarray, np.generic))]
    if len(arrays) + sum(type(a) in _NUMBERS for a in args) < len(args):
        return None
    if function is np.dot or function is np.matmul:
        a, b = args
        if a.ndim == b.ndim == 2 and a.dtype == b.dtype and a.shape[1] == b.shape[0]:
            return one((a.shape[0], b.shape[1]), a.dtype)
    elif function is np.where and len(args) == 3:
        return one(np.broadcast_shapes(*[a.shape for a in arrays]), np.result_type(*args[1:]))
    elif isinstance(function, np.ufunc) and function.signature is None and function.nout == 1:
        dtypes = [a.dtype if isinstance(a, (np.ndarray, np.generic)) else type(a) for a in args]
        dtype = function.resolve_dtypes((*dtypes, None))[-1]
        return one(np.broadcast_shapes(*[a.shape for a in arrays]), dtype)[()]
    return None


def one(shape: tuple[int, ...], dtype: Any) -> Any:
    """Return an array of ones in the memory of a single one."""
    return np.broadcast_to(np.ones((), dtype), shape)
