#!/usr/bin/env bash
# Guess: abs(x) of a truncated Taylor series is |x|: the series itself where its value is positive, and its negative where it is negative, as
# sqrt(x**2) is; and trunc(x), of a step, has no slope.
# Seen (daceypy 1.4.0): abs gives a float, the largest of the coefficients: 1.0 of 0.3 + dx, and so do DA.abs and np.abs, so that the
# dependence on dx is gone without a word. trunc cuts the constant and keeps the slope 1. The documentation of both says so.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "daceypy==1.4.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import numpy as np
from daceypy import DA

DA.init(2, 1)
x = 0.3 + DA(1)


def coefficients(series):
    return [series.getCoefficient([order]) for order in range(3)]


root, truncated = coefficients((x**2).sqrt()), coefficients((x + 2).trunc())
print("daceypy", version("daceypy"), "abs", abs(x), x.abs(), np.abs(x), "sqrt(x**2)", root, "trunc(x + 2)", truncated)
assert type(abs(x)) is float and abs(x) == x.abs() == np.abs(x) == 1.0
np.testing.assert_allclose(root, [0.3, 1, 0], atol=1e-12)
assert truncated == [2, 1, 0]
PY
