#!/usr/bin/env bash
# Guess: ops.take(x, -1) is the last entry of the flattened x with every backend, as with NumPy, and ops.pad(x, 1) pads all axes.
# Seen (keras 3.15.1, torch 2.13.0): with the torch backend -1 is taken as the number of rows less one, entry 2 of a 3 x 4 matrix, and one
# number, or one pair, pads the last axis alone. With JAX and NumPy as backends both are NumPy's.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "keras==3.15.1" "torch==2.13.0" "jax==0.10.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import os
import subprocess
import sys

program = """
import numpy as np
from keras import ops
x = np.arange(12.0, dtype="float32").reshape(3, 4)
print(float(ops.take(x, -1)), float(ops.take(x, 11)), float(ops.take(x, -1, axis=1)[0]), tuple(ops.pad(x, 1).shape),
      tuple(ops.pad(x, (1, 0)).shape), tuple(ops.pad(x, ((1, 1), (1, 1))).shape))
"""
seen = {}
for backend in ("numpy", "jax", "torch"):
    env = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    run = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    seen[backend] = run.stdout.strip()
    print(backend, seen[backend])
assert seen["numpy"] == seen["jax"] == "11.0 11.0 3.0 (5, 6) (4, 5) (5, 6)"
assert seen["torch"] == "2.0 11.0 3.0 (3, 6) (3, 5) (5, 6)"
PY
