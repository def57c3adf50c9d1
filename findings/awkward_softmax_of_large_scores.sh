#!/usr/bin/env bash
# Guess: ak.softmax takes the largest score away first, as every library's softmax does.
# Seen (awkward 2.14.0): it does not: of the scores [1000, 0] it makes [nan, 0], of [800, 799] [nan, nan]; SciPy's has
# [1, 0] and [0.73, 0.27].
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "awkward==2.14.0" "scipy==1.17.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import warnings

import awkward as ak
import numpy as np
from scipy.special import softmax

warnings.simplefilter("ignore")
scores = [[1000.0, 0.0], [800.0, 799.0], [2.0, 1.0]]
seen = ak.to_numpy(ak.softmax(ak.Array(scores), axis=-1))
print("awkward", ak.__version__, seen.tolist(), "SciPy", softmax(scores, axis=-1).tolist())
assert np.isnan(seen[0, 0]) and np.isnan(seen[1]).all()
assert np.allclose(seen[2], softmax(scores[2]))
PY
