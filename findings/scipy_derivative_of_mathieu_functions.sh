#!/usr/bin/env bash
# Guess: mathieu_cem and mathieu_sem return their value at x, which is "given in degrees, not radians", and the "value of the derivative
# vs x": for q = 0 they are cos and sin of m x degrees, so the derivative of the first is -m pi / 180 sin.
# Seen (SciPy 1.17.1): the derivative is by radians, 57.3 times that. Open as issue 14580 of SciPy since 2021.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "scipy==1.17.1" "numpy==2.4.6"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import scipy
from scipy import special

for f in (special.mathieu_cem, special.mathieu_sem):
    for q in (0.0, 1.5):
        value, derivative = f(2, q, 20.0)
        slope = (f(2, q, 20.0 + 1e-4)[0] - f(2, q, 20.0 - 1e-4)[0]) / 2e-4
        print("scipy", scipy.__version__, f.__name__, "q", q, "derivative", derivative, "differences", slope)
        assert "given in degrees" in f.__doc__ and "derivative vs x" in f.__doc__
        assert np.isclose(derivative, slope * 180 / np.pi, rtol=1e-6)
assert np.isclose(special.mathieu_cem(2, 0.0, 20.0)[0], np.cos(2 * np.radians(20)))
PY
