"""Write docs/published.md: run the course's experiments, and put the published figures beside ours.

``python docs/published.py`` from the repository's root, in about five minutes on two cores.
"""

from __future__ import annotations

import os
import platform
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import scipy

from models.__main__ import LEGEND
from models.experiments import EXPERIMENTS, experiment
from models.outcome import Options
from models.running import Report, run_all
from models.table import VERDICTS, quantity_lines, summary_line
from tinygrad_course.files import write

TARGET = Path(__file__).with_name("published.md")


def page(reports: Sequence[Report]) -> str:
    """Return the page."""
    versions = f"NumPy {np.__version__}, SciPy {scipy.__version__}, Python {platform.python_version()}"
    return "\n".join([*_head(versions), *_summary(reports), *(line for r in reports for line in _part(r))])


def _head(versions: str) -> Iterator[str]:
    yield "# The published table"
    yield ""
    yield "What the course's assignments print, and the notes about them, beside what the networks of"
    yield f"`models` come to. Written by `python docs/published.py` from a run with {versions}."
    yield "`python -m models` prints the same for the machine that it runs on, and `python -m models flower`"
    yield "every single figure of one experiment."
    yield ""
    yield "```text"
    yield LEGEND
    yield "```"
    yield ""


def _summary(reports: Sequence[Report]) -> Iterator[str]:
    yield f"| experiment | figures | {' | '.join(VERDICTS)} |"
    yield f"|---|{'--:|' * (1 + len(VERDICTS))}"
    total: Counter[str] = Counter()
    for report in reports:
        counts = Counter(str(c.verdict) for record in report.comparisons.values() for c in record)
        total += counts
        yield _row(f"[{experiment(report.name).title}](#{report.name.replace('_', '-')})", counts)
    yield _row("all", total)
    yield ""


def _row(name: str, counts: Counter[str]) -> str:
    cells = " | ".join(str(counts[verdict] or "") for verdict in VERDICTS)
    return f"| {name} | {counts.total()} | {cells} |"


def _part(report: Report) -> Iterator[str]:
    row = experiment(report.name)
    yield f"## {row.title} {{ #{report.name.replace('_', '-')} }}"
    yield ""
    comparisons = [c for record in report.comparisons.values() for c in record]
    yield f"`python -m models {report.name}`. {summary_line(comparisons).capitalize()}."
    yield ""
    for record in row.records:
        if report.comparisons[record.name]:
            yield f"**{record.name}** ({record.source})"
            yield ""
            yield "```text"
            yield from quantity_lines(report.comparisons[record.name])
            yield "```"
            yield ""
    for remark in report.remarks:
        yield f"- {remark.strip()}"
    if report.remarks:
        yield ""


def main() -> int:
    """Run everything; write the page only where everything ran."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    reports = []
    for report in run_all([row.name for row in EXPERIMENTS], Options(), None, None):
        print(f"{report.name:<20} {report.seconds:6.1f} s  {report.problem}", flush=True)
        reports.append(report)
    if any(report.problem for report in reports):
        print("not everything could be run: the page stays as it is", file=sys.stderr)
        return 1
    write(TARGET, page(reports).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
