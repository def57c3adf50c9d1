#!/usr/bin/env bash
# Guess: loss_ of an MLPRegressor is the mean squared error that it reports to minimise ("squared_error"), plus alpha times the
# squared weights, half of them.
# Seen (scikit-learn 1.9.1): it is half of the mean squared error, and the penalty is divided by the number of examples: alpha / 2m.
# loss_ of a fit with alpha=0 is half of mean_squared_error(y, predict(X)); an alpha tuned on 1,000 examples is ten times as strong
# on 100.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "scikit-learn==1.9.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import warnings
from importlib.metadata import version

import numpy as np
from sklearn.metrics import mean_squared_error
from sklearn.neural_network import MLPRegressor

warnings.simplefilter("ignore")  # one step does not converge
rng = np.random.default_rng(0)
X = rng.normal(size=(50, 2))
y = 2 * X[:, 0] + 5
still = {"hidden_layer_sizes": (3,), "max_iter": 1, "solver": "sgd", "learning_rate_init": 1e-12, "random_state": 0}
for alpha in (0.0, 10.0):
    fit = MLPRegressor(alpha=alpha, batch_size=50, **still).fit(X, y)
    error, squares = mean_squared_error(y, fit.predict(X)), sum(np.sum(W**2) for W in fit.coefs_)
    print("scikit-learn", version("scikit-learn"), "alpha", alpha, "loss_", fit.loss_, "mean squared error", error)
    assert np.isclose(fit.loss_, error / 2 + alpha / 2 / 50 * squares, rtol=1e-6)
PY
