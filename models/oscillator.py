"""Physics: an oscillator, its stiffness and drag found from noisy places through the differential equation.

::

    python -m models.oscillator
    python -m models.oscillator --drag 0.4 --noise 0.1

The equation is x'' = -omega^2 x - drag x' |x'|. The gradient of the misfit is the adjoint's, and a
minimiser of SciPy's takes it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import optimize

from datasets.container import Array
from models.program import command_line, draw, finish
from tinygrad_course import Tensor, graph, value_and_grad
from tinygrad_course.autodiff import flatten
from tinygrad_course.functions import mean_squared_error
from tinygrad_course.functions.differential_equations import odeint

__all__ = ["cost", "find", "motion", "places"]

START = np.array([1.0, 0.0])


def motion(y: Any, _: Any, p: Any) -> Any:
    """Return (x', v') of y = (x, v)."""
    x, v = y[0], y[1]
    return np.stack([v, -(p["omega"] ** 2) * x - p["drag"] * v * np.abs(v)])


def places(p: Any, t: Array) -> Any:
    """Return x at the times t.

    Examples
    --------
    >>> x = places({"omega": 2.0, "drag": 0.0}, np.array([0.0, np.pi / 2]))
    >>> print(x.round(6))
    [ 1. -1.]
    """
    return odeint(motion, START, t, (p,))[:, 0]


def cost(p: Any, t: Array, x: Array) -> Any:
    """Return the mean squared distance from the places that were measured."""
    return mean_squared_error(places(p, t), x)


def find(t: Array, x: Array, guess: Any) -> tuple[Any, Any]:
    """Return the parameters of least cost, near a guess, and the minimiser's own report."""
    vector, unflatten = flatten(guess)
    both = value_and_grad(lambda v: cost(unflatten(v), t, x))
    found = optimize.minimize(both, vector, jac=True, method="BFGS")
    return {name: float(value) for name, value in unflatten(found.x).items()}, found


def report(options: argparse.Namespace) -> None:
    """Do what the command line asks, and print it."""
    true, t = {"omega": options.omega, "drag": options.drag}, np.linspace(0, 10, 30)
    rng = np.random.RandomState(options.seed)
    x = places(true, t) + options.noise * rng.randn(len(t))
    guess = {"omega": 0.9 * options.omega, "drag": 0.1}
    J, grads = value_and_grad(cost)(guess, t, x)
    h = 1e-3  # a smaller one shows where the solver chose other steps
    for name, value in guess.items():
        up, down = ({**guess, name: value + s * h} for s in (1, -1))
        numerical = (cost(up, t, x) - cost(down, t, x)) / (2 * h)
        print(f"dJ/d{name}: {float(grads[name]):+.6f} by the adjoint, {numerical:+.6f} by differences")
    p, found = find(t, x, guess)
    print(f"cost {float(J):.5f} at the guess, {found.fun:.5f} at the end, {found.nfev} evaluations")
    for name, value in p.items():
        print(f"{name}: {value:.4f}, and the places were made with {true[name]}")
    tensors = {name: Tensor(value, name=name) for name, value in p.items()}
    draw(options, "oscillator", "graph", lambda: graph(cost(tensors, t, x).named("J")))


def main(arguments: Sequence[str] | None = None) -> int:
    """Make places, find the parameters again, draw; return the exit status."""
    parser = command_line("oscillator", __doc__)
    parser.add_argument("--omega", type=float, default=1.5, metavar="X")
    parser.add_argument("--drag", type=float, default=0.3, metavar="X")
    parser.add_argument("--noise", type=float, default=0.02, metavar="X", help="its standard deviation")
    return finish(report, parser, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
