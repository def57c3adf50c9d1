#!/usr/bin/env bash
# Guess: logaddexp(x, x) is x + log 2, so its gradient is 1 at infinity as everywhere.
# Seen (jax 0.10.2): 2 at infinity, where each argument gets the whole gradient; 1 at finite numbers.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "jax==0.10.2" "jaxlib==0.10.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import jax

slope = jax.grad(lambda x: jax.numpy.logaddexp(x, x))
print("jax", jax.__version__, "at 3:", slope(3.0), "at infinity:", slope(float("inf")))
assert float(slope(3.0)) == 1.0
assert float(slope(float("inf"))) == 2.0
PY
