#!/usr/bin/env bash
# Guess: the gradient of a product with a zero among its factors is looked after in TensorFlow's cumprod as it is in reduce_prod and
# unsorted_segment_prod, and so are their second derivatives.
# Seen (TensorFlow 2.21.0): the last of cumprod([2, 0, 3]) has the gradient [0, 0, 0]; [0, 6, 0] is right, as the other two have it. The
# Hessian of reduce_prod is no symmetric matrix: the row of the zero, [3, 0, 2], is right and its column is 0; that of
# unsorted_segment_prod is NaN. Nothing is said. The first two are known as issues 119430 and 61117 of TensorFlow.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "tensorflow-cpu==2.21.0" "numpy==2.4.6"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import tensorflow as tf

x = np.array([2.0, 0.0, 3.0])


def derivatives(f, point):
    at = tf.constant(point)
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(at)
        with tf.GradientTape() as inner:
            inner.watch(at)
            value = f(at)
        gradient = inner.gradient(value, at)
    return gradient.numpy(), outer.jacobian(gradient, at, experimental_use_pfor=False).numpy()


gradient_right = [np.prod(x.astype(complex) + 1e-30j * one).imag / 1e-30 for one in np.eye(3)]
hessian_right = [[0.0, 3.0, 0.0], [3.0, 0.0, 2.0], [0.0, 2.0, 0.0]]
found = {
    "reduce_prod": derivatives(tf.reduce_prod, x),
    "cumprod": derivatives(lambda z: tf.math.cumprod(z)[-1], x),
    "unsorted_segment_prod": derivatives(lambda z: tf.math.unsorted_segment_prod(z, [0, 0, 0], 1)[0], x),
}
for name, (gradient, hessian) in found.items():
    print("tensorflow", tf.__version__, name, "gradient", gradient, "Hessian", hessian.tolist(), "right", gradient_right, hessian_right)
np.testing.assert_allclose(gradient_right, [0, 6, 0])
assert found["reduce_prod"][0].tolist() == found["unsorted_segment_prod"][0].tolist() == [0.0, 6.0, 0.0]
assert found["cumprod"][0].tolist() == [0.0, 0.0, 0.0]
assert found["reduce_prod"][1].tolist() == [[0.0, 0.0, 0.0], [3.0, 0.0, 2.0], [0.0, 0.0, 0.0]]
assert np.isnan(found["unsorted_segment_prod"][1]).any()
# without a zero all is right
for f in (tf.reduce_prod, lambda z: tf.math.cumprod(z)[-1]):
    np.testing.assert_allclose(derivatives(f, np.array([2.0, 1.0, 3.0]))[1], [[0, 3, 1], [3, 0, 2], [1, 2, 0]])
PY
