#!/usr/bin/env bash
# Guess: move_mean at a place is the mean of its window, so that an infinite or very large entry counts as long as the window
# holds it, as in the mean of NumPy's sliding windows.
# Seen (bottleneck 1.6.0): after an infinite entry all means are NaN for good; after 1e17 the means of 1, 2, 1, 2 are 0. What has
# left the window is subtracted from a running sum. move_std and move_var of small numbers after 1e9 are 0 likewise.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "bottleneck==1.6.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import bottleneck as bn
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

infinite, large = np.array([1.0, np.inf, 1, 1, 1]), np.array([1e17, 1.0, 2, 1, 2])
print("bottleneck", version("bottleneck"), bn.move_mean(infinite, 2), bn.move_mean(large, 2), bn.move_std(large / 1e8, 2))
assert list(sliding_window_view(infinite, 2).mean(-1)[-2:]) == [1, 1]
assert np.isnan(bn.move_mean(infinite, 2)[3:]).all()
assert list(sliding_window_view(large, 2).mean(-1)[1:]) == [1.5, 1.5, 1.5]
assert list(bn.move_mean(large, 2)[2:]) == [0, 0, 0]
shifted = np.array([1e9, 1.0, 2, 1, 2])
assert list(sliding_window_view(shifted, 2).std(-1)[1:]) == [0.5, 0.5, 0.5]
assert list(bn.move_std(shifted, 2)[2:]) == [0, 0, 0]
PY
