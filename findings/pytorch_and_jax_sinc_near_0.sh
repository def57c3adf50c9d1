#!/usr/bin/env bash
# Guess: sinc is smooth, so near 0 its derivative is -pi**2 x / 3 to the digits of the numbers, and at 0 the second is -pi**2 / 3.
# Seen (torch 2.13.0, CPU; jax 0.10.2): both take the difference of two large quotients. In float32 at x = 1e-4 torch's derivative is
# 2.8 times too large and JAX's 4.1 times; in float64 at 1e-8 both are a third too small. At 0 torch's second derivative is NaN, while
# JAX's, which is looked after at that one point, is right; next to it, at 1e-12, JAX's second is 2e8.
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


def of_torch(x, dtype):
    x = torch.tensor(x, dtype=dtype, requires_grad=True)
    (first,) = torch.autograd.grad(torch.sinc(x), x, create_graph=True)
    return first.item(), torch.autograd.grad(first, x)[0].item()


def of_jax(x):
    return float(jax.grad(jnp.sinc)(x)), float(jax.grad(jax.grad(jnp.sinc))(x))


print("torch", torch.__version__, "jax", jax.__version__)
for x, dtype, low, high in ((1e-4, "float32", 2, 5), (1e-8, "float64", 0.5, 0.8)):
    right = -(math.pi**2) * x / 3
    slopes = of_torch(x, getattr(torch, dtype))[0], of_jax(jnp.asarray(x, dtype))[0]
    print(dtype, "at", x, "torch and jax", slopes, "right", right)
    assert all(low < slope / right < high for slope in slopes)
for x, dtype in ((1e-1, "float32"), (1e-3, "float64")):
    right = (math.pi * x * math.cos(math.pi * x) - math.sin(math.pi * x)) / (math.pi * x**2)
    slopes = of_torch(x, getattr(torch, dtype))[0], of_jax(jnp.asarray(x, dtype))[0]
    assert all(abs(slope / right - 1) < 1e-4 for slope in slopes)
at_0, beside = (of_torch(0.0, torch.float64)[1], of_jax(0.0)[1]), of_jax(1e-12)[1]
print("second derivatives at 0", at_0, "of jax at 1e-12", beside)
assert math.isnan(at_0[0]) and abs(at_0[1] + math.pi**2 / 3) < 1e-12 and abs(beside) > 1e6
PY
