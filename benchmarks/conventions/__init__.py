"""``python -m benchmarks conventions``: what libraries give where a derivative is a convention, run again.

Prints where the table of docs/conventions.md no longer holds for the libraries that are installed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.conventions import peers
from benchmarks.conventions.points import POINTS
from benchmarks.conventions.seen import SEEN, VERSIONS

PAGE = Path(__file__).parents[2] / "docs" / "conventions.md"
BEGIN, END = "<!-- the table: benchmarks/conventions -->", "<!-- end of the table -->"


def table() -> str:
    """Return the table in Markdown: ours, the reason, then the peers."""
    lines = ["| function and point | ours | second | why | " + " | ".join(VERSIONS) + " |"]
    lines.append("|" + "--|" * (len(VERSIONS) + 4))
    for name, point in POINTS.items():
        others = SEEN.get(name, ("",) * len(VERSIONS))
        cells = [name.replace("|", "\\|"), point.ours, point.second, point.why.replace("|", "\\|"), *others]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def written() -> str:
    """Return the page with the table in its place."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.split(END)[1]}"


def same(told: str, found: str) -> bool:
    """Whether an entry of the table is what was found; an error counts as one, whatever its name."""
    if not told:
        return True
    if any(c.isalpha() for c in told.replace("nan", "").replace("inf", "")):
        return found[:1].isalpha() and found not in {"nan", "inf"}
    return told.replace("-0]", "0]").replace("-0,", "0,") == found or (told == "-0" and found == "0")


def run(_: argparse.Namespace) -> int:
    """Run every library at every point; return 1 if an entry does not hold."""
    PAGE.write_text(written(), encoding="utf-8")
    wrong = 0
    gradients = {"ours": peers.of_ours}
    gradients.update({name: make for name, make in peers.PEERS.items() if name in VERSIONS})
    for column, make in gradients.items():
        try:
            gradient = make()
        except ImportError:
            print(f"{column}: not installed")
            continue
        tried = 0
        for name, point in POINTS.items():
            entry = SEEN.get(name, ("",) * len(VERSIONS))
            told = point.ours if column == "ours" else entry[list(VERSIONS).index(column)]
            found = peers.seen(gradient, point.f, point.x)
            tried += bool(told)
            if not same(told, found):
                wrong += 1
                print(f"{column}: {name} gives {found}, the table has {told}")
        print(f"{column}: {tried} entries tried")
    return 1 if wrong else 0
