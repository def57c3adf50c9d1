"""``tinygrad-course check homework.py``: find the mistake in a hand-written backward pass."""

import argparse
import glob
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinygrad_course.audit.reporting.class_index import asked_for, index_page
from tinygrad_course.audit.reporting.handout import as_json, marks, page
from tinygrad_course.audit.reporting.results import Report
from tinygrad_course.audit.reporting.terminal import show
from tinygrad_course.audit.runner import Limits, check_files
from tinygrad_course.files import write

EPILOG = """examples:
  tinygrad-course check homework.py
  tinygrad-course check homework.ipynb --html homework.html
  tinygrad-course check submissions --csv marks.csv --html pages
  tinygrad-course check submissions --functions propagate,optimize,predict --csv marks.csv

exit status: 0 all right, 1 something is wrong, 2 a file could not be checked, 130 stopped by Ctrl-C

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
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="a learner's .py or .ipynb file, or a folder of them"
    )
    parser.add_argument(
        "--functions", metavar="NAMES", default="", help="the functions that the assignment asks for: a,b,c"
    )
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
    asked = [name for name in re.split(r"[\s,]+", options.functions) if name]
    stopped = False
    try:
        for report in check_files(files, options.seed, limits, jobs):
            reports.append(asked_for(report, asked))
            if not options.json:
                show(report)
    except KeyboardInterrupt:
        stopped = True
        print(f"stopped: {len(reports)} of {len(files)} files are checked", file=sys.stderr)
    if options.json:
        print(as_json(reports))
    if options.csv:
        write(Path(options.csv), marks(reports, asked).encode())
    if options.html and reports:
        _pages(Path(options.html), reports, one=len(files) == 1)
    if stopped:
        return 130
    if len(reports) > 1 and not options.json:
        right = sum(report.status == "right" for report in reports)
        print(f"{right} of {len(reports)} files are right throughout")
    return max(report.exit_status for report in reports)


def expand(names: Sequence[str]) -> list[str]:
    """Resolve folders, and the patterns that a shell has left (Windows has none that does).

    Raises ValueError where a pattern matches nothing, or a folder holds no homework.
    """
    files: list[str] = []
    for name in names:
        if Path(name).is_dir():
            found = _inside(Path(name))
            if not found:
                raise ValueError(f"there is no .py file and no notebook in {name}")
            files += found
        elif Path(name).exists() or not glob.has_magic(name):
            files.append(name)
        else:
            found = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - the user's pattern may be absolute
            if not found:
                raise ValueError(f"no file matches {name}")
            files += [
                inner for one in found for inner in (_inside(Path(one)) if Path(one).is_dir() else [one])
            ]
    return list(dict.fromkeys(files))


def _inside(folder: Path) -> list[str]:
    """Return the homework files in a folder, recursively; what begins with a dot or __ is none."""
    found = (
        path for path in folder.rglob("*") if path.suffix.lower() in {".py", ".ipynb"} and path.is_file()
    )
    inner = ((path, path.relative_to(folder).parts) for path in found)
    return sorted(
        str(path) for path, parts in inner if not any(part.startswith((".", "__")) for part in parts)
    )


def _refuse_to_overwrite(files: Sequence[str], targets: Sequence[str | None]) -> None:
    for target in targets:
        if target and any(Path(target).resolve() == Path(file).resolve() for file in files):
            raise ValueError(f"{target} is one of the files to be checked: the report would take its place")


def _pages(target: Path, reports: Sequence[Report], *, one: bool) -> None:
    if one:
        write(target, page(reports[0]).encode())
        return
    target.mkdir(parents=True, exist_ok=True)
    names = page_names([report.file for report in reports])
    for report in reports:
        write(target / names[report.file], page(report).encode())
    write(target / "index.html", index_page(reports, names).encode())


def page_names(files: Sequence[str]) -> dict[str, str]:
    """Return the name of each file's page: its path without what all of them share.

    >>> page_names(["in/ada/hw.py", "in/ben/hw.py"])
    {'in/ada/hw.py': 'ada-hw.html', 'in/ben/hw.py': 'ben-hw.html'}
    """
    shared = os.path.commonpath([Path(file).parent for file in files]) if files else ""
    found: dict[str, str] = {}
    taken = {"index"}
    for file in files:
        parts = Path(os.path.relpath(file, shared or ".")).with_suffix("").parts
        stem = re.sub(r"[^\w.+-]+", "_", "-".join(parts)) or "file"
        name, number = stem, 2
        while name.lower() in taken:
            name, number = f"{stem}-{number}", number + 1
        taken.add(name.lower())
        found[file] = f"{name}.html"
    return found
