"""Averages, medians and quantiles, covariances, and the reductions that pass over NaN.

They are written in terms of functions with rules. Options that are not covered are refused because
their names are not among the arguments here.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.rules.indexing import astype
from tinygrad_course.rules.reductions import last
from tinygrad_course.rules.shapes import Axes, adjoint, as_array, is_complex, kept, normalize
from tinygrad_course.rules.table import COMPOSED, composed, constant, is_tensor, rule

composed(np.ptp)(
    lambda a, axis=None, *, keepdims=False: (
        np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)
    )
)


@composed(np.average)
def average(
    a: Any, axis: Axes = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    a = as_array(a)
    if weights is None:
        mean = np.mean(a, axis=axis, keepdims=keepdims)
        return (mean, np.full(mean.shape, a.size / mean.size, dtype=a.dtype)) if returned else mean
    weights = as_array(weights)
    if weights.shape != a.shape:
        axes = normalize(axis, a.ndim)
        weights = np.transpose(weights, np.argsort(axes).tolist())
        weights = weights.reshape(tuple(n if i in axes else 1 for i, n in enumerate(a.shape)))
        weights = np.broadcast_to(weights, a.shape)
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    mean = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (mean, total) if returned else mean


# ------------------------------------------------------------------ order statistics


def quantile_of(a: Any, q: Any, axis: Axes, method: Any, keepdims: bool, skip_nan: bool) -> Any:
    """Quantiles by NumPy's `method`, which lie among n values where those of the numbers 0 to n - 1 do."""
    if is_tensor(q):
        raise TypeError(
            "np.quantile and np.percentile have no derivative with respect to q here: pass plain numbers"
        )
    if not a.size:  # NumPy's NaN, and its warning
        mean = np.mean(a, axis=axis, keepdims=keepdims)
        return mean if skip_nan else np.broadcast_to(mean, np.shape(q) + mean.shape)
    ordered = np.sort(last(a, axis)[0], axis=-1)
    most, missing = ordered.shape[-1], np.isnan(ordered)  # NaN is sorted to the end
    sizes = np.sum(~missing, axis=-1)
    broken = sizes == 0 if skip_nan else missing[..., -1]
    if skip_nan and method == "linear":  # which a compiled program can compute
        places = np.expand_dims(np.maximum(sizes - 1.0, 0.0), -1) * np.reshape(q, -1)
    else:
        full = sizes if skip_nan else np.full(np.shape(sizes), most)
        counts, which = np.unique(full, return_inverse=True)
        positions = np.array([np.quantile(np.arange(max(n, 1.0)), q, method=method) for n in counts])
        places = positions[which.reshape(full.shape)].reshape((*full.shape, -1))
    low = np.floor(places)
    # NumPy's choice: q may promote
    dtype = a.dtype if is_complex(a) else np.quantile(np.ones(1, a.dtype), q, method=method).dtype
    fraction = (places - low).astype(dtype)
    low = low.astype(int)
    below = np.take_along_axis(ordered, low, axis=-1)
    above = np.take_along_axis(ordered, np.minimum(low + 1, ordered.shape[-1] - 1), axis=-1)
    y = astype(np.where(fraction > 0, below + (above - below) * fraction, below), dtype)
    if not isinstance(broken, (np.ndarray, np.bool_)) or np.any(broken):
        y = np.where(np.expand_dims(broken, -1), np.nan, y)
    y = np.moveaxis(y, -1, 0)
    shape = kept(a.shape, axis) if keepdims else y.shape[1:]
    return y.reshape(np.shape(q) + shape)


def quantiles(of: Callable[..., Any], skip_nan: bool) -> Callable[..., Any]:
    def definition(
        a: Any,
        q: Any,
        axis: Axes = None,
        out: None = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: bool = False,
        *,
        weights: Any = None,
    ) -> Any:
        if is_complex(a):
            raise TypeError(
                f"np.{of.__name__}: a must be an array of real numbers (np.median takes complex ones)"
            )
        if weights is None:
            return quantile_of(a, q, axis, method, keepdims, skip_nan)
        return weighted_quantile(of, a, q, axis, method, keepdims, weights)

    return definition


