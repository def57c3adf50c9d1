#!/usr/bin/env bash
# Guess: 0**b is 0 for all b > 0, so that its derivative by b is 0 there, as JAX and torch have it.
# Seen (CasADi 3.8.2): NaN, 0 times log(0), without a warning, and so in the gradient of a**b by both; its derivative by a is right. A
# fit of c a**b to data that begin at a = 0 has no gradient.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "casadi==3.8.2" "jax==0.10.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import casadi
import jax
import numpy as np

for symbol in (casadi.SX, casadi.MX):
    a, b = symbol.sym("a"), symbol.sym("b")
    power = casadi.Function("f", [a, b], [a**b, casadi.gradient(a**b, a), casadi.gradient(a**b, b)])
    value, by_a, by_b = (float(v) for v in power(0.0, 2.0))
    print("CasADi", casadi.__version__, symbol.__name__, value, by_a, by_b)
    assert value == 0 and by_a == 0 and np.isnan(by_b)
    assert np.isclose(float(power(3.0, 2.0)[2]), 9 * np.log(3))
of_jax = float(jax.grad(lambda b: 0.0**b)(2.0))
print("JAX", of_jax)
assert of_jax == 0
PY
