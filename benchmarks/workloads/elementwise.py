"""W7: sum(sigmoid(x) tanh(x) + log1p(exp(-abs(x)))) of a million numbers, with its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads.base import Arrays, Elementwise, Row, Runner

BLOCK = 8192  # three blocks of doubles stay in the first two levels of cache


def make(small: bool) -> Elementwise:
    """Return the work."""
    return Elementwise(np.random.RandomState(1).randn(1000 if small else 1_000_000))


def total(xp: Any) -> Any:
    """Return the formula as typed, in the functions of a NumPy-like namespace."""

    def f(x: Any) -> Any:
        s = 1 / (1 + xp.exp(-x))
        return xp.sum(s * xp.tanh(x) + xp.log1p(xp.exp(-xp.abs(x))))

    return f


def evaluation(work: Elementwise, f: Any) -> Runner:
    """Return a runner of ``f(x)``, which returns the value and the gradient."""

    def run(state: Any, n: int) -> Any:
        for _ in range(n):
            state = f(work.x)
        return state

    def read(state: Any) -> Arrays:
        return {"J": np.asarray(state[0]), "dx": np.asarray(state[1])}

    return Runner(lambda: (0.0, np.zeros_like(work.x)), run, read)


def value_and_gradient(x: Any) -> tuple[Any, Any]:
    """Return both, derived by hand and written as the formula is."""
    s = 1 / (1 + np.exp(-x))
    t = np.tanh(x)
    e = np.exp(-np.abs(x))
    J = np.sum(s * t + np.log1p(e))
    return J, s * (1 - s) * t + s * (1 - t**2) - np.sign(x) * e / (1 + e)


def course(work: Elementwise) -> Runner:
    """Return the formula and its derivative in NumPy."""
    return evaluation(work, value_and_gradient)


def tuned(work: Elementwise) -> Runner:
    """Return the same in blocks that stay in the cache, with one exponential, one logarithm and one tanh.

    With r = 1 / (1 + exp(-abs(x))), sigmoid(x) is r or 1 - r, as x is positive or negative. At 0 the kink's
    gradient is -1/2 or 1/2 here, by the sign of that zero.
    """
    n = work.x.size
    B = min(BLOCK, n)
    R, S, T, U = (np.empty(B) for _ in range(4))
    gradient = np.empty(n)

    def f(x: Any) -> tuple[float, Any]:
        J = 0.0
        for i in range(0, n, B):
            part, out = x[i : i + B], gradient[i : i + B]
            k = part.size
            r, s, t, u = R[:k], S[:k], T[:k], U[:k]
            np.abs(part, r)
            np.negative(r, r)
            np.exp(r, r)
            np.add(r, 1.0, r)
            np.log(r, u)
            J += u.sum()
            np.divide(1.0, r, r)
            np.subtract(r, 0.5, s)
            np.copysign(s, part, s)
            np.add(s, 0.5, s)  # sigmoid(x)
            np.subtract(1.0, r, r)
            np.copysign(r, part, r)  # sign(x) e / (1 + e)
            np.tanh(part, t)
            J += s.dot(t)
            np.subtract(1.0, s, u)
            np.subtract(u, t, u)
            np.multiply(u, t, u)
            np.add(u, 1.0, u)
            np.multiply(s, u, u)  # s ((1 - s) t + 1 - t^2)
            np.subtract(u, r, out)
        return J, gradient

    return evaluation(work, f)


ROW = Row("W7", "sum(sigmoid tanh + log1p exp), 1e6, float64, with gradient", make, course, tuned)
