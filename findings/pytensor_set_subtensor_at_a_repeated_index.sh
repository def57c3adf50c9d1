#!/usr/bin/env bash
# Guess: of two rows that set_subtensor writes to one place the second stays, so that the first, which is overwritten, has no gradient.
# Seen (pytensor 3.0.7): both get the gradient of the place, without an error. inc_subtensor, which adds at a repeated index, is right, and
# so is a place that is written twice by two set_subtensors, one after the other.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "pytensor==3.0.7" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import pytensor
import pytensor.tensor as pt

pytensor.config.cxx = ""
pytensor.config.mode = "FAST_COMPILE"
a, b = pt.dvector("a"), pt.dvector("b")


def value_and_gradient(result):
    return pytensor.function([a, b], [result, pytensor.grad(result.sum(), b)])(np.zeros(2), np.array([5.0, 6.0]))


at_once = value_and_gradient(pt.set_subtensor(a[[0, 0]], b))
in_turn = value_and_gradient(pt.set_subtensor(pt.set_subtensor(a[[0]], b[:1])[[0]], b[1:]))
added = value_and_gradient(pt.inc_subtensor(a[[0, 0]], b))
print("pytensor", pytensor.__version__, "at once", at_once, "in turn", in_turn, "added", added)
assert at_once[0].tolist() == in_turn[0].tolist() == [6, 0] and added[0].tolist() == [11, 0]
assert at_once[1].tolist() == [1, 1] and in_turn[1].tolist() == [0, 1] and added[1].tolist() == [1, 1]
PY
