#!/usr/bin/env bash
# Guess: a parameter that a fit has pressed against its bound has no standard error, or the one of the fit without a bound.
# Seen (lmfit 1.3.4): success, errorbars and a standard error, and which one is chance: for the same data and the same result, 1, it is 0.0099,
# 0.41, 1.8 or 4e-12, as the first guess was 0.1, 0.5, 0.9 or 1. Without the bound it is 0.024. The bound is a sine, flat where it is reached.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "lmfit==1.3.4" "numpy==2.4.6" "scipy==1.17.1"
"$folder/venv/bin/python" - <<'PY'
import lmfit
import numpy as np

x = np.arange(5.0)
y = 2 * x + np.array([0.1, -0.1, 0.2, -0.1, 0.05])


def fitted(start, largest):
    parameters = lmfit.Parameters()
    parameters.add("slope", start, min=0, max=largest)
    return lmfit.minimize(lambda p: p["slope"] * x - y, parameters)


errors = []
for start in (0.1, 0.5, 0.7, 0.9, 0.99, 1.0):
    fit = fitted(start, 1)
    slope = fit.params["slope"]
    print("lmfit", lmfit.__version__, "from", start, "to", slope.value, "standard error", slope.stderr, fit.errorbars)
    assert fit.success and fit.errorbars and abs(slope.value - 1) < 1e-9
    errors.append(slope.stderr)
free = fitted(0.5, np.inf).params["slope"]
print("without the bound", free.value, free.stderr)
assert max(errors) > 100 * min(errors) and 0.02 < free.stderr < 0.03
PY
