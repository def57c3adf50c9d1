"""Small programs as people write them, from fields far apart: recorded and compiled, against differences."""

import collections
import functools
import itertools
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from tinygrad_course import array, compiled, grad, hessian, value_and_grad, zeros_like

x = np.array([0.3, -1.1, 2.0, 0.7, 1.3, -0.4, 0.9, 1.63])


class Biquad:
    """A digital filter with its state."""

    def __init__(self, b, a):
        self.b, self.a, self.z = b, a, [0.0, 0.0]

    def __call__(self, s):
        y = self.b[0] * s + self.z[0]
        self.z = [self.b[1] * s - self.a[1] * y + self.z[1], self.b[2] * s - self.a[2] * y]
        return y


class Vector(NamedTuple):
    x: Any
    y: Any

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def times(self, k):
        return Vector(self.x * k, self.y * k)


def filtered(x):
    biquad = Biquad(x[:3], x[3:6])
    return sum(biquad(s) ** 2 for s in np.sin(np.arange(12.0)))


def spectrogram(x):
    frames = sliding_window_view(x, 4)[::2] * np.hamming(4)
    return np.sum(np.log1p(np.abs(np.fft.rfft(frames, axis=1))))


def overlap_add(x):
    out = zeros_like(x)
    for s in range(0, 5, 2):
        out[s : s + 4] += np.hanning(4) * x[s : s + 4]
    return np.sum(np.abs(np.fft.rfft(out)) ** 2)


def arm(x):
    place, angle = np.zeros(2), 0.0
    for q, length in zip(x, itertools.cycle([1.0, 0.5]), strict=False):
        angle = angle + q
        place = place + length * np.stack([np.cos(angle), np.sin(angle)])
    return np.hypot(*place - np.array([1.0, 1.0]))


def kalman(x):
    m, P, A, H = x[:2].copy(), np.eye(2) * x[2] ** 2, array([[1.0, x[3]], [0.0, 1.0]]), np.array([[1.0, 0.0]])
    cost = 0.0
    for z in (0.1, 0.4, 0.9):
        m, P = A @ m, A @ P @ A.T + 0.1 * np.eye(2)
        S = H @ P @ H.T + x[4] ** 2
        K, r = P @ H.T / S, z - H @ m
        cost += 0.5 * (r @ r / S[0, 0] + np.log(S[0, 0]))
        m, P = m + K @ r, P - K @ H @ P
    return cost


def garch(x):
    o, a, b = np.exp(x[0]), 1 / (1 + np.exp(-x[1])), 0.5 / (1 + np.exp(-x[2]))
    variance, cost = o, 0.0
    for e in np.sin(np.arange(10.0)):
        cost += np.log(variance) + e**2 / variance
        variance = o + 0.3 * a * e**2 + b * variance
    return cost


def mixture(x):
    w = np.exp(x[:2]) / np.sum(np.exp(x[:2]))
    logs = np.log(w) - 0.5 * ((np.array([[0.1], [1.2], [-0.4]]) - x[2:4]) / np.exp(x[4:6])) ** 2
    most = logs.max(axis=1, keepdims=True)
    return np.sum(most[:, 0] + np.log(np.exp(logs - most).sum(1)))


def warped(x):
    a, b, D = x[:3], x[3:7], {}
    for i, j in itertools.product(range(4), range(5)):
        if min(i, j) == 0:
            D[i, j] = 0.51 * i + 0.47 * j
        else:
            step = np.minimum(D[i - 1, j] + 0.51 + 0.02 * j, D[i, j - 1] + 0.47 + 0.03 * i)
            D[i, j] = np.minimum(step, D[i - 1, j - 1] + (a[i - 1] - b[j - 1]) ** 2)
    return D[3, 4] ** 2


def counted(x):
    counts = collections.defaultdict(float)
    for a, b, v in zip("abcabcab", "bcabcabc", x, strict=True):
        counts[a + b] = counts[a + b] + v**2
    return sum(np.log1p(v) for v in counts.values())


