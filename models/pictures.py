"""What every picture of a run needs: no display, and a file that is written whole or not at all."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datasets.container import Array, Dataset
from models.descent import Costs
from tinygrad_course.graph import Graph
from tinygrad_course.training import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "boundaries",
    "cost_curve",
    "costs_alone",
    "costs_together",
    "decision_boundary",
    "drawn",
    "misclassified",
    "new_figure",
    "save",
]


def new_figure(width: float = 6.4, height: float = 4.0) -> Figure:
    """Return an empty figure that no window system knows of."""
    return plots.new_figure(width, height)


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure by its suffix, whole or not at all; its folder is made where it is missing."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    plots.saved(figure, target)
    return target


def drawn(recorded: Graph, path: str | os.PathLike[str]) -> Path:
    """Draw a graph into a file; its folder is made where it is missing."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    return recorded.render(target)


def cost_curve(
    axes: Axes, costs: Mapping[int, float], label: str = "", unit: str = "iteration", style: str = "-"
) -> None:
    """Draw costs against iterations.

    Parameters
    ----------
    axes : matplotlib Axes
    costs : mapping of int to float
        Iteration to cost; of `models.descent.descend`, every iteration is drawn.
    label : str
        For a legend, where several curves share the axes.
    unit : str
        ``"iteration"``, ``"epoch"`` or ``"update"``.
    style : str
        How the line is dashed, so that curves on top of each other are seen.
    """
    drawn = dict(enumerate(costs.curve)) if isinstance(costs, Costs) else costs
    axes.plot(list(drawn), list(drawn.values()), style, label=label or None)
    axes.set_xlabel(unit)
    axes.set_ylabel("cost J")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, color="0.92")
    axes.set_axisbelow(True)


def costs_alone(costs: Mapping[int, float], title: str, unit: str = "iteration") -> Figure:
    """Return a figure of one cost curve."""
    figure = new_figure()
    axes = figure.subplots()
    cost_curve(axes, costs, unit=unit)
    axes.set_title(title)
    return figure


def costs_together(
    curves: Mapping[str, Mapping[int, float]],
    title: str,
    unit: str = "iteration",
    ceiling: float | None = None,
) -> Figure:
    """Return a figure of several cost curves, with a legend; what lies above the ceiling is cut off."""
    figure = new_figure()
    axes = figure.subplots()
    for (label, costs), style in zip(curves.items(), itertools.cycle(("-", "--", "-.", ":")), strict=False):
        cost_curve(axes, costs, label, unit, style)
    axes.set_ylim(bottom=0, top=ceiling)
    axes.set_title(title)
    axes.legend(frameon=False)
    return figure


def decision_boundary(
    axes: Axes, predict: Callable[[Array], Array], X: Array, Y: Array, resolution: int = 300
) -> None:
    """Colour the plane by what is predicted, with the examples on top, as the course draws it.

    Parameters
    ----------
    axes : matplotlib Axes
    predict : callable
        Takes points (2, n), returns labels (1, n).
    X : ndarray, shape (2, m)
    Y : ndarray, shape (1, m)
    resolution : int
        Points of the grid along each side.
    """
    margin = 0.08 * (X.max(axis=1) - X.min(axis=1))
    low, high = X.min(axis=1) - margin, X.max(axis=1) + margin
    x1, x2 = np.meshgrid(np.linspace(low[0], high[0], resolution), np.linspace(low[1], high[1], resolution))
    labels = predict(np.stack([x1.ravel(), x2.ravel()])).reshape(x1.shape)
    axes.contourf(x1, x2, labels, levels=[-0.5, 0.5, 1.5], cmap="Spectral", vmin=0, vmax=1, alpha=0.45)
    axes.scatter(X[0], X[1], c=Y.ravel(), cmap="Spectral", s=14, edgecolors="0.2", linewidths=0.4)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    axes.set_xlabel("x1")
    axes.set_ylabel("x2")


Panel = tuple[str, Callable[[Array], Array], Dataset]


def boundaries(title: str, panels: Sequence[Panel], columns: int) -> Figure:
    """Return small multiples of decision boundaries.

    Parameters
    ----------
    title : str
    panels : sequence of (title, predict, data)
    columns : int
        Panels in a row.
    """
    rows = -(-len(panels) // columns)
    figure = new_figure(3.1 * columns, 2.9 * rows + 0.4)
    grid = figure.subplots(rows, columns, squeeze=False)
    figure.suptitle(title)
    for axes, (name, predict, data) in zip(grid.flat, panels, strict=False):
        decision_boundary(axes, predict, data.X_train, data.Y_train)
        axes.set_title(name, fontsize=10)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_xlabel("")
        axes.set_ylabel("")
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    return figure


def misclassified(data: Dataset, predictions: Array, title: str, most: int = 12) -> Figure:
    """Return a figure of the test pictures that were labelled wrong, with both labels."""
    assert data.picture_shape is not None  # noqa: S101  (of pictures)
    classes, number = data.classes, np.sum(predictions != data.Y_test)
    figure = plots.plot_wrong(
        data.X_test, data.Y_test, predictions, data.picture_shape, classes=classes, most=most
    )
    figure.suptitle(f"{title} ({most} of {number})" if number > most else title)
    return figure
