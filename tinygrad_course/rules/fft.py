"""Fourier transforms: one axis has a rule, several axes are one after the other, as in NumPy itself.

A transform is a symmetric matrix, exp(-2 pi i k n / N) in row k and column n, so its transpose, which leads
gradients back, is the transform itself. Of a real signal half of the spectrum is kept; the other half is its
conjugate.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.rules.numpys_own import own
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
composed(np.fft.hfft)(own(np.fft.hfft))
composed(np.fft.ihfft)(lambda a, n=None, axis=-1, norm=None: np.conj(np.fft.rfft(a, n, axis, OTHER[norm])))
for _function in (
    np.fft.fftn, np.fft.fft2, np.fft.ifftn, np.fft.ifft2, np.fft.rfftn, np.fft.rfft2, np.fft.irfftn,
    np.fft.irfft2, np.fft.fftshift, np.fft.ifftshift,
):  # fmt: skip
    composed(_function)(own(_function))
