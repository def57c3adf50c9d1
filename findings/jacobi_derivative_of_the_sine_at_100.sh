#!/usr/bin/env bash
# Guess: jacobi estimates the error of its derivatives, so that what it gives for the sine at 100 is right within a few of its errors, or
# the error is large.
# Seen (jacobi 0.9.2): -0.0061 with an error of 0.0012, where cos(100) = 0.86; at 10000 it is 8e-6 +- 3e-4. The first step is a share of x,
# several periods, whose differences agree with each other. At 1 it is right to 15 digits; a step of one's own has to be given at 100.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "jacobi==0.9.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import jacobi
import numpy as np

found = {x: tuple(float(number) for number in jacobi.jacobi(np.sin, x)) for x in (1.0, 100.0, 1e4)}
shifted = jacobi.jacobi(lambda t: np.sin(100.0 + t), 0.0)
print("jacobi", jacobi.__version__, found, "right", [float(np.cos(x)) for x in found], "shifted", shifted)
assert abs(found[1.0][0] - np.cos(1.0)) < 1e-12
assert abs(found[100.0][0] + 0.0061) < 1e-4 and found[100.0][1] < 0.002
assert abs(found[1e4][0]) < 1e-4 and found[1e4][1] < 1e-3
assert abs(shifted[0] - np.cos(100.0)) < 1e-9
PY
