"""The derivative of a function of one number, by differences, each with a bound on its own error.

A difference quotient errs in two ways. *Truncation*: the function is no straight line, and the error grows
with the step. *Noise*: the function is computed in rounded arithmetic, and its rounding, divided by the
step, grows as the step shrinks. A step is good where the two are alike, near the cube root of the rounding
for central differences; no step makes both vanish, and so no threshold holds for every function.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Phi = Callable[[float], float]

EPS = float(np.finfo(np.float64).eps)

#: A difference of two noisy values is off by sqrt(2) standard deviations; 8 of these leave no false alarms.
SIGMAS = 6.0

_RATIO = 4.0  # between the steps of an extrapolation
_LEVELS = 16


@dataclass(frozen=True)
class Slope:
    """A derivative found by differences."""

    value: float
    noise: float  #: what rounding in the function can add or take away
    truncation: float  #: what the curvature can, as far as two steps show
    step: float
    left: float = np.nan  #: the one-sided derivatives, where the function was looked at closely; else NaN
    right: float = np.nan
    #: "smooth", "kink" (the sides differ), "jump" (the function does), "edge" (one side is no number) or
    #: "broken"
    shape: str = "smooth"
    size: float = 0.0  #: of the function's values about the point

    @property
    def error(self) -> float:
        """The bound on the error of the value."""
        return self.noise + self.truncation


def central(phi: Phi, step: float, sigma: float) -> Slope:
    """Return (phi(h) - phi(-h)) / 2h, the course's gradapprox, of a function along a line.

    Its rounding has the standard deviation `sigma`.

    >>> central(lambda t: 2.0 * (4.0 + t), 1e-7, 0.0).value
    2.0000000011677344
    """
    above, below = phi(step), phi(-step)
    sigma = max(sigma, EPS / 2 * max(abs(above), abs(below)))  # where phi(0) is 0, its neighbours are rounded
    return Slope((above - below) / (2 * step), SIGMAS * sigma / step, np.nan, step)


def slope(
    phi: Phi, scale: float, size: float, sigma: float, enough: float, step: float | None = None
) -> Slope:
    """Return the derivative by central differences, with a step that suits this function.

    The step begins at the cube root of the noise. Twice the step shows how large the truncation is; where
    that or the noise is too large, the step moves towards their balance, at most three times.

    Steps are in proportion to `scale`, the size of what is varied; `size` is that of phi's values, to which
    `sigma` is compared, and `enough` an error with which to be content.
    """
    relative = max(sigma / size if size > 0 else 0.0, EPS)
    step = step or scale * min(relative ** (1 / 3), 0.05)
    best: Slope | None = None
    for _ in range(4):
        if not (np.isfinite(step) and step > 0):
            break
        step = 2.0 ** round(math.log2(step))  # so that x + step is exact
        near, far = central(phi, step, sigma), central(phi, 2 * step, sigma)
        truncation = abs(far.value - near.value) / 3
        if not np.isfinite(truncation):
            truncation = np.inf
        found = replace(near, truncation=truncation)
        if best is None or found.error < best.error:
            best = found
        if best.error <= enough:
            break
        balance = 0.1
        if not np.isfinite(found.noise + truncation):  # it overflows a step away
            balance = 0.0
        elif found.noise:
            balance = (found.noise / max(truncation, EPS * found.noise, 1e-300)) ** (1 / 3)
        if 0.5 < balance < 2:
            break
        step = min(step * min(max(balance, 1 / 32), 8.0), 0.1 * scale)
    assert best is not None  # noqa: S101  (the loop runs at least once)
    return best


# ------------------------------------------------------------------ a close look


def extrapolate(phi: Phi, scale: float, sigma: float) -> Slope:
    """Return the derivative by Richardson's extrapolation over a ladder of steps, and phi's shape at 0.

    The steps are ``scale / 10 / 4**k``; the entry of the tableau with the least error is taken
    (C. Ridders, 1982). The one-sided quotients on the same ladder tell a kink and a jump from a
    smooth function.

    >>> found = extrapolate(lambda t: max(0.0, t), 1.0, 1e-17)
    >>> found.shape, found.left, found.right
    ('kink', 0.0, 1.0)
    >>> round(extrapolate(lambda t: np.exp(t), 1.0, 1e-16).value, 12)
    1.0
    """
    steps = 2.0 ** round(math.log2(0.1 * scale)) / _RATIO ** np.arange(_LEVELS)
    middle = phi(0.0)
    above = np.array([phi(h) for h in steps])
    below = np.array([phi(-h) for h in steps])
    if np.all(above == middle) and np.all(below == middle):  # constant, as far as can be seen
        step, size = float(steps[0]), abs(float(middle))
        return Slope(0.0, SIGMAS * max(sigma, EPS / 2 * size) / step, 0.0, step, size=size)
    noise = SIGMAS * np.fmax(sigma, EPS / 2 * np.fmax(np.abs(above), np.abs(below))) / steps
    right, left = (above - middle) / steps, (middle - below) / steps
    ups, downs = np.isfinite(right), np.isfinite(left)
    if not (np.isfinite(middle) and (ups[-1] or downs[-1])):
        return Slope(np.nan, np.inf, np.inf, float(steps[-1]), shape="broken")
    if not (ups[-1] and downs[-1]):
        found = _richardson(right if ups[-1] else left, 2 * noise, steps, 1)
        if ups[-1]:
            return replace(found, right=found.value, shape="edge")
        return replace(found, left=found.value, shape="edge")
    with np.errstate(invalid="ignore"):
        found = _richardson((right + left) / 2, noise, steps, 2)
        shape, at = _shape(right - left, 2 * noise)
    rises = np.fmax(np.abs(above - middle), np.abs(below - middle))
    if np.sum(rises[-3:]) > max(0.2 * np.sum(rises[-6:-3]), 4 * np.sum((noise * steps)[-3:])):
        shape, at = "jump", len(steps) - 1  # or it varies within the smallest step
    size = float(np.max(np.abs([*above, *below]), initial=0.0, where=np.isfinite([*above, *below])))
    if shape == "smooth":
        return replace(found, size=size)
    k = max(at, 1)
    ends = [float((_RATIO * side[k] - side[k - 1]) / (_RATIO - 1)) for side in (left, right)]
    if shape == "jump":
        ends = [float(left[k]), float(right[k])]
    curved = max(abs(ends[0] - float(left[k])), abs(ends[1] - float(right[k])))
    return replace(
        found, noise=max(found.noise, float(noise[k])), truncation=max(found.truncation, curved),
        left=ends[0], right=ends[1], shape=shape, size=size,
    )  # fmt: skip


def _richardson(first: NDArray[Any], noise: NDArray[Any], steps: NDArray[Any], order: int) -> Slope:
    """Return the best of Richardson's tableau; `order` is the power of the step that the error grows by."""
    best = Slope(float(first[-1]), float(noise[-1]), np.inf, float(steps[-1]))
    candidates: list[tuple[int, Slope]] = []
    row: list[float] = []
    for k, value in enumerate(first):
        above, row = row, [float(value)]
        if not np.isfinite(value):
            row = []
            continue
        factor = 1.0
        for j, old in enumerate(above):
            factor *= _RATIO**order
            row.append((factor * row[j] - old) / (factor - 1))
            truncation = max(abs(row[j + 1] - row[j]), abs(row[j + 1] - old))
            candidates.append((k, Slope(row[j + 1], 2 * float(noise[k]), truncation, float(steps[k]))))
    # what the smaller steps show: two large ones that pass over a narrow peak agree with each other
    finer = 2 * np.abs(np.diff(first, append=first[-1])) + 2 * noise
    finer[-1] += finer[-2] if len(first) > 1 else 0.0
    for k, found in sorted(candidates, key=lambda one: one[1].error):
        if found.error < best.error and np.all(
            np.abs(first[k + 1 :] - found.value) <= found.error + finer[k + 1 :]
        ):
            return found
    return best


