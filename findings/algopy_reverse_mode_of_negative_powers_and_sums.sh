#!/usr/bin/env bash
# Guess: AlgoPy's reverse mode gives what its forward mode gives.
# Seen (AlgoPy 0.7.2): of x**-1 and x**-2 it gives 0, of x**-1.0 and 1 / x the right -1 / x**2; of sum(X, axis=0) it gives the gradient
# transposed, of sum(X, axis=1) it is right. Nothing is raised; forward mode is right in all of them.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "algopy==0.7.2" "scipy==1.17.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import algopy
import numpy as np
from algopy import UTPM, CGraph, Function


def forward(f, x):
    columns = [f(UTPM(np.stack([x, e.reshape(x.shape)])[:, None])).data[1, 0] for e in np.eye(x.size)]
    return np.array(columns).reshape(x.shape)


def reverse(f, x):
    graph, X = CGraph(), Function(x)
    graph.dependentFunctionList = [f(X)]
    graph.independentFunctionList = [X]
    return graph.gradient(x) if x.ndim == 1 else graph.gradient([x])[0]


x, weights = np.array([1.0, 2.0, 4.0]), np.array([1.0, 10.0])
X = np.array([[1.0, 2.0], [3.0, 4.0]])
print("algopy", version("algopy"))
for exponent in (-1, -2, -1.0, 3):
    right = exponent * x ** (exponent - 1.0)
    found = reverse(lambda x: algopy.sum(x**exponent), x)
    print("x **", exponent, "reverse", found, "right", right)
    assert np.allclose(forward(lambda x: algopy.sum(x**exponent), x), right)
    assert np.allclose(found, 0 if exponent in (-1, -2) and isinstance(exponent, int) else right)
for axis, right in ((0, np.array([[1.0, 10.0], [1.0, 10.0]])), (1, np.array([[1.0, 1.0], [10.0, 10.0]]))):
    def cost(X):
        return algopy.sum(algopy.sum(X, axis=axis) * weights)

    found = reverse(cost, X)
    print("sum over axis", axis, "reverse", found.tolist(), "right", right.tolist())
    assert np.allclose(forward(cost, X), right)
    assert np.allclose(found, right.T if axis == 0 else right)
PY
