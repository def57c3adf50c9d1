#!/usr/bin/env bash
# Guess: the gradient of x / y, which CVXPY offers as expression.grad, is 1 / y and -x / y**2, as those of x * y and of x * inv_pos(y)
# are right.
# Seen (CVXPY 1.9.3): at 3 / 2 it is 1 and 0 (1/2 and -3/4 are right), and by vectors a matrix with one entry of 1 and zeros, without a
# word; diff_pos(x, y), which is x - y, is made of it and has 1/3 and -3. A constant divisor is right.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "cvxpy==1.9.3" "numpy==2.4.6" "scipy==1.17.1"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import cvxpy as cp
import numpy as np

x, y = cp.Variable(pos=True), cp.Variable(pos=True)


def differences(expression):
    found = []
    for variable in (x, y):
        values = []
        for step in (1e-6, -1e-6):
            x.value, y.value = 3.0, 2.0
            variable.value = variable.value + step
            values.append(float(expression.value))
        found.append((values[0] - values[1]) / 2e-6)
    x.value, y.value = 3.0, 2.0
    return found


seen = {}
for name, expression in {
    "x / y": x / y,
    "x * inv_pos(y)": x * cp.inv_pos(y),
    "x * y": x * y,
    "diff_pos(x, y)": cp.diff_pos(x, y),
    "x / 2 + y": x / 2 + y,
}.items():
    right = differences(expression)
    seen[name] = [float(expression.grad[x]), float(expression.grad[y])], right
    print("cvxpy", cp.__version__, name, seen[name][0], "differences", np.round(right, 6))
for name in ("x * inv_pos(y)", "x * y", "x / 2 + y"):
    np.testing.assert_allclose(*seen[name], rtol=1e-6)
np.testing.assert_allclose(seen["x / y"][1], [0.5, -0.75], rtol=1e-6)
assert seen["x / y"][0] == [1.0, 0.0]
np.testing.assert_allclose(seen["diff_pos(x, y)"][1], [1.0, -1.0], rtol=1e-6)
np.testing.assert_allclose(seen["diff_pos(x, y)"][0], [1 / 3, -3.0])
v, w = cp.Variable(3), cp.Variable(3)
v.value, w.value = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 5.0])
np.testing.assert_array_equal((v / w).grad[v].toarray(), np.diag([1.0, 0.0, 0.0]))
PY
