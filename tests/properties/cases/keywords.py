"""Keywords that change what a function computes, and methods of ufuncs."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.properties.vocabulary import (
    Call,
    arrays,
    between,
    broadcast,
    call,
    case,
    distinct,
    nonzero,
    positive,
    real,
    with_args,
)

# ------------------------------------------------------------------ ufuncs: where=, dtype=

MASK = np.array([[True, False, True], [False, True, True]])


def chosen_divide(a: Any, b: Any, out: Any) -> Any:
    """What ``np.divide(a, b, out=out, where=MASK)`` returns."""
    out = out + 0.0 * (a + b)  # a Tensor wherever one is among them
    return np.divide(a, b, out=out, where=MASK)


case(
    chosen_divide,
    st.tuples(arrays((2, 3)), arrays((3,), nonzero), arrays((2, 3))).map(Call),
    "divide, where and out",
)
case(
    lambda a, b: np.multiply(a, b, dtype=np.float64),
    with_args(broadcast(real, real)),
    "multiply, dtype",
    half=False,
    single=False,
)

# ------------------------------------------------------------------ methods of ufuncs

for ufunc in (np.maximum, np.minimum):
    case(ufunc.accumulate, call(arrays((4, 3), distinct), axis=[0, 1, -1]), f"{ufunc.__name__}.accumulate")
case(np.logaddexp.accumulate, call(arrays((3, 4)), axis=[0, 1]), "logaddexp.accumulate")
case(np.subtract.reduce, call(arrays((3, 4)), axis=[0, 1], keepdims=[True]), "subtract.reduce", analytic=True)
case(np.hypot.reduce, call(arrays((3, 4), positive), axis=[0, 1]), "hypot.reduce")
indices = st.sampled_from([[0, 2, 3], [0, 3, 1, 2], [2, 1], [0]])
for ufunc in (np.add, np.multiply, np.maximum, np.minimum):
    case(
        ufunc.reduceat,
        st.builds(
            lambda a, i, k: Call((a, i, k)), arrays((4, 4), distinct), indices, st.sampled_from([0, 1, -1])
        ),
        f"{ufunc.__name__}.reduceat",
        half=ufunc is not np.multiply,
    )

# ------------------------------------------------------------------ pad

widths = st.sampled_from([1, (2, 1), ((0, 2), (5, 3)), ((7, 0), (0, 9))])
case(
    np.pad,
    st.builds(
        lambda a, w, m: Call((a, w, m), {"reflect_type": "odd"}),
        arrays((3, 4)),
        widths,
        st.sampled_from(["reflect", "symmetric"]),
    ),
    "pad, odd",
    half=False,
)
case(
    np.pad,
    st.builds(
        lambda a, w, m, k: Call((a, w, m), k),
        arrays((3, 4), distinct),
        widths,
        st.sampled_from(["maximum", "minimum", "mean"]),
        st.sampled_from([{}, {"stat_length": 2}, {"stat_length": ((1, 2), (3, 9))}]),
    ),
    "pad, statistics",
    half=False,
)
case(np.pad, call(arrays((3, 4), distinct), widths, st.just("median")), "pad, median", half=False)
case(
    np.pad,
    st.builds(
        lambda a, w, k: Call((a, w, "linear_ramp"), k),
        arrays((3, 4)),
        widths,
        st.sampled_from([{}, {"end_values": 1.5}, {"end_values": ((1, 2), (3, 4))}]),
    ),
    "pad, ramps",
    half=False,
)
case(
    lambda a, v: np.pad(a + 0.0 * v, ((1, 2), (0, 1)), constant_values=v),
    call(arrays((2, 3)), arrays(())),
    "pad, variable constant",
)

# ------------------------------------------------------------------ keywords of reductions and fits


def about(function: Any) -> Any:
    return lambda a, m, ddof, where: function(a, axis=1, mean=m, ddof=ddof, keepdims=True, where=where)


for function in (np.var, np.std):
    case(
        about(function),
        call(
            arrays((2, 3), distinct),
            arrays((2, 1), between(0.1, 0.2)),
            st.sampled_from([0, 1]),
            st.sampled_from([True, np.array([[True, True, False], [True, True, True]])]),
        ),
        f"{function.__name__}, mean",
        half=False,
    )
case(
    lambda a, q, axis, keep, w: np.quantile(a, q, axis=axis, weights=w, method="inverted_cdf", keepdims=keep),
    st.one_of(
        call(
            arrays((3, 4), distinct),
            st.sampled_from([0.3, [0.2, 0.7]]),
            st.sampled_from([1, -1]),
            st.booleans(),
            st.sampled_from([[1.0, 2.0, 0.5, 1.0], np.arange(1, 13).reshape(3, 4)]),
        ),
        call(
            arrays((3, 4), distinct),
            st.sampled_from([0.5, [[0.1], [0.9]]]),
            st.sampled_from([None, (0, 1)]),
            st.booleans(),
            st.just(np.arange(1, 13).reshape(3, 4)),
        ),
    ),
    "quantile, weights",
)
case(
    lambda a: np.percentile(a, 30, axis=0, weights=[1, 2, 3], method="inverted_cdf"),
    call(arrays((3, 4), distinct)),
    "percentile, weights",
)
case(
    np.einsum,
    st.builds(
        lambda a, b: Call(("ij,jk->ik", a, b), {"dtype": np.float64, "order": "F", "casting": "same_kind"}),
        arrays((2, 3)),
        arrays((3, 2)),
    ),
    "einsum, dtype and order",
    single=False,
    half=False,
)
for name, keywords in (
    ("cov", {"cov": True}),
    ("unscaled", {"cov": "unscaled"}),
    ("full", {"full": True}),
):
    case(
        np.polyfit,
        st.builds(
            lambda x, y, k=keywords: Call((x, y, 2), k),
            arrays((7,), lambda rng, shape: np.arange(7) + rng.uniform(-0.2, 0.2, shape)),
            st.one_of(arrays((7,)), arrays((7, 2))),
        ),
        f"polyfit, {name}",
        half=False,
        single=False,
    )
