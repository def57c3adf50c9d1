#!/usr/bin/env bash
# Guess: msgpack_restore(msgpack_serialize(tree)) has the numbers of the tree, whatever order of bytes its arrays have (np.load
# and h5py give such arrays back as the file has them).
# Seen (flax 0.12.8): an array of dtype >f4 comes back as <f4 with the bytes as they were: 1 and 2 turn into 4.6e-41 and 9e-44,
# without an error. Transposed arrays are right.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "flax==0.12.8" "jax==0.10.2" "numpy==2.4.6" "ml_dtypes"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import numpy as np
from flax.serialization import msgpack_restore, msgpack_serialize

big = np.array([1.0, 2.0], ">f4")
back = msgpack_restore(msgpack_serialize({"W": big}))["W"]
print("flax", version("flax"), big, "->", back, back.dtype)
assert back.dtype == np.float32
assert np.array_equal(back, np.frombuffer(big.tobytes(), "<f4"))
assert not np.array_equal(back, big)
native = big.astype("f4")
assert np.array_equal(msgpack_restore(msgpack_serialize({"W": native}))["W"], native)
PY
