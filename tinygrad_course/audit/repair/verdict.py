"""One case, one verdict: whether what a function returned is right, and its caller's arrays left alone."""

import contextlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Function
from tinygrad_course.audit.execution.paths import arrays, duplicate
from tinygrad_course.audit.kinds.base import Kind
from tinygrad_course.audit.kinds.cases import Case
from tinygrad_course.audit.reference.comparison import close


@dataclass
class Verdict:
    """What one case showed."""

    case: Case
    values: dict[str, Any] = field(default_factory=dict)
    expected: dict[str, Any] = field(default_factory=dict)
    error: BaseException | None = None
    result: Any = None
    wrong: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return self.error is None and not self.wrong and not self.missing and not self.changed

    @property
    def good(self) -> frozenset[str]:
        """The required quantities that are right."""
        if self.error is not None:
            return frozenset()
        calm = ["_calm"] * (not self.changed)
        return frozenset([*self.case.required, *calm]) - {*self.wrong, *self.missing}


def score(verdicts: list[Verdict]) -> tuple[int, int, int]:
    """Order what came of several readings of a function: the more is right, the better."""
    good = sum(len(verdict.good) for verdict in verdicts)
    errors = sum(verdict.error is not None for verdict in verdicts)
    return sum(verdict.right for verdict in verdicts), good, -errors


def agrees(label: str, value: Any, want: Any, case: Case, *, unlike: bool = False) -> bool:
    """Tell whether a value is right (1/m may stand early in a sum); `unlike`, where that cannot be told."""
    loose = label in case.loose
    try:
        if isinstance(want, tuple | list | bool):
            return bool(want == value)
        if label in case.tolerances:
            got = np.asarray(value, dtype=float)
            alike = np.size(got) == np.size(want) and (np.size(want) == 1 or loose)
            near = case.tolerances[label] * max(1.0, float(np.max(np.abs(want))))
            same = alike or np.shape(got) == np.shape(want)
            return bool(same and np.max(np.abs(np.ravel(got) - np.ravel(want))) <= near)
        early = label in case.summed and case.m > 1
        return close(value, want, loose_shape=loose) or (early and close(value, np.asarray(want) / case.m))
    except (TypeError, ValueError):
        return unlike


def judge(
    learner: Learner, kind: Kind, function: Function, case: Case, seconds: float | None = None
) -> Verdict:
    """Call a function with one case and compare what it returns with what is right."""
    passed = duplicate(dict(case.values))
    roles = () if kind.owns else learner.binding.roles
    held = [(role, array, array.copy()) for role in roles for array in arrays(passed.get(role))]
    outcome = learner.call(function, passed, case.bindings, seconds)
    verdict = Verdict(case, expected=case.expected, error=outcome.error, result=outcome.result)
    if outcome.error is not None:
        return verdict
    case.passed = passed
    with contextlib.suppress(TypeError, ValueError, KeyError, IndexError, AttributeError):
        verdict.values = kind.read(outcome.result, learner.result, case)
    verdict.expected = case.given(outcome.result)
    for label in case.required:
        if label not in verdict.values:
            verdict.missing.append(label)
        elif not agrees(label, verdict.values[label], verdict.expected[label], case):
            verdict.wrong.append(label)
    try:
        extra, remarks = kind.judge(verdict.values, case)
    except (TypeError, ValueError, AttributeError, IndexError):  # a value of another kind than the course's
        extra, remarks = list(case.required), []
    verdict.wrong += [label for label in extra if label not in verdict.wrong]
    verdict.remarks += remarks
    for role, array, before in held:
        if np.array_equal(array, before, equal_nan=array.dtype.kind == "f"):
            continue
        if role not in kind.may_change:
            verdict.changed += [role] * (role not in verdict.changed)
        elif role in learner.binding.roles:
            argument = learner.binding.names[learner.binding.roles.index(role)]
            remark = f"the arrays in {argument} are changed in place: whoever keeps them sees them change"
            verdict.remarks += [remark] * (remark not in verdict.remarks)
    return verdict
