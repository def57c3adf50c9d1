#!/usr/bin/env bash
# Guess: a function of a tensor that asks for a gradient has one, or backward refuses it, as torch.special.zeta does.
# Seen (torch 2.13.0, CPU): torch.normal(mean, std) has the gradient 0 by both (a sample mean + std * noise has 1 and the
# noise); torch.special.bessel_j0 and torch.linspace with a tensor as its end give what does not ask for a gradient. In a
# sum with anything that does, all three go unnoticed. The documentation of none says so.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.13.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import warnings

import torch

warnings.simplefilter("error")


def slope(f):
    x = torch.tensor(2.0, requires_grad=True)
    return float(torch.autograd.grad(f(x) + x, x)[0]) - 1.0


found = {
    "mean": slope(lambda x: torch.normal(x.expand(1), 1.0).sum()),
    "std": slope(lambda x: torch.normal(torch.zeros(1), x.expand(1)).sum()),
    "bessel_j0": slope(torch.special.bessel_j0),
    "linspace": slope(lambda x: torch.linspace(0.0, x, 3).sum()),
}
right = slope(lambda x: torch.distributions.Normal(x, 1.0).rsample())
print("torch", torch.__version__, "gradients of", found, "Normal.rsample by the mean", right)
assert all(value == 0.0 for value in found.values()), found
assert right == 1.0
try:
    slope(lambda x: torch.special.zeta(x, torch.tensor(2.0)))
except NotImplementedError as error:
    print("zeta:", error)
else:
    raise AssertionError("zeta is no longer refused")
PY