def tridiagonal(x):
    b, d = 3 + np.abs(x[:4]), x[4:]
    c, e = [-1.0 / b[0]], [d[0] / b[0]]
    for i in range(1, 4):
        m = b[i] + c[-1]
        c.append(-1.0 / m)
        e.append((d[i] + e[-1]) / m)
    y = functools.reduce(lambda later, i: [e[i] - c[i] * later[0], *later], (2, 1, 0), [e[3]])
    return np.sum(np.stack(y) ** 2)


def relaxed(x):
    T = np.zeros((4, 4)) + 0.0 * x[0]
    T[0], T[:, 0] = x[:4], x[4:]
    for _ in range(3):
        T[1:-1, 1:-1] = 0.25 * (T[:-2, 1:-1] + T[2:, 1:-1] + T[1:-1, :-2] + T[1:-1, 2:])
    return np.sum(T**2)


def updated(x):
    """A rank-one update of a Cholesky factor, in place."""
    L, v = np.linalg.cholesky(np.eye(3) * 4) + 0.0 * x[0], x[:3].copy()
    for k in range(3):
        r = np.hypot(L[k, k], v[k])
        c, s = r / L[k, k], v[k] / L[k, k]
        L[k, k] = r
        if k < 2:
            L[k + 1 :, k] = (L[k + 1 :, k] + s * v[k + 1 :]) / c
            v[k + 1 :] = c * v[k + 1 :] - s * L[k + 1 :, k]
    return np.sum(L**3)


def orbit(x):
    place, speed = Vector(x[0], x[1]), Vector(x[2], x[3])
    for _ in range(5):
        speed = speed + place.times(-0.05 / (place.x**2 + place.y**2 + 0.1) ** 1.5)
        place = place + speed.times(0.05)
    return place.x * place.y


def ranked(x):
    P = x.reshape(4, 2) @ np.ones((2, 4)) * 0.3 + np.eye(4)
    M = np.exp(P) / np.exp(P).sum(axis=1, keepdims=True)
    return np.sum(functools.reduce(lambda r, _: 0.15 / 4 + 0.85 * r @ M, range(8), np.ones(4) / 4) ** 2)


def attention(x):
    Q = x.reshape(4, 2)
    S = np.where(np.tril(np.ones((4, 4))) > 0, Q @ Q.T / np.sqrt(2), -np.inf)
    A = np.exp(S - S.max(-1, keepdims=True))
    A /= A.sum(-1, keepdims=True)
    return np.sum((A @ Q) ** 2)


PROGRAMS = [
    filtered, spectrogram, overlap_add, arm, kalman, garch, mixture, warped, counted, tridiagonal, relaxed,
    updated, orbit, ranked, attention,
]  # fmt: skip


def slopes(f, x, h=1e-3):
    e = np.eye(len(x)) * h
    return np.array([(8 * (f(x + d) - f(x - d)) - (f(x + 2 * d) - f(x - 2 * d))) / (12 * h) for d in e])


@pytest.mark.sampled(3)
@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_a_program(f):
    both = value_and_grad(f)
    step, expected = compiled(both), slopes(f, x)
    step(x * 1.01)
    for value, gradient in (both(x), step(x)):
        np.testing.assert_allclose(value, f(x), rtol=1e-12)
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7)
    u = np.cos(np.arange(8.0))
    along = (grad(f)(x + 1e-5 * u) - grad(f)(x - 1e-5 * u)) / 2e-5
    np.testing.assert_allclose(hessian(f)(x) @ u, along, rtol=1e-3, atol=1e-4)


def test_at_a_minimum_and_where_nothing_depends_on_it():
    """What is left of a gradient there is rounding, of which a program has its own."""
    for f, point in ((lambda x: np.var(x) ** 2 + np.sum((x - 0.1) ** 2), np.full(4, 0.1)), (constant, x)):
        step, (value, gradient) = compiled(value_and_grad(f)), value_and_grad(f)(point)
        np.testing.assert_allclose(step(point)[0], value, rtol=1e-12)
        np.testing.assert_allclose(step(point)[1], gradient, atol=1e-14)
        np.testing.assert_allclose(compiled(grad(f))(point), gradient, atol=1e-14)


def constant(x):
    p = np.exp(x) / np.sum(np.exp(x))
    return np.sum(functools.reduce(lambda r, _: 0.15 / 8 + 0.85 * np.mean(r) * p / np.sum(p), range(8), p))
