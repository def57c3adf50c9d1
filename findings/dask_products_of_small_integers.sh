#!/usr/bin/env bash
# Guess: the chunks of a dask array decide how it is computed, not what: a product of whole numbers of 8 bits has the dtype and the numbers
# that it has in NumPy, whatever the chunks.
# Seen (dask 2026.8.0, NumPy 2.4.6): a @ a.T is int8, and wraps to -56, where the summed axis is one chunk, and int64, with 200, where it is
# cut in two; of a matrix of booleans it is whether there is a pair in one case, and how many in the other. tensordot and einsum are int64
# in both, and 200 or -56 by the chunks.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "dask==2026.8.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import dask
import dask.array as da
import numpy as np

a = np.array([[100, 100], [1, 1]], np.int8)
whole, cut = da.from_array(a, (2, 2)), da.from_array(a, (2, 1))
products = {
    "@": lambda x: x @ x.T,
    "tensordot": lambda x: da.tensordot(x, x, axes=([1], [1])),
    "einsum": lambda x: da.einsum("ij,kj->ik", x, x),
}
for name, product in products.items():
    one, other = product(whole).compute(), product(cut).compute()
    print("dask", dask.__version__, name, "one chunk", one.dtype, one.tolist(), "two", other.dtype, other.tolist())
    assert one[0, 1] == -56 and other[0, 1] == 200 and other.dtype == np.int64
    assert one.dtype == (np.int8 if name == "@" else np.int64)
pairs = [(x > 50) @ (x > 50).T for x in (whole, cut)]
assert [(x.dtype, x.compute()[0, 0].item()) for x in pairs] == [(np.bool_, True), (np.int64, 2)]
np.testing.assert_array_equal(a @ a.T, [[32, -56], [-56, 2]])
PY
