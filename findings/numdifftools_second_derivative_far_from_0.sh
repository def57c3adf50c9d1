#!/usr/bin/env bash
# Guess: Derivative(x**2, n=2) at 1e8 is 2 to some six digits: its steps suit the size of x, and it extrapolates.
# Seen (numdifftools 0.11.2): 0, without a warning, and 2.0000006 at 1e6. Steps don't grow with x as they would have to, so the values of
# x**2 lose their difference in rounding; x**3 at the same point is right to three digits, and Hessian, of the same function, to one.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "numdifftools==0.11.2" "numpy==2.4.6" "scipy==1.17.1"
"$folder/venv/bin/python" - <<'PY'
import warnings

import numdifftools
import numpy as np

warnings.simplefilter("error")
found = {x: float(numdifftools.Derivative(lambda x: x**2, n=2)(x)) for x in (1e2, 1e6, 1e8)}
cube = float(numdifftools.Derivative(lambda x: x**3, n=2)(1e8)) / 6e8
hessian = float(np.squeeze(numdifftools.Hessian(lambda v: v[0] ** 2)([1e8])))
print("numdifftools", numdifftools.__version__, "x**2:", found, "x**3, over 6 x:", cube, "Hessian:", hessian)
assert abs(found[1e2] - 2) < 1e-9 and abs(found[1e6] - 2) < 1e-5 and found[1e8] == 0.0
assert abs(cube - 1) < 0.01 and abs(hessian - 2) < 0.2
PY
