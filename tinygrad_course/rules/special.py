"""The ufuncs of `scipy.special`: the sigmoid and entropies, error functions, exponential integrals, gammas.

They answer NumPy's protocol as NumPy's own do. Bessel functions and their kin are in `bessel`; what has no
rule there or here is refused by name.
"""

from __future__ import annotations

import math
from typing import Any, NoReturn

import numpy as np
from scipy import special

from tinygrad_course.rules.shapes import far_out, is_complex
from tinygrad_course.rules.table import RULES, Vjp, no_derivative, primitive, refused, rule

ROOT_PI = math.sqrt(math.pi)
ROOT_2 = math.sqrt(2.0)
DEGREE = math.pi / 180.0


def unknown(function: str, argument: str) -> Vjp:
    """A vjp that raises: the derivative with respect to this argument has no closed form here."""

    def vjp(g: Any, y: Any, *args: Any) -> NoReturn:
        raise TypeError(
            f"scipy.special.{function} has no derivative here with respect to {argument}: pass it as a plain "
            "number or array (stop_gradient(t) of a Tensor)"
        )

    return vjp


def over(a: Any, b: Any) -> Any:
    """a / b, and 0 for 0/0."""
    return a / (b + ((a == 0) & (b == 0)))


def some(g: Any, a: Any) -> Any:
    """g where there is some of a, and 0 where a is 0."""
    return g * (a != 0)


# ------------------------------------------------------------------ the sigmoid and entropies


def expit_vjp(g: Any, y: Any, a: Any) -> Any:
    """y (1 - y); far out, where 1 - y has few digits left, 1 / (2 + 2 cosh(a))."""
    if not far_out(a, 4.5):
        return g * (y * (1.0 - y))
    with np.errstate(over="ignore"):
        return g / (2.0 + 2.0 * np.cosh(a))


rule(special.expit, expit_vjp)
EXPIT = RULES[special.expit]
rule(special.log_expit, lambda g, y, a: g * special.expit(-a))
rule(special.logit, lambda g, y, a: g / (a * (1.0 - a)))


# 0 log(0) is 0, and so is its slope
rule(
    special.xlogy,
    lambda g, y, a, b: special.xlogy(g * ((a != 0) | (b != 0)), b),
    lambda g, y, a, b: g * over(a, b),
)
rule(
    special.xlog1py,
    lambda g, y, a, b: special.xlog1py(g * ((a != 0) | (b != -1)), b),
    lambda g, y, a, b: g * over(a, 1.0 + b),
)
# so that the entropy of a softmax that is sure of itself has its gradient
rule(special.entr, lambda g, y, a: -some(g, a) - special.xlogy(some(g, a), a))
rule(
    special.rel_entr,
    lambda g, y, a, b: some(g, a) + special.xlogy(some(g, a), over(a, b)),
    lambda g, y, a, b: -g * over(a, b),
)
rule(
    special.kl_div,
    lambda g, y, a, b: special.xlogy(some(g, a), over(a, b)) - g * (a == 0),
    lambda g, y, a, b: g * (1.0 - over(a, b)),
)
rule(
    special.huber,
    lambda g, y, delta, r: g * np.maximum(np.abs(r) - delta, 0.0),
    lambda g, y, delta, r: g * np.minimum(np.maximum(r, -delta), delta),
)


def root(delta: Any, r: Any) -> Any:
    return np.sqrt(1.0 + (r / delta) ** 2)


rule(
    special.pseudo_huber,
    lambda g, y, delta, r: g * (2.0 * y / delta - (r * r / delta) / root(delta, r)),
    lambda g, y, delta, r: g * (r / root(delta, r)),
)

# ------------------------------------------------------------------ elementary functions

rule(special.cbrt, lambda g, y, a: g / (3.0 * y * y))
rule(special.exp2, lambda g, y, a: g * (math.log(2.0) * y))
rule(special.exp10, lambda g, y, a: g * (math.log(10.0) * y))
rule(special.expm1, lambda g, y, a: g * np.exp(a))
rule(special.log1p, lambda g, y, a: g / (1.0 + a))
rule(special.cosm1, lambda g, y, a: -g * np.sin(a))
rule(special.sindg, lambda g, y, a: g * (DEGREE * special.cosdg(a)))
rule(special.cosdg, lambda g, y, a: g * (-DEGREE * special.sindg(a)))
rule(special.tandg, lambda g, y, a: g * (DEGREE * (1.0 + y * y)))
rule(special.cotdg, lambda g, y, a: g * (-DEGREE * (1.0 + y * y)))
rule(
    special.radian,
    lambda g, y, d, m, s: g * DEGREE,
    lambda g, y, d, m, s: g * (DEGREE / 60.0),
    lambda g, y, d, m, s: g * (DEGREE / 3600.0),
    saves=False,
)
rule(
    special.powm1,
    lambda g, y, a, b: g * (b * a ** (b - 1)),
    lambda g, y, a, b: g * (a**b * np.log(a)),
)
no_derivative(special.round, special.gammasgn)


