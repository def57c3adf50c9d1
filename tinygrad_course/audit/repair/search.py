"""The search for what makes a function right, what is likely first: one edit, two, one slip twice."""

import ast
import copy
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.line_trace import Event, Site, sites
from tinygrad_course.audit.reference.comparison import close
from tinygrad_course.audit.repair.candidates import (
    Accept,
    Band,
    Candidates,
    Repair,
    Scene,
    assigned,
    best,
    closed,
    local_value,
    prefilter_for,
)
from tinygrad_course.audit.repair.mutations.scope import locations, text
from tinygrad_course.audit.repair.mutations.single import Edit, edits, standing
from tinygrad_course.audit.repair.verdict import Verdict
from tinygrad_course.audit.source.conventions import canonical
from tinygrad_course.audit.source.syntax import called, names_in

BANDS = ((-1.0, 0.6), (0.6, 1.6), (1.6, 99.0))
"""Likely edits of every line come before far-fetched ones of any."""
PLAN = (
    "first 0, near 0, first 1, near 1, earlier 0, first 2, near 2, earlier 1, step, rest 0 all, earlier 2, "
    "rest 1 all, rest 2 all, earlier 0 all, earlier 1 all"
)
LIKELY = "first 0, near 0, earlier 0"
"""Which lines are tried with the edits of which band; "all", where their values are not tested first.

"step": a later line may be wrong as well, and then nothing is right before the first wrong line is.
"""
FAR, PAIRS, HITS = 3.1, 2500, 20
"""How far-fetched two edits may be together; how many pairs are tried on the one statement, and run."""
FIRST = {"wrong_activation_derivative", "wrong_activation"}
SECOND = {"wrong_operand", "dA_index", "index_off_by_one", "stale_cache", "transposed", "a_for_z", "z_for_a"}


def search(view: Scene, now: list[Verdict], *, likely: bool = False) -> tuple[Repair | None, bool]:
    """Return a repair, and whether everything is right with it; `likely` looks at the likely edits alone."""
    symptom, pool = view.symptom, view.pool
    groups = _groups(view, now)
    first, label = groups["first"], symptom.label if symptom else ""
    whole = pool.budget
    for name, *told in map(str.split, (LIKELY if likely else PLAN).split(",")):
        if name == "step":
            single = bool(label) and len(first) == 1
            found = double_mutation(view, first[0], pool.all_right) if single else None
            if found:
                return found, True
            found = _step(view, now, first, label) if single else None
            if found:
                return found, False
            continue
        # Some trials are kept for the case that a later line is wrong as well.
        pool.budget = whole if likely else pool.trials + (whole - pool.trials) * 3 // 4
        band, filtered, own = BANDS[int(told[0])], "all" not in told, name == "first"
        together = own and (symptom is None or symptom.ambiguous)
        found = _complete(view, groups[name], band, pool.all_right, filtered=filtered, together=together)
        pool.budget = whole
        if found:
            return (_nearer(view, found, groups["earlier"], band) if own else found), True
    return (None, False) if likely else (_partial(view, now, label, groups), False)


def _partial(view: Scene, now: list[Verdict], label: str, groups: dict[str, list[Site]]) -> Repair | None:
    """Return a repair after which something else is still wrong."""
    first = groups["first"]
    if label and len(first) == 1:  # of one edit it is known that there is none
        return double_mutation(view, first[0], view.pool.progress(now, label))
    if label:
        return _step(view, now, first, label)
    if any(verdict.error is not None or verdict.missing for verdict in now):
        return None
    better, everywhere = view.pool.better(now), [*first, *groups["earlier"], *groups["rest"]]
    tried = (_complete(view, everywhere, band, better, filtered=False) for band in BANDS[:2])
    return next(filter(None, tried), None)


def _nearer(view: Scene, found: Repair, earlier: list[Site], band: Band) -> Repair:
    """Prefer the line that made a variable to the one that uses it, where one mistake explains both."""
    used = names_in(found.site.statement)
    fine = {canonical(label) for label in view.fine}
    feeding = [site for site in earlier if assigned(site) in used and canonical(assigned(site)) not in fine]
    taken_out = ast.Subscript | ast.Tuple
    feeding = [one for one in feeding if not isinstance(getattr(one.statement, "value", None), taken_out)]
    options = [found]
    wide = (-1.0, max(band[1], BANDS[1][1]))
    for site in feeding[:3]:
        accept, test = view.pool.all_right, prefilter_for(view, site)
        repairs = view.pool.repairs_at(site, view.scope(site), assigned(site), accept, wide, test)
        options += [repair for repair in repairs if repair.edit.kind == found.edit.kind]
    return best(options) or found


def _step(view: Scene, now: list[Verdict], first: list[Site], label: str) -> Repair | None:
    """Return a repair of the first wrong quantity alone: something after it is wrong as well."""
    accept = view.pool.progress(now, label)
    tried = (_complete(view, first, band, accept, filtered=True, together=True) for band in BANDS)
    return next(filter(None, tried), None)


