#!/usr/bin/env bash
# Guess: need_weights says whether MultiheadAttention returns its weights too, and does not change its output.
# Seen (torch 2.13.0, CPU): of a query that may attend to nothing the output is NaN with weights, and 0 without.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torch==2.13.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import torch

torch.manual_seed(0)
layer = torch.nn.MultiheadAttention(2, 1, bias=False, batch_first=True)
x = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
masked = torch.tensor([[False, False], [True, True]])  # the second query may see neither
found = {
    need: layer(x, x, x, attn_mask=masked, need_weights=need)[0][0, 1].tolist() for need in (True, False)
}
print("torch", torch.__version__, "by need_weights:", found)
assert all(y != y for y in found[True]), found
assert found[False] == [0.0, 0.0], found
PY
