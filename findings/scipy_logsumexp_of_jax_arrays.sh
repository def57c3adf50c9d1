#!/usr/bin/env bash
# Guess: SciPy's functions that take JAX arrays (SCIPY_ARRAY_API=1) can be differentiated by JAX where their values are good: logsumexp has
# the softmax as its gradient, as jax.scipy.special.logsumexp has.
# Seen (SciPy 1.17.1, JAX 0.10.2): of the scores [1000, 0] the value is 1000 and the gradient [NaN, 0]; of [1000, 1000, 999] all is NaN,
# and so for [100, 100, 0] in JAX's float32, while [2, 1, 0] is right. stats.tvar with limits has NaN for each entry within them. The
# branch that is not taken is 0 times infinity. softmax and log_softmax are right.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "scipy==1.17.1" "jax==0.10.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import os

os.environ["SCIPY_ARRAY_API"] = "1"
import jax
import jax.numpy as jnp
import numpy as np
import scipy
from scipy import special, stats

for scores in ([2.0, 1.0, 0.0], [1000.0, 0.0], [1000.0, 1000.0, 999.0], [100.0, 100.0, 0.0]):
    z = jnp.array(scores)
    gradient, right = jax.grad(special.logsumexp)(z), jax.grad(jax.scipy.special.logsumexp)(z)
    value = float(special.logsumexp(z))
    print("SciPy", scipy.__version__, "JAX", jax.__version__, scores, value, "gradient", gradient, "JAX's own", right)
    assert abs(value - float(jax.scipy.special.logsumexp(z))) < 1e-3
    assert np.isnan(gradient[0]) == (scores[0] > 2) and np.isfinite(right).all()
x = jnp.array([0.3, 1.7, 0.9])
trimmed = jax.grad(lambda x: stats.tvar(x, (0.5, 2.0)))(x)
print("tvar", stats.tvar(x, (0.5, 2.0)), "gradient", trimmed)
assert abs(float(stats.tvar(x, (0.5, 2.0))) - 0.32) < 1e-6 and np.isnan(trimmed).tolist() == [False, True, True]
PY
