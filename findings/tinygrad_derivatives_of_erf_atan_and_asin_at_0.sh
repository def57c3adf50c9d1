#!/usr/bin/env bash
# Guess: erf, atan, asin and acos are smooth at 0 and have there the derivatives 2 / sqrt(pi), 1, 1 and -1.
# Seen (tinygrad 0.14.0): 0 each, as the formulas are made for |x| and multiplied by the sign of x, whose derivative is 0. Beside 0
# they are right, and so are the values. A model that takes erf or atan of its scores does not begin to learn from weights of 0.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "tinygrad==0.14.0"
"$folder/venv/bin/python" - <<'PY'
import math
import os
from importlib.metadata import version

os.environ["DEV"] = "PYTHON"  # no compiler is needed
from tinygrad import Tensor

cases = {  # the function, and its derivative at 0
    "erf": (math.erf, 2 / math.sqrt(math.pi)),
    "atan": (math.atan, 1.0),
    "asin": (math.asin, 1.0),
    "acos": (math.acos, -1.0),
    "tanh": (math.tanh, 1.0),
    "sin": (math.sin, 1.0),
}
for name, (function, slope) in cases.items():
    x = Tensor([0.0, 1e-3])
    y = getattr(x, name)()
    found = y.sum().gradient(x)[0].tolist()
    print("tinygrad", version("tinygrad"), name, y.tolist(), found, "right at 0", slope)
    assert all(abs(value - function(number)) < 1e-6 for value, number in zip(y.tolist(), (0.0, 1e-3)))
    assert abs((function(1e-6) - function(-1e-6)) / 2e-6 - slope) < 1e-6 and abs(found[1] - slope) < 1e-3
    assert abs(found[0] - (0 if name in ("erf", "atan", "asin", "acos") else slope)) < 1e-6
PY
