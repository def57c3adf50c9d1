"""Bessel functions and their kin, elliptic integrals, hypergeometric functions, orthogonal polynomials.

The derivatives are those of the NIST Digital Library of Mathematical Functions, chapters 9 to 19. With
respect to an order, or a parameter, there is none here: a `Tensor` there is refused.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from tinygrad_course.rules.shapes import is_complex
from tinygrad_course.rules.special import unknown
from tinygrad_course.rules.table import rule

# ------------------------------------------------------------------ Bessel functions: neighbouring orders

rule(special.j0, lambda g, y, x: -g * special.j1(x))
rule(special.y0, lambda g, y, x: -g * special.y1(x))
rule(special.j1, lambda g, y, x: g * (0.5 * (special.j0(x) - special.jv(2, x))))
rule(special.y1, lambda g, y, x: g * (0.5 * (special.y0(x) - special.yv(2, x))))
rule(special.i0, lambda g, y, x: g * special.i1(x))
rule(special.k0, lambda g, y, x: -g * special.k1(x))
rule(special.i1, lambda g, y, x: g * (0.5 * (special.i0(x) + special.iv(2, x))))
rule(special.k1, lambda g, y, x: -g * (special.k0(x) + y / x))
# ... with the factor exp(-|x|), or exp(x) for K
rule(special.i0e, lambda g, y, x: g * (special.i1e(x) - np.sign(x) * y))
rule(special.i1e, lambda g, y, x: g * (0.5 * (special.i0e(x) + special.ive(2, x)) - np.sign(x) * y))
rule(special.k0e, lambda g, y, x: g * (y - special.k1e(x)))
rule(special.k1e, lambda g, y, x: g * (y - special.k0e(x) - y / x))


def damped(g: Any, y: Any, size: Any, turn: complex) -> Any:
    """The share of a factor exp(-|s|) of complex z in its gradient, where ds = Re(turn dz)."""
    return np.sign(size) * (np.real(g * y) * turn)


def damped_sideways(g: Any, y: Any, z: Any) -> Any:
    return damped(g, y, np.imag(z), -1j) if is_complex(z) else 0.0


_f: Any
for _f in (special.jve, special.yve):
    rule(
        _f,
        unknown(_f.__name__, "the order"),
        lambda g, y, v, x, f=_f: g * (0.5 * (f(v - 1, x) - f(v + 1, x))) - damped_sideways(g, y, x),
    )
for _f in (special.jv, special.yv, special.yn, special.hankel1, special.hankel2):
    rule(
        _f,
        unknown(_f.__name__, "the order"),
        lambda g, y, v, x, f=_f: g * (0.5 * (f(v - 1, x) - f(v + 1, x))),
    )
rule(
    special.iv,
    unknown("iv", "the order"),
    lambda g, y, v, x: g * (0.5 * (special.iv(v - 1, x) + special.iv(v + 1, x))),
)
rule(
    special.ive,
    unknown("ive", "the order"),
    lambda g, y, v, x: (
        g * (0.5 * (special.ive(v - 1, x) + special.ive(v + 1, x))) - damped(g, y, np.real(x), 1.0)
    ),
)
for _f, _i in ((special.hankel1e, 1j), (special.hankel2e, -1j)):  # the factor exp(-iz), or exp(iz)
    rule(
        _f,
        unknown(_f.__name__, "the order"),
        lambda g, y, v, x, f=_f, i=_i: g * (0.5 * (f(v - 1, x) - f(v + 1, x)) - i * y),
    )
for _f in (special.kv, special.kn):
    rule(
        _f,
        unknown(_f.__name__, "the order"),
        lambda g, y, v, x: g * (-0.5 * (special.kv(v - 1, x) + special.kv(v + 1, x))),
    )
rule(
    special.kve,
    unknown("kve", "the order"),
    lambda g, y, v, x: g * (y - 0.5 * (special.kve(v - 1, x) + special.kve(v + 1, x))),
)
for _f in (special.struve, special.modstruve):
    rule(_f, unknown(_f.__name__, "the order"), lambda g, y, v, x, f=_f: g * (f(v - 1, x) - v * y / x))

# ------------------------------------------------------------------ Airy and Kelvin functions, integrals

rule(
    special.airy,
    lambda g, y, x: g[0] * y[1] + g[1] * (x * y[0]) + g[2] * y[3] + g[3] * (x * y[2]),
    outputs=True,
)
rule(special.ber, lambda g, y, x: g * special.berp(x))
rule(special.bei, lambda g, y, x: g * special.beip(x))
rule(special.ker, lambda g, y, x: g * special.kerp(x))
rule(special.kei, lambda g, y, x: g * special.keip(x))
rule(special.berp, lambda g, y, x: -g * (special.bei(x) + y / x))
rule(special.beip, lambda g, y, x: g * (special.ber(x) - y / x))
rule(special.kerp, lambda g, y, x: -g * (special.kei(x) + y / x))
rule(special.keip, lambda g, y, x: g * (special.ker(x) - y / x))


rule(special.iti0k0, lambda g, y, x: g[0] * special.i0(x) + g[1] * special.k0(x), outputs=True)
rule(special.itj0y0, lambda g, y, x: g[0] * special.j0(x) + g[1] * special.y0(x), outputs=True)
rule(special.it2i0k0, lambda g, y, x: (g[0] * (special.i0(x) - 1.0) - g[1] * special.k0(x)) / x, outputs=True)
rule(special.it2j0y0, lambda g, y, x: (g[0] * (1.0 - special.j0(x)) - g[1] * special.y0(x)) / x, outputs=True)
rule(special.itstruve0, lambda g, y, x: g * special.struve(np.zeros_like(x), x))
rule(special.itmodstruve0, lambda g, y, x: g * special.modstruve(np.zeros_like(x), x))
rule(special.it2struve0, lambda g, y, x: -g * special.struve(np.zeros_like(x), x) / x)

# ------------------------------------------------------------------ elliptic integrals and functions


def over_m(a: Any, m: Any, at_0: float) -> Any:
    """a / (2 m), where a vanishes with m."""
    return np.where(m == 0, at_0, a / (2.0 * m + (m == 0)))


def k_slope(k: Any, m: Any) -> Any:
    return over_m(special.ellipe(m) / (1.0 - m) - k, m, math.pi / 8.0)


rule(special.ellipk, lambda g, y, m: g * k_slope(y, m))
rule(special.ellipkm1, lambda g, y, p: -g * k_slope(y, 1.0 - p))
rule(special.ellipe, lambda g, y, m: g * over_m(y - special.ellipk(m), m, -math.pi / 8.0))


def delta(phi: Any, m: Any) -> Any:
    return np.sqrt(1.0 - m * np.sin(phi) ** 2)


def f_slope(f: Any, phi: Any, m: Any) -> Any:
    e = special.ellipeinc(phi, m)
    return (e / (1.0 - m) - f) / (2.0 * m) - np.sin(2.0 * phi) / (4.0 * (1.0 - m) * delta(phi, m))


rule(
    special.ellipkinc,
    lambda g, y, phi, m: g / delta(phi, m),
    lambda g, y, phi, m: g * f_slope(y, phi, m),
)
rule(
    special.ellipeinc,
    lambda g, y, phi, m: g * delta(phi, m),
    lambda g, y, phi, m: g * ((y - special.ellipkinc(phi, m)) / (2.0 * m)),
)
rule(
    special.ellipj,
    lambda g, y, u, m: g[0] * (y[1] * y[2]) - g[1] * (y[0] * y[2]) - g[2] * (m * y[0] * y[1]) + g[3] * y[2],
    unknown("ellipj", "m"),
    outputs=True,
)

# ------------------------------------------------------------------ hypergeometric functions

rule(special.hyp0f1, unknown("hyp0f1", "v"), lambda g, y, v, z: g * (special.hyp0f1(v + 1, z) / v))
rule(
    special.hyp1f1,
    unknown("hyp1f1", "a"),
    unknown("hyp1f1", "b"),
    lambda g, y, a, b, z: g * (a / b * special.hyp1f1(a + 1, b + 1, z)),
)
rule(
    special.hyp2f1,
    unknown("hyp2f1", "a"),
    unknown("hyp2f1", "b"),
    unknown("hyp2f1", "c"),
    lambda g, y, a, b, c, z: g * (a * b / c * special.hyp2f1(a + 1, b + 1, c + 1, z)),
)
rule(
    special.hyperu,
    unknown("hyperu", "a"),
    unknown("hyperu", "b"),
    lambda g, y, a, b, x: g * (-a * special.hyperu(a + 1, b + 1, x)),
)

# ------------------------------------------------------------------ orthogonal polynomials: one degree less


def degree(name: str) -> Any:
    return unknown(name, "the degree")


def lower(n: Any) -> Any:
    """The degree below; of degree 0, whose slope is 0 by another factor, one where all is finite."""
    return np.where(n == 0, 1, n - 1)


rule(
    special.eval_jacobi,
    degree("eval_jacobi"),
    unknown("eval_jacobi", "alpha"),
    unknown("eval_jacobi", "beta"),
    lambda g, y, n, a, b, x: g * (0.5 * (n + a + b + 1) * special.eval_jacobi(n - 1, a + 1, b + 1, x)),
)
rule(
    special.eval_gegenbauer,
    degree("eval_gegenbauer"),
    unknown("eval_gegenbauer", "alpha"),
    lambda g, y, n, a, x: g * (2.0 * a * (n != 0) * special.eval_gegenbauer(lower(n), a + 1.0, x)),
)
rule(
    special.eval_genlaguerre,
    degree("eval_genlaguerre"),
    unknown("eval_genlaguerre", "alpha"),
    lambda g, y, n, a, x: -g * special.eval_genlaguerre(n - 1, a + 1.0, x),
)


def chebyu_slope(n: Any, x: Any) -> Any:
    return 2.0 * (n != 0) * special.eval_gegenbauer(lower(n), 2.0, x)


def legendre_slope(n: Any, x: Any) -> Any:
    return 0.5 * (n + 1) * special.eval_jacobi(n - 1, 1.0, 1.0, x)


for _name, _slope in {
    "eval_legendre": legendre_slope,
    "eval_chebyt": lambda n, x: n * special.eval_chebyu(lower(n), x),
    "eval_chebyu": chebyu_slope,
    "eval_chebyc": lambda n, x: n * special.eval_chebyu(lower(n), 0.5 * x),
    "eval_chebys": lambda n, x: 0.5 * chebyu_slope(n, 0.5 * x),
    "eval_hermite": lambda n, x: 2.0 * n * special.eval_hermite(np.maximum(n - 1, 0), x),
    "eval_hermitenorm": lambda n, x: n * special.eval_hermitenorm(np.maximum(n - 1, 0), x),
    "eval_laguerre": lambda n, x: -special.eval_genlaguerre(n - 1, 1.0, x),
    "eval_sh_legendre": lambda n, x: 2.0 * legendre_slope(n, 2.0 * x - 1.0),
    "eval_sh_chebyt": lambda n, x: 2.0 * n * special.eval_chebyu(lower(n), 2.0 * x - 1.0),
    "eval_sh_chebyu": lambda n, x: 2.0 * chebyu_slope(n, 2.0 * x - 1.0),
}.items():
    rule(getattr(special, _name), degree(_name), lambda g, y, n, x, slope=_slope: g * slope(n, x))
