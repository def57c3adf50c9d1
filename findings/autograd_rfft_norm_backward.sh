#!/usr/bin/env bash
# Guess: norm="backward" is the default of NumPy's transforms, so that naming it changes nothing.
# Seen (autograd 1.9.1): not the value of rfft, but its gradient (and that of irfft): most entries are too small by the
# factor n. fft and norm="ortho" are right.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "autograd==1.9.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import autograd.numpy as np
from autograd import grad

x = np.array([1.0, 2.0, 4.0, -3.0])


def energy(transform, **norm):
    return lambda x: np.sum(np.abs(transform(x, **norm)) ** 2)


plain, named = energy(np.fft.rfft), energy(np.fft.rfft, norm="backward")
step = 1e-6 * np.eye(4)
differences = np.array([(plain(x + h) - plain(x - h)) / 2e-6 for h in step])
print("autograd", version("autograd"), "plain", grad(plain)(x), "named", grad(named)(x), "differences", differences)
assert plain(x) == named(x)
assert np.allclose(grad(plain)(x), differences, rtol=1e-6)
assert not np.allclose(grad(named)(x), differences, rtol=0.5)
whole = grad(energy(np.fft.fft))(x), grad(energy(np.fft.fft, norm="backward"))(x)
assert np.allclose(*whole)
PY
