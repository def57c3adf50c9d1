"""Ufuncs called with ``where=`` or ``dtype=``, and their methods (``np.add.reduce``, ``np.multiply.outer``).

They are written in terms of functions that have rules. Equal values share a running maximum's gradient.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.rules.indexing import astype, scatter
from tinygrad_course.rules.reductions import logsumexp_vjp
from tinygrad_course.rules.shapes import Axes, as_array, as_mask
from tinygrad_course.rules.table import (
    COMPOSED,
    RULES,
    UFUNC_METHODS,
    as_written,
    constant,
    is_tensor,
    primitive,
    rule,
)

# ------------------------------------------------------------------ keywords of the call itself


def selected(ufunc: np.ufunc, *inputs: Any, dtype: Any = None, where: Any = True, out: Any = None) -> Any:
    """``ufunc(*inputs, dtype=..., where=..., out=...)``; `out` keeps what it has where `where` is False."""
    if dtype is not None:
        inputs = tuple(in_dtype(ufunc, x, np.dtype(dtype)) for x in inputs)
    if where is True and out is None:
        return ufunc(*inputs)
    out = out[0] if isinstance(out, tuple) else out
    if not is_tensor(out):
        raise TypeError(
            f"{as_written(ufunc)}(..., where=..., out=...) writes into an array that can't remember, or into "
            f"memory that holds anything: write np.where(condition, {as_written(ufunc)}(x), otherwise)"
        )
    shape = out.shape
    where = np.broadcast_to(as_mask(where), shape)
    if type(where) is not np.ndarray:  # of a program, which is of fixed shapes
        with np.errstate(all="ignore"):
            out[...] = np.where(where, ufunc(*inputs), out)
        return out
    # only there, so that NumPy warns of nothing else
    chosen = [np.broadcast_to(x, shape)[where] if np.ndim(x) else x for x in inputs]
    out[where] = ufunc(*chosen)
    return out


def in_dtype(ufunc: np.ufunc, x: Any, dtype: Any) -> Any:
    if dtype.kind not in "fc":
        raise TypeError(
            f"{as_written(ufunc)}(..., dtype={dtype}) rounds, and what is rounded has no derivative"
        )
    own = getattr(x, "dtype", None)
    if own is None or own == dtype:
        return x
    if not np.can_cast(own, dtype, "same_kind"):
        raise TypeError(f"{as_written(ufunc)}(..., dtype={dtype}): the argument is {own}, which does not fit")
    return astype(x, dtype)


# ------------------------------------------------------------------ reduce


def over_the_first(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, with the default of ``ufunc.reduce`` and ``ufunc.accumulate``: the first axis."""

    def definition(array: Any, axis: Axes = 0, **kwargs: Any) -> Any:
        return function(array, axis=axis, **{k: v for k, v in kwargs.items() if v is not None})

    return definition


def along(array: Any, axis: int) -> list[Any]:
    """The slices of an array along an axis."""
    array = as_array(array)
    return [array[(slice(None),) * (axis % array.ndim) + (i,)] for i in range(array.shape[axis])]


def running(ufunc: np.ufunc, array: Any, axis: int) -> list[Any]:
    """``f(f(x0, x1), x2)`` and so on: every result on the way."""
    parts = along(array, axis)
    if not parts:
        raise ValueError(
            f"{as_written(ufunc)}: there is nothing along axis {axis} of shape {np.shape(array)}"
        )
    results = parts[:1]
    for part in parts[1:]:
        results.append(ufunc(results[-1], part))
    return results


def one_by_one(ufunc: np.ufunc) -> Callable[..., Any]:
    def reduce(array: Any, axis: int = 0, *, keepdims: bool = False) -> Any:
        y = running(ufunc, array, axis)[-1]
        return np.expand_dims(y, axis) if keepdims else y

    return reduce


# ------------------------------------------------------------------ accumulate


@primitive
def running_extreme(array: Any, ufunc: np.ufunc, axis: int) -> Any:
    return ufunc.accumulate(array, axis=axis)


@constant
def places_of_extremes(array: Any, ufunc: np.ufunc) -> Any:
    """Along the first axis: where each running extreme begins, where it is last, and at how many."""
    best = ufunc.accumulate(array, axis=0)
    steps = np.indices(array.shape, sparse=True)[0]
    begins = np.maximum.accumulate(np.where(best == np.roll(best, 1, 0), 0, steps), axis=0)
    latest = np.maximum.accumulate(np.where(array == best, steps, -1), axis=0)
    hits = np.cumsum(array == best, axis=0)
    return np.stack([begins, latest, np.maximum(hits - np.take_along_axis(hits, begins, 0) + 1, 1)])


