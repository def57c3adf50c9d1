#!/usr/bin/env bash
# Guess: NumPy adds bfloat16 numbers as it adds float16: in pairs and in float32, so that a thousand ones are 1000.
# Seen (ml_dtypes 0.6.0, NumPy 2.4.6): one after the other in bfloat16: sum and cumsum stop at 256, the mean is 0.256, and of 100,000
# ones 0.0026; nansum does not see the NaN, because the dtype is none of NumPy's floating ones. dot and matmul are right.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "ml_dtypes==0.6.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import ml_dtypes
import numpy as np

narrow, half = np.ones(1000, ml_dtypes.bfloat16), np.ones(1000, np.float16)
print("ml_dtypes", version("ml_dtypes"), narrow.sum(), np.mean(narrow), np.dot(narrow, narrow), "float16", half.sum())
assert half.sum() == 1000
assert np.dot(narrow, narrow) == 1000
assert narrow.sum() == np.cumsum(narrow)[-1] == 256
assert float(np.mean(narrow)) < 0.26
assert np.isnan(np.nansum(np.array([1, np.nan], ml_dtypes.bfloat16)))
assert np.nansum(np.array([1, np.nan], np.float16)) == 1
PY
