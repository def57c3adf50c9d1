#!/usr/bin/env bash
# Guess: ops.nancumsum leaves NaN out and keeps infinities, as NumPy's does, and ops.nextafter(x, y) is the next float32 after a float32 x.
# Seen (keras 3.15.1, torch 2.13.0): with the torch backend an infinity counts as 3.4e38, and a later -inf takes it back to a finite sum
# where NumPy has NaN; nextafter is x itself. With JAX as backend both are NumPy's.
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
x, y = np.array([1.0, np.inf, np.nan, -np.inf, 2.0], "float32"), np.array([0.5, 2.0], "float32")
sums, after = ops.convert_to_numpy(ops.nancumsum(x)), ops.convert_to_numpy(ops.nextafter(y, 10 * y))
print(sums.dtype, sums.tolist(), after.dtype, (after > y).tolist())
"""
seen = {}
for backend in ("numpy", "jax", "torch"):
    env = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    run = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    seen[backend] = run.stdout.strip()
    print(backend, seen[backend])
assert seen["numpy"] == seen["jax"] == "float32 [1.0, inf, inf, nan, nan] float32 [True, True]"
assert seen["torch"] == f"float32 [1.0, {2.0**128 - 2.0**104}, {2.0**128 - 2.0**104}, 0.0, 2.0] float32 [False, False]"
PY
