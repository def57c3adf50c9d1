#!/usr/bin/env bash
# Guess: hypot(x, 0) at 0 has the gradient of norm_2 of the same vector, as both are sqrt(x**2 + 0**2).
# Seen (CasADi 3.8.2): norm_2 gives 0 and hypot gives NaN, without a warning; sqrt(x)**2 gives 1 there, so infinities are
# looked after elsewhere.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "casadi==3.8.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import casadi
import numpy as np

x = casadi.SX.sym("x")


def slope(expression):
    return float(casadi.Function("f", [x], [casadi.jacobian(expression, x)])(0.0))


hypot, norm = slope(casadi.hypot(x, 0)), slope(casadi.norm_2(casadi.vertcat(x, 0)))
print("CasADi", casadi.__version__, "hypot", hypot, "norm_2", norm, "sqrt(x)**2", slope(casadi.sqrt(x) ** 2))
assert np.isnan(hypot) and norm == 0 and slope(casadi.sqrt(x) ** 2) == 1
PY
