#!/usr/bin/env bash
# Guess: LightGBM's labels and predictions are float64 (predict returns it), so targets of 100000000 and 100000001 are two.
# Seen (lightgbm 4.7.0): a Dataset makes float32 of its labels without a word: both are 100000000, in training and in get_label.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "lightgbm==4.7.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import lightgbm
import numpy as np

kind = np.arange(200.0) % 2
options = {"objective": "regression", "learning_rate": 1.0, "verbose": -1, "num_threads": 1}
for start in (100.0, 1e8):
    data = lightgbm.Dataset(kind[:, None], start + kind)
    predicted = lightgbm.train(options, data, 5).predict(kind[:2, None])
    print("lightgbm", lightgbm.__version__, f"labels {start:.0f} + 0 and 1", "predicted", predicted, predicted.dtype)
    assert predicted.dtype == np.float64
    np.testing.assert_allclose(predicted - start, [0, 1] if start == 100 else [0, 0], atol=1e-3)
assert np.ptp(data.get_label()) == 0
PY
