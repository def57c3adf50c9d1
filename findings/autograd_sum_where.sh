#!/usr/bin/env bash
# Guess: autograd's sum and mean with where=mask give the entries outside the mask no gradient, or are refused.
# Seen (autograd 1.9.1): the value leaves them out, the gradient takes them in. In forward mode sum(x, initial=3) has a
# derivative that is too large by 3.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "autograd==1.9.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import autograd.numpy as np
from autograd import grad, make_jvp

x, mask = np.array([1.0, 2.0, 4.0]), np.array([True, False, False])
value = np.sum(x, where=mask)
of_sum = grad(lambda x: np.sum(x, where=mask))(x)
of_mean = grad(lambda x: np.mean(x, where=mask))(x)
reverse = grad(lambda x: np.sum(x, initial=3.0))(x).sum()
forward = make_jvp(lambda x: np.sum(x, initial=3.0))(x)(np.ones(3))[1]
print("autograd", version("autograd"), "sum", value, of_sum, "mean", of_mean, "initial", reverse, forward)
assert value == 1.0 and of_sum.tolist() == [1.0, 1.0, 1.0]  # [1, 0, 0] is right
assert np.allclose(of_mean, 1 / 3)  # [1, 0, 0] is right
assert reverse == 3.0 and forward == 6.0  # 3 is right
PY
