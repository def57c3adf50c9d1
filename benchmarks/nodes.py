"""``python -m benchmarks nodes``: what the recorder adds to a NumPy call, and what a node weighs."""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import pages
from benchmarks.progress import progress
from benchmarks.subprocesses import asked
from tinygrad_course import Tensor

LENGTH = 1000  # nodes in the chains whose cost beyond NumPy's is taken
LONG = 1_000_000
HEADING = "chain of", "NumPy's own", "the recorder's beyond that"
FACTOR = 1.0000001
Pair = tuple[Callable[[int], Any], Callable[[int], Any]]


def by_hand(x: Any, forward: Any, slope: Any) -> Callable[[int], Any]:
    """Return the chain's own calls: n forward, n backward."""

    def run(n: int) -> Any:
        values = []
        for _ in range(n):
            values.append(x)
            y = forward(values[-1])
        g = np.ones_like(y)
        for value in reversed(values):
            g = slope(g, value)
        return g

    return run


def recorded(x: Any, forward: Any) -> Callable[[int], Any]:
    """Return the chain, recorded and differentiated."""

    def run(n: int) -> Any:
        first = y = Tensor(x)
        for _ in range(n):
            y = forward(y)
        total = y if np.ndim(x) == 0 else np.sum(y)
        total.backward()
        return first.grad

    return run


def pairs() -> dict[str, Pair]:
    """Return chains of one operation each: by hand, and recorded."""
    column = np.linspace(-1, 1, 4).reshape(4, 1)
    found: dict[str, Pair] = {}
    for words, x in (("4 numbers", column), ("a number", 0.5)):
        found[f"x * c, {words}"] = (
            by_hand(x, lambda v: v * FACTOR, lambda g, v: g * FACTOR),
            recorded(x, lambda v: v * FACTOR),
        )
    found["np.tanh(x), 4 numbers"] = (
        by_hand(column, np.tanh, lambda g, v: g * (1 - v * v)),
        recorded(column, np.tanh),
    )
    found["x + b, 4 numbers"] = (
        by_hand(column, lambda v: v + column, lambda g, v: g),
        recorded(column, lambda v: v + column),
    )
    return found


def clock(name: str) -> Callable[[], float]:
    """Return the clock of that name."""
    return time.process_time if name == "processor" else time.perf_counter


def beyond(pair: Pair, rounds: int, now: Callable[[], float]) -> tuple[float, float]:
    """Return microseconds a node: NumPy's own, and the recorder's beyond them; medians over the rounds."""
    own, extra = [], []
    for _ in range(rounds):
        times = []
        for run in pair:
            gc.collect()
            begin = now()
            for _ in range(5):
                run(LENGTH)
            times.append((now() - begin) / 5 / LENGTH)
        own.append(times[0])
        extra.append(times[1] - times[0])
    return 1e6 * float(np.median(own)), 1e6 * float(np.median(extra))


def chain(n: int, now: Callable[[], float], weigh: bool) -> dict[str, float]:
    """Record a chain of n nodes on a number and differentiate it; return seconds, or bytes where weighed."""
    first = Tensor(1.0)
    gc.collect()
    if weigh:
        tracemalloc.start()
    begin = now()
    y = first
    for _ in range(n):
        y = y * FACTOR
    middle = now()
    held = tracemalloc.get_traced_memory()[0] if weigh else 0
    y.backward()
    end = now()
    peak = tracemalloc.get_traced_memory()[1] if weigh else 0
    expected = FACTOR**n
    if not abs(first.grad / expected - 1) < 1e-6:
        raise ArithmeticError(f"the gradient of the chain is {first.grad}, not {expected}")
    return {"record": middle - begin, "backward": end - middle, "held": held, "peak": peak}


def verdict(value: float, limit: float) -> str:
    """Return whether a limit is met, in its colour."""
    return "[green]met[/]" if value <= limit else "[red]missed[/]"


def run(options: argparse.Namespace) -> int:
    """Measure and print."""
    from rich.console import Console
    from rich.table import Table

    rounds = options.rounds or 40
    console = Console()
    table = Table(
        title=f"Microseconds a node, forward and backward ({options.clock} time)", title_justify="left"
    )
    for heading in ("chain of 1,000", "NumPy's own", "the recorder's beyond that", "at most", ""):
        table.add_column(heading, justify="left" if heading.startswith("chain") else "right")
    found: dict[str, Any] = {}
    with progress(rounds) as advance:
        for words, pair in pairs().items():
            advance(words)
            found[words] = beyond(pair, rounds, clock(options.clock))
            table.add_row(words, *[f"{x:.2f}" for x in found[words]], "1", verdict(found[words][1], 1.0))
    console.print(table)
    cells = [[words, *(f"{x:.2f}" for x in both)] for words, both in found.items()]
    n = LENGTH if options.small else LONG
    weight = asked("-m", "benchmarks.nodes", str(min(n, 100_000)), options.clock, "weigh")
    runs = [asked("-m", "benchmarks.nodes", str(n), options.clock) for _ in range(1 if options.small else 5)]
    best = {part: float(np.median([r[part] for r in runs])) / n * 1e6 for part in ("record", "backward")}
    held, peak = (weight[part] / min(n, 100_000) for part in ("held", "peak"))
    whole = best["record"] + best["backward"]
    console.print(
        f"a chain of {n:,}: {whole:.2f} us a node "
        f"({best['record']:.2f} recorded, {best['backward']:.2f} back), "
        f"{held:.0f} bytes a node held, {peak:.0f} at the peak of the way back; "
        f"at most 2 us, {verdict(whole, 2.0)}, and 250 bytes, {verdict(held, 250)}"
    )
    found["long chain"] = best | {"bytes held": held, "bytes at the peak": peak, "nodes": n}
    pages.keep(options, "nodes", found, HEADING, cells, "docs/benchmarks.md")
    return 0


if __name__ == "__main__":
    print(json.dumps(chain(int(sys.argv[1]), clock(sys.argv[2]), weigh="weigh" in sys.argv)))
