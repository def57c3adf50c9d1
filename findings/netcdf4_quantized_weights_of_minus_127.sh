#!/usr/bin/env bash
# Guess: bytes have no value to spare for "missing", so an int8 variable without a fill value of its own (weights quantized to
# -127..127) reads back as it was written.
# Seen (netCDF4 1.7.5.1.post1): -127 is the default fill of int8, and what was written as -127 is masked: a mean passes over it.
# fill_value=False at createVariable keeps it.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "netCDF4==1.7.5.1.post1" "numpy==2.4.6"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import netCDF4
import numpy as np

weights = np.array([0.5, -1.0, 0.25])
quantized = np.round(weights / np.abs(weights).max() * 127).astype(np.int8)
with netCDF4.Dataset("weights.nc", "w") as file:
    file.createDimension("n", 3)
    file.createVariable("W", "i1", ("n",))[:] = quantized
    file.createVariable("W_unfilled", "i1", ("n",), fill_value=False)[:] = quantized
with netCDF4.Dataset("weights.nc") as file:
    seen, kept = file["W"][:], file["W_unfilled"][:]
print("netCDF4", netCDF4.__version__, "written", quantized, "read", seen, "sum", seen.sum(), "not", kept.sum())
assert quantized.tolist() == [64, -127, 32]
assert np.ma.getmaskarray(seen).tolist() == [False, True, False] and seen.sum() == 96
assert not np.ma.getmaskarray(kept).any() and kept.tolist() == quantized.tolist()
PY
