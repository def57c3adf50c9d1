#!/usr/bin/env bash
# Guess: a sort has in forward mode the derivative that it has in reverse mode, for a matrix too, or is refused there as in reverse mode.
# Seen (autograd 1.9.1): make_jvp of np.sort and np.partition of a 3 x 3 matrix gives a tangent of the shape (3, 3, 3), without an error:
# the order within the rows is used as numbers of rows. Of a vector it is right; reverse mode refuses a matrix.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "autograd==1.9.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import autograd.numpy as np
from autograd import grad, make_jvp

X, dX = np.array([[3.0, 1.0, 2.0], [4.0, 6.0, 5.0], [7.0, 9.0, 8.0]]), np.arange(9.0).reshape(3, 3)
for name, f in {"sort": np.sort, "partition": lambda x: np.partition(x, 1)}.items():
    value, tangent = make_jvp(f)(X)(dX)
    print("autograd", version("autograd"), name, value.shape, tangent.shape)
    assert value.shape == (3, 3) and tangent.shape == (3, 3, 3)
    assert np.array_equal(make_jvp(f)(X[0])(dX[0])[1], dX[0][np.argsort(X[0])])
    try:
        grad(lambda x: np.sum(f(x) * dX))(X)
    except NotImplementedError as error:
        print("in reverse mode:", error)
    else:
        raise AssertionError("reverse mode is no longer refused")
PY
