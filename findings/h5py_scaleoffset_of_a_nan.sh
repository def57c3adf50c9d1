#!/usr/bin/env bash
# Guess: h5py's lossy filter, scaleoffset=3, keeps three decimals of numbers and a NaN as a NaN.
# Seen (h5py 3.16.0): the NaN comes back as a finite number of its chunk, without an error or warning. With an infinity in the chunk
# the filter does nothing, and all is kept exactly.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "h5py==3.16.0" "numpy==2.4.6"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import h5py
import numpy as np

written = {
    "numbers": np.array([0.1234567, 2.7182818, 1000.98765]),
    "a nan": np.array([0.1234567, np.nan, 1000.98765]),
    "an infinity": np.array([0.1234567, np.inf, 1000.98765]),
}
with h5py.File("log.h5", "w") as file:
    for name, x in written.items():
        file.create_dataset(name, data=x, scaleoffset=3)
with h5py.File("log.h5") as file:
    read = {name: file[name][...] for name in written}
for name, x in read.items():
    print("h5py", h5py.__version__, name, "written", written[name], "read", x)
np.testing.assert_allclose(read["numbers"], written["numbers"], atol=1e-3)
assert (read["numbers"] != written["numbers"]).any()
assert np.isfinite(read["a nan"]).all()
np.testing.assert_array_equal(read["an infinity"], written["an infinity"])
PY
