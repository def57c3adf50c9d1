"""What the programs beyond the course have in common: their command line, and how they end."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from models import pictures
from tinygrad_course.graph import Graph

__all__ = ["command_line", "draw", "finish", "print_costs"]


def command_line(name: str, text: str | None) -> argparse.ArgumentParser:
    """Return a parser with what all programs take: where the pictures go, or that there are to be none."""
    told = (text or "").split("\n\n", maxsplit=1)[0].replace("\n", " ")
    parser = argparse.ArgumentParser(prog=f"python -m models.{name}", description=told)
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of all random numbers (1)")
    parser.add_argument(
        "--out", type=Path, default=Path("out") / name, metavar="FOLDER", help="where the graph is drawn"
    )
    parser.add_argument("--no-graph", action="store_true", help="do without the picture")
    return parser


def print_costs(costs: Sequence[float], of: str = "at iteration", shown: int = 5) -> None:
    """Print some of the costs of a training."""
    for i in range(0, len(costs), max(1, len(costs) // shown)):
        print(f"cost {of} {i:>4}: {costs[i]:.4f}")


def draw(options: argparse.Namespace, name: str, told: str, recorded: Callable[[], Graph]) -> None:
    """Draw a graph, unless it is not wanted, and say where."""
    if not options.no_graph:
        print(f"{told} drawn in {pictures.drawn(recorded(), options.out / f'{name}.svg')}")


def finish(
    run: Callable[[argparse.Namespace], None],
    parser: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
) -> int:
    """Run a program; return the exit status, with one line for what hindered it."""
    options = parser.parse_args(arguments)
    started = time.process_time()
    try:
        run(options)
    except (OSError, ValueError, ModuleNotFoundError, FloatingPointError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    print(f"{time.process_time() - started:.0f} s of processor time")
    return 0
