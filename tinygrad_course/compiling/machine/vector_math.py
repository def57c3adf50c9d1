"""exp, expm1, log, log1p and tanh as machine code that a compiler can do on several numbers at once.

The C library's functions work on one number at a time. These have no branches: every case is computed and the
right one selected, so that LLVM turns a loop of them into vector instructions: they are not run as they stand
here, but translated (`llvm_text`). exp, expm1, log, log1p and
tanh are within 2 ulp of the true value over the whole range, infinities, NaN and subnormal numbers included.

The methods are the classical ones. exp: x = k log 2 + r with r around 0, and exp(r) by its Taylor series.
log: x = 2**k m with m around 1, and log m by the series of artanh in (m - 1)/(m + 1). log1p: the log of
u = 1 + x, and what rounding took from u (W. Kahan). tanh: a rational function near 0 (S. Moshier, Cephes),
exp beyond.
"""

from __future__ import annotations

import math
import struct
from typing import Any

_LOG2_HIGH, _LOG2_LOW = (
    6.93147180369123816490e-01,
    1.90821492927058770002e-10,
)  # the high part has 21 zero bits
_ROUND = 6755399441055744.0  # 1.5 * 2**52: adding it leaves a number's integer part in the lowest bits
_ONE_BITS = 0x3FF0000000000000


# What a processor has instructions for, said in Python, so that everything below can be run as it is.


def bits(x: float) -> int:
    """Return the 64 bits of a float as an integer."""
    return int(struct.unpack("q", struct.pack("d", x))[0])


def of_bits(n: int) -> float:
    """Return the float of 64 bits."""
    return float(struct.unpack("d", struct.pack("Q", n & 0xFFFFFFFFFFFFFFFF))[0])


def select(condition: bool, x: Any, y: Any) -> Any:
    """Return x where the condition holds, else y: an instruction, and no branch."""
    return x if condition else y


def _exp_minus_one(r: float) -> Any:
    """Return exp(r) - 1 for abs(r) up to log(2) / 2."""
    r2 = r * r
    r4 = r2 * r2
    q0 = 0.5 + r * (1.0 / 6.0)
    q1 = 1.0 / 24.0 + r * (1.0 / 120.0)
    q2 = 1.0 / 720.0 + r * (1.0 / 5040.0)
    q3 = 1.0 / 40320.0 + r * (1.0 / 362880.0)
    q4 = 1.0 / 3628800.0 + r * (1.0 / 39916800.0)
    q5 = 1.0 / 479001600.0 + r * (1.0 / 6227020800.0)
    q = (q0 + r2 * q1) + r4 * (q2 + r2 * q3) + (r4 * r4) * (q4 + r2 * q5)
    return r + r2 * q


def _exp_parts(x: float) -> Any:
    """Return p = exp(r) - 1, and 2**k as two factors and as k, where x = k log 2 + r."""
    a = select(x > 710.0, 710.0, x)
    a = select(a < -746.0, -746.0, a)  # a NaN stays one
    k = (a * 1.4426950408889634 + _ROUND) - _ROUND
    r = (a - k * _LOG2_HIGH) - k * _LOG2_LOW
    half = k * 0.5 + _ROUND  # 2**k in two steps: 2**1024 and the subnormal numbers lie beyond one
    low = of_bits((bits(half) << 52) + _ONE_BITS)
    high = of_bits((bits((k - (half - _ROUND)) + _ROUND) << 52) + _ONE_BITS)
    return _exp_minus_one(r), low, high, k


def exp(x: float) -> Any:
    """Return e**x."""
    p, low, high, _ = _exp_parts(x)
    return ((1.0 + p) * low) * high


def expm1(x: float) -> Any:
    """Return e**x - 1, exact near 0."""
    p, low, high, k = _exp_parts(x)
    scale = low * high
    middle = scale * p + (scale - 1.0)
    y = ((1.0 + p) * low) * high - 1.0
    y = select(k < 1000.0, middle, y)
    return select(math.fabs(x) < 1e-17, x, y)


def _log_ratio(k: float, f: float, s: float, h: float) -> Any:
    """Return k log 2 + log((1 + s)/(1 - s)), where f = 2s / (1 - s) and h = f**2 / 2: fdlibm's series."""
    z = s * s
    w = z * z
    t1 = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    t2 = z * (
        6.666666666666735130e-01
        + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01))
    )
    return k * _LOG2_HIGH - ((h - (s * (h + (t1 + t2)) + k * _LOG2_LOW)) - f)


def _log_finite(x: float) -> Any:
    """Return log(x) for 0 < x < inf."""
    tiny = x < 2.2250738585072014e-308
    a = select(tiny, x * 18014398509481984.0, x)  # 2**54: subnormal numbers become normal
    # m in [sqrt(1/2), sqrt(2)): the exponent of a * sqrt(2), rounded down
    shifted = bits(a) + (0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
    m = of_bits((shifted & 0x000FFFFFFFFFFFFF) + 0x3FE6A09E667F3BCD)
    k = of_bits(((shifted >> 52) & 0x7FF) | 0x4330000000000000) - (4503599627370496.0 + 1023.0)
    k = select(tiny, k - 54.0, k)
    f = m - 1.0
    return _log_ratio(k, f, f / (2.0 + f), 0.5 * f * f)


def log(x: float) -> Any:
    """Return the natural logarithm: NaN below 0, -inf at 0."""
    y = _log_finite(x)
    y = select(x == math.inf, math.inf, y)
    y = select(x == 0.0, -math.inf, y)
    return select(x >= 0.0, y, math.nan)


def log1p(x: float) -> Any:
    """Return log(1 + x), exact near 0."""
    u = 1.0 + x
    lost = (x - (u - 1.0)) / u  # what rounding took from u, as a share of it
    y = _log_finite(u) + lost
    y = select(math.fabs(x) < 1e-16, x, y)
    y = select(x == math.inf, math.inf, y)
    y = select(x == -1.0, -math.inf, y)
    return select(x >= -1.0, y, math.nan)


def tanh(x: float) -> Any:
    """Return the hyperbolic tangent."""
    z = x * x
    p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3
    q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3
    a = math.fabs(x)
    near = a < 0.625
    a = select(a > 20.0, 20.0, a)  # beyond, it is 1
    shifted = a * 2.8853900817779268 + _ROUND  # e**(2a) = 2**k e**r
    k = shifted - _ROUND
    r = (2.0 * a - k * _LOG2_HIGH) - k * _LOG2_LOW
    scale = of_bits((bits(shifted) << 52) + _ONE_BITS)
    above = scale + scale * _exp_minus_one(r)
    ratio = select(near, z * p, 2.0) / select(near, q, above + 1.0)  # divisions are dear: one for both
    return math.copysign(select(near, a + a * ratio, 1.0 - ratio), x)


def expit(x: float) -> Any:
    """Return the sigmoid 1 / (1 + exp(-x))."""
    e = exp(-math.fabs(x))
    return select(x >= 0.0, 1.0, e) / (1.0 + e)


def softplus(x: float) -> Any:
    """Return log(1 + exp(x)), without overflow: max(x, 0) + log(1 + e) with e = exp(-|x|) up to 1."""
    e = exp(-math.fabs(x))
    above = e > 0.41421356237309503  # 1 + e or (1 + e)/2 lies in [sqrt(1/2), sqrt(2)]
    f = select(above, 0.5 * (e - 1.0), e)
    k = select(above, 1.0, 0.0)
    return select(x > 0.0, x, 0.0) + _log_ratio(k, f, f / (2.0 + f), 0.5 * f * f)
