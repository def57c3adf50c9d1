#!/usr/bin/env bash
# Guess: in a compiled function v ** -1 of an array with a zero is inf there, as in NumPy and as compiled 1 / v.
# Seen (numba 0.68.1): compiled v ** -1 raises ZeroDivisionError for the whole array, and v ** -2 too; 1 / v and v ** -1.0 give inf.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "numba==0.68.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import warnings

import numba
import numpy as np

warnings.simplefilter("ignore")
v = np.array([2.0, 0.0])
ways = {
    "1 / v": lambda v: 1 / v,
    "v ** -1.0": lambda v: v**-1.0,
    "v ** -1": lambda v: v**-1,
    "v ** -2": lambda v: v**-2,
}
seen = {}
for name, f in ways.items():
    try:
        seen[name] = numba.njit(f)(v).tolist()
    except ZeroDivisionError as error:
        seen[name] = repr(error)
    assert f(v)[1] == np.inf
print("numba", numba.__version__, seen)
assert seen["1 / v"] == [0.5, np.inf] and seen["v ** -1.0"] == [0.5, np.inf]
assert "ZeroDivisionError" in seen["v ** -1"] and "ZeroDivisionError" in seen["v ** -2"]
PY