def _shape(gap: NDArray[Any], noise: NDArray[Any]) -> tuple[str, int]:
    """Return what the sides' difference does as the step shrinks, and the last step that shows it.

    Where the function is smooth it shrinks with the step; at a kink it stays; at a jump it grows.
    """
    clear = np.isfinite(gap) & (np.abs(gap) > 4 * noise)
    if not clear.any():
        return "smooth", 0
    last = int(np.flatnonzero(clear)[-1])
    if last < 3 or not clear[last - 2 :][:3].all():
        return "smooth", last
    sizes = np.abs(gap[last - 2 : last + 1])
    ratios = sizes[1:] / sizes[:-1]
    if (ratios > _RATIO / 2).all():
        return "jump", last
    if (ratios > 0.7).all():
        return "kink", last
    return "smooth", last


def complex_step(phi: Callable[[complex], Any], step: float = 1e-30) -> float | None:
    """Return Im phi(ih) / h: no difference is taken, nothing cancels, and the error is rounding alone.

    None if phi does not compute with complex numbers (W. Squire and G. Trapp, 1998). Only for functions that
    are analytic as computed: np.abs, comparisons and the real part lose the derivative, so compare with
    another method before trusting it.

    >>> complex_step(np.exp)
    1.0
    """
    value = phi(1j * step)
    if not isinstance(value, (complex, np.complexfloating)) or not np.isfinite(value):
        return None
    return float(value.imag) / step
