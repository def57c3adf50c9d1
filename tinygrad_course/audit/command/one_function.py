"""One function: try it, and if it is wrong find out where and why."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.paths import arrays
from tinygrad_course.audit.execution.stubs import StandInUsedError
from tinygrad_course.audit.kinds.base import Assumption, Kind
from tinygrad_course.audit.kinds.cases import Case, Draw, ShortDraw, plainly, shown
from tinygrad_course.audit.reference.comparison import as_array, close
from tinygrad_course.audit.repair.candidates import Candidates
from tinygrad_course.audit.repair.diagnosis import diagnose, easily_right
from tinygrad_course.audit.repair.fault_localization import Symptom
from tinygrad_course.audit.repair.verdict import Verdict, judge
from tinygrad_course.audit.reporting.results import UNCHECKED, WRONG, Finding, FunctionReport

Function = Callable[..., Any]


def battery(learner: Learner, kind: Kind, assumption: Assumption, seed: int) -> list[Case]:
    """Return a kind's cases from a seed."""
    found: list[Case] = []
    for place, scale in enumerate(kind.battery):
        for attempt in range(40):
            case = kind.case(
                learner, Draw(seed * 7919 + place * 101 + attempt * 10007 + 1, scale), assumption
            )
            if not case.rejected:
                found.append(_tolerant(learner, case))
                break
    return found


def _tolerant(learner: Learner, case: Case) -> Case:
    """Allow for the rounding, and for the small number inside the logarithms, that the file has."""
    case.single = learner.low_precision()
    if "cost" in case.expected and learner.guarded():
        case.tolerances = {**case.tolerances, "cost": 2e-3}
    return case


@dataclass
class Examination:
    """What came of judging one function."""

    report: FunctionReport
    verdicts: list[Verdict]
    repaired: Function | None = None
    trials: int = 0
    excused: bool = False
    """Whether it is right by another measure than the course's."""


def examine(
    learner: Learner,
    kind: Kind,
    seed: int,
    budget: int,
    helpers: list[str],
    excuse: Callable[[list[Verdict]], str] = lambda verdicts: "",
) -> Examination:
    """Judge one function, and look for the mistake of a wrong one.

    Where `excuse` says what a function that seems wrong is right by, it is right.
    """
    with np.errstate(all="ignore"):
        return _examine(learner, kind, seed, budget, helpers, excuse)


def _examine(
    learner: Learner,
    kind: Kind,
    seed: int,
    budget: int,
    helpers: list[str],
    excuse: Callable[[list[Verdict]], str],
) -> Examination:
    where = learner.program.submission.where(learner.node.lineno)
    report = FunctionReport(learner.name, kind=type(kind).__name__, **where)
    chosen, verdicts = _best_assumption(learner, kind, seed)
    report.cases = len(verdicts)
    for remark in [remark for verdict in verdicts for remark in verdict.remarks]:
        if remark not in report.remarks:
            report.remarks.append(remark)
    unused = next(
        (verdict.error for verdict in verdicts if isinstance(verdict.error, StandInUsedError)), None
    )
    if unused is not None and not any(verdict.right for verdict in verdicts):
        report.status = UNCHECKED
        report.remarks.append(f"not checked: {unused}")
        return Examination(report, verdicts)
    function = learner.program.namespace[learner.name]
    failing = [verdict for verdict in verdicts if not verdict.right]
    if not failing:
        extra, count = _explore(learner, kind, chosen, function, seed, kind.examples)
        report.cases += count
        if extra is not None:
            failing = [extra]
            verdicts = [*verdicts, extra]
    report.against = ", ".join(sorted(learner.against)) or "the course's formula"
    if not failing:
        return Examination(report, verdicts)
    excused = excuse(verdicts)
    if excused:
        report.against, report.remarks = excused, []
        return Examination(report, verdicts, excused=True)
    report.status = WRONG
    report.raises_always = all(verdict.error is not None for verdict in failing)
    chosen, verdicts = _likeliest(learner, kind, chosen, verdicts, seed, helpers, budget)
    findings, repaired, trials = search_mistake(learner, kind, verdicts, helpers, budget, report)
    quiet = [set(verdict.wrong) for verdict in failing if verdict.error is None and verdict.case.m > 1]
    labels = set.intersection(*quiet) if quiet else set()
    telling = [verdict for verdict in failing if _telling(verdict, labels)]
    wanted = labels if telling else None
    example, _ = _explore(learner, kind, chosen, function, seed, 25, wanted=wanted)
    smallest = _smaller(example, telling or failing)
    if smallest is not None:
        _illustrate(findings, learner, kind, smallest.case, helpers)
    pattern = _pattern(verdicts)
    if pattern:
        report.remarks.append(pattern)
    return Examination(report, verdicts, repaired, trials)


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
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:  # noqa: BLE001 - edits of a homework may raise anything
        where = learner.program.submission.where(learner.node.lineno)
        found = [Finding("", "unknown", "", **where)], None, budget
        report.remarks.append(f"the search for the mistake failed: {type(error).__name__}: {error}")
    report.findings = found[0]
    return found