def _groups(view: Scene, now: list[Verdict]) -> dict[str, list[Site]]:
    """Return the statements that assign the first wrong quantity, helpers' there, those before, the rest."""
    symptom, own = view.symptom, view.pool.learner.name
    order = order_of(view.pool, view.events)
    if symptom is not None and symptom.candidates:
        first = list(symptom.candidates)
    else:
        labels = [label for verdict in now for label in [*verdict.wrong, *verdict.missing]]
        wrong = {label.removeprefix("shape of ").removeprefix("spread of ") for label in labels}
        stems = {stem for label in map(canonical, wrong) for stem in (label, label.rstrip("0123456789"))}
        first = [site for site in order if canonical(assigned(site)) in stems]
        # Of what is taken away from a parameter, the update may be what is wrong.
        added = [site for site in order if isinstance(site.statement, ast.AugAssign) and site not in first]
        first += [site for site in added if f"d{canonical(assigned(site))}" in stems]
    keys = {site.place for site in first}
    others = [site for site in order if site.place not in keys]
    if symptom is None or symptom.site is None:
        return {"first": first, "near": [], "earlier": others, "rest": []}
    limit = symptom.site.index if symptom.site.function == own else 10**6
    called = names_in(symptom.site.statement)
    helpers = [site for site in others if site.function != own]
    near = [site for site in helpers if site.function in called]
    before = [site for site in others if site.function == own and site.index < limit][::-1]
    # In a loop, what stands below has run before too.
    looped = any(isinstance(site.statement, ast.For | ast.While) for site in before)
    after = [site for site in others if site.function == own and site.index > limit]
    earlier = [*before, *[site for site in helpers if site not in near], *(after if looped else [])]
    return {"first": first, "near": near, "earlier": earlier, "rest": [] if looped else after}


def order_of(pool: Candidates, events: list[tuple[str, Event]] | None = None) -> list[Site]:
    """Return the statements that ran (without events: all), in their order, the function's own first."""
    found: list[Site] = []
    ran = {(name, event.site) for name, event in events or []}
    silent = ast.FunctionDef | ast.Import | ast.ImportFrom | ast.Assert | ast.Pass
    for name, node in pool.copies.items():
        for site in sites(node):
            shown = site.statement.value if isinstance(site.statement, ast.Expr) else None
            prints = called(shown or site.statement) == "print"
            if isinstance(site.statement, silent) or isinstance(shown, ast.Constant) or prints:
                continue
            if events is None or (name, site.index) in ran or isinstance(site.statement, ast.Return):
                found.append(site)
    return found


def _complete(
    view: Scene, group: list[Site], band: Band, accept: Accept, *, filtered: bool, together: bool = False
) -> Repair | None:
    """Return the best repair at the first statement that has any, or the best at all of them together."""
    found: list[Repair] = []
    for site in group:
        if view.pool.late():
            break
        prefilter = prefilter_for(view, site) if filtered else None
        if prefilter is closed:
            continue
        label = assigned(site) or (view.symptom.label if view.symptom else "")
        found += view.pool.repairs_at(site, view.scope(site), label, accept, band, prefilter)
        if found and not together:
            break
    return best(found)


def double_mutation(view: Scene, site: Site, accept: Accept) -> Repair | None:
    """Return a repair of one statement by two edits; only those are run that give its right value."""
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


def _first(view: Scene, site: Site, before: dict[str, Any]) -> list[tuple[Edit, ast.stmt, Any]]:
    """Return the first edits of the pairs, and their values: where a shape is wrong, those that mend it."""
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
            number = np.size(value) == np.size(right) == 1
            if not isinstance(value, np.ndarray) or not (number or value.shape == np.shape(right)):
                continue
        singles.append((edit, copy.deepcopy(changed), value))
    return sorted(singles, key=lambda single: single[0].rank)


def same_slip(view: Scene, group: list[Site]) -> list[Repair]:
    """Return the repairs of twin lines that are right together alone: 0.009 for learning_rate in both."""
    pool = view.pool
    for site in group:
        original, slips = pool.copies[site.function], {}
        for edit in edits(site.block, site.position, view.scope(site), assigned(site)):
            if isinstance(edit.old, ast.AST) and isinstance(edit.new, ast.expr) and edit.rank <= FAR:
                slips[ast.unparse(edit.old), ast.unparse(edit.new)] = edit, edit.new
        for (old, _), (edit, new) in sorted(slips.items(), key=lambda slip: slip[1][0].rank):
            changed = copy.deepcopy(original)
            places = [at for one in sites(changed) for at in locations(one.statement) if text(at.node) == old]
            everywhere = old in {"np", "1"}  # stands in too many places to be one slip
            if len({at.node.lineno for at in places}) < 2 or everywhere or pool.late():
                continue
            for at in places:
                made = ast.copy_location(copy.deepcopy(new), at.node)
                at.put(ast.fix_missing_locations(made))
            if pool.accepted(site.function, changed, pool.all_right):
                return [
                    Repair(before, edit, copy.deepcopy(after.statement), before.statement.lineno)
                    for before, after in zip(sites(original), sites(changed), strict=True)
                    if not hasattr(before.statement, "body")
                    and ast.dump(before.statement) != ast.dump(after.statement)
                ]
    return []


def structural_pairs(view: Scene, group: list[Site]) -> Repair | None:
    """Return a repair by two edits: relu_backward(grads["dA1"], ...) for sigmoid_backward(dAL, ...), say."""
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
