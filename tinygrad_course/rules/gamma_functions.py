"""Gamma and beta functions, and the distributions that are incomplete ones."""

import math
from typing import Any

import numpy as np
from scipy import special

from tinygrad_course.rules.shapes import is_complex
from tinygrad_course.rules.special import by_last, unknown
from tinygrad_course.rules.table import primitive, rule

# ------------------------------------------------------------------ gamma and beta functions


@primitive
def polygamma(n: int, x: Any) -> Any:
    """The n-th derivative of psi: `scipy.special.polygamma`, which is a plain function."""
    if is_complex(x):
        raise TypeError(
            "SciPy has no polygamma of complex numbers: psi of them has no derivative here, "
            "gamma, rgamma and loggamma have no second one"
        )
    return special.polygamma(n, x).astype(x.dtype)


rule(polygamma, None, lambda g, y, n, x: g * polygamma(n + 1, x), elementwise=True)
rule(special.psi, lambda g, y, a: g * polygamma(1, a))
rule(special.gamma, lambda g, y, a: g * (y * special.psi(a)))
rule(special.gammaln, lambda g, y, a: g * special.psi(a))
rule(special.loggamma, lambda g, y, a: g * special.psi(a))


def rgamma_slope(a: Any) -> Any:
    """The derivative of 1 / gamma; on the left by its reflection, gamma(1 - a) sin(pi a) / pi."""
    left = np.real(a) < 0.5
    b = 1.0 - np.where(left, a, 0.0)
    mirrored = special.gamma(b) * (
        np.cos(math.pi * (1.0 - b)) - special.psi(b) * np.sin(math.pi * (1.0 - b)) / math.pi
    )
    a = np.where(left, 1.0, a)
    return np.where(left, mirrored, -special.rgamma(a) * special.psi(a))


rule(special.rgamma, lambda g, y, a: g * rgamma_slope(a))


def pole(x: Any) -> Any:
    """Where gamma is infinite."""
    return (np.real(x) <= 0) & (x == np.floor(np.real(x)))


def psi_difference(a: Any, b: Any) -> Any:
    """psi(a) - psi(b); where both are infinite, the limit for a and b that move together."""
    both = pole(a) & pole(b)
    reflected = special.psi(1.0 - np.where(both, a, 0.0)) - special.psi(1.0 - np.where(both, b, 0.0))
    a, b = np.where(both, 1.0, a), np.where(both, 1.0, b)
    return np.where(both, reflected, special.psi(a) - special.psi(np.where(pole(b), np.nan, b)))


def gamma_quotient(y: Any, scale: Any, a: Any, b: Any) -> Any:
    """y (psi(a) - psi(b)) of y = scale / gamma(b), which is 0 where psi(b) alone is infinite."""
    with np.errstate(invalid="ignore", over="ignore"):
        left = (np.real(b) < 0.5) & ~(pole(a) & pole(b))
        near = scale * (special.psi(a) * special.rgamma(b) + rgamma_slope(b))
        return np.where(left, near, y * psi_difference(a, np.where(left, 1.0, b)))


rule(
    special.beta,
    lambda g, y, a, b: g * gamma_quotient(y, special.gamma(a) * special.gamma(b), a, a + b),
    lambda g, y, a, b: g * gamma_quotient(y, special.gamma(b) * special.gamma(a), b, a + b),
)
rule(
    special.betaln,
    lambda g, y, a, b: g * psi_difference(a, a + b),
    lambda g, y, a, b: g * psi_difference(b, a + b),
)


def binom_slope(y: Any, n: Any, k: Any) -> Any:
    """y (psi(n - k + 1) - psi(k + 1))."""
    a, b = n - k + 1.0, k + 1.0
    with np.errstate(invalid="ignore", over="ignore"):
        inside = (a > 0.5) & (b > 0.5)
        near = special.gamma(n + 1.0) * (
            rgamma_slope(b) * special.rgamma(a) - special.rgamma(b) * rgamma_slope(a)
        )
        far = y * (special.psi(np.where(inside, a, 1.0)) - special.psi(np.where(inside, b, 1.0)))
        return np.where(inside, far, near)


rule(
    special.binom,
    lambda g, y, n, k: (
        g * gamma_quotient(y, special.gamma(n + 1.0) * special.rgamma(k + 1.0), n + 1.0, n - k + 1.0)
    ),
    lambda g, y, n, k: g * binom_slope(y, n, k),
)
rule(
    special.poch,
    lambda g, y, z, m: g * gamma_quotient(y, special.gamma(z + m), z + m, z),
    # for z = -3 it is 0 but at whole numbers m
    lambda g, y, z, m: g * (y * special.psi(np.where(pole(z) & pole(z + m), np.nan, z + m))),
)

# ------------------------------------------------------------------ distributions: the slope is the density


def gamma_density(a: Any, x: Any) -> Any:
    return np.exp(special.xlogy(a - 1.0, x) - x - special.gammaln(a))


def beta_density(a: Any, b: Any, x: Any) -> Any:
    return np.exp(special.xlogy(a - 1.0, x) + special.xlog1py(b - 1.0, -x) - special.betaln(a, b))


def chi_density(v: Any, x: Any) -> Any:
    return 0.5 * gamma_density(0.5 * v, 0.5 * x)


def student_density(df: Any, t: Any) -> Any:
    scale = special.gammaln(0.5 * (df + 1.0)) - special.gammaln(0.5 * df) - 0.5 * np.log(math.pi * df)
    return np.exp(scale - 0.5 * (df + 1.0) * np.log1p(t * t / df))


by_last(special.gammainc, lambda g, y, a, x: g * gamma_density(a, x))
by_last(special.gammaincc, lambda g, y, a, x: -g * gamma_density(a, x))
by_last(special.gammaincinv, lambda g, y, a, p: g / gamma_density(a, y))
by_last(special.gammainccinv, lambda g, y, a, p: -g / gamma_density(a, y))
by_last(special.betainc, lambda g, y, a, b, x: g * beta_density(a, b, x))
by_last(special.betaincc, lambda g, y, a, b, x: -g * beta_density(a, b, x))
by_last(special.betaincinv, lambda g, y, a, b, p: g / beta_density(a, b, y))
by_last(special.betainccinv, lambda g, y, a, b, p: -g / beta_density(a, b, y))
by_last(special.chdtr, lambda g, y, v, x: g * chi_density(v, x))
by_last(special.chdtrc, lambda g, y, v, x: -g * chi_density(v, x))
by_last(special.chdtri, lambda g, y, v, p: -g / chi_density(v, y))
for _function, _sign in ((special.gdtr, 1.0), (special.gdtrc, -1.0)):
    rule(
        _function,
        lambda g, y, a, b, x, *, sign=_sign: sign * g * (x * gamma_density(b, a * x)),
        unknown(_function.__name__, "b"),
        lambda g, y, a, b, x, *, sign=_sign: sign * g * (a * gamma_density(b, a * x)),
    )
by_last(special.stdtr, lambda g, y, df, t: g * student_density(df, t))
by_last(special.stdtrit, lambda g, y, df, p: g / student_density(df, y))
