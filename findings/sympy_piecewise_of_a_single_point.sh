#!/usr/bin/env bash
# Guess: (exp(x) - 1) / x with its limit 1 at 0, written as a Piecewise, has at 0 the derivative 1/2, or NaN as without it.
# Seen (sympy 1.14.0): 0. Each formula is differentiated where it holds, even where that is one point: 2 x with the formula
# x at 0 (the same function) has there the derivative 1, and lambdify carries it into NumPy.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "sympy==1.14.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import sympy
from sympy import Eq, Piecewise, exp, lambdify, symbols

x = symbols("x", real=True)
f = Piecewise((1, Eq(x, 0)), ((exp(x) - 1) / x, True))
twice = Piecewise((x, Eq(x, 0)), (2 * x, True))
with np.errstate(all="ignore"):
    slope = lambdify(x, f.diff(x))(np.array([0.0, 1e-3]))
print("sympy", sympy.__version__, "at 0 and 0.001:", slope, "of 2 x at 0:", twice.diff(x).subs(x, 0))
assert slope[0] == 0.0 and abs(slope[1] - 0.5) < 1e-3, slope
assert twice.diff(x).subs(x, 0) == 1
assert sympy.limit(f.args[1][0].diff(x), x, 0) == sympy.Rational(1, 2)
PY
