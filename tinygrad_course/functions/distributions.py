"""Densities and distribution functions of random variables, with the names and arguments of `scipy.stats`.

``norm.logpdf(x, loc, scale)`` for one: shapes come first, then loc and scale, by position or by name.
Where SciPy gives -inf outside the support and NaN for parameters that are none, so do these, and the
gradient is 0 there. The derivative of a distribution function by a shape that has no closed form is
refused by name.
"""

import math
from typing import Any

import numpy as np
from scipy import special

from tinygrad_course.autodiff.gradients import stop_gradient
from tinygrad_course.functions.families import Continuous, Discrete

LOG_2PI = math.log(2 * math.pi)


def _t_log_density(z: Any, df: Any) -> Any:
    scale = special.gammaln((df + 1) / 2) - special.gammaln(df / 2) - np.log(df * math.pi) / 2
    return scale - (df + 1) / 2 * np.log1p(z * z / df)


def _binom_log_mass(k: Any, n: Any, p: Any) -> Any:
    ways = special.gammaln(n + 1.0) - special.gammaln(k + 1.0) - special.gammaln(n - k + 1.0)
    return ways + special.xlogy(k, p) + special.xlog1py(n - k, -p)


def _nbinom_log_mass(k: Any, n: Any, p: Any) -> Any:
    ways = special.gammaln(k + n) - special.gammaln(n) - special.gammaln(k + 1.0)
    return ways + n * np.log(p) + special.xlog1py(k, -p)


norm = Continuous(
    "norm", lambda z: -(z * z + LOG_2PI) / 2, special.ndtr, log_distribution=special.log_ndtr, symmetric=True,
)  # fmt: skip
t = Continuous("t", _t_log_density, lambda z, df: special.stdtr(df, z), symmetric=True)
cauchy = Continuous(
    "cauchy", lambda z: -np.log1p(z * z) - math.log(math.pi), lambda z: 0.5 + np.arctan(z) / math.pi,
    symmetric=True,
)  # fmt: skip
laplace = Continuous(
    "laplace", lambda z: -np.abs(z) - math.log(2),
    lambda z: np.where(z < 0, np.exp(-np.abs(z)) / 2, 1 - np.exp(-np.abs(z)) / 2), symmetric=True,
)  # fmt: skip
logistic = Continuous(
    "logistic", lambda z: special.log_expit(z) + special.log_expit(-z), special.expit,
    log_distribution=special.log_expit, symmetric=True,
)  # fmt: skip
gumbel_r = Continuous(
    "gumbel_r", lambda z: -z - np.exp(-z), lambda z: np.exp(-np.exp(-z)),
    log_distribution=lambda z: -np.exp(-z),
)  # fmt: skip
uniform = Continuous("uniform", lambda z: 0.0 * z, lambda z: z, 0.0, 1.0)
expon = Continuous("expon", lambda z: -z, lambda z: -np.expm1(-z), 0.0)
halfnorm = Continuous(
    "halfnorm", lambda z: -z * z / 2 + math.log(2 / math.pi) / 2, lambda z: special.erf(z / math.sqrt(2)),
    0.0,
)  # fmt: skip
gamma = Continuous(
    "gamma", lambda z, a: special.xlogy(a - 1.0, z) - z - special.gammaln(a),
    lambda z, a: special.gammainc(a, z), 0.0,
)  # fmt: skip
invgamma = Continuous(
    "invgamma", lambda z, a: -(a + 1.0) * np.log(z) - special.gammaln(a) - 1.0 / z,
    lambda z, a: special.gammaincc(a, 1.0 / z), math.ulp(0.0),
)  # fmt: skip
chi2 = Continuous(
    "chi2",
    lambda z, df: special.xlogy(df / 2 - 1, z) - z / 2 - special.gammaln(df / 2) - df * (math.log(2) / 2),
    lambda z, df: special.gammainc(df / 2, z / 2), 0.0,
)  # fmt: skip
beta = Continuous(
    "beta", lambda z, a, b: special.xlogy(a - 1.0, z) + special.xlog1py(b - 1.0, -z) - special.betaln(a, b),
    lambda z, a, b: special.betainc(a, b, z), 0.0, 1.0,
)  # fmt: skip
lognorm = Continuous(
    "lognorm", lambda z, s: -(np.log(z) ** 2) / (2 * s * s) - np.log(s * z) - LOG_2PI / 2,
    lambda z, s: special.ndtr(np.log(z) / s), math.ulp(0.0),
    log_distribution=lambda z, s: special.log_ndtr(np.log(z) / s),
)  # fmt: skip
weibull_min = Continuous(
    "weibull_min", lambda z, c: np.log(c) + special.xlogy(c - 1.0, z) - z**c, lambda z, c: -np.expm1(-(z**c)),
    0.0,
)  # fmt: skip
pareto = Continuous(
    "pareto", lambda z, b: np.log(b) - (b + 1.0) * np.log(z), lambda z, b: 1.0 - z**-b, 1.0, interior=2.0,
)  # fmt: skip

