#!/usr/bin/env bash
# Guess: score(params) of a model of counts is the derivative of its loglike(params), as it is for truncated Poisson and for all counts that
# are not truncated.
# Seen (statsmodels 0.15.0): not for the truncated negative binomial with p=1 (its default, p=2, is right), nor for the truncated
# generalized Poisson with its default p=2 (p=1 is right): (0.65, 0.02, 0.66) where the slopes are (-0.22, 0.10, -0.20). loglike is that
# of SciPy's distribution. A gradient that is not 0 at the maximum keeps the fits from getting there.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "statsmodels==0.15.0" "scipy==1.17.1" "numpy==2.4.6" "pandas==2.3.3"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import statsmodels
from scipy import stats
from statsmodels.discrete import truncated_model as models

y = np.array([1.0, 2, 1, 3, 5, 1, 2, 4, 1, 2])
X = np.column_stack([np.ones(10), np.linspace(-1, 1, 10)])


def slopes(f, at):
    return np.array([(f(at + 1e-5 * one) - f(at - 1e-5 * one)) / 2e-5 for one in np.eye(len(at))])


def of_scipy(params):
    mean, alpha = np.exp(X @ params[:2]), params[2]
    distribution = stats.nbinom(mean / alpha, 1 / (1 + alpha))
    return np.sum(distribution.logpmf(y) - np.log1p(-distribution.pmf(0)))


cases = {
    "Poisson": (models.TruncatedLFPoisson(y, X), [0.5, 0.2], True),
    "negative binomial, p=2": (models.TruncatedLFNegativeBinomialP(y, X), [0.5, 0.2, 0.5], True),
    "negative binomial, p=1": (models.TruncatedLFNegativeBinomialP(y, X, p=1), [0.5, 0.2, 0.5], False),
    "generalized Poisson, p=2": (models.TruncatedLFGeneralizedPoisson(y, X), [0.5, 0.2, 0.1], False),
    "generalized Poisson, p=1": (models.TruncatedLFGeneralizedPoisson(y, X, p=1), [0.5, 0.2, 0.1], True),
}
for name, (model, at, right) in cases.items():
    at = np.array(at)
    score, numbers = model.score(at), slopes(model.loglike, at)
    print("statsmodels", statsmodels.__version__, name, "score", score, "slopes of loglike", numbers)
    assert np.allclose(score, numbers, rtol=1e-5, atol=1e-6) == right
    assert right or np.abs(score - numbers).max() > 0.3
at = np.array([0.5, 0.2, 0.5])
model = cases["negative binomial, p=1"][0]
assert np.isclose(of_scipy(at), model.loglike(at), rtol=1e-12)
np.testing.assert_allclose(slopes(of_scipy, at), [-0.218942, 0.095056, -0.202952], atol=1e-5)
np.testing.assert_allclose(model.score(at), [0.647482, 0.01508, 0.660874], atol=1e-5)
PY
