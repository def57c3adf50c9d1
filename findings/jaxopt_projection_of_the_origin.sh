#!/usr/bin/env bash
# Guess: inside of a ball the projection onto it is x itself, so that its Jacobian is the identity at every such point.
# Seen (JAXopt 0.8.5): at x = 0, the centre, the gradient of projection_l2_ball is NaN, and so is that of prox_group_lasso, which is flat
# there; at 1e-30 both are right. The norm's square root is taken before the branch is chosen. projection_l1_ball and prox_lasso are right at 0.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "jaxopt==0.8.5" "jax==0.10.2" "scipy==1.17.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np
from jaxopt import projection, prox

weights = jnp.array([1.0, -2.0, 0.5])


def slopes(f, size):
    return np.array(jax.grad(lambda x: jnp.dot(weights, f(x)))(jnp.array([size, 0.0, 0.0])))


balls = {
    "projection_l2_ball": projection.projection_l2_ball, "projection_l1_ball": projection.projection_l1_ball,
    "prox_group_lasso": lambda x: prox.prox_group_lasso(x, 0.3), "prox_lasso": lambda x: prox.prox_lasso(x, 0.3),
}
found = {name: (slopes(f, 0.0), slopes(f, 1e-3)) for name, f in balls.items()}
for name, (at, beside) in found.items():
    print("JAXopt", version("jaxopt"), name, "at 0", at, "beside it", beside)
for name in ("projection_l2_ball", "prox_group_lasso"):
    assert np.isnan(found[name][0]).all() and np.isfinite(found[name][1]).all()
assert np.allclose(found["projection_l2_ball"][1], weights) and np.allclose(found["projection_l1_ball"][0], weights)
assert not found["prox_group_lasso"][1].any() and not found["prox_lasso"][0].any()
PY
