"""Where a wrong function first goes wrong: the first wrong quantity, and the statement that assigned it."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.line_trace import (
    Event,
    Recorder,
    Site,
    canonical,
    sites,
    target_label,
)
from tinygrad_course.audit.execution.namespace import Outcome
from tinygrad_course.audit.execution.paths import duplicate
from tinygrad_course.audit.kinds.cases import Case
from tinygrad_course.audit.reference.comparison import as_array, close
from tinygrad_course.audit.repair.verdict import agrees
from tinygrad_course.audit.source.syntax import loops, nodes, targets

Function = Callable[..., Any]
Row = tuple[int, Event, Any]
"""(moment, the statement's execution, the value that it assigned)."""
_STEMS = ("dZ", "dW", "db", "Z", "A")


@dataclass
class Symptom:
    """The first wrong quantity of a run."""

    label: str
    site: Site | None
    """The statement that gave it its wrong value; None where no statement of the function did."""
    value: Any = None
    right: Any = None
    error: BaseException | None = None
    candidates: list[Site] = field(default_factory=list)
    """Every statement that assigns the quantity, the likeliest first."""
    moment: int = 0
    event: Event | None = None
    ambiguous: bool = False
    """Whether any of the candidates may be to blame: each value is one that right code passes through."""


class Reading(NamedTuple):
    """What one run of a function, statement by statement, shows."""

    events: list[tuple[str, Event]]
    expected: dict[str, Any]
    symptom: Symptom | None
    """The first wrong quantity, by the order in which the values are assigned."""
    fine: set[str]
    """The quantities that are right."""


class Reader:
    """Runs copies of a function and its helpers statement by statement, and reads off what goes wrong."""

    learner: Learner
    copies: dict[str, ast.FunctionDef]

    def _trace(self, case: Case) -> tuple[Recorder, Outcome]:
        recorder = Recorder()
        instrumented = {name: recorder.instrument(node) for name, node in self.copies.items()}
        program = self.learner.program
        with program.bound(recorder.hooks(program.namespace), everywhere=True):
            functions = {name: program.define(node) for name, node in instrumented.items()}
            with program.bound(functions):
                outcome = self.learner.call(
                    functions[self.learner.name], duplicate(case.values), case.bindings
                )
        return recorder, outcome

    def reading(self, case: Case) -> Reading:
        """Run the copies, and compare each value on the way with the right one."""
        recorder, outcome = self._trace(case)
        log, unended = recorder.log, recorder.unended
        expected = case.given(outcome.result) if outcome.error is None else case.expected
        own = self.learner.name
        places = {name: sites(node) for name, node in self.copies.items()}
        known = {canonical(label): label for label in expected}
        looped = in_loops(self.copies[own])
        unfinished = _unfinished(unended, places[own], own) if outcome.error is not None else set()
        last: dict[str, list[Row]] = {}
        for moment, (name, event) in enumerate(log):
            for word, value in event.values.items() if name == own else ():
                label = known.get(canonical(word))
                if label is None or as_array(value) is None:
                    continue
                # A number in a loop over the examples is not the row of all of them.
                single = id(places[own][event.site].statement) not in looped
                if not single and _one_column(value, expected[label]):
                    continue
                if label in case.required or single or np.ndim(value) >= np.ndim(expected[label]):
                    last.setdefault(label, []).append((moment, event, value))
        found: list[Symptom] = []
        later: list[Symptom] = []
        fine: set[str] = set()
        filled = _filled(self.copies[own])
        if outcome.error is not None and case.refine is not None:
            last.clear()  # what is right depends on what was drawn, and that is not returned
        for label, rows in last.items():
            if outcome.error is not None and (
                not np.any(rows[-1][2])
                or any(close(rows[-1][2], stage) for stage in case.stages.get(label, []))
                or unfinished & {event.site for _, event, _ in rows}
            ):
                continue  # where an exception ends the loop that fills it, no value is final
            if agrees(label, rows[-1][2], expected[label], case, unlike=True):
                fine.add(label)
                continue
            # What is only handed on (returned, put into a dictionary) was wrong before.
            made = [row for row in rows if not _hands_on(places[own][row[1].site].statement, label)] or rows
            blamed, ambiguous = self._blame(label, made, expected, case)
            order = [places[own][event.site] for _, event, _ in [blamed, *reversed(made)]]
            unique = list({site.index: site for site in order}.values())
            empty = not np.any(rows[-1][2]) and canonical(label) in filled
            symptom = Symptom(label, unique[0], rows[-1][2], expected[label], None, unique, *blamed[:2])
            symptom.ambiguous = ambiguous
            (later if empty else found).append(symptom)
        found += self._layer_by_layer(log, expected, case, places)
        found += self._example_by_example(log, expected, case, places[own], looped)
        if outcome.error is not None and unended:
            found.append(self._raised(unended[0], outcome.error, log, known, expected, places))
        first = min(found or later, key=lambda symptom: symptom.moment, default=None)
        return Reading(log, expected, first, fine)

    def _raised(
        self,
        last: tuple[str, Event],
        error: BaseException,
        log: list[tuple[str, Event]],
        known: dict[str, str],
        expected: dict[str, Any],
        places: dict[str, list[Site]],
    ) -> Symptom:
        name, event = last
        site = places[name][event.site]
        moment = next(index for index, (_, other) in enumerate(log) if other is event)
        if isinstance(site.statement, ast.Assert):
            claim = AssertionError(f"`{ast.unparse(site.statement)}` does not hold")
            return Symptom("", site, error=claim, moment=moment)
        label = self._assigned(site, event, known) if name == self.learner.name else ""
        looped = id(site.statement) in in_loops(self.copies[name])
        right = None if looped else expected.get(label)
        return Symptom(label, site, None, right, error, [site], moment, event)

    def _layer_by_layer(
        self,
        log: list[tuple[str, Event]],
        expected: dict[str, Any],
        case: Case,
        places: dict[str, list[Site]],
    ) -> list[Symptom]:
        """Follow Z, A, dZ, dW without a number through a loop over the layers, or a helper called for each.

        Forward, the first value is layer 1's; on the way back it is layer L's. A value that is right for some
        other layer is let pass: the loop may go round otherwise.
        """
        counts: dict[tuple[str, int, str], int] = {}
        found: list[Symptom] = []
        for moment, (name, event) in enumerate(log):
            for word, value in event.values.items():
                alike = [one for one in _STEMS if canonical(word) == one.lower() and word[0] == one[0]]
                stem = next(iter(alike), "")
                labels = [f"{stem}{layer}" for layer in range(1, case.layers + 1) if stem]
                if not labels or not set(labels) <= expected.keys() or as_array(value) is None:
                    continue
                if stem == "A" and close(value, case.values.get("X")):
                    continue
                place = (name, event.site, stem)
                counts[place] = counts.get(place, 0) + 1
                if counts[place] > case.layers or any(
                    agrees(label, value, expected[label], case, unlike=True) for label in labels
                ):
                    continue
                order = labels if stem in {"Z", "A"} else labels[::-1]
                # The first value in a loop may be that of the second layer, where the first stands before.
                left = order[counts[place] - 1 :]
                label = next((one for one in left if np.shape(expected[one]) == np.shape(value)), left[0])
                site = places[name][event.site]
                found.append(Symptom(label, site, value, expected[label], None, [site], moment, event))
                return found
        return found

    def _example_by_example(
        self,
        log: list[tuple[str, Event]],
        expected: dict[str, Any],
        case: Case,
        places: list[Site],
        looped: set[int],
    ) -> list[Symptom]:
        """Follow z, a, dz through a loop over the examples: the k-th value is that of the k-th column."""
        known = {canonical(label): label for label in expected if np.ndim(expected[label]) == 2}
        rounds: dict[tuple[int, str], list[tuple[int, Event, Any]]] = {}
        for moment, (name, event) in enumerate(log):
            if name != self.learner.name or id(places[event.site].statement) not in looped:
                continue
            for word, value in event.values.items():
                label = known.get(canonical(word), "")
                if label and label not in case.required and as_array(value) is not None:
                    rounds.setdefault((event.site, label), []).append((moment, event, value))
        for (index, label), rows in sorted(rounds.items(), key=lambda item: item[1][0][0]):
            columns = np.asarray(expected[label])
            if columns.shape[1] != case.m or len(rows) > case.m or case.m < 2:
                continue
            for k, (moment, event, value) in enumerate(rows):
                right: Any = columns[:, k] if columns.shape[0] > 1 else float(columns[0, k])
                if np.size(value) == np.size(right):
                    right = np.reshape(right, np.shape(value))
                options = [right, np.asarray(right) / case.m] if label in case.summed else [right]
                if not any(close(value, option, single=case.single) for option in options):
                    return [Symptom(label, places[index], value, right, None, [places[index]], moment, event)]
        return []

    def _blame(self, label: str, rows: list[Row], expected: dict[str, Any], case: Case) -> tuple[Row, bool]:
        """Of several assignments, blame the first whose value no right function passes through."""
        for row in rows:
            value = row[2]
            passes = [expected[label], *case.stages.get(label, [])]
            usual = any(
                close(value, stage)
                or (case.m > 1 and label in case.summed and close(value, np.asarray(stage) / case.m))
                for stage in passes
            )
            if not usual and np.any(np.asarray(value)):
                single = len({event.site for _, event, _ in rows}) == len(rows)
                return (row, False) if single else (rows[-1], True)
        return rows[-1], True

    def _assigned(self, site: Site, event: Event, known: dict[str, str]) -> str:
        """Name what a statement that raised would have assigned."""
        scope = {**self.learner.program.home(site.function), **event.before}
        for target in targets(site.statement):
            text = ast.unparse(target)
            words = [target_label(target, scope), *re.findall(r"[A-Za-z_]\w*", text)]
            return next((known[canonical(word)] for word in words if canonical(word) in known), text)
        return ""


def _unfinished(unended: list[tuple[str, Event]], places: list[Site], own: str) -> set[int]:
    """Return the statements of the loops that an exception has ended."""
    stopped = next((id(places[event.site].statement) for name, event in unended if name == own), None)
    inside: set[int] = set()
    for site in places:
        held = {id(inner) for inner in ast.walk(site.statement)}
        if isinstance(site.statement, ast.For | ast.While) and stopped in held:
            inside |= {other.index for other in places if id(other.statement) in held}
    return inside


def _one_column(value: Any, right: Any) -> bool:
    """Tell whether a value in a loop is that of one example, where that of all of them is expected."""
    return np.ndim(right) == 2 and np.shape(value) != np.shape(right) and np.size(value) == np.shape(right)[0]


def _filled(node: ast.FunctionDef) -> set[str]:
    """Return the arrays whose entries are set one by one: their first value is not their last."""
    found: set[str] = set()
    for inner in nodes(node, ast.Subscript):
        base: ast.expr = inner
        while isinstance(base, ast.Subscript):
            base = base.value
        if isinstance(inner.ctx, ast.Store) and isinstance(base, ast.Name):
            found.add(canonical(base.id))
    return found


def in_loops(node: ast.FunctionDef) -> set[int]:
    """Return the identities of the statements that stand in a loop."""
    bodies = [statement for loop in loops(node) for statement in loop.body]
    return {id(inner) for statement in bodies for inner in nodes(statement, ast.stmt)}


def _hands_on(statement: ast.stmt, label: str) -> bool:
    """Tell whether a statement only returns a variable or puts it into a dictionary or a tuple."""
    value = getattr(statement, "value", None)
    if not isinstance(statement, ast.Return | ast.Assign) or (
        isinstance(statement, ast.Assign) and not isinstance(value, ast.Dict | ast.Tuple)
    ):
        return False
    parts = list(_parts(value))
    names = [part.id for part in parts if isinstance(part, ast.Name)]
    return len(names) == len(parts) or any(canonical(name) == canonical(label) for name in names)


def _parts(value: ast.expr | None) -> Iterator[ast.expr]:
    """Give the expressions that a dictionary or a tuple, or a tuple of them, is made of."""
    inner = (
        value.values if isinstance(value, ast.Dict) else value.elts if isinstance(value, ast.Tuple) else None
    )
    if inner is None:
        yield from [value] if value is not None else []
        return
    for part in inner:
        yield from _parts(part)