@primitive
def among_equals(v: Any, places: Any, back: bool) -> Any:
    """The mean of `v` at the places of each running extreme; with `back`, each mean shared among them."""
    begins, place, count = places
    latest, others = place, np.indices(v.shape, sparse=True)[1:]
    result = np.zeros_like(v)
    while (there := place >= begins).any():  # the latest of equal values, the one before it, and so on
        at = (np.where(there, place, 0), *others)
        if back:
            np.add.at(result, at, np.where(there, v / count, 0.0))
        else:
            result = result + np.where(there, v[at] / count, 0.0)
        place = np.where(there & (at[0] > 0), latest[(at[0] - 1, *others)], -1)
    return result


def running_extreme_vjp(g: Any, y: Any, array: Any, ufunc: np.ufunc, axis: int) -> Any:
    places = places_of_extremes(np.moveaxis(array, axis, 0), ufunc)
    return np.moveaxis(among_equals(np.moveaxis(g, axis, 0), places, True), 0, axis)


rule(running_extreme, running_extreme_vjp, None, name="running extreme", chooses=())
rule(among_equals, lambda g, y, v, places, back: among_equals(g, places, not back), None, name="among equals")


@primitive
def reduced_logaddexp(array: Any, axis: Axes = 0, *, keepdims: bool = False) -> Any:
    return np.logaddexp.reduce(array, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]


rule(reduced_logaddexp, logsumexp_vjp, name="logsumexp")


@primitive
def running_logsumexp(array: Any, axis: int) -> Any:
    return np.logaddexp.accumulate(array, axis=axis)


@primitive
def weighted_shares(g: Any, array: Any, y: Any, axis: int, back: bool) -> Any:
    """Sums of ``g exp(array[i] - y[k])`` with i <= k: for each i with `back`, otherwise for each k."""
    lowest = np.finfo(array.dtype).min / 8  # of -inf and -inf the difference is 0
    array, y = np.maximum(array, lowest), np.maximum(y, lowest)
    own, others = (array, -y) if back else (-y, array)
    total = np.zeros_like(g)
    with np.errstate(divide="ignore"):
        for sign in (1, -1):
            logs = np.log(np.maximum(sign * g, 0)) + others
            logs = np.flip(logs, axis) if back else logs
            sums = np.logaddexp.accumulate(logs, axis=axis)
            total += sign * np.exp((np.flip(sums, axis) if back else sums) + own)
    return total


rule(running_logsumexp, lambda g, y, array, axis: weighted_shares(g, array, y, axis, True), None)
rule(
    weighted_shares,
    lambda g, s, weights, array, y, axis, back: weighted_shares(g, array, y, axis, not back),
    lambda g, s, weights, array, y, axis, back: (
        g * s if back else weights * weighted_shares(g, array, y, axis, True)
    ),
    lambda g, s, weights, array, y, axis, back: (
        -weights * weighted_shares(g, array, y, axis, False) if back else -g * s
    ),
    None,
    None,
)


# ------------------------------------------------------------------ reduceat


def segments(indices: Any, n: int) -> tuple[Any, Any]:
    """Where the segments of ``reduceat`` begin and end; one that would end too early has one entry."""
    starts = np.asarray(indices)
    ends = np.append(starts[1:], n)
    return starts, np.where(starts < ends, ends, starts + 1)


def members(indices: Any, n: int) -> tuple[Any, Any]:
    """Which entries the segments have, one segment after the other, and of which segment each is."""
    starts, ends = segments(indices, n)
    lengths = ends - starts
    segment = np.repeat(np.arange(len(starts)), lengths)
    return np.arange(len(segment)) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths), segment


def reduced_segments(ufunc: np.ufunc) -> Callable[..., Any]:
    def reduceat(array: Any, indices: Any, axis: int = 0) -> Any:
        array = as_array(array)
        np.add.reduceat(np.zeros(array.shape[axis]), indices)  # which raises where NumPy does
        before = (slice(None),) * (axis % array.ndim)
        reduce = UFUNC_METHODS.get((ufunc, "reduce")) or one_by_one(ufunc)
        ends = zip(*(p.tolist() for p in segments(indices, array.shape[axis])), strict=True)
        parts = (array[(*before, slice(a, b))] for a, b in ends)
        return np.stack([reduce(p, axis=axis) for p in parts], axis=axis)

    return reduceat


