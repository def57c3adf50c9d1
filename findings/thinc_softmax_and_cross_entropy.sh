#!/usr/bin/env bash
# Guess: what the backprop of a layer gives is the derivative of the layer, and CategoricalCrossentropy of probabilities and labels
# is -log p of the label.
# Seen (thinc 9.1.1): Softmax hands a gradient on as if its output were its scores, without the softmax in between: right after the
# cross-entropy that comes with it (whose gradient is p - t), wrong after any other loss, a squared one or a mean of outputs. And
# the loss that CategoricalCrossentropy gives is the sum of (p - t) squared: 0.14 where -log 0.7 is 0.36.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "thinc==9.1.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import numpy as np
from thinc.api import CategoricalCrossentropy, Softmax

layer = Softmax(3, 2)
x = np.array([[1.0, 2.0]], "f4")
layer.initialize(X=x)
layer.set_param("W", np.array([[0.1, 0.2], [0.3, -0.4], [0.5, 0.6]], "f4"))
p, backprop = layer(x, is_train=True)
W, dp = layer.get_param("W"), np.array([[1.0, 0, 0]], "f4")
steps = 1e-2 * np.eye(2, dtype="f4")
differences = [(layer.predict(x + h) - layer.predict(x - h))[0, 0] / 2e-2 for h in steps]
dx = backprop(dp)
print("thinc", version("thinc"), "backprop", dx, "differences of p[0]", differences)
assert np.allclose(differences, dp @ (np.diag(p[0]) - np.outer(p[0], p[0])) @ W, atol=1e-4)
assert np.allclose(dx, dp @ W)
assert not np.allclose(dx, differences, atol=0.1)
p, t = np.array([[0.7, 0.2, 0.1]], "f4"), np.array([[1, 0, 0]], "f4")
gradient, loss = CategoricalCrossentropy(normalize=False)(p, t)
print("loss", loss, "-log p", -np.log(0.7))
assert np.allclose(gradient, p - t)
assert np.allclose(loss, np.sum((p - t) ** 2))
PY
