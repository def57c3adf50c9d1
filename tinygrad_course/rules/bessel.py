"""Bessel functions and their kin, elliptic integrals, hypergeometric functions, orthogonal polynomials.

The derivatives are those of the NIST Digital Library of Mathematical Functions, chapters 9 to 19. With
respect to an order, or a parameter, there is none here: a `Tensor` there is refused.
"""

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from tinygrad_course.rules.elementwise import quotient
from tinygrad_course.rules.shapes import is_complex
from tinygrad_course.rules.special import by_last, near_0, series, unknown
from tinygrad_course.rules.table import primitive, rule

# ------------------------------------------------------------------ Bessel functions: neighbouring orders

rule(special.j0, lambda g, y, x: -g * special.j1(x))
rule(special.y0, lambda g, y, x: -g * special.y1(x))
rule(special.j1, lambda g, y, x: g * (0.5 * (special.j0(x) - special.jv(2, x))))
rule(special.y1, lambda g, y, x: g * (0.5 * (special.y0(x) - special.yv(2, x))))
rule(special.i0, lambda g, y, x: g * special.i1(x))
rule(special.k0, lambda g, y, x: -g * special.k1(x))
rule(special.i1, lambda g, y, x: g * (0.5 * (special.i0(x) + special.iv(2, x))))
rule(special.k1, lambda g, y, x: -g * (special.k0(x) + y / x))

# ------------------------------------------------------------------ ... times exp(-|x|), or exp(x) for K


OF_K = -1.0, math.pi / 2.0


def scaled(near: Any, y: Any, v: Any, x: Any, sign: float = 1.0, root: float = 0.5 / math.pi) -> Any:
    """The slope of exp(-|x|) I(v, x), or of exp(x) K(v, x): `near`, and where that cancels the series.

    The functions are sqrt(root / x) (1 + (1/2 + v) (1/2 - v) t + ...) with t = 1/(2x), or -1/(2x) for K.
    """
    if is_complex(x):
        return near
    least = 40.0 + 2.0 * v * v
    far = np.abs(x) > least
    away = np.where(far, np.abs(x), least)
    term, total = 1.0, 0.5
    for k in range(12):
        term = term * ((0.5 + k + v) * (0.5 + k - v) * sign / (2.0 * k + 2.0) / away)
        total = total + (k + 1.5) * term
    return np.where(far, -np.sign(x) * np.sign(y) * total * np.sqrt(root / away) / away, near)


rule(special.i0e, lambda g, y, x: g * scaled(special.i1e(x) - np.sign(x) * y, y, 0.0, x))
rule(
    special.i1e,
    lambda g, y, x: g * scaled(0.5 * (special.i0e(x) + special.ive(2, x)) - np.sign(x) * y, y, 1.0, x),
)
rule(special.k0e, lambda g, y, x: g * scaled(y - special.k1e(x), y, 0.0, x, *OF_K))
rule(special.k1e, lambda g, y, x: g * scaled(y - special.k0e(x) - y / x, y, 1.0, x, *OF_K))


def damped(g: Any, y: Any, size: Any, turn: complex) -> Any:
    """The share of a factor exp(-|s|) of complex z in its gradient, where ds = Re(turn dz)."""
    return np.sign(size) * (np.real(g * y) * turn)


def fall(f: Any, order: Any, x: Any) -> Any:
    return 0.5 * (f(order - 1, x) - f(order + 1, x))


def mean(f: Any, order: Any, x: Any) -> Any:
    return 0.5 * (f(order - 1, x) + f(order + 1, x))


def struve_slope(f: Any, sign: float, y: Any, v: Any, x: Any) -> Any:
    """By the order below; near 0, where that cancels, by the power series."""
    near = np.abs(x) < 2.0
    here, away = np.where(near, 0.5 * x, 0.5), np.where(near, 2.0, x)
    terms = [0.5 * (2 * k + v + 1) * special.rgamma(k + 1.5) * special.rgamma(v + k + 1.5) for k in range(12)]
    return np.where(near, here**v * series(sign * here * here, terms), f(v - 1, away) - v * y / away)


