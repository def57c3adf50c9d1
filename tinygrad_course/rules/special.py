"""The ufuncs of `scipy.special`: the sigmoid and entropies, error functions, exponential integrals.

They answer NumPy's protocol as NumPy's own do. Gammas are in `gamma_functions`, Bessel functions and their
kin in `bessel`; what has no rule there or here is refused by name.
"""

import math
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from scipy import special
from scipy.special._ufuncs import _lambertw

from tinygrad_course.rules.shapes import LARGE, is_complex, largest, with_far_entries
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


def by_last(function: Any, vjp: Any) -> None:
    """Enter a derivative with respect to the last argument alone; the others are told as `vjp` calls them."""
    names = vjp.__code__.co_varnames[2 : vjp.__code__.co_argcount - 1]
    told = [f"the {name}" if name in {"order", "degree"} else name for name in names]
    rule(function, *(unknown(function.__name__, name) for name in told), vjp)


def over(a: Any, b: Any) -> Any:
    """a / b, and 0 for 0/0."""
    return a / (b + ((a == 0) & (b == 0)))


def some(g: Any, a: Any) -> Any:
    """g where there is some of a, and 0 where a is 0."""
    return g * (a != 0)


# ------------------------------------------------------------------ the sigmoid and entropies


def expit_vjp(g: Any, y: Any, a: Any) -> Any:
    """y (1 - y); far out, where 1 - y has few digits left, 1 / (2 + 2 cosh(a))."""
    if not largest(y) > 0.989:  # a up to 4.5
        return g * (y * (1.0 - y))
    if a.size > LARGE:
        return g * with_far_entries(y * (1.0 - y), lambda a: logistic_density(1.0, a), a, 4.5)
    return logistic_density(g, a)


def logistic_density(g: Any, a: Any) -> Any:
    """g / (2 + 2 cosh(a))."""
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
    return np.hypot(1.0, r / delta)


rule(
    special.pseudo_huber,
    lambda g, y, delta, r: g * (2.0 * y / delta - (r * r / delta) / root(delta, r)),
    lambda g, y, delta, r: g * (r / root(delta, r)),
)

# ------------------------------------------------------------------ elementary functions

for _name in ("cbrt", "exp2", "expm1", "log1p"):
    rule(getattr(special, _name), *RULES[getattr(np, _name)].vjps)
rule(special.exp10, lambda g, y, a: g * (math.log(10.0) * y))
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
rule(special.powm1, lambda g, y, a, b: g * (b * a ** (b - 1)), lambda g, y, a, b: g * (a**b * np.log(a)))
no_derivative(special.round, special.gammasgn)


def series(t: Any, coefficients: Sequence[Any]) -> Any:
    y = coefficients[-1]
    for c in coefficients[-2::-1]:
        y = y * t + c
    return y


def near_0(x: Any, size: float, coefficients: Sequence[Any], exact: Any, power: int = 1) -> Any:
    """The series of x (or of its square) where x is small, elsewhere ``exact(x)``, which cancels there."""
    near = np.abs(x) < size
    return np.where(
        near, series(np.where(near, x, 0.0) ** power, coefficients), exact(np.where(near, 1.0, x))
    )


# 1/2 + t/3 + t^2/8 ...: (k + 1) / (k + 2)!, and -1/2 + 2t/3 - 3t^2/4 ...
EXPREL_SLOPE = tuple((k + 1) / math.factorial(k + 2) for k in range(12))
ROOT_SLOPE = tuple((-1.0) ** (k + 1) * (k + 1) / (k + 2) for k in range(12))


def exprel_slope(t: Any) -> Any:
    """The derivative of (e^t - 1) / t."""
    return near_0(t, 0.2, EXPREL_SLOPE, lambda t: (np.exp(t) - special.exprel(t)) / t)


def root_slope(t: Any) -> Any:
    """(t / (1 + t) - log(1 + t)) / t^2."""
    return near_0(t, 0.02, ROOT_SLOPE, lambda t: (t / (1.0 + t) - np.log1p(t)) / (t * t))


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

# 1/2 + 3/4 t + 15/8 t^2 ...: (2k + 1)!! / 2^(k + 1)
TAIL = tuple(math.prod(range(1, 2 * k + 2, 2)) / 2.0 ** (k + 1) for k in range(6))


def far_tail(a: Any, exact: Any, sign: float) -> Any:
    """What tends to -1/(2a^2), `exact` where that does not cancel; of real numbers."""
    if is_complex(a):
        return exact
    far = (a > 100.0) if sign < 0 else np.abs(a) > 100.0
    t = 1.0 / np.where(far, a, 100.0) ** 2
    return np.where(far, -t * series(sign * t, TAIL), exact)


rule(special.erf, lambda g, y, a: g * (2.0 / ROOT_PI * np.exp(-a * a)))
rule(special.erfc, lambda g, y, a: g * (-2.0 / ROOT_PI * np.exp(-a * a)))
rule(special.erfcx, lambda g, y, a: g * (2.0 / ROOT_PI * far_tail(a, ROOT_PI * a * y - 1.0, -1.0)))
rule(special.erfi, lambda g, y, a: g * (2.0 / ROOT_PI * np.exp(a * a)))
rule(special.erfinv, lambda g, y, a: g * (ROOT_PI / 2.0 * np.exp(y * y)))
rule(special.erfcinv, lambda g, y, a: g * (-ROOT_PI / 2.0 * np.exp(y * y)))
rule(special.wofz, lambda g, y, a: g * (2.0j / ROOT_PI - 2.0 * a * y))
rule(special.dawsn, lambda g, y, a: g * far_tail(a, 1.0 - 2.0 * a * y, 1.0))
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


by_last(special.expn, lambda g, y, n, x: -g * expn_slope(n, x))


def sinhc(a: Any) -> Any:
    """sinh(a) / a."""
    return near_0(a, 0.5, SINHC, lambda a: np.sinh(a) / a, power=2)


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
# (behind `lambertw`, which is no ufunc)
rule(_lambertw, lambda g, y, z, *_: g * np.exp(-y) / (1.0 + y), elementwise=True)

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
