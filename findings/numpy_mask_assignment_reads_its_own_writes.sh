#!/usr/bin/env bash
# Guess: since NumPy 1.13 an assignment whose value is a view of the target acts as if the value were copied first, so
# x[mask] = x[0] and x[mask] = x[0].copy() are the same, as x[1:] = x[:-1] and x[indices] = x[:3] are.
# Seen (NumPy 2.4.6): not with a mask of the array's own shape: entries of x[0] that were just written are read again.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numpy as np

start = np.array([[0.5, -1.0, 2.0], [3.0, -0.2, 0.7]])
mask = np.array([[False, True, False], [False, True, True]])
by_mask, by_indices, copied = start.copy(), start.copy(), start.copy()
by_mask[mask] = by_mask[0]
by_indices[np.nonzero(mask)] = by_indices[0]
copied[mask] = copied[0].copy()
print("numpy", np.__version__, "mask", by_mask[mask], "indices", by_indices[mask], "copy", copied[mask])
assert by_indices[mask].tolist() == copied[mask].tolist() == [0.5, -1.0, 2.0]
assert by_mask[mask].tolist() == [0.5, 0.5, 2.0], "the value is no longer read while it is overwritten"
PY
