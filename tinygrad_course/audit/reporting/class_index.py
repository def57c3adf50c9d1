"""The index of a class: one row a file, each with its page, and how often which mistake was made."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from tinygrad_course.audit.reporting.handout import STYLE, html
from tinygrad_course.audit.reporting.results import OUTSIDE, RIGHT, UNCHECKED, WRONG, Report

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
    same = os.path.commonprefix(list(files)) if len(files) > 1 else ""  # noqa: RUF071 - cut at a folder below
    return same[: max(same.rfind("/"), same.rfind(os.sep)) + 1]


def _reason(report: Report) -> str:
    """Say why nothing of a file was judged."""
    if report.of or not report.functions:
        return "" if report.of else "no function that the check knows"
    empty = sum("not filled in" in remark for function in report.functions for remark in function.remarks)
    return (
        "not filled in yet" if empty * 2 > len(report.functions) else escape(report.functions[0].remarks[0])
    )


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
