"""``python -m benchmarks``: the rows, their table, the targets, the picture."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import environment, pages, plot, table, targets
from benchmarks.contestants import CONTESTANTS
from benchmarks.measuring import Families, Measured, absent
from benchmarks.progress import progress
from benchmarks.workloads import ROWS
from tinygrad_course.files import write

ROUNDS = 40


def run(options: argparse.Namespace) -> int:
    """Measure and print; the exit status is 1 if a contestant failed or was wrong."""
    from rich.console import Console

    console = Console() if sys.stdout.isatty() else Console(width=120)
    rows = chosen(options.rows)
    rounds = options.rounds or ROUNDS
    contestants = taking_part(options.only)
    about = environment.describe(options.threads) | {
        "clock": options.clock,
        "rounds": str(rounds),
        "date": today(),
    }
    console.print(", ".join(f"{k} {v}" for k, v in about.items()))
    if gone := [c for c in absent() if c in contestants]:
        labels = ", ".join(CONTESTANTS[c].label for c in gone)
        console.print(f"not installed, so not here: {labels}")
        if options.write:
            raise SystemExit(f"--write writes the whole table, and these are missing: {labels}")
    results = []
    with Families(options.threads, contestants) as families, progress(rounds * len(rows)) as advance:
        for key in rows:
            measured = families.measure(
                key,
                rounds,
                seed=options.seed,
                small=options.small,
                clock=options.clock,
                tell=lambda words, done, total: advance(words, 1 if done else 0),
            )
            console.print(table.row_table(measured))
            results.append(measured)
    console.print(table.target_table(results))
    if options.write:
        heading, *cells = table.step_cells(results)
        pages.put(heading, cells, *pages.STEPS)
        pages.put(table.TARGETS_HEADING, table.target_cells(results), "docs/benchmarks.md")
    if options.json:
        save(results, about, Path(options.json))
    picture = Path(options.plot or "out/benchmarks.png")
    if not options.plot:
        picture.parent.mkdir(exist_ok=True)
    footer = f"{about['processor']}, threads: {options.threads}, {options.clock} time, {about['date']}"
    console.print(f"wrote {plot.draw(results, picture, footer)}")
    wrong = [(m.row, j) for m in results for j in m.judged.values() if j.problem]
    for row, judged in wrong:
        console.print(f"[red]{row}, {CONTESTANTS[judged.key].label}: {judged.problem}")
    return 1 if wrong else 0


def chosen(names: str | None) -> list[str]:
    """Return the rows asked for.

    Raises
    ------
    SystemExit
        For a row that is none of these.
    """
    rows = names.split(",") if names else list(ROWS)
    unknown = [row for row in rows if row not in ROWS]
    if unknown:
        raise SystemExit(f"no row is called {', '.join(unknown)}; the rows are {', '.join(ROWS)}")
    return rows


def taking_part(names: str | None) -> list[str]:
    """Return the contestants asked for by their own names or their families'.

    Raises
    ------
    SystemExit
        For a name that is none of these.
    """
    if not names:
        return list(CONTESTANTS)
    asked = set(names.split(","))
    unknown = asked - set(CONTESTANTS) - {c.family for c in CONTESTANTS.values()}
    if unknown:
        raise SystemExit(
            f"nobody is called {', '.join(sorted(unknown))}; there are ours, {', '.join(CONTESTANTS)}"
        )
    return [c.key for c in CONTESTANTS.values() if c.key in asked or c.family in asked]


def today() -> str:
    """Return the date."""
    return dt.datetime.now(tz=dt.UTC).date().isoformat()


def save(results: Sequence[Measured], about: dict[str, str], path: Path) -> None:
    """Write every measurement as JSON, whole or not at all."""
    content: dict[str, Any] = {
        "about": about,
        "rows": {
            m.row: {
                name: asdict(judged)
                | (
                    {"seconds": m.seconds[name], "quartiles of the ratio": m.quartiles(name)}
                    if name in m.seconds
                    else {}
                )
                for name, judged in m.judged.items()
            }
            for m in results
        },
        "targets": [
            {
                "row": v.target.row,
                "contestant": v.contestant,
                "limit": v.limit,
                "value": v.value,
                "met": v.met,
                "of": v.target.of,
                "rivals": v.target.rivals,
            }
            for m in results
            for v in targets.judge(m)
        ],
    }
    write(path, json.dumps(content, indent=1).encode())
