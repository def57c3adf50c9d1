#!/usr/bin/env bash
# Guess: scipy.differentiate.derivative at a kink reports that it did not converge, as it estimates its own error.
# Seen (SciPy 1.17.1): at 0 of abs and of max(x, 0) it reports success, an error of 0 and the derivatives 0 and 1/2: the
# differences are central and the same at every step. At 0 of floor and sqrt it reports failure. One-sided steps show the kink.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "scipy==1.17.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import warnings

import numpy as np
import scipy
from scipy.differentiate import derivative

warnings.simplefilter("ignore")
functions = {"abs": np.abs, "relu": lambda x: np.maximum(x, 0), "floor": np.floor, "sqrt": np.sqrt}
found = {name: derivative(f, 0.0) for name, f in functions.items()}
sides = [float(derivative(np.abs, 0.0, step_direction=side).df) for side in (-1, 1)]
print("SciPy", scipy.__version__, {name: (bool(r.success), float(r.df), float(r.error)) for name, r in found.items()})
print("abs from the left and from the right", sides)
assert found["abs"].success and found["abs"].df == 0 and found["abs"].error == 0
assert found["relu"].success and abs(found["relu"].df - 0.5) < 1e-12
assert not found["floor"].success and not found["sqrt"].success
assert np.allclose(sides, [-1, 1])
PY
