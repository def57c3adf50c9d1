"""A forward and a backward pass judged together: which of the two is the odd one, and the cache."""

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.kinds import Kind, kind_of
from tinygrad_course.audit.kinds.backward_passes import Backward
from tinygrad_course.audit.kinds.cases import Case, Draw
from tinygrad_course.audit.kinds.forward_passes import HIDDEN
from tinygrad_course.audit.kinds.pairing import forward_for
from tinygrad_course.audit.repair.candidates import Candidates
from tinygrad_course.audit.repair.mutations.scope import Scope, text
from tinygrad_course.audit.repair.search import order_of
from tinygrad_course.audit.repair.verdict import Verdict, judge
from tinygrad_course.audit.reporting.results import Finding
from tinygrad_course.audit.source.signatures import bare
from tinygrad_course.audit.source.syntax import nodes, stored_names, tuple_of_names

TRIALS = 200
ALWAYS_PAIRED = {"linear_forward", "linear_activation_forward", "sigmoid", "relu", "tanh"}
"""The forward functions whose cache no other backward function of a file takes."""


def _partner(learner: Learner) -> tuple[Learner, Kind, str] | None:
    """Return the backward function of the file that goes with a forward function, the likest by its name."""
    known, mine = learner.program.at_hand, {*bare(learner.name).split("_")}
    backs = [name for name in known if "back" in bare(name) and forward_for(name, known) is learner.node]
    for name in sorted(backs, key=lambda one: -len(mine & {*bare(one).split("_")})):
        found = kind_of(known[name])
        if found is not None:
            return Learner(learner.program, known[name], found[1], learner.repaired), found[0], name
    return None


def backward_hidden(learner: Learner) -> list[str]:
    """Return the hidden activations for which the file's backward pass is right, with caches of ours."""
    found = _partner(learner)
    if found is None:
        return []
    partner, kind, name = found
    function = learner.program.namespace[name]
    right: list[str] = []
    for hidden in HIDDEN:
        told = {"cache": "course", "hidden": hidden}
        known = isinstance(kind, Backward)
        drawn = [kind.case(partner, Draw(seed, "deep"), told) for seed in (3, 5, 8) if known]
        cases = [case for case in drawn if not case.rejected]
        if cases and all(judge(partner, kind, function, case).right for case in cases):
            right.append(hidden)
    return right


def cache_finding(learner: Learner, kind: Kind, seed: int) -> Finding | None:
    """Find a forward function whose activations are right and whose cache is not.

    Its partner, the backward function of the file, is wrong with its cache and right with the course's, and
    the two caches are built alike.
    """
    found = _partner(learner)
    if found is None:
        return None
    partner, back, name = found
    twice = _stored_twice(learner, partner)  # the backward function may not need what is overwritten
    if twice is not None:
        return twice
    options = back.assumptions(partner)
    if {"cache": "own"} not in options or len(options) < 2:
        return None
    function = learner.program.namespace[name]

    def verdicts(assumption: dict[str, Any]) -> list[Verdict]:
        return [judge(partner, back, function, case) for case in _cases(back, partner, assumption, seed)]

    own = verdicts({"cache": "own"})
    if not own or all(verdict.right for verdict in own) or partner.packed:
        return None
    tries = map(verdicts, options[1:])
    course = next((tried for tried in tries if tried and all(verdict.right for verdict in tried)), None)
    paired = bare(learner.name) in ALWAYS_PAIRED
    if course is None or not (paired or _alike(*(one[0].case.values.get("cache") for one in (own, course)))):
        return None
    return _repair(learner, kind, partner, back, function, seed)


def _stored_twice(learner: Learner, partner: Learner) -> Finding | None:
    """Find a value that stands in the cache twice, once where the backward function takes another of it."""
    taken = [names for node in nodes(partner.node, ast.Assign) if (names := tuple_of_names(node.targets[0]))]
    for node in nodes(learner.node, ast.Assign):
        stored = tuple_of_names(node.value)
        for names in taken:
            pairs = enumerate(zip(stored, names, strict=False))
            other = [place for place, pair in pairs if pair[0] != pair[1]]
            if len(stored) != len(names) or len(other) != 1:
                continue
            wrong, right = stored[other[0]], names[other[0]]
            if stored.count(wrong) == 2 and right in _names(learner):
                words = f"{wrong} stands in the cache where {partner.name} takes {right} from it"
                spot = learner.program.submission.spot(node.lineno)
                stored[other[0]] = right
                likely = f"{ast.unparse(node.targets[0])} = ({', '.join(stored)})"
                return Finding("cache", "wrong_operand", words, suggestion=likely, **spot)
    return None


def _cases(kind: Kind, partner: Learner, assumption: dict[str, Any], seed: int) -> list[Case]:
    drawn = [kind.case(partner, Draw(seed + number, "distinct"), assumption) for number in (1, 2, 3, 4)]
    return [case for case in drawn if not case.rejected]


def _alike(first: Any, second: Any) -> bool:
    """Tell whether two caches are built alike, whatever their numbers."""
    if isinstance(first, dict) and isinstance(second, dict):
        return bool(first.keys() & second.keys())
    if isinstance(first, tuple | list) and isinstance(second, tuple | list):
        return len(first) == len(second) and all(_alike(a, b) for a, b in zip(first, second, strict=True))
    return isinstance(first, np.ndarray) and isinstance(second, np.ndarray)


def _repair(
    learner: Learner, kind: Kind, partner: Learner, back: Kind, function: Callable[..., Any], seed: int
) -> Finding:
    submission = learner.program.submission
    own = learner.program.namespace[learner.name]
    forward: list[Case] = []
    for assumption in kind.assumptions(learner):
        forward = _cases(kind, learner, assumption, seed)[:2]
        if all(judge(learner, kind, own, case).right for case in forward):
            break
    pool = Candidates(learner, kind, forward[:1], [], TRIALS)
    returned = judge(learner, kind, own, forward[0]).result if forward else None

    def accept(functions: dict[str, Callable[..., Any]]) -> bool:
        shape = next(pool.verdicts(functions, 0.2), None)
        if shape is None or not shape.right or type(shape.result) is not type(returned):
            return False
        if isinstance(returned, tuple) and len(tuple(shape.result or ())) != len(returned):
            return False
        with learner.program.bound(functions):
            try:
                cases = _cases(back, partner, {"cache": "own"}, seed)[:2]
            except (TypeError, ValueError, KeyError, IndexError, AttributeError):
                return False
            return bool(cases) and all(judge(partner, back, function, case, 0.2).right for case in cases)

    partner.graphs = 99  # the formulas have agreed with the graph before
    node = pool.copies[learner.name]
    line = node.lineno
    message = f"what it computes is right, and {partner.name} is right with the course's cache"
    finding = Finding("cache", "stale_cache", f"{message}, but not with the one that it stores")
    values = {name: np.zeros((1, 1)) for name in _names(learner)}
    scope, order = Scope(values, set(), pool.strings), order_of(pool)[::-1]
    for site in sorted(order, key=lambda one: "cache" not in ast.unparse(one.statement)):
        repair = next(pool.repairs_at(site, scope, "cache", accept, (-1.0, 1.6)), None)
        if repair is not None:
            line = repair.line
            finding.suggestion, finding.verified = text(repair.statement), True
            finding.message += f"; {repair.edit.words}"
            if repair.edit.kind in {"a_for_z", "z_for_a", "wrong_order"}:
                finding.diagnosis = repair.edit.kind
            break
    return replace(finding, **submission.spot(line))


def _names(learner: Learner) -> list[str]:
    return [*stored_names(learner.node), *learner.binding.names]
