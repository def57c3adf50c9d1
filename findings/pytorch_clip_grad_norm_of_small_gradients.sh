#!/usr/bin/env bash
# Guess: clip_grad_norm_ leaves gradients alone whose norm is below the limit, as max_norm / norm is above 1 there.
# Seen (torch 2.13.0, CPU): it multiplies by max_norm / (norm + 1e-6). Gradients of norm 0.5e-9 under a limit of 1e-9 come
# out a thousand times smaller, and a norm of exactly the limit 1 is cut by a millionth in float64.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.13.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import torch


def clipped(norm, limit):
    weight = torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))
    weight.grad = norm * torch.tensor([0.6, 0.8], dtype=torch.float64)
    torch.nn.utils.clip_grad_norm_([weight], limit)
    return weight.grad.norm().item()


small, equal, usual = clipped(0.5e-9, 1e-9), clipped(1.0, 1.0), clipped(0.5, 1.0)
print("torch", torch.__version__, "0.5e-9 under 1e-9:", small, "1 under 1:", equal, "0.5 under 1:", usual)
assert usual == 0.5
assert 0.4e-12 < small < 0.6e-12
assert 0.9e-6 < 1 - equal < 1.1e-6
PY
