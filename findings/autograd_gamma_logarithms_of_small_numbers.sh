#!/usr/bin/env bash
# Guess: gammaincln, gammainccln and betaincln of autograd-gamma exist because the logarithm is good where the function is too small for
# double precision: the logarithm of gammaincc(1, x) is -x, with the derivative -1.
# Seen (autograd-gamma 0.4.2): the function is kept above 1e-35 and the logarithm is taken of that: -80.59 at x = 100 and at 1000 (the
# numbers at 100, 4e-44, would be good), with the derivative -4e-9 at 100, 0 at 1000, and NaN by the first argument. Nothing is said: a
# censored observation far out in a likelihood stops to pull.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "autograd-gamma==0.4.2" "autograd==1.9.1" "scipy==1.17.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import warnings
from importlib.metadata import version

import autograd
from autograd_gamma import gammaincc, gammainccln

warnings.simplefilter("ignore")
values = [float(gammainccln(1.0, x)) for x in (50.0, 100.0, 1000.0)]
slopes = [float(autograd.grad(gammainccln, 1)(1.0, x)) for x in (50.0, 100.0, 1000.0)]
by_a = float(autograd.grad(gammainccln, 0)(1.0, 1000.0))
print("autograd-gamma", version("autograd-gamma"), "values", values, "slopes", slopes, "by a", by_a)
assert abs(values[0] + 50) < 1e-9 and abs(slopes[0] + 1) < 1e-6
assert abs(values[1] + 80.59) < 0.01 and values[1] == values[2]
assert -1e-8 < slopes[1] < 0 and slopes[2] == 0 and by_a != by_a
assert gammaincc(1.0, 100.0) > 3e-44
PY
