"""The search for the change of one line that makes a function right.

Likely lines and likely mistakes first.
"""

import ast
from collections.abc import Callable, Iterator
from typing import Any

from tinygrad_course.audit.execution.line_trace import Event, Site, canonical, sites
from tinygrad_course.audit.repair.candidates import Candidates, Repair, best
from tinygrad_course.audit.repair.double_mutations import double_mutation
from tinygrad_course.audit.repair.prefilter import Scene, assigned, closed, prefilter_for
from tinygrad_course.audit.repair.verdict import Verdict

Function = Callable[..., Any]
Accept = Callable[[dict[str, Function]], bool]
BANDS = ((-1.0, 0.6), (0.6, 1.6), (1.6, 99.0))
"""Likely edits of every line come before far-fetched ones of any."""


def search(
    pool: Candidates, view: Scene, now: list[Verdict], *, likely: bool = False
) -> tuple[Repair | None, bool]:
    """Return a repair, and whether everything is right with it; `likely` looks at the likely edits alone."""
    symptom = view.symptom
    first, near, earlier, rest = _groups(pool, view, now)
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
    whole = pool.budget
    for group, band, filtered in plan:
        # Some trials are kept for the case that a later line is wrong as well.
        pool.budget = whole if band < 0 or likely else pool.trials + (whole - pool.trials) * 3 // 4
        if band < 0:
            found = double_mutation(pool, view, first[0], pool.all_right)
            if found:
                return found, True
            found = _step(pool, view, now, first, label)
            if found:
                return found, False
            continue
        found = _complete(
            pool,
            view,
            group,
            BANDS[band],
            pool.all_right,
            filtered=filtered,
            together=group is first and ambiguous,
        )
        pool.budget = whole
        if found:
            return (_nearer(pool, view, found, earlier, BANDS[band]) if group is first else found), True
    return (None, False) if likely else (_partial(pool, view, now, label, [first, earlier, rest]), False)


def _partial(
    pool: Candidates, view: Scene, now: list[Verdict], label: str, groups: list[list[Site]]
) -> Repair | None:
    """Return a repair after which something else is still wrong."""
    first, earlier, rest = groups
    if label:
        found = _step(pool, view, now, first, label)
        if not found and len(first) == 1:
            found = double_mutation(pool, view, first[0], pool.progress(now, label))
        return found
    if any(verdict.error is not None or verdict.missing for verdict in now):
        return None
    for limits in BANDS[:2]:
        found = _complete(pool, view, [*first, *earlier, *rest], limits, pool.better(now), filtered=False)
        if found:
            return found
    return None


def _nearer(
    pool: Candidates, view: Scene, found: Repair, earlier: list[Site], band: tuple[float, float]
) -> Repair:
    """Prefer the line that made a variable to the line that uses it.

    Where the same mistake can be undone in either.
    """
    used = {node.id for node in ast.walk(found.site.statement) if isinstance(node, ast.Name)}
    feeding = [
        site
        for site in earlier
        if assigned(site) in used
        and not isinstance(getattr(site.statement, "value", None), ast.Subscript | ast.Tuple)
        and canonical(assigned(site)) not in {canonical(label) for label in view.fine}
    ]
    options = [found]
    wide = (-1.0, max(band[1], BANDS[1][1]))
    for site in feeding[:3]:
        options += [
            repair
            for repair in _repairs(
                pool, view, site, assigned(site), wide, pool.all_right, prefilter_for(pool, view, site)
            )
            if repair.edit.kind == found.edit.kind
        ]
    return best(options) or found


def _step(pool: Candidates, view: Scene, now: list[Verdict], first: list[Site], label: str) -> Repair | None:
    """Return a repair of the first wrong quantity alone: something after it is wrong as well."""
    accept = pool.progress(now, label)
    for band in BANDS:
        found = _complete(pool, view, first, band, accept, filtered=True, together=True)
        if found:
            return found
    return None


def _groups(
    pool: Candidates, view: Scene, now: list[Verdict]
) -> tuple[list[Site], list[Site], list[Site], list[Site]]:
    """Return the statements that assign the first wrong quantity.

    Those of the helpers called there, those before, and the rest.
    """
    symptom = view.symptom
    order = order_of(pool, view.events)
    own = pool.learner.name
    if symptom is not None and symptom.candidates:
        first = list(symptom.candidates)
    else:
        wrong = {
            label.removeprefix("shape of ").removeprefix("spread of ")
            for verdict in now
            for label in [*verdict.wrong, *verdict.missing]
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


def order_of(pool: Candidates, events: list[tuple[str, Event]] | None = None) -> list[Site]:
    """Return the statements that ran (all of them without events), in their order.

    The function's own first.
    """
    found: list[Site] = []
    ran = {(name, event.site) for name, event in events or []}
    for name, node in pool.copies.items():
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


def _complete(
    pool: Candidates,
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
        if pool.late():
            break
        prefilter = prefilter_for(pool, view, site) if filtered else None
        if prefilter is closed:
            continue
        label = assigned(site) or (view.symptom.label if view.symptom else "")
        found += list(_repairs(pool, view, site, label, band, accept, prefilter))
        if found and not together:
            break
    return best(found)


def _repairs(
    pool: Candidates,
    view: Scene,
    site: Site,
    label: str,
    band: tuple[float, float],
    accept: Accept,
    prefilter: Any,
) -> Iterator[Repair]:
    yield from pool.repairs_at(site, pool.scope(site, view.events), label, accept, band, prefilter)
