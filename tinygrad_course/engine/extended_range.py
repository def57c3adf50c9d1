"""Numbers without overflow and underflow, and with twice the digits: exp(1000), and 1 - (1 - exp(-1000)).

A `Scaled` array is m 2^e with its exponents in an array of their own. An `Extended` one is the sum of two of
these, of which the second is what rounding to the first has lost (T. J. Dekker, "A floating-point technique
for extending the available precision", 1971), however small that is: 1 + exp(-1000) is the pair of the two.
Infinities, NaN and 0 behave as NumPy's do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

#: The exponent of 0, below that of any number.
ZERO = -4e300
#: The exponent of what is too large even so, exp(exp(1000)); 1 over it is too small.
_BEYOND = 1e300
_SPLIT = 2.0**27 + 1
_LN2 = math.log(2.0)
#: The first digits of log 2, of which multiples are exact, and the rest.
_LN2_HEAD, _LN2_TAIL = 6.93147180369123816490e-01, 1.90821492927058770002e-10


class Scaled:
    """Numbers m 2^e, with 1/2 <= abs(m) < 1, or 0, infinite or NaN."""

    __slots__ = ("e", "m")

    def __init__(self, m: Any, e: Any) -> None:
        self.m = m
        self.e = e

    def numbers(self) -> Any:
        """Return them as ordinary numbers, infinite or 0 where these end."""
        return np.ldexp(self.m, np.clip(self.e, -3000, 3000).astype(int))

    def __neg__(self) -> Scaled:
        return Scaled(-self.m, self.e)

    def __mul__(self, other: Scaled) -> Scaled:
        e = self.e + other.e
        # of two numbers too large to tell, divided by each other, nothing is known
        unknown = (np.minimum(np.abs(self.e), np.abs(other.e)) >= _BEYOND / 4) & (np.abs(e) < _BEYOND / 4)
        return scaled(np.where(unknown, np.nan, self.m * other.m), e)

    def __truediv__(self, other: Scaled) -> Scaled:
        return self * scaled(1.0 / other.m, -other.e)


def scaled(m: Any, e: Any) -> Scaled:
    """Return m 2^e for any m."""
    m, shift = np.frexp(m)
    e = np.where(m == 0, ZERO, np.where(np.isfinite(m), np.clip(e + shift, -1e301, 1e301), 0.0))
    return Scaled(m, e)


def exact_sum(a: Scaled, b: Scaled) -> tuple[Scaled, Scaled]:
    """Return a + b, and what rounding has lost."""
    larger = (a.e >= b.e) & np.isfinite(b.m) | ~np.isfinite(a.m)
    m, n = np.where(larger, a.m, b.m), np.where(larger, b.m, a.m)
    e, f = np.where(larger, a.e, b.e), np.where(larger, b.e, a.e)
    near = e - f < 1000
    shifted = np.where(near, np.ldexp(n, -np.where(near, e - f, 0.0).astype(int)), 0.0)
    total = m + shifted
    back = total - m
    lost = (m - (total - back)) + (shifted - back)
    lost = np.where(np.isfinite(total), lost, 0.0)
    return scaled(total, e), scaled(np.where(near, lost, n), np.where(near, e, f))


def exact_product(a: Scaled, b: Scaled) -> tuple[Scaled, Scaled]:
    """Return a b, and what rounding has lost."""
    whole = a * b
    (a1, a2), (b1, b2) = _halves(a.m), _halves(b.m)
    p = a.m * b.m
    lost = ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2
    return whole, scaled(np.where(np.isfinite(whole.m), lost, 0.0), a.e + b.e)


def _halves(m: Any) -> tuple[Any, Any]:
    c = _SPLIT * m
    head = c - (c - m)
    return head, m - head


class Extended:
    """An array of such numbers, ``high + low``."""

    __slots__ = ("high", "low")
    __array_ufunc__ = None

    def __init__(self, high: Scaled, low: Scaled | None = None) -> None:
        self.high, lost = (high, scaled(np.zeros_like(high.m), 0.0)) if low is None else exact_sum(high, low)
        self.low = Scaled(np.where(np.isfinite(self.high.m), lost.m, 0.0), lost.e)

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return np.shape(self.high.m)

    def numbers(self) -> Any:
        """Return ordinary numbers, infinite or 0 where these end."""
        high = self.high.numbers()
        return np.where(np.isfinite(high), high + self.low.numbers(), high)[()]

    def moved(self, move: Callable[..., Any]) -> Extended:
        """Return what ``move`` makes of each of the four arrays: it takes entries elsewhere."""
        return joined([self], lambda parts: move(parts[0]))

    def __neg__(self) -> Extended:
        return Extended(-self.high, -self.low)

    def __add__(self, other: Extended) -> Extended:
        high, lost = exact_sum(self.high, other.high)
        low, _ = exact_sum(self.low, other.low)
        return Extended(high, exact_sum(lost, low)[0])

    def __sub__(self, other: Extended) -> Extended:
        return self + -other

    def __mul__(self, other: Extended) -> Extended:
        high, lost = exact_product(self.high, other.high)
        with_low = [
            Scaled(np.where(b.m == 0, 0.0, (a * b).m), (a * b).e)
            for a, b in ((self.high, other.low), (other.high, self.low))
        ]
        low, _ = exact_sum(lost, exact_sum(*with_low)[0])
        return Extended(high, low)

    def __truediv__(self, other: Extended) -> Extended:
        high = self.high / other.high
        plain = (high.m == 0) | ~np.isfinite(high.m) | (np.abs(other.high.e) >= _BEYOND / 4)
        rest = self - Extended(high) * other
        low = rest.high / other.high
        return Extended(high, Scaled(np.where(plain, 0.0, low.m), low.e))

    def __pow__(self, n: float) -> Extended:
        """Return the n-th power: by products where n is a small whole number, by logarithms elsewhere."""
        if n == int(n) and abs(n) <= 2**20:
            power, square = extended(np.float64(1.0)), self
            for bit in f"{abs(int(n)):b}"[::-1]:
                power = power * square if bit == "1" else power
                square = square * square
            return power if n >= 0 else extended(np.float64(1.0)) / power
        return exp(extended(n) * log(self))

    def sqrt(self) -> Extended:
        """Return the square roots."""
        half = np.floor(self.high.e / 2)
        high = scaled(np.sqrt(np.ldexp(self.high.m, (self.high.e - 2 * half).astype(int))), half)
        low = (self - Extended(high) * Extended(high)).high / (high * scaled(2.0, 0.0))
        plain = (high.m == 0) | ~np.isfinite(high.m)
        return Extended(high, Scaled(np.where(plain, 0.0, low.m), low.e))

    def abs(self) -> Extended:
        """Return the absolute values."""
        sign = np.sign(self.high.m)
        return Extended(Scaled(sign * self.high.m, self.high.e), Scaled(sign * self.low.m, self.low.e))

    def fold(self, combine: Callable[[Extended, Extended], Extended], axis: int) -> Extended:
        """Return the sum or product along an axis that is not empty."""
        n = self.shape[axis]
        whole = self
        while n > 1:
            first, rest, odd = (
                whole.moved(lambda x, part=part: np.moveaxis(np.moveaxis(x, axis, 0)[part], 0, axis))
                for part in (slice(n // 2), slice(n // 2, n // 2 * 2), slice(n // 2 * 2, n))
            )
            whole = combine(first, rest)
            if n % 2:
                whole = joined([whole, odd], lambda parts: np.concatenate(parts, axis=axis))
            n = whole.shape[axis]
        return whole.moved(lambda x: np.squeeze(x, axis=axis))


def extended(x: Any) -> Extended:
    """Return ordinary numbers as extended ones."""
    return x if type(x) is Extended else Extended(scaled(np.asarray(x, dtype=float), 0.0))


def joined(parts: list[Extended], join: Callable[..., Any]) -> Extended:
    """Return what ``join`` makes of lists of arrays: it puts entries together."""
    high, low = (
        scaled(join([p.m for p in found]), join([p.e for p in found]))
        for found in ([p.high for p in parts], [p.low for p in parts])
    )
    return Extended(high, low)


def exp(x: Extended) -> Extended:
    """Return e to the x."""
    h, l = x.high.numbers(), x.low.numbers()
    k = np.rint(np.where(np.isfinite(h), h, 0.0) / _LN2)
    known = ~(np.abs(h) > 1e15) | np.isinf(x.high.m)  # beyond, no digit of the result is known
    m = np.exp(np.where(known, (h - k * _LN2_HEAD) - k * _LN2_TAIL, 0.0))
    too_large = np.isinf(h) & np.isfinite(x.high.m)
    e = np.where(too_large, np.copysign(_BEYOND, h), np.clip(k, -_BEYOND, _BEYOND))
    return Extended(scaled(m, e)) * (extended(1.0) + extended(np.expm1(np.where(known, l, 0.0))))


def log(x: Extended) -> Extended:
    """Return the logarithms, with their digits near 1 too."""
    m, e = x.high.m, x.high.e
    near = (e == 0) | (e == 1)
    digits = np.log(np.where(near, x.high.numbers(), m))
    whole = np.where(near | (m == 0), 0.0, np.where(np.abs(e) >= _BEYOND / 4, np.nan, e))
    rest = x.low / x.high
    return (
        extended(digits)
        + extended(whole) * extended(_LN2)
        + Extended(scaled(np.where(m == 0, 0.0, rest.m), rest.e))
    )
