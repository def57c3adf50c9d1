"""Guards: they bring any value, by sums and products alone, to where a function is smooth, and to its shape.

A guard is asked at drawing time, and sees the value that it will have to guard; the constants it answers
with are part of the drawn expression. What it does is smooth, so the expression stays so about that point.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_course.engine.trees import Array

Shape = tuple[int, ...]
Apply = Callable[[Any], Any]


@dataclass(frozen=True)
class Guarded:
    """What a guard does to a value, and how that is written."""

    apply: Apply
    text: str


@dataclass(frozen=True)
class Guard:
    """A kind of number and a shape."""

    #: "inside" an interval; "distinct": no two entries, nor their absolute values, near each other;
    #: "lattice": near the multiples of 0.4, give or take 0.05; "regular": a square matrix near twice the
    #: identity; "definite"; "separated": singular values near 1, 2, 3
    kind: str = "inside"
    low: float = -2.0  #: the interval; for "lattice", how far the multiples are shifted is `low`
    high: float = 2.0
    #: none: any. Otherwise a letter for each axis, such as "ij", with the same letters for the same sizes
    #: throughout a call; "..." for one axis or more.
    shape: str | None = None

    def of_shape(self, shape: str) -> Guard:
        """Return the same kind of numbers in a shape."""
        return Guard(self.kind, self.low, self.high, shape)

    def __call__(self, value: Any, name: str, shape: Shape, rng: np.random.Generator) -> Guarded:
        """Return what brings `value`, called `name`, to this guard's kind of numbers in `shape`."""
        reached = _mixed(value, name, shape, rng)
        now = reached.apply(value)
        if self.kind == "inside":
            return _inside(reached, now, self.low, self.high)
        base: Array
        if self.kind == "distinct":
            sizes = 0.25 * (rng.permutation(now.size) + 1.0)
            base = (sizes * rng.choice([-1.0, 1.0], now.size)).reshape(shape)
        elif self.kind == "lattice":
            base = 0.4 * rng.integers(-2, 3, shape) + self.low
        elif self.kind == "regular":
            base = 2.0 * np.eye(shape[-2], shape[-1]) + np.zeros(shape)
        else:
            base = _separated(rng, shape, symmetric=self.kind == "definite")
        return _near(reached, now, base, self.kind)


def _mixed(value: Any, name: str, shape: Shape, rng: np.random.Generator) -> Guarded:
    """Bring a value to a shape: as it is, reshaped, or each entry a weighted sum of all of its entries."""
    own = np.shape(value)
    if own == shape:
        return Guarded(lambda x: x, name)
    count, wanted = math.prod(own), math.prod(shape)
    if count == wanted:
        return Guarded(lambda x: np.reshape(x, shape), f"np.reshape({name}, {shape})")
    signed = rng.uniform(0.5, 1.5, (wanted, count)) * rng.choice([-1, 1], (wanted, count))
    C = np.round(signed / math.sqrt(count), 2)
    text = f"np.reshape(np.dot(C{C.shape}, np.ravel({name})), {shape})"
    return Guarded(lambda x: np.reshape(np.dot(C, np.ravel(x)), shape), text)


def _digits(x: float) -> float:
    """Round to two digits, towards 0."""
    if not x:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(x))) - 1)
    return float(f"{math.floor(abs(x) / unit) * unit:.2g}") * (1 if x > 0 else -1)


def _inside(reached: Guarded, now: Any, low: float, high: float) -> Guarded:
    """Shrink and shift values into an interval, where they are not in it."""
    least, most = float(np.min(now)), float(np.max(now))
    if low <= least and most <= high:
        return reached
    margin = 0.1 * (high - low)
    low, high = low + margin, high - margin
    a = min(1.0, _digits((high - low) / (most - least)) if most > least else 1.0)
    least, most = a * least, a * most
    shift = low - least if least < low else high - most if most > high else 0.0
    b = round(shift, 1)
    if not (low - margin <= least + b and most + b <= high + margin):
        b = shift
    text = reached.text if a == 1 else f"{a:g}*{reached.text}"
    apply = reached.apply
    if not b:
        return Guarded(lambda x: a * apply(x), text)
    return Guarded(lambda x: a * apply(x) + b, f"{text} {'+' if b > 0 else '-'} {abs(b):g}")


def _near(reached: Guarded, now: Any, base: Array, kind: str) -> Guarded:
    """Let values move within 0.05 of a constant array."""
    a = _digits(0.05 / max(1.0, float(np.max(np.abs(now), initial=0.0))))
    apply = reached.apply
    return Guarded(lambda x: base + a * apply(x), f"{kind}{base.shape} + {a:g}*{reached.text}")


def _separated(rng: np.random.Generator, shape: Shape, symmetric: bool) -> Array:
    k = min(shape[-2:])
    u, _ = np.linalg.qr(rng.normal(size=(*shape[:-1], k)))
    v = u if symmetric else np.linalg.qr(rng.normal(size=(*shape[:-2], shape[-1], k)))[0]
    return np.asarray(np.matmul(u * (1.0 + np.arange(k)), np.swapaxes(v, -1, -2)))
