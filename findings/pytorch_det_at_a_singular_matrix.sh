#!/usr/bin/env bash
# Guess: torch.linalg.det at [[1, 2], [2, 4]] has the cofactors as its gradient, [[4, -2], [-2, 1]].
# Seen (torch 2.13.0, CPU): [[0, 0], [0, 0]], unless the graph of the gradient is asked for (create_graph=True).
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.13.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import torch

x = torch.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=torch.float64, requires_grad=True)
(plain,) = torch.autograd.grad(torch.linalg.det(x), x)
(graph,) = torch.autograd.grad(torch.linalg.det(x), x, create_graph=True)
print("torch", torch.__version__, "plain", plain.tolist(), "create_graph", graph.tolist())
assert abs(plain).max() < 1e-12, "the plain gradient is no longer zero"
assert torch.allclose(graph, torch.tensor([[4.0, -2.0], [-2.0, 1.0]], dtype=torch.float64)), graph
PY
