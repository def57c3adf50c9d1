#!/usr/bin/env bash
# Guess: x**0 is 1 with no error to carry, at 0 too, and the Taylor series of x**2.0 at 0 is that of x**2, as both have it elsewhere.
# Seen (gvar 13.1.10): at x = 0 the standard deviation of x**0 is NaN, and so is that of a polynomial c_0 x**0 + c_1 x**1 whose data begin
# at 0, without a word; 0**b for an uncertain b, likewise. x**2.0 as a PowerSeries at 0 is NaN in every order, the value too; x**2 is right.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "gvar==13.1.10" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import warnings

import gvar
import numpy as np
from gvar.powerseries import PowerSeries

warnings.simplefilter("ignore")
x = gvar.gvar(0.0, 0.1)
c = gvar.gvar([1.0, 2.0], [0.1, 0.1])
power, polynomial, by_exponent = x**0, sum(c[k] * x**k for k in range(2)), 0 ** gvar.gvar(2.0, 0.1)
series = PowerSeries([0.0, 1.0], order=3)
print("gvar", gvar.__version__, "x**0", power, "polynomial", polynomial, "0**b", by_exponent, "series", (series**2.0).c)
assert power.mean == 1 and np.isnan(power.sdev)
assert polynomial.mean == 1 and np.isnan(polynomial.sdev)
assert by_exponent.mean == 0 and np.isnan(by_exponent.sdev)
assert (gvar.gvar(2.0, 0.1) ** 0).sdev == 0
assert np.isnan((series**2.0).c).all() and (series**2).c.tolist() == [0, 0, 1, 0]
PY
