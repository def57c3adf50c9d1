#!/usr/bin/env bash
# Guess: approx_fprime at a float32 array is less exact than at float64, but right to 1e-3.
# Seen (statsmodels 0.15.0): the step is that of float64, 1e-8, which float32 rounds away or to ten times of it: 12 and 6.6 for
# exp's slopes 1.35 and 2.01, without a warning. scipy.optimize's function of that name is right.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "statsmodels==0.15.0" "scipy==1.17.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import scipy.optimize
import statsmodels
from statsmodels.tools.numdiff import approx_fprime


def total(x):
    return np.sum(np.exp(x))


x = np.array([0.3, 0.7], np.float32)
right = np.exp(x.astype(np.float64))
seen, wide, scipys = approx_fprime(x, total), approx_fprime(x.astype(float), total), scipy.optimize.approx_fprime(x, total)
print("statsmodels", statsmodels.__version__, "float32", seen, "float64", wide, "scipy, float32", scipys, "right", right)
assert (np.abs(seen / right - 1) > 1).all()
np.testing.assert_allclose(wide, right, rtol=1e-6)
np.testing.assert_allclose(scipys, right, rtol=1e-3)
PY
