#!/usr/bin/env bash
# Guess: solve_triangular(A, b, unit_diagonal=True) does not read A's diagonal, so its gradient there is 0.
# Seen (autograd 1.9.1): the value is SciPy's; on the way back the argument is dropped and the diagonal is divided by, so the
# whole gradient is another one, above the diagonal too, without an error.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "autograd==1.9.1" "scipy==1.17.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import numpy as np
from autograd import grad
from autograd.scipy.linalg import solve_triangular

A = np.array([[4.0, 1.0], [7.0, 2.0]])  # read: the 1 above the diagonal
b = np.array([1.0, 3.0])


def cost(A, **how):
    return solve_triangular(A, b, **how)[0]  # b[0] - A[0, 1] b[1], with a unit diagonal


def differences(**how):
    steps = 1e-6 * np.eye(4).reshape(4, 2, 2)
    return np.reshape([(cost(A + s, **how) - cost(A - s, **how)) / 2e-6 for s in steps], (2, 2))


assert cost(A, unit_diagonal=True) == 1 - 1 * 3
seen, right = grad(cost)(A, unit_diagonal=True), differences(unit_diagonal=True)
print("autograd", version("autograd"), "gradient", seen.tolist(), "differences", right.round(6).tolist())
np.testing.assert_allclose(right, [[0, -3], [0, 0]], atol=1e-8)
np.testing.assert_allclose(grad(cost)(A), differences(), atol=1e-8)  # without unit_diagonal it is right
assert seen[0, 0] != 0 and abs(seen[0, 1] - right[0, 1]) > 1
PY