def series(t: Any, coefficients: tuple[float, ...]) -> Any:
    y = coefficients[-1]
    for c in coefficients[-2::-1]:
        y = y * t + c
    return y


# 1/2 + t/3 + t^2/8 ...: (k + 1) / (k + 2)!, and -1/2 + 2t/3 - 3t^2/4 ...
EXPREL_SLOPE = tuple((k + 1) / math.factorial(k + 2) for k in range(12))
ROOT_SLOPE = tuple((-1.0) ** (k + 1) * (k + 1) / (k + 2) for k in range(12))


def exprel_slope(t: Any) -> Any:
    """The derivative of (e^t - 1) / t."""
    near = np.abs(t) < 0.2
    away = np.where(near, 1.0, t)
    return np.where(
        near, series(np.where(near, t, 0.0), EXPREL_SLOPE), (np.exp(away) - special.exprel(away)) / away
    )


def root_slope(t: Any) -> Any:
    """(t / (1 + t) - log(1 + t)) / t^2."""
    near = np.abs(t) < 0.02
    away = np.where(near, 1.0, t)
    exact = (away / (1.0 + away) - np.log1p(away)) / (away * away)
    return np.where(near, series(np.where(near, t, 0.0), ROOT_SLOPE), exact)


rule(special.exprel, lambda g, y, a: g * exprel_slope(a))
rule(
    special.boxcox,
    lambda g, y, x, p: g * x ** (p - 1.0),
    lambda g, y, x, p: g * (np.log(x) ** 2 * exprel_slope(p * np.log(x))),
)
rule(
    special.boxcox1p,
    lambda g, y, x, p: g * (1.0 + x) ** (p - 1.0),
    lambda g, y, x, p: g * (np.log1p(x) ** 2 * exprel_slope(p * np.log1p(x))),
)
rule(
    special.inv_boxcox,
    lambda g, y, x, p: g * (y / (1.0 + p * x)),
    lambda g, y, x, p: g * (y * (x * x) * root_slope(p * x)),
)
rule(
    special.inv_boxcox1p,
    lambda g, y, x, p: g * (special.inv_boxcox(x, p) / (1.0 + p * x)),
    lambda g, y, x, p: g * (special.inv_boxcox(x, p) * (x * x) * root_slope(p * x)),
)

# ------------------------------------------------------------------ the normal distribution

rule(special.erf, lambda g, y, a: g * (2.0 / ROOT_PI * np.exp(-a * a)))
rule(special.erfc, lambda g, y, a: g * (-2.0 / ROOT_PI * np.exp(-a * a)))
rule(special.erfcx, lambda g, y, a: g * (2.0 * a * y - 2.0 / ROOT_PI))
rule(special.erfi, lambda g, y, a: g * (2.0 / ROOT_PI * np.exp(a * a)))
rule(special.erfinv, lambda g, y, a: g * (ROOT_PI / 2.0 * np.exp(y * y)))
rule(special.erfcinv, lambda g, y, a: g * (-ROOT_PI / 2.0 * np.exp(y * y)))
rule(special.wofz, lambda g, y, a: g * (2.0j / ROOT_PI - 2.0 * a * y))
rule(special.dawsn, lambda g, y, a: g * (1.0 - 2.0 * a * y))
rule(special.ndtr, lambda g, y, a: g * (np.exp(-0.5 * (a * a)) / (ROOT_2 * ROOT_PI)))
rule(special.ndtri, lambda g, y, a: g * (ROOT_2 * ROOT_PI * np.exp(0.5 * (y * y))))


@primitive
def hazard(a: Any) -> Any:
    """The normal density over the distribution function, without the underflow of either."""
    return ROOT_2 / ROOT_PI / special.erfcx(-a / ROOT_2)


# 1/x - 2/x^3 + 10/x^5 - ..., by which the hazard at -x is larger than x
EXCESS = (1.0, -2.0, 10.0, -74.0, 706.0, -8162.0)


