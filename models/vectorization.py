"""Course 1, week 2: the same sums with Python loops and with NumPy, timed; and the graph that each leaves."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from datasets import digits
from datasets.container import Array
from models import logistic_regression, pictures
from models.outcome import Options, Outcome
from tinygrad_course import value_and_grad

__all__ = ["looped_cost", "run"]


def looped_dot(a: Array, b: Array) -> float:
    """Return the sum of products, one at a time."""
    total = 0.0
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


def looped_cost(parameters: Any, X: Array, Y: Array) -> Any:
    """Return logistic regression's cost with a loop over the examples and one over the features.

    Examples
    --------
    >>> X, Y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0]])
    >>> parameters = {"w": np.array([[1.0], [2.0]]), "b": 2.0}
    >>> print(f"{looped_cost(parameters, X, Y):.9f}")
    6.000064773
    """
    w, b = parameters["w"], parameters["b"]
    n_x, m = X.shape
    weights = [w[j, 0] for j in range(n_x)]
    J: Any = 0.0
    for i in range(m):
        z: Any = b
        for j in range(n_x):
            z = z + weights[j] * X[j, i]
        # -(y log a + (1 - y) log(1 - a)) with a = 1 / (1 + exp(-z)), without the cancellation
        J = J + np.logaddexp(0, z) - Y[0, i] * z
    return J / m


def seconds(f: Callable[[], object], repeats: int) -> float:
    """Return the shortest of a few timings."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        f()
        times.append(time.perf_counter() - began)
    return min(times)


def run(options: Options) -> Outcome:
    """1.2: vectorised against loops, the notes' own point, measured."""
    out = Outcome()
    n = 20_000 if options.fast else 200_000
    random = np.random.RandomState(0)
    a, b = random.rand(n), random.rand(n)
    timed = {
        f"dot of {n:,} numbers": (seconds(lambda: looped_dot(a, b), 3), seconds(lambda: np.dot(a, b), 20))
    }

    data = digits.load()
    m = 20 if options.fast else 200
    X, Y = data.X_train[:, :m], data.Y_train[:, :m]
    parameters: dict[str, Any] = {"w": random.randn(data.n_x, 1) * 0.1, "b": 0.1}
    looped = functools.partial(looped_cost, parameters, X, Y)
    whole = functools.partial(logistic_regression.compute_cost, parameters, X, Y)
    timed[f"cost, {m} digits"] = seconds(looped, 3), seconds(whole, 20)
    grads = [value_and_grad(cost) for cost in (looped_cost, logistic_regression.compute_cost)]
    found = [f(parameters, X, Y) for f in grads]
    timed[f"cost and gradient, {m} digits"] = (
        seconds(lambda: grads[0](parameters, X, Y), 3),
        seconds(lambda: grads[1](parameters, X, Y), 20),
    )
    for what, (loop, vector) in timed.items():
        out.remarks.append(
            f"{what}: {loop * 1e3:.2f} ms in loops, {vector * 1e3:.3f} ms in NumPy, {loop / vector:.0f} x"
        )
    apart = float(np.max(np.abs(found[0][1]["w"] - found[1][1]["w"])))
    out.remarks.append(f"the two gradients differ by {apart:.0e} at most")
    if not math.isclose(found[0][0], found[1][0], rel_tol=1e-9) or apart > 1e-12:
        raise ArithmeticError(f"loops and NumPy disagree: costs {found[0][0]} and {found[1][0]}")
    out.pictures["times"] = functools.partial(times_picture, timed)
    return out


def times_picture(timed: dict[str, tuple[float, float]]) -> Any:
    """Draw the times as bars on a logarithmic axis."""
    figure = pictures.new_figure(7.0, 3.0)
    axes = figure.subplots()
    rows = np.arange(len(timed))
    for place, (words, offset) in enumerate((("loops", -0.2), ("NumPy", 0.2))):
        values = [pair[place] * 1e3 for pair in timed.values()]
        bars = axes.barh(rows + offset, values, 0.38, label=words)
        axes.bar_label(bars, [f"{value:.3g} ms" for value in values], padding=3, fontsize=8)
    axes.set_yticks(rows, list(timed))
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(right=axes.get_xlim()[1] * 6)
    axes.set_xlabel("milliseconds")
    axes.set_title("The same numbers with loops and with NumPy")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


if __name__ == "__main__":
    from models.__main__ import main

    raise SystemExit(main(module="vectorization"))
