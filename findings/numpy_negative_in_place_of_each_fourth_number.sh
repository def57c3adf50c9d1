#!/usr/bin/env bash
# Guess: np.negative(v, out=v) is -v for every view v, as np.square(v, out=v) is v**2.
# Seen (NumPy 2.4.6, x86-64): not where v is every fourth number of four bytes, the row of a float32 matrix of four rows in
# Fortran's order for one: four numbers that lie side by side are taken. float64, other steps, and out=another are right.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numpy as np


def in_place(dtype, step):
    v = np.arange(1.0, 41.0).astype(dtype)[::step]
    right = -v
    np.negative(v, out=v)
    return v, right


v, right = in_place(np.float32, 4)
print("NumPy", np.__version__, "in place", v[:5], "expected", right[:5])
assert not np.array_equal(v, right)
assert np.array_equal(np.negative(np.arange(1.0, 41.0, dtype=np.float32)[::4]), right)
for dtype, step in ((np.float64, 4), (np.float16, 4), (np.float32, 2), (np.float32, 3), (np.float32, 5)):
    assert np.array_equal(*in_place(dtype, step))
PY
