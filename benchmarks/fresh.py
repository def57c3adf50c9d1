"""``python -m benchmarks fresh``: first calls, those of a second process, peak memory."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from benchmarks import pages, rows
from benchmarks.contestants import CONTESTANTS
from benchmarks.environment import PEERS, installed
from benchmarks.progress import progress
from benchmarks.subprocesses import asked, empty_cache
from benchmarks.table import seconds
from benchmarks.workloads import FURTHER, ROWS

MEBIBYTE = 2**20
PATIENCE = 300.0
WARM = 0.3  # seconds that the first call of a second process may take
ENGINES = ("compiled", "machine", "loop")
COMPILING = (*ENGINES, "jax")
HEADING = "row", *(CONTESTANTS[name].label for name in COMPILING), "machine code, second process"
TOLD = ("raw", "functions", *ENGINES, "torch", "jax")


def run(options: argparse.Namespace) -> int:
    """Measure and print; rows and contestants as in the table of steps."""
    from rich.console import Console
    from rich.table import Table

    keys = [*rows.chosen(options.rows), *([] if options.rows else FURTHER)]
    names = [c for c in rows.taking_part(options.only) if c in TOLD]
    names = [c for c in names if CONTESTANTS[c].family not in PEERS or CONTESTANTS[c].family in installed()]
    found: dict[str, dict[str, Any]] = {}
    with progress(len(keys) * len(names)) as advance:
        for key in keys:
            for name in names:
                advance(f"{key}: {CONTESTANTS[name].label}", 1)
                measured = both(key, name, small=options.small, clock=options.clock)
                if measured:
                    found.setdefault(key, {})[name] = measured
    table = Table(title=f"In a fresh process ({options.clock} time)", title_justify="left")
    for heading in (
        "row",
        "",
        "first call",
        "of JAX's",
        "in a second process",
        "peak memory",
        "of PyTorch's",
    ):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=heading == "row")
    for key, of_row in found.items():
        for name, m in of_row.items():
            cells = [key, CONTESTANTS[name].label]
            if "problem" in m:
                table.add_row(*cells, f"[red]{m['problem'][:40]}")
                continue
            met = "" if name not in ENGINES else " [green]met" if m["again"] <= WARM else " [red]missed"
            table.add_row(
                *cells,
                seconds(1e6 * m["first"]),
                _of(of_row, name, "first", "jax", ENGINES),
                seconds(1e6 * m["again"]) + met,
                f"{m['peak'] / MEBIBYTE:.0f} MiB",
                _of(of_row, name, "peak", "torch", ("raw", "functions")),
            )
    Console(width=120).print(table)
    cells = [_cells(key, found[key]) for key in ROWS if key in found]
    pages.keep(options, "fresh", found, HEADING, cells, "docs/compile.md")
    return 0


def _cells(key: str, of_row: dict[str, Any]) -> list[str]:
    """Return a row's seconds: the first calls of who compiles, and machine code's in a second process."""
    times = [of_row.get(name, {}).get("first") for name in COMPILING]
    times.append(of_row.get("machine", {}).get("again"))
    return [f"{key} {ROWS[key].title.split(',')[0]}", *("" if t is None else f"{t:.2f}" for t in times)]


def _of(of_row: dict[str, Any], name: str, what: str, rival: str, judged: tuple[str, ...]) -> str:
    """Return the ratio to a rival, and whether it is within 1."""
    theirs = of_row.get(rival, {}).get(what)
    if not theirs or name not in judged:
        return ""
    ratio = of_row[name][what] / theirs
    return f"{ratio:.2f} " + ("[green]met" if ratio <= 1 else "[red]missed")


def both(key: str, name: str, *, small: bool, clock: str) -> dict[str, Any]:
    """Return the first call with an empty cache, again with what that left, and the peak."""
    with empty_cache():
        try:
            words = ("-m", "benchmarks.fresh", key, name, str(int(small)), clock)
            found: dict[str, Any] = asked(*words, timeout=PATIENCE)
            if found and "problem" not in found:
                found["again"] = asked(*words, timeout=PATIENCE)["first"]
        except (TimeoutError, RuntimeError) as error:
            found = {"problem": str(error)}
    return found


def once(key: str, name: str, *, small: bool, clock: str) -> dict[str, Any]:
    """Return the seconds of the first call, and how much memory some steps have taken beyond the imports."""
    import time

    from benchmarks.contestants import makers
    from benchmarks.growing import peak_rss

    row = (ROWS | FURTHER)[key]
    work = row.make(small)
    make = makers(CONTESTANTS[name].family, row, work).get(name)
    if make is None:
        return {}
    now = time.process_time if clock == "processor" else time.perf_counter
    before = peak_rss()
    begin = now()
    runner = make()
    state = runner.run(runner.start(), 1)
    first = now() - begin
    runner.run(state, 3)
    return {"first": first, "peak": peak_rss() - before}


if __name__ == "__main__":
    print(json.dumps(once(sys.argv[1], sys.argv[2], small=sys.argv[3] == "1", clock=sys.argv[4])))
