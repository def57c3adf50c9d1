#!/usr/bin/env bash
# Guess: the gradient of ctc_loss by its first argument, the logarithms of probabilities, is that function's derivative.
# Seen (torch 2.13.0, CPU): gradcheck refuses it. What comes is the derivative by the logits, which log_softmax passes on
# unchanged; so ctc_loss(log_softmax(x)) is right, and anything else before it (a mixture's logarithm, a penalty) is not.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.13.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import torch

label, steps, length = torch.tensor([[1]]), torch.tensor([1]), torch.tensor([1])


def loss(a):
    return torch.nn.functional.ctc_loss(a, label, steps, length)


# one step, three classes: the loss is -a[1]
a = torch.log(torch.tensor([[[0.2, 0.3, 0.5]]], dtype=torch.float64)).requires_grad_()
(slope,) = torch.autograd.grad(loss(a), a)
by_logits = torch.autograd.gradcheck(lambda x: loss(torch.log_softmax(x, 2)), (a,))
print("torch", torch.__version__, "loss", loss(a).item(), "is -a[1]; gradient", slope.ravel().tolist())
assert loss(a).item() == -a[0, 0, 1].item()
assert not torch.autograd.gradcheck(loss, (a,), raise_exception=False)
assert torch.allclose(slope.ravel(), torch.tensor([0.2, -0.7, 0.5], dtype=torch.float64)), slope  # [0, -1, 0] is right
assert by_logits
PY
