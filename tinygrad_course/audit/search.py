"""The search for the change of one line that makes a function right.

Likely lines and likely mistakes first.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_course.audit.cases import Case
from tinygrad_course.audit.clinic import Clinic, Repair, best
from tinygrad_course.audit.compare import as_array, close
from tinygrad_course.audit.judge import Verdict, agrees
from tinygrad_course.audit.program import snapshot
from tinygrad_course.audit.symptoms import Symptom
from tinygrad_course.audit.trace import Event, Site, canonical, entry_label, evaluate, sites

Function = Callable[..., Any]
Accept = Callable[[dict[str, Function]], bool]
BANDS = ((-1.0, 0.6), (0.6, 1.6), (1.6, 99.0))
"""Likely edits of every line come before far-fetched ones of any."""


@dataclass
class Scene:
    """One run of a wrong function, statement by statement."""

    case: Case
    events: list[tuple[str, Event]]
    expected: dict[str, Any]
    symptom: Symptom | None
    fine: set[str]

    def last(self, site: Site) -> Event | None:
        """Return the last execution of a statement, of one that gave the wrong value where there is one."""
        symptom = self.symptom
        if symptom is not None and symptom.site is not None and symptom.event is not None and (
            (site.function, site.index) == (symptom.site.function, symptom.site.index)
        ):  # fmt: skip
            return symptom.event
        label = symptom.label if symptom else ""
        found = None
        for name, event in self.events:
            if name == site.function and event.site == site.index:
                found = event
                if any(canonical(key) == canonical(label) for key in event.values):
                    return event
        return found


def scene(clinic: Clinic, case: Case) -> Scene:
    """Run a case and keep what happened."""
    events, outcome, _ = clinic.trace(case)
    expected = dict(case.expected)
    if case.refine is not None and outcome.error is None:
        expected |= case.refine(outcome.result)
    symptom, fine = clinic.reading(case)
    return Scene(case, events, expected, symptom, fine)


def search(
    clinic: Clinic, view: Scene, now: list[Verdict], *, likely: bool = False
) -> tuple[Repair | None, bool]:
    """Return a repair, and whether everything is right with it; `likely` looks at the likely edits alone."""
    symptom = view.symptom
    first, near, earlier, rest = _groups(clinic, view, now)
    label = symptom.label if symptom else ""
    ambiguous = symptom is None or symptom.ambiguous
    plan: list[tuple[list[Site], int, bool]] = [
        (first, 0, True),
        (near, 0, True),
        (first, 1, True),
        (near, 1, True),
        (earlier, 0, True),
        (first, 2, True),
        (near, 2, True),
        (earlier, 1, True),
        (rest, 0, False),
        (earlier, 2, True),
        (rest, 1, False),
        (rest, 2, False),
        (earlier, 0, False),
        (earlier, 1, False),
    ]
    if likely:
        plan = [(first, 0, True), (near, 0, True), (earlier, 0, True)]
    elif label and symptom and len(first) == 1:
        # A later line may be wrong as well: then nothing is right before the first wrong line is.
        plan.insert(8, ([], -1, True))
    for group, band, filtered in plan:
        if band < 0:
            found = _step(clinic, view, now, first, label)
            if found:
                return found, False
            continue
        found = _complete(
            clinic,
            view,
            group,
            BANDS[band],
            clinic.all_right,
            filtered=filtered,
            together=group is first and ambiguous,
        )
        if found:
            return (_nearer(clinic, view, found, earlier, BANDS[band]) if group is first else found), True
    if likely:
        return None, False
    if label:
        found = _step(clinic, view, now, first, label)
        if found:
            return found, False
    elif not any(verdict.error is not None for verdict in now):
        improving = clinic.better(now)
        for limits in BANDS[:2]:
            found = _complete(clinic, view, [*first, *earlier, *rest], limits, improving, filtered=False)
            if found:
                return found, False
    return None, False


def _nearer(
    clinic: Clinic, view: Scene, found: Repair, earlier: list[Site], band: tuple[float, float]
) -> Repair:
    """Prefer the line that made a variable to the line that uses it.

    Where the same mistake can be undone in either.
    """
    used = {node.id for node in ast.walk(found.site.statement) if isinstance(node, ast.Name)}
    feeding = [
        site
        for site in earlier
        if assigned(site) in used
        and canonical(assigned(site)) not in {canonical(label) for label in view.fine}
    ]
    options = [found]
    for site in feeding[:3]:
        options += [
            repair
            for repair in _repairs(
                clinic, view, site, assigned(site), band, clinic.all_right, _sieve(clinic, view, site)
            )
            if repair.edit.kind == found.edit.kind
        ]
    return best(options) or found


def _step(clinic: Clinic, view: Scene, now: list[Verdict], first: list[Site], label: str) -> Repair | None:
    """Return a repair of the first wrong quantity alone: something after it is wrong as well."""
    accept = clinic.progress(now, label)
    for band in BANDS:
        found = _complete(clinic, view, first, band, accept, filtered=True, together=True)
        if found:
            return found
    return None


def _groups(
    clinic: Clinic, view: Scene, now: list[Verdict]
) -> tuple[list[Site], list[Site], list[Site], list[Site]]:
    """Return the statements that assign the first wrong quantity.

    Those of the helpers called there, those before, and the rest.
    """
    symptom = view.symptom
    order = order_of(clinic, view.events)
    own = clinic.learner.name
    if symptom is not None and symptom.candidates:
        first = list(symptom.candidates)
    else:
        wrong = {
            label.removeprefix("shape of ") for verdict in now for label in [*verdict.wrong, *verdict.missing]
        }
        stems = {canonical(label) for label in wrong} | {
            canonical(label).rstrip("0123456789") for label in wrong
        }
        first = [site for site in order if canonical(assigned(site)) in stems]
    keys = {(site.function, site.index) for site in first}
    others = [site for site in order if (site.function, site.index) not in keys]
    if symptom is None or symptom.site is None:
        return first, [], others, []
    limit = symptom.site.index if symptom.site.function == own else 10**6
    called = {node.id for node in ast.walk(symptom.site.statement) if isinstance(node, ast.Name)}
    helpers = [site for site in others if site.function != own]
    near = [site for site in helpers if site.function in called]
    before = [site for site in others if site.function == own and site.index < limit][::-1]
    # In a loop, what stands below has run before too.
    looped = any(isinstance(site.statement, ast.For | ast.While) for site in before)
    after = [site for site in others if site.function == own and site.index > limit]
    earlier = [*before, *[site for site in helpers if site not in near], *(after if looped else [])]
    return first, near, earlier, [] if looped else after


def order_of(clinic: Clinic, events: list[tuple[str, Event]] | None = None) -> list[Site]:
    """Return the statements that ran (all of them without events), in their order.

    The function's own first.
    """
    found: list[Site] = []
    ran = {(name, event.site) for name, event in events or []}
    for name, node in clinic.patients.items():
        docstring = ast.get_docstring(node) is not None
        for site in sites(node):
            if isinstance(
                site.statement, ast.FunctionDef | ast.Import | ast.ImportFrom | ast.Assert | ast.Pass
            ):
                continue
            if (docstring and site.index == 0) or _prints(site.statement):
                continue
            if events is None or (name, site.index) in ran or isinstance(site.statement, ast.Return):
                found.append(site)
    return found


def _prints(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and ast.unparse(statement.value.func) == "print"
    )


def assigned(site: Site) -> str:
    """Return the name that a statement assigns, as far as it can be read off."""
    statement = site.statement
    target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
    if not isinstance(target, ast.expr) or isinstance(target, ast.Tuple):
        return ""
    if isinstance(target, ast.Subscript):
        words = [
            node.value
            for node in ast.walk(target.slice)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        return words[0] if words else ast.unparse(target.value)
    return ast.unparse(target)


def _complete(
    clinic: Clinic,
    view: Scene,
    group: list[Site],
    band: tuple[float, float],
    accept: Accept,
    *,
    filtered: bool,
    together: bool = False,
) -> Repair | None:
    """Return the best repair at the first statement that has any, or the best at all of them together."""
    found: list[Repair] = []
    for site in group:
        if clinic.late():
            break
        sieve = _sieve(clinic, view, site) if filtered else None
        if sieve is _CLOSED:
            continue
        label = assigned(site) or (view.symptom.label if view.symptom else "")
        found += list(_repairs(clinic, view, site, label, band, accept, sieve))
        if found and not together:
            break
    return best(found)


def _repairs(
    clinic: Clinic, view: Scene, site: Site, label: str, band: tuple[float, float], accept: Accept, sieve: Any
) -> Iterator[Repair]:
    yield from clinic.repairs_at(site, clinic.scope(site, view.events), label, accept, band, sieve)


def _closed(statement: ast.stmt) -> bool:
    del statement
    return False


_CLOSED = _closed


def _sieve(clinic: Clinic, view: Scene, site: Site) -> Callable[[ast.stmt], bool] | None:
    """Return a quick test of a changed statement: whether it gives the value that is right.

    The one statement is run with the variables that it saw. None where there is no telling; closed where
    the value is
    right as it is.
    """
    event = view.last(site)
    if event is None or isinstance(site.statement, ast.Return):
        return None
    here = view.symptom is not None and event is view.symptom.event and view.symptom.right is not None
    if site.function != clinic.learner.name and not here:
        return None
    if any(as_array(value) is None for value in event.values.values()):
        return None  # a dictionary, of which one entry is wrong
    labels = [view.symptom.label] if here and view.symptom is not None else _labels(site, event, view, clinic)
    if len(labels) != 1 or labels[0] not in view.expected:
        return None
    label = labels[0]
    runs = sum(
        other.site == site.index and any(canonical(key) == canonical(label) for key in other.values)
        for _, other in view.events
    )
    if runs > 1 and not here:
        return None  # a value that grows in a loop: what it should be on the way is not known
    want, case = view.expected[label], view.case
    if as_array(want) is None:
        return None
    summed = label in case.summed
    fine = label in view.fine and not here
    if fine and not (summed and case.m > 1):
        return _CLOSED
    options = [np.asarray(want) / case.m] if fine else [want]
    several = view.symptom is not None and len(view.symptom.candidates) > 1
    if several and not fine:
        options += case.stages.get(label, [])
    original = ast.unparse(site.statement.targets[0]) if isinstance(site.statement, ast.Assign) else ""

    def test(changed: ast.stmt) -> bool:
        if isinstance(changed, ast.Assign) and ast.unparse(changed.targets[0]) != original:
            return True
        value = local_value(clinic, changed, event.before, case.bindings)
        if value is _UNKNOWN:
            return True
        return value is not None and any(_fits(label, value, option, case) for option in options)

    return test


def _fits(label: str, value: Any, option: Any, case: Case) -> bool:
    try:
        return agrees(label, value, option, case) or close(value, option)
    except (TypeError, ValueError):
        return False


def _labels(site: Site, event: Event, view: Scene, clinic: Clinic) -> list[str]:
    known = {canonical(label): label for label in view.expected}
    names = list(event.values)
    if not names:
        statement = site.statement
        targets = (
            statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        )
        names = [
            target_label(target, {**clinic.learner.program.namespace, **event.before})
            for target in targets
            if target is not None
        ]
    return [known[canonical(name)] for name in names if canonical(name) in known]


def target_label(target: ast.expr, scope: dict[str, Any]) -> str:
    """Name what a target assigns: the variable, or the entry of a dictionary."""
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
        key = evaluate(target.slice, scope)
        return entry_label(target.value.id, key) if isinstance(key, str) else target.value.id
    return ""


class _Unknown:
    """No value can be told without running the whole function."""


_UNKNOWN = _Unknown()


def local_value(
    clinic: Clinic, statement: ast.stmt, before: dict[str, Any], bindings: dict[str, Any] | None = None
) -> Any:
    """Return what one statement assigns, given the variables before it; None where it raises."""
    if isinstance(statement, ast.AugAssign):
        if not isinstance(statement.target, ast.Name | ast.Subscript):
            return _UNKNOWN
        target = ast.parse(ast.unparse(statement.target), mode="eval").body
        expression: ast.expr = ast.BinOp(target, statement.op, statement.value)
    elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        expression = statement.value
    elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Subscript):
        # dZ[Z <= 0] = 0 changes an array that is there already: only a whole entry is its own value.
        base = statement.targets[0].value
        if not isinstance(base, ast.Name) or not isinstance(before.get(base.id), dict):
            return _UNKNOWN
        expression = statement.value
    else:
        return _UNKNOWN
    namespace = clinic.learner.program.namespace
    if bindings or clinic.learner.repaired:
        namespace = {**namespace, **clinic.learner.replacements(), **(bindings or {})}
    calls = any(
        isinstance(node, ast.Name) and node.id in clinic.learner.program.functions
        for node in ast.walk(expression)
    )
    try:
        code = compile(ast.fix_missing_locations(ast.Expression(expression)), "<line>", "eval")
        with np.errstate(all="ignore"):
            return as_array(eval(code, namespace, snapshot(before) if calls else before))  # noqa: S307 - the homework's line
    except Exception:  # noqa: BLE001 - most edits make no sense
        return None