def of_order(slope: Callable[..., Any], *functions: Any) -> None:
    """Enter functions f of an order by what goes back to x, ``slope(f, g, y, order, x)``."""
    for f in functions:
        by_last(f, lambda g, y, order, x, *, f=f: slope(f, g, y, order, x))


of_order(lambda f, g, y, v, x: g * fall(f, v, x), special.jv, special.yv, special.hankel1, special.hankel2)
of_order(
    lambda f, g, y, v, x: g * fall(f, v, x) - (damped(g, y, np.imag(x), -1j) if is_complex(x) else 0.0),
    special.jve,
    special.yve,
)
of_order(lambda f, g, y, v, x: g * (fall(f, v, x) - 1j * y), special.hankel1e)  # the factor exp(-iz)
of_order(lambda f, g, y, v, x: g * (fall(f, v, x) + 1j * y), special.hankel2e)
of_order(lambda f, g, y, v, x: g * mean(f, v, x), special.iv)
of_order(
    lambda f, g, y, v, x: (
        g * mean(f, v, x) - damped(g, y, np.real(x), 1.0)
        if is_complex(x)
        else g * scaled(mean(f, v, x) - np.sign(x) * y, y, v, x)
    ),
    special.ive,
)
of_order(lambda f, g, y, v, x: -g * mean(f, v, x), special.kv)
of_order(lambda f, g, y, v, x: g * scaled(y - mean(f, v, x), y, v, x, *OF_K), special.kve)
# of the orders of yn and kn SciPy takes the whole number
of_order(lambda f, g, y, n, x: g * fall(special.yv, np.trunc(n), x), special.yn)
of_order(lambda f, g, y, n, x: -g * mean(special.kv, np.trunc(n), x), special.kn)
of_order(lambda f, g, y, v, x: g * struve_slope(f, -1.0, y, v, x), special.struve)
of_order(lambda f, g, y, v, x: g * struve_slope(f, 1.0, y, v, x), special.modstruve)

# ------------------------------------------------------------------ Airy and Kelvin functions, integrals


def by_output(function: Any, *slopes: Callable[[Any, Any], Any]) -> None:
    """Enter the slopes of several results: one that is not asked for may be infinite, or undefined."""

    def vjp(g: Any, y: Any, x: Any) -> Any:
        parts = [of * slope(y, x) for of, slope in zip(g, slopes, strict=True) if of is not None]
        return functools.reduce(operator.add, parts)

    rule(function, vjp, outputs=True, takes_none=True)


by_output(special.airy, lambda y, x: y[1], lambda y, x: x * y[0], lambda y, x: y[3], lambda y, x: x * y[2])
rule(special.ber, lambda g, y, x: g * special.berp(x))
rule(special.bei, lambda g, y, x: g * special.beip(x))
rule(special.ker, lambda g, y, x: g * special.kerp(x))
rule(special.kei, lambda g, y, x: g * special.keip(x))
# at 0, y / x is 0 and 1/2
rule(special.berp, lambda g, y, x: -g * (special.bei(x) + quotient(y, x)))
rule(special.beip, lambda g, y, x: g * (special.ber(x) - quotient(y, x) - 0.5 * (x == 0)))
rule(special.kerp, lambda g, y, x: -g * (special.kei(x) + y / x))
rule(special.keip, lambda g, y, x: g * (special.ker(x) - y / x))


by_output(special.iti0k0, lambda y, x: special.i0(x), lambda y, x: special.k0(x))
by_output(special.itj0y0, lambda y, x: special.j0(x), lambda y, x: special.y0(x))
# 1 + t/4 + t^2/36 ...: 1 / (k + 1)!^2
I0_REST = tuple(1.0 / math.factorial(k + 1) ** 2 for k in range(12))


def rest_over_x(f: Any, sign: float, x: Any) -> Any:
    """sign (f(x) - 1) / x of I0 and J0: its series about 0, where that cancels."""
    terms = [c * (0.25 * sign) ** k / 4.0 for k, c in enumerate(I0_REST)]
    return x * near_0(x, 2.0, terms, lambda x: sign * (f(x) - 1.0) / x / x, power=2)


