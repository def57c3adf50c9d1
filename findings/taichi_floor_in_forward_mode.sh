#!/usr/bin/env bash
# Guess: Taichi's two modes differentiate the same kernels: what has a gradient by reverse mode has a derivative by forward mode.
# Seen (Taichi 1.7.4): floor has a gradient, 0, and is "Not supported" in forward mode, and with it taichi.math's fract and mod, which are made
# of it; x % 0.3 is the same number and has both. round, as flat as floor, has neither, nor has tan; sin(x) / cos(x) has both.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "taichi==1.7.4" "numpy==2.4.6"
cat > "$folder/kernels.py" <<'PY'
import taichi as ti
import taichi.math

ti.init(arch=ti.cpu, default_fp=ti.f64, log_level=ti.CRITICAL)
x = ti.field(ti.f64, (), needs_grad=True, needs_dual=True)
J = ti.field(ti.f64, (), needs_grad=True, needs_dual=True)


def floor():
    J[None] += ti.floor(x[None])


def rounded():
    J[None] += ti.round(x[None])


def fract():
    J[None] += taichi.math.fract(x[None])


def modulus():
    J[None] += taichi.math.mod(x[None], 0.3)


def remainder():
    J[None] += x[None] % 0.3


def tangent():
    J[None] += ti.tan(x[None])


def quotient():
    J[None] += ti.sin(x[None]) / ti.cos(x[None])


def slope(function, forward):
    kernel = ti.kernel(function)
    x[None], J[None] = 0.7, 0.0
    try:
        with ti.ad.FwdMode(loss=J, param=x) if forward else ti.ad.Tape(J):
            kernel()
    except RuntimeError as error:
        assert "Not supported" in str(error)
        return None
    return round(J.dual[None] if forward else x.grad[None], 3)


kernels = (floor, rounded, fract, modulus, remainder, tangent, quotient)
found = {f.__name__: (slope(f, False), slope(f, True)) for f in kernels}
print("Taichi", ti.__version__, "reverse and forward:", found)
assert found == {
    "floor": (0.0, None), "rounded": (None, None), "fract": (1.0, None), "modulus": (1.0, None),
    "remainder": (1.0, 1.0), "tangent": (None, None), "quotient": (1.709, 1.709),
}
PY
"$folder/venv/bin/python" "$folder/kernels.py"
