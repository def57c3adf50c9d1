#!/usr/bin/env bash
# Guess: avg_pool with the padding SAME is one function in two libraries on JAX: the average of a picture of ones is 1 everywhere.
# Seen (flax 0.12.8, dm-haiku 0.0.17): in Haiku it is; in flax the zeros beyond the border are counted, 1/2 at an edge and 1/4 in
# the corner, unless count_include_pad=False. Weights that were trained in one are off at the border in the other.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "flax==0.12.8" "jax==0.10.2" "dm-haiku==0.0.17"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import haiku as hk
import jax.numpy as jnp
from flax import linen

x = jnp.ones((1, 3, 3, 1))
of_flax = linen.avg_pool(x, (2, 2), (1, 1), "SAME")[0, :, :, 0]
of_haiku = hk.avg_pool(x, (2, 2, 1), (1, 1, 1), "SAME")[0, :, :, 0]
print("flax", version("flax"), of_flax, "haiku", version("dm-haiku"), of_haiku)
assert (of_haiku == 1).all()
assert of_flax.tolist() == [[1, 1, 0.5], [1, 1, 0.5], [0.5, 0.5, 0.25]]
assert (linen.avg_pool(x, (2, 2), (1, 1), "SAME", count_include_pad=False) == 1).all()
PY
