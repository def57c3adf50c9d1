"""Fourier transforms: one axis has a rule, several axes are one after the other, as in NumPy itself.

A transform is a symmetric matrix, exp(-2 pi i k n / N) in row k and column n, so its transpose, which leads
gradients back, is the transform itself. Of a real signal half of the spectrum is kept; the other half is its
conjugate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_course.rules.shapes import conj, is_complex
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


rule(np.fft.fft, transposed(np.fft.fft), saves=False)
rule(np.fft.ifft, transposed(np.fft.ifft), saves=False)


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


rule(np.fft.rfft, rfft_vjp, saves=False)
rule(np.fft.irfft, irfft_vjp, saves=False)

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


def fftn(a: Any, s: Axes = None, axes: Axes = None, norm: Any = None) -> Any:
    for n, k in reversed(lengths(a, s, axes)):
        a = np.fft.fft(a, n, k, norm)
    return a


def ifftn(a: Any, s: Axes = None, axes: Axes = None, norm: Any = None) -> Any:
    for n, k in reversed(lengths(a, s, axes)):
        a = np.fft.ifft(a, n, k, norm)
    return a


def rfftn(a: Any, s: Axes = None, axes: Axes = None, norm: Any = None) -> Any:
    *others, (n, last) = lengths(a, s, axes)
    a = np.fft.rfft(a, n, last, norm)
    for n, k in reversed(others):
        a = np.fft.fft(a, n, k, norm)
    return a


def irfftn(a: Any, s: Axes = None, axes: Axes = None, norm: Any = None) -> Any:
    *others, (last_n, last) = lengths(a, s, axes, half=True)
    for n, k in others:
        a = np.fft.ifft(a, n, k, norm)
    return np.fft.irfft(a, last_n, last, norm)


def plane(transform: Callable[..., Any]) -> Callable[..., Any]:
    def definition(a: Any, s: Axes = None, axes: Axes = (-2, -1), norm: Any = None) -> Any:
        return transform(a, s, axes, norm)

    return definition


for _of_n, _of_2, _definition in (
    (np.fft.fftn, np.fft.fft2, fftn),
    (np.fft.ifftn, np.fft.ifft2, ifftn),
    (np.fft.rfftn, np.fft.rfft2, rfftn),
    (np.fft.irfftn, np.fft.irfft2, irfftn),
):
    composed(_of_n)(_definition)
    composed(_of_2)(plane(_definition))

# ------------------------------------------------------------------ the order of frequencies


def shift(x: Any, axes: int | Sequence[int] | None, sign: int) -> Any:
    axes = tuple(range(x.ndim)) if axes is None else (axes,) if isinstance(axes, int) else tuple(axes)
    halves = (math.floor(x.shape[k] / 2) for k in axes)
    return np.roll(x, tuple(sign * h for h in halves), axes)


composed(np.fft.fftshift)(lambda x, axes=None: shift(x, axes, 1))
composed(np.fft.ifftshift)(lambda x, axes=None: shift(x, axes, -1))
