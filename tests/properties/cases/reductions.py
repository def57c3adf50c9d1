"""Sums, products, extremes, averages, order statistics, NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.properties.vocabulary import Call, Rng, arrays, call, case, distinct, options, positive, reductions

# ------------------------------------------------------------------ reductions


def zeros_among(rng: Rng, shape: tuple[int, ...]) -> Any:
    return rng.integers(-1, 2, shape) * 1.0


def started(c: Call) -> Call:
    """A maximum over part of an array needs a value to start from."""
    return (
        c if "initial" in c.kwargs or "where" not in c.kwargs else Call(c.args, {**c.kwargs, "where": True})
    )


case(np.sum, reductions(keepdims=[True, False], where=True, initial=[1.5]), analytic=True)
case(np.sum, reductions(dtype=st.just(float)), "sum, dtype", single=False)
case(np.mean, reductions(keepdims=[True, False], where=True), analytic=True)
case(np.prod, reductions(keepdims=[True, False], where=True, initial=[1.5]), analytic=True)
case(np.prod, reductions(zeros_among, keepdims=[True]), "prod with zeros", analytic=True)
case(np.var, reductions(keepdims=[True, False], where=True, ddof=[0, 0.5]))
case(np.var, reductions(correction=[0.5]), "var, correction")
case(np.std, reductions(distinct, keepdims=[True, False], where=True, ddof=[0, 0.5]))
case(np.max, reductions(distinct, keepdims=[True, False], where=True, initial=st.just(-100.0)).map(started))
case(np.min, reductions(distinct, keepdims=[True, False], where=True, initial=st.just(100.0)).map(started))
case(np.amax, reductions(distinct, keepdims=[True, False]))
case(np.amin, reductions(distinct, keepdims=[True, False]))
case(np.cumsum, reductions(several=False), analytic=True)
case(np.cumprod, reductions(several=False), analytic=True)
case(
    np.cumprod,
    reductions(zeros_among, several=False),
    "cumprod with zeros",
    analytic=True,
)

# ------------------------------------------------------------------ statistics


def with_nans(rng: Rng, shape: tuple[int, ...]) -> Any:
    a = distinct(rng, shape)
    a[rng.random(shape) < 0.2] = np.nan
    a.reshape(-1)[:1] = 1.5
    return a


case(np.ptp, reductions(distinct, keepdims=[True]))
case(np.average, reductions(keepdims=[True]))
case(np.average, call(arrays((3, 4)), st.just(1), arrays((4,), positive)), "average, weights")
case(
    np.average,
    call(arrays((3, 4)), [None, 0, (0, 1)], arrays((3, 4), positive), keepdims=[True]),
    "average, full weights",
)
case(np.median, reductions(distinct, keepdims=[True]))
methods = [
    "linear",
    "lower",
    "higher",
    "nearest",
    "midpoint",
    "hazen",
    "weibull",
    "median_unbiased",
    "inverted_cdf",
    "interpolated_inverted_cdf",
]
case(
    np.quantile,
    st.builds(
        lambda a, q, k: Call((a, q), k),
        arrays((3, 4), distinct),
        st.sampled_from([0.3, 0.0, 1.0, 1, [0.2, 0.7], [[0.1], [0.9]]]),
        options(axis=[0, 1, (0, 1)], keepdims=[True], method=methods),
    ),
)
case(
    np.percentile,
    st.builds(
        lambda a, q, k: Call((a, q), k),
        arrays((3, 4), distinct),
        st.sampled_from([30, 100.0, [20, 70]]),
        options(axis=[0, -1]),
    ),
)
case(
    np.nanquantile,
    call(arrays((3, 4), distinct), st.sampled_from([0.3, [0.2, 0.7]]), axis=[0, 1], keepdims=[True]),
)
case(np.nanpercentile, call(arrays((3, 4), distinct), st.sampled_from([30, [20, 70]]), axis=[0, 1]))
case(np.nanmedian, call(arrays((3, 4), distinct), axis=[0, 1], keepdims=[True]))
for function in (
    np.nansum,
    np.nanprod,
    np.nanmean,
    np.nanvar,
    np.nanstd,
    np.nanmax,
    np.nanmin,
    np.nancumsum,
    np.nancumprod,
):
    case(function, call(arrays((3, 4), distinct), axis=[0, 1]))
case(np.cov, call(arrays((3, 5)), rowvar=[True, False], bias=[True], ddof=[0, 2]))
case(np.cov, call(arrays((5,)), arrays((5,))), "cov, two")
case(
    np.cov,
    call(arrays((2, 4)), fweights=st.just(np.array([1, 2, 1, 3])), aweights=st.just([0.5, 1.0, 2.0, 1.0])),
    "cov, weights",
)
case(np.corrcoef, call(arrays((3, 5))))
case(np.bincount, call(st.just(np.array([0, 2, 2, 1])), arrays((4,))))
