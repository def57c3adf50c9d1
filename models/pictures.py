"""What every picture of a run needs: no display, and a file that is written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["cost_curve", "new_figure", "save"]


def new_figure(width: float = 6.4, height: float = 4.0) -> Figure:
    """Return an empty figure that no window system knows of.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure as MatplotlibFigure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "pictures need matplotlib: pip install matplotlib, or go without them (--no-plots)"
        ) from error
    return MatplotlibFigure(figsize=(width, height), layout="constrained")


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure by its suffix, whole or not at all.

    Parameters
    ----------
    figure : matplotlib Figure
    path : path
        Its folder is made where it is missing.

    Returns
    -------
    Path
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(suffix=target.suffix, dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            figure.savefig(file, format=target.suffix.lstrip(".") or "png", dpi=120)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def cost_curve(axes: Axes, costs: Mapping[int, float], label: str = "", unit: str = "iteration") -> None:
    """Draw costs against iterations.

    Parameters
    ----------
    axes : matplotlib Axes
    costs : mapping of int to float
        Iteration to cost, as `models.descent.descend` returns it.
    label : str
        For a legend, where several curves share the axes.
    unit : str
        ``"iteration"`` or ``"epoch"``.
    """
    axes.plot(list(costs), list(costs.values()), label=label or None)
    axes.set_xlabel(unit)
    axes.set_ylabel("cost J")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, color="0.92")
    axes.set_axisbelow(True)
