#!/usr/bin/env bash
# Guess: the density of a von Mises distribution is largest at its mean, and the more so the larger its concentration is.
# Seen (distrax 0.1.9): from a concentration of 90 on log_prob is -inf everywhere, at the mean too, in single precision, which is JAX's
# default; in double precision from 714 on. Its gradient by the concentration is NaN. It divides by i0, which overflows; entropy, of
# the same object, is right.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "distrax==0.1.9" "tfp-nightly==0.26.0.dev20261027" "jax==0.10.2" "scipy==1.17.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import distrax
import jax
import numpy as np
from scipy import stats


def density(k):
    return distrax.VonMises(0.0, k).log_prob(0.0)


for k in (80.0, 100.0):
    ours, theirs = float(density(k)), float(stats.vonmises(k).logpdf(0.0))
    print("concentration", k, "distrax", ours, "SciPy", theirs, "slope", float(jax.grad(density)(k)))
    assert np.isfinite(theirs)
    assert np.isclose(ours, theirs, rtol=1e-4) if k == 80.0 else ours == -np.inf
assert np.isnan(float(jax.grad(density)(100.0)))
assert np.isclose(float(distrax.VonMises(0.0, 100.0).entropy()), stats.vonmises(100.0).entropy(), rtol=1e-3)
jax.config.update("jax_enable_x64", True)
print("in double precision", float(density(700.0)), float(density(720.0)))
assert np.isfinite(float(density(700.0))) and float(density(720.0)) == -np.inf
PY
