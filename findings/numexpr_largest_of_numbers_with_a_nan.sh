#!/usr/bin/env bash
# Guess: evaluate("max(x)") is np.max(x), and NaN where a NaN is among the numbers, as sum(x) is; sums of int32 are added in int64.
# Seen (numexpr 2.14.2): max and min pass over NaN, wherever it stands, so that a training that has diverged looks sound; the sum of
# three times 2**30 in int32 is -2**30.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "numexpr==2.14.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import numexpr
import numpy as np

for x in (np.array([np.nan, 1.0, 0.0]), np.array([1.0, np.nan, 0.0])):
    found = [float(numexpr.evaluate(f"{of}(x)")) for of in ("max", "min", "sum")]
    print("numexpr", version("numexpr"), found, "NumPy", np.max(x), np.min(x), np.sum(x))
    assert found[:2] == [1, 0]
    assert np.isnan([found[2], np.max(x), np.min(x)]).all()
i = np.full(3, 2**30, np.int32)
assert np.sum(i) == 3 * 2**30
assert numexpr.evaluate("sum(i)") == -(2**30)
PY
