"""The index of a class: one row a file, each with its page, and how often which mistake was made."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from tinygrad_course.audit.reporting.handout import STYLE, html
from tinygrad_course.audit.reporting.results import OUTSIDE, UNCHECKED, Report

WIDE = """body { max-width: 64rem; } td:nth-child(2) { white-space: nowrap; }
tr + tr td { border-top: 1px solid var(--line); } table { border-collapse: collapse; }
.number { text-align: right; padding-right: 3rem; }
"""


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
    folder = _folder([report.file for report in reports])
    for report in reports:
        told = [f"<code>{escape(one.name)}</code> {escape(found.title)}" for one, found in report.mistakes]
        colour = {"right": "right", "wrong": "wrong"}.get(report.status, "faint")
        name = report.file.removeprefix(folder)
        link = f'<a href="{escape(pages[report.file], quote=True)}">{escape(name)}</a>'
        points = f"{report.points} of {report.of}" if report.of else "not checked"
        said = escape(report.error) or "<br>".join(dict.fromkeys(told)) or _reason(report)
        yield f'<tr><td>{link}</td><td class="{colour}">{points}</td><td class="faint">{said}</td></tr>'
    yield "</table>"


def _folder(files: Sequence[str]) -> str:
    """Return what the names of all files begin with, up to the last folder."""
    if len(files) < 2:
        return ""
    first, last = min(files), max(files)
    same = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[: max(first.rfind("/", 0, same), first.rfind(os.sep, 0, same)) + 1]


def _reason(report: Report) -> str:
    """Say why nothing of a file was judged."""
    if report.of or not report.functions:
        return "" if report.of else "no function that the check knows"
    empty = sum("not filled in" in remark for function in report.functions for remark in function.remarks)
    return (
        "not filled in yet" if empty * 2 > len(report.functions) else escape(report.functions[0].remarks[0])
    )


def statistics(reports: Sequence[Report]) -> tuple[list[tuple[str, int, int, int]], list[tuple[str, int]]]:
    """Return (function, right, wrong, not checked) for each, and how many files made which mistake."""
    counts: dict[str, Counter[str]] = {}
    mistakes: Counter[str] = Counter()
    for report in reports:
        for function in report.functions:
            if function.name != OUTSIDE:
                counts.setdefault(function.name, Counter())[function.status] += 1
        mistakes.update({finding.title for _, finding in report.mistakes})
    rows = [(name, found["right"], found["wrong"], found[UNCHECKED]) for name, found in counts.items()]
    return sorted(rows, key=lambda row: -row[2]), mistakes.most_common()


def _statistics(reports: Sequence[Report]) -> Iterator[str]:
    functions, mistakes = statistics(reports)
    if mistakes:
        yield "<h2>Mistakes</h2><table><tr><th></th><th>files</th></tr>"
        for title, count in mistakes:
            yield f'<tr><td>{escape(title)}</td><td class="number">{count}</td></tr>'
        yield "</table>"
    yield "<h2>Functions</h2><table><tr><th></th><th>right</th><th>wrong</th><th>not checked</th></tr>"
    for name, *numbers in functions:
        cells = "".join(f'<td class="number">{number or ""}</td>' for number in numbers)
        yield f"<tr><td><code>{escape(name)}</code></td>{cells}</tr>"
    yield "</table>"
