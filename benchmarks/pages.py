"""Tables of the repository's pages: what a command has measured takes the place of what stands there."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import environment
from tinygrad_course.files import write

ROOT = Path(__file__).parents[1]
STEPS = "README.md", "README.zh-CN.md", "docs/benchmarks.md"


def cells(line: str) -> list[str]:
    """Return the cells of a line of a Markdown table.

    Examples
    --------
    >>> cells("| | W1 | W2 |")
    ['', 'W1', 'W2']
    """
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def put(heading: Sequence[str], rows: Sequence[Sequence[str]], *pages: str, root: Path = ROOT) -> None:
    """Write rows below the heading of a table in some pages, instead of those that are there.

    Raises
    ------
    LookupError
        If a page has no table, or more than one, with this heading.
    """
    for page in pages:
        old = (root / page).read_text(encoding="utf-8").splitlines(keepends=True)
        found = [i for i, line in enumerate(old) if line.startswith("|") and cells(line) == list(heading)]
        if len(found) != 1:
            raise LookupError(f"{page} has {len(found)} tables with the heading {' | '.join(heading)}")
        start = end = found[0] + 2
        while end < len(old) and old[end].startswith("|"):
            end += 1
        old[start:end] = [f"| {' | '.join(row)} |\n" for row in rows]
        write(root / page, "".join(old).encode())


def keep(
    options: argparse.Namespace, name: str, found: Any, heading: Sequence[str], rows: Any, page: str
) -> None:
    """Write what was found where the options ask for it: every number as JSON, a table of a page."""
    if options.write:
        put(heading, rows, page)
    if options.json:
        content = {"about": environment.describe(options.threads), name: found}
        write(Path(options.json), json.dumps(content, indent=1).encode())
