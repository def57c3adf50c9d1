"""Gradient descent as the assignments write it: a step against the gradient, the cost now and then."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from datasets.container import Array
from tinygrad_course import compiled, value_and_grad

__all__ = ["Advance", "Parameters", "descend", "progress"]

Parameters = dict[str, Array]
Advance = Callable[[int], None]
Change = Callable[[Parameters], Parameters]


@contextmanager
def progress(title: str, total: int, *, shown: bool = True) -> Iterator[Advance]:
    """Show how far a run is, where rich is installed and stderr is a terminal.

    Parameters
    ----------
    title : str
    total : int
        Number of iterations.
    shown : bool

    Yields
    ------
    callable
        Takes the number of iterations done since it was last called.

    Examples
    --------
    >>> with progress("descent", 3, shown=False) as advance:
    ...     advance(3)
    """
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ModuleNotFoundError:
        shown = False
    console = Console(stderr=True) if shown else None
    if console is None or not console.is_terminal:
        yield lambda done: None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.advance(task, done)


def descend(
    cost: Callable[..., Any],
    parameters: Parameters,
    *data: Any,
    learning_rate: float,
    iterations: int,
    every: int = 100,
    change: Change | None = None,
    draw: Callable[[], tuple[Any, ...]] | None = None,
    advance: Advance | None = None,
) -> tuple[Parameters, dict[int, float]]:
    """Lower a cost by gradient descent, with the gradients that its graph gives.

    The step, backward pass included, is compiled from its first recording.

    Parameters
    ----------
    cost : callable
        Takes the parameters and `data`, returns the scalar cost J. It draws nothing at random.
    parameters : dict of str to ndarray
        Where to start; not changed.
    *data
        What the cost takes next: X and Y.
    learning_rate : float
    iterations : int
    every : int
        The cost is kept at every so many iterations, before the step, as the assignments print it; and at
        the last.
    change : callable, optional
        Applied to the gradients before the step.
    draw : callable, optional
        Called before each step; what it returns, fresh dropout masks, goes to the cost after the data.
    advance : callable, optional
        Told of progress; see `progress`.

    Returns
    -------
    parameters : dict of str to ndarray
    costs : dict of int to float
        Iteration to cost.

    Raises
    ------
    FloatingPointError
        If a cost is not a number; the message names the iteration.

    Examples
    --------
    >>> import numpy as np
    >>> start = {"w": np.array([4.0])}
    >>> end, costs = descend(lambda p: np.sum(p["w"] ** 2), start, learning_rate=0.25, iterations=3, every=1)
    >>> end["w"], costs
    (array([0.5]), {0: 16.0, 1: 4.0, 2: 1.0})
    """
    costs: dict[int, float] = {}

    @compiled
    def step(parameters: Parameters, *data: Any) -> tuple[Any, Parameters]:
        J, gradients = value_and_grad(cost)(parameters, *data)
        if change is not None:
            gradients = change(gradients)
        return J, {name: value - learning_rate * gradients[name] for name, value in parameters.items()}

    for i in range(iterations):
        J, parameters = step(parameters, *data, *(draw() if draw is not None else ()))
        if i % every == 0 or i == iterations - 1:
            costs[i] = float(J)
            if math.isnan(costs[i]):
                raise FloatingPointError(
                    f"the cost at iteration {i} is not a number; "
                    f"a smaller learning rate than {learning_rate} may help"
                )
            if advance is not None:
                advance(1 if i == 0 else every)
    return parameters, costs
