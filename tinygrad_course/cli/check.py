"""``tinygrad-course check homework.py``: find the mistake in a hand-written backward pass."""

import argparse
import glob
import lzma
import os
import re
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tinygrad_course.audit.reporting.handout import as_json, asked_for, index_page, marks, page, short_names
from tinygrad_course.audit.reporting.results import Report
from tinygrad_course.audit.reporting.terminal import show
from tinygrad_course.audit.runner import Limits, check_files
from tinygrad_course.audit.source.submission import MAX_BYTES
from tinygrad_course.files import write

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, RuntimeError, OSError)
MOST_UNPACKED = 400_000_000
"""Bytes of homework in one archive; more is no class's."""
EPILOG = """examples:
  tinygrad-course check homework.py
  tinygrad-course check homework.ipynb --html homework.html
  tinygrad-course check submissions --csv marks.csv --html pages
  tinygrad-course check submissions.zip --csv marks.csv
  tinygrad-course check submissions --functions propagate,optimize,predict --csv marks.csv

What a file imports (from common.layers import *) is loaded from its own folder, or from the folder or archive
that is given; for a single file --root names a folder above it.

exit status: 0 all right, 1 something is wrong, 2 a file could not be checked, 130 stopped by Ctrl-C

Each file runs in a process of its own, in an empty folder, with limits on time, memory and output. That keeps
accidents apart; it is no sandbox against malice. Check strangers' files inside a container
without a network."""


class HandedIn(NamedTuple):
    """One file to check."""

    path: str
    shown: str
    """Its name in the report: of a file in an archive, the archive's and its own."""
    root: str | None
    """The folder within which its modules are looked for; None for its own."""


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
    add = parser.add_argument
    told = "a learner's .py or .ipynb file, a folder of them, or an archive of them (.zip, .tar.gz)"
    add("files", nargs="+", metavar="FILE", help=told)
    told = "load what a FILE imports from within this folder (default: the file's own folder)"
    add("--root", metavar="FOLDER", help=told)
    told = "the functions that the assignment asks for: a,b,c"
    add("--functions", metavar="NAMES", default="", help=told)
    add("--json", action="store_true", help="print the reports as JSON, with points for each function")
    add("--html", metavar="PAGE", help="write a page to hand back; for several files a folder of pages")
    add("--csv", metavar="MARKS", help="write the marks of all files as CSV")
    add("--seed", type=int, default=0, help="repeats the same cases (default: 0)")
    add("--seconds", type=float, default=60.0, help="time for each file (default: 60)")
    add("--memory", type=int, default=1024, metavar="MB", help="memory for each file (default: 1024)")
    add("--jobs", type=int, default=0, help="files at a time (default: one for every two processors)")
    parser.set_defaults(run=run)
    return parser


def run(options: argparse.Namespace) -> int:
    """Check the files and show, write and return what the options ask for."""
    if options.root is not None and not Path(options.root).is_dir():
        raise ValueError(f"--root {options.root}: there is no such folder")
    with tempfile.TemporaryDirectory(prefix="tinygrad-course-", ignore_cleanup_errors=True) as scratch:
        files = expand(options.files, Path(scratch), options.root)
        _refuse_to_overwrite([*options.files, *(file.path for file in files)], [options.html, options.csv])
        return _run(options, files)


def _run(options: argparse.Namespace, files: Sequence[HandedIn]) -> int:
    roots, names = {file.path: file.root for file in files}, {file.path: file.shown for file in files}
    limits = Limits(seconds=options.seconds, memory=options.memory)
    jobs = options.jobs or max(1, (os.cpu_count() or 2) // 2)
    reports: list[Report] = []
    asked = [name for name in re.split(r"[\s,]+", options.functions) if name]
    stopped = False
    try:
        for report in check_files(roots, options.seed, limits, jobs):
            report.file = names[report.file]
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


def expand(names: Sequence[str], scratch: Path, root: str | None = None) -> list[HandedIn]:
    """Resolve folders, archives (into `scratch`), and the patterns that a shell has left as they were."""
    files: list[HandedIn] = []
    for name in names:
        there = [name]
        if not Path(name).exists() and glob.has_magic(name):
            there = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - the user's pattern may be absolute
            if not there:
                raise ValueError(f"no file matches {name}")
        for one in there:
            found = [*_inside(Path(one), one, root, scratch)]
            if not found:
                raise ValueError(f"there is no .py file and no notebook in {one}")
            files += found
    return list({file.path: file for file in files}.values())


def _inside(path: Path, shown: str, root: str | None, scratch: Path) -> Iterator[HandedIn]:
    """Give the homework at a path: of a folder or an archive all of it; what begins with . or __ is none."""
    if path.name.lower().endswith(ARCHIVES) and path.is_file():
        folder = Path(tempfile.mkdtemp(dir=scratch))
        _unpack(path, folder)
        yield from _inside(folder, shown, None, scratch)
    elif path.is_dir():
        for inner in sorted(path.rglob("*")):
            parts = inner.relative_to(path).parts
            kept = inner.name.lower().endswith((".py", ".ipynb", *ARCHIVES)) and inner.is_file()
            if kept and not any(part.startswith((".", "__")) for part in parts):
                yield from _inside(inner, str(Path(shown, *parts)), root or str(path), scratch)
    else:
        yield HandedIn(str(path), shown, root)


def _unpack(archive: Path, folder: Path) -> None:
    """Write the Python files and notebooks of an archive into a folder, and nothing beside it."""
    size = 0
    try:
        for name, data in _members(archive):
            size += len(data)
            if size > MOST_UNPACKED:
                raise ValueError(f"{archive} holds more than {MOST_UNPACKED:,} bytes of homework")
            target = folder.joinpath(*re.split(r"[/\\]", name))
            if target.resolve().is_relative_to(folder.resolve()):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
    except _DAMAGED as error:
        told = str(error).partition("\n")[0].rstrip(":")  # tarfile lists what it has tried, a line each
        raise ValueError(f"{archive} is damaged, or no archive: {told}") from None


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Give name and content of the homework files in an archive, as much of each as a homework may have."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as held:
            for name in held.namelist():
                if name.lower().endswith((".py", ".ipynb")):
                    with held.open(name) as zipped:
                        yield name, zipped.read(MAX_BYTES + 1)
        return
    with tarfile.open(archive) as tape:
        for member in tape:
            content = tape.extractfile(member) if member.isfile() else None
            if content is not None and member.name.lower().endswith((".py", ".ipynb")):
                yield member.name, content.read(MAX_BYTES + 1)


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
    found: dict[str, str] = {}
    taken = {"index"}
    for file, short in short_names(files).items():
        parts = Path(short).with_suffix("").parts
        stem = re.sub(r"[^\w.+-]+", "_", "-".join(parts)) or "file"
        name, number = stem, 2
        while name.lower() in taken:
            name, number = f"{stem}-{number}", number + 1
        taken.add(name.lower())
        found[file] = f"{name}.html"
    return found
