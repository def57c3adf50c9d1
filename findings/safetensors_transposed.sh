#!/usr/bin/env bash
# safetensors.numpy.save_file of a transposed array: the file holds the numbers of the array that it is a view of,
# under the transposed shape. Nothing is said, and load_file gives another matrix back.
# safetensors 0.8.0, NumPy 2.4.6, Python 3.11. A NumPy user expects what np.save does: the values, in the array's order.
# Seen: "in [[0. 3.] [1. 4.] [2. 5.]] out [[0. 1.] [2. 3.] [4. 5.]]". With np.ascontiguousarray(W.T) it is right.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q safetensors==0.8.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
from safetensors.numpy import load_file, save_file

W = np.arange(6.0).reshape(2, 3)
save_file({"W": W.T}, "w.safetensors")
out = load_file("w.safetensors")["W"]
save_file({"W": np.ascontiguousarray(W.T)}, "w.safetensors")
right = load_file("w.safetensors")["W"]
print("in", *W.T, "out", *out)
assert out.shape == (3, 2) and np.array_equal(out.ravel(), W.ravel()) and not np.array_equal(out, W.T)
assert np.array_equal(right, W.T)
PYTHON
