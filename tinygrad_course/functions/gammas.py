"""The plain functions of `scipy.special` around the gamma function, which no protocol reaches."""

import math
from typing import Any

from scipy import special

from tinygrad_course.rules.gamma_functions import polygamma

__all__ = ["multigammaln", "polygamma"]


def multigammaln(a: Any, d: int) -> Any:
    """Return the logarithm of the multivariate gamma function: `scipy.special.multigammaln`.

    Examples
    --------
    >>> print(multigammaln(3.0, 2).round(6))
    1.550195
    """
    if d != int(d) or d < 1:
        raise ValueError(f"d is {d}; expected a whole number from 1 on, the dimension")
    total = sum(special.gammaln(a - j / 2) for j in range(int(d)))
    return total + d * (d - 1) / 4 * math.log(math.pi)
