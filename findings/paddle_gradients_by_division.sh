#!/usr/bin/env bash
# Guess: the gradients of prod with a zero among its factors, and of logaddexp(-inf, 1), which is 1, are finite: [0, 6, 0] for
# [2, 0, 3], and 0 and 1, as those of cumprod and of logsumexp are in the same library.
# Seen (paddlepaddle 3.3.1, CPU): NaN at the zero of prod, and at both arguments of logaddexp, without an error. prod divides by the
# factor; the formula of logaddexp takes a difference of infinities that its value is spared.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "paddlepaddle==3.3.1" "numpy==2.4.6"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import paddle

paddle.set_device("cpu")


def gradient(f, numbers):
    x = paddle.to_tensor(numbers, dtype="float64", stop_gradient=False)
    value = f(x)
    value.backward()
    return float(value), x.grad.numpy()


factors, exponents = [2.0, 0.0, 3.0], [-np.inf, 1.0]
seen = {
    "prod": gradient(paddle.prod, factors),
    "cumprod": gradient(lambda x: paddle.cumprod(x, 0)[-1], factors),
    "logaddexp": gradient(lambda x: paddle.logaddexp(x[0], x[1]), exponents),
    "logsumexp": gradient(paddle.logsumexp, exponents),
}
right = [np.prod(np.array(factors, complex) + 1e-30j * one).imag / 1e-30 for one in np.eye(3)]
for name, (value, slopes) in seen.items():
    print("paddle", paddle.__version__, name, "value", value, "gradient", slopes)
np.testing.assert_allclose(right, [0, 6, 0])
assert seen["cumprod"][1].tolist() == [0.0, 6.0, 0.0]
np.testing.assert_array_equal(seen["prod"][1], [0.0, np.nan, 0.0])
assert seen["logaddexp"][0] == seen["logsumexp"][0] == np.logaddexp(*exponents) == 1
assert seen["logsumexp"][1].tolist() == [0.0, 1.0]
assert np.isnan(seen["logaddexp"][1]).all()
PY
