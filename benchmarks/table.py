"""The tables: in the terminal, and as cells for the pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.contestants import BASELINE, CONTESTANTS, YARDSTICKS
from benchmarks.measuring import Measured
from benchmarks.targets import judge
from benchmarks.workloads import ROWS


def number(x: float) -> str:
    """Return a ratio with three digits, or fewer where they say nothing."""
    return f"{x:.3f}" if x < 0.1 else f"{x:.2f}" if x < 10 else f"{x:.0f}"


def seconds(microseconds: float) -> str:
    """Return a duration in its unit."""
    if microseconds < 1000:
        return f"{microseconds:.3g} us"
    if microseconds < 1e6:
        return f"{microseconds / 1000:.3g} ms"
    return f"{microseconds / 1e6:.3g} s"


TARGETS_HEADING = "row", "who", "measured", "at most", ""


def row_table(measured: Measured) -> Any:
    """Return a row's contestants.

    A step's time, its ratio with the quartiles, the first call, how far the results are off in tolerances,
    and how many processors were busy: more than one means threads, less that others wanted the processor.
    """
    from rich.table import Table

    table = Table(min_width=100, title=f"{measured.row}  {ROWS[measured.row].title}", title_justify="left")
    table.add_column("", no_wrap=True)
    for heading in ("a step", "ratio", "quartiles", "first call", "off", "busy"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, judged in measured.judged.items():
        label = CONTESTANTS[name].label
        if judged.problem:
            table.add_row(label, "[red]out", *[""] * 5)
            continue
        q1, median, q3 = measured.quartiles(name)
        table.add_row(
            label,
            seconds(measured.microseconds(name)),
            number(median),
            f"{number(q1)} to {number(q3)}",
            f"{judged.first:.2g} s",
            f"{judged.difference:.1g}",
            f"{judged.threads:.1f}",
        )
    return table


def target_table(rows: Sequence[Measured]) -> Any:
    """Return the targets beside what was measured."""
    from rich.table import Table

    table = Table(title="Targets, on the median", title_justify="left")
    for heading in TARGETS_HEADING:
        table.add_column(heading, justify="left" if heading in {"row", "who", ""} else "right")
    for *cells, met in target_cells(rows):
        table.add_row(*cells, "[green]met" if met == "met" else "[red]missed")
    return table


def target_cells(rows: Sequence[Measured]) -> list[list[str]]:
    """Return the rows of the table of targets."""
    found = []
    for measured in rows:
        for v in judge(measured):
            unit = {"ratio": "", "us": " us", "s": " s, first call"}[v.target.of]
            of = f" ({v.target.limit:g} of {_named(v.target.rivals)})" if v.target.rivals else ""
            who, met = CONTESTANTS[v.contestant].label, "met" if v.met else "**missed**"
            value, limit = (f"{number(x)}{unit}" for x in (v.value, v.limit))
            found.append([measured.row, who, value, limit + of, met])
    return found


def _named(rivals: Sequence[str]) -> str:
    return CONTESTANTS[rivals[0]].label.split(" jit")[0].strip("()")


def step_cells(rows: Sequence[Measured]) -> list[list[str]]:
    """Return the ratios, the heading first, W6 in microseconds; the best of a column is bold."""
    present = [c for c in CONTESTANTS if c != BASELINE and any(c in m.seconds for m in rows)]
    columns = {m.row: _column(m) for m in rows}
    return [
        ["", *(f"{row}, us" if row == "W6" else row for row in columns)],
        [f"{CONTESTANTS[BASELINE].label} takes", *(seconds(m.microseconds(BASELINE)) for m in rows)],
        *([CONTESTANTS[c].label, *(column.get(c, "") for column in columns.values())] for c in present),
    ]


def _column(m: Measured) -> dict[str, str]:
    """Return a row of the benchmarks as the cells of a column, the best of those who compete in bold."""
    values = {c: m.microseconds(c) if m.row == "W6" else m.quartiles(c)[1] for c in m.seconds}
    competing = {c: v for c, v in values.items() if c not in YARDSTICKS}
    best = min(competing, key=lambda c: competing[c], default=None)
    return {c: f"**{number(v)}**" if c == best else number(v) for c, v in values.items()}
