"""Differences, sums and interpolation of samples; ranges of numbers; functions along axes."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.rules.indexing import astype
from tinygrad_course.rules.shapes import as_array, inexact, is_complex, normalize
from tinygrad_course.rules.table import composed, constant, is_tensor, rule, with_keywords

# ------------------------------------------------------------------ differences and sums of samples


def part(axis: int, ndim: int, start: int | None, stop: int | None) -> tuple[slice, ...]:
    return (slice(None),) * (axis % ndim) + (slice(start, stop),)


@composed(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    steps = np.diff(as_array(ary).reshape(-1))
    ends = [None if e is None else astype(as_array(e).reshape(-1), steps.dtype) for e in (to_begin, to_end)]
    parts = [p for p in (ends[0], steps, ends[1]) if p is not None]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


@composed(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Differences of the second order inside, of `edge_order` at both ends."""
    f = as_array(f)
    axes = normalize(axis, f.ndim)
    spacings = varargs * len(axes) if len(varargs) == 1 else varargs or (1.0,) * len(axes)
    slopes = [slope_along(np.moveaxis(f, k, -1), h, edge_order) for k, h in zip(axes, spacings, strict=True)]
    slopes = [np.moveaxis(s, -1, k) for k, s in zip(axes, slopes, strict=True)]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def slope_along(f: Any, spacing: Any, edge_order: int) -> Any:
    n = f.shape[-1] - 1
    steps = np.broadcast_to(as_array(spacing), (n,)) if np.ndim(spacing) == 0 else np.diff(inexact(spacing))
    if not is_tensor(steps):
        steps = steps.astype(f.dtype)
    slopes = np.diff(f) / steps
    h0, h1 = steps[:-1], steps[1:]
    inside = (slopes[..., :-1] * h1 + slopes[..., 1:] * h0) / (h0 + h1)
    first, end = slopes[..., :1], slopes[..., -1:]
    if edge_order == 2:  # the parabola through three points
        first = first - (slopes[..., 1:2] - first) * steps[:1] / (steps[:1] + steps[1:2])
        end = end + (end - slopes[..., -2:-1]) * steps[-1:] / (steps[-1:] + steps[-2:-1])
    return np.concatenate([first, inside, end], axis=-1)


rule(np.unwrap, lambda g, y, p, discont=None, axis=-1, *, period=math.tau: g, saves=False)


@constant
def turns(p: Any, period: Any, *args: Any, **kwargs: Any) -> Any:
    """How many periods `np.unwrap` adds."""
    return np.rint((np.unwrap(p, *args, **kwargs, period=period) - p) / period)


with_keywords(np.unwrap, "period")(lambda p, *a, period, **kw: p + period * turns(p, period, *a, **kw))


# ------------------------------------------------------------------ interpolation


@composed(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: float | None = None) -> Any:
    x, xp = (astype(as_array(v), np.float64) for v in (x, xp))
    fp = as_array(fp)
    fp = astype(fp, np.complex128 if is_complex(fp) else np.float64)
    if period is not None:
        period = abs(period)
        x, xp = x % period, xp % period
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
        left = right = None
    n = xp.shape[0]
    if n == 1:
        y = fp[np.zeros(x.shape, dtype=int)]
    else:
        i = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, n - 2)
        low, high, here, there = (
            np.take_along_axis(of, places.reshape(-1), 0).reshape(x.shape)
            for of in (xp, fp)
            for places in (i, i + 1)
        )
        step = low == high  # the last two places are one
        y = np.where(step, there, here + (there - here) / np.where(step, 1.0, high - low) * (x - low))
    y = np.where(x < xp[0], fp[0] if left is None else left, y)
    return np.where(x > xp[-1], fp[-1] if right is None else right, y)


# ------------------------------------------------------------------ ranges


@composed(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    start, stop = as_array(start), as_array(stop)
    shape = np.broadcast_shapes(start.shape, stop.shape)
    kind = np.result_type(start.dtype, stop.dtype, 1.0)
    t = np.linspace(0.0, 1.0, num, endpoint=endpoint).astype(kind).reshape((-1,) + (1,) * len(shape))
    y = start * (1.0 - t) + stop * t
    y = np.moveaxis(of_dtype(y, dtype), 0, axis)
    if not retstep:
        return y
    gaps = num - 1 if endpoint else num
    return y, (stop - start) / gaps if gaps else math.nan


def of_dtype(y: Any, dtype: Any) -> Any:
    return y if dtype is None else np.astype(y, dtype)


@composed(np.logspace)
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    if np.ndim(base):
        start, stop, base = np.broadcast_arrays(start, stop, base)
        base = np.expand_dims(base, axis)
    return of_dtype(base ** linspace(start, stop, num, endpoint, axis=axis), dtype)


@composed(np.geomspace)
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    start, stop = as_array(start), as_array(stop)
    sign = np.sign(start)
    y = np.exp(linspace(np.log(start / sign), np.log(stop / sign), num, endpoint, axis=axis))
    return of_dtype(y * (np.expand_dims(sign, axis) if np.ndim(sign) else sign), dtype)


@composed(np.full_like)
def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None,
    *, device: Any = None,
) -> Any:  # fmt: skip
    if not is_tensor(fill_value):
        return np.full_like(np.zeros_like(a), fill_value, dtype, order, shape=shape)
    y = np.broadcast_to(fill_value, a.shape if shape is None else shape)
    return np.astype(y, a.dtype if dtype is None else dtype)


# ------------------------------------------------------------------ a function of the user's along axes


@composed(np.apply_along_axis)
def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    moved = np.moveaxis(arr, axis, -1)
    outside = moved.shape[:-1]
    results = [as_array(func1d(moved[i], *args, **kwargs)) for i in np.ndindex(outside)]
    stacked = np.stack(results).reshape(outside + results[0].shape)
    new = range(len(outside), stacked.ndim)
    return np.moveaxis(stacked, tuple(new), tuple(axis % arr.ndim + i for i in range(len(new))))
