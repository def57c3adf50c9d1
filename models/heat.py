"""Physics: the heat equation by finite differences, a rod's conductivity found from its last temperatures.

::

    python -m models.heat
    python -m models.heat --engine machine    # by Numba, which compiles for a while

u_t = (k u_x)_x on a rod whose ends are cold; k differs from place to place. The misfit of the temperatures
at the end is differentiated through all steps, and the gradient compiled.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from datasets.container import Array
from models.program import command_line, draw, finish
from tinygrad_course import Tensor, compiled, graph, value_and_grad
from tinygrad_course.functions import mean_squared_error, softplus
from tinygrad_course.optimizers import Adam

__all__ = ["cost", "find", "temperatures"]

POINTS, STEPS = 24, 60
DT_OVER_DX2 = 0.4


def temperatures(k: Any, u: Any, steps: int = STEPS) -> Any:
    """Return the rods' temperatures after so many explicit steps.

    Parameters
    ----------
    k : array, shape (n + 1, 1)
        The conductivity between each point and the next, the ends included; up to 1.
    u : array, shape (n, m)
        One rod a column.

    Examples
    --------
    >>> temperatures(np.ones((4, 1)), np.array([[0.0], [1.0], [0.0]]), steps=1).ravel()
    array([0.4, 0.2, 0.4])
    """
    cold = np.zeros((1, u.shape[1]))
    for _ in range(steps):
        around = np.concatenate([cold, u, cold])
        flow = k * (around[1:] - around[:-1])
        u = u + DT_OVER_DX2 * (flow[1:] - flow[:-1])
    return u


def conductivity(theta: Any) -> Any:
    """Return a positive conductivity of any numbers."""
    return softplus(theta)


def cost(theta: Any, before: Any, after: Any) -> Any:
    """Return the mean squared distance from the temperatures that were measured."""
    return mean_squared_error(temperatures(conductivity(theta), before), after)


def find(
    gradient: Callable[..., Any], before: Array, after: Array, iterations: int
) -> tuple[Array, list[float]]:
    """Return theta after so many steps of Adam, and the costs."""
    p = {"theta": np.zeros((POINTS + 1, 1))}
    optimizer, costs = Adam(0.05), []
    state = optimizer.init(p)
    for _ in range(iterations):
        J, dtheta = gradient(p["theta"], before, after)
        p, state = optimizer.update(p, {"theta": dtheta}, state)
        costs.append(float(J))
    return p["theta"], costs


def report(options: argparse.Namespace) -> None:
    """Do what the command line asks, and print it."""
    rng, x = np.random.RandomState(options.seed), np.linspace(0, 1, POINTS + 1)[:, None]
    true = 0.5 + 0.4 * np.sin(2 * np.pi * x)
    before = rng.rand(POINTS, 12)
    after = temperatures(true, before) + 1e-4 * rng.randn(POINTS, 12)
    recorded = value_and_grad(cost)
    program = compiled(recorded, engine=options.engine)
    theta = np.zeros((POINTS + 1, 1))
    began = time.perf_counter()
    J, dtheta = program(theta, before, after)
    print(f"compiled in {time.perf_counter() - began:.1f} s")
    expected = recorded(theta, before, after)[1]
    print(f"largest difference between compiled and recorded gradient: {np.abs(dtheta - expected).max():.0e}")
    seconds = {}
    for name, gradient in (("recorded", recorded), ("compiled", program)):
        took = []
        for _ in range(15):
            began = time.perf_counter()
            gradient(theta, before, after)
            took.append(time.perf_counter() - began)
        seconds[name] = float(np.median(took))
        print(f"{name}: {1e3 * seconds[name]:.2f} ms a gradient")
    theta, costs = find(program, before, after, options.iterations)
    print(f"cost {float(J):.2e} at first, {costs[-1]:.2e} at the end")
    wrong = np.abs(conductivity(theta) - true)
    print(f"conductivity from 0.1 to 0.9, found within {wrong.max():.3f}, {wrong.mean():.3f} on average")
    k = Tensor(true, name="k")
    misfit = np.mean(np.square(temperatures(k, before, 2) - after)).named("J")
    draw(options, "heat", "graph of two steps", lambda: graph(misfit))


def main(arguments: Sequence[str] | None = None) -> int:
    """Compile, compare, find the conductivity, draw; return the exit status."""
    parser = command_line("heat", __doc__)
    parser.add_argument("--engine", choices=("numpy", "machine"), default="numpy")
    parser.add_argument("--iterations", type=int, default=600, metavar="N")
    return finish(report, parser, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
