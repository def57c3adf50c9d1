"""One function: try it, and if it is wrong find out where and why."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Function
from tinygrad_course.audit.execution.paths import arrays
from tinygrad_course.audit.execution.stubs import StandInUsedError
from tinygrad_course.audit.kinds.base import Assumption, Kind
from tinygrad_course.audit.kinds.cases import Case, Draw, ShortDraw, plainly
from tinygrad_course.audit.kinds.own_class import shown_name, shown_words
from tinygrad_course.audit.reference.comparison import as_array, close
from tinygrad_course.audit.repair.candidates import Candidates
from tinygrad_course.audit.repair.diagnosis import diagnose, easily_right
from tinygrad_course.audit.repair.fault_localization import Symptom
from tinygrad_course.audit.repair.verdict import Verdict, judge, score
from tinygrad_course.audit.reporting.results import UNCHECKED, WRONG, Finding, FunctionReport


def battery(learner: Learner, kind: Kind, assumption: Assumption, seed: int) -> list[Case]:
    """Return a kind's cases from a seed."""
    found: list[Case] = []
    for place, scale in enumerate(kind.battery):
        for attempt in range(40):
            draw = Draw(seed * 7919 + place * 101 + attempt * 10007 + 1, scale)
            case = kind.case(learner, draw, assumption)
            if not case.rejected:
                found.append(_tolerant(learner, case))
                break
    return found


def _tolerant(learner: Learner, case: Case) -> Case:
    """Allow for the small number inside the logarithms that the file has."""
    if "cost" in case.expected and re.search(r"1e-\d|\beps|clip|0\.0{3,}\d", learner.text()):
        case.tolerances = {**case.tolerances, "cost": 2e-3}
    return case


