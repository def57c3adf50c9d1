"""Shapes of gradients: undoing a broadcast, and putting back the axes that a reduction took away."""

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.rules.table import Vjp, is_tensor

Axes = int | tuple[int, ...] | None

_PLAIN = (np.ndarray, np.float64, np.float32, np.float16)
_add: Any = np.add.reduce  # what np.sum comes down to


#: What puts the entries of one array elsewhere, each as it is.
MOVES: set[Any] = {
    *(operator.getitem, np.reshape, np.ravel, np.transpose, np.swapaxes, np.moveaxis, np.matrix_transpose),
    *(np.squeeze, np.expand_dims, np.flip, np.flipud, np.fliplr, np.rot90, np.diagonal, np.broadcast_to),
    *(np.copy, np.tile, np.repeat, np.roll),
}


def normalize(axis: Axes, ndim: int) -> tuple[int, ...]:
    """The axes as non-negative numbers; None is all of them."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return tuple(a % ndim if ndim else 0 for a in axes)


def as_mask(where: Any) -> Any:
    """What NumPy takes for ``where=``: booleans, or a list of what is true or false."""
    if not hasattr(where, "dtype"):
        return np.asarray(where, dtype=bool)
    if where.dtype != np.bool_:
        raise TypeError(f"where= is an array of {where.dtype}, and NumPy takes booleans: write where=w != 0")
    return where


def kept(shape: tuple[int, ...], axis: Axes) -> tuple[int, ...]:
    """The shape of a reduction over `axis` with ``keepdims=True``."""
    axes = normalize(axis, len(shape))
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def restore(g: Any, shape: tuple[int, ...], axis: Axes, keepdims: Any) -> Any:
    """`g`, of a reduction's shape, with the reduced axes back at length 1: to broadcast against the input."""
    if keepdims or axis is None or not shape:  # (NumPy lets a number have an axis 0)
        return g
    if type(axis) is int:
        i = axis % len(shape)
        return g.reshape((*shape[:i], 1, *shape[i + 1 :]))
    return g.reshape(kept(shape, axis))


def spread(g: Any, shape: tuple[int, ...]) -> Any:
    """`np.broadcast_to`, without its cost: a number is written out, an array repeated by a view."""
    if g.shape == shape:
        return g
    if isinstance(g, np.inexact):
        full: Any = np.empty(shape, g.dtype)
        full.fill(g)
        return full
    if type(g) in _PLAIN and (g.ndim == 0 or (g.ndim == len(shape) and g.flags.c_contiguous)):
        repeated = [0 if n == 1 else s for n, s in zip(g.shape, g.strides, strict=True)]
        strides = tuple(repeated) if repeated else (0,) * len(shape)
        view: Any = np.ndarray(shape, g.dtype, g, 0, strides)
        view.flags.writeable = False
        return view
    return np.broadcast_to(g, shape)


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum a gradient over the axes along which its tensor was broadcast: it gets the tensor's shape."""
    own = g.shape if type(g) is np.ndarray else np.shape(g)
    if len(own) == len(shape) == 2 and own[0] == shape[0] and shape[1] == 1 and type(g) is np.ndarray:
        summed: Any = _add(g, 1, None, None, True)  # a bias: the course's np.sum(dZ, axis=1, keepdims=True)
        return summed
    extra = len(own) - len(shape)
    if extra < 0:  # the vjp of a constant slope may be smaller than its argument
        return np.broadcast_to(g, shape)
    if extra and shape and own[extra:] == shape and many(g):
        rows = g.reshape(-1, math.prod(shape))  # of units that come last: one product
        return np.dot(np.ones(len(rows), g.dtype), rows).reshape(shape)
    axes = []
    for i, n in enumerate(own):
        if i < extra or (shape[i - extra] == 1 and n != 1):
            axes.append(i)
    if axes:
        if type(g) is np.ndarray:
            g = _add(g, axes[0] if len(axes) == 1 else tuple(axes), None, None, True)
        else:
            g = np.sum(g, axis=tuple(axes), keepdims=True)
        if extra:
            g = g.reshape(g.shape[extra:])
    return g if g.shape == shape else np.broadcast_to(g, shape)


def is_complex(a: Any) -> bool:
    """Whether `a` (an array, a Tensor or a number) holds complex numbers."""
    dtype = getattr(a, "dtype", None)
    return type(a) is complex if dtype is None else dtype.kind == "c"


def conj(a: Any) -> Any:
    """The conjugate; real numbers as they are."""
    return np.conjugate(a) if is_complex(a) else a


def adjoint(a: Any) -> Any:
    """The conjugate transpose of each matrix of a stack."""
    return conj(transposed(a))


def by_formula(vjp: Vjp) -> Vjp:
    """A vjp written for the conjugate of our gradients, which formulas with A^H are about."""

    @functools.wraps(vjp)
    def turned(g: Any, *args: Any, **kwargs: Any) -> Any:
        g = tuple(map(conj, g)) if isinstance(g, tuple) else conj(g)
        return conj(vjp(g, *args, **kwargs))

    return turned


def transposed(a: Any) -> Any:
    """The transpose of each matrix of a stack."""
    return a.T if a.ndim == 2 else np.swapaxes(a, -1, -2)


def as_array(a: Any) -> Any:
    """A number or a list, also one of Tensors, as an array; arrays and Tensors are left alone."""
    if hasattr(a, "ndim"):
        return a
    nest = isinstance(a, (list, tuple))
    parts = [as_array(part) if isinstance(part, (list, tuple)) else part for part in a] if nest else ()
    if not any(map(is_tensor, parts)):
        return np.asarray(a)
    shapes = [np.shape(part) for part in parts]
    if len(set(shapes)) > 1:
        raise ValueError(
            f"array: the parts of one level have shapes {shapes}; they must be equal. np.concatenate joins "
            "parts of different lengths"
        )
    return np.stack(parts)


def inexact(a: Any) -> Any:
    """An array, of whole numbers in double precision: what NumPy makes of them before it divides."""
    a = as_array(a)
    return a if a.dtype.kind in "fc" else a.astype(float)


def largest(data: Any) -> float:
    """The largest of plain real numbers, NaN if there is one; 0.5 for anything else.

    A Tensor is not looked at: a recording, and what is drawn and derived from it, keeps the course's formula.
    """
    if type(data) is np.ndarray and data.dtype.kind == "f" and data.size:
        return data.item(data.argmax())  # type: ignore[no-any-return]  # much faster than data.max()
    return float(data) if isinstance(data, np.floating) else 0.5


#: Arrays larger than this are looked through for what is far out; of smaller ones all is computed so.
LARGE = 4096


def many(g: Any) -> bool:
    """Whether these are plain numbers, and so many that NumPy's own way is slow."""
    return type(g) is np.ndarray and g.size > LARGE and g.dtype.char in "fd"


def masked(g: Any, where: Any) -> Any:
    """`g` where the mask is true, 0 elsewhere; of many numbers by their bits, for NumPy guesses at each."""
    if where is True:
        return g
    if many(g) and type(where) is np.ndarray and where.dtype == np.bool_ and where.shape == g.shape:
        bits = where.astype(f"i{g.itemsize}")
        np.negative(bits, bits)
        bits &= g.view(bits.dtype)
        return bits.view(g.dtype)
    return np.where(where, g, 0.0)


def with_far_entries(slope: Any, exact: Callable[[Any], Any], a: Any, limit: float) -> Any:
    """A slope whose entries beyond +-limit are made anew, by ``exact(a)``."""
    far = (np.abs(a) > limit).ravel().nonzero()[0]
    slope.put(far, exact(a.take(far)))
    return slope
