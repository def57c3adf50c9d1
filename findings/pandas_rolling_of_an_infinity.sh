#!/usr/bin/env bash
# Guess: the largest number of a window that holds an infinity is infinite, and the mean too, as max(), mean() and cummax() of a
# Series have it.
# Seen (pandas 3.1.1): infinities are taken for missing: rolling(2).max() is NaN for every window with one, expanding().max() and
# ewm().mean() pass over it, so that a loss that has diverged has a finite smoothed curve. Known as issue 57549 of pandas.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "pandas==3.1.1" "numpy==2.4.6"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import pandas as pd

losses = pd.Series([1.0, np.inf, 2.0, 3.0])
seen = {
    "max": losses.max(),
    "cummax": losses.cummax().tolist(),
    "rolling max": losses.rolling(2).max().tolist(),
    "expanding max": losses.expanding().max().tolist(),
    "expanding mean": losses.expanding().mean().tolist(),
    "ewm mean": losses.ewm(alpha=0.5).mean().tolist(),
}
print("pandas", pd.__version__, seen)
assert seen["max"] == np.inf and losses.mean() == np.inf and seen["cummax"] == [1.0, np.inf, np.inf, np.inf]
assert np.lib.stride_tricks.sliding_window_view(losses.to_numpy(), 2).max(axis=1).tolist() == [np.inf, np.inf, 3.0]
np.testing.assert_array_equal(seen["rolling max"], [np.nan, np.nan, np.nan, 3.0])
assert seen["expanding max"] == [1.0, 1.0, 2.0, 3.0] and seen["expanding mean"] == [1.0, 1.0, 1.5, 2.0]
assert np.isfinite(seen["ewm mean"]).all()
PY
