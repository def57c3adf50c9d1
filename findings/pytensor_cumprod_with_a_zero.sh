#!/usr/bin/env bash
# Guess: cumprod with a zero has its gradient, as prod with a zero has it in the same library.
# Seen (pytensor 3.0.7): prod is right ([0, 2, 3] gives [6, 0, 0]); cumprod divides by the entry and gives NaN at the zero,
# without a warning: the sum of cumprod([2, 0, 3]) has the gradient [1, 8, 0] and [1, nan, 0] comes out.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "pytensor==3.0.7" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import warnings

import numpy as np
import pytensor
import pytensor.tensor as pt

warnings.simplefilter("ignore")
pytensor.config.cxx = ""
pytensor.config.mode = "FAST_COMPILE"
v = pt.dvector("v")
product = pytensor.function([v], pytensor.grad(pt.prod(v), v))(np.array([0.0, 2.0, 3.0]))
running = pytensor.function([v], pytensor.grad(pt.sum(pt.cumprod(v)), v))(np.array([2.0, 0.0, 3.0]))
at = np.array([2.0, 0.0, 3.0], complex)
right = [np.sum(np.cumprod(at + 1e-30j * one)).imag / 1e-30 for one in np.eye(3)]
print("pytensor", pytensor.__version__, "prod", product, "cumprod", running, "right", right)
assert product.tolist() == [6.0, 0.0, 0.0] and np.allclose(right, [1, 8, 0])
assert np.isnan(running[1]) and running[0] == 1 and running[2] == 0
PY
