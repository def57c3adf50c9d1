#!/usr/bin/env bash
# Guess: hessian(params) of a model of counts is the derivative of its score(params), on which the standard errors of a fit rest.
# Seen (statsmodels 0.15.0): in ZeroInflatedPoisson the block between the inflation and the counts is 0, as if they were independent, so
# that two of three standard errors are a quarter too small. In NegativeBinomialP the row of alpha is another one unless p is 1 or 2; with
# p = 2.5 the matrix is not even negative definite. score is right in both, and nothing is said where the matrix can be inverted.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "statsmodels==0.15.0" "scipy==1.17.1" "numpy==2.4.6" "pandas==2.3.3"
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import warnings

import numpy as np
import statsmodels
from statsmodels.discrete.count_model import ZeroInflatedPoisson
from statsmodels.discrete.discrete_model import NegativeBinomialP


def slopes(f, at):
    h = 1e-5
    return np.array([(f(at + h * one) - f(at - h * one)) / (2 * h) for one in np.eye(len(at))])


def derivatives(model, at):
    np.testing.assert_allclose(model.score(at), slopes(model.loglike, at), atol=1e-4)
    return np.asarray(model.hessian(at)), slopes(model.score, at)


x = np.linspace(-1, 1, 400)
X = np.column_stack([np.ones(400), x])
rng = np.random.RandomState(0)
zeros = rng.poisson(np.exp(-0.2 + 0.5 * x)) * (rng.uniform(size=400) < 0.6)
model = ZeroInflatedPoisson(zeros.astype(float), X, exog_infl=np.ones((400, 1)))
with warnings.catch_warnings():
    warnings.simplefilter("error")
    fit = model.fit(disp=0, maxiter=1000)
given, right = derivatives(model, np.asarray(fit.params))
errors = np.sqrt(np.diag(np.linalg.inv(-right)))
print("statsmodels", statsmodels.__version__, "inflated", given.round(1).tolist(), "differences", right.round(1).tolist())
print("standard errors", np.asarray(fit.bse), "right", errors)
assert not given[0, 1:].any() and np.abs(right[0, 1:]).max() > 10
np.testing.assert_allclose(given[1:, 1:], right[1:, 1:], atol=1e-3)
assert (np.asarray(fit.bse) / errors).min() < 0.8
counts = rng.negative_binomial(2, 0.4, size=400).astype(float)
for p, alpha in ((1, 1.5), (2, 0.5), (1.5, 0.9), (2.5, 0.3)):
    given, right = derivatives(NegativeBinomialP(counts, X, p=p), np.array([1.1, 0.0, alpha]))
    print("negative binomial, p =", p, "row of alpha", given[-1].round(1), "differences", right[-1].round(1))
    np.testing.assert_allclose(given[:2, :2], right[:2, :2], atol=1e-3)
    assert np.allclose(given, right, atol=1e-3) == (p in (1, 2))
    assert np.linalg.eigvalsh(right).max() < 0
    assert (np.linalg.eigvalsh(given).max() > 0) == (p == 2.5)
PY
