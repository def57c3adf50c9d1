#!/usr/bin/env bash
# Guess: where a function of jax.scipy.special is smooth, though its formula is 0 / 0 there, its derivative is that of the function,
# as sinc's is at 0 in every order.
# Seen (jax 0.10.2): 0, without a word: of boxcox(x, lambda) by lambda at 0 (log(x)**2 / 2 is right), of boxcox1p likewise, and of
# spence at 1 (-1 is right).
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "jax==0.10.2" "numpy==2.4.6" "scipy==1.17.1"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import special as ours
from scipy import special

jax.config.update("jax_enable_x64", True)
h = 1e-5


def slope(f, x):
    return (f(x + h) - f(x - h)) / (2 * h)


cases = {
    "boxcox": (lambda l: ours.boxcox(2.0, l), lambda l: special.boxcox(2.0, l), 0.0, np.log(2.0) ** 2 / 2),
    "boxcox1p": (lambda l: ours.boxcox1p(2.0, l), lambda l: special.boxcox1p(2.0, l), 0.0, np.log(3.0) ** 2 / 2),
    "spence": (ours.spence, special.spence, 1.0, -1.0),
}
for name, (f, of_scipy, x, right) in cases.items():
    print("jax", version("jax"), name, float(jax.grad(f)(x)), "right", right)
    assert abs(slope(of_scipy, x) - right) < 1e-6
    assert np.isclose(f(x), of_scipy(x), rtol=1e-14)
    assert float(jax.grad(f)(x)) == 0
assert abs(jax.grad(jax.grad(jnp.sinc))(0.0) + np.pi**2 / 3) < 1e-12
PY
