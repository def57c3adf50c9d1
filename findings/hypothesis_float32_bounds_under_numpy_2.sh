#!/usr/bin/env bash
# Guess: arrays(np.float32, (1,), elements=floats(0.1, 0.1)) is refused, as 0.1 is no float32 (it was, under NumPy 1).
# Seen (hypothesis 6.170.17, numpy 2.4.6): 0.1 is rounded without a word, out of the bounds of the strategy.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "hypothesis==6.170.17" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import warnings

import hypothesis
import numpy as np
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

warnings.simplefilter("error")
seen = []


@settings(max_examples=5, database=None)
@given(arrays(np.float32, (1,), elements=st.floats(0.1, 0.1)))
def draw(x):
    seen.append(float(x[0]))


draw()
print("hypothesis", hypothesis.__version__, "numpy", np.__version__, "drawn:", set(seen))
assert seen and all(x > 0.1 for x in seen), seen
PY
