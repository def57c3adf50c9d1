"""Functions that act on each element: arithmetic, powers, exponentials, trigonometry, choices.

At a kink, where a derivative does not exist, these values are taken throughout the library:

- ``np.maximum`` and ``np.minimum``: at a tie between a tensor and a constant, the tensor's gradient is 0.
  So the gradient of ``np.maximum(0, Z)`` is 0 at Z = 0, as in the course's ``relu_backward``. At a tie
  between two tensors each has half of the gradient; ``np.maximum(x, x)`` has gradient 1. ``np.fmax`` and
  ``np.fmin`` likewise.
- ``np.clip(x, low, high)`` is ``minimum(maximum(x, low), high)``: at a constant bound the gradient is 0.
- ``np.max``, ``np.min``, ``np.ptp``, ``np.maximum.accumulate`` and the norms that are a maximum: equal maxima
  share the gradient.
- ``np.abs``, ``np.fabs``: 0 at 0; beside another kink of x at 0, all have the slope to the left (see the
  engine's `kinks`). ``np.hypot``, ``np.arctan2``, ``np.angle`` and every norm: 0 at the origin,
  ``np.std``: 0 where all values are equal; there is no second derivative there, and it is NaN.
- ``np.sqrt`` at 0: infinite, with NumPy's warning; so are the logarithms at 0.
- ``x ** p``: for p = 0 the gradient of x is 0, at x = 0 too; the gradient of p is 0 where x = 0, and NaN
  where x < 0 (no real function of p).
- ``np.sort``, ``np.partition``, ``np.median``, ``np.quantile``: equal values keep their order, the first one
  of them is taken for the first place.
- Steps (``np.floor``, ``np.sign``, ``np.heaviside``, ``np.round``) are constant, on the step too.
"""

import contextlib
import math
from typing import Any

import numpy as np
from numpy._core import umath

from tinygrad_course.rules.shapes import LARGE, conj, is_complex, largest, masked, with_far_entries
from tinygrad_course.rules.table import composed, constant, is_tensor, primitive, rule

LOG_2 = math.log(2.0)
LOG_10 = math.log(10.0)

# ------------------------------------------------------------------ arithmetic

