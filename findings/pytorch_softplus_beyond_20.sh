#!/usr/bin/env bash
# Guess: torch's softplus of float64 numbers is log(1 + exp(z)) to float64's digits, and its derivative the sigmoid.
# Seen (torch 2.13.0, CPU): above z = 20 it is z itself in every precision: at 20.5 the value lacks 1.25e-9, the first
# derivative is exactly 1 and the second exactly 0, where the sigmoid's is 1.25e-9. Adding threshold=700 gives the digits back.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.13.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import torch


def of(**options):
    z = torch.tensor(20.5, dtype=torch.float64, requires_grad=True)
    y = torch.nn.functional.softplus(z, **options)
    (first,) = torch.autograd.grad(y, z, create_graph=True)
    second = torch.autograd.grad(first, z)[0] if first.requires_grad else torch.tensor(0.0)
    return y.item(), first.item(), second.item()


value, first, second = of()
print("torch", torch.__version__, "softplus(20.5):", value, first, second)
right = np.logaddexp(0, 20.5)
assert right - value > 1e-9 and first == 1 and second == 0
value, first, second = of(threshold=700)
print("with threshold=700:", value, first, second)
assert abs(right - value) < 1e-14 and abs(1 - first - 1.25e-9) < 1e-11 and abs(second - 1.25e-9) < 1e-11
PY
