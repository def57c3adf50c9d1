"""Convolution, and polynomials as rows of coefficients, the highest power first."""

from typing import Any

import numpy as np

from tinygrad_course.rules.shapes import as_array, conj, inexact
from tinygrad_course.rules.table import composed, constant, is_tensor, primitive, rule

# ------------------------------------------------------------------ convolution


@primitive
def convolve_full(a: Any, v: Any) -> Any:
    return np.convolve(a, v)


@primitive
def correlate_valid(a: Any, v: Any) -> Any:
    """`np.correlate` where `v`, not longer than `a`, lies within it whole."""
    return np.correlate(a, v)


@composed(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = (np.atleast_1d(as_array(x)) for x in (a, v))
    n = min(a.shape[0], v.shape[0])
    if mode == "valid" and n:
        a, v = (a, v) if v.shape[0] == n else (v, a)
        return correlate_valid(a, conj(v[::-1]))
    return cut(convolve_full(a, v), n, max(a.shape[0], v.shape[0]), mode, (n - 1) // 2)


@composed(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    a, v = (np.atleast_1d(as_array(x)) for x in (a, v))
    n = min(a.shape[0], v.shape[0])
    if mode == "valid" and v.shape[0] == n > 0:
        return correlate_valid(a, v)
    start = (n - 1) // 2 if v.shape[0] <= a.shape[0] else n // 2
    return cut(convolve_full(a, conj(v[::-1])), n, max(a.shape[0], v.shape[0]), mode, start)


rule(
    convolve_full,
    lambda g, y, a, v: correlate_valid(g, conj(v)),
    lambda g, y, a, v: correlate_valid(g, conj(a)),
    name="convolve",
    product="sums",
)
rule(
    correlate_valid,
    lambda g, y, a, v: convolve_full(g, conj(v)),
    lambda g, y, a, v: conj(correlate_valid(a, conj(g))),
    name="correlate",
    product="sums",
)


def cut(full: Any, short: int, long: int, mode: str, start: int) -> Any:
    """The middle of a full convolution that `mode` asks for."""
    if mode == "full":
        return full
    if mode == "same":
        return full[start : start + long]
    if mode == "valid":
        return full[short - 1 : long]
    raise ValueError(f"mode must be 'full', 'same' or 'valid', not {mode!r}")


# ------------------------------------------------------------------ polynomials, highest power first


composed(np.polymul)(lambda a1, a2: convolve(leading(a1), leading(a2)))


def leading(p: Any) -> Any:
    """Without zeros in front."""
    p = np.atleast_1d(as_array(p))
    used = np.flatnonzero(p != 0)
    return p[used[0] :] if used.size else p[-1:] if p.size else np.zeros(1, p.dtype)


@composed(np.polydiv)
def polydiv(u: Any, v: Any) -> Any:
    u, v = (np.atleast_1d(as_array(x)) for x in (u, v))
    m, n = u.shape[0] - 1, v.shape[0] - 1
    remainder, quotient = u + 0.0, []
    for k in range(m - n + 1):
        d = remainder[k] / v[0]
        quotient.append(d)
        zeros = (np.zeros(k, v.dtype), np.zeros(m - n - k, v.dtype))
        remainder = remainder - np.concatenate([zeros[0], v * d, zeros[1]])
    if not quotient:
        return v[:1] * 0.0, remainder
    first = 0  # leading coefficients that rounding has left are dropped as NumPy drops them
    while np.allclose(remainder[first], 0, rtol=1e-14) and first < m:
        first += 1
    return np.stack(quotient), remainder[first:]


@constant
def used(p: Any) -> tuple[int, int]:
    """From where to where coefficients are not 0; of those that a program is not made for, all."""
    if is_tensor(p):
        return 0, p.shape[0]
    places = np.flatnonzero(p != 0)
    return (int(places[0]), int(places[-1]) + 1) if places.size else (0, 0)


@primitive
def with_ends(p: Any) -> Any:
    """Coefficients, with NaN in the place of a 0 at an end, of which there are no eigenvalues."""
    n = p.shape[0]
    return np.where((p == 0) & (np.arange(n) % max(n - 1, 1) == 0), np.nan, p)


rule(with_ends, lambda g, y, p: g, saves=False)


@constant
def in_numpys_order(values: Any, p: Any) -> Any:
    """Where NumPy's roots, of which those at 0 come last, are among the eigenvalues of the whole matrix."""
    left = list(range(values.shape[0]))
    return np.array([left.pop(np.abs(values[left] - root).argmin()) for root in np.roots(p)], dtype=int)


@composed(np.roots)
def roots(p: Any) -> Any:
    """The eigenvalues of the companion matrix; also where coefficients at the end are 0, which may move."""
    p = np.atleast_1d(as_array(p))
    first, end = used(p)
    whole, p = end == p.shape[0], p[first:]
    n = p.shape[0] - 1
    if not end or n < 1:
        return np.array([])
    p = with_ends(p) if whole else p  # in a program an end may be 0 after all
    companion = np.concatenate([np.expand_dims(-p[1:] / p[0], 0), np.eye(n - 1, n, dtype=p.dtype)])
    values = np.linalg.eigvals(companion)
    return values if whole else values[in_numpys_order(values, p)]


@composed(np.polyfit)
def polyfit(
    x: Any, y: Any, deg: int, rcond: float | None = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    x, y = inexact(x), inexact(y)
    left = vander(x, deg + 1)
    if w is not None:
        w = as_array(w)
        left, y = left * w[:, None], (y * w[:, None] if y.ndim == 2 else y * w)
    scale = np.sqrt(np.sum(left * left, axis=0))
    rcond = x.shape[0] * np.finfo(x.dtype).eps if rcond is None else rcond
    left = left / scale
    c, residuals, rank, s = np.linalg.lstsq(left, y, rcond)
    c = (c.T / scale).T
    if full:
        return c, residuals, rank, s, rcond
    if not cov:
        return c
    covariance = np.linalg.inv(np.dot(left.T, left)) / np.outer(scale, scale)
    if cov != "unscaled":
        residuals = residuals / (x.shape[0] - deg - 1)
        covariance = np.expand_dims(covariance, -1) * residuals if y.ndim == 2 else covariance * residuals
    elif y.ndim == 2:
        covariance = np.expand_dims(covariance, -1)
    return c, covariance


@composed(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    n = x.shape[0] if N is None else N
    powers = np.arange(n) if increasing else np.arange(n - 1, -1, -1)
    return np.expand_dims(x, 1) ** powers
