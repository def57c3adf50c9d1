#!/usr/bin/env bash
# Guess: an argument for which a function of autograd.scipy has no rule is refused, as gammainc's first is ("VJP ... not defined").
# Seen (autograd 1.9.1): jn, iv and ive by their order have the gradient 0, without a word, and so has chi2.logpdf by x as soon as the degrees
# of freedom are no whole number: 0 with 4.5 of them, right with 4 and 5. gamma.logpdf, the same density, is right with all of them.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "autograd==1.9.1" "scipy==1.17.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from autograd import grad
from autograd.scipy import special
from autograd.scipy.stats import chi2, gamma


def slopes(f, x, h=1e-5):
    return grad(f)(x), (f(x + h) - f(x - h)) / (2 * h)


cases = {
    "chi2.logpdf by x with 4.5": lambda x: chi2.logpdf(x, 4.5),
    "jn by its order": lambda n: special.jn(n, 1.5),
    "iv by its order": lambda n: special.iv(n, 1.5),
    "ive by its order": lambda n: special.ive(n, 1.5),
}
for name, f in cases.items():
    found, differences = slopes(f, 1.3)
    print("autograd", version("autograd"), name, found, "differences", differences)
    assert found == 0 and abs(differences) > 0.01
for f in (lambda x: chi2.logpdf(x, 4.0), lambda x: chi2.logpdf(x, 5.0), lambda x: gamma.logpdf(x / 2, 4.5 / 2)):
    found, differences = slopes(f, 1.3)
    assert abs(found - differences) < 1e-8
try:
    grad(lambda a: special.gammainc(a, 1.5))(1.3)
except NotImplementedError as error:
    print(error)
else:
    raise AssertionError("gammainc by its first argument is no longer refused")
PY
