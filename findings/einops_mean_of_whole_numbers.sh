#!/usr/bin/env bash
# Guess: einops.reduce(pixels, "h w -> h", "mean") of whole numbers is NumPy's mean, in floating point.
# Seen (einops 0.8.2): an error for NumPy's arrays of integers (images in uint8 among them), though sum, max and prod work.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "einops==0.8.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import einops
import numpy as np

pixels = np.array([[1, 2], [3, 4]], np.uint8)
assert einops.reduce(pixels, "h w -> h", "sum").tolist() == [3, 7]
assert einops.reduce(pixels.astype(float), "h w -> h", "mean").tolist() == pixels.mean(axis=1).tolist() == [1.5, 3.5]
try:
    einops.reduce(pixels, "h w -> h", "mean")
except NotImplementedError as error:
    print("einops", einops.__version__, "mean of uint8:", error)
else:
    raise SystemExit("it has a mean of whole numbers now")
PY
