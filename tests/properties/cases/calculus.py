"""Differences, interpolation, convolution, polynomials, ranges, Fourier transforms."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.properties.vocabulary import (
    Call,
    arrays,
    between,
    broadcast,
    call,
    case,
    nonzero,
    options,
    positive,
    real,
    shapes,
    with_args,
)

# ------------------------------------------------------------------ calculus

case(
    np.diff,
    call(arrays((3, 5)), n=[0, 1, 2], axis=[0, 1], prepend=[0.5], append=st.just(1)),
    analytic=True,
)
case(np.ediff1d, call(arrays((2, 3)), to_end=st.just([1.0, 2.0]), to_begin=[0.5]))
case(np.trapezoid, call(arrays((3, 4)), axis=[0, 1], dx=[0.5]), analytic=True)
case(np.trapezoid, call(arrays((3, 4)), arrays((4,))), "trapezoid, x", analytic=True)
case(np.gradient, call(arrays((4, 3)), axis=[0, 1, (0, 1)], edge_order=[1, 2]), half=False)
case(np.gradient, call(arrays((4,)), st.just(0.5)), "gradient, spacing")
case(
    np.gradient,
    st.builds(
        lambda f, o: Call((f, np.array([0.0, 1.0, 3.0, 3.5])), {"edge_order": o}),
        arrays((4,)),
        st.sampled_from([1, 2]),
    ),
    "gradient, coordinates",
    half=False,
    single=False,
)
case(
    np.cumulative_sum,
    call(arrays((3, 4)), axis=st.just(0), include_initial=[True]).filter(lambda c: "axis" in c.kwargs),
)
case(np.cumulative_prod, call(arrays((3,)), include_initial=[True]))
case(
    np.interp,
    call(
        arrays((5,), between(0.1, 0.9)),
        arrays((3,)).map(lambda a: np.array([0.0, 1.0, 3.0]) + 0.02 * a),
        arrays((3,)),
    ),
    half=False,
)
case(
    np.interp,
    call(arrays((2, 2), between(-3.0, -1.0)), st.just([0, 1, 3]), arrays((3,)), left=[1.5]),
    "interp, outside",
    half=False,
)
case(
    np.interp,
    call(
        arrays((5,), between(0.1, 0.9)),
        arrays((3,)).map(lambda a: np.array([0.0, 1.0, 3.0]) + 0.02 * a),
        arrays((3,)),
        period=st.just(4.0),
    ).filter(lambda c: c.kwargs),
    "interp, period",
    half=False,
    single=False,
)
case(
    np.convolve,
    st.builds(
        lambda a, v, k: Call((a, v), k),
        arrays(shapes(1, 1, 5)),
        arrays(shapes(1, 1, 5)),
        options(mode=["full", "same", "valid"]),
    ),
    analytic=True,
)
case(
    np.correlate,
    st.builds(
        lambda a, v, k: Call((a, v), k),
        arrays(shapes(1, 1, 5)),
        arrays(shapes(1, 1, 5)),
        options(mode=["full", "same", "valid"]),
    ),
)
case(np.polyval, call(arrays((3,)), arrays()), analytic=True)
case(np.polyadd, call(arrays((3,)), arrays((2,))))
case(np.polysub, call(arrays((1,)), arrays((2,))))
case(np.polymul, call(arrays((3,)), arrays((2,))))
case(np.polydiv, call(arrays((4,)), arrays((2,), nonzero)), half=False, single=False)
case(np.polyder, call(arrays((4,)), m=[1, 2]))
case(np.polyint, call(arrays((3,)), m=[1, 2]), half=False, single=False)
case(np.poly, call(arrays((3,))))
case(
    np.polyfit,
    call(arrays((6,)).map(lambda a: np.arange(6.0) + 0.1 * a), arrays((6,)), st.just(2)),
    half=False,
    single=False,
)
case(np.vander, call(arrays((3,), nonzero), N=[2, 4], increasing=[True]))
case(np.linspace, with_args(broadcast(real, real), num=[5, 1, 3], endpoint=[False]))
case(np.logspace, call(arrays(()), arrays(()), num=[5], base=[2.0]), half=False)
case(np.geomspace, call(arrays(domain=positive), st.just(2.0), num=[5]), half=False)
case(np.apply_along_axis, call(st.just(lambda v: v[:2] * np.sum(v)), [0, 1], arrays((3, 4))))
case(np.apply_over_axes, call(st.just(np.sum), arrays((2, 3, 4)), st.just([0, 2])))

# ------------------------------------------------------------------ Fourier transforms

norms = [None, "ortho", "forward"]
for function in (np.fft.irfft, np.fft.hfft):
    case(function, call(arrays((3, 4)), n=[4, 5, 6, 9], axis=[0, 1], norm=norms), half=False)
case(np.fft.irfft2, call(arrays((3, 4)), s=st.just((4, 5)), norm=norms), half=False)
case(np.fft.irfftn, call(arrays((3, 2, 4)), axes=[(0, 2), (1, 0)], norm=norms), half=False)
case(np.fft.fftshift, call(arrays((3, 4)), axes=[0, (0, 1)]))
case(np.fft.ifftshift, call(arrays((3, 5)), axes=[1]))
