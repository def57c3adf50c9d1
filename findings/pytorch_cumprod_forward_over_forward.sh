#!/usr/bin/env bash
# Guess: torch.func's four ways to a Hessian (forward or reverse, over forward or reverse) agree on a polynomial.
# Seen (torch 2.13.0, CPU): not on cumprod where an entry is 0: forward over forward loses half of a symmetric matrix,
# reverse over forward gives NaN; the two ways over reverse are right, and all four agree on torch.prod.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.13.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import torch
from torch.func import jacfwd, jacrev

x = torch.tensor([0.0, 2.0, 3.0], dtype=torch.float64)
right = torch.tensor([[0.0, 3.0, 2.0], [3.0, 0.0, 0.0], [2.0, 0.0, 0.0]], dtype=torch.float64)
ways = {
    f"{outer.__name__} of {inner.__name__}": (outer, inner) for outer in (jacfwd, jacrev) for inner in (jacfwd, jacrev)
}


def hessians(f):
    return {name: outer(inner(f))(x) for name, (outer, inner) in ways.items()}


found = hessians(lambda x: torch.cumprod(x, 0)[-1])
print("torch", torch.__version__, {name: hessian.tolist() for name, hessian in found.items()})
assert all(torch.equal(hessian, right) for hessian in hessians(torch.prod).values())
assert torch.equal(found["jacfwd of jacrev"], right) and torch.equal(found["jacrev of jacrev"], right)
assert torch.equal(found["jacfwd of jacfwd"], torch.triu(right)), "the lower half is no longer lost"
assert found["jacrev of jacfwd"].isnan().all()
PY
