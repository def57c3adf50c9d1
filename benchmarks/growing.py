"""One point of a growth curve, in a process of its own: ``python -m benchmarks.growing m 1000 wall``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.workloads.base import initial
from tinygrad_course import Tensor, compiled, functions, value_and_grad

Work = Callable[[], Any]


@dataclass(frozen=True)
class Axis:
    """What grows: a title, the sizes, and the work of a size."""

    title: str
    sizes: tuple[int, ...]
    work: Callable[[int], Work]
    again: bool = True  # whether doing it twice measures the same thing


def steps(*exponents: float) -> tuple[int, ...]:
    """Return powers of ten, two or three in each."""
    return tuple(dict.fromkeys(round(10**e) for e in exponents))


def chain(n: int) -> Work:
    """Return: record n nodes on a number, and go back."""

    def work() -> Any:
        first = y = Tensor(1.0)
        for _ in range(n):
            y = y * 1.0000001
        y.backward()
        return first.grad

    return work


def step_of(sizes: list[int], m: int) -> tuple[Any, Any, Any, Any]:
    """Return a training step, its parameters, X and Y."""
    stream = np.random.RandomState(0)
    X, Y = stream.randn(sizes[0], m), (stream.rand(1, m) > 0.5).astype(np.float64)
    L = len(sizes) - 1

    def cost(p: Any, X: Any, Y: Any) -> Any:
        A = X
        for l in range(1, L):
            A = np.tanh(functions.linear(p[f"W{l}"], A, p[f"b{l}"]))
        Z = functions.linear(p[f"W{L}"], A, p[f"b{L}"])
        return functions.binary_cross_entropy(functions.sigmoid(Z), Y)

    with_gradients = value_and_grad(cost)

    def step(p: Any, X: Any, Y: Any) -> Any:
        J, grads = with_gradients(p, X, Y)
        return {name: W - 0.1 * grads[name] for name, W in p.items()}, J

    return step, initial(sizes), X, Y


def trained(sizes: list[int], m: int) -> Work:
    """Return: one training step, recorded."""
    step, parameters, X, Y = step_of(sizes, m)
    return lambda: step(parameters, X, Y)


def compiling(sizes: list[int], m: int) -> Work:
    """Return: compile a training step, and make it once."""
    step, parameters, X, Y = step_of(sizes, m)
    return lambda: compiled(step)(parameters, X, Y)


def integrating(n: int) -> Work:
    """Return: compile an oscillator with drag over n steps of Euler's method, with its gradient."""

    def miss(p: Any, target: Any) -> Any:
        x, v = p["x"], p["v"]
        for _ in range(n):
            x, v = x + 0.01 * v, v - 0.01 * (p["k"] * x + p["drag"] * v * np.abs(v))
        return np.sum((x - target) ** 2)

    ones = np.ones(4)
    p = {"x": ones, "v": 0 * ones, "k": 2 * ones, "drag": 0.1 * ones}
    return lambda: compiled(value_and_grad(miss))(p, 0.5 * ones)


AXES = {
    "nodes": Axis("nodes of a chain", steps(3, 3.5, 4, 4.5, 5, 5.5, 6), chain),
    "layers": Axis(
        "layers of 16 units, m = 64",
        steps(0, 0.5, 1, 1.5, 2, 2.5, 3),
        lambda n: trained([16] * n + [16, 1], 64),
    ),
    "units": Axis(
        "units of 2 layers, m = 64",
        steps(0, 0.5, 1, 1.5, 2, 2.5, 3, 3.3),
        lambda n: trained([64, n, n, 1], 64),
    ),
    "m": Axis("examples m, 2-4-1", steps(2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6), lambda n: trained([2, 4, 1], n)),
    "compile": Axis(
        "layers compiled (NumPy)",
        steps(0, 0.5, 1, 1.5, 2, 2.5, 3),
        lambda n: compiling([16] * n + [16, 1], 64),
        again=False,
    ),
    "euler": Axis("steps of Euler's method compiled", steps(1, 1.5, 2, 2.5, 3), integrating, again=False),
}


def peak_rss() -> int:
    """Return the most memory that the process has held, in bytes."""
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def measure(axis: Axis, n: int, clock: str = "wall") -> dict[str, float]:
    """Return the seconds of the quickest run, and the bytes that the first took at its peak."""
    now = time.process_time if clock == "processor" else time.perf_counter
    axis.work(max(2, axis.sizes[0] // 2))()  # what is imported at first use
    work = axis.work(n)
    before = peak_rss()
    begin = now()
    work()
    best = now() - begin
    peak = peak_rss() - before
    spent = best
    while axis.again and spent < 0.3:
        begin = now()
        work()
        last = now() - begin
        best, spent = min(best, last), spent + last
    return {"seconds": best, "peak": peak}


if __name__ == "__main__":
    print(json.dumps(measure(AXES[sys.argv[1]], int(sys.argv[2]), sys.argv[3])))
