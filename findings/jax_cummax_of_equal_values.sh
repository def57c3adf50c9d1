#!/usr/bin/env bash
# Guess: the last entry of lax.cummax(x) is max(x), and equal values share its gradient as they do max's: a third each.
# Seen (jax 0.10.2): of three equal values a quarter, a quarter and a half: pairs share, in a tree of pairs.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "jax==0.10.2" "jaxlib==0.10.2" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import jax

x = jax.numpy.array([2.0, 2.0, 2.0])
last = jax.grad(lambda x: jax.lax.cummax(x)[-1])(x)
whole = jax.grad(jax.numpy.max)(x)
print("jax", jax.__version__, "cummax(x)[-1]:", last.tolist(), "max(x):", whole.tolist())
assert last.tolist() == [0.25, 0.25, 0.5], last
assert jax.numpy.allclose(whole, 1 / 3), whole
PY