@dataclass
class Examination:
    """One function judged, and the mistake of a wrong one looked for."""

    learner: Learner
    kind: Kind
    seed: int
    budget: int
    helpers: list[str]
    excuse: Callable[[list[Verdict]], str] = lambda verdicts: ""
    """Says what a function that seems wrong is right by; "" where it is right by nothing."""
    verdicts: list[Verdict] = field(default_factory=list)
    repaired: Function | None = None
    trials: int = 0
    excused: bool = False
    """Whether it is right by another measure than the course's."""

    def __post_init__(self) -> None:
        where = self.learner.program.submission.where(self.learner.node.lineno)
        self.report = FunctionReport(shown_name(self.learner.name), kind=type(self.kind).__name__, **where)
        self.function = self.learner.program.namespace[self.learner.name]
        with np.errstate(all="ignore"):
            self._examine()

    def _examine(self) -> None:
        report = self.report
        chosen, self.verdicts = self._best_assumption()
        report.cases = len(self.verdicts)
        report.remarks = list(dict.fromkeys(remark for one in self.verdicts for remark in one.remarks))
        errors = [verdict.error for verdict in self.verdicts]
        unused = next((error for error in errors if isinstance(error, StandInUsedError)), None)
        if unused is not None and not any(verdict.right for verdict in self.verdicts):
            report.status = UNCHECKED
            report.remarks.append(f"not checked: {unused}")
            return
        failing = [verdict for verdict in self.verdicts if not verdict.right]
        if not failing:
            extra, count = self._explore(chosen, self.kind.examples)
            report.cases += count
            failing = [extra] if extra is not None else []
            self.verdicts = [*self.verdicts, *failing]
        report.against = ", ".join(sorted(self.learner.against)) or "the course's formula"
        excused = self.excuse(self.verdicts) if failing else ""
        if excused:
            report.against, report.remarks, self.excused = excused, [], True
        elif failing:
            self._find_mistake(chosen, failing)

    def _find_mistake(self, chosen: Assumption, failing: list[Verdict]) -> None:
        learner, kind, report = self.learner, self.kind, self.report
        report.status = WRONG
        report.raises_always = all(verdict.error is not None for verdict in failing)
        chosen, self.verdicts = self._likeliest(chosen, self.verdicts)
        findings, self.repaired, self.trials = search_mistake(
            learner, kind, self.verdicts, self.helpers, self.budget, report
        )
        quiet = [set(verdict.wrong) for verdict in failing if verdict.error is None and verdict.case.m > 1]
        labels = set.intersection(*quiet) if quiet else set()
        telling = [verdict for verdict in failing if _telling(verdict, labels)]
        example, _ = self._explore(chosen, 25, wanted=labels if telling else None)
        options = [one for one in [example, *(telling or failing)] if one is not None]
        # Short numbers read better than random ones.
        best = min(options, key=lambda one: (one.error is not None, one is not example, _size(one.case)))
        self._illustrate(findings, best.case)
        pattern = _pattern(self.verdicts)
        report.remarks += [pattern] if pattern else []

    def _judged(self, assumption: Assumption) -> list[Verdict]:
        cases = battery(self.learner, self.kind, assumption, self.seed)
        return [judge(self.learner, self.kind, self.function, case) for case in cases]

    def _best_assumption(self) -> tuple[Assumption, list[Verdict]]:
        """Return the first of the assumptions under which all is right, else the one under which most is."""
        options: list[tuple[Assumption, list[Verdict]]] = []
        for assumption in self.kind.assumptions(self.learner):
            verdicts = self._judged(assumption)
            options.append((assumption, verdicts))
            right = all(verdict.right for verdict in verdicts)
            if self.learner.packed and not right:
                break  # the forward function's cache is the course's: what unpacks it otherwise is wrong
            if verdicts and right:
                return options[-1]
        return max(options, key=lambda option: score(option[1]))

    def _likeliest(self, chosen: Assumption, verdicts: list[Verdict]) -> tuple[Assumption, list[Verdict]]:
        """Of several readings of a wrong function, return the one that takes the least to make it right."""
        learner, kind = self.learner, self.kind
        options = kind.assumptions(learner)
        if len(options) < 2:
            return chosen, verdicts
        read: list[tuple[tuple[bool, int], Assumption, list[Verdict]]] = []
        for option in [chosen, *[option for option in options if option != chosen]]:
            tried = verdicts if option == chosen else self._judged(option)
            failing = [verdict for verdict in tried if not verdict.right]
            if failing:
                # Under the right reading the first wrong quantity comes latest.
                order = [(one.error is not None, -one.case.layers, one.case.m == 1) for one in failing]
                deepest = failing[order.index(min(order))]
                symptom = Candidates(learner, kind, [], self.helpers, 0).reading(deepest.case).symptom
                quiet = deepest.error is None
                read.append(((quiet, symptom.moment if symptom else -1), option, tried))
        most = max(count for count, _, _ in read)
        alike = [(option, tried) for count, option, tried in read if count == most]
        for option, tried in alike:
            if len(alike) == 1:
                return option, tried
            with learner.program.trials():
                easy = easily_right(learner, kind, tried, self.helpers, self.budget // 8)
            if easy:
                return option, tried
        return chosen, verdicts

    def _explore(
        self, assumption: Assumption, count: int, *, wanted: set[str] | None = None
    ) -> tuple[Verdict | None, int]:
        """Look for a failing case of short numbers, then for smaller ones.

        Return the smallest one seen, and how many were tried. `wanted` quantities must be wrong in it, by
        their numbers and not by their shapes alone.
        """
        smallest: Verdict | None = None
        tried = 0
        for number in range(count + self.kind.shrinks):
            if number >= count and smallest is None:
                break
            draw = ShortDraw(self.seed * 6007 + number, 2 if smallest is None else number % 2)
            case = self.kind.case(self.learner, draw, assumption)
            if case.rejected or (smallest is not None and _size(case) >= _size(smallest.case)):
                continue
            tried += 1
            verdict = judge(self.learner, self.kind, self.function, _tolerant(self.learner, case))
            if not verdict.right and (wanted is None or _telling(verdict, wanted)):
                smallest = verdict
        return smallest, tried

    def _illustrate(self, findings: list[Finding], case: Case) -> None:
        """Show the smallest example at the first wrong quantity, with both values."""
        symptom = Candidates(self.learner, self.kind, [case], self.helpers, 0).reading(case).symptom
        verdict = judge(self.learner, self.kind, self.function, case)
        returned = next(iter(verdict.wrong), None)
        if symptom is None and returned is not None:
            # Nothing is assigned on the way: what is returned is all there is to show.
            symptom = Symptom(returned, None, verdict.values.get(returned), verdict.expected.get(returned))
        plain = {name: plainly(case.values.get(role)) for name, role in self.learner.arguments}
        given = {name: value for name, value in plain.items() if value is not None}
        for finding in findings:
            finding.example = {"arguments": given}
            told: tuple[Any, ...] = ()
            if finding.quantity in verdict.wrong:
                values = (held.get(finding.quantity) for held in (verdict.values, verdict.expected))
                told = finding.quantity, *values
            here = symptom is not None and (symptom.label == finding.quantity or finding is findings[0])
            if here and symptom is not None:
                told = symptom.label, symptom.value, symptom.right
            finding.example |= zip(("quantity", "yours", "right"), map(plainly, told), strict=False)
            if here and symptom is not None and symptom.error is not None:
                finding.example["raises"] = f"{type(symptom.error).__name__}: {symptom.error}"


def search_mistake(
    learner: Learner,
    kind: Kind,
    verdicts: list[Verdict],
    helpers: list[str],
    budget: int,
    report: FunctionReport,
) -> tuple[list[Finding], Function | None, int]:
    """Diagnose a wrong function; it is wrong whether or not the search for its mistake comes to an end."""
    try:
        with learner.program.trials():
            found = diagnose(learner, kind, verdicts, helpers, budget)
    except Exception as error:  # noqa: BLE001 - edits of a homework may raise anything, ask for any memory
        where = learner.program.submission.where(learner.node.lineno)
        found = [Finding("", "unknown", "", **where)], None, budget
        report.remarks.append(f"the search for the mistake failed: {type(error).__name__}: {error}")
    report.findings = found[0]
    for one in report.findings:
        one.suggestion, one.message = map(shown_words, (one.suggestion, one.message))
    return found


def _telling(verdict: Verdict, labels: set[str]) -> bool:
    """Tell whether all these quantities are wrong, by their numbers and not by their arrangement alone."""
    if verdict.right or not labels <= set(verdict.wrong):
        return False
    for label in verdict.wrong:
        mine, right = as_array(verdict.values.get(label)), as_array(verdict.expected.get(label))
        if mine is None or right is None or mine.size not in {1, right.size}:
            continue
        if close(np.ravel(np.broadcast_to(mine.ravel(), right.size)), right.ravel()):
            return False
    return True


def _size(case: Case) -> tuple[int, float]:
    held = list(arrays(case.values))
    return sum(array.size for array in held), float(sum(np.sum(np.abs(array)) for array in held))


def _pattern(verdicts: list[Verdict]) -> str:
    """Say for which cases the function is right, where that has a pattern."""
    for words, count in (("example (m = 1)", "m"), ("layer", "layers")):
        one = [verdict.right for verdict in verdicts if getattr(verdict.case, count) == 1]
        more = [verdict.right for verdict in verdicts if getattr(verdict.case, count) > 1]
        if one and more and all(one) and not any(more):
            return f"right for one {words}, wrong for more"
    return ""
