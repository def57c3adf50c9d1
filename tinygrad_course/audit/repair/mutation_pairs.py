"""Two mistakes in one line: an edit after which the value is right but for a known factor.

And that factor.
"""

import ast
import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.line_trace import Site
from tinygrad_course.audit.reference.comparison import as_array, factors, ratio
from tinygrad_course.audit.repair.candidates import Candidates, Repair
from tinygrad_course.audit.repair.fault_localization import Symptom
from tinygrad_course.audit.repair.mutations.locations import Scope, parse
from tinygrad_course.audit.repair.mutations.naming import EXAMPLES, examples_count, factor_kind
from tinygrad_course.audit.repair.mutations.single import Edit, edits
from tinygrad_course.audit.repair.prefilter import Scene, local_value

Function = Callable[..., Any]


def pairs(pool: Candidates, symptom: Symptom, view: Scene) -> Iterator[tuple[Repair, Edit]]:
    """Give the repairs of a statement that take one edit and one factor, and the second mistake's edit."""
    site = symptom.site
    if site is None or symptom.right is None or site.function != pool.learner.name:
        return
    event, statement, case = view.last(site), site.statement, view.case
    scope = pool.scope(site, view.events)
    if event is None or not isinstance(statement, ast.Assign | ast.AugAssign):
        return
    accept = pool.progress(pool.verdicts(pool.functions()), symptom.label)
    node = pool.copies[site.function]
    for edit in edits(site.block, site.position, scope, symptom.label):
        if pool.late():
            return
        changed = site.block[site.position]
        if not isinstance(changed, ast.Assign | ast.AugAssign):
            continue
        value = as_array(local_value(pool, changed, event.before, case.bindings))
        c = (
            ratio(value, symptom.right)
            if value is not None and np.shape(value) == np.shape(symptom.right)
            else None
        )
        if value is None or c is None or value.size < 2:
            continue
        for words, factor in factors(case.m, case.scalars):
            if not math.isclose(c, factor, rel_tol=1e-6):
                continue
            undone = _undo(words, changed.value, scope)
            if undone is None:
                continue
            original = changed.value
            changed.value = undone
            ast.fix_missing_locations(changed)
            try:
                if accept(pool.functions_with(site.function, node)):
                    kind = (
                        "wrong_sign"
                        if words == "-1"
                        else factor_kind(_name(words, scope), missing=not words.startswith("1/"))
                    )
                    second = Edit(kind, 1, original, undone)
                    yield (
                        Repair(
                            site, edit, copy.deepcopy(changed), edit.line or statement.lineno, complete=False
                        ),
                        second,
                    )
            finally:
                changed.value = original


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


FIRST = {"wrong_activation_derivative", "wrong_activation"}
SECOND = {"wrong_operand", "dA_index", "index_off_by_one", "stale_cache", "transposed", "a_for_z", "z_for_a"}


def structural_pairs(pool: Candidates, view: Scene, group: list[Site]) -> tuple[Repair, Edit] | None:
    """Return a repair of one statement that takes another function and another argument: both edits.

    So a hidden layer goes back through sigmoid_backward(dAL, ...) where relu_backward(grads["dA1"], ...)
    fits.
    """
    for site in group:
        scope, node = pool.scope(site, view.events), pool.copies[site.function]
        for first in edits(site.block, site.position, scope, ""):
            if first.kind not in FIRST or first.rank > 1:
                continue
            for second in edits(site.block, site.position, scope, ""):
                if second.kind not in SECOND or second.rank > 1.6:
                    continue
                if pool.late():
                    return None
                pool.trials += 1
                try:
                    functions = pool.functions_with(site.function, node)
                except (SyntaxError, ValueError, TypeError, RecursionError):
                    continue
                if pool.all_right(functions):
                    statement = copy.deepcopy(site.block[site.position])
                    return Repair(
                        site, first, statement, first.line or site.statement.lineno, complete=True
                    ), second
    return None
