#!/usr/bin/env bash
# Guess: the gradient of max over a vector with equal largest entries goes to one of them or is shared out, and sums to 1.
# Seen (pytensor 3.0.7): every largest entry gets all of it, so that it sums to their number; maximum(x, y) of equal
# arguments gives all of it to the first, and sums to 1.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "pytensor==3.0.7" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import pytensor
import pytensor.tensor as pt

pytensor.config.cxx = ""
pytensor.config.mode = "FAST_COMPILE"
v, x, y = pt.dvector("v"), pt.dscalar("x"), pt.dscalar("y")
of_max = pytensor.function([v], pytensor.grad(pt.max(v), v))(np.array([1.0, 1.0, 0.0]))
of_two = [float(one) for one in pytensor.function([x, y], pytensor.grad(pt.maximum(x, y), [x, y]))(1.0, 1.0)]
print("pytensor", pytensor.__version__, "max", of_max, "maximum", of_two)
assert of_max.tolist() == [1.0, 1.0, 0.0]
assert of_two == [1.0, 0.0]
PY
