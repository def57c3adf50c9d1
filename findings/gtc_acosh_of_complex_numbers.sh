#!/usr/bin/env bash
# Guess: the sensitivities of GTC's functions of uncertain complex numbers are their derivatives: that of acosh is
# 1 / (sqrt(z - 1) sqrt(z + 1)).
# Seen (GTC 1.5.1): for a negative real part it has the other sign, 1 / sqrt(z**2 - 1), which is another branch, so that the correlation of
# acosh(z) with everything else is wrong, without a word; where the real part is positive it is right. z**2 at z = 0 raises
# ZeroDivisionError, z * z does not.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "GTC==1.5.1"
"$folder/venv/bin/python" - <<'PY'
import cmath

import GTC


def slope(z):
    u = GTC.ucomplex(z, 1.0)
    return complex(*GTC.rp.u_component(GTC.acosh(u), u)[::2])


def differences(z, h=1e-6):
    return (cmath.acosh(z + h) - cmath.acosh(z - h)) / (2 * h)


for z, sign in ((1.2 + 0.5j, 1), (-1.2 + 0.5j, -1), (-0.3 - 2j, -1)):
    print("GTC", GTC.version, "z", z, "slope", slope(z), "differences", differences(z))
    assert abs(slope(z) - sign * differences(z)) < 1e-8
zero = GTC.ucomplex(0, 1.0)
try:
    print(zero**2)
except ZeroDivisionError as error:
    print("z**2", error, "z * z", zero * zero)
else:
    raise AssertionError("z**2 has a value")
PY