poisson = Discrete(
    "poisson", lambda k, mu: special.xlogy(k, mu) - special.gammaln(k + 1.0) - mu,
    lambda k, mu: special.gammaincc(k + 1.0, mu), 0, lambda mu: mu >= 0,
)  # fmt: skip
bernoulli = Discrete(
    "bernoulli", lambda k, p: special.xlogy(k, p) + special.xlog1py(1.0 - k, -p),
    lambda k, p: 1.0 - p + 0.0 * k, 0, lambda p: (p >= 0) & (p <= 1), lambda p: 1,
)  # fmt: skip
binom = Discrete(
    "binom", _binom_log_mass, lambda k, n, p: special.betaincc(k + 1.0, np.maximum(n - k, 1.0), p), 0,
    lambda n, p: (n >= 0) & (np.floor(n) == n) & (p >= 0) & (p <= 1), lambda n, p: n,
)  # fmt: skip
geom = Discrete(
    "geom", lambda k, p: special.xlog1py(k - 1.0, -p) + np.log(p),
    lambda k, p: -np.expm1(special.xlog1py(k, -p)), 1, lambda p: (p > 0) & (p <= 1),
)  # fmt: skip
nbinom = Discrete(
    "nbinom", _nbinom_log_mass, lambda k, n, p: special.betainc(n, k + 1.0, p), 0,
    lambda n, p: (n > 0) & (p > 0) & (p <= 1),
)  # fmt: skip


class dirichlet:  # noqa: N801  (SciPy's name)
    """The distribution of n shares that add up to 1."""

    @staticmethod
    def logpdf(x: Any, alpha: Any) -> Any:
        """Return the logarithm of the density at x, (n,) or (n, m) with the points as columns; alpha is (n,).

        Examples
        --------
        >>> print(dirichlet.logpdf(np.array([0.2, 0.3, 0.5]), np.array([1.0, 2.0, 3.0])).round(6))
        1.504077
        """
        n = alpha.shape[0]
        if x.shape[0] != n or len(alpha.shape) != 1:
            raise ValueError(f"x is {x.shape} and alpha {alpha.shape}; expected (n,) or (n, m), and (n,)")
        good, shares = np.all(alpha > 0), stop_gradient(x)
        inside = good & np.all(shares >= 0, axis=0) & (np.abs(np.sum(shares, axis=0) - 1) < 1e-10)
        alpha = np.where(good, alpha, 1.0)
        scale = special.gammaln(np.sum(alpha)) - np.sum(special.gammaln(alpha))
        powers = alpha if len(x.shape) == 1 else np.reshape(alpha, (n, 1))
        density = scale + np.sum(special.xlogy(powers - 1.0, np.where(inside, x, 1 / n)), axis=0)
        return np.where(inside, density, np.where(good, -math.inf, math.nan))

    @staticmethod
    def pdf(x: Any, alpha: Any) -> Any:
        """Return the density at x."""
        return np.exp(dirichlet.logpdf(x, alpha))


class multivariate_normal:  # noqa: N801  (SciPy's name)
    """The normal distribution in n dimensions."""

    @staticmethod
    def logpdf(x: Any, mean: Any = 0.0, cov: Any = 1.0, allow_singular: bool = False) -> Any:
        """Return the logarithm of the density at x, (n,) or (..., n); cov is (n, n) and positive definite.

        With `allow_singular` it may be semidefinite: the density is on its range, and -inf outside.

        Examples
        --------
        >>> print(multivariate_normal.logpdf(np.zeros(2), np.zeros(2), np.eye(2)).round(6))
        -1.837877
        """
        difference = x - mean
        if not np.shape(stop_gradient(difference)):
            difference = np.reshape(difference, (1,))
        n = difference.shape[-1]
        cov, flat = _matrix(cov, n), np.reshape(difference, (-1, n))
        if allow_singular:
            own = np.linalg.eigvalsh(cov)
            above = stop_gradient(own) > 1e6 * np.finfo(own.dtype).eps * np.max(np.abs(stop_gradient(own)))
            inverse = np.linalg.pinv(cov, rcond=1e6 * np.finfo(own.dtype).eps)
            square, log_det = np.sum(flat @ inverse * flat, axis=1), np.sum(np.log(np.where(above, own, 1.0)))
            left = stop_gradient(flat - flat @ inverse @ cov)
            y = -(square + log_det + np.sum(above) * LOG_2PI) / 2
            y = np.where(np.max(np.abs(left), axis=1) < 1e-8, y, -math.inf)
        else:
            L = np.linalg.cholesky(cov)
            white = np.linalg.solve(L, flat.T)
            y = -np.sum(white * white, axis=0) / 2 - np.sum(np.log(np.diagonal(L))) - n * (LOG_2PI / 2)
        return np.reshape(y, difference.shape[:-1])

    @staticmethod
    def pdf(x: Any, mean: Any = 0.0, cov: Any = 1.0, allow_singular: bool = False) -> Any:
        """Return the density at x."""
        return np.exp(multivariate_normal.logpdf(x, mean, cov, allow_singular))

    @staticmethod
    def entropy(mean: Any = None, cov: Any = 1.0) -> Any:  # noqa: ARG004  (it does not depend on the mean)
        """Return the differential entropy, (n (1 + log(2 pi)) + log det cov) / 2.

        Examples
        --------
        >>> print(multivariate_normal.entropy(cov=np.eye(2)).round(6))
        2.837877
        """
        L = np.linalg.cholesky(_matrix(cov, 1))
        return L.shape[0] * (1 + LOG_2PI) / 2 + np.sum(np.log(np.diagonal(L)))


def _matrix(cov: Any, n: int) -> Any:
    """Return a covariance (n, n), from one number too."""
    return cov if len(np.shape(stop_gradient(cov))) == 2 else np.eye(n) * cov
