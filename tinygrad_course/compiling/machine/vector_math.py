"""exp, log, tanh, sin, cos and their kin as machine code that a compiler can do on several numbers at once.

The C library's functions work on one number at a time. These have no branches: every case is computed and the
right one selected, so that LLVM turns a loop of them into vector instructions: they are not run as they stand
here, but translated (`llvm_text`). All are within 2 ulp of the true value, exp, expm1, log, log1p and tanh
over the whole range, infinities, NaN and subnormal numbers included.
What ends in 4 is the same in single precision, where twice as many numbers go into a register: a call with
float32 is translated to it, if it is there.

The methods are the classical ones. exp: x = k log 2 + r with r around 0, and exp(r) by its Taylor series.
log: x = 2**k m with m around 1, and log m by the series of artanh in (m - 1)/(m + 1). log1p: the log of
u = 1 + x, and what rounding took from u (W. Kahan). tanh: a rational function near 0 (S. Moshier, Cephes),
exp beyond. In single precision the polynomials are those of Cephes.
"""

from __future__ import annotations

import math
import struct
from typing import Any

# the high part has 21 zero bits
_LOG2_HIGH, _LOG2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_ROUND = 6755399441055744.0  # 1.5 * 2**52: adding it leaves a number's integer part in the lowest bits
_ONE_BITS = 0x3FF0000000000000
_LOG2_HIGH4, _LOG2_LOW4 = 0.693359375, -2.12194440e-4
_ROUND4 = 12582912.0  # 1.5 * 2**23
_ONE_BITS4 = 0x3F800000


# What a processor has instructions for, said in Python, so that everything below can be run as it is.


def bits(x: float) -> int:
    """Return the 64 bits of a float as an integer."""
    return int(struct.unpack("q", struct.pack("d", x))[0])


def of_bits(n: int) -> float:
    """Return the float of 64 bits."""
    return float(struct.unpack("d", struct.pack("Q", n & 0xFFFFFFFFFFFFFFFF))[0])


def f4(x: float) -> float:
    """Return a number rounded to single precision."""
    return float(struct.unpack("f", struct.pack("f", x))[0])


def bits4(x: float) -> int:
    """Return the 32 bits of a number in single precision as an integer."""
    return int(struct.unpack("i", struct.pack("f", x))[0])


def of_bits4(n: int) -> float:
    """Return the number of 32 bits."""
    return float(struct.unpack("f", struct.pack("I", n & 0xFFFFFFFF))[0])


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
    lost = x < -746.0  # to come by a product to 0 is slow: processors take a detour where one vanishes
    a = select(x > 710.0, 710.0, select(lost, 0.0, x))  # a NaN stays one
    k = (a * 1.4426950408889634 + _ROUND) - _ROUND
    r = (a - k * _LOG2_HIGH) - k * _LOG2_LOW
    half = k * 0.5 + _ROUND  # 2**k in two steps: 2**1024 and the subnormal numbers lie beyond one
    low = of_bits((bits(half) << 52) + _ONE_BITS)
    high = of_bits((bits((k - (half - _ROUND)) + _ROUND) << 52) + _ONE_BITS)
    return _exp_minus_one(r), low, select(lost, 0.0, high), k


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


def logaddexp(x: float, y: float) -> Any:
    """Return log(exp(x) + exp(y))."""
    top = select(x < y, y, x)  # x, if one is not a number
    return top + softplus(select(x == y, 0.0, -math.fabs(x - y)))  # inf - inf would not be one


def _waves(x: float) -> Any:
    """Return sine and cosine of r, and n, where x = n pi/2 + r: for abs(x) up to 100,000.

    Multiples of the first two parts of pi/2 are exact; the polynomials are fdlibm's.
    """
    shifted = x * 0.6366197723675814 + _ROUND
    k = shifted - _ROUND
    r = ((x - k * 1.57079632673412561417) - k * 6.07710050630396597660e-11) - k * 2.02226624879595063154e-21
    z = r * r
    w = z * z
    s = (8.33333333332248946124e-03 + z * -1.98412698298579493134e-04) + w * (
        (2.75573137070700676789e-06 + z * -2.50507602534068634195e-08) + w * 1.58969099521155010221e-10
    )
    sine = r + (z * r) * (-1.66666666666666324348e-01 + z * s)
    c = (4.16666666666666019037e-02 + z * -1.38888888888741095749e-03) + w * (
        (2.48015872894767294178e-05 + z * -2.75573143513906633035e-07)
        + w * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)
    )
    rest = 1.0 - 0.5 * z
    cosine = rest + (((1.0 - rest) - 0.5 * z) + w * c)
    return sine, cosine, bits(shifted)


