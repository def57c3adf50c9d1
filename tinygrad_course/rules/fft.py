"""Fourier transforms with real values.

A Tensor is real, so the transforms whose results are complex are refused. Those that lead from the half
spectrum back to a signal (`irfft`, `irfft2`, `irfftn`, `hfft`) are real: of a real spectrum they are sums of
cosines. Their gradient is the real part of the forward transform, whose gradient is again of the first kind.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_course.rules.shapes import as_array
from tinygrad_course.rules.table import composed, primitive, refused, rule

Lengths = tuple[int, ...]


@primitive
def to_signal(a: Any, s: Lengths, axes: Lengths, norm: Any) -> Any:
    """`np.fft.irfftn` of a half spectrum that is real and of the full length along each axis."""
    return np.fft.irfftn(a, s, axes, norm).astype(a.dtype)


@primitive
def to_real_spectrum(x: Any, s: Lengths, axes: Lengths, norm: Any) -> Any:
    """The real part of `np.fft.rfftn`."""
    return np.real(np.fft.rfftn(x, s, axes, norm)).astype(x.dtype)


def twice(s: Lengths, axes: Lengths, ndim: int) -> Any:
    """How often each frequency of the half spectrum stands in the full one: twice, but for the real ones."""
    n = s[-1]
    weights = np.full(n // 2 + 1, 2.0)
    weights[0] = 1.0
    if n % 2 == 0:
        weights[-1] = 1.0
    return weights.reshape(tuple(-1 if i == axes[-1] % ndim else 1 for i in range(ndim)))


OTHER = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


def to_signal_vjp(g: Any, y: Any, a: Any, s: Lengths, axes: Lengths, norm: str) -> Any:
    # irfftn divides by what rfftn of the other norm divides by
    return to_real_spectrum(g, s, axes, OTHER[norm]) * twice(s, axes, g.ndim).astype(g.dtype)


def to_real_spectrum_vjp(g: Any, y: Any, x: Any, s: Lengths, axes: Lengths, norm: str) -> Any:
    return to_signal(g / twice(s, axes, g.ndim).astype(g.dtype), s, axes, OTHER[norm])


rule(to_signal, to_signal_vjp, saves=False, name="irfftn")
rule(to_real_spectrum, to_real_spectrum_vjp, saves=False, name="real part of rfftn")


def signal(a: Any, s: Sequence[int] | None, axes: Sequence[int] | None, norm: str | None) -> Any:
    """`np.fft.irfftn`: the spectrum is cut or filled with zeros to the lengths that `s` asks for."""
    a = as_array(a)
    if axes is None:
        axes = range(-a.ndim if s is None else -len(s), 0)
    lengths = (
        [a.shape[k] for k in axes]
        if s is None
        else [a.shape[k] if n == -1 else n for n, k in zip(s, axes, strict=True)]
    )
    if s is None or s[-1] == -1:
        lengths[-1] = 2 * (a.shape[axes[-1]] - 1)
    widths = [(0, 0)] * a.ndim
    index = [slice(None)] * a.ndim
    for place, (k, n) in enumerate(zip(axes, lengths, strict=True)):
        wanted = n // 2 + 1 if place == len(lengths) - 1 else n
        index[k] = slice(0, wanted)
        widths[k] = (0, max(0, wanted - a.shape[k]))
    a = a[tuple(index)]
    if any(w != (0, 0) for w in widths):
        a = np.pad(a, widths)
    return to_signal(a, tuple(lengths), tuple(axes), norm or "backward")


@composed(np.fft.irfftn)
def irfftn(
    a: Any, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str | None = None
) -> Any:
    return signal(a, s, axes, norm)


@composed(np.fft.irfft2)
def irfft2(
    a: Any, s: Sequence[int] | None = None, axes: Sequence[int] = (-2, -1), norm: str | None = None
) -> Any:
    return signal(a, s, axes, norm)


@composed(np.fft.irfft)
def irfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    return signal(a, None if n is None else (n,), (axis,), norm)


@composed(np.fft.hfft)
def hfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """Of a real spectrum the same as `irfft`, with the norm of a forward transform."""
    return signal(a, None if n is None else (n,), (axis,), OTHER[norm or "backward"])


def shift(x: Any, axes: int | Sequence[int] | None, sign: int) -> Any:
    axes = tuple(range(x.ndim)) if axes is None else (axes,) if isinstance(axes, int) else tuple(axes)
    halves = (math.floor(x.shape[k] / 2) for k in axes)
    return np.roll(x, tuple(sign * h for h in halves), axes)


composed(np.fft.fftshift)(lambda x, axes=None: shift(x, axes, 1))
composed(np.fft.ifftshift)(lambda x, axes=None: shift(x, axes, -1))

refused(
    "its result is complex, and a Tensor holds real numbers",
    *(np.fft.fft, np.fft.ifft, np.fft.fft2, np.fft.ifft2, np.fft.fftn, np.fft.ifftn),
    *(np.fft.rfft, np.fft.rfft2, np.fft.rfftn, np.fft.ihfft),
)
