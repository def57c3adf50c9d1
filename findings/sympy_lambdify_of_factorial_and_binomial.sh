#!/usr/bin/env bash
# Guess: what lambdify makes of factorial(x) and binomial(x, 2) has the values that SymPy has for them, gamma(x + 1) and x (x - 1) / 2.
# Seen (sympy 1.14.0, SciPy 1.17.1): factorial(-0.4) is 1.489 in SymPy and 0 when compiled, as SciPy's factorial is 0 below 0, while the
# derivative, which is made of gamma, is right; binomial(x, 2) becomes a quotient of gamma functions, NaN at 0 and at -1, where 0 and 1
# are right. No warning.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "sympy==1.14.0" "scipy==1.17.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import warnings

import scipy
import sympy

warnings.simplefilter("ignore")
x = sympy.symbols("x")
modules = ["scipy", "numpy"]
exact = float(sympy.factorial(x).subs(x, -0.4))
compiled = float(sympy.lambdify(x, sympy.factorial(x), modules)(-0.4))
slope = float(sympy.lambdify(x, sympy.factorial(x).diff(x), modules)(-0.4))
pairs = sympy.lambdify(x, sympy.binomial(x, 2), modules)
counts = {at: (float(pairs(float(at))), int(sympy.binomial(at, 2))) for at in (-1, 0, 5)}
print("sympy", sympy.__version__, "SciPy", scipy.__version__, "factorial", exact, compiled, slope, "binomial", counts)
assert abs(exact - 1.4892) < 1e-4 and compiled == 0 and abs(slope + 2.2943) < 1e-4
assert counts[5] == (10, 10) and [counts[at][1] for at in (-1, 0)] == [1, 0]
assert all(counts[at][0] != counts[at][0] for at in (-1, 0))
PY
