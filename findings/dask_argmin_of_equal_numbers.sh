#!/usr/bin/env bash
# Guess: argmin and argmax of a dask array are the first of the equal entries, as its documentation, which is NumPy's, says.
# Seen (dask 2026.8.0): over all axes it depends on the chunks: where the columns are chunks of their own it is the first in the first column
# that has it, 7 for 5, and argmax likewise. Along one axis, and with other chunks, it is NumPy's.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "dask==2026.8.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import dask
import dask.array as da
import numpy as np

x = np.array([[2, 1, 1], [3, 1, 0], [2, 0, 0]])
found = {chunks: int(da.argmin(da.from_array(x, chunks)).compute()) for chunks in ((3, 3), (1, 3), (1, 1), (3, 1))}
largest = int(da.argmax(da.from_array(-x, (3, 1))).compute())
print("dask", dask.__version__, "argmin", found, "argmax", largest, "NumPy", np.argmin(x))
assert np.argmin(x) == 5 and found == {(3, 3): 5, (1, 3): 5, (1, 1): 5, (3, 1): 7}
assert largest == 7 and da.argmin(da.from_array(x, (3, 1)), axis=0).compute().tolist() == [0, 2, 1]
PY
