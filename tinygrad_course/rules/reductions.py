"""Sums, products, extremes and their like: an axis (or all of them) becomes one number.

Every rule honours ``axis`` (a number, a tuple, None), ``keepdims``, ``where`` and, where NumPy has them,
``initial``, ``dtype`` and ``ddof``.
"""

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.rules.elementwise import quotient
from tinygrad_course.rules.shapes import (
    Axes,
    conj,
    inexact,
    is_complex,
    kept,
    masked,
    normalize,
    restore,
    spread,
)
from tinygrad_course.rules.table import primitive, rule, with_keywords


def counted(a: Any, axis: Axes, where: Any, reduced: Any) -> Any:
    """How many elements of `a` went into each element of `reduced`."""
    if where is True:
        return a.size // max(reduced.size, 1)
    # counted in the dtype of a: an array of integers would promote float32
    return np.sum(np.broadcast_to(where, a.shape), axis=axis, keepdims=True, dtype=a.dtype.type)


def mean_vjp(
    g: Any, y: Any, a: Any, axis: Axes = None, dtype: Any = None, *, keepdims: Any = False, where: Any = True
) -> Any:
    n = counted(a, axis, where, y)
    g = restore(g, a.shape, axis, keepdims) / (max(n, 1) if where is True else np.maximum(n, 1))
    return masked(spread(g, a.shape), where)


def total(a: Any, axis: Axes = None, dtype: Any = None, **options: Any) -> Any:
    """`np.sum`; of all without the way there, of a few neighbours by slices, of short rows by a product."""
    if type(a) is np.ndarray:
        if axis is None and dtype is None and not options:
            return np.add.reduce(a, None)
        if dtype is None and options.keys() <= {"keepdims"} and has_short_rows(a, axis):
            n = a.shape[-1]
            shape = (*a.shape[:-1], *[1] * bool(options.get("keepdims")))
            return np.dot(a.reshape(-1, n), np.ones(n, a.dtype)).reshape(shape)
        places = few_places(a, axis) if options.keys() <= {"keepdims"} else None
        kind = np.dtype(dtype or a.dtype)
        if not places or kind.kind not in "fc" or kind.itemsize < 4 or not np.can_cast(a.dtype, kind):
            return np.add.reduce(a, axis, dtype, None, **options)
        y = a[places[0]].astype(kind)
        for place in places[1:]:
            y += a[place]
        return y.reshape(kept(a.shape, axis)) if options.get("keepdims") else y
    given = {"axis": axis, "dtype": dtype}  # not every library's arrays take what is left out
    return np.sum(a, **{k: v for k, v in given.items() if v is not None}, **options)


rule(
    np.sum,
    lambda g, y, a, axis=None, dtype=None, *, keepdims=False, initial=0, where=True: masked(
        spread(restore(g, a.shape, axis, keepdims), a.shape), where
    ),
    saves=False,
    compute=total,
)


def mean(a: Any, axis: Axes = None, dtype: Any = None, **options: Any) -> Any:
    """`np.mean`; that of rows and of a few neighbours from their sum."""
    if type(a) is np.ndarray and a.dtype.char in "fd" and dtype is None and options.keys() <= {"keepdims"}:
        y = total(a, axis, **options)
        if y.size and a.size:
            y /= a.size // y.size
            return y
    return np.mean(a, axis, dtype, **options)


rule(np.mean, mean_vjp, saves=False, compute=mean)

# ------------------------------------------------------------------ spread of the values


def freedom(a: Any, axis: Axes, where: Any, y: Any, ddof: float, correction: float | None) -> Any:
    """The divisor of a variance, NaN where it is not positive (NumPy warns of that on the way forward)."""
    n = counted(a, axis, where, y) - (ddof if correction is None else correction)
    if where is True:
        return n if n > 0 else math.nan
    return np.where(n > 0, n, math.nan)


def centered(a: Any, axis: Axes, where: Any) -> Any:
    if where is True:
        return a - np.mean(a, axis=axis, keepdims=True)
    return masked(a - np.mean(a, axis=axis, keepdims=True, where=where), where)


def var_vjp(
    g: Any,
    y: Any,
    a: Any,
    axis: Axes = None,
    dtype: Any = None,
    *,
    ddof: float = 0,
    keepdims: Any = False,
    where: Any = True,
    correction: float | None = None,
) -> Any:
    n = freedom(a, axis, where, y, ddof, correction)
    return (restore(g, a.shape, axis, keepdims) * (2.0 / n)) * conj(centered(a, axis, where))


