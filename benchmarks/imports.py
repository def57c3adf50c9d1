"""``python -m benchmarks imports``: what an import takes, beyond what Python itself takes to start."""

from __future__ import annotations

import argparse
import random
import time
from importlib.util import find_spec

import numpy as np

from benchmarks import pages
from benchmarks.progress import progress
from benchmarks.subprocesses import python

BARE = "pass"
STATEMENTS = (
    "import tinygrad_course",
    "from tinygrad_course import Tensor, value_and_grad",
    "from tinygrad_course import compiled, functions",
    "import numpy",
    "import scipy.special",
    "import scipy.linalg",
    "import llvmlite.binding",
    "import micrograd.engine",
    "import autograd.numpy",
    "import jax",
    "import mygrad",
    "import torch",
)
ROUNDS = 10
HEADING = "", "ms"


def measure(statements: list[str], rounds: int, clock: str, seed: int = 0) -> dict[str, list[float]]:
    """Return the seconds of each statement in each round, less those of a Python that does nothing."""
    everyone = [BARE, *statements]
    found: dict[str, list[float]] = {statement: [] for statement in statements}
    shuffle = random.Random(seed)
    for statement in everyone:  # writes byte code, and fills the disk's cache
        python("-c", statement)
    with progress(rounds) as advance:
        for _ in range(rounds):
            shuffle.shuffle(everyone)
            taken = {}
            for statement in everyone:
                advance(statement)
                begin = time.perf_counter()
                processor = float(python("-c", f"{statement}\nimport time\nprint(time.process_time())"))
                taken[statement] = processor if clock == "processor" else time.perf_counter() - begin
            for statement in statements:
                found[statement].append(taken[statement] - taken[BARE])
            advance("", 1)
    return found


def run(options: argparse.Namespace) -> int:
    """Measure and print."""
    from rich.console import Console
    from rich.table import Table

    rounds = options.rounds or ROUNDS
    present = [s for s in STATEMENTS if find_spec(s.split()[1].partition(".")[0]) is not None]
    found = measure(present, rounds, options.clock, options.seed)
    table = Table(
        title=f"Imports, milliseconds over Python's own ({options.clock} time, {rounds} rounds)",
        title_justify="left",
    )
    table.add_column("")
    table.add_column("median", justify="right")
    table.add_column("quartiles", justify="right")
    for statement in present:
        q1, median, q3 = 1000 * np.percentile(found[statement], [25, 50, 75])
        table.add_row(statement, f"{median:.0f}", f"{q1:.0f} to {q3:.0f}")
    Console().print(table)
    rows = [[f"`{statement}`", f"{1000 * np.median(found[statement]):.0f}"] for statement in present]
    pages.keep(options, "imports", found, HEADING, rows, "docs/benchmarks.md")
    return 0
