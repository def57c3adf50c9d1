#!/usr/bin/env bash
# Guess: np.ptp of temperatures is a difference of temperatures, as np.diff and np.std of them are in pint (delta_degree_Celsius).
# Seen (pint 0.25.3): np.ptp of 0 and 10 degC is 10 degree_Celsius, which is 283.15 K when converted, where the spread is 10 K.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "pint==0.25.3" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import pint

units = pint.UnitRegistry()
T = units.Quantity(np.array([0.0, 10.0]), "degC")
spread, difference, deviation = np.ptp(T), np.diff(T)[0], np.std(T)
print("pint", pint.__version__, "ptp", spread, "diff", difference, "std", deviation)
print("in kelvin", spread.to("kelvin"), difference.to("kelvin"))
assert str(difference.units) == str(deviation.units) == "delta_degree_Celsius"
assert str(spread.units) == "degree_Celsius" and abs(spread.to("kelvin").magnitude - 283.15) < 1e-9
assert abs(difference.to("kelvin").magnitude - 10) < 1e-9
PY
