#!/usr/bin/env bash
# Guess: in solve(A, B) with a stack A (2, 3, 3) and one matrix B (3, 2), whose gradient is summed over the stack, dB has B's shape,
# or an error says that it is not covered.
# Seen (autograd 1.9.1): dB is (2, 3, 2), one term for each of the stack, and nothing sums them.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "autograd==1.9.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import autograd.numpy as np
import numpy
from autograd import grad

A = numpy.array([numpy.eye(3), numpy.diag([2.0, 4.0, 8.0])])
B = numpy.arange(6.0).reshape(3, 2)
dB = grad(lambda B: np.sum(np.linalg.solve(A, B)))(B)
right = numpy.linalg.inv(A).sum(axis=(0, 1))[:, None] * numpy.ones((1, 2))
print("autograd", version("autograd"), "B is", B.shape, "and dB is", dB.shape)
assert numpy.linalg.solve(A, B).shape == (2, 3, 2)
assert dB.shape == (2, 3, 2)
numpy.testing.assert_allclose(dB.sum(axis=0), right)
# elsewhere the same library sums over what was broadcast
assert grad(lambda B: np.sum(np.matmul(A, B)))(B).shape == B.shape
PY
