#!/usr/bin/env bash
# Guess: LayerNorm takes the mean away, so that x and x + 10000 give the same, to float32's digits of x + 10000 (0, 1, ..., 7 are
# kept exactly), as in Haiku.
# Seen (flax 0.12.8): it computes the variance as the mean of the squares less the squared mean, which cancels and comes out 0:
# x + 10000 gives -3500, ..., 3500, a thousand times and more too large, in linen and in nnx, in GroupNorm and BatchNorm likewise;
# use_fast_variance=False is right.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "flax==0.12.8" "jax==0.10.2" "dm-haiku==0.0.17"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
from flax import linen, nnx

x, key = jnp.arange(8.0)[None], jax.random.PRNGKey(0)
right = (x - x.mean()) / jnp.std(x)
fast, careful = (linen.LayerNorm(use_fast_variance=fast) for fast in (True, False))
of_linen, of_careful = (layer.init_with_output(key, x + 1e4)[0] for layer in (fast, careful))
of_nnx = nnx.LayerNorm(8, rngs=nnx.Rngs(0))(x + 1e4)
of_haiku = hk.transform(lambda x: hk.LayerNorm(-1, True, True)(x))
of_haiku = of_haiku.apply(of_haiku.init(key, x), None, x + 1e4)
print("flax", version("flax"), of_linen[0], of_nnx[0], of_careful[0], "haiku", of_haiku[0])
assert np.allclose(linen.LayerNorm().init_with_output(key, x)[0], right, atol=1e-4)
assert np.allclose(of_careful, right, atol=1e-3)
assert np.allclose(of_haiku, right, atol=1e-3)
assert abs(of_linen).max() > 1000 * abs(right).max()
assert abs(of_nnx).max() > 1000 * abs(right).max()
PY
