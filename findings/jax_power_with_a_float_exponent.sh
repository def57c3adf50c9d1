#!/usr/bin/env bash
# Guess: x**2.0 is x**2, and x**1.0 is x, so that all their derivatives at 0 are those of polynomials.
# Seen (jax 0.10.2): with a float the first derivative that should be 0 for good is NaN: the second of x**1.0, the third of
# x**2.0 and of float_power(x, 2); with an int all are right. Of vander(x, 3), x**2 among its columns, the first is NaN.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "jax==0.10.2" "jaxlib==0.10.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import math

import jax
import jax.numpy as jnp


def derivatives(f):
    found = []
    for _ in range(3):
        f = jax.grad(f)
        found.append(float(f(0.0)))
    return found


found = {str(p): derivatives(lambda x, p=p: x**p) for p in (1, 1.0, 2, 2.0)}
found["float_power"] = derivatives(lambda x: jnp.float_power(x, 2))
found["vander"] = derivatives(lambda x: jnp.vander(x[None], 3)[0, 0])
print("jax", jax.__version__, found)
assert found["1"] == [1.0, 0.0, 0.0] and found["2"] == [0.0, 2.0, 0.0]
assert found["1.0"][0] == 1.0 and math.isnan(found["1.0"][1])
for name in ("2.0", "float_power"):
    assert found[name][:2] == [0.0, 2.0] and math.isnan(found[name][2]), found[name]
assert math.isnan(found["vander"][0])
PY
