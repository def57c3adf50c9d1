#!/usr/bin/env bash
# Guess: below eps the norm of a vector is replaced by eps, as the documentation of cosine_similarity has it, so that the result is linear
# in the vector there, with the gradient y / (eps |y|).
# Seen (torch 2.13.0, CPU): the value is that, and so is the gradient in forward mode; in reverse mode a term of the norm stays: with
# x = 0.56 eps the first entry of the gradient is a tenth of what it should be.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.13.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import torch
from torch.func import jacfwd, jacrev

y = torch.tensor([1.0, 2.0], dtype=torch.float64)


def similarity(x):
    return torch.nn.functional.cosine_similarity(x, y, dim=0)


for scale in (1e-7, 5e-9):
    x = scale * torch.tensor([1.0, 0.5], dtype=torch.float64)
    right = y / (1e-8 * y.norm()) if x.norm() < 1e-8 else y / (x.norm() * y.norm()) - (x @ y) * x / (x.norm() ** 3 * y.norm())
    forward, reverse = jacfwd(similarity)(x), jacrev(similarity)(x)
    h = 1e-3 * scale * torch.eye(2, dtype=torch.float64)
    differences = torch.stack([(similarity(x + d) - similarity(x - d)) / (2 * d.norm()) for d in h])
    print("torch", torch.__version__, "length", x.norm().item(), forward, reverse, "differences", differences)
    assert torch.allclose(differences, right, rtol=1e-4)
    assert torch.allclose(forward, right, rtol=1e-12)
    assert torch.allclose(reverse, right, rtol=1e-12) == (scale == 1e-7)
assert reverse[0] / right[0] < 0.2
PY
