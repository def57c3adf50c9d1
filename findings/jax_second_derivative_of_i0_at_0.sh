#!/usr/bin/env bash
# Guess: i0 is even and smooth, 1 + x**2 / 4 + ..., so that its second derivative at 0 is 1/2 in JAX.
# Seen (jax 0.10.2): 3/2, in all four orders of forward and reverse mode, at 0 alone; next to it 1/2. It is exp(|x|) i0e(x), and the slopes
# of |x| do not meet at 0. The logarithm of i0 is in the density of von Mises, so a Hessian by its concentration at 0 is affected.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "jax==0.10.2" "scipy==1.17.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import jax
from jax import grad, jacfwd, jacrev
from jax.scipy.special import i0
from scipy import special

jax.config.update("jax_enable_x64", True)
found = [float(outer(inner(i0))(0.0)) for outer in (jacfwd, jacrev) for inner in (jacfwd, jacrev)]
beside = float(grad(grad(i0))(1e-3))
differences = (special.i0(1e-3) - 2 * special.i0(0) + special.i0(-1e-3)) / 1e-6
print("jax", jax.__version__, "at 0", found, "at 0.001", beside, "differences", differences)
assert found == [1.5] * 4 and abs(beside - 0.5) < 1e-6 and abs(differences - 0.5) < 1e-6
PY
