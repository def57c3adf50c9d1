#!/usr/bin/env bash
# Guess: AMSGrad, and RMSProp, take the same steps in optax and in PyTorch with the same settings.
# Seen (optax 0.2.8, torch 2.13.0): AMSGrad keeps the largest second moment before the correction of its bias in PyTorch and
# after it in optax: after gradients 1, 0.1 the second steps are 0.074 and 0.053. RMSProp has its epsilon under the root in
# optax: for gradients of 1e-6 its first step is 300 times smaller.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.13.0" "optax==0.2.8" "jax==0.10.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import jax
import jax.numpy as jnp
import optax
import torch

jax.config.update("jax_enable_x64", True)


def by_optax(optimizer, gradients):
    state, steps = optimizer.init(jnp.array(0.0)), []
    for gradient in gradients:
        step, state = optimizer.update(jnp.array(gradient), state)
        steps.append(-float(step))
    return steps


def by_torch(optimizer, gradients, **settings):
    weight, steps = torch.nn.Parameter(torch.tensor(0.0, dtype=torch.float64)), []
    optimizer = optimizer([weight], lr=0.1, eps=1e-8, **settings)
    for gradient in gradients:
        before, weight.grad = weight.item(), torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
        steps.append(before - weight.item())
    return steps


plain = [
    by_optax(optax.adam(0.1, b1=0.9, b2=0.999, eps=1e-8), [1.0, 0.1]),
    by_torch(torch.optim.Adam, [1.0, 0.1], betas=(0.9, 0.999)),
]
assert all(abs(a - b) < 1e-9 for a, b in zip(*plain, strict=True)), plain
amsgrad = [
    by_optax(optax.amsgrad(0.1, b1=0.9, b2=0.999, eps=1e-8), [1.0, 0.1])[1],
    by_torch(torch.optim.Adam, [1.0, 0.1], betas=(0.9, 0.999), amsgrad=True)[1],
]
rmsprop = [
    by_optax(optax.rmsprop(0.1, decay=0.9, eps=1e-8), [1e-6])[0],
    by_torch(torch.optim.RMSprop, [1e-6], alpha=0.9)[0],
]
print("optax", optax.__version__, "torch", torch.__version__, "AMSGrad", amsgrad, "RMSProp", rmsprop)
assert abs(amsgrad[0] - 0.0526) < 1e-4 and abs(amsgrad[1] - 0.0741) < 1e-4
assert rmsprop[1] / rmsprop[0] > 250
PY
