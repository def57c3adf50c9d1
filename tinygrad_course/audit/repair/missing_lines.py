"""Lines that are missing, or stand too early: a return, what a loop hands on, the update of a parameter."""

import ast
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.line_trace import Event, evaluate, sites
from tinygrad_course.audit.repair.candidates import Candidates
from tinygrad_course.audit.repair.verdict import Verdict
from tinygrad_course.audit.reporting.results import DIAGNOSES, Finding
from tinygrad_course.audit.source.conventions import canonical, state
from tinygrad_course.audit.source.syntax import loops, names_in, nodes, stored_names

Function = Callable[..., Any]
Found = tuple[list[Finding], Function | None]


def _right_with(pool: Candidates, block: list[ast.stmt], body: list[ast.stmt]) -> Function | None:
    """Return the function with another body of one of its blocks where it is right; else leave the block."""
    before, block[:] = list(block), body
    functions = pool.functions()
    if pool.all_right(functions):
        return functions[pool.learner.name]
    block[:] = before
    return None


def without_return(learner: Learner, pool: Candidates, verdicts: list[Verdict]) -> Found | None:
    """Find what a function without a return statement is to return."""
    node = pool.copies[learner.name]
    silent = all(verdict.error is None and verdict.result is None for verdict in verdicts)
    if learner.result is not None or "self" in learner.binding.names or not silent:
        return None
    last = node.body[-1]
    spot = learner.program.submission.spot(last.end_lineno or last.lineno)
    finding = Finding("", "no_return", "nothing is returned: the function has no return", **spot)
    names = list(dict.fromkeys(stored_names(node)[::-1]))
    options = [*names, *(f"{first}, {second}" for first in names for second in names if first != second)]
    for option in options[:60]:
        right = _right_with(pool, node.body, [*node.body, _line(f"return {option}", last)])
        if right is not None:
            finding.suggestion, finding.verified = f"return {option}", True
            return [finding], right
    return [finding], None


def _line(code: str, after: ast.stmt) -> ast.stmt:
    return ast.fix_missing_locations(ast.copy_location(ast.parse(code).body[0], after))


class _Round(NamedTuple):
    """A loop with a statement that keeps what a function gives in a dictionary: gradients = cell(...)."""

    loop: ast.For | ast.While
    statement: ast.Assign
    call: ast.Call
    holder: str


def _rounds(node: ast.FunctionDef) -> Iterator[_Round]:
    for loop in loops(node):
        for statement in loop.body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=holder), *_], value=ast.Call() as call):
                    yield _Round(loop, statement, call, holder)


def not_handed_on(learner: Learner, pool: Candidates, verdicts: list[Verdict]) -> Found | None:
    """Find what a loop gets back from a function and does not take into its next round.

    In the most copied solution of lstm_backward da_prevt and dc_prevt are zeros at every time step: what
    lstm_cell_backward gives as da_prev and dc_prev is nowhere assigned to them.
    """
    failing = [verdict.case for verdict in verdicts if not verdict.right and verdict.error is None]
    node = pool.copies[learner.name]
    rounds = list(_rounds(node))
    if not failing or not rounds:
        return None
    ended = [(name, event) for name, event in pool.reading(failing[0]).events if event.ended]
    index = {id(site.statement): site.index for site in sites(node)}
    for one in rounds:
        here = learner.name, index[id(one.statement)]
        ran = [event for name, event in ended if (name, event.site) == here]
        added, taken = _lacks(learner, one, ran[-1]) if ran else ({}, {})
        if not added and not taken:
            continue
        last, body, given = one.loop.body[-1], one.loop.body, list(one.call.args)
        for place, name in taken.items():
            total = ast.BinOp(given[place], ast.Add(), ast.Name(name, ast.Load()))
            one.call.args[place] = ast.fix_missing_locations(ast.copy_location(total, given[place]))
        right = _right_with(pool, body, [*body, *(_line(code, last) for code in added.values())])
        if right is not None:
            return _told(learner, one, last, added, taken), right
        one.call.args[:] = given
    return None


def _lacks(learner: Learner, one: _Round, event: Event) -> tuple[dict[str, str], dict[int, str]]:
    """Return the lines that a loop lacks, by variable, and the variables that arguments of its call lack."""
    held: Any = event.values.get(one.holder)
    made = set(stored_names(one.loop))
    read = {name.id for name in nodes(one.loop, ast.Name) if isinstance(name.ctx, ast.Load)}
    scope = {**learner.program.namespace, **event.before}
    shapes = [getattr(evaluate(argument, scope), "shape", None) for argument in one.call.args]
    added: dict[str, str] = {}
    taken: dict[int, str] = {}
    for name, value in event.before.items() if isinstance(held, dict) else ():
        keys = [key for key in held if canonical(name).startswith(canonical(str(key)))]
        keys += [key for key in held if state(name) == state(str(key))]
        shape = value.shape if isinstance(value, np.ndarray) else ()
        alike = [key for key in keys if shape and getattr(held[key], "shape", None) == shape]
        if alike and name not in made:
            added[name] = f"{name} = {one.holder}[{alike[0]!r}]"
        if alike and name not in read and shape in shapes:
            taken[shapes.index(shape)] = name
    return added, taken


def _told(
    learner: Learner, one: _Round, last: ast.stmt, added: dict[str, str], taken: dict[int, str]
) -> list[Finding]:
    submission, title = learner.program.submission, DIAGNOSES["not_handed_on"]
    found: list[Finding] = []
    for name in taken.values():
        words = f"{title}; {name} has no part in what {ast.unparse(one.call.func)} is given"
        likely, spot = ast.unparse(one.statement), submission.spot(one.statement.lineno)
        found.append(Finding(name, "not_handed_on", words, suggestion=likely, verified=True, **spot))
    for name, code in added.items():
        words = f"{title}; {name} is the same in every round: the line is missing at the end of the loop"
        where = submission.where(last.end_lineno or last.lineno)
        found.append(Finding(name, "not_handed_on", words, suggestion=code, verified=True, **where))
    return found


def updated_early(learner: Learner, pool: Candidates, verdicts: list[Verdict]) -> Found | None:
    """Find a parameter that is updated before its last use in a round: W2 before dZ1 = W2.T @ dZ2."""
    asked = {label for verdict in verdicts for label in verdict.case.required}
    for loop in loops(pool.copies[learner.name]):
        body = list(loop.body)
        updates = [
            part
            for part in body
            if isinstance(part, ast.Assign | ast.AugAssign)
            and (names := set(stored_names(part)))
            and names <= asked
            and (isinstance(part, ast.AugAssign) or names <= names_in(part.value))
        ]
        used = [
            (part, one)
            for part in updates
            for one in body[body.index(part) + 1 :]
            if one not in updates and names_in(one) & set(stored_names(part))
        ]
        early = list(dict.fromkeys(part for part, _ in used))
        later = [*(part for part in body if part not in early), *early]
        right = _right_with(pool, loop.body, later) if early else None
        if right is not None:
            part, reader = used[0]
            name, at = stored_names(part)[0], learner.program.submission.named(part.lineno)
            words = f"{DIAGNOSES['updated_early']}; {name} is updated in {at}, and used after that"
            spot = learner.program.submission.spot(reader.lineno)
            quantity = next(iter(stored_names(reader)), name)
            return [Finding(quantity, "updated_early", words, verified=True, **spot)], right
    return None
