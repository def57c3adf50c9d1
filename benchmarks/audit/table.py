"""The table of the audit's benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.audit.trying import Tried

HEADINGS = ("files", "caught", "line", "diagnosis", "named", "median s", "max s")
Row = tuple[str, list[str]]


def rows(tried: Sequence[Tried]) -> Iterator[Row]:
    """Give a row for each rule, and one for all mutants, for the notes, and for right code."""
    by_rule: dict[str, list[Tried]] = {}
    for one in tried:
        if one.wrong and one.rule != "of the notes":
            by_rule.setdefault(one.rule, []).append(one)
    for rule, found in sorted(by_rule.items(), key=lambda item: item[0].lower()):
        yield rule, _cells(found)
    mutants = [one for found in by_rule.values() for one in found]
    if mutants:
        yield "all mutants", _cells(mutants)
    written = [one for one in tried if one.wrong and one.rule == "of the notes"]
    if written:
        yield "mistakes of the notes", _cells(written)
    right = [one for one in tried if not one.wrong]
    if right:
        alarms = sum(one.caught for one in right)
        yield "right code, called wrong", [str(len(right)), str(alarms), "", "", "", *_seconds(right)]


def _cells(found: Sequence[Tried]) -> list[str]:
    counts = [sum(getattr(one, name) for one in found) for name in ("caught", "line", "diagnosis", "named")]
    return [str(len(found)), *map(str, counts), *_seconds(found)]


def _seconds(found: Sequence[Tried]) -> list[str]:
    times = [one.seconds for one in found]
    return [f"{median(times):.1f}", f"{max(times):.1f}"]


def summary(tried: Sequence[Tried], total: int) -> Iterator[str]:
    """Give the sentences below the table."""
    wrong = [one for one in tried if one.wrong]
    right = [one for one in tried if not one.wrong]
    mutants = sum(one.rule != "of the notes" for one in wrong)
    if wrong:
        caught, named = (sum(getattr(one, name) for one in wrong) for name in ("caught", "named"))
        yield (
            f"{mutants} of {total} mutants and {len(wrong) - mutants} mistakes of the notes: "
            f"caught {caught / len(wrong):.1%}, named (line and diagnosis) {named / len(wrong):.1%}"
        )
    if right:
        yield f"{len(right)} right files: {sum(one.caught for one in right)} false alarms"
    if tried:
        times = [one.seconds for one in tried]
        yield f"seconds of processor: median {median(times):.2f}, longest {max(times):.2f}"
    for one in tried:
        if (one.wrong and not (one.caught and one.named)) or (not one.wrong and one.caught):
            problem = "false alarm" if not one.wrong else "not named" if one.caught else "not caught"
            told = "; ".join(f"line {item['line']}: {item['diagnosis']}" for item in one.told)
            yield f"{problem}: {one.name} ({one.rule}){': ' + told if told else ''}"


def show(tried: Sequence[Tried], total: int, *, markdown: bool = False) -> None:
    """Print the table and the sentences."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if markdown:
        print("| mistake | " + " | ".join(HEADINGS) + " |\n|---|" + "--:|" * len(HEADINGS))
        for name, cells in rows(tried):
            print(f"| {name} | " + " | ".join(cells) + " |")
    else:
        table = Table("mistake", title="The audit", title_justify="left", min_width=100)
        for heading in HEADINGS:
            table.add_column(heading, justify="right")
        for name, cells in rows(tried):
            table.add_row(name, *cells, end_section=name == "all mutants")
        console.print(table)
    for line in summary(tried, total):
        console.print(line, markup=False, soft_wrap=True)
