"""W7: sum(sigmoid(x) tanh(x) + log1p(exp(-abs(x)))) of a million numbers, with its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads.base import Arrays, Elementwise, Row, Runner

BLOCK = 8192  # three blocks of doubles stay in the first two levels of cache


def make(small: bool) -> Elementwise:
    """Return the work."""
    return Elementwise(np.random.RandomState(1).randn(1000 if small else 1_000_000))


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
    """Return the same in blocks that stay in the cache, with two exponentials in all.

    With e = exp(-abs(x)), sigmoid(x) is 1 / (1 + e) or e / (1 + e), and -sign(x) e / (1 + e) is
    sigmoid(x) - 1 or sigmoid(x): sigmoid(x) where x < 0, sigmoid(x) - 1 elsewhere.
    """
    n = work.x.size
    B = min(BLOCK, n)
    E, S, T, U = (np.empty(B) for _ in range(4))
    below = np.empty(B, bool)
    gradient = np.empty(n)

    def f(x: Any) -> tuple[float, Any]:
        J = 0.0
        for i in range(0, n, B):
            part, out = x[i : i + B], gradient[i : i + B]
            k = part.size
            e, s, t, u, neg = E[:k], S[:k], T[:k], U[:k], below[:k]
            np.abs(part, e)
            np.negative(e, e)
            np.exp(e, e)
            np.add(e, 1.0, s)
            np.log1p(e, u)
            J += u.sum()
            np.less(part, 0.0, neg)
            np.copyto(u, 1.0)
            np.copyto(u, e, where=neg)
            np.divide(u, s, s)  # sigmoid(x)
            np.tanh(part, t)
            J += s.dot(t)
            np.subtract(1.0, s, u)
            np.multiply(u, t, u)
            np.multiply(t, t, t)
            np.add(u, 1.0, u)
            np.subtract(u, t, u)
            np.multiply(s, u, out)  # s ((1 - s) t + 1 - t^2)
            np.add(out, s, out)
            np.subtract(out, ~neg, out)
        return J, gradient

    return evaluation(work, f)


ROW = Row("W7", "sum(sigmoid tanh + log1p exp), 1e6, float64, with gradient", make, course, tuned)
