#!/usr/bin/env bash
# Guess: torch.special.ndtr, the normal distribution's cdf, keeps its digits in the lower tail, as scipy.special.ndtr does and as
# torch.special.log_ndtr does.
# Seen (torch 2.13.0, CPU): it is (1 + erf) / 2 there, and so is Normal.cdf: 0 at -10 in float64 (7.6e-24 is right), 2 % off at -8, and in
# float32 0 at -6. Laplace.cdf is 0 likewise far to the left, where it is an exponential.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.13.0" "scipy==1.17.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import math

import torch
from scipy import special, stats
from torch.distributions import Laplace, Normal

double, single = torch.tensor([-10.0, -8.0, -1.0], dtype=torch.float64), torch.tensor([-6.0, -1.0])
right = special.ndtr(double.numpy())
for name, found in {"ndtr": torch.special.ndtr(double), "Normal.cdf": Normal(0 * double, 1).cdf(double)}.items():
    print("torch", torch.__version__, name, found.tolist(), "right", right.tolist())
    assert found[0] == 0 and 0.01 < abs(found[1] / right[1] - 1) < 0.2 and abs(found[2] / right[2] - 1) < 1e-14
assert torch.allclose(torch.special.log_ndtr(double).exp(), torch.from_numpy(right), rtol=1e-12, atol=0)
print("float32:", torch.special.ndtr(single).tolist(), "right", special.ndtr(single.numpy()).tolist())
assert torch.special.ndtr(single)[0] == 0 and special.ndtr(-6.0) > 9e-10
x = torch.tensor(-100.0, dtype=torch.float64)
print("Laplace.cdf(-100)", Laplace(0 * x, 1).cdf(x).item(), "right", stats.laplace.cdf(-100))
assert Laplace(0 * x, 1).cdf(x) == 0 and math.isclose(stats.laplace.cdf(-100), math.exp(-100) / 2)
PY