rule(np.add, lambda g, y, a, b: g, lambda g, y, a, b: g, saves=False)
rule(np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g, saves=False)
rule(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
rule(np.divide, lambda g, y, a, b: g / b, lambda g, y, a, b: g * y / -b)
rule(np.negative, lambda g, y, a: -g, saves=False)
rule(np.positive, lambda g, y, a: g, saves=False)
rule(np.reciprocal, lambda g, y, a: -g * y * y)
rule(np.square, lambda g, y, a: g * (2.0 * a))
rule(np.sqrt, lambda g, y, a: g / (2.0 * y))
rule(np.cbrt, lambda g, y, a: g / (3.0 * y * y))
rule(np.remainder, lambda g, y, a, b: g, lambda g, y, a, b: -g * np.floor_divide(a, b))
rule(np.fmod, lambda g, y, a, b: g, lambda g, y, a, b: -g * np.trunc(a / b))
composed(np.divmod)(lambda a, b, /: (np.floor_divide(a, b), np.remainder(a, b)))
composed(np.modf)(lambda x, /: (x - np.trunc(x), np.trunc(x)))


rule(np.ldexp, lambda g, y, a, n: np.ldexp(g, n), None)
for _in_radians, _in_degrees in ((np.deg2rad, np.rad2deg), (np.radians, np.degrees)):
    rule(_in_radians, lambda g, y, a: g * (math.pi / 180.0), saves=False)
    rule(_in_degrees, lambda g, y, a: g * (180.0 / math.pi), saves=False)


def power_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    """b a**(b - 1), and 0 for b = 0 (not 0 times the infinity of 0**-1)."""
    if isinstance(b, (int, float)):
        if b == 2:
            return g * (2.0 * a)
        if b < 0:  # a**(b - 1) may be too small a number
            return g * (b * y) / a
        return g * (b * a ** (b - 1)) if b else g * 0.0
    return g * (b * a ** np.where((a == 0) & (b == 0), 1, b - 1))


def power_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    """a**b log a, and 0 for a = 0."""
    if isinstance(a, (int, float)) and (a > 0 or not is_complex(y)):
        return g * (y * (math.log(a) if a > 0 else 0.0 if a == 0 else math.nan))
    a = a + (a == 0)
    return g * (y * np.log(a + 0j if is_complex(y) else a))


rule(np.power, power_base, power_exponent)
rule(np.float_power, power_base, power_exponent)

# ------------------------------------------------------------------ exponentials, logarithms, trigonometry

rule(np.exp, lambda g, y, a: g * y)
rule(np.exp2, lambda g, y, a: g * (LOG_2 * y))
rule(np.expm1, lambda g, y, a: g * np.exp(a))
rule(np.log, lambda g, y, a: g / a)
rule(np.log1p, lambda g, y, a: g / (1.0 + a))
rule(np.log2, lambda g, y, a: g / (LOG_2 * a))
rule(np.log10, lambda g, y, a: g / (LOG_10 * a))
rule(np.sin, lambda g, y, a: g * np.cos(a))
rule(np.cos, lambda g, y, a: -g * np.sin(a))
rule(np.tan, lambda g, y, a: g * (1.0 + y * y))


def other_side(a: Any) -> Any:
    """The root of 1 - a^2; on the cuts beyond 1, where a complex number has an imaginary 0, on its side."""
    return np.sqrt(-(a - 1.0)) * np.sqrt(1.0 + a) if is_complex(a) else np.sqrt((1.0 - a) * (1.0 + a))


rule(np.arcsin, lambda g, y, a: g / other_side(a))
rule(np.arccos, lambda g, y, a: -g / other_side(a))
rule(np.arctan, lambda g, y, a: g / (1.0 + a * a))
rule(np.sinh, lambda g, y, a: g * np.cosh(a))
rule(np.cosh, lambda g, y, a: g * np.sinh(a))


def tanh_vjp(g: Any, y: Any, a: Any) -> Any:
    """1 - y^2; far out, where that has few digits left, 1 / cosh(a)^2."""
    square = y * y
    most = largest(square)
    if not most > 0.99:  # a up to 3
        return g * (1.0 - square)
    if a.size > LARGE:
        return g * with_far_entries(1.0 - square, lambda a: squared_secant(a, most), a, 3.0)
    return g * squared_secant(a, most)


def squared_secant(a: Any, most: float) -> Any:
    """1 / cosh(a)^2, of which the largest tanh(a)^2 is known."""
    with np.errstate(over="ignore") if most >= 1.0 else _AS_IT_IS:  # 1 / cosh(1000) is 0
        secant = 1.0 / np.cosh(a)
    secant *= secant
    return secant


_AS_IT_IS = contextlib.nullcontext()


rule(np.tanh, tanh_vjp)
rule(np.arcsinh, lambda g, y, a: g / (np.sqrt(1.0 + a * a) if is_complex(a) else np.hypot(1.0, a)))
rule(np.arccosh, lambda g, y, a: g / (np.sqrt(a - 1.0) * np.sqrt(a + 1.0)))
rule(np.arctanh, lambda g, y, a: g / ((1.0 - a) * (1.0 + a)))


@primitive
def quotient(a: Any, b: Any) -> Any:
    """a / b, and 0 where b is 0: the slope that is taken at the tip of a cone."""
    return a / (b + (b == 0))


rule(  # undefined at 0
    quotient,
    lambda g, y, a, b: g / np.where(b == 0, np.nan, b),
    lambda g, y, a, b: -g * y / np.where(b == 0, np.nan, b),
    elementwise=True,
)


def over_square(a: Any, b: Any) -> Any:
    """a / (a^2 + b^2), whose squares may be too small or too large."""
    radius = np.hypot(a, b)
    return quotient(quotient(a, radius), radius)


rule(np.arctan2, lambda g, y, a, b: g * over_square(b, a), lambda g, y, a, b: g * -over_square(a, b))
rule(np.hypot, lambda g, y, a, b: g * quotient(a, y), lambda g, y, a, b: g * quotient(b, y))


def sinc_vjp(g: Any, y: Any, x: Any) -> Any:
    """(cos(pi x) - sinc(x)) / x; its series about 0, where that cancels."""
    near = np.abs(x) < 0.05
    away = np.where(near, 1.0, x)
    s = np.where(near, (math.pi * x) ** 2, 0.0)
    series = (
        -(math.pi**2 / 3.0) * x * (1.0 - s / 10.0 * (1.0 - s / 28.0 * (1.0 - s / 54.0 * (1.0 - s / 88.0))))
    )
    return g * np.where(near, series, (np.cos(math.pi * away) - np.sinc(away)) / away)


rule(np.sinc, sinc_vjp, elementwise=True)


def i0_vjp(g: Any, y: Any, x: Any) -> Any:
    from scipy.special import i1

    return g * i1(x.astype(np.float64) if x.dtype == np.longdouble else x)  # which SciPy's has not


rule(np.i0, i0_vjp, elementwise=True)


def weight(a: Any, b: Any, scale: float = 1.0) -> Any:
    """The share of a in logaddexp(a, b): 1 / (1 + exp(scale (b - a))), 1/2 for equal infinities."""
    if not any(isinstance(x, (int, float)) and math.isfinite(x) for x in (a, b)):
        equal_infinities = np.isinf(a) & (a == b)
        a = np.where(equal_infinities, 0.0, a)
        b = np.where(equal_infinities, 0.0, b)
    from scipy.special import expit  # here: NumPy alone is imported in a third of the time

    return expit(a - b if scale == 1.0 else scale * (a - b))


rule(np.logaddexp, lambda g, y, a, b: g * weight(a, b), lambda g, y, a, b: g * weight(b, a))
rule(np.logaddexp2, lambda g, y, a, b: g * weight(a, b, LOG_2), lambda g, y, a, b: g * weight(b, a, LOG_2))

# ------------------------------------------------------------------ complex numbers: what is not analytic

# Inside, the gradient of z = x + iy is dJ/dx - i dJ/dy, so that dJ = Re(g dz): an analytic function's rule is
# the one for real numbers, and a real tensor's gradient is the real part of what a rule returns.
rule(np.conjugate, lambda g, y, a: conj(g), saves=False)
rule(np.real, lambda g, y, a: g, saves=False)
rule(np.imag, lambda g, y, a: g * -1j, saves=False)
rule(np.real_if_close, lambda g, y, a, tol=100: g, saves=False)


def angle_vjp(g: Any, y: Any, z: Any, deg: Any = False) -> Any:
    """Im(log z), with 0 at the origin as np.arctan2; of a real number it is constant."""
    if not is_complex(z):
        return g * 0.0
    return g * ((-180.0j / math.pi if deg else -1.0j) * quotient(1.0 * (z != 0), z))


rule(np.angle, angle_vjp)


@constant
def step(x: Any) -> Any:
    """The sign of real numbers."""
    return np.sign(x)


@composed(np.sign)
def sign(x: Any) -> Any:
    if not is_complex(x):
        return step(x)
    size = np.abs(x)
    return x / (size + (size == 0))


# ------------------------------------------------------------------ choosing


rule(np.absolute, lambda g, y, a: g * quotient(np.conj(a), y) if is_complex(a) else g * np.sign(a))
rule(np.fabs, lambda g, y, a: g * np.sign(a))
rule(np.copysign, lambda g, y, a, b: g * (np.sign(a) * np.copysign(1.0, b)), None)
rule(np.heaviside, None, lambda g, y, a, b: g * (a == 0))
rule(
    np.where,
    None,
    lambda g, y, condition, x, z: masked(g, condition),
    lambda g, y, condition, x, z: np.where(condition, 0.0, g),
    elementwise=True,
    chooses=(
        None,
        lambda y, condition, x, z: np.not_equal(condition, 0),
        lambda y, condition, x, z: np.equal(condition, 0),
    ),
)


def nan_to_num_vjp(
    g: Any, y: Any, x: Any, copy: Any = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    if not is_complex(x):
        return masked(g, np.isfinite(x))
    parts = (np.where(np.isfinite(part(x)), part(g), 0.0) for part in (np.real, np.imag))
    return next(parts) + 1j * next(parts)


rule(np.nan_to_num, nan_to_num_vjp, elementwise=True, chooses=(lambda y, x, *_, **__: np.isfinite(x),))


def choice(function: Any, wins: Any) -> None:
    """Enter a function that chooses the argument a where ``wins(a, b)``, of two Tensors."""

    def share(g: Any, a: Any, b: Any) -> Any:
        return np.where(wins(a, b), g, np.where(a == b, 0.5 * g, 0.0))

    rule(
        function, lambda g, y, a, b: share(g, a, b), lambda g, y, a, b: share(g, b, a),
        chooses=(lambda y, a, b: wins(a, b) | (a == b), lambda y, a, b: wins(b, a) | (a == b)),
    )  # fmt: skip


#: Where the first argument is chosen; beside a constant see the engine's `kinks`. Of a NaN it is the other.
WINS: dict[Any, Any] = {
    np.maximum: np.greater,
    np.minimum: np.less,
    np.fmax: lambda a, b: (a > b) | np.isnan(b),
    np.fmin: lambda a, b: (a < b) | np.isnan(b),
}
for _function, _wins in WINS.items():
    choice(_function, _wins)


@primitive
def clip(x: Any, low: Any, high: Any) -> Any:
    """`np.clip` between constants."""
    return np.clip(x, low, high)


def inside(y: Any, x: Any, low: Any, high: Any) -> Any:
    if low is None:
        return np.isfinite(x) | True if high is None else x < high
    return x > low if high is None else (x > low) & (x < high)


rule(clip, lambda g, y, x, low, high: masked(g, inside(y, x, low, high)), elementwise=True, chooses=(inside,))


@composed(np.clip, getattr(umath, "clip"))  # noqa: B009  (the ufunc behind it, which NumPy keeps for itself)
def clip_between(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = (min if a_min is None else a_min), (max if a_max is None else a_max)
    if not is_tensor(low) and not is_tensor(high):
        return clip(a, low, high)
    above = a if low is None else np.maximum(a, low)
    return above if high is None else np.minimum(above, high)