def sin(x: float) -> Any:
    """Return the sine of a number up to 100,000."""
    sine, cosine, n = _waves(x)
    y = select((n & 1) == 0, sine, cosine)
    return select((n & 2) == 0, y, -y)


def cos(x: float) -> Any:
    """Return the cosine of a number up to 100,000."""
    sine, cosine, n = _waves(x)
    y = select((n & 1) == 0, cosine, sine)
    return select(((n + 1) & 2) == 0, y, -y)


# ------------------------------------------------------------------ single precision


def exp4(x: float) -> Any:
    """Return e**x."""
    lost = x < -104.0
    a = select(x > 89.0, 89.0, select(lost, 0.0, x))
    k = f4(a * 1.44269504 + _ROUND4) - _ROUND4
    r = (a - k * _LOG2_HIGH4) - k * _LOG2_LOW4
    q = (1.9875691500e-4 * r + 1.3981999507e-3) * r + 8.3334519073e-3
    q = ((q * r + 4.1665795894e-2) * r + 1.6666665459e-1) * r + 5.0000001201e-1
    half = f4(k * 0.5 + _ROUND4)
    low = of_bits4((bits4(half) << 23) + _ONE_BITS4)
    high = of_bits4((bits4((k - (half - _ROUND4)) + _ROUND4) << 23) + _ONE_BITS4)
    return ((1.0 + (r + (r * r) * q)) * low) * select(lost, 0.0, high)


def _log_sum4(k: float, f: float) -> Any:
    """Return k log 2 + log(1 + f) for f from sqrt(1/2) - 1 to sqrt(2) - 1."""
    z = f * f
    q = (7.0376836292e-2 * f - 1.1514610310e-1) * f + 1.1676998740e-1
    q = ((q * f - 1.2420140846e-1) * f + 1.4249322787e-1) * f - 1.6668057665e-1
    q = ((q * f + 2.0000714765e-1) * f - 2.4999993993e-1) * f + 3.3333331174e-1
    return (f + ((f * z) * q + k * _LOG2_LOW4 - 0.5 * z)) + k * _LOG2_HIGH4


def log4(x: float) -> Any:
    """Return the natural logarithm: NaN below 0, -inf at 0."""
    tiny = x < 1.17549435e-38
    a = select(tiny, x * 33554432.0, x)  # 2**25: subnormal numbers become normal
    shifted = bits4(a) + 0x004AFB0D
    m = of_bits4((shifted & 0x007FFFFF) + 0x3F3504F3)
    k = of_bits4(((shifted >> 23) & 0xFF) | 0x4B000000) - (8388608.0 + 127.0)
    y = _log_sum4(select(tiny, k - 25.0, k), m - 1.0)
    y = select(x == math.inf, math.inf, y)
    y = select(x == 0.0, -math.inf, y)
    return select(x >= 0.0, y, math.nan)


def tanh4(x: float) -> Any:
    """Return the hyperbolic tangent."""
    z = x * x
    q = (-5.70498872745e-3 * z + 2.06390887954e-2) * z - 5.37397155531e-2
    q = (q * z + 1.33314422036e-1) * z - 3.33332819422e-1
    a = math.fabs(x)
    beyond = 1.0 - 2.0 / (exp4(2.0 * a) + 1.0)
    return math.copysign(select(a < 0.625, a + (a * z) * q, beyond), x)


def expit4(x: float) -> Any:
    """Return the sigmoid 1 / (1 + exp(-x))."""
    e = exp4(-math.fabs(x))
    return select(x >= 0.0, 1.0, e) / (1.0 + e)


def softplus4(x: float) -> Any:
    """Return log(1 + exp(x)), without overflow."""
    e = exp4(-math.fabs(x))
    above = e > 0.41421356
    f = select(above, 0.5 * (e - 1.0), e)
    return select(x > 0.0, x, 0.0) + _log_sum4(select(above, 1.0, 0.0), f)
