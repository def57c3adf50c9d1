#!/usr/bin/env bash
# Guess: a class with __array_priority__ and __rmatmul__ is asked by ``S @ x``, as it is by an ndarray.
# Seen (scipy 1.17.1): S calls np.asanyarray(x) first, and leaves the product to x only if that is a
# zero-dimensional array of objects.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "scipy==1.17.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import scipy
import scipy.sparse

asked = []


class Other:
    __array_priority__ = 1000.0
    __array_ufunc__ = None

    def __array__(self, dtype=None, copy=None):
        asked.append("__array__")
        return np.ones(2)

    def __rmatmul__(self, left):
        asked.append("__rmatmul__")
        return "mine"


np.eye(2) @ Other()
dense, asked[:] = list(asked), []
product = scipy.sparse.csr_array(np.eye(2)) @ Other()
print("scipy", scipy.__version__, "ndarray asks", dense, "a sparse array asks", asked, "and gives", product)
assert dense == ["__rmatmul__"]
assert asked == ["__array__"]
PY
