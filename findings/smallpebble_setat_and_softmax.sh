#!/usr/bin/env bash
# Guess: in setat(a, indices, b) of SmallPebble the written numbers b get the gradient at their places and a gets it at the others; and its
# softmax of each row of [[0, 0], [1000, 1000]] is 1/2, as it takes the largest score away first.
# Seen (SmallPebble 3.0.5): b gets 0, without a word: the gradient is set to 0 in place for a, before b's share is taken of the same array.
# The largest score is that of the whole matrix, so that the row [0, 0] is 0 / 0, NaN.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "smallpebble==3.0.5" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import warnings
from importlib.metadata import version

import numpy as np
import smallpebble as sp

warnings.simplefilter("ignore")
a, b = sp.Variable(np.zeros(3)), sp.Variable(np.array([5.0, 6.0]))
written = sp.setat(a, ([0, 2],), b)
gradients = sp.get_gradients(sp.sum(sp.expand_dims(written, 0), axis=1))
softmax = sp.softmax(sp.Variable(np.array([[0.0, 0.0], [1000.0, 1000.0]]))).array
print("SmallPebble", version("smallpebble"), "written", written.array, "a", gradients[a], "b", gradients[b], "softmax", softmax)
assert written.array.tolist() == [5, 0, 6]
assert gradients[a].tolist() == [0, 1, 0] and gradients[b].tolist() == [0, 0]
assert np.isnan(softmax[0]).all() and softmax[1].tolist() == [0.5, 0.5]
PY
