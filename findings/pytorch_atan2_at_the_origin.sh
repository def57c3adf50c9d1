#!/usr/bin/env bash
# Guess: at (0, 0), where atan2 has no derivative, torch has one convention for it, as for abs.
# Seen (torch 2.13.0, CPU): 0 in reverse mode and NaN in forward mode; and at (1e-200, 1e-200), where the derivative is 5e199, reverse
# mode gives 0 and forward mode infinity, as both square the numbers. JAX has NaN at the origin.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.13.0" "jax==0.10.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import math

import jax
import torch
from torch.func import jacfwd, jacrev


def both(value):
    x = torch.tensor(value, dtype=torch.float64)
    return jacfwd(lambda y: torch.atan2(y, x))(x).item(), jacrev(lambda y: torch.atan2(y, x))(x).item()


origin, near, one = both(0.0), both(1e-200), both(1.0)
print("torch", torch.__version__, "(forward, reverse) at 0", origin, "at 1e-200", near, "at 1", one)
assert math.isnan(origin[0]) and origin[1] == 0
assert near == (math.inf, 0)
assert one == (0.5, 0.5)
assert math.isnan(jax.grad(jax.numpy.arctan2)(0.0, 0.0))
PY
