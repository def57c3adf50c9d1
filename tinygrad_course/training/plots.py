"""Pictures of a training: the history, the confusion matrix, the examples that were predicted wrong."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_course.files import write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PREFIX = "validation_"


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, in inches; raise ModuleNotFoundError if matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure as MatplotlibFigure
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            'plots need matplotlib: python -m pip install "tinygrad-course[course]"'
        ) from None
    return MatplotlibFigure(figsize=(width, height), layout="constrained")


def saved(figure: Figure, path: str | os.PathLike[str] | None) -> Figure:
    """Write a figure into a file, whole, if one is named; return it."""
    if path is not None:
        target, content = Path(path), io.BytesIO()
        figure.savefig(content, format=target.suffix.lstrip(".") or "png", dpi=120)
        write(target, content.getvalue())
    return figure


def plot_history(
    history: Mapping[str, Sequence[float]],
    path: str | os.PathLike[str] | None = None,
    *,
    best_epoch: int | None = None,
) -> Figure:
    """Draw a history over the epochs: a panel for the cost and one for each metric, validation data dashed.

    Parameters
    ----------
    history : mapping of str to sequence of float
        As `fit` returns it in ``run.history``.
    path : path, optional
        A file to draw into: .png, .svg or .pdf.
    best_epoch : int, optional
        Marked by a line.

    Examples
    --------
    >>> figure = plot_history({"cost": [0.7, 0.5, 0.4], "validation_cost": [0.7, 0.6, 0.6]})
    >>> [line.get_label() for line in figure.axes[0].get_lines()]
    ['training', 'validation']
    """
    names = [name for name in history if not name.startswith(_PREFIX) and name != "last_batch"]
    figure = new_figure(max(4.8 * len(names), 4.8), 3.6)
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        columns = [("training", "-", history[name])]
        if _PREFIX + name in history:
            columns.append(("validation", "--", history[_PREFIX + name]))
        for label, style, values in columns:
            epochs = np.arange(1, len(values) + 1)
            axes.plot(epochs, values, style, label=label, marker="." if len(values) == 1 else None)
        if best_epoch is not None:
            axes.axvline(best_epoch, color="grey", linewidth=1, linestyle=":", label=f"best, {best_epoch}")
        axes.set(xlabel="epoch", ylabel=name)
        if len(axes.get_lines()) > 1:
            axes.legend(frameon=False)
    return saved(figure, path)


def plot_confusion(
    matrix: Any, path: str | os.PathLike[str] | None = None, *, classes: Sequence[str] | None = None
) -> Figure:
    """Draw a confusion matrix: a row for each true class, a column for each predicted one.

    Examples
    --------
    >>> figure = plot_confusion([[3, 1], [0, 4]], classes=["no cat", "cat"])
    >>> figure.axes[0].get_ylabel()
    'true'
    """
    counts = np.asarray(matrix)
    n = len(counts)
    names = list(map(str, range(n))) if classes is None else list(classes)
    figure = new_figure(max(3.2, 0.5 * n + 2), max(2.8, 0.5 * n + 1.6))
    axes = figure.subplots()
    axes.imshow(counts, cmap="Blues", vmin=0, vmax=max(1, counts.max(initial=0)))
    axes.set_xticks(range(n), names, rotation=45 if max(map(len, names)) > 4 else 0)
    axes.set_yticks(range(n), names)
    axes.set(xlabel="predicted", ylabel="true")
    for i, j in np.ndindex(n, n):
        dark = counts[i, j] > counts.max() / 2
        axes.text(j, i, f"{counts[i, j]}", ha="center", va="center", color="white" if dark else "black")
    return saved(figure, path)


def plot_wrong(
    X: Any,
    labels: Any,
    predicted: Any,
    shape: Sequence[int],
    path: str | os.PathLike[str] | None = None,
    *,
    classes: Sequence[str] | None = None,
    most: int = 12,
) -> Figure:
    """Draw the pictures that were predicted wrong, with what they are and what they were taken for.

    Parameters
    ----------
    X : array, shape (n_x, m)
        A picture a column, values in [0, 1].
    labels, predicted : arrays of m classes
    shape : sequence of int
        What a column is flattened from: (64, 64, 3), or (8, 8).
    path : path, optional
        A file to draw into.
    classes : sequence of str, optional
        Their names.
    most : int
        How many are drawn.

    Examples
    --------
    >>> figure = plot_wrong(np.zeros((4, 3)), [0, 1, 1], [0, 0, 1], (2, 2), classes=["no cat", "cat"])
    >>> [axes.get_title() for axes in figure.axes]
    ['1: cat, taken for no cat']
    """
    pictures, true, given = np.asarray(X), np.ravel(labels).astype(int), np.ravel(predicted).astype(int)
    if pictures.ndim != 2 or math.prod(shape) != pictures.shape[0]:
        raise ValueError(
            f"X is {pictures.shape} and a picture {tuple(shape)}, {math.prod(shape)} numbers; expected "
            f"({math.prod(shape)}, m), a picture a column"
        )
    if not len(true) == len(given) == pictures.shape[1]:
        raise ValueError(
            f"X has {pictures.shape[1]} pictures beside {len(true)} labels and {len(given)} predictions"
        )
    wrong = np.flatnonzero(true != given)[:most]
    columns = max(1, min(4, len(wrong)))
    rows = max(1, -(-len(wrong) // columns))
    figure = new_figure(2.4 * columns, 2.6 * rows)
    if not len(wrong):
        figure.suptitle("none was predicted wrong")
    name = str if classes is None else classes.__getitem__
    for place, j in enumerate(wrong, start=1):
        axes = figure.add_subplot(rows, columns, place)
        axes.imshow(np.clip(pictures[:, j].reshape(shape), 0, 1), cmap="gray")
        axes.set_title(f"{j}: {name(true[j])}, taken for {name(given[j])}", fontsize="small")
        axes.set_axis_off()
    return saved(figure, path)
