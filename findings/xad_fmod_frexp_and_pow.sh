#!/usr/bin/env bash
# Guess: fmod(x, y) is x less trunc(x / y) times y, so that its derivative by y is -trunc(x / y), 2 at (-5.3, 2); the mantissa of frexp(x)
# is x / 2**e, with the derivative 2**-e; and forward and reverse mode agree on pow.
# Seen (XAD 1.5.2): fmod's is -floor(x / y), 3 there, in both modes, though the value is C's; frexp's is -5e-10 at 0.3, where 2 is right.
# pow(x, 2) at -2 with a 2 of the type Real has in forward mode the derivative NaN by x, and in reverse mode the right one, -4.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "xad==1.5.2"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import xad.adj_1st
import xad.fwd_1st
import xad.math


def forward(function, *numbers, by=0):
    arguments = [xad.fwd_1st.Real(number) for number in numbers]
    arguments[by].setDerivative(1.0)
    return function(*arguments).getDerivative()


def reverse(function, *numbers, by=0):
    with xad.adj_1st.Tape() as tape:
        arguments = [xad.adj_1st.Real(number) for number in numbers]
        for argument in arguments:
            tape.registerInput(argument)
        tape.newRecording()
        value = function(*arguments)
        tape.registerOutput(value)
        value.setDerivative(1.0)
        tape.computeAdjoints()
        return value.getValue(), arguments[by].getDerivative()


fmod = reverse(xad.math.fmod, -5.3, 2.0, by=1)
by_y = forward(xad.math.fmod, -5.3, 2.0, by=1)
frexp = reverse(lambda x: xad.math.frexp(x)[0], 0.3)
power = forward(xad.math.pow, -2.0, 2.0), reverse(xad.math.pow, -2.0, 2.0)[1]
print("XAD", version("xad"), "fmod", fmod, by_y, "frexp", frexp, "pow", power)
assert abs(fmod[0] + 1.3) < 1e-12 and fmod[1] == by_y == 3
assert reverse(xad.math.fmod, 5.3, 2.0, by=1)[1] == -2
assert frexp[0] == 0.6 and abs(frexp[1]) < 1e-6
assert power[0] != power[0] and power[1] == -4
PY
