"""Two mistakes in one line: an edit after which the value is right but for a known factor, and that factor."""

import ast
import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_course.audit.cases import Case
from tinygrad_course.audit.clinic import Clinic, Repair, Symptom
from tinygrad_course.audit.compare import as_array, factors, ratio
from tinygrad_course.audit.edits import Edit, edits
from tinygrad_course.audit.program import snapshot
from tinygrad_course.audit.slots import Scope, parse, text
from tinygrad_course.audit.trace import Event, canonical, entry_label
from tinygrad_course.audit.vocabulary import EXAMPLES, examples_count, factor_kind

Function = Callable[..., Any]


def pairs(clinic: Clinic, symptom: Symptom, case: Case, events: list[tuple[str, Event]], scope: Scope) -> Iterator[tuple[Repair, Edit]]:
    """Give the repairs of a statement that take one edit and one factor, and the second mistake's edit."""
    site = symptom.site
    if site is None or symptom.right is None or site.function != clinic.learner.name:
        return
    before = next((event.before for name, event in reversed(events) if name == site.function and event.site == site.index), None)
    statement = site.statement
    if before is None or not isinstance(statement, ast.Assign | ast.AugAssign):
        return
    accept = clinic.progress(clinic.verdicts(clinic.functions()), symptom.label)
    node = clinic.patients[site.function]
    for edit in edits(site.block, site.position, scope, symptom.label):
        if clinic.late():
            return
        changed = site.block[site.position]
        if not isinstance(changed, ast.Assign | ast.AugAssign):
            continue
        value = _value(clinic, changed, before, symptom.label)
        c = ratio(value, symptom.right) if value is not None and np.shape(value) == np.shape(symptom.right) else None
        if c is None or np.size(value) < 2:
            continue
        for words, factor in factors(case.m, case.scalars):
            if not math.isclose(c, factor, rel_tol=1e-6):
                continue
            undone = _undo(words, changed.value, scope)
            if undone is None:
                continue
            original = changed.value
            changed.value = ast.fix_missing_locations(ast.copy_location(undone, original))
            try:
                if accept(clinic.functions_with(site.function, node)):
                    kind = "wrong_sign" if words == "-1" else factor_kind(_name(words, scope), missing=not words.startswith("1/"))
                    second = Edit(kind, f"`{text(original)}` where `{text(undone)}` fits", 1)
                    yield Repair(site, edit, copy.deepcopy(changed), edit.line or statement.lineno, complete=False), second
            finally:
                changed.value = original


def _value(clinic: Clinic, statement: ast.stmt, before: dict[str, Any], label: str) -> Any:
    """Run one statement with the variables that it saw; return what it assigns under the label."""
    scope = {**clinic.learner.program.namespace, **snapshot(before)}
    try:
        with np.errstate(all="ignore"):
            exec(compile(ast.Module([statement], []), "<edit>", "exec"), scope)  # noqa: S102 - the homework's own line, changed
    except Exception:  # noqa: BLE001 - most edits make no sense
        return None
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    for target in targets:
        if isinstance(target, ast.Name) and canonical(target.id) == canonical(label):
            return as_array(scope.get(target.id))
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            base = scope.get(target.value.id)
            for key, item in base.items() if isinstance(base, dict) else ():
                if isinstance(key, str) and canonical(entry_label(target.value.id, key)) == canonical(label):
                    return as_array(item)
    return None


def _name(words: str, scope: Scope) -> str:
    bare = words.removeprefix("-").removeprefix("1/")
    if bare != "m":
        return bare
    return next((name for name in scope.numbers if name in EXAMPLES), next(iter(examples_count(scope)), ""))


def _undo(words: str, value: ast.expr, scope: Scope) -> ast.expr | None:
    """Return the expression without the factor."""
    if words == "-1":
        return ast.UnaryOp(ast.USub(), value)
    name = _name(words, scope)
    if not name or (name not in scope.numbers and ".shape" not in name):
        return None
    operator: ast.operator = ast.Mult() if words.lstrip("-").startswith("1/") else ast.Div()
    undone: ast.expr = ast.BinOp(value, operator, parse(name))
    return ast.UnaryOp(ast.USub(), undone) if words.startswith("-") else undone
