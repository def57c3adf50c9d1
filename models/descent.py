"""Gradient descent as the assignments run it: on all examples, the cost now and then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from datasets.container import Array
from tinygrad_course.optimizers import Optimizer
from tinygrad_course.training import GradientDescent, fit

__all__ = ["Parameters", "descend"]

Parameters = dict[str, Array]


class Costs(dict[int, float]):
    """The costs that the assignments print, by iteration; `curve` has that of each, for pictures."""

    def __init__(self, printed: dict[int, float], curve: list[float]) -> None:
        super().__init__(printed)
        self.curve = curve


def descend(
    cost: Callable[..., Any],
    parameters: Parameters,
    X: Array,
    Y: Array,
    optimizer: Optimizer | float,
    *,
    iterations: int,
    every: int = 100,
    draw: Callable[[int], tuple[Any, ...]] | None = None,
    title: str = "iteration",
    show: bool | None = False,
) -> tuple[Parameters, Costs]:
    """Lower a cost with `fit`, compiled; return the costs under the iterations that the assignments print.

    Parameters
    ----------
    cost : callable
        Takes the parameters, X and Y, returns the scalar cost J. It draws nothing at random.
    parameters : dict of str to ndarray
        Where to start; not changed.
    X, Y : ndarray
    optimizer : float or Optimizer
        A number is the learning rate of gradient descent.
    iterations : int
    every : int
        The cost is returned at every so many iterations, before the step; and at the last.
    draw, title, show
        See `fit`.

    Returns
    -------
    parameters : dict of str to ndarray
    costs : Costs
        Iteration to cost.

    Raises
    ------
    NotFiniteError
        If a cost is not a number; the message names the iteration.

    Examples
    --------
    >>> import numpy as np
    >>> start, X = {"w": np.array([[4.0]])}, np.ones((1, 1))
    >>> end, costs = descend(lambda p, X, Y: np.sum(p["w"] ** 2), start, X, X, 0.25, iterations=3, every=1)
    >>> end["w"], costs
    (array([[0.5]]), {0: 16.0, 1: 4.0, 2: 1.0})
    """
    rule = GradientDescent(optimizer) if isinstance(optimizer, float) else optimizer
    options: dict[str, Any] = {"draw": draw, "title": title, "show": show, "compile": True}
    run = fit(cost, parameters, X, Y, rule, epochs=iterations, **options)
    kept = (i for i in range(iterations) if i % every == 0 or i == iterations - 1)
    return run.parameters, Costs({i: run.history["cost"][i] for i in kept}, run.history["cost"])
