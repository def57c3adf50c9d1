#!/usr/bin/env bash
# Guess: the last of torch.logcumsumexp has logsumexp's gradient: weights that add up to 1, and 0 where an entry is -inf, as of what a
# mask leaves out.
# Seen (torch 2.14.1, CPU): where the entries *begin* with -inf, their gradients are NaN, though value and all others are right;
# a -inf further on has 0, and so has logsumexp's wherever it stands.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.14.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import math

import torch


def gradient(f, entries):
    z = torch.tensor(entries, dtype=torch.float64, requires_grad=True)
    (g,) = torch.autograd.grad(f(z), z)
    return g.tolist()


print("torch", torch.__version__)
minus = -math.inf
for entries in ([minus, 0.0, 1.0], [minus, minus, 0.0], [0.0, minus, 1.0]):
    running = gradient(lambda z: torch.logcumsumexp(z, 0)[-1], entries)
    at_once = gradient(lambda z: torch.logsumexp(z, 0), entries)
    print(entries, "running:", running, "at once:", at_once)
    first = next(k for k, entry in enumerate(entries) if entry != minus)
    assert all(math.isnan(g) for g in running[:first]) and at_once[:first] == [0.0] * first
    assert all(abs(g - h) < 1e-12 for g, h in zip(running[first:], at_once[first:], strict=True))
PY
