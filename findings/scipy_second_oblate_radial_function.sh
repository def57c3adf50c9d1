#!/usr/bin/env bash
# Guess: obl_rad1 and obl_rad2, the two radial solutions of one equation and their derivatives, have the Wronskian that theory gives them,
# R1 R2' - R1' R2 = 1 / (c (x**2 + 1)), within a few digits, or are NaN where they cannot be computed.
# Seen (SciPy 1.17.1): for m = n = 1, c = 1 it holds at x = 3, and at 0.2 and 0.7 the product is 1.43 times that. For m = 1, n = 2, c = 1.5
# the derivative that comes with R2 at 1.2 is -10.2, where the slope of R2 is 0.43. Nothing is said.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "scipy==1.17.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import scipy
from scipy.special import obl_rad1, obl_rad2


def wronskian(m, n, c, x):
    (first, first_slope), (second, second_slope) = obl_rad1(m, n, c, x), obl_rad2(m, n, c, x)
    return (first * second_slope - first_slope * second) * c * (x**2 + 1)


found = {x: float(wronskian(1, 1, 1.0, x)) for x in (0.2, 0.7, 3.0)}
given = float(obl_rad2(1, 2, 1.5, 1.2)[1])
slope = float((obl_rad2(1, 2, 1.5, 1.2 + 1e-6)[0] - obl_rad2(1, 2, 1.5, 1.2 - 1e-6)[0]) / 2e-6)
print("SciPy", scipy.__version__, "Wronskian times c (x**2 + 1)", found, "R2'", given, "slope of R2", slope)
assert abs(found[3.0] - 1) < 1e-9
assert abs(found[0.2] - 1.43) < 0.01 > abs(found[0.7] - 1.43)
assert abs(given + 10.2247) < 1e-3 and abs(slope - 0.4294) < 1e-3
PY
