"""What the programs beyond the course have in common: their command line, and how they end."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["command_line", "finish"]


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
