"""The report in a terminal: with rich where it is installed, as plain text where it is not."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tinygrad_course.audit.reporting.results import RIGHT, UNCHECKED, WRONG, Finding, FunctionReport, Report

MARKS = {RIGHT: "right", WRONG: "WRONG", UNCHECKED: "not checked"}


def place(told: Finding | FunctionReport) -> str:
    """Say where: line 14, or cell 7, line 3, or common/layers.py, line 2."""
    if told.line is None:
        return ""
    first = told.file or (f"cell {told.cell}" if told.cell is not None else "")
    return f"{first}, line {told.line}" if first else f"line {told.line}"


def told(function: FunctionReport, finding: Finding) -> Iterator[tuple[str, str]]:
    """Give what a report says of a mistake: (yours, likely, warning, words or small, the line)."""
    yield from (part for part in (("yours", finding.source), ("likely", finding.suggestion)) if part[1])
    if finding.suggestion and not finding.verified:
        yield "warning", "this change alone does not make everything right"
    if finding.details:
        yield "words", finding.details
    yield from (("small", line) for line in example_lines(finding))
    if function.against:
        yield "small", f"held against {function.against}"


def short(value: Any, width: int = 60) -> str:
    """Return a value on one line, cut where it is long."""
    text = json.dumps(value) if not isinstance(value, str) else value
    return text if len(text) <= width else text[: width - 3] + "..."


def typed(value: Any) -> str:
    """Return a value as it can be typed in, arrays as np.array([...]).

    Examples
    --------
    >>> typed({"W1": [[1.0, -2.0]], "b1": [[0.5]]})
    '{"W1": np.array([[1.0, -2.0]]), "b1": np.array([[0.5]])}'
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}": {typed(item)}' for key, item in value.items()) + "}"
    if isinstance(value, list) and value and isinstance(value[0], list) and _numbers(value):
        return f"np.array({json.dumps(value)})"
    if isinstance(value, list):
        return "[" + ", ".join(map(typed, value)) + "]"
    return repr(value) if isinstance(value, bool | None) else json.dumps(value)


def _numbers(value: Any) -> bool:
    return all(map(_numbers, value)) if isinstance(value, list) else isinstance(value, int | float)


def plain(report: Report) -> str:
    """Return the report as plain text."""
    lines = [f"{report.file}: {_summary(report)}"]
    for function in report.functions:
        against = f", against {function.against}" if function.against and not function.findings else ""
        lines.append(f"  {MARKS[function.status]:<11}  {function.name}  ({place(function)}{against})")
        for finding in function.findings:
            lines.append(f"      {place(finding)}: {finding.title}")
            for part, words in told(function, finding):
                code = f"{part + ':':<7} " if part in {"yours", "likely"} else ""
                lines.append(f"        {code}{words}")
        lines += [f"      {remark}" for remark in function.remarks]
    return "\n".join([*lines, *(f"  note: {note}" for note in report.notes)])


def _summary(report: Report) -> str:
    if report.error:
        named = re.escape(Path(report.file).name)  # which stands before it
        return f"could not be checked: {re.sub(f'^{named} ', 'it ', report.error)}"
    if not report.of and report.status == WRONG:
        return "wrong in what it imports"
    return report.problem or f"{report.points} of {report.of} right"


def example_lines(finding: Finding) -> Iterator[str]:
    """Give the smallest example, one argument a line, and both values."""
    arguments = finding.example.get("arguments", {})
    if not arguments:
        return
    yield "smallest example: " + ", ".join(f"{name} = {typed(value)}" for name, value in arguments.items())
    quantity = finding.example.get("quantity")
    if finding.example.get("raises") and finding.example["raises"] in finding.message:
        return
    if finding.example.get("raises"):
        yield f"it raises {finding.example['raises']}"
    elif quantity and finding.example.get("right") is not None:
        yours, right = finding.example.get("yours"), finding.example["right"]
        yield f"{quantity}: yours {short(yours)}, right {short(right)}"


def show(report: Report) -> None:
    """Print the report."""
    try:
        from rich.console import Console
    except ImportError:
        print(plain(report))  # noqa: T201 - this is what a terminal's report does
        return
    console = Console(highlight=False)
    for part in _rich(report):
        console.print(part)


def _rich(report: Report) -> Iterator[Any]:
    from rich.markup import escape
    from rich.panel import Panel
    from rich.syntax import Syntax
    from rich.table import Table
    from rich.text import Text

    colour = {"right": "green", "wrong": "red"}.get(report.status, "yellow")
    yield Text.assemble((report.file, "bold"), "  ", (_summary(report), colour))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    styles = {RIGHT: "[green]right[/]", WRONG: "[red]wrong[/]", UNCHECKED: "[yellow]not checked[/]"}
    for function in report.functions:
        first = function.findings[0].title if function.findings else "; ".join(function.remarks)
        where = f"[dim]{escape(place(function))}[/]"
        first = escape(first.removeprefix("not checked: "))  # as it says already
        table.add_row(f"  {styles[function.status]}", escape(function.name), where, first)
    yield table
    colours = {"yours": "red", "likely": "green"}
    for function in report.functions:
        for finding in function.findings:
            parts = Table.grid(padding=(0, 1))
            for part, words in told(function, finding):
                if part in colours:
                    code = Syntax(words, "python", background_color="default", word_wrap=True)
                    parts.add_row(f"[{colours[part]}]{part}[/]", code)
                else:
                    style = {"warning": "yellow", "small": "dim"}.get(part, "")
                    parts.add_row("", Text(words, style))
            title = f"{escape(function.name)}, {place(finding)}: [bold]{escape(finding.title)}[/]"
            yield Panel(parts, title=title, title_align="left", border_style="red")
        if function.status == WRONG and function.findings:  # else the table has them
            for remark in function.remarks:
                yield f"  [dim]{escape(function.name)}: {escape(remark)}[/]"
    for note in report.notes:
        yield f"  [dim]{escape(note)}[/]"
