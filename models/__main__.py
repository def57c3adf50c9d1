"""The whole course, figure by figure: published beside ours.

::

    python -m models                # every experiment, in about five minutes on two cores
    python -m models flower         # one, every figure of it, with its pictures and its graph in out/flower/
    python -m models --fast         # a tenth of the iterations
    python -m models --list
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from models.experiments import EXPERIMENTS, experiment
from models.outcome import Options
from models.published import Comparison
from models.running import Report, run_all, several
from models.table import figure_lines, quantity_lines, summary_line
from tinygrad_course.training.progress import progress

LEGEND = """\
exact             the printed digits, all of them
close             the same to the digits that two machines have in common, which is stated for each
                  figure: those printed in full (15 digits or more), and round-off of a numerical derivative
not reproducible  by anyone, for the reason that is given
missed            none of these
not measured      by this run"""


def build_parser(module: str = "") -> argparse.ArgumentParser:
    """Build the options of the command line, or of that of a module with some of the experiments."""
    parser = argparse.ArgumentParser(
        prog=f"python -m models{module and f'.{module}'}",
        description="Train the course's networks; print published beside ours.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"experiments, by default all ({', '.join(_names(module)) if module else 'see --list'})",
    )
    parser.add_argument("--list", action="store_true", help="list the experiments")
    parser.add_argument("--fast", action="store_true", help="a tenth of the iterations")
    parser.add_argument("--all", action="store_true", help="print every figure, not the quantities alone")
    parser.add_argument(
        "--no-plots", action="store_true", help="draw nothing: needs neither matplotlib nor Graphviz"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("out"), metavar="FOLDER", help="where the pictures go"
    )
    parser.add_argument("--jobs", type=int, metavar="N", help="experiments at a time (by default 2)")
    return parser


def _names(module: str) -> list[str]:
    """Return the experiments of a module, or all."""
    return [e.name for e in EXPERIMENTS if not module or e.run.__module__ == f"models.{module}"]


def main(arguments: Sequence[str] | None = None, module: str = "") -> int:
    """Run what the command line asks for, of all experiments or of those of one module.

    Returns
    -------
    int
        0; 1 where a figure was missed or an experiment could not be run; 2 for a wrong command line; 130
        after Ctrl-C.
    """
    options = build_parser(module).parse_args(arguments)
    if options.list:
        for name in _names(module):
            print(f"{name:<20} {experiment(name).title}")
        return 0
    try:
        names = [experiment(name).name for name in options.names] or _names(module)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    # Matrices this small are fastest on one thread, and the experiments share the cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    every = options.all or len(names) == 1
    out = None if options.no_plots else options.out
    began, reports = time.perf_counter(), []
    try:
        run = Options(fast=options.fast)
        # Several at a time show how many are done; one at a time shows its own iterations.
        show = None if several(names, options.jobs) else False
        with progress("experiments", len(names), show=show) as tell:
            for report in run_all(names, run, out, options.jobs):
                print_report(report, every)
                reports.append(report)
                tell(len(reports))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return conclude(reports, time.perf_counter() - began)


def print_report(report: Report, every: bool) -> None:
    """Print one experiment: its records, its remarks, its files."""
    row = experiment(report.name)
    print(f"\n== {row.title} ({report.seconds:.0f} s)")
    for record in row.records:
        comparisons = report.comparisons[record.name]
        if not comparisons:
            continue
        print(f"{record.name}  [{record.source}]")
        lines = [f"  {line}" for line in figure_lines(comparisons)] if every else quantity_lines(comparisons)
        print("\n".join(lines))
    for remark in report.remarks:
        print(f"  {remark}")
    if report.files:
        print(f"  drawn: {report.files[0].parent}/: {', '.join(path.name for path in report.files)}")
    if report.problem:
        print(f"  {report.problem}")
    sys.stdout.flush()


def conclude(reports: Sequence[Report], seconds: float) -> int:
    """Print a line for each experiment and one for all of them; return the exit status."""
    print("\n== Summary")
    total: list[Comparison] = []
    for report in reports:
        comparisons = [c for record in report.comparisons.values() for c in record]
        total += comparisons
        told = [report.problem] if report.problem else []
        told += [summary_line(comparisons)] if comparisons or not told else []
        print(f"  {report.name:<20} {report.seconds:6.1f} s  {'; '.join(told)}")
    print(f"  {'all':<20} {seconds:6.1f} s  {summary_line(total)}\n\n{LEGEND}")
    missed = any(c.verdict == "missed" for c in total)
    return 1 if missed or any(report.problem for report in reports) else 0


if __name__ == "__main__":
    raise SystemExit(main())
