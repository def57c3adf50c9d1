"""What one statement alone tells: whether, changed, it gives the value that is right there."""

import ast
from collections.abc import Callable
from types import CodeType
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.line_trace import Event, Site, canonical, target_label
from tinygrad_course.audit.execution.namespace import snapshot
from tinygrad_course.audit.kinds.cases import Case
from tinygrad_course.audit.reference.comparison import as_array, close
from tinygrad_course.audit.repair.candidates import Candidates, read_entries
from tinygrad_course.audit.repair.fault_localization import Run, in_loops
from tinygrad_course.audit.repair.mutations.locations import Scope
from tinygrad_course.audit.repair.verdict import agrees
from tinygrad_course.audit.source.signatures import INSIDE
from tinygrad_course.audit.source.syntax import nodes, targets


class Scene(Run):
    """One run of a wrong function, and the changed versions of it."""

    def __init__(self, pool: Candidates, case: Case) -> None:
        super().__init__(pool.learner, pool.copies, case)
        self.pool = pool

    def last(self, site: Site) -> Event | None:
        """Return the last execution of a statement, of one that gave the wrong value where there is one."""
        symptom = self.symptom
        if symptom and symptom.site and symptom.event is not None and site.place == symptom.site.place:
            return symptom.event
        label = symptom.label if symptom else ""
        found = None
        for name, event in self.events:
            if name == site.function and event.site == site.index:
                found = event
                if any(canonical(key) == canonical(label) for key in event.values):
                    return event
        return found

    def labels(self, site: Site, event: Event) -> list[str]:
        """Return the quantities that a statement assigns."""
        names, scope = list(event.values), {**self.learner.program.home(site.function), **event.before}
        names = names or [target_label(target, scope) for target in targets(site.statement)]
        known = {canonical(label): label for label in self.expected}
        return [known[canonical(name)] for name in names if canonical(name) in known]

    def scope(self, site: Site) -> Scope:
        """Return what a statement saw when it was last run."""
        program, pool = self.learner.program, self.pool
        home = program.home(site.function).items()
        functions = {name for name, value in home if callable(value) and INSIDE not in name}
        own = [event for name, event in self.events if name == site.function]
        local = next((event.before for event in own[::-1] if event.site == site.index), None) or {
            name: value for event in own for name, value in event.before.items()
        }
        read = read_entries(self.copies[site.function])
        return Scope(local, functions, pool.strings, program.at_hand, read, pool.donors)


def assigned(site: Site) -> str:
    """Return the name that a statement assigns, as far as it can be read off."""
    target = next(iter(targets(site.statement)), None)
    if target is None or isinstance(target, ast.Tuple):
        return ""
    if isinstance(target, ast.Attribute):
        return target.attr
    if isinstance(target, ast.Subscript):
        words = [node.value for node in nodes(target.slice, ast.Constant) if isinstance(node.value, str)]
        return words[0] if words else ast.unparse(target.value)
    return ast.unparse(target)


def closed(_: ast.stmt) -> bool:
    """Let no change of a statement pass whose value is right as it is."""
    return False


def prefilter_for(view: Scene, site: Site) -> Callable[[ast.stmt], bool] | None:
    """Return a quick test of a changed statement: whether it gives the value that is right.

    The one statement is run with the variables that it saw. None where there is no telling; closed where the
    value is right as it is.
    """
    event, case, symptom = view.last(site), view.case, view.symptom
    if event is None or isinstance(site.statement, ast.Return):
        return None
    raised = symptom is not None and symptom.error is not None
    if case.refine is not None and raised:
        return None  # what is right depends on what was drawn, and that is not returned
    here = symptom if symptom is not None and event is symptom.event and symptom.right is not None else None
    if site.function != view.learner.name and here is None:
        return None
    if any(as_array(value) is None for value in event.values.values()):
        return None  # a dictionary, of which one entry is wrong
    labels = [here.label] if here is not None else view.labels(site, event)
    if len(labels) != 1 or labels[0] not in view.expected:
        return None
    label = labels[0]
    runs = sum(
        other.site == site.index and any(canonical(key) == canonical(label) for key in other.values)
        for _, other in view.events
    )
    # An entry of a dictionary is a layer's own; a variable in a loop is one layer's, or one example's.
    entry = isinstance(getattr(site.statement, "targets", [None])[0], ast.Subscript)
    looped = not entry and id(site.statement) in in_loops(view.copies[site.function])
    if (here is None or isinstance(site.statement, ast.AugAssign)) and (runs > 1 or looped):
        return None  # a value that grows in a loop: what it should be on the way is not known
    want = here.right if here is not None else view.expected[label]
    if as_array(want) is None:
        return None
    fine = label in view.fine and here is None
    if fine and not (label in case.summed and case.m > 1):
        return closed
    early = fine and any(close(value, np.asarray(want) / case.m) for value in event.values.values())
    options = [np.asarray(want) / case.m] if fine and not early else [want]
    several = symptom is not None and len(symptom.candidates) > 1
    if (several or (here is not None and raised)) and not fine:
        options += case.stages.get(label, [])
    original = ast.unparse(site.statement.targets[0]) if isinstance(site.statement, ast.Assign) else ""

    def test(changed: ast.stmt) -> bool:
        if isinstance(changed, ast.Assign) and ast.unparse(changed.targets[0]) != original:
            return True
        value = local_value(view, site, changed, event.before)
        if value is _UNKNOWN:
            return True
        return value is not None and any(
            agrees(label, value, option, case) or close(value, option) for option in options
        )

    return test


def _compiled(expression: ast.expr) -> CodeType:
    tree = ast.Expression(expression)
    try:
        return compile(tree, "<line>", "eval")
    except (TypeError, ValueError):  # a node without a place
        return compile(ast.fix_missing_locations(tree), "<line>", "eval")


_UNKNOWN = object()
"""Says that no value can be told without running the whole function."""


def local_value(view: Scene, site: Site, statement: ast.stmt, before: dict[str, Any]) -> Any:
    """Return what a statement assigns at a site, given the variables before it; None where it raises."""
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
    learner, bindings = view.learner, view.case.bindings
    namespace = learner.program.home(site.function)
    if bindings or learner.repaired:
        namespace = {**namespace, **learner.replacements(), **bindings}
    try:
        code = _compiled(expression)
        calls = not learner.program.at_hand.keys().isdisjoint(code.co_names)
        with np.errstate(all="ignore"):
            return as_array(eval(code, namespace, snapshot(before) if calls else before))  # noqa: S307 - the homework's line
    except Exception:  # noqa: BLE001 - most edits make no sense
        return None