def hazard_vjp(g: Any, y: Any, a: Any) -> Any:
    if is_complex(a):
        return -g * (y * (a + y))
    far = a < -100.0
    x = np.where(far, a, -100.0)
    return -g * (y * np.where(far, -series(1.0 / (x * x), EXCESS) / x, a + y))


rule(hazard, hazard_vjp, elementwise=True)
rule(special.log_ndtr, lambda g, y, a: g * hazard(a))
rule(special.ndtri_exp, lambda g, y, a: g * (ROOT_PI / ROOT_2 * special.erfcx(-y / ROOT_2)))
rule(
    special.owens_t,
    lambda g, y, h, a: g * (np.exp(-0.5 * (h * h)) * special.erf(a * h / ROOT_2) / (-2.0 * ROOT_2 * ROOT_PI)),
    lambda g, y, h, a: g * (np.exp(-0.5 * (h * h) * (1.0 + a * a)) / (math.tau * (1.0 + a * a))),
)

# ------------------------------------------------------------------ exponential integrals and their like

rule(special.exp1, lambda g, y, a: g * (-np.exp(-a) / a))
rule(special.expi, lambda g, y, a: g * (np.exp(a) / a))


def expn_slope(n: Any, x: Any) -> Any:
    n = np.trunc(n)  # as SciPy does
    return np.where(n == 0, np.exp(-x) * (1.0 + 1.0 / x) / x, special.expn(np.maximum(n - 1, 0), x))


rule(special.expn, unknown("expn", "n"), lambda g, y, n, x: -g * expn_slope(n, x))


def sinhc(a: Any) -> Any:
    """sinh(a) / a."""
    near = np.abs(a) < 0.5
    away = np.where(near, 1.0, a)
    return np.where(near, series(np.where(near, a * a, 0.0), SINHC), np.sinh(away) / away)


SINHC = tuple(1.0 / math.factorial(2 * k + 1) for k in range(9))
rule(special.sici, lambda g, y, a: g[0] * np.sinc(a / math.pi) + over(g[1] * np.cos(a), a), outputs=True)
rule(special.shichi, lambda g, y, a: g[0] * sinhc(a) + over(g[1] * np.cosh(a), a), outputs=True)
rule(
    special.fresnel,
    lambda g, y, a: g[0] * np.sin(math.pi / 2.0 * (a * a)) + g[1] * np.cos(math.pi / 2.0 * (a * a)),
    outputs=True,
)


def spence_slope(a: Any) -> Any:
    """log(a) / (1 - a)."""
    near = np.abs(a - 1.0) < 0.05
    away = np.where(near, 2.0, a)
    return np.where(near, series(np.where(near, a - 1.0, 0.0), SPENCE_SLOPE), np.log(away) / (1.0 - away))


SPENCE_SLOPE = tuple((-1.0) ** (k + 1) / (k + 1) for k in range(16))
rule(special.spence, lambda g, y, a: g * spence_slope(a))
rule(special.wrightomega, lambda g, y, a: g * (y / (1.0 + y)))

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


def gamma_quotient(y: Any, scale: Any, a: Any, b: Any) -> Any:
    """y (psi(a) - psi(b)) of y = scale / gamma(b), which is 0 where psi(b) is infinite."""
    with np.errstate(invalid="ignore", over="ignore"):
        left = np.real(b) < 0.5
        near = scale * (special.psi(a) * special.rgamma(b) + rgamma_slope(b))
        return np.where(left, near, y * (special.psi(a) - special.psi(np.where(left, 1.0, b))))


def beta_slope(y: Any, a: Any, b: Any) -> Any:
    return gamma_quotient(y, special.gamma(a) * special.gamma(b), a, a + b)


rule(special.beta, lambda g, y, a, b: g * beta_slope(y, a, b), lambda g, y, a, b: g * beta_slope(y, b, a))
rule(
    special.betaln,
    lambda g, y, a, b: g * (special.psi(a) - special.psi(a + b)),
    lambda g, y, a, b: g * (special.psi(b) - special.psi(a + b)),
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
    lambda g, y, z, m: g * (y * special.psi(z + m)),
)

# ------------------------------------------------------------------ distributions: the slope is the density


def gamma_density(a: Any, x: Any) -> Any:
    return np.exp(special.xlogy(a - 1.0, x) - x - special.gammaln(a))


def beta_density(a: Any, b: Any, x: Any) -> Any:
    return np.exp(special.xlogy(a - 1.0, x) + special.xlog1py(b - 1.0, -x) - special.betaln(a, b))


