#!/usr/bin/env bash
# Guess: a query whose mask lets it attend to nothing gets NaN (a softmax of nothing), or 0.
# Seen (jax 0.10.2): jax.nn.dot_product_attention gives it the mean of all values, masked as they are, and their gradient.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "jax==0.10.2" "jaxlib==0.10.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import jax
import jax.numpy as jnp

x = jnp.array([[1.0, 2.0], [3.0, 4.0]])[None, :, None, :]  # two tokens, one head
mask = jnp.array([[True, True], [False, False]])[None, None]  # the second query may see neither


def second(x):
    return jax.nn.dot_product_attention(x, x, x, mask=mask)[0, 1, 0]


slope = jax.grad(lambda x: jnp.sum(second(x)))(x)[0, :, 0]
print("jax", jax.__version__, "output", second(x).tolist(), "gradient", slope.tolist())
assert second(x).tolist() == [2.0, 3.0]
assert slope.tolist() == [[0.5, 0.5], [0.5, 0.5]]
PY
