"""The command: ``python -m benchmarks``, and what it is given: ``growth``, ``nodes``, ``functions`` ..."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module

from benchmarks import environment


def parser() -> argparse.ArgumentParser:
    """Return the command's parser."""
    root = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    root.add_argument(
        "what",
        nargs="?",
        choices=["rows", "outside", "growth", "nodes", "imports", "fresh", "conventions", "functions"],
        default="rows",
        help="steps beside the peers (default), programs from outside, how cost grows, a node, imports, "
        "first calls; whether conventions and functions are theirs",
    )
    root.add_argument(
        "--write", action="store_true", help="put what is found into the tables of README and docs"
    )
    root.add_argument("--rows", help="some of W1, W2, W3, W3s, W4 to W10, separated by commas")
    root.add_argument("--rounds", type=int, help="rounds, each of which times everybody once (default 40)")
    root.add_argument("--threads", choices=["1", "all"], default="1", help="threads of the libraries")
    root.add_argument(
        "--clock",
        choices=["wall", "processor"],
        default="wall",
        help="processor: seconds that the process had a processor, for a machine with other work; one thread",
    )
    root.add_argument(
        "--only", help="who takes part beside the baseline: ours, torch, jax, ..., or compiled, loop, ..."
    )
    root.add_argument("--json", metavar="FILE", help="write every measurement")
    root.add_argument("--plot", metavar="FILE", help="write the picture (default out/benchmarks.png)")
    root.add_argument("--seed", type=int, default=0, help="of the order within the rounds")
    root.add_argument(
        "--small", action="store_true", help="tiny work, to see that it runs; times mean nothing"
    )
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = parser().parse_args(arguments)
    if options.rounds is not None and options.rounds < 1:
        parser().error(f"--rounds {options.rounds}: at least 1")
    if options.clock == "processor" and options.threads != "1":
        parser().error("--clock processor counts every thread's time: for --threads 1 alone")
    if options.write and (options.rows or options.only or options.small):
        parser().error("--write writes whole tables: leave --rows, --only and --small away")
    environment.set_threads(options.threads)
    with tempfile.TemporaryDirectory() as cache:
        # First calls are to compile, whatever an earlier run has left.
        os.environ["TINYGRAD_COURSE_CACHE"] = cache
        module = import_module(f"benchmarks.{options.what}")
        status: int = module.run(options)
    return status


if __name__ == "__main__":
    sys.exit(main())
