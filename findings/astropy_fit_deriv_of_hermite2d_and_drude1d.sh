#!/usr/bin/env bash
# Guess: fit_deriv of a model of Astropy, on which its fitters rely, is the derivative of its evaluate by the parameters, and an exact
# polynomial is found again by a linear fit.
# Seen (Astropy 8.0.2): Drude1D's by x_0 is another one (0.47 where 0.28 is right). In Hermite2D the three columns with the second
# polynomial in y have 14 for 4 * 2**2 - 2 at y = 2, and a linear fit of values that a Hermite2D gave is off by 6 everywhere, without a
# word; Chebyshev2D and Legendre2D are found again, and Hermite1D.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "astropy==8.0.2" "numpy==2.4.6" "scipy==1.17.1"
"$folder/venv/bin/python" - <<'PY'
import astropy
import numpy as np
from astropy.modeling import fitting, models


def misfit(kind):
    y, x = np.mgrid[-1:1:7j, -1:1:7j]
    z = kind(2, 2, c0_2=1.0)(x, y)
    return np.abs(fitting.LinearLSQFitter()(kind(2, 2), x, y, z)(x, y) - z).max()


def drude(center):
    return models.Drude1D(1.0, center, 1.0)(2.0)


fitted = {kind.__name__: misfit(kind) for kind in (models.Hermite2D, models.Chebyshev2D, models.Legendre2D)}
given = models.Drude1D.fit_deriv(np.array([2.0]), *np.ones((3, 1)))[1][0]
right = (drude(1 + 1e-6) - drude(1 - 1e-6)) / 2e-6
print("Astropy", astropy.__version__, "largest misfits", fitted, "Drude1D by x_0", given, "differences", right)
assert abs(fitted["Hermite2D"] - 6) < 1e-9 and fitted["Chebyshev2D"] < 1e-12 > fitted["Legendre2D"]
assert abs(given - 0.47337) < 1e-4 and abs(right - 0.28402) < 1e-4
PY
