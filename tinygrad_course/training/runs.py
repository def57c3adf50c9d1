"""`Run`: what a training has come to; when to stop it, and which of its epochs was the best."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tinygrad_course.engine.trees import Nest

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(repr=False)
class Run:
    """What `fit` returns.

    Attributes
    ----------
    parameters : nest of ndarray
        Those after the last epoch; with early stopping, those of the best one.
    state : nest
        The optimiser's, after the last epoch.
    history : dict of str to list of float
        One number an epoch. ``"cost"``: the mean over its examples, at the parameters that each batch met;
        ``"last_batch"``: the cost of the last mini-batch, which the course prints. With validation data
        ``"validation_cost"``, and for each metric its name and ``"validation_"`` before it: at the parameters
        after the epoch.
    epoch : int
        How many epochs were done.
    best_epoch : int or None
        With early stopping, the number of the best epoch, from 1.
    best : nest of ndarray or None
        Its parameters.

    Examples
    --------
    >>> Run({"W": 1.0}, {}, {"cost": [0.7, 0.5], "last_batch": [0.7, 0.5]}, 2)
    <Run: 2 epochs, cost 0.5>
    """

    parameters: Nest
    state: Nest
    history: dict[str, list[float]] = field(default_factory=lambda: {"cost": [], "last_batch": []})
    epoch: int = 0
    best_epoch: int | None = None
    best: Nest = None

    def __repr__(self) -> str:
        at = self.epoch if self.best_epoch is None else self.best_epoch
        told = [
            f"{key} {values[at - 1]:.6g}"
            for key, values in self.history.items()
            if key != "last_batch" and 0 < at <= len(values)
        ]
        best = "" if self.best_epoch is None else f", best after {self.best_epoch}"
        return f"<Run: {self.epoch} epoch{'s' * (self.epoch != 1)}{best}{''.join(f', {t}' for t in told)}>"

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """Draw the history over the epochs; into a file, if one is named."""
        from tinygrad_course.training.plots import plot_history

        return plot_history(self.history, path, best_epoch=self.best_epoch)


@dataclass(frozen=True)
class EarlyStopping:
    """When `fit` ends early: after so many epochs that brought nothing better. The best parameters are kept.

    Parameters
    ----------
    patience : int
        How many epochs.
    monitor : str
        What is read of the history; "cost" where there are no validation data.
    largest : bool
        Whether the largest value is the best, as of an accuracy.
    smallest_change : float
        What counts as better: by more than this.

    Examples
    --------
    >>> EarlyStopping(2).best([0.9, 0.5, 0.6, 0.5])
    1
    """

    patience: int = 10
    monitor: str = "validation_cost"
    largest: bool = False
    smallest_change: float = 0.0

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise ValueError(f"patience is {self.patience}; expected a number of epochs, at least 1")

    def better(self, value: float, than: float) -> bool:
        """Whether a value is better than the best so far (NaN, where there is none)."""
        if math.isnan(than):
            return not math.isnan(value)
        return (value - than if self.largest else than - value) > self.smallest_change

    def best(self, values: Sequence[float]) -> int | None:
        """Return the index of the best value; None if there is none but NaN."""
        best = None
        for i, value in enumerate(values):
            if self.better(value, math.nan if best is None else values[best]):
                best = i
        return best


def monitored(history: Mapping[str, Sequence[float]], name: str) -> Sequence[float]:
    """Return a column of the history; "validation_cost" is the cost where there are no validation data."""
    if name == "validation_cost" and name not in history:
        name = "cost"
    if name not in history:
        raise ValueError(f"monitor is {name!r}, and the history has {', '.join(map(repr, history))}")
    return history[name]