by_output(special.it2i0k0, lambda y, x: rest_over_x(special.i0, 1.0, x), lambda y, x: -(special.k0(x) / x))
by_output(special.it2j0y0, lambda y, x: rest_over_x(special.j0, -1.0, x), lambda y, x: -(special.y0(x) / x))
rule(special.itstruve0, lambda g, y, x: g * special.struve(np.zeros_like(x), x))
rule(special.itmodstruve0, lambda g, y, x: g * special.modstruve(np.zeros_like(x), x))
rule(special.it2struve0, lambda g, y, x: -g * special.struve(np.zeros_like(x), x) / x)

# ------------------------------------------------------------------ elliptic integrals and functions


def around_0(m: Any, a: float, b: float, away: Callable[[Any], Any]) -> Any:
    """pi/8 2F1(a, b; 2; m) for small m, where what is `away` from it cancels."""
    near = np.abs(m) < 0.5
    return np.where(
        near, math.pi / 8.0 * special.hyp2f1(a, b, 2.0, np.where(near, m, 0.0)), away(np.where(near, 0.75, m))
    )


def k_slope(m: Any, p: Any) -> Any:
    """The derivative of K at m = 1 - p."""
    p = np.where(np.abs(m) < 0.5, 0.25, p)
    return around_0(m, 1.5, 1.5, lambda m: (special.ellipe(m) / p - special.ellipkm1(p)) / (2.0 * m))


rule(special.ellipk, lambda g, y, m: g * k_slope(m, 1.0 - m))
rule(special.ellipkm1, lambda g, y, p: -g * k_slope(1.0 - p, p))
rule(
    special.ellipe,
    lambda g, y, m: -g * around_0(m, 0.5, 1.5, lambda m: (special.ellipk(m) - special.ellipe(m)) / (2.0 * m)),
)


def delta(phi: Any, m: Any) -> Any:
    return np.sqrt(1.0 - m * np.sin(phi) ** 2)


@primitive
def elliptic_d(phi: Any, m: Any) -> Any:
    """(F - E) / m, the integral of sin^2 / delta, by Carlson's R_D."""
    turns = np.round(phi / math.pi)
    s, c = np.sin(phi - math.pi * turns), np.cos(phi - math.pi * turns)
    part = s**3 * special.elliprd(c * c, 1.0 - m * s * s, 1.0)
    return (part + np.where(turns == 0, 0.0, 2.0 * turns * special.elliprd(0.0, 1.0 - m, 1.0))) / 3.0


def f_slope(phi: Any, m: Any) -> Any:
    turned = np.sin(2.0 * phi) / (2.0 * delta(phi, m))
    return (special.ellipkinc(phi, m) - elliptic_d(phi, m) - turned) / (2.0 * (1.0 - m))


# the rule of Gauss and Legendre on [0, 1]
PLACES, SHARES = (x / 2.0 for x in (np.polynomial.legendre.leggauss(20) + np.array([[1.0], [0.0]])))


def d_slope(phi: Any, m: Any) -> Any:
    """The integral of sin^4 / (2 delta^3), added up for small m, of which the difference leaves nothing."""
    small = np.abs(m) < 0.05
    turns = np.round(phi / math.pi)
    part = added_up(phi - math.pi * turns, np.where(small, m, 0.0))
    whole = added_up(0.5 * math.pi * np.ones_like(turns), np.where(small, m, 0.0))
    away = np.where(small, 0.5, m)
    difference = (f_slope(phi, away) - 0.5 * elliptic_d(phi, away)) / away
    return np.where(small, part + 2.0 * turns * whole, difference)


def added_up(phi: Any, m: Any) -> Any:
    s = np.sin(np.expand_dims(phi, -1) * PLACES) ** 2
    return phi * np.sum(0.5 * SHARES * s * s / (1.0 - np.expand_dims(m, -1) * s) ** 1.5, axis=-1)


