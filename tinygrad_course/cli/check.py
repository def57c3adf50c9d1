"""``tinygrad-course check homework.py``: find the mistake in a hand-written backward pass."""

import argparse
import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinygrad_course.audit.reporting.handout import as_json, marks, page
from tinygrad_course.audit.reporting.results import Report
from tinygrad_course.audit.reporting.terminal import show
from tinygrad_course.audit.runner import Limits, check_files
from tinygrad_course.files import write

EPILOG = """examples:
  tinygrad-course check homework.py
  tinygrad-course check homework.ipynb --html homework.html
  tinygrad-course check submissions/*.py --csv marks.csv --html pages

exit status: 0 all right, 1 something is wrong, 2 a file could not be checked

Each file runs in a process of its own, in an empty folder, with limits on time, memory and output. That keeps
accidents apart; it is no sandbox against malice. Check strangers' files inside a container
without a network."""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add ``check`` to the commands of ``tinygrad-course``."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "check",
        help="find the mistake in a hand-written backward pass",
        description="Recognise the course's functions in a .py or .ipynb file, try each, "
        "and say which line is wrong and why.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a learner's .py or .ipynb file")
    parser.add_argument(
        "--json", action="store_true", help="print the reports as JSON, with points for each function"
    )
    parser.add_argument(
        "--html", metavar="PAGE", help="write a page to hand back; for several files a folder of pages"
    )
    parser.add_argument("--csv", metavar="MARKS", help="write the marks of all files as CSV")
    parser.add_argument("--seed", type=int, default=0, help="repeats the same cases (default: 0)")
    parser.add_argument("--seconds", type=float, default=60.0, help="time for each file (default: 60)")
    parser.add_argument(
        "--memory", type=int, default=1024, metavar="MB", help="memory for each file (default: 1024)"
    )
    parser.add_argument(
        "--jobs", type=int, default=0, help="files at a time (default: one for every two processors)"
    )
    parser.set_defaults(run=run)
    return parser


def run(options: argparse.Namespace) -> int:
    """Check the files and show, write and return what the options ask for."""
    files = expand(options.files)
    _refuse_to_overwrite(files, [options.html, options.csv])
    limits = Limits(seconds=options.seconds, memory=options.memory)
    jobs = options.jobs or max(1, (os.cpu_count() or 2) // 2)
    reports: list[Report] = []
    for report in check_files(files, options.seed, limits, jobs):
        reports.append(report)
        if not options.json:
            show(report)
    if options.json:
        print(as_json(reports))
    if options.csv:
        write(Path(options.csv), marks(reports).encode())
    if options.html:
        _pages(Path(options.html), reports)
    if len(reports) > 1 and not options.json:
        right = sum(report.status == "right" for report in reports)
        print(f"{right} of {len(reports)} files are right throughout")
    return max(report.exit_status for report in reports)


def expand(names: Sequence[str]) -> list[str]:
    """Resolve the patterns that a shell has left (Windows has none that does).

    Raises
    ------
    ValueError
        Where a pattern matches nothing.
    """
    files: list[str] = []
    for name in names:
        if Path(name).exists() or not glob.has_magic(name):
            files.append(name)
            continue
        found = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - the user's pattern may be absolute
        if not found:
            raise ValueError(f"no file matches {name}")
        files += found
    return list(dict.fromkeys(files))


def _refuse_to_overwrite(files: Sequence[str], targets: Sequence[str | None]) -> None:
    for target in targets:
        if target and any(Path(target).resolve() == Path(file).resolve() for file in files):
            raise ValueError(f"{target} is one of the files to be checked: the report would take its place")


def _pages(target: Path, reports: Sequence[Report]) -> None:
    if len(reports) == 1:
        write(target, page(reports[0]).encode())
        return
    target.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    for report in reports:
        stem = Path(report.file).stem
        name, number = stem, 2
        while name in taken:
            name, number = f"{stem}-{number}", number + 1
        taken.add(name)
        write(target / f"{name}.html", page(report).encode())
