#!/usr/bin/env bash
# Guess: jet, JAX's Taylor mode, gives the derivatives that grad gives wherever grad gives some: of x**2.0 at -2, and of arctan2(2, x)
# at 0.
# Seen (jax 0.10.2): NaN in every order, where grad has -4 and -1/2: the power is exp(2 log(x)) there, and the arc tangent is taken
# of 2 / x. x**2, with an int, is right in both.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "jax==0.10.2" "numpy==2.4.6"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.jet import jet

jax.config.update("jax_enable_x64", True)


def taylor(f, x):
    return np.array(jet(f, (x,), ([1.0, 0.0, 0.0],))[1])


for name, f, x, right in (
    ("x**2.0", lambda x: x**2.0, -2.0, [-4.0, 2.0, 0.0]),
    ("arctan2(2, x)", lambda x: jnp.arctan2(2.0, x), 0.0, [-0.5, 0.0, 0.25]),
    ("x**2", lambda x: x**2, -2.0, [-4.0, 2.0, 0.0]),
    ("arctan2(x, 2)", lambda x: jnp.arctan2(x, 2.0), 0.0, [0.5, 0.0, -0.25]),
):
    g = jax.grad(f)
    by_grad = [float(g(x)), float(jax.grad(g)(x)), float(jax.grad(jax.grad(g))(x))]
    print("jax", version("jax"), name, "at", x, "jet", taylor(f, x), "grad", by_grad)
    np.testing.assert_allclose(by_grad, right, atol=1e-12)
    if name in ("x**2", "arctan2(x, 2)"):
        np.testing.assert_allclose(taylor(f, x), right, atol=1e-12)
    else:
        assert np.isnan(taylor(f, x)).all()
PY