@functools.wraps(var_vjp)
def std_vjp(g: Any, y: Any, a: Any, axis: Axes = None, dtype: Any = None, **options: Any) -> Any:
    where, keepdims = options.pop("where", True), options.pop("keepdims", False)
    g, y = restore(g, a.shape, axis, keepdims), restore(y, a.shape, axis, keepdims)
    alone = counted(a, axis, where, y) == 1  # the deviation of one number is 0 everywhere, not at a tip
    if alone is not False:
        y = np.where(alone, 1.0, y)
    return quotient(var_vjp(g, y, a, axis, keepdims=True, where=where, **options), 2.0 * y)


rule(np.var, var_vjp)
rule(np.std, std_vjp)


@with_keywords(np.var, "mean")
def var_about(
    a: Any,
    axis: Axes = None,
    *,
    mean: Any,
    dtype: Any = None,
    ddof: float = 0,
    keepdims: Any = False,
    where: Any = True,
    correction: float | None = None,
) -> Any:
    """The variance about a mean that was computed before (with ``keepdims=True``)."""
    away = a - mean
    squares = np.square(np.abs(away) if is_complex(away) else away)
    squares = np.sum(squares, axis, dtype, keepdims=keepdims, where=where)
    n = counted(a, axis, where, squares) - (ddof if correction is None else correction)
    if where is True:
        return squares / max(n, 0.0)
    return squares / np.maximum(n if keepdims else n.reshape(squares.shape), 0.0)


with_keywords(np.std, "mean")(lambda a, axis=None, **kwargs: np.sqrt(var_about(a, axis, **kwargs)))

# ------------------------------------------------------------------ extremes


