#!/usr/bin/env bash
# Guess: a NaN that is written to a packed variable (int16 with a scale_factor) is read back as missing.
# Seen (netCDF4 1.7.5.1.post1): it is cast to a whole number, with no more than NumPy's warning of a cast, and read as a valid
# number, unmasked. A masked array's missing entries are kept.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "netCDF4==1.7.5.1.post1" "numpy==2.4.6"
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PY'
import netCDF4
import numpy as np

temperatures = np.array([281.5, np.nan, 290.0])
with netCDF4.Dataset("packed.nc", "w") as file:
    file.createDimension("time", 3)
    for name in ("as_nan", "as_masked"):
        packed = file.createVariable(name, "i2", ("time",))
        packed.scale_factor, packed.add_offset = 0.5, 280.0
    file["as_nan"][:] = temperatures
    file["as_masked"][:] = np.ma.masked_invalid(temperatures)
with netCDF4.Dataset("packed.nc") as file:
    seen, right = file["as_nan"][:], file["as_masked"][:]
print("netCDF4", netCDF4.__version__, "written", temperatures, "read", seen, "written masked", right)
assert not np.ma.getmaskarray(seen).any() and np.isfinite(seen.data).all()
assert np.ma.getmaskarray(right).tolist() == [False, True, False]
np.testing.assert_array_equal(seen.data[[0, 2]], temperatures[[0, 2]])
PY
