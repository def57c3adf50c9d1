"""The table: in the terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.contestants import CONTESTANTS
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
    return f"{microseconds / 1000:.3g} ms"


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
    for heading in ("row", "who", "measured", "at most", ""):
        table.add_column(heading, justify="right" if heading in {"measured", "at most"} else "left")
    for measured in rows:
        for v in judge(measured):
            unit = {"ratio": "", "us": " us", "s": " s, first call"}[v.target.of]
            limit = f"{number(v.limit)}{unit}"
            table.add_row(
                measured.row,
                CONTESTANTS[v.contestant].label,
                f"{number(v.value)}{unit}",
                f"JAX's {limit}" if v.target.limit is None else limit,
                "[green]met" if v.met else "[red]missed",
            )
    return table


def markdown(rows: Sequence[Measured]) -> str:
    """Return the ratios as a Markdown table, W6 in microseconds; the best of a row is bold."""
    present = [c for c in CONTESTANTS if any(c in m.seconds for m in rows) and c != "numpy"]
    lines = [
        "| one step | the course's NumPy | " + " | ".join(CONTESTANTS[c].label for c in present) + " |",
        "|---|--:|" + "--:|" * len(present),
    ]
    for m in rows:
        micro = m.row == "W6"
        values = {c: m.microseconds(c) if micro else m.quartiles(c)[1] for c in present if c in m.seconds}
        best = min(values, key=lambda c: values[c], default=None)
        cells = [
            "" if c not in values else f"**{number(values[c])}**" if c == best else number(values[c])
            for c in present
        ]
        title = f"{m.row} {ROWS[m.row].title}" + (" (microseconds)" if micro else "")
        lines.append(f"| {title} | {seconds(m.microseconds('numpy'))} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