rule(
    elliptic_d,
    lambda g, y, phi, m: g * (np.sin(phi) ** 2 / delta(phi, m)),
    lambda g, y, phi, m: g * d_slope(phi, m),
    elementwise=True,
    name="elliptic D",
)


rule(special.ellipkinc, lambda g, y, phi, m: g / delta(phi, m), lambda g, y, phi, m: g * f_slope(phi, m))
rule(
    special.ellipeinc,
    lambda g, y, phi, m: g * delta(phi, m),
    lambda g, y, phi, m: -g * (0.5 * elliptic_d(phi, m)),
)
rule(
    special.ellipj,
    lambda g, y, u, m: g[0] * (y[1] * y[2]) - g[1] * (y[0] * y[2]) - g[2] * (m * y[0] * y[1]) + g[3] * y[2],
    unknown("ellipj", "m"),
    outputs=True,
)

# ------------------------------------------------------------------ hypergeometric functions

by_last(special.hyp0f1, lambda g, y, v, z: g * (special.hyp0f1(v + 1, z) / v))
by_last(special.hyp1f1, lambda g, y, a, b, z: g * (a / b * special.hyp1f1(a + 1, b + 1, z)))
by_last(special.hyp2f1, lambda g, y, a, b, c, z: g * (a * b / c * special.hyp2f1(a + 1, b + 1, c + 1, z)))
by_last(special.hyperu, lambda g, y, a, b, x: g * (-a * special.hyperu(a + 1, b + 1, x)))

# ------------------------------------------------------------------ orthogonal polynomials: one degree less


def lower(n: Any) -> Any:
    """The degree below; of degree 0, whose slope is 0 by another factor, one where all is finite."""
    return np.where(n == 0, 1, n - 1)


def jacobi_slope(n: Any, a: Any, b: Any, x: Any) -> Any:
    return 0.5 * (n + a + b + 1) * (n != 0) * special.eval_jacobi(lower(n), a + 1, b + 1, x)


def gegenbauer_slope(n: Any, a: Any, x: Any) -> Any:
    return 2.0 * a * (n != 0) * special.eval_gegenbauer(lower(n), a + 1.0, x)


def laguerre_slope(n: Any, a: Any, x: Any) -> Any:
    return -1.0 * (n != 0) * special.eval_genlaguerre(lower(n), a + 1.0, x)


by_last(special.eval_jacobi, lambda g, y, degree, alpha, beta, x: g * jacobi_slope(degree, alpha, beta, x))
by_last(special.eval_gegenbauer, lambda g, y, degree, alpha, x: g * gegenbauer_slope(degree, alpha, x))
by_last(special.eval_genlaguerre, lambda g, y, degree, alpha, x: g * laguerre_slope(degree, alpha, x))
for _name, _slope in {
    "legendre": lambda n, x: jacobi_slope(n, 0, 0, x),
    "chebyt": lambda n, x: n * special.eval_chebyu(lower(n), x),
    "chebyu": lambda n, x: gegenbauer_slope(n, 1.0, x),
    "chebyc": lambda n, x: n * special.eval_chebyu(lower(n), 0.5 * x),
    "chebys": lambda n, x: 0.5 * gegenbauer_slope(n, 1.0, 0.5 * x),
    "hermite": lambda n, x: 2.0 * n * special.eval_hermite(np.maximum(n - 1, 0), x),
    "hermitenorm": lambda n, x: n * special.eval_hermitenorm(np.maximum(n - 1, 0), x),
    "laguerre": lambda n, x: laguerre_slope(n, 0.0, x),
    "sh_legendre": lambda n, x: 2.0 * jacobi_slope(n, 0, 0, 2.0 * x - 1.0),
    "sh_chebyt": lambda n, x: 2.0 * n * special.eval_chebyu(lower(n), 2.0 * x - 1.0),
    "sh_chebyu": lambda n, x: 2.0 * gegenbauer_slope(n, 1.0, 2.0 * x - 1.0),
}.items():
    by_last(getattr(special, f"eval_{_name}"), lambda g, y, degree, x, *, slope=_slope: g * slope(degree, x))
