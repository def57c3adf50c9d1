"""The audit's benchmark: mistakes by rule, those of published notes, and right code in other words.

Right implementations of the course's functions (`benchmarks/audit_cases`) are made wrong, one realistic edit
at a time, and rewritten without a change of value. The table says how many mistakes are caught, and how many
are named: the line and the diagnosis are right. What is missed is listed by name; `--only NAME` repeats it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from benchmarks.audit.table import show
from benchmarks.audit.trying import Task, Tried, attempt, notes, right_files, sample, wrong_files
from benchmarks.progress import progress

RIGHT = 6
"""Right files of each rule, for one mutant of each."""


def parser() -> argparse.ArgumentParser:
    """Return the command's parser."""
    root = argparse.ArgumentParser(
        prog="python -m benchmarks.audit",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument(
        "--limit",
        type=int,
        default=4,
        help="mutants of each rule (default 4; 0 for all mutants and all right files)",
    )
    root.add_argument("--seed", type=int, default=0, help="of the sample")
    root.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    root.add_argument("--only", metavar="TEXT", help="only what has this in its name or its rule")
    root.add_argument("--json", type=Path, metavar="FILE", help="write every result")
    root.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 0, whatever it finds."""
    options = parser().parse_args(arguments)
    if options.workers < 1 or options.limit < 0:
        parser().error("--workers is at least 1, --limit at least 0")
    mutants = wrong_files()
    chosen = sample(mutants, options.limit, options.seed) if options.limit else mutants
    right = right_files()
    tasks = [
        *chosen,
        *notes(),
        *(sample(right, RIGHT * options.limit, options.seed) if options.limit else right),
    ]
    if options.only:
        tasks = [task for task in [*mutants, *notes(), *right] if options.only in task.name + task.rule]
    tried = run(tasks, options.workers)
    if options.json:
        plain = json.dumps([one.as_dict() for one in tried], indent=1)
        options.json.write_text(plain + "\n", encoding="utf-8")
    show(tried, len(mutants), markdown=options.markdown)
    return 0


def run(tasks: Sequence[Task], workers: int) -> list[Tried]:
    """Try every task, in the order in which they are given."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    found: dict[int, Tried] = {}
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool, progress(len(tasks)) as tell:
        waiting = {pool.submit(attempt, task): place for place, task in enumerate(tasks)}
        for done in as_completed(waiting):
            found[waiting[done]] = done.result()
            tell(f"{len(found)} of {len(tasks)}", 1)
    return [found[place] for place in sorted(found)]


if __name__ == "__main__":
    sys.exit(main())
