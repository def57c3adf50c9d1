#!/usr/bin/env bash
# Guess: 4 m // 3 cm is 133, as the remainder 4 m % 3 cm is 1 cm, and np.divmod gives both.
# Seen (unyt 3.2.0): // divides the bare numbers, rounds down, and then converts: 100, and 0 for 1 m; np.divmod gives 1 m and 1 m.
# The remainder by % is right.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "unyt==3.2.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import numpy as np
import unyt

lengths, step = unyt.unyt_array([1.0, 2.0, 4.0], "m"), unyt.unyt_quantity(3.0, "cm")
times, rest = lengths // step, lengths % step
both = np.divmod(lengths, step)
print("unyt", version("unyt"), times, rest, both)
assert np.allclose(rest.to_value("cm"), [1, 2, 1])
assert np.allclose(times.to_value("dimensionless"), [0, 0, 100])
assert np.allclose(both[0].to_value("m"), [0, 0, 1])
assert np.allclose(both[1].to_value("m"), [1, 2, 1])
PY
