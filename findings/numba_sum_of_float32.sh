#!/usr/bin/env bash
# Guess: np.sum, np.mean and np.var in a compiled function are NumPy's, within a few roundings.
# Seen (numba 0.68.1, numpy 2.4.6): the float32 entries are added one after another in float32, where NumPy adds in pairs:
# of ten million 0.1 the sum is 1087937 and the mean 0.109; the variance of equal numbers is 8e-5.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "numba==0.68.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numba
import numpy as np

x = np.full(10_000_000, 0.1, np.float32)


def three(x):
    return np.sum(x), np.mean(x), np.var(x)


plain, compiled = three(x), numba.njit(three)(x)
print("numba", numba.__version__, "numpy", np.__version__, "plain", plain, "compiled", compiled)
assert abs(plain[0] / 1e6 - 1) < 1e-6 and abs(plain[1] / 0.1 - 1) < 1e-6 and plain[2] < 1e-12
assert compiled[0] / 1e6 > 1.08 and compiled[1] / 0.1 > 1.08 and compiled[2] > 1e-5
PY
