#!/usr/bin/env bash
# Guess: a bound of torch.clamp may be a number or a tensor of no dimensions, and gives the same gradient, at the bound too.
# Seen (torch 2.14.1, CPU): at the bound a number stops the gradient (0, as in hardtanh) and a tensor halves it (1/2, as in maximum).
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.14.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import torch


def slope(f):
    x = torch.tensor([-1.0, 0.0, 0.5, 1.0, 2.0], requires_grad=True)
    y = f(x)
    assert torch.equal(y.detach(), torch.tensor([0.0, 0.0, 0.5, 1.0, 1.0]))
    return torch.autograd.grad(y.sum(), x)[0].tolist()


low, high = torch.tensor(0.0), torch.tensor(1.0)
by_numbers, by_tensors = slope(lambda x: torch.clamp(x, 0, 1)), slope(lambda x: torch.clamp(x, low, high))
hardtanh = slope(lambda x: torch.nn.functional.hardtanh(x, 0, 1))
by_maximum = slope(lambda x: torch.minimum(torch.maximum(x, low), high))
print("torch", torch.__version__, "numbers", by_numbers, "tensors", by_tensors, hardtanh, by_maximum)
assert by_numbers == hardtanh == [0, 0, 1, 0, 0]
assert by_tensors == by_maximum == [0, 0.5, 1, 0.5, 0]
PY
