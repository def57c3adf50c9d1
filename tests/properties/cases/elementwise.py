"""Arithmetic, powers, exponentials, trigonometry, choices."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.properties.vocabulary import (
    arrays,
    between,
    broadcast,
    call,
    case,
    grid,
    nonzero,
    positive,
    real,
    seeds,
    shapes,
    with_args,
)

# ------------------------------------------------------------------ elementwise

for function, domain in {
    np.negative: real,
    np.positive: real,
    np.reciprocal: nonzero,
    np.square: real,
    np.sqrt: positive,
    np.exp: real,
    np.exp2: real,
    np.expm1: real,
    np.log: positive,
    np.log1p: positive,
    np.log2: positive,
    np.log10: positive,
    np.sin: real,
    np.cos: real,
    np.tan: between(-1.2, 1.2),
    np.arcsin: between(-0.9, 0.9),
    np.arccos: between(-0.9, 0.9),
    np.arctan: real,
    np.sinh: real,
    np.cosh: real,
    np.tanh: real,
    np.arcsinh: real,
    np.arccosh: between(1.2, 3.0),
    np.arctanh: between(-0.9, 0.9),
}.items():
    case(function, call(arrays(domain=domain)), analytic=True)

for function, domain in {
    np.cbrt: nonzero,
    np.absolute: nonzero,
    np.fabs: nonzero,
    np.deg2rad: real,
    np.rad2deg: real,
    np.degrees: real,
    np.radians: real,
    np.conjugate: real,
    np.real: real,
    np.sinc: real,
    np.i0: nonzero,
    np.copy: real,
    np.real_if_close: real,
    np.nan_to_num: real,
}.items():
    case(function, call(arrays(domain=domain)))
case(np.sinc, call(arrays(domain=between(-0.08, 0.08))), "sinc near 0")

for function in (np.add, np.subtract, np.multiply):
    case(function, with_args(broadcast(real, real)), analytic=True)
case(np.divide, with_args(broadcast(real, nonzero)), analytic=True)
case(np.power, with_args(broadcast(positive, real)), analytic=True)
case(
    np.power,
    call(arrays(domain=nonzero), st.sampled_from([-2, -1, 0, 1, 2, 3])),
    "power, whole",
    analytic=True,
)
case(
    np.power,
    call(arrays(domain=positive), st.sampled_from([-0.5, 0.0, 0.5, 2.0, 2.5])),
    "power, number",
    analytic=True,
)
case(np.power, call(st.sampled_from([0.5, 2, 2.0]), arrays()), "power of a number", analytic=True)
case(np.float_power, with_args(broadcast(positive, real)))
case(np.arctan2, with_args(broadcast(nonzero, nonzero)))
case(np.hypot, with_args(broadcast(nonzero, nonzero)))
case(np.logaddexp, with_args(broadcast(real, real)))
case(np.logaddexp, call(0, arrays()), "logaddexp, softplus")
case(np.logaddexp2, with_args(broadcast(real, real)))
case(np.copysign, with_args(broadcast(nonzero, nonzero)))
case(np.heaviside, with_args(broadcast(nonzero, real)), "heaviside", twice=False)
case(np.remainder, with_args(broadcast(grid(0.2), lambda rng, shape: 0.4 * np.ones(shape))))
case(np.fmod, with_args(broadcast(grid(0.2), lambda rng, shape: 0.4 * np.ones(shape))))
case(np.divmod, with_args(broadcast(grid(0.2), lambda rng, shape: 0.4 * np.ones(shape))))
case(np.modf, call(arrays(domain=between(0.1, 0.9))))
case(np.ldexp, call(arrays(), st.integers(-3, 3)))
for function in (np.maximum, np.minimum, np.fmax, np.fmin):
    case(function, with_args(broadcast(grid(0.0), grid(0.2))))
    case(function, call(arrays(domain=nonzero), 0), function.__name__ + " of a number")
case(
    np.where,
    with_args(
        st.builds(
            lambda ab, s: (np.random.default_rng(s).random(ab[0].shape) < 0.5, *ab),
            broadcast(real, real),
            seeds,
        )
    ),
)
case(
    np.clip, call(arrays(domain=grid(0.0)), st.sampled_from([None, -0.6, -0.2]), st.sampled_from([0.2, 0.6]))
)
case(
    np.clip,
    with_args(broadcast(grid(0.0), lambda r, s: np.full(s, -0.6), lambda r, s: np.full(s, 0.6))),
    "clip, tensors",
)
if hasattr(np, "unstack"):  # min= and max= are of the same age
    case(np.clip, call(arrays(domain=grid(0.0)), min=-0.2, max=0.6), "clip, keywords")
case(np.unwrap, call(arrays(shapes(1), between(0.0, 1.0)), period=[5.0]))
