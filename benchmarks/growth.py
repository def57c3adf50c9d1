"""``python -m benchmarks growth``: time and peak memory against nodes, layers, units and examples."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks import pages
from benchmarks.growing import AXES
from benchmarks.progress import progress
from benchmarks.subprocesses import asked, empty_cache
from benchmarks.table import seconds

MEBIBYTE = 2**20
TIMEOUT = 120.0
HEADING = "against", "sizes", "time", "exponent", "peak memory", "exponent"


@dataclass
class Curve:
    """One axis's measurements."""

    axis: str
    sizes: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)  # bytes beyond the process before the work

    @property
    def time_exponent(self) -> float:
        """p in time ~ size**p, over the larger half of the sizes, where fixed costs no longer hide it."""
        return exponent(self.sizes, self.seconds)

    @property
    def memory_exponent(self) -> float:
        """The same of peak memory, over the points that stand out of the allocator's noise."""
        points = [(n, peak) for n, peak in zip(self.sizes, self.peaks, strict=True) if peak > 2 * MEBIBYTE]
        return exponent([n for n, _ in points], [peak for _, peak in points])


def exponent(sizes: list[int], values: list[float]) -> float:
    """Return the slope of the logarithms over the larger half; NaN for fewer than two points.

    Examples
    --------
    >>> exponent([1, 10, 100, 1000], [5.0, 5.0, 50.0, 500.0])
    1.0
    """
    half = max(2, (len(sizes) + 1) // 2)
    if len(sizes) < 2:
        return float("nan")
    slope = np.polyfit(np.log10(sizes[-half:]), np.log10(values[-half:]), 1)[0]
    return round(float(slope), 6)


def measure(small: bool, rounds: int, clock: str) -> list[Curve]:
    """Return a curve for each axis: the quickest of some fresh processes a size."""
    curves = []
    total = sum(len(axis.sizes) for axis in AXES.values())
    with progress(total) as advance:
        for name, axis in AXES.items():
            curve = Curve(name)
            for n in axis.sizes[:3] if small else axis.sizes:
                advance(f"{name}: {n:,}")
                try:
                    runs = []
                    for _ in range(rounds):
                        with empty_cache():  # a compiled step's first call is to compile
                            found = asked("-m", "benchmarks.growing", name, str(n), clock, timeout=TIMEOUT)
                        runs.append(found)
                except TimeoutError:
                    break  # the curve ends where patience does, and the table says so
                curve.sizes.append(n)
                curve.seconds.append(min(r["seconds"] for r in runs))
                curve.peaks.append(float(np.median([r["peak"] for r in runs])))
                advance(name, 1)
            curves.append(curve)
    return curves


def run(options: argparse.Namespace) -> int:
    """Measure, print and draw."""
    from rich.console import Console
    from rich.table import Table

    rounds = options.rounds or 3
    curves = measure(options.small, rounds, options.clock)
    table = Table(title="How cost grows", title_justify="left")
    for heading in HEADING:
        table.add_column(heading, justify="left" if heading == "against" else "right", no_wrap=True)
    cells = [_cells(curve, options.small) for curve in curves]
    for row in cells:
        table.add_row(*row)
    Console(width=120).print(table)
    picture = Path(options.plot or "out/growth.png")
    if not options.plot:
        picture.parent.mkdir(exist_ok=True)
    print(f"wrote {draw(curves, picture)}")
    found = {c.axis: vars(c) | {"exponents": [c.time_exponent, c.memory_exponent]} for c in curves}
    pages.keep(options, "growth", found, HEADING, cells, "docs/benchmarks.md")
    return 0


def _cells(curve: Curve, small: bool) -> list[str]:
    axis = AXES[curve.axis]
    if not curve.sizes:
        return [axis.title, f"over {TIMEOUT:.0f} s at the smallest", "", "", "", ""]
    ended = "" if curve.sizes[-1] == axis.sizes[-1] or small else " (ran out of time)"
    return [
        axis.title,
        f"{curve.sizes[0]:,} to {curve.sizes[-1]:,}{ended}",
        f"{seconds(1e6 * curve.seconds[0])} to {seconds(1e6 * curve.seconds[-1])}",
        f"{curve.time_exponent:.2f}",
        f"{curve.peaks[-1] / MEBIBYTE:.0f} MiB",
        f"{curve.memory_exponent:.2f}",
    ]


def draw(curves: list[Curve], path: Path) -> Path:
    """Write the picture: time and peak memory, both scales logarithmic."""
    # here: the peak of a process that is started begins with the memory of the one that starts it
    from tinygrad_course.training.plots import new_figure, saved

    figure = new_figure(11, 5.2)
    times, memory = figure.subplots(1, 2)
    for curve in curves:
        words = AXES[curve.axis].title
        label = f"{words}: time ~ n^{curve.time_exponent:.2f}, memory ~ n^{curve.memory_exponent:.2f}"
        times.plot(curve.sizes, curve.seconds, "o-", ms=4, label=label)
        memory.plot(curve.sizes, np.maximum(curve.peaks, 1) / MEBIBYTE, "o-", ms=4)
    for ax, words in ((times, "seconds"), (memory, "MiB at the peak")):
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_ylabel(words)
        ax.grid(alpha=0.25)
        ax.set_xlabel("n")
    figure.legend(
        loc="outside lower center", ncols=2, fontsize=8, title="n counts", title_fontsize=8, frameon=False
    )
    memory.set_ylim(bottom=0.1)
    saved(figure, path)
    return path
