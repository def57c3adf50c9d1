"""Reports to hand back: a page for each file, the index and the marks of a class, what was made how often."""

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from tinygrad_course.audit.reporting.results import (
    OUTSIDE,
    RIGHT,
    UNCHECKED,
    WRONG,
    Finding,
    FunctionReport,
    Report,
)
from tinygrad_course.audit.reporting.terminal import MARKS, place, told

STYLE = """
:root { color-scheme: light dark; --right: #1a7f37; --wrong: #c4302b; --faint: #59636e; --line: #d0d7de; }
@media (prefers-color-scheme: dark) {
  :root { --right: #4cc26a; --wrong: #ff7b72; --faint: #9aa4af; --line: #3d444d; }
}
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.05rem; margin: .5rem 0; }
td, th { text-align: left; padding: .15rem 1.5rem .15rem 0; vertical-align: top; }
section { border: 1px solid var(--line); border-left: .3rem solid var(--wrong); border-radius: .4rem;
  padding: .25rem 1rem .5rem; margin: 1rem 0; }
p { margin: .3rem 0; }
dl { display: grid; grid-template-columns: 3rem 1fr; gap: .2rem 1rem; margin: .4rem 0; }
dd { margin: 0; overflow-x: auto; } code { font: .92em ui-monospace, monospace; white-space: pre-wrap; }
.right { color: var(--right); } .wrong { color: var(--wrong); }
.faint { color: var(--faint); font-size: .9rem; }
"""
WIDE = """body { max-width: 64rem; } td:nth-child(2) { white-space: nowrap; }
tr + tr td { border-top: 1px solid var(--line); } table { border-collapse: collapse; }
.number { text-align: right; padding-right: 3rem; }
"""


def page(report: Report) -> str:
    """Return the report as an HTML page that stands alone.

    Examples
    --------
    >>> "could not be checked" in page(Report("homework.py", error="there is no such file"))
    True
    """
    return html(report.file, STYLE, _body(report))


