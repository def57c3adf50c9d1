#!/usr/bin/env bash
# Guess: erfcx, i0e and i1e exist for large arguments, so that their derivatives are good there as the values are.
# Seen (torch 2.13.0, CPU; jax 0.10.2): each derivative is the difference of two numbers that are nearly equal. In float32 at 1e6 i0e's
# and i1e's are 12 % and 2 % off and at 1e8 have the wrong sign in one of them, in both libraries; in float64 at 1e8 that of erfcx is 0,
# and its second 1e16 times too large.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.13.0" "jax==0.10.2" "scipy==1.17.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import math

import jax
import jax.numpy as jnp
import torch
from scipy import special

jax.config.update("jax_enable_x64", True)


def of_torch(f, x, dtype):
    x = torch.tensor(x, dtype=dtype, requires_grad=True)
    y = f(x)
    (first,) = torch.autograd.grad(y, x, create_graph=True)
    return y.item(), first.item(), torch.autograd.grad(first, x)[0].item()


print("torch", torch.__version__, "jax", jax.__version__)
for x, low, high in ((1e6, 0.015, 0.2), (1e8, 1.0, 50.0)):
    right = -0.5 * x**-1.5 / math.sqrt(2 * math.pi)  # of the leading term 1 / sqrt(2 pi x) of both
    for name in ("i0e", "i1e"):
        value, slope, _ = of_torch(getattr(torch.special, name), x, torch.float32)
        of_jax = float(jax.grad(getattr(jax.scipy.special, name))(jnp.float32(x)))
        print(name, "at", x, "torch", slope, "jax", of_jax, "right", right)
        assert abs(value / getattr(special, name)(x) - 1) < 1e-6
        assert low < abs(slope / right - 1) < high
        assert low < abs(of_jax / right - 1) < high
x = 1e8
value, first, second = of_torch(torch.special.erfcx, x, torch.float64)
print("erfcx at", x, value, first, second, "right", -1 / (math.sqrt(math.pi) * x**2), 2 / (math.sqrt(math.pi) * x**3))
assert abs(value / special.erfcx(x) - 1) < 1e-14 and first == 0
assert second * math.sqrt(math.pi) * x**3 / 2 > 1e15
PY
