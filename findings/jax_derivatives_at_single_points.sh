#!/usr/bin/env bash
# Guess: where a function of JAX is smooth, though its formula is 0 / 0 or another one begins there, its derivative is that of the
# function, as sinc's is at 0 in every order.
# Seen (jax 0.10.2): boxcox(x, lambda) and boxcox1p by lambda at 0: 0, without a word (log(x)**2 / 2 is right); ldexp(x, 3) at 0: 1
# (8 is right); spence at 1: 0 (-1 is right), and NaN from there to 2, where its values are good; stats.laplace.cdf at 1000: NaN.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "jax==0.10.2" "numpy==2.4.6" "scipy==1.17.1"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import jax
import jax.numpy as jnp
import jax.scipy.stats
import numpy as np
from jax.scipy import special as ours
from scipy import special, stats

jax.config.update("jax_enable_x64", True)
h = 1e-5


def slope(f, x):
    return (f(x + h) - f(x - h)) / (2 * h)


def dilogarithm_slope(z):
    return np.log(z) / (1 - z)


cases = {
    "boxcox": (lambda l: ours.boxcox(2.0, l), lambda l: special.boxcox(2.0, l), 0.0, np.log(2.0) ** 2 / 2, 0.0),
    "boxcox1p": (lambda l: ours.boxcox1p(2.0, l), lambda l: special.boxcox1p(2.0, l), 0.0, np.log(3.0) ** 2 / 2, 0.0),
    "ldexp": (lambda x: jnp.ldexp(x, 3), lambda x: np.ldexp(x, 3), 0.0, 8.0, 1.0),
    "spence at 1": (ours.spence, special.spence, 1.0, -1.0, 0.0),
    "spence at 1.4": (ours.spence, special.spence, 1.4, dilogarithm_slope(1.4), np.nan),
    "spence at 1.9": (ours.spence, special.spence, 1.9, dilogarithm_slope(1.9), np.nan),
    "spence at 2.1": (ours.spence, special.spence, 2.1, dilogarithm_slope(2.1), dilogarithm_slope(2.1)),
    "laplace.cdf": (jax.scipy.stats.laplace.cdf, stats.laplace.cdf, 1000.0, 0.0, np.nan),
}
for name, (f, of_scipy, x, right, seen) in cases.items():
    found = float(jax.grad(f)(x))
    print("jax", version("jax"), name, found, "right", right)
    assert abs(slope(of_scipy, x) - right) < 1e-6
    assert np.isclose(f(x), of_scipy(x), rtol=1e-14)
    assert np.isclose(found, seen, equal_nan=True)
assert abs(jax.grad(jax.grad(jnp.sinc))(0.0) + np.pi**2 / 3) < 1e-12
PY