def html(title: str, style: str, body: Iterable[str]) -> str:
    """Return a page of these lines that stands alone."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{style}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _body(report: Report) -> Iterator[str]:
    yield f"<h1>{escape(report.file)}</h1>"
    if report.problem:
        yield f'<p class="wrong">It could not be checked: {escape(report.problem)}</p>'
    else:
        yield f"<p><strong>{report.points} of {report.of}</strong> functions are right.</p>"
    yield "<table>"
    for function in report.functions:
        colour = {"right": "right", "wrong": "wrong"}.get(function.status, "faint")
        remark = "; ".join(function.remarks)
        yield (
            f'<tr><td class="{colour}">{MARKS[function.status].lower()}</td>'
            f"<td><code>{escape(function.name)}</code></td>"
            f'<td class="faint">{escape(remark)}</td></tr>'
        )
    yield "</table>"
    for function, finding in report.mistakes:
        yield from _finding(function, finding)
    if report.notes:
        yield "<ul>" + "".join(f'<li class="faint">{escape(note)}</li>' for note in report.notes) + "</ul>"
    yield f'<p class="faint">Seed {report.seed} repeats this report.</p>'


def _finding(function: FunctionReport, finding: Finding) -> Iterator[str]:
    where = f"<code>{escape(function.name)}</code>, {escape(place(finding))}"
    yield f"<section><h2>{where}: {escape(finding.title)}</h2>"
    for part, words in told(function, finding):
        if part in {"yours", "likely"}:
            code, colour = escape(words), "wrong" if part == "yours" else "right"
            yield f'<dl><dt class="faint">{part}</dt><dd class="{colour}"><code>{code}</code></dd></dl>'
        elif part == "small":
            yield f'<p class="faint">{escape(words)}</p>'
        else:
            code = re.sub("`([^`]*)`", r"<code>\1</code>", escape(words))  # what stands in backticks
            yield f"<p>{code}</p>"
    yield "</section>"


def marks(reports: Sequence[Report], asked: Sequence[str] = ()) -> str:
    """Return a class's marks as CSV: a row for each file, a column for each function (that is asked for).

    Examples
    --------
    >>> print(marks([Report("a.py", error="there is no such file")]).splitlines()[0])
    file,status,points,of,seed,problem,mistakes
    """
    found = dict.fromkeys(function.name for report in reports for function in report.functions)
    names = list(asked) or [name for name in found if name != OUTSIDE]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "status", "points", "of", "seed", "problem", "mistakes", *map(_cell, names)])
    for report in reports:
        points = {one.name: one.points if one.status != UNCHECKED else "" for one in report.functions}
        mistakes = [f"{one.name}, {place(what)}: {what.title}" for one, what in report.mistakes]
        numbers = [report.status, report.points, report.of, report.seed]
        row: list[Any] = [_cell(report.file), *numbers, _cell(report.problem), _cell("; ".join(mistakes))]
        writer.writerow([*row, *(points.get(name, "") for name in names)])
    return text.getvalue()


def _cell(text: str) -> str:
    """A spreadsheet takes a cell that begins with = for a formula."""
    return "'" + text if text[:1] in {"=", "+", "-", "@", "\t"} else text


def as_json(reports: Sequence[Report]) -> str:
    """Return the reports as JSON: one object for one file, a list for several."""
    plain = [report.as_dict() for report in reports]
    return json.dumps(plain[0] if len(plain) == 1 else plain, indent=2)


def asked_for(report: Report, functions: Sequence[str]) -> Report:
    """Keep what the assignment asks for; a function that is not there counts as none of the points.

    Examples
    --------
    >>> kept = asked_for(Report("a.py"), ["sigmoid"])
    >>> kept.points, kept.of, kept.notes
    (0, 1, ['asked for and not found: sigmoid'])
    """
    if not functions:
        return report
    names = {function.name for function in report.functions}
    missing = [name for name in functions if name not in names]
    report.functions = [function for function in report.functions if function.name in functions]
    report.asked = len(functions)
    if missing:
        report.notes.append(f"asked for and not found: {', '.join(missing)}")
    return report


def index_page(reports: Sequence[Report], pages: Mapping[str, str]) -> str:
    """Return the page of a class: files with their points and mistakes, then the statistics."""
    right = sum(report.status == "right" for report in reports)
    first = f"<h1>{len(reports)} files, {right} right throughout</h1>"
    return html("The class", STYLE + WIDE, [first, *_rows(reports, pages), *_statistics(reports)])


def _rows(reports: Sequence[Report], pages: Mapping[str, str]) -> Iterator[str]:
    yield "<table><tr><th>file</th><th>points</th><th>mistakes</th></tr>"
    names = short_names([report.file for report in reports])
    for report in reports:
        told = [f"<code>{escape(one.name)}</code> {escape(found.title)}" for one, found in report.mistakes]
        colour = {"right": "right", "wrong": "wrong"}.get(report.status, "faint")
        link = f'<a href="{escape(pages[report.file], quote=True)}">{escape(names[report.file])}</a>'
        points = f"{report.points} of {report.of}" if report.of else "not checked"
        said = escape(report.error) or "<br>".join(dict.fromkeys(told)) or _reason(report)
        yield f'<tr><td>{link}</td><td class="{colour}">{points}</td><td class="faint">{said}</td></tr>'
    yield "</table>"


def short_names(files: Sequence[str]) -> dict[str, str]:
    """Return the files without the folders that all of them share."""
    shared = os.path.commonpath([Path(file).absolute().parent for file in files])
    return {file: os.path.relpath(file, shared) for file in files}


def _reason(report: Report) -> str:
    """Say why nothing of a file was judged."""
    if report.of or not report.functions:
        return escape(report.problem)
    empty = sum("not filled in" in remark for function in report.functions for remark in function.remarks)
    first = report.functions[0].remarks[0]
    return "not filled in yet" if empty * 2 > len(report.functions) else escape(first)


def _statistics(reports: Sequence[Report]) -> Iterator[str]:
    """Give how many files made which mistake, and how often each function is right, wrong, not checked."""
    mistakes = Counter(title for one in reports for title in {found.title for _, found in one.mistakes})
    counts: dict[str, Counter[str]] = {}
    for function in [function for report in reports for function in report.functions]:
        if function.name != OUTSIDE:
            counts.setdefault(function.name, Counter())[function.status] += 1
    if mistakes:
        yield "<h2>Mistakes</h2><table><tr><th></th><th>files</th></tr>"
        for title, count in mistakes.most_common():
            yield f'<tr><td>{escape(title)}</td><td class="number">{count}</td></tr>'
        yield "</table>"
    yield "<h2>Functions</h2><table><tr><th></th><th>right</th><th>wrong</th><th>not checked</th></tr>"
    for name, found in sorted(counts.items(), key=lambda row: -row[1][WRONG]):
        numbers = [found[status] or "" for status in (RIGHT, WRONG, UNCHECKED)]
        cells = "".join(f'<td class="number">{number}</td>' for number in numbers)
        yield f"<tr><td><code>{escape(name)}</code></td>{cells}</tr>"
    yield "</table>"
