"""One try: a wrong file or a right one, audited, and what came of it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.audit import (  # noqa: F401 - the rules enter themselves
    rules_of_operands,
    rules_of_optimization,
    rules_of_regularization,
    rules_of_sums,
)
from benchmarks.audit.errata import errata
from benchmarks.audit.mutation import Mutant, mutants
from benchmarks.audit.variants import variants

CASES = Path(__file__).parents[1] / "audit_cases"
# Helpers that only others call: the functions that show their mistakes.
CALLERS = {"slope": "L_model_backward", "layer_forward": "L_model_forward"}


@dataclass(frozen=True)
class Task:
    """A file to audit, and what should be said of one of its functions."""

    name: str
    """Finds the same task again: ``--only``."""
    rule: str
    source: str
    function: str
    lines: tuple[int, int] = (0, 0)
    diagnoses: frozenset[str] = frozenset()
    """Those that name the mistake rightly; none where the file is right."""


@dataclass
class Tried:
    """What the audit said."""

    name: str
    rule: str
    wrong: bool
    """Whether the file is wrong."""
    caught: bool
    line: bool
    diagnosis: bool
    seconds: float
    told: list[dict[str, Any]] = field(default_factory=list)

    @property
    def named(self) -> bool:
        """Whether the diagnosis and the line are right."""
        return self.line and self.diagnosis

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "named": self.named}


def sources() -> list[tuple[str, str]]:
    """Return the right implementations by name."""
    return [(path.stem, path.read_text(encoding="utf-8")) for path in sorted(CASES.glob("*.py"))]


def wrong_files() -> list[Task]:
    """Return every mutant of every implementation."""
    return [_task(mutant) for name, source in sources() for mutant in mutants(source, name)]


def _task(mutant: Mutant) -> Task:
    before, after = (" ".join(part.split())[:60] for part in (mutant.before, mutant.after))
    name = f"{mutant.case}:{mutant.lines[0]} {mutant.function}: {before} -> {after}"
    return Task(name, mutant.rule, mutant.source, mutant.function, mutant.lines, mutant.names)


def notes() -> list[Task]:
    """Return the mistakes of the notes."""
    return [
        Task(
            f"notes: {found.name}",
            "of the notes",
            found.source,
            found.function,
            (found.line, found.line),
            frozenset(found.diagnoses),
        )
        for found in errata()
    ]


def right_files() -> list[Task]:
    """Return every right variant, and the implementations themselves."""
    found = []
    for name, source in sources():
        found.append(Task(f"{name}: as it is", "as it is", source, ""))
        found += [
            Task(f"{name} {item.function}: {item.rule} {number}", item.rule, item.source, item.function)
            for number, item in enumerate(variants(source, name))
        ]
    return found


def sample(tasks: Iterable[Task], a_rule: int, seed: int) -> list[Task]:
    """Take so many tasks of each rule, drawn by a seed."""
    by_rule: dict[str, list[Task]] = {}
    for task in tasks:
        by_rule.setdefault(task.rule, []).append(task)
    draw = random.Random(seed)
    return [task for found in by_rule.values() for task in draw.sample(found, min(a_rule, len(found)))]


def attempt(task: Task) -> Tried:
    """Audit one file; seconds are the processor's, so that other work on the machine does not count."""
    from tinygrad_course.audit.command.one_file import audit_text

    started = time.process_time()
    function = CALLERS.get(task.function, task.function)
    report = audit_text(task.source, path=task.name, only=frozenset([function]) if function else None)
    seconds = time.process_time() - started
    found = [told for told in report.functions if told.status == "wrong" and function in {"", told.name}]
    findings = [finding for told in found for finding in told.findings]
    told = findings[:2]
    return Tried(
        task.name,
        task.rule,
        bool(task.diagnoses),
        bool(found),
        any(task.lines[0] <= (finding.line or 0) <= task.lines[1] for finding in told),
        any(finding.diagnosis in task.diagnoses for finding in told),
        seconds,
        [
            {"diagnosis": item.diagnosis, "line": item.line, "likely": item.suggestion, "words": item.message}
            for item in findings
        ],
    )
