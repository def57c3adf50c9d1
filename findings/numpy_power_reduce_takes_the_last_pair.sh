#!/usr/bin/env bash
# Guess: np.power.reduce([a, b, c]) is (a**b)**c, as np.power.accumulate's last number is, and np.arctan2.reduce likewise.
# Seen (NumPy 2.4.6, x86-64 with AVX512): for float64 and float32 it is a**c. float16, long double, whole numbers, an axis of
# a matrix, other ufuncs, and NumPy without these instructions (NPY_DISABLE_CPU_FEATURES=AVX512_SKX) are right.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numpy as np

wide = np._core._multiarray_umath.__cpu_features__["AVX512_SKX"]
for dtype in (np.float64, np.float32):
    x = np.array([2.0, 3.0, 2.0, 2.0], dtype)
    for f in (np.power, np.arctan2):
        right, short = f(f(f(x[0], x[1]), x[2]), x[3]), f(x[0], x[3])
        found = f.reduce(x)
        print("NumPy", np.__version__, f.__name__, dtype.__name__, "reduce", found, "expected", right)
        assert np.isclose(found, short if wide else right, rtol=1e-6)
        assert np.isclose(f.accumulate(x)[-1], right, rtol=1e-6)
        assert np.isclose(f.reduce(x.astype(np.longdouble)), right, rtol=1e-6)
assert np.power.reduce(np.array([2, 3, 2, 2])) == 4096
PY
