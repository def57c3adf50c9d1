#!/usr/bin/env bash
# Guess: where NumPy's function takes a second quantity, pint brings it to the units of the first, as np.maximum, np.pad and np.clip have it.
# Seen (pint 0.25.3): not in np.mod, np.fmod and np.floor_divide (4 m by 3 cm leaves 1 m and goes in 100 times, though 4 m % 3 cm is 1 cm
# and 4 m // 3 cm is 133), nor in options: np.sum(..., initial=3 cm), np.diff(..., prepend=3 cm) and np.ediff1d(..., to_end=3 cm) take
# the 3 for metres, without a word.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "pint==0.25.3" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import numpy as np
import pint

u = pint.UnitRegistry()
lengths, step = np.array([1.0, 2.0, 4.0]) * u.m, 3.0 * u.cm
by_operator = [(lengths % step).m_as("cm"), (lengths // step).m_as("")]
by_numpy = [np.mod(lengths, step).m_as("cm"), np.floor_divide(lengths, step).m_as("")]
print("pint", version("pint"), "operators", by_operator, "NumPy", by_numpy)
assert np.allclose(by_operator, [[1, 2, 1], [33, 66, 133]])
assert np.allclose(by_numpy, [[100, 200, 100], [0, 0, 100]])
assert np.allclose(np.maximum(lengths, 150 * u.cm).m_as("m"), [1.5, 2, 4])
assert np.allclose(np.pad(lengths, 1, constant_values=step).m_as("m"), [0.03, 1, 2, 4, 0.03])
total = np.sum(lengths, initial=step).m_as("m")
steps = np.diff(lengths, prepend=step).m_as("m")
ends = np.ediff1d(lengths, to_end=step).m_as("m")
print("sum", total, "diff", steps, "ediff1d", ends)
assert np.isclose(total, 10)
assert np.allclose(steps, [-2, 1, 2])
assert np.allclose(ends, [1, 2, 3])
PY
