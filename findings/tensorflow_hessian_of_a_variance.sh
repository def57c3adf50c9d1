#!/usr/bin/env bash
# Guess: tf.nn.moments gives the variance that tf.math.reduce_variance gives, and their derivatives are the same in every order.
# Seen (TensorFlow 2.21.0, keras 3.15.1): the first derivative is; the Hessian is 2/n times the identity, without the -2/n**2 that the mean
# brings, which moments hides from the gradient (stop_gradient) because it "does not change" it. So the Hessians of Keras's
# LayerNormalization and BatchNormalization, and what a gradient penalty makes of them, are other numbers, without a word.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "tensorflow-cpu==2.21.0" "keras==3.15.1" "numpy==2.4.6"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import tensorflow as tf

x = np.array([1.0, 2.0, 4.0])


def derivatives(f):
    at = tf.constant(x)
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(at)
        with tf.GradientTape() as inner:
            inner.watch(at)
            value = f(at)
        gradient = inner.gradient(value, at)
    return gradient.numpy(), outer.jacobian(gradient, at, experimental_use_pfor=False).numpy()


def differences(f):
    h = 1e-5
    return np.array([(derivatives_at(f, x + h * one) - derivatives_at(f, x - h * one)) / (2 * h) for one in np.eye(3)])


def derivatives_at(f, point):
    at = tf.constant(point)
    with tf.GradientTape() as tape:
        tape.watch(at)
        value = f(at)
    return tape.gradient(value, at).numpy()


layer = tf.keras.layers.LayerNormalization(dtype="float64", epsilon=1e-12)
batch = tf.keras.layers.BatchNormalization(dtype="float64", epsilon=1e-12)
seen = {}
for name, f in {
    "reduce_variance": tf.math.reduce_variance,
    "moments": lambda z: tf.nn.moments(z, [0])[1],
    "LayerNormalization": lambda z: layer(z[None])[0, 0],
    "BatchNormalization": lambda z: batch(z[:, None], training=True)[0, 0],
}.items():
    hessian, right = derivatives(f)[1], differences(f)
    seen[name] = hessian, right
    print("tensorflow", tf.__version__, name, "Hessian", hessian.round(4).tolist(), "differences", right.round(4).tolist())
np.testing.assert_allclose(derivatives(tf.math.reduce_variance)[0], 2 / 3 * (x - x.mean()))
np.testing.assert_allclose(derivatives(lambda z: tf.nn.moments(z, [0])[1])[0], 2 / 3 * (x - x.mean()))
np.testing.assert_allclose(*seen["reduce_variance"], atol=1e-8)
np.testing.assert_allclose(seen["moments"][1], 2 / 3 * np.eye(3) - 2 / 9, atol=1e-8)
np.testing.assert_allclose(seen["moments"][0], 2 / 3 * np.eye(3))
for name in ("LayerNormalization", "BatchNormalization"):
    assert np.abs(seen[name][0] - seen[name][1]).max() > 0.05
PY
