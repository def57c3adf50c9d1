#!/usr/bin/env bash
# Guess: the spherical Bessel functions, which num_dual offers as sph_j0, sph_j1 and sph_j2, are smooth at 0, and it has their values and
# derivatives near 0 as it has them at 0, where they are right: j2(x) is x**2 / 15 there.
# Seen (num_dual 0.15.1): j2(1e-8) is -1, and its second derivative -1e17 where 2 / 15 is right; at 1e-5 the value has the wrong sign. The
# second derivative of j0 at 1e-8 is 0 (-1/3 is right). The quotients of differences are taken as they stand, 0 alone is looked after.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "num_dual==0.15.1"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import num_dual

at_0 = num_dual.second_derivative(lambda x: x.sph_j2(), 0.0)
near_0 = num_dual.second_derivative(lambda x: x.sph_j2(), 1e-8)
further = num_dual.second_derivative(lambda x: x.sph_j2(), 1e-5)
j0 = num_dual.second_derivative(lambda x: x.sph_j0(), 1e-8)
print("num_dual", version("num_dual"), "j2 at 0", at_0, "at 1e-8", near_0, "at 1e-5", further, "j0 at 1e-8", j0)
assert abs(at_0[2] - 2 / 15) < 1e-12
assert near_0[0] == -1 and near_0[2] < -1e16
assert further[0] < 0 and further[2] < -1e5
assert j0[2] == 0
assert abs(num_dual.second_derivative(lambda x: x.sph_j2(), 0.7)[0] - 0.03157) < 1e-4
PY