def _judged(learner: Learner, kind: Kind, assumption: Assumption, seed: int) -> list[Verdict]:
    function = learner.program.namespace[learner.name]
    return [judge(learner, kind, function, case) for case in battery(learner, kind, assumption, seed)]


def _best_assumption(learner: Learner, kind: Kind, seed: int) -> tuple[Assumption, list[Verdict]]:
    """Return the first of a kind's assumptions under which all is right, else the one under which most is."""
    options: list[tuple[Assumption, list[Verdict]]] = []
    for assumption in kind.assumptions(learner):
        verdicts = _judged(learner, kind, assumption, seed)
        options.append((assumption, verdicts))
        if learner.memory.get("as the course packs it") and not all(verdict.right for verdict in verdicts):
            break  # the forward function's cache is the course's: what unpacks it otherwise is wrong
        if verdicts and all(verdict.right for verdict in verdicts):
            return options[-1]

    def score(option: tuple[Assumption, list[Verdict]]) -> tuple[int, int, int]:
        right = sum(verdict.right for verdict in option[1])
        good = sum(len(verdict.good) for verdict in option[1])
        return right, good, -sum(verdict.error is not None for verdict in option[1])

    return max(options, key=score)


def _likeliest(
    learner: Learner,
    kind: Kind,
    chosen: Assumption,
    verdicts: list[Verdict],
    seed: int,
    helpers: list[str],
    budget: int,
) -> tuple[Assumption, list[Verdict]]:
    """Of several readings of a wrong function, return the one that takes the least to make it right."""
    options = kind.assumptions(learner)
    if len(options) < 2:
        return chosen, verdicts
    read: list[tuple[tuple[bool, int], Assumption, list[Verdict]]] = []
    for option in [chosen, *[option for option in options if option != chosen]]:
        tried = verdicts if option == chosen else _judged(learner, kind, option, seed)
        failing = [verdict for verdict in tried if not verdict.right]
        if failing:
            # Under the right reading the first wrong quantity comes latest.
            deepest = min(
                failing,
                key=lambda verdict: (verdict.error is not None, -verdict.case.layers, verdict.case.m == 1),
            )
            symptom = Candidates(learner, kind, [], helpers, 0).symptom(deepest.case)
            quiet = deepest.error is None
            read.append(((quiet, symptom.moment if symptom else -1), option, tried))
    most = max(count for count, _, _ in read)
    for count, option, tried in read:
        if count < most:
            continue
        if sum(number == most for number, _, _ in read) == 1:
            return option, tried
        with learner.program.trials():
            easy = easily_right(learner, kind, tried, helpers, budget // 8)
        if easy:
            return option, tried
    return chosen, verdicts


def _explore(
    learner: Learner,
    kind: Kind,
    assumption: Assumption,
    function: Function,
    seed: int,
    count: int,
    *,
    wanted: set[str] | None = None,
) -> tuple[Verdict | None, int]:
    """Look for a failing case of short numbers, then for smaller ones.

    Return the smallest one seen, and how many were tried. `wanted` quantities must be wrong in it, by their
    numbers and not by their shapes alone.
    """
    smallest: Verdict | None = None
    tried = 0
    for number in range(count + kind.shrinks):
        if number >= count and smallest is None:
            break
        extent = 2 if smallest is None else number % 2
        with np.errstate(all="ignore"):
            case = kind.case(learner, ShortDraw(seed * 6007 + number, extent), assumption)
        if case.rejected or (smallest is not None and _size(case) >= _size(smallest.case)):
            continue
        _tolerant(learner, case)
        tried += 1
        with np.errstate(all="ignore"):
            verdict = judge(learner, kind, function, case)
        if not verdict.right and (wanted is None or _telling(verdict, wanted)):
            smallest = verdict
    return smallest, tried


def _telling(verdict: Verdict, labels: set[str]) -> bool:
    """Tell whether all these quantities are wrong, by their numbers and not by their arrangement alone."""
    if verdict.right or not labels <= set(verdict.wrong):
        return False
    pairs = [(verdict.values.get(label), verdict.expected.get(label)) for label in verdict.wrong]
    return not pairs or all(_other_numbers(got, want) for got, want in pairs)


def _other_numbers(got: Any, want: Any) -> bool:
    mine, right = as_array(got), as_array(want)
    if mine is None or right is None:
        return True
    if mine.size == 1:
        mine = np.full(right.shape, mine.ravel()[0])
    return mine.size != right.size or not close(np.ravel(mine), np.ravel(right))


def _size(case: Case) -> tuple[int, float]:
    held = list(arrays(case.values))
    return sum(array.size for array in held), float(sum(np.sum(np.abs(array)) for array in held))


def _smaller(example: Verdict | None, failing: list[Verdict]) -> Verdict | None:
    # Short numbers read better than random ones.
    if example is not None and example.error is None:
        return example
    options = [verdict for verdict in [example, *failing] if verdict is not None]
    quiet = [verdict for verdict in options if verdict.error is None]
    return min(
        quiet or options, key=lambda verdict: (_size(verdict.case)[0], verdict is not example), default=None
    )


def _illustrate(
    findings: list[Finding], learner: Learner, kind: Kind, case: Case, helpers: list[str]
) -> None:
    """Show the smallest example at the first wrong quantity, with both values."""
    pool = Candidates(learner, kind, [case], helpers, 0)
    symptom: Symptom | None = pool.symptom(case)
    verdict = judge(learner, kind, learner.program.namespace[learner.name], case)
    returned = next(iter(verdict.wrong), None)
    if symptom is None and returned is not None:
        # Nothing is assigned on the way: what is returned is all there is to show.
        symptom = Symptom(returned, None, verdict.values.get(returned), verdict.expected.get(returned))
    given = shown({name: case.values.get(role) for name, role in learner.arguments})
    for finding in findings:
        finding.example = {"arguments": given}
        label = finding.quantity
        told = (
            (label, verdict.values.get(label), verdict.expected.get(label)) if label in verdict.wrong else ()
        )
        if symptom is not None and (symptom.label == label or finding is findings[0]):
            told = symptom.label, symptom.value, symptom.right
            if symptom.error is not None:
                finding.example["raises"] = f"{type(symptom.error).__name__}: {symptom.error}"
        finding.example |= zip(("quantity", "yours", "right"), map(plainly, told), strict=False)


def _pattern(verdicts: list[Verdict]) -> str:
    """Say for which cases the function is right, where that has a pattern."""
    patterns: list[tuple[str, Callable[[Case], int]]] = [
        ("right for one example (m = 1), wrong for more", lambda case: case.m),
        ("right for one layer, wrong for more", lambda case: case.layers),
    ]
    for words, count in patterns:
        one = [verdict.right for verdict in verdicts if count(verdict.case) == 1]
        more = [verdict.right for verdict in verdicts if count(verdict.case) > 1]
        if one and more and all(one) and not any(more):
            return words
    return ""