@primitive
def summed_segments(array: Any, indices: Any, axis: int) -> Any:
    return np.add.reduceat(array, indices, axis)


def summed_segments_vjp(g: Any, y: Any, array: Any, indices: Any, axis: int) -> Any:
    source, segment = members(indices, array.shape[axis])
    before = (slice(None),) * (axis % array.ndim)
    return scatter(g[(*before, segment)], (*before, source), array.shape)


@primitive
def extreme_segments(array: Any, ufunc: np.ufunc, indices: Any, axis: int) -> Any:
    return ufunc.reduceat(array, indices, axis)


def extreme_segments_vjp(g: Any, y: Any, array: Any, ufunc: np.ufunc, indices: Any, axis: int) -> Any:
    """Share each gradient among the equal extremes of a segment."""
    source, segment = members(indices, array.shape[axis])
    before = (slice(None),) * (axis % array.ndim)
    hit = np.equal(array[(*before, source)], y[(*before, segment)]) * 1.0
    starts, ends = segments(indices, array.shape[axis])
    places = np.cumsum(ends - starts) - (ends - starts)
    count = summed_segments(hit, places.tolist(), axis)  # a list is nobody's array
    share = (g / np.maximum(count, 1.0))[(*before, segment)] * hit
    return scatter(share, (*before, source), array.shape)


rule(
    summed_segments,
    summed_segments_vjp,
    None,
    saves=False,
    name="add.reduceat",
    chooses=lambda array, indices, axis=0: np.min(indices, initial=1) > 0,
)
rule(extreme_segments, extreme_segments_vjp, None, None, None, name="reduceat of extremes", chooses=())

# ------------------------------------------------------------------ outer


def outer(ufunc: np.ufunc) -> Callable[..., Any]:
    """Every element of the first argument with every element of the second."""

    def definition(a: Any, b: Any) -> Any:
        a, b = as_array(a), as_array(b)
        return ufunc(a.reshape(a.shape + (1,) * b.ndim), b)

    return definition


GENERAL = {
    "outer": outer,
    "reduce": one_by_one,
    "accumulate": lambda ufunc: lambda array, axis=0: np.stack(running(ufunc, array, axis), axis=axis),
    "reduceat": reduced_segments,
}


def method_of(ufunc: np.ufunc, method: str) -> Callable[..., Any] | None:
    """What ``ufunc.method`` is in terms of functions with rules, None if it is not known."""
    own = UFUNC_METHODS.get((ufunc, method))
    if own is not None or method not in GENERAL or (ufunc.nin, ufunc.nout, ufunc.signature) != (2, 1, None):
        return own
    rule = RULES.get(ufunc)
    known = ufunc in COMPOSED if rule is None else method == "outer" or None not in rule.vjps
    return GENERAL[method](ufunc) if known else None


UFUNC_METHODS[np.add, "reduce"] = over_the_first(np.sum)
UFUNC_METHODS[np.multiply, "reduce"] = over_the_first(np.prod)
UFUNC_METHODS[np.maximum, "reduce"] = over_the_first(np.max)
UFUNC_METHODS[np.minimum, "reduce"] = over_the_first(np.min)
UFUNC_METHODS[np.logaddexp, "reduce"] = reduced_logaddexp
UFUNC_METHODS[np.add, "accumulate"] = over_the_first(np.cumsum)
UFUNC_METHODS[np.multiply, "accumulate"] = over_the_first(np.cumprod)
for _extreme in (np.maximum, np.minimum):
    UFUNC_METHODS[_extreme, "accumulate"] = lambda array, axis=0, *, f=_extreme: running_extreme(
        array, f, axis
    )
    UFUNC_METHODS[_extreme, "reduceat"] = lambda array, indices, axis=0, *, f=_extreme: extreme_segments(
        array, f, indices, axis
    )
UFUNC_METHODS[np.logaddexp, "accumulate"] = lambda array, axis=0: running_logsumexp(array, axis)
UFUNC_METHODS[np.add, "reduceat"] = lambda array, indices, axis=0: summed_segments(array, indices, axis)
