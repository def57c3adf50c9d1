"""W6: J = 3(a + bc), built, evaluated and differentiated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads.base import Arrays, Formula, Row, Runner


def make(small: bool) -> Formula:  # noqa: ARG001  (as every row's)
    """Return the work: ten points, so that nobody can remember the answer."""
    stream = np.random.RandomState(1)
    return Formula([tuple(float(x) for x in stream.randn(3)) for _ in range(10)])


def evaluation(work: Formula, f: Callable[[float, float, float], Any]) -> Runner:
    """Return a runner of ``f(a, b, c)``, which returns J, dJ/da, dJ/db, dJ/dc."""
    points = work.points

    def run(state: Any, n: int) -> Any:
        for _ in range(n):
            for a, b, c in points:
                state = f(a, b, c)
        return state

    def read(state: Any) -> Arrays:
        return {name: np.asarray(float(x)) for name, x in zip(("J", "da", "db", "dc"), state, strict=True)}

    return Runner(lambda: (0.0, 0.0, 0.0, 0.0), run, read)


def course(work: Formula) -> Runner:
    """Return the course's forward and backward steps, on Python's numbers."""

    def f(a: float, b: float, c: float) -> tuple[float, float, float, float]:
        u = b * c
        v = a + u
        J = 3 * v
        dv = 3.0
        du = dv
        return J, dv, du * c, du * b

    return evaluation(work, f)


ROW = Row("W6", "J = 3(a + bc), built, evaluated, differentiated", make, course)
