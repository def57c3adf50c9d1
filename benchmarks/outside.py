"""``python -m benchmarks outside``: value and gradient of programs from outside the course, beside JAX."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import pages
from benchmarks.environment import installed
from benchmarks.outside_programs import PROGRAMS, Program
from benchmarks.progress import progress
from benchmarks.table import number, seconds

OURS = ("recorder", "compiled, NumPy", "compiled, machine code")
HEADING = "program", "JAX jit takes", *OURS, "first call, JAX", "machine code"
SAMPLE = 0.02  # seconds that a sample lasts at least
ROUNDS = 15
#: How far gradients may be apart, of the largest entry: by rounding alone, in single and double precision.
TOLERANCE = {"f": 2e-3, "d": 1e-7}


def steps(given: Program) -> dict[str, Callable[[], Any]]:
    """Return what each makes of a program, as a call that returns value and gradients."""
    from tinygrad_course import compiled, value_and_grad

    cost, parameters, data = given

    def of(p: Any, *data: Any) -> Any:
        return cost(np, p, *data)

    step = value_and_grad(of)
    made = dict(zip(OURS, (step, compiled(step), compiled(step, engine="machine")), strict=True))
    found = {name: lambda f=f: f(parameters, *data) for name, f in made.items()}
    if "jax" in installed():
        import jax

        jax.config.update("jax_enable_x64", True)
        theirs = jax.jit(jax.value_and_grad(lambda p, *data: cost(jax.numpy, p, *data)))
        p, *rest = jax.device_put((parameters, *data))
        found["JAX jit"] = lambda: jax.block_until_ready(theirs(p, *rest))
    return found


def apart(ours: Any, theirs: Any) -> float:
    """Return how far two results are apart, in tolerances."""
    worst = 0.0
    for name, g in (ours[1] | {"": ours[0]}).items():
        other = np.asarray(theirs[1][name] if name else theirs[0], float)
        size = float(np.max(np.abs(other), initial=1e-30))
        tolerance = TOLERANCE[np.asarray(g).dtype.char]
        worst = max(worst, float(np.max(np.abs(g - other), initial=0.0)) / size / tolerance)
    return worst


def measured(calls: dict[str, Callable[[], Any]], rounds: int, now: Callable[[], float]) -> dict[str, float]:
    """Return the median seconds of each, in rounds that time everybody once."""
    counts: dict[str, int] = {}
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for name, call in calls.items():
        begin = now()
        call()
        counts[name] = max(1, int(SAMPLE / max(now() - begin, 1e-6)))
    for _ in range(rounds):
        for name, call in calls.items():
            begin = now()
            for _ in range(counts[name]):
                call()
            taken[name].append((now() - begin) / counts[name])
    return {name: statistics.median(times) for name, times in taken.items()}


def run(options: argparse.Namespace) -> int:
    """Measure and print; results are compared first."""
    from rich.console import Console
    from rich.table import Table

    now = time.process_time if options.clock == "processor" else time.perf_counter
    found: dict[str, Any] = {}
    differ = []
    with progress(len(PROGRAMS)) as advance:
        for name, make in PROGRAMS.items():
            advance(name, 1)
            calls = steps(make(np.random.default_rng(options.seed)))
            results, first = {}, {}
            for who, call in calls.items():
                begin = now()
                results[who] = call()
                first[f"first {who}"] = now() - begin
            right = results.get("JAX jit", results["recorder"])
            differ += [f"{name}: {who}" for who in OURS if apart(results[who], right) > 1]
            if not options.small:
                found[name] = measured(calls, options.rounds or ROUNDS, now) | first
    table = Table(title="Programs from outside, value and gradient, ratios to JAX", title_justify="left")
    for heading in HEADING:
        table.add_column(heading, justify="left" if heading == HEADING[0] else "right")
    cells = [_cells(name, times) for name, times in found.items()]
    for row in cells:
        table.add_row(*row)
    console = Console(width=110)
    console.print(table)
    for who in differ:
        console.print(f"[red]{who} computes something else")
    pages.keep(options, "outside", found, HEADING, cells, "docs/benchmarks.md")
    return int(bool(differ))


def _cells(name: str, times: dict[str, float]) -> list[str]:
    """Return a row: ratios to JAX, or times where it is not installed, and the seconds of first calls."""
    theirs = times.get("JAX jit")
    ours = [seconds(1e6 * times[who]) if theirs is None else number(times[who] / theirs) for who in OURS]
    first = [times.get(f"first {who}") for who in ("JAX jit", OURS[-1])]
    told = "" if theirs is None else seconds(1e6 * theirs)
    return [name, told, *ours, *("" if t is None else f"{t:.2f} s" for t in first)]