def weighted_quantile(
    of: Callable[..., Any], a: Any, q: Any, axis: Axes, method: str, keepdims: bool, weights: Any
) -> Any:
    """The element of `a` that NumPy finds: with weights it takes one, and does not interpolate."""
    if is_tensor(q) or is_tensor(weights):
        raise TypeError(
            "a weighted quantile moves by jumps with q and with the weights: pass them as plain numbers"
        )
    flat = last(a, axis)[0]
    y, places = places_of_quantiles(of, a, q, axis, method, weights, flat)
    found = np.take_along_axis(flat, places, axis=-1)
    found = np.moveaxis(np.where(np.isnan(y), np.nan, found), -1, 0)
    return found.reshape(np.shape(q) + (kept(a.shape, axis) if keepdims else found.shape[1:]))


@constant
def places_of_quantiles(
    of: Any, a: Any, q: Any, axis: Axes, method: str, weights: Any, flat: Any
) -> tuple[Any, Any]:
    y = of(a, np.reshape(q, -1), axis, method=method, weights=weights)
    y = np.moveaxis(y, 0, -1)
    return y, np.argmax(flat[..., None, :] == y[..., None], axis=-1)


composed(np.quantile)(quantiles(np.quantile, skip_nan=False))
composed(np.nanquantile)(quantiles(np.nanquantile, skip_nan=True))


def hundredths(q: Any) -> Any:
    return q / 100.0 if isinstance(q, (int, float)) or is_tensor(q) else np.asarray(q) / 100.0


composed(np.percentile)(lambda a, q, *args, **kw: COMPOSED[np.quantile](a, hundredths(q), *args, **kw))
composed(np.nanpercentile)(lambda a, q, *args, **kw: COMPOSED[np.nanquantile](a, hundredths(q), *args, **kw))
for _median, _skip in ((np.median, False), (np.nanmedian, True)):
    composed(_median)(
        lambda a, axis=None, out=None, overwrite_input=False, keepdims=False, *, skip=_skip: quantile_of(
            a, 0.5, axis, "linear", keepdims, skip
        )
    )


# ------------------------------------------------------------------ passing over NaN


def filled(a: Any, value: float) -> Any:
    return np.where(np.isnan(a), value, a)


composed(np.nansum)(lambda a, axis=None, dtype=None, **kwargs: np.sum(filled(a, 0.0), axis, dtype, **kwargs))
composed(np.nanprod)(
    lambda a, axis=None, dtype=None, **kwargs: np.prod(filled(a, 1.0), axis, dtype, **kwargs)
)
composed(np.nancumsum)(lambda a, axis=None, dtype=None: np.cumsum(filled(a, 0.0), axis, dtype))
composed(np.nancumprod)(lambda a, axis=None, dtype=None: np.cumprod(filled(a, 1.0), axis, dtype))


for _reduce, _passing_over in ((np.mean, np.nanmean), (np.var, np.nanvar), (np.std, np.nanstd)):
    composed(_passing_over)(
        lambda a, axis=None, dtype=None, *, where=True, reduce=_reduce, **kwargs: reduce(
            a, axis, dtype, where=~np.isnan(a) & where, **kwargs
        )
    )


composed(np.nanmax)(lambda a, axis=None, **kwargs: np.max(filled(a, -np.inf), axis=axis, **kwargs))
composed(np.nanmin)(lambda a, axis=None, **kwargs: np.min(filled(a, np.inf), axis=axis, **kwargs))


# ------------------------------------------------------------------ covariances and counts


@composed(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    def rows(x: Any, one: bool) -> Any:
        x = np.atleast_2d(astype(x, dtype or (np.complex128 if is_complex(x) else np.float64)))
        return x if rowvar or one else x.T

    x, y = as_array(m), None if y is None else as_array(y)
    x = rows(x, x.ndim == 1)
    if y is not None:
        x = np.concatenate([x, rows(y, y.ndim < 2 or y.shape[0] == 1)], axis=0)
    ddof = (0 if bias else 1) if ddof is None else ddof
    if fweights is None and aweights is None:
        centered = x - np.mean(x, axis=1, keepdims=True)
        return np.squeeze(np.dot(centered, adjoint(centered)) / (x.shape[1] - ddof))
    f, w = (1.0 if v is None else astype(as_array(v), np.float64) for v in (fweights, aweights))
    weights = f * w
    total = np.sum(weights)
    factor = total - ddof if aweights is None else total - ddof * np.sum(weights * w) / total
    centered = x - np.dot(x, weights)[:, None] / total
    return np.squeeze(np.dot(centered, adjoint(centered * weights)) / factor)


rule(np.bincount, None, lambda g, y, x, weights=None, minlength=0: g[np.asarray(x)], saves=False)
