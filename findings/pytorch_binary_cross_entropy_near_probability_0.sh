#!/usr/bin/env bash
# Guess: for label 0 the loss is -log(1 - a), so its gradient is 1 / (1 - a), near 1 for a near 0.
# Seen (torch 2.13.0, CPU): a / 1e-12 below a = 1e-12, and 0 at a = 0: the divisor a (1 - a) is kept above 1e-12.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.13.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import torch

a = torch.tensor([0.5, 1e-6, 1e-13, 0.0], dtype=torch.float64, requires_grad=True)
loss = torch.nn.functional.binary_cross_entropy(a, torch.zeros(4, dtype=torch.float64), reduction="sum")
loss.backward()
by_hand = torch.tensor([0.5, 1e-6, 1e-13, 0.0], dtype=torch.float64, requires_grad=True)
(-torch.log(1 - by_hand)).sum().backward()
print("torch", torch.__version__, "of the loss", a.grad.tolist(), "by hand", by_hand.grad.tolist())
expected = torch.tensor([2.0, 1.000001, 0.1, 0.0], dtype=torch.float64)
assert torch.allclose(a.grad, expected), a.grad
assert torch.allclose(by_hand.grad, torch.tensor([2.0, 1.000001, 1.0, 1.0], dtype=torch.float64))
PY
