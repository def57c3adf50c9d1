#!/usr/bin/env bash
# Guess: at equal vectors the distance has gradient 0 in torch, as torch.dist and torch.cdist have it, and a vector of zeros that is
# normalized stays where it is: gradient 0.
# Seen (torch 2.14.1, CPU): F.pairwise_distance adds 1e-6 to every difference, so that of equal vectors it is 1e-6 sqrt(n), with the
# gradient of length 1 along (1, ..., 1), and triplet_margin_loss pushes anchors that way; F.normalize of zeros has gradient 1e12,
# the reciprocal of its eps.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.14.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import torch

F = torch.nn.functional


def gradient(f, entries):
    x = torch.tensor([entries], dtype=torch.float64, requires_grad=True)
    (g,) = torch.autograd.grad(f(x).sum(), x)
    return g[0].tolist()


point = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
print("torch", torch.__version__)
dist, cdist = gradient(lambda x: torch.dist(x, point), [1.0, 2.0]), gradient(lambda x: torch.cdist(x, point), [1.0, 2.0])
pairwise = gradient(lambda x: F.pairwise_distance(x, point), [1.0, 2.0])
print("gradients at equal vectors: dist", dist, "cdist", cdist, "pairwise_distance", pairwise)
assert dist == cdist == [0.0, 0.0] and all(abs(g - 0.5**0.5) < 1e-9 for g in pairwise)
triplet = gradient(lambda x: F.triplet_margin_loss(x, point, torch.zeros_like(point), margin=10.0), [1.0, 2.0])
away = gradient(lambda x: -torch.dist(x, torch.zeros_like(point)), [1.0, 2.0])
print("triplet_margin_loss at the positive itself:", triplet, "of which by the negative:", away)
assert all(abs(g - h - 0.5**0.5) < 1e-4 for g, h in zip(triplet, away, strict=True))
zero = gradient(lambda x: F.normalize(x)[:, 0], [0.0, 0.0])
print("normalize at zeros:", zero)
assert zero == [1e12, 0.0]
PY
