#!/usr/bin/env bash
# Guess: np.tanh of complex numbers in a compiled function is NumPy's, 1 far out on the right.
# Seen (numba 0.68.1, numpy 2.4.6): NaN as soon as the exponential overflows (a real part of 1000), without a warning; NumPy has 1.
# A complex step through a saturated tanh turns to NaN by being compiled.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "numba==0.68.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import warnings

import numba
import numpy as np

warnings.simplefilter("error")
z = np.array([1000 + 1e-30j, 3 + 1e-30j])


def tanh(z):
    return np.tanh(z)


plain, compiled = tanh(z), numba.njit(tanh)(z)
print("numba", numba.__version__, "plain", plain, "compiled", compiled)
assert plain[0].real == 1 and abs(plain[0].imag) < 1e-30
assert np.isnan(compiled[0].real) and np.allclose(plain[1], compiled[1])
PY
