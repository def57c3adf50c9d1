#!/usr/bin/env bash
# Guess: what pyadjoint differentiates once it differentiates twice: the Hessian of a**b by a and b is there, as those of a * b, a / b,
# hypot and arctan2 are, and that of x**1 is 0 everywhere.
# Seen (pyadjoint-ad 2026.10.0): the gradient of a**b is right, and its Hessian raises a ValueError, "Can't calculate derivative wrt
# _pyadjoint_symbol_... - 1", which names nothing of the program; that of x**1 at 0 is NaN. exp(b * log(a)) has its Hessian.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "pyadjoint-ad==2026.10.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import numpy as np
from pyadjoint import AdjFloat, Control, ReducedFunctional, Tape, continue_annotation, set_working_tape


def derivatives(function, *numbers):
    with set_working_tape(Tape()):
        continue_annotation()
        arguments = [AdjFloat(number) for number in numbers]
        reduced = ReducedFunctional(function(*arguments), [Control(argument) for argument in arguments])
        gradient = [float(g) for g in reduced.derivative()]
        try:
            return gradient, [float(h) for h in reduced.hessian([AdjFloat(1.0), *(AdjFloat(0.0) for _ in numbers[1:])])]
        except ValueError as error:
            return gradient, str(error).strip()


power = derivatives(lambda a, b: a**b, 2.0, 3.0)
by_exp = derivatives(lambda a, b: np.exp(b * np.log(a)), 2.0, 3.0)
first = derivatives(lambda x: x**1, 0.0)
print("pyadjoint", version("pyadjoint-ad"), "a**b", power, "exp(b log a)", by_exp, "x**1 at 0", first)
np.testing.assert_allclose(power[0], by_exp[0])
assert "Can't calculate derivative wrt" in power[1]
np.testing.assert_allclose(by_exp[1], [12, 4 + 12 * np.log(2)])
assert first[0] == [1] and np.isnan(first[1][0])
PY
