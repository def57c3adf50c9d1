#!/usr/bin/env bash
# Guess: ak.linear_fit of a straight line far from 0 (x = 1e8, 1e8 + 1, 1e8 + 2) gives the slope 1, as ak.covar and ak.var there do.
# Seen (awkward 2.14.0): it takes the difference of large sums, which cancel: the slope is infinite, without an error;
# ak.covar divided by ak.var is right.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "awkward==2.14.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import warnings

import awkward as ak
import numpy as np

warnings.simplefilter("ignore")
y = np.array([1.0, 2.0, 3.0])


def slope(at):
    return float(ak.linear_fit(at + np.arange(3.0), y).slope)


near, far = slope(0.0), slope(1e8)
x = 1e8 + np.arange(3.0)
by_moments = float(ak.covar(x, y) / ak.var(x))
print("awkward", ak.__version__, "slope near 0", near, "near 1e8", far, "covar / var", by_moments)
assert abs(near - 1) < 1e-12 and abs(by_moments - 1) < 1e-12
assert not np.isfinite(far)
PY
