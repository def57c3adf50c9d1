#!/usr/bin/env bash
# Guess: forward mode (jvp) and reverse mode (grad) give one derivative for alpha A B + beta C, and for max at a tie.
# Seen (mlx 0.32.4, CPU): forward mode leaves alpha and beta out: by C with beta = 1/2 its derivative is 1 for 1/2, by A with alpha = 2 half
# of what it should be; reverse mode is right. Of max at equal numbers reverse mode gives each its share and forward mode all to the
# first.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "mlx==0.32.4" "mlx-cpu==0.32.4" "numpy==2.4.6"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import mlx.core as mx
import numpy as np

mx.set_default_device(mx.cpu)
A = mx.array([[1.0, 2.0], [3.0, 4.0]])
one, zero = mx.ones((2, 2)), mx.zeros((2, 2))


def product(C, A, B):
    return mx.addmm(C, A, B, alpha=2.0, beta=0.5)


def forward(tangents):
    return float(mx.sum(mx.jvp(product, [A, A, A], tangents)[1][0]))


reverse = [float(mx.sum(g)) for g in mx.grad(lambda C, A, B: mx.sum(product(C, A, B)), argnums=(0, 1, 2))(A, A, A)]
seen = [forward(tangents) for tangents in ([one, zero, zero], [zero, one, zero], [zero, zero, one])]
numbers, ones = np.array(A), np.ones((2, 2))
right = [np.sum(0.5 * ones), np.sum(2 * ones @ numbers), np.sum(2 * numbers @ ones)]
print("mlx", mx.__version__, "addmm: reverse", reverse, "forward", seen, "right", right)
np.testing.assert_allclose(np.array(product(A, A, A)), 2 * numbers @ numbers + 0.5 * numbers)
np.testing.assert_allclose(reverse, right)
np.testing.assert_allclose(seen, [2 * right[0], right[1] / 2, right[2] / 2])
x = mx.array([2.0, 2.0, 1.0])
shares = np.array(mx.grad(mx.max)(x)).tolist()
first = [float(mx.jvp(mx.max, [x], [mx.array(row)])[1][0]) for row in np.eye(3, dtype=np.float32)]
print("max: reverse", shares, "forward", first)
assert shares == [0.5, 0.5, 0.0] and first == [1.0, 0.0, 0.0]
PY
