"""Two mistakes at once: two edits of a line, or one slip in twin lines, that make it right together."""

import ast
import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.line_trace import Site, sites
from tinygrad_course.audit.reference.comparison import close
from tinygrad_course.audit.repair.candidates import Repair
from tinygrad_course.audit.repair.mutations.locations import locations, parse, text
from tinygrad_course.audit.repair.mutations.single import Edit, edits, standing
from tinygrad_course.audit.repair.prefilter import Scene, assigned, closed, local_value, prefilter_for

Function = Callable[..., Any]
FAR, PAIRS, HITS = 3.1, 2500, 20
"""How far-fetched two edits may be together; how many pairs are tried on the one statement, and run."""
FIRST = {"wrong_activation_derivative", "wrong_activation"}
SECOND = {"wrong_operand", "dA_index", "index_off_by_one", "stale_cache", "transposed", "a_for_z", "z_for_a"}


def double_mutation(view: Scene, site: Site, accept: Callable[[dict[str, Function]], bool]) -> Repair | None:
    """Return a repair of one statement that takes two edits.

    The pairs are tried on the one statement alone; only what gives the right value there is run.
    """
    prefilter, event, pool = prefilter_for(view, site), view.last(site), view.pool
    if prefilter is None or prefilter is closed or event is None or view.symptom is None:
        return None
    scope, label, singles = view.scope(site), assigned(site), _first(view, site, event.before)
    # The same slip twice comes before two different ones.
    for alike in (True, False):
        hits: list[Repair] = []
        left = PAIRS // 4 if alike else PAIRS
        for first, changed, once in singles:
            with standing(site.block, site.position, changed):
                for second in edits(site.block, site.position, scope, label):
                    if alike and second.kind != first.kind:
                        continue
                    left -= 1
                    if left < 0 or len(hits) >= HITS:
                        break
                    if first.rank + second.rank > FAR or not prefilter(site.statement):
                        continue
                    twice = local_value(view, site, site.statement, event.before)
                    if once is None or np.shape(once) != np.shape(twice) or not close(once, twice):
                        hits.append(Repair.made(site, first, second))
        for hit in sorted(hits, key=lambda hit: hit.edit.rank + (hit.second.rank if hit.second else 0)):
            with standing(site.block, site.position, hit.statement):
                if pool.accepted(site.function, pool.copies[site.function], accept):
                    return hit
    return None


def same_slip(view: Scene, group: list[Site]) -> list[Repair]:
    """Return the repairs of twin lines that have the same slip: 0.009 for learning_rate in both."""
    pool = view.pool
    for site in group:
        scope, name = view.scope(site), site.function
        pairs = {
            (ast.unparse(edit.old), ast.unparse(edit.new)): edit
            for edit in edits(site.block, site.position, scope, assigned(site))
            if isinstance(edit.old, ast.AST) and isinstance(edit.new, ast.AST) and edit.rank <= FAR
        }
        original = pool.copies[name]
        whole = ast.unparse(original)
        for (old, new), edit in sorted(pairs.items(), key=lambda item: item[1].rank):
            if whole.count(old) < 2 or old in {"np", "1"} or pool.late():
                continue
            changed = copy.deepcopy(original)
            places = [at for one in sites(changed) for at in locations(one.statement) if text(at.node) == old]
            if len({at.node.lineno for at in places}) < 2:
                continue
            for at in places:
                at.put(ast.copy_location(parse(new), at.node))
            if pool.accepted(name, changed, pool.all_right):
                pairs_of_sites = zip(sites(original), sites(changed), strict=True)
                return [
                    Repair(before, edit, copy.deepcopy(after.statement), before.statement.lineno)
                    for before, after in pairs_of_sites
                    if not hasattr(before.statement, "body")
                    and ast.dump(before.statement) != ast.dump(after.statement)
                ]
    return []


def _first(view: Scene, site: Site, before: dict[str, Any]) -> list[tuple[Edit, ast.stmt, Any]]:
    """Return the first edits of the pairs, likely ones first, each with the value that it makes.

    Where the shape is wrong, one of the two mends it: only those edits are kept that do.
    """
    scope, label = view.scope(site), assigned(site)
    symptom, original = view.symptom, site.statement
    right: Any = symptom.right if symptom is not None else None
    reshapes = symptom is not None and (symptom.value is None or np.shape(symptom.value) != np.shape(right))
    singles: list[tuple[Edit, ast.stmt, Any]] = []
    for edit in edits(site.block, site.position, scope, label):
        changed = site.block[site.position]
        if edit.rank > FAR or not isinstance(changed, type(original)):
            continue
        value = None
        if right is not None and reshapes:
            value = local_value(view, site, changed, before)
            fits = isinstance(value, np.ndarray) and (
                value.shape == np.shape(right) or value.size == np.size(right) == 1
            )
            if not fits:
                continue
        singles.append((edit, copy.deepcopy(changed), value))
    return sorted(singles, key=lambda single: single[0].rank)


def structural_pairs(view: Scene, group: list[Site]) -> Repair | None:
    """Return a repair of one statement that takes another function and another argument: both edits.

    A hidden layer goes back through sigmoid_backward(dAL, ...) where relu_backward(grads["dA1"], ...) fits.
    """
    pool = view.pool
    for site in group:
        scope, node = view.scope(site), pool.copies[site.function]
        for first in edits(site.block, site.position, scope, ""):
            if first.kind not in FIRST or first.rank > 1:
                continue
            for second in edits(site.block, site.position, scope, ""):
                if second.kind not in SECOND or second.rank > 1.6:
                    continue
                if pool.late():
                    return None
                if pool.accepted(site.function, node, pool.all_right):
                    return Repair.made(site, first, second)
    return None
