#!/usr/bin/env bash
# Guess: fmax is maximum but for NaN, so that equal arguments share its gradient as they do maximum's, half each (torch's fmax does so).
# Seen (jax 0.10.2): of fmax and fmin the second argument gets all of it and the first nothing.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "jax==0.10.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import jax
import jax.numpy as jnp

names = ("fmax", "fmin", "maximum", "minimum")
found = {name: [float(g) for g in jax.grad(getattr(jnp, name), (0, 1))(1.0, 1.0)] for name in names}
print("jax", jax.__version__, found)
assert found["fmax"] == found["fmin"] == [0, 1]
assert found["maximum"] == found["minimum"] == [0.5, 0.5]
PY
