#!/usr/bin/env bash
# Guess: a compiled function has the types of NumPy 2, which numba 0.68 runs on: of a float32 array and a number written in the program
# float32, of float32 and int32 arrays float64.
# Seen (numba 0.68.1, NumPy 2.4.6): the other way round in both: x * 0.5 and np.where(x > 0, x, 0) are float64, x * i float32, so that
# 2**31 - 1 times 0.1 loses its last digits. x == 0.3, true in NumPy where x is 0.3 in float32, is false when compiled, and int8 + 1 is int64.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "numba==0.68.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numba
import numpy as np

x = np.array([0.3, 0.1], np.float32)
i = np.array([1, 2**31 - 1], np.int32)
small = np.array([100, 127], np.int8)
functions = {
    "x * 0.5": lambda x, i, small: x * 0.5,
    "where": lambda x, i, small: np.where(x > 0, x, 0),
    "x * i": lambda x, i, small: x * i,
    "int8 + 1": lambda x, i, small: small + 1,
    "x == 0.3": lambda x, i, small: x == 0.3,
}
plain = {name: function(x, i, small) for name, function in functions.items()}
compiled = {name: numba.njit(function)(x, i, small) for name, function in functions.items()}
for name in functions:
    one, other = plain[name], compiled[name]
    print("numba", numba.__version__, name, "NumPy", one.dtype, one.tolist(), "compiled", other.dtype, other.tolist())
assert [one.dtype.name for one in plain.values()] == ["float32", "float32", "float64", "int8", "bool"]
assert [one.dtype.name for one in compiled.values()] == ["float64", "float64", "float32", "int64", "bool"]
assert plain["x == 0.3"].tolist() == [True, False] and compiled["x == 0.3"].tolist() == [False, False]
PY
