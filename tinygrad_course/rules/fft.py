"""Fourier transforms: one axis has a rule, several axes are one after the other, as in NumPy itself.

A transform is a symmetric matrix, exp(-2 pi i k n / N) in row k and column n, so its transpose, which leads
gradients back, is the transform itself. Of a real signal half of the spectrum is kept; the other half is its
conjugate.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_course.rules.shapes import conj, is_complex, normalize
from tinygrad_course.rules.table import composed, rule

#: The norm by which the transform the other way divides by as much.
OTHER: dict[Any, Any] = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def resized(a: Any, n: int, axis: int) -> Any:
    """`a` cut, or filled with zeros, to n entries along an axis: what a transform does with its argument."""
    axis %= a.ndim
    if a.shape[axis] > n:
        return a[(slice(None),) * axis + (slice(0, n),)]
    if a.shape[axis] == n:
        return a
    return np.pad(a, [(0, n - a.shape[axis] if i == axis else 0) for i in range(a.ndim)])


def transposed(transform: Callable[..., Any]) -> Callable[..., Any]:
    def vjp(g: Any, y: Any, a: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
        return resized(transform(g, None, axis, norm), a.shape[axis], axis)

    return vjp


def cuts(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, half: bool = False) -> bool:
    """Whether a transform leaves entries of its argument out."""
    return n is not None and (n // 2 + 1 if half else n) < a.shape[axis]


rule(np.fft.fft, transposed(np.fft.fft), saves=False, chooses=cuts)
rule(np.fft.ifft, transposed(np.fft.ifft), saves=False, chooses=cuts)


def twice(half: Any, n: int, axis: int) -> Any:
    """How often each frequency of the half spectrum stands in the full one: twice, but for the real ones."""
    weights = np.full(n // 2 + 1, 2.0, np.real(half).dtype)
    weights[0] = 1.0
    if n % 2 == 0:
        weights[-1] = 1.0
    return weights.reshape(tuple(-1 if i == axis % half.ndim else 1 for i in range(half.ndim)))


def rfft_vjp(g: Any, y: Any, a: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    n = a.shape[axis] if n is None else n
    return resized(np.fft.irfft(conj(g) / twice(g, n, axis), n, axis, OTHER[norm]), a.shape[axis], axis)


def irfft_vjp(g: Any, y: Any, a: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    spectrum = np.fft.rfft(g, None, axis, OTHER[norm])
    spectrum = conj(spectrum) if is_complex(a) else np.real(spectrum)
    return resized(spectrum * twice(spectrum, g.shape[axis], axis), a.shape[axis], axis)


rule(np.fft.rfft, rfft_vjp, saves=False, chooses=cuts)
rule(np.fft.irfft, irfft_vjp, saves=False, chooses=functools.partial(cuts, half=True))

# Of a spectrum that is real in time: the conjugate's transform the other way.
composed(np.fft.hfft)(lambda a, n=None, axis=-1, norm=None: np.fft.irfft(conj(a), n, axis, OTHER[norm]))
composed(np.fft.ihfft)(lambda a, n=None, axis=-1, norm=None: np.conj(np.fft.rfft(a, n, axis, OTHER[norm])))

# ------------------------------------------------------------------ several axes

Axes = Sequence[int] | None


def lengths(a: Any, s: Axes, axes: Axes, half: bool = False) -> list[tuple[int | None, int]]:
    """Each axis with the length that it is transformed at (None: the one that it has), in the order given."""
    if s is None:
        s = [-1] * (a.ndim if axes is None else len(axes))
    axes = range(-len(s), 0) if axes is None else axes
    pairs: list[tuple[int | None, int]] = [
        (a.shape[k] if n == -1 else n, k) for n, k in zip(s, axes, strict=True)
    ]
    if half and s[-1] == -1:  # an even number of samples
        pairs[-1] = (None, axes[-1])
    return pairs


def over_axes(last: Any, others: Any, plane: Axes) -> Callable[..., Any]:
    """`last` over the last axis, where it begins but for irfft, and `others` over those before it."""

    def definition(a: Any, s: Axes = None, axes: Axes = plane, norm: Any = None) -> Any:
        *before, end = lengths(a, s, axes, half=last is np.fft.irfft)
        order = [*((others, *pair) for pair in before), (last, *end)]
        for transform, n, k in order if last is np.fft.irfft else reversed(order):
            a = transform(a, n, k, norm)
        return a

    return definition


for _name, _last, _others in (
    ("fft", np.fft.fft, np.fft.fft), ("ifft", np.fft.ifft, np.fft.ifft),
    ("rfft", np.fft.rfft, np.fft.fft), ("irfft", np.fft.irfft, np.fft.ifft),
):  # fmt: skip
    composed(getattr(np.fft, f"{_name}n"))(over_axes(_last, _others, None))
    composed(getattr(np.fft, f"{_name}2"))(over_axes(_last, _others, (-2, -1)))

# ------------------------------------------------------------------ the order of frequencies


def shift(x: Any, axes: int | Sequence[int] | None, sign: int) -> Any:
    axes = normalize(axes, x.ndim)  # type: ignore[arg-type]
    halves = (math.floor(x.shape[k] / 2) for k in axes)
    return np.roll(x, tuple(sign * h for h in halves), axes)


composed(np.fft.fftshift)(lambda x, axes=None: shift(x, axes, 1))
composed(np.fft.ifftshift)(lambda x, axes=None: shift(x, axes, -1))
