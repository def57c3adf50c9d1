"""The assignments' own plots, drawn on matplotlib's current axes, as their scripts expect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from models import pictures

__all__ = ["plot_costs", "plot_decision_boundary", "print_mislabeled_images"]


def plot_decision_boundary(model: Callable[[Any], Any], X: Any, y: Any) -> None:
    """Draw the regions that a model predicts, and the examples on top.

    Parameters
    ----------
    model : callable
        Takes points as rows (n, 2), as ``lambda x: predict(parameters, x.T)`` does, and returns their labels.
    X : ndarray, shape (2, m)
    y : ndarray, shape (1, m) or (m,)
    """
    from matplotlib import pyplot as plt

    def predict(points: Any) -> Any:
        return np.asarray(model(points.T), dtype=np.float64)

    pictures.decision_boundary(plt.gca(), predict, X, np.reshape(y, (1, -1)))


def plot_costs(costs: Any, learning_rate: float = 0.0075) -> None:
    """Draw costs that were kept every hundred iterations."""
    from matplotlib import pyplot as plt

    axes = plt.gca()
    axes.plot(np.squeeze(costs))
    axes.set_ylabel("cost")
    axes.set_xlabel("iterations (per hundreds)")
    axes.set_title(f"Learning rate = {learning_rate}")


def print_mislabeled_images(classes: Sequence[Any], X: Any, y: Any, p: Any) -> None:
    """Draw the pictures of 64 x 64 pixels whose label was predicted wrong, in one row."""
    from matplotlib import pyplot as plt

    wrong = np.flatnonzero((np.asarray(p) != np.asarray(y)).ravel())
    figure = plt.gcf()
    for place, example in enumerate(wrong):
        axes = figure.add_subplot(1, len(wrong), place + 1)
        axes.imshow(X[:, example].reshape(64, 64, 3), interpolation="nearest")
        axes.set_axis_off()
        said, is_ = (_text(classes[int(np.ravel(labels)[example])]) for labels in (p, y))
        axes.set_title(f"Prediction: {said}\nClass: {is_}", fontsize=8)


def _text(name: Any) -> str:
    return name.decode("utf-8") if isinstance(name, bytes) else str(name)
