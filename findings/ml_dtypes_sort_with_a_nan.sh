#!/usr/bin/env bash
# Guess: np.sort puts a NaN last, in bfloat16 as in float16, and np.unique, np.searchsorted and np.nan_to_num treat it alike.
# Seen (ml_dtypes 0.6.0, NumPy 2.4.6): [3, NaN, 1, 2] comes back from np.sort as it was, unsorted, and from np.unique; np.argsort says
# 0, 1, 2, 3; np.nan_to_num leaves the NaN. Nothing is said. max, argmax and median see the NaN as they do in float16.
# That nan_to_num does is known as issue 346 of ml_dtypes.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "ml_dtypes==0.6.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import ml_dtypes
import numpy as np

numbers = np.array([3, np.nan, 1, 2], ml_dtypes.bfloat16)
half = numbers.astype(np.float16)
print("ml_dtypes", ml_dtypes.__version__, "sort", np.sort(numbers), np.sort(half), "unique", np.unique(numbers))
for name in ("sort", "unique", "nan_to_num"):
    np.testing.assert_array_equal(getattr(np, name)(numbers).astype(float), [3, np.nan, 1, 2])
np.testing.assert_array_equal(np.argsort(numbers), [0, 1, 2, 3])
np.testing.assert_array_equal(np.sort(half), [1, 2, 3, np.nan])
np.testing.assert_array_equal(np.nan_to_num(half), [3, 0, 1, 2])
np.testing.assert_array_equal(np.sort(numbers[[0, 2, 3]]).astype(float), [1, 2, 3])
assert np.isnan(np.max(numbers)) and np.argmax(numbers) == np.argmax(half) == 1
PY