def extreme_vjp(
    g: Any,
    y: Any,
    a: Any,
    axis: Axes = None,
    *,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """Equal maxima share the gradient; a constant `initial` takes all of it."""
    places = few_places(a, axis) if where is True and initial is None else None
    if places:
        y = y.reshape(a[places[0]].shape)
        hits = [a[place] == y for place in places]
        count = hits[0].astype(np.int8)
        for hit in hits[1:]:
            count += hit
        each = g.reshape(count.shape) / np.maximum(count, 1).astype(g.dtype)
        ga = np.zeros_like(a)
        for place, hit in zip(places, hits, strict=True):
            np.copyto(ga[place], each, where=hit)
        return ga
    hit = a == restore(y, a.shape, axis, keepdims)
    if where is not True:
        hit = hit & where
    if initial is not None:
        hit = hit & (restore(y, a.shape, axis, keepdims) != initial)
    n = np.maximum(np.sum(hit, axis=axis, keepdims=True, dtype=a.dtype.type), 1.0)  # 0 for a NaN
    if axis is None and not keepdims:
        n = n.reshape(())
    return np.where(hit, restore(g, a.shape, axis, keepdims) / n, 0.0)


def has_short_rows(a: Any, axis: Axes) -> bool:
    """Whether the last axis of `a` is reduced, and neither too short nor too long: NumPy is slow there."""
    return (
        a.dtype.char in "fd"
        and a.ndim > 1
        and a.size >= 4096
        and FEW < a.shape[-1] <= LONG
        and (axis == -1 or axis == a.ndim - 1)
        and a.flags.c_contiguous
    )


def few_places(a: Any, axis: Axes) -> list[tuple[Any, ...]] | None:
    """The slices that a sum or an extreme is taken of, if they are few and large: NumPy is slow there."""
    if type(a) is not np.ndarray or axis is None or a.size < 4096:
        return None
    axes = normalize(axis, a.ndim)
    if (
        a.ndim - 1 not in axes
        or math.prod(a.shape[i] for i in axes) > FEW
        or not all(a.shape[i] for i in axes)
    ):
        return None
    return list(itertools.product(*(range(n) if i in axes else [slice(None)] for i, n in enumerate(a.shape))))


def by_places(ufunc: np.ufunc, function: Callable[..., Any]) -> Callable[..., Any]:
    def compute(a: Any, axis: Axes = None, *args: Any, **kwargs: Any) -> Any:
        places = few_places(a, axis) if not args and kwargs.keys() <= {"keepdims"} else None
        if not places:
            return function(a, axis, *args, **kwargs)
        y = a[places[0]].copy()
        for place in places[1:]:
            ufunc(y, a[place], out=y)
        return y.reshape(kept(a.shape, axis)) if kwargs.get("keepdims") else y

    return compute


#: Up to so many neighbours (those of pooling, 3 by 3) have their extreme or sum taken slice by slice.
FEW = 9
#: Longer rows are summed by NumPy, in pairs, which loses less.
LONG = 1024
for _ufunc, *_extremes in ((np.maximum, np.max, np.amax), (np.minimum, np.min, np.amin)):
    for _extreme in _extremes:
        rule(_extreme, extreme_vjp, chooses=(), compute=by_places(_ufunc, _extreme))


# a reduction that starts from a Tensor; from a number, its rule serves
for _start, _reduce in (
    (np.add, np.sum), (np.multiply, np.prod), (np.maximum, np.max), (np.maximum, np.amax),
    (np.minimum, np.min), (np.minimum, np.amin),
):  # fmt: skip
    with_keywords(_reduce, "initial")(
        lambda *args, initial, f=_start, reduce=_reduce, **kwargs: f(reduce(*args, **kwargs), initial)
    )


def weighed(x: Any, b: Any, axis: Axes, keepdims: bool) -> Any:
    """log(sum(b exp(x))), without overflow; without weights where b is None."""
    x = inexact(x)
    highest = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    highest = np.where(np.isfinite(highest), highest, 0)  # all -inf, or some inf: no NaN from a difference
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        terms = np.exp(x - highest)
        y = np.log(np.sum(terms if b is None else b * terms, axis=axis, keepdims=True)) + highest
    return y if keepdims else np.squeeze(y, axis=axis)[()]


@primitive
def logsumexp(x: Any, axis: Axes = 0, keepdims: bool = False) -> Any:
    """log(sum(exp(x)))."""
    return weighed(x, None, axis, keepdims)


def logsumexp_vjp(g: Any, y: Any, x: Any, axis: Axes = 0, keepdims: bool = False) -> Any:
    g, y = restore(g, x.shape, axis, keepdims), restore(y, x.shape, axis, keepdims)
    infinite = np.isinf(y)  # inf - inf is not a number: the infinite terms have all of the weight
    weight = np.exp(np.where(infinite, 0.0, x) - np.where(infinite, 0.0, y))
    equal = (x == y) * x.dtype.type(1)
    return g * np.where(infinite, equal / np.maximum(np.sum(equal, axis=axis, keepdims=True), 1), weight)


rule(logsumexp, logsumexp_vjp)

# ------------------------------------------------------------------ products


def last(a: Any, axis: Axes) -> tuple[Any, tuple[int, ...], tuple[int, ...]]:
    """`a` with the axes moved to the end and made one; with the order and the shape to put it back."""
    axes = normalize(axis, a.ndim)
    order = tuple(i for i in range(a.ndim) if i not in axes) + axes
    moved = np.transpose(a, order)
    return moved.reshape((*moved.shape[: a.ndim - len(axes)], -1)), order, moved.shape


def product_before(x: Any) -> Any:
    """The product of the elements before each one, along the last axis."""
    return np.cumprod(np.concatenate([np.ones_like(x[..., :1]), x[..., :-1]], axis=-1), axis=-1)


def without_one(x: Any) -> Any:
    """The products of all but each one of the numbers along the last axis, without a division."""
    return product_before(x) * np.flip(product_before(np.flip(x, -1)), -1)


def prod_vjp(
    g: Any,
    y: Any,
    a: Any,
    axis: Axes = None,
    dtype: Any = None,
    *,
    keepdims: Any = False,
    initial: Any = 1,
    where: Any = True,
) -> Any:
    """The product of all other elements: no division, so that zeros among them are right."""
    if a.size == 0:
        return np.zeros_like(a)
    g = restore(g * initial, a.shape, axis, keepdims)
    if not a.ndim:
        return masked(g, where)
    x, order, shape = last(a if where is True else np.where(where, a, 1.0), axis)
    return masked(g * np.transpose(without_one(x).reshape(shape), tuple(np.argsort(order).tolist())), where)


rule(np.prod, prod_vjp)

# ------------------------------------------------------------------ running sums and products


def cumprod_vjp(g: Any, y: Any, a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """da[i] = (product before i) s[i], where s[i] = g[i] + a[i+1] s[i+1]: right with zeros too."""
    along = 0 if axis is None else axis
    x = np.moveaxis(a.reshape(-1) if axis is None or not a.ndim else a, along, -1)
    g = np.moveaxis(g, along, -1)
    n = x.shape[-1]
    if n == 0:
        return np.zeros_like(a)
    s, factors, step = g, x[..., 1:], 1
    while step < n:  # s[i] is the sum of g[i:i + step], each times the factors up to it
        s = np.concatenate([s[..., : n - step] + factors * s[..., step:], s[..., n - step :]], axis=-1)
        factors = factors[..., : max(n - 2 * step, 0)] * factors[..., step:]
        step *= 2
    return np.moveaxis(product_before(x) * s, -1, along).reshape(a.shape)


rule(
    np.cumsum,
    lambda g, y, a, axis=None, dtype=None: np.flip(
        np.cumsum(np.flip(g, axis or 0), axis=axis or 0), axis or 0
    ).reshape(a.shape),
    saves=False,
)
rule(np.cumprod, cumprod_vjp)
