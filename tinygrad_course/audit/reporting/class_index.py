"""The index of a class: one row a file, each with its page, and how often which mistake was made."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from tinygrad_course.audit.reporting.handout import STYLE
from tinygrad_course.audit.reporting.results import OUTSIDE, UNCHECKED, Report


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
    body = "\n".join([*_rows(reports, pages), *_statistics(reports)])
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>The class</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head>\n<body>\n<h1>{len(reports)} files</h1>\n{body}\n</body></html>\n"
    )


def _rows(reports: Sequence[Report], pages: Mapping[str, str]) -> Iterator[str]:
    yield "<table><tr><th>file</th><th>points</th><th>mistakes</th></tr>"
    for report in reports:
        told = "; ".join(
            f"{function.name}: {finding.title}"
            for function in report.functions
            for finding in function.findings
        )
        colour = {"right": "right", "wrong": "wrong"}.get(report.status, "faint")
        link = f'<a href="{escape(pages[report.file], quote=True)}">{escape(report.file)}</a>'
        yield (
            f'<tr><td>{link}</td><td class="{colour}">{report.points} of {report.of}</td>'
            f'<td class="faint">{escape(report.error or told)}</td></tr>'
        )
    yield "</table>"


def statistics(reports: Sequence[Report]) -> tuple[list[tuple[str, int, int, int]], list[tuple[str, int]]]:
    """Return (function, right, wrong, not checked) for each, and how many files made which mistake."""
    counts: dict[str, Counter[str]] = {}
    mistakes: Counter[str] = Counter()
    for report in reports:
        for function in report.functions:
            if function.name != OUTSIDE:
                counts.setdefault(function.name, Counter())[function.status] += 1
        mistakes.update({finding.title for function in report.functions for finding in function.findings})
    rows = [(name, found["right"], found["wrong"], found[UNCHECKED]) for name, found in counts.items()]
    return sorted(rows, key=lambda row: -row[2]), mistakes.most_common()


def _statistics(reports: Sequence[Report]) -> Iterator[str]:
    functions, mistakes = statistics(reports)
    yield "<h2>Functions</h2><table><tr><th></th><th>right</th><th>wrong</th><th>not checked</th></tr>"
    for name, *numbers in functions:
        cells = "".join(f"<td>{number}</td>" for number in numbers)
        yield f"<tr><td><code>{escape(name)}</code></td>{cells}</tr>"
    yield "</table><h2>Mistakes</h2><table><tr><th></th><th>files</th></tr>"
    for title, count in mistakes:
        yield f"<tr><td>{escape(title)}</td><td>{count}</td></tr>"
    yield "</table>"