def student_density(df: Any, t: Any) -> Any:
    scale = special.gammaln(0.5 * (df + 1.0)) - special.gammaln(0.5 * df) - 0.5 * np.log(math.pi * df)
    return np.exp(scale - 0.5 * (df + 1.0) * np.log1p(t * t / df))


for _name, _sign in (("gammainc", 1.0), ("gammaincc", -1.0)):
    rule(
        getattr(special, _name),
        unknown(_name, "a"),
        lambda g, y, a, x, sign=_sign: g * (sign * gamma_density(a, x)),
    )
    rule(
        getattr(special, _name + "inv"),
        unknown(_name + "inv", "a"),
        lambda g, y, a, p, sign=_sign: g * (sign / gamma_density(a, y)),
    )
for _name, _sign in (("betainc", 1.0), ("betaincc", -1.0)):
    rule(
        getattr(special, _name),
        unknown(_name, "a"),
        unknown(_name, "b"),
        lambda g, y, a, b, x, sign=_sign: g * (sign * beta_density(a, b, x)),
    )
    rule(
        getattr(special, _name + "inv"),
        unknown(_name + "inv", "a"),
        unknown(_name + "inv", "b"),
        lambda g, y, a, b, p, sign=_sign: g * (sign / beta_density(a, b, y)),
    )
for _name, _sign in (("chdtr", 1.0), ("chdtrc", -1.0)):
    rule(
        getattr(special, _name),
        unknown(_name, "v"),
        lambda g, y, v, x, sign=_sign: g * (0.5 * sign * gamma_density(0.5 * v, 0.5 * x)),
    )
rule(special.chdtri, unknown("chdtri", "v"), lambda g, y, v, p: g / (-0.5 * gamma_density(0.5 * v, 0.5 * y)))
for _name, _sign in (("gdtr", 1.0), ("gdtrc", -1.0)):
    rule(
        getattr(special, _name),
        lambda g, y, a, b, x, sign=_sign: g * (sign * x * gamma_density(b, a * x)),
        unknown(_name, "b"),
        lambda g, y, a, b, x, sign=_sign: g * (sign * a * gamma_density(b, a * x)),
    )
rule(special.stdtr, unknown("stdtr", "df"), lambda g, y, df, t: g * student_density(df, t))
rule(special.stdtrit, unknown("stdtrit", "df"), lambda g, y, df, p: g / student_density(df, y))

# ------------------------------------------------------------------ without a rule

WITHOUT_RULE = (
    "agm", "airye", "bdtr", "bdtrc", "bdtri", "bdtrik", "bdtrin", "besselpoly", "btdtria", "btdtrib",
    "chdtriv", "chndtr", "chndtridf", "chndtrinc", "chndtrix", "elliprc", "elliprd", "elliprf",
    "elliprg", "elliprj", "eval_sh_jacobi", "fdtr", "fdtrc", "fdtri", "fdtridfd", "gdtria", "gdtrib",
    "gdtrix", "itairy", "kolmogi", "kolmogorov", "log_wright_bessel", "lpmv", "mathieu_a", "mathieu_b",
    "mathieu_cem", "mathieu_modcem1", "mathieu_modcem2", "mathieu_modsem1", "mathieu_modsem2",
    "mathieu_sem", "nbdtr", "nbdtrc", "nbdtri", "nbdtrik", "nbdtrin", "ncfdtr", "ncfdtri", "ncfdtridfd",
    "ncfdtridfn", "ncfdtrinc", "nctdtr", "nctdtridf", "nctdtrinc", "nctdtrit", "nrdtrimn", "nrdtrisd",
    "obl_ang1", "obl_ang1_cv", "obl_cv", "obl_rad1", "obl_rad1_cv", "obl_rad2", "obl_rad2_cv", "pbdv",
    "pbvv", "pbwa", "pdtr", "pdtrc", "pdtri", "pdtrik", "pro_ang1", "pro_ang1_cv", "pro_cv", "pro_rad1",
    "pro_rad1_cv", "pro_rad2", "pro_rad2_cv", "smirnov", "smirnovi", "stdtridf", "tklmbda",
    "voigt_profile", "wright_bessel", "zetac", "kelvin", "modfresnelm", "modfresnelp", "sph_harm",
)  # fmt: skip
refused("it has no rule here", *(getattr(special, name) for name in WITHOUT_RULE if hasattr(special, name)))
