#!/usr/bin/env bash
# Guess: a SymbolicFunction of OpenTURNS differentiates its formula exactly, so that its gradients have the digits of its values.
# Seen (OpenTURNS 1.27.post1): exp, log and sqrt do; the constants in the derivatives of log10, log2, erf, cbrt and 10^x are written
# with six digits (0.434294 for 1 / log(10), 0.333333 for a third), so that these are off by about 1e-6, a thousand times and more than
# what central differences of the same function have.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "openturns==1.27.post1" "numpy==2.4.6"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import openturns as ot

right = {
    "exp(x)": np.exp(2),
    "log(x)": 0.5,
    "sqrt(x)": 0.5 / np.sqrt(2),
    "log10(x)": 1 / (2 * np.log(10)),
    "log2(x)": 1 / (2 * np.log(2)),
    "erf(x)": 2 / np.sqrt(np.pi) * np.exp(-4),
    "cbrt(x)": 2 ** (-2 / 3) / 3,
    "10^x": 100 * np.log(10),
}
for formula, slope in right.items():
    f = ot.SymbolicFunction(["x"], [formula])
    off = f.gradient([2.0])[0, 0] / slope - 1
    differences = (f([2.0 + 1e-5])[0] - f([2.0 - 1e-5])[0]) / 2e-5
    print("openturns", ot.__version__, formula, "off by", off, "and differences by", differences / slope - 1)
    assert abs(differences / slope - 1) < 1e-8
    assert abs(off) < 1e-14 if formula in ("exp(x)", "log(x)", "sqrt(x)") else 5e-7 < abs(off) < 5e-6
assert "0.434294*" in str(ot.SymbolicFunction(["x"], ["log10(x)"]).getGradient())
PY
