"""The table as a picture: ratios on a logarithmic scale, one panel a row."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.contestants import CONTESTANTS, YARDSTICKS
from benchmarks.measuring import Measured
from benchmarks.table import number
from benchmarks.workloads import ROWS
from tinygrad_course.training.plots import new_figure, saved

OURS, BY_HAND, PEER = "#1f6fb4", "#777777", "#d9822b"


def draw(rows: Sequence[Measured], path: Path, footer: str) -> Path:
    """Write the picture; its format is the path's suffix."""
    from matplotlib.lines import Line2D
    from matplotlib.ticker import LogLocator, NullFormatter

    columns = min(4, len(rows))  # eleven panels and the key: the shape of a slide
    lines = -(-len(rows) // columns)
    figure = new_figure(5.1 * columns, 3.6 * lines + 0.6)
    axes = figure.subplots(lines, columns, squeeze=False)
    for ax, measured in zip(axes.flat, rows, strict=False):
        in_microseconds = measured.row == "W6"
        names = [c for c in CONTESTANTS if c in measured.seconds][::-1]
        for y, name in enumerate(names):
            family = CONTESTANTS[name].family
            by_hand = name in {*YARDSTICKS, "tuned"}
            colour = PEER if family != "ours" else BY_HAND if by_hand else OURS
            q1, median, q3 = measured.quartiles(name)
            if in_microseconds:
                q1, median, q3 = 1e6 * np.percentile(measured.seconds[name], [25, 50, 75])
            ax.plot([q1, q3], [y, y], color=colour, linewidth=5, alpha=0.35, solid_capstyle="butt")
            ax.plot(median, y, "o", color=colour, markersize=6)
            ax.annotate(number(median), (q3, y), (7, 0), textcoords="offset points", va="center", size=8)
        ax.set_xscale("log")
        low, high = ax.get_xlim()
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 300 * low else (1.0,)))
        ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.margins(x=0.2)
        if not in_microseconds:
            ax.axvline(1, color="#bbbbbb", linewidth=1, zorder=0)
        ax.set_yticks(range(len(names)), [CONTESTANTS[n].label for n in names], fontsize=8)
        words = ", microseconds" if in_microseconds else ""
        title = textwrap.fill(f"{measured.row}  {ROWS[measured.row].title}{words}", 44)
        ax.set_title(title, fontsize=9, loc="left")
        ax.grid(axis="x", alpha=0.25)
        ax.tick_params(axis="x", labelsize=7)
    for ax in axes.flat[len(rows) :]:
        ax.set_axis_off()
    kinds = {"the library": OURS, "by hand": BY_HAND, "other libraries": PEER}
    keys = [
        Line2D([], [], marker="o", linestyle="", color=colour, label=told) for told, colour in kinds.items()
    ]
    figure.legend(handles=keys, loc="outside upper right", ncols=3, fontsize=10, frameon=False)
    figure.supxlabel(f"time of a step, the course's NumPy = 1; median and quartiles. {footer}", fontsize=10)
    saved(figure, path)
    return path
