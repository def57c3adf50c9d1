#!/usr/bin/env bash
# Guess: xlogy(x, y) is x log(y), which is linear in x, so that its derivative by x is log(y) at x = 0 too (the 0 log(0) of its
# documentation aside); and the derivative of the Bessel function i1 at 0 is 1/2, as that of j1 is.
# Seen (TensorFlow 2.21.0): 0 at x = 0, and log(y) beside it; xdivy and xlog1py likewise: an entry of a distribution that is 0 gets no
# gradient of its cross-entropy. i1' at 0 is 1, and i0'' there, which is made of it, 1 where 1/2 is right. JAX has log(y) and 1/2. Known
# as issues 56873 and 120578 of TensorFlow.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "tensorflow-cpu==2.21.0" "numpy==2.4.6" "scipy==1.17.1" "jax==0.10.2"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import jax
import numpy as np
import tensorflow as tf
from jax.scipy import special as of_jax
from scipy import special

jax.config.update("jax_enable_x64", True)
y = 0.25


def slope(f, at):
    x = tf.constant(at, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = f(x)
    return float(tape.gradient(value, x))


def differences(f):
    return (f(1e-5) - f(-1e-5)) / 2e-5


cases = {
    "xlogy": (lambda x: tf.math.xlogy(x, tf.constant(y, tf.float64)), lambda x: special.xlogy(x, y), np.log(y)),
    "xlog1py": (lambda x: tf.math.xlog1py(x, tf.constant(y, tf.float64)), lambda x: special.xlog1py(x, y), np.log1p(y)),
    "xdivy": (lambda x: tf.math.xdivy(x, tf.constant(y, tf.float64)), lambda x: x / y, 1 / y),
}
for name, (f, of_scipy, right) in cases.items():
    print("tensorflow", version("tensorflow-cpu"), name, "at 0", slope(f, 0.0), "at 1e-12", slope(f, 1e-12), "right", right)
    assert np.isclose(differences(of_scipy), right) and np.isclose(slope(f, 1e-12), right) and slope(f, 0.0) == 0
assert np.isclose(jax.grad(of_jax.xlogy)(0.0, y), np.log(y))
i1, j1 = tf.math.special.bessel_i1, tf.math.special.bessel_j1
print("i1' at 0", slope(i1, 0.0), "at 1e-6", slope(i1, 1e-6), "differences", differences(special.i1), "j1' at 0", slope(j1, 0.0))
assert np.isclose(differences(special.i1), 0.5) and np.isclose(slope(i1, 1e-6), 0.5) and slope(i1, 0.0) == 1
assert slope(j1, 0.0) == 0.5 and jax.grad(of_jax.i1)(0.0) == 0.5
x = tf.constant(0.0, tf.float64)
with tf.GradientTape() as outer:
    outer.watch(x)
    with tf.GradientTape() as inner:
        inner.watch(x)
        value = tf.math.special.bessel_i0(x)
    first = inner.gradient(value, x)
assert float(outer.gradient(first, x)) == 1
PY
