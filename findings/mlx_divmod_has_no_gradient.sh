#!/usr/bin/env bash
# Guess: the second result of mx.divmod(x, 2.0) is mx.remainder(x, 2.0), and has its gradient, 1.
# Seen (mlx 0.32.4, CPU): the same numbers, and the gradient 0 in reverse and in forward mode, without an error; remainder has 1.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "mlx==0.32.4" "mlx-cpu==0.32.4" "numpy==2.4.6"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import mlx.core as mx
import numpy as np

mx.set_default_device(mx.cpu)
x = mx.array([3.5, -0.25])


def rest(x):
    return mx.divmod(x, mx.array(2.0))[1]


def remainder(x):
    return mx.remainder(x, mx.array(2.0))


seen = {f.__name__: np.array(mx.grad(lambda z, f=f: mx.sum(f(z)))(x)).tolist() for f in (rest, remainder)}
forward = {f.__name__: np.array(mx.jvp(f, [x], [mx.ones(2)])[1][0]).tolist() for f in (rest, remainder)}
slope = (np.array(rest(x + 2**-8)) - np.array(rest(x - 2**-8))) * 2**7
print("mlx", mx.__version__, "values", rest(x), remainder(x), "gradients", seen, forward, "differences", slope)
np.testing.assert_array_equal(np.array(rest(x)), np.array(remainder(x)))
np.testing.assert_allclose(slope, 1)
assert seen == forward == {"rest": [0.0, 0.0], "remainder": [1.0, 1.0]}
PY
