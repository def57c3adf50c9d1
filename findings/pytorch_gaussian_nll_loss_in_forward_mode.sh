#!/usr/bin/env bash
# Guess: jacfwd and jacrev of gaussian_nll_loss by the variance agree.
# Seen (torch 2.13.0, CPU): where the variance is below eps, forward mode says 0, as of a clamp, and reverse mode the derivative as if
# nothing were clamped, taken at eps. The value does not change with the variance there.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.13.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import torch
from torch.func import jacfwd, jacrev


def loss(variance):
    zeros = torch.zeros(2, dtype=torch.float64)
    return torch.nn.functional.gaussian_nll_loss(zeros, zeros + 1, variance, eps=0.1, reduction="sum")


variance = torch.tensor([0.01, 2.0], dtype=torch.float64)
forward, reverse = jacfwd(loss)(variance), jacrev(loss)(variance)
print("torch", torch.__version__, "forward", forward, "reverse", reverse)
assert loss(variance) == loss(torch.tensor([0.02, 2.0], dtype=torch.float64))
assert forward.tolist() == [0, 0.125]
assert torch.allclose(reverse, torch.tensor([(1 / 0.1 - 1 / 0.1**2) / 2, 0.125], dtype=torch.float64))
PY
