#!/usr/bin/env bash
# Guess: wrap(math.sin), whose derivative is found numerically, has the deviation |cos x| * s to 1e-6, at x = 1 and at x = 1e8.
# Seen (uncertainties 3.2.3): the step is sqrt(eps) * |x|, 1.5 at x = 1e8, however fast the function changes: 4e-5 off at 1e6, a
# third at 1e8. umath.sin, which knows its derivative, is exact.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "uncertainties==3.2.3"
"$folder/venv/bin/python" - <<'PY'
import math

import uncertainties
from uncertainties import ufloat, umath

sine = uncertainties.wrap(math.sin)
off = {}
for x in (1.0, 1e4, 1e6, 1e8):
    right = abs(math.cos(x)) * 0.1
    off[x] = abs(sine(ufloat(x, 0.1)).s / right - 1)
    exact = abs(umath.sin(ufloat(x, 0.1)).s / right - 1)
    print("uncertainties", uncertainties.__version__, f"x = {x:g}: wrap {off[x]:.1e} off, umath {exact:.1e}")
    assert exact < 1e-12
assert off[1.0] < 1e-8 and off[1e4] < 1e-7
assert off[1e6] > 1e-5 and off[1e8] > 0.3
PY
