#!/usr/bin/env bash
# Guess: the derivative of expm1(x) is exp(x), so that it is exp(-40) = 4e-18 at -40, as exp has it.
# Seen (torch 2.13.0, CPU; jax 0.10.2): it is taken from the result, expm1(x) + 1, which has lost the digits: 0 at -40 in float64 and at
# -20 in float32, and 2e-4 off at -30. jax.nn.elu and celu, which are made of it, lose their gradient there; torch's elu does not.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.13.0" "jax==0.10.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import math

import jax
import jax.numpy as jnp
import torch

jax.config.update("jax_enable_x64", True)


def of_torch(f, x, dtype=torch.float64):
    x = torch.tensor(x, dtype=dtype, requires_grad=True)
    return torch.autograd.grad(f(x), x)[0].item()


def of_jax(f, x, dtype="float64"):
    return float(jax.grad(f)(jnp.asarray(x, dtype)))


print("torch", torch.__version__, "jax", jax.__version__)
for x in (-1.0, -30.0, -40.0):
    slopes = of_torch(torch.expm1, x), of_jax(jnp.expm1, x), of_jax(jax.nn.elu, x), of_jax(jax.nn.celu, x)
    right = of_torch(torch.exp, x), of_jax(jnp.exp, x), of_torch(torch.nn.functional.elu, x)
    print("at", x, slopes, "right", math.exp(x), right)
    assert all(abs(slope / math.exp(x) - 1) < 1e-14 for slope in right)
    assert {
        -1.0: all(abs(slope / math.exp(x) - 1) < 1e-14 for slope in slopes),
        -30.0: all(abs(slope / math.exp(x) - 1) > 1e-4 for slope in slopes),
        -40.0: all(slope == 0 for slope in slopes),
    }[x]
single = of_torch(torch.expm1, -20.0, torch.float32), of_jax(jnp.expm1, -20.0, "float32")
print("in float32 at -20", single, "right", of_torch(torch.exp, -20.0, torch.float32))
assert single == (0, 0) and of_torch(torch.exp, -20.0, torch.float32) > 2e-9
PY
