"""Where a wrong function first goes wrong: the first wrong quantity, and the statement that assigned it."""

import ast
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.line_trace import Event, Recorder, Site, sites, target_label
from tinygrad_course.audit.execution.namespace import Outcome
from tinygrad_course.audit.execution.paths import duplicate
from tinygrad_course.audit.kinds.cases import Case
from tinygrad_course.audit.reference.comparison import as_array, close
from tinygrad_course.audit.repair.verdict import agrees
from tinygrad_course.audit.source.conventions import canonical
from tinygrad_course.audit.source.syntax import elements, loops, nodes, targets

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


class Run:
    """A run of a function and its helpers, statement by statement, each value held against the right one."""

    def __init__(self, learner: Learner, copies: dict[str, ast.FunctionDef], case: Case) -> None:
        self.learner, self.copies, self.case = learner, copies, case
        recorder, outcome = self._traced()
        self.events, self.error = recorder.log, outcome.error
        self.expected = case.given(outcome.result) if self.error is None else case.expected
        self.places = {name: sites(node) for name, node in copies.items()}
        self.own = self.places[learner.name]
        self.looped = in_loops(copies[learner.name])
        self.fine: set[str] = set()
        """The quantities that are right."""
        found, later = self._last_values(recorder.unended)
        for first in (self._layer_by_layer(), self._example_by_example()):
            found += itertools.islice(first, 1)
        if self.error is not None and recorder.unended:
            found.append(self._raised(*recorder.unended[0], self.error))
        self.symptom = min(found or later, key=lambda symptom: symptom.moment, default=None)
        """The first wrong quantity, by the order in which the values are assigned."""

    def _traced(self) -> tuple[Recorder, Outcome]:
        recorder, program = Recorder(), self.learner.program
        instrumented = {name: recorder.instrument(node) for name, node in self.copies.items()}
        with program.bound(recorder.hooks(program.namespace), everywhere=True):
            functions = {name: program.define(node) for name, node in instrumented.items()}
            with program.bound(functions):
                function, values = functions[self.learner.name], duplicate(self.case.values)
                return recorder, self.learner.call(function, values, self.case.bindings)

    def _labels(self, axes: int = 0) -> dict[str, str]:
        """Return the quantities by their plain names, those of so many axes if it is told."""
        expected = self.expected.items()
        return {canonical(label): label for label, value in expected if np.ndim(value) == axes or not axes}

    def _assignments(self) -> Iterator[tuple[int, str, Event, str, Any]]:
        """Give moment, function, event, name and value of every number that is assigned."""
        for moment, (name, event) in enumerate(self.events):
            for word, value in event.values.items():
                if as_array(value) is not None:
                    yield moment, name, event, word, value

    def _last_values(self, unended: list[tuple[str, Event]]) -> tuple[list[Symptom], list[Symptom]]:
        """Hold the last value of each variable against the right one; arrays that are not filled apart."""
        case, known, places = self.case, self._labels(), self.own
        unfinished = self._unfinished(unended) if self.error is not None else set()
        last: dict[str, list[Row]] = {}
        for moment, name, event, word, value in self._assignments():
            label = known.get(canonical(word))
            if label is None or name != self.learner.name:
                continue
            # A number in a loop over the examples is not the row of all of them, a column not the matrix.
            shape = np.shape(self.expected[label])
            single = id(places[event.site].statement) not in self.looped
            if not single and len(shape) == 2 and np.shape(value) != shape and np.size(value) == shape[0]:
                continue
            if label in case.required or single or np.ndim(value) >= len(shape):
                last.setdefault(label, []).append((moment, event, value))
        found: list[Symptom] = []
        later: list[Symptom] = []
        filled = _filled(self.copies[self.learner.name])
        if self.error is not None and case.refine is not None:
            last.clear()  # what is right depends on what was drawn, and that is not returned
        for label, rows in last.items():
            value, right = rows[-1][2], self.expected[label]
            begun = not np.any(value) or any(close(value, stage) for stage in case.stages.get(label, []))
            if self.error is not None and (begun or unfinished & {event.site for _, event, _ in rows}):
                continue  # where an exception ends the loop that fills it, no value is final
            if agrees(label, value, right, case, unlike=True):
                self.fine.add(label)
                continue
            # What is only handed on (returned, put into a dictionary) was wrong before.
            made = [row for row in rows if not _hands_on(places[row[1].site].statement, label)] or rows
            blamed, ambiguous = self._blame(label, made)
            order = [places[event.site] for _, event, _ in [blamed, *reversed(made)]]
            unique = list({site.index: site for site in order}.values())
            symptom = Symptom(label, unique[0], value, right, None, unique, *blamed[:2], ambiguous)
            (later if not np.any(value) and canonical(label) in filled else found).append(symptom)
        return found, later

    def _raised(self, name: str, event: Event, error: BaseException) -> Symptom:
        site = self.places[name][event.site]
        moment = next(index for index, (_, other) in enumerate(self.events) if other is event)
        if isinstance(site.statement, ast.Assert):
            claim = AssertionError(f"`{ast.unparse(site.statement)}` does not hold")
            return Symptom("", site, error=claim, moment=moment)
        label = self._assigned(site, event) if name == self.learner.name else ""
        right = None if id(site.statement) in in_loops(self.copies[name]) else self.expected.get(label)
        return Symptom(label, site, None, right, error, [site], moment, event)

    def _layer_by_layer(self) -> Iterator[Symptom]:
        """Follow Z, A, dZ, dW without a number through a loop over the layers, or a helper called for each.

        Forward, the first value is layer 1's; on the way back it is layer L's. A value that is right for some
        other layer is let pass: the loop may go round otherwise.
        """
        counts: Counter[tuple[str, int, str]] = Counter()
        case, expected = self.case, self.expected
        for moment, name, event, word, value in self._assignments():
            alike = [one for one in _STEMS if canonical(word) == one.lower() and word[0] == one[0]]
            labels = [f"{stem}{layer}" for stem in alike for layer in range(1, case.layers + 1)]
            stem = next(iter(alike), "")
            given = stem == "A" and close(value, case.values.get("X"))
            if given or not labels or not set(labels) <= expected.keys():
                continue
            place = (name, event.site, stem)
            counts[place] += 1
            right = any(agrees(label, value, expected[label], case, unlike=True) for label in labels)
            if right or counts[place] > case.layers:
                continue
            order = labels if stem in {"Z", "A"} else labels[::-1]
            # The first value in a loop may be that of the second layer, where the first stands before.
            left = order[counts[place] - 1 :]
            label = next((one for one in left if np.shape(expected[one]) == np.shape(value)), left[0])
            site = self.places[name][event.site]
            yield Symptom(label, site, value, expected[label], None, [site], moment, event)

    def _example_by_example(self) -> Iterator[Symptom]:
        """Follow z, a, dz through a loop over the examples: the k-th value is that of the k-th column."""
        case, known = self.case, self._labels(2)
        rounds: dict[tuple[int, str], list[Row]] = {}
        for moment, name, event, word, value in self._assignments():
            label = known.get(canonical(word), "")
            looped = name == self.learner.name and id(self.own[event.site].statement) in self.looped
            if looped and label and label not in case.required:
                rounds.setdefault((event.site, label), []).append((moment, event, value))
        for (index, label), rows in rounds.items():
            columns = np.asarray(self.expected[label])
            if columns.shape[1] != case.m or len(rows) > case.m or case.m < 2:
                continue
            for k, (moment, event, value) in enumerate(rows):
                right: Any = columns[:, k] if columns.shape[0] > 1 else float(columns[0, k])
                if np.size(value) == np.size(right):
                    right = np.reshape(right, np.shape(value))
                options = [right, np.asarray(right) / case.m] if label in case.summed else [right]
                if not any(close(value, option) for option in options):
                    site = self.own[index]
                    yield Symptom(label, site, value, right, None, [site], moment, event)

    def _blame(self, label: str, rows: list[Row]) -> tuple[Row, bool]:
        """Of several assignments, blame the first whose value no right function passes through."""
        case, passes = self.case, [self.expected[label], *self.case.stages.get(label, [])]
        if case.m > 1 and label in case.summed:
            passes += [np.asarray(stage) / case.m for stage in passes]
        for row in rows:
            value = row[2]
            if np.any(np.asarray(value)) and not any(close(value, stage) for stage in passes):
                single = len({event.site for _, event, _ in rows}) == len(rows)
                return (row, False) if single else (rows[-1], True)
        return rows[-1], True

    def _assigned(self, site: Site, event: Event) -> str:
        """Name what a statement that raised would have assigned."""
        scope, known = {**self.learner.program.home(site.function), **event.before}, self._labels()
        for target in targets(site.statement):
            text = ast.unparse(target)
            words = [target_label(target, scope), *re.findall(r"[A-Za-z_]\w*", text)]
            return next((known[canonical(word)] for word in words if canonical(word) in known), text)
        return ""

    def _unfinished(self, unended: list[tuple[str, Event]]) -> set[int]:
        """Return the statements of the loops that an exception has ended."""
        sites = (self.own[event.site].statement for name, event in unended if name == self.learner.name)
        stopped = next(sites, None)
        held = [set(ast.walk(loop)) for loop in loops(self.copies[self.learner.name])]
        return {site.index for site in self.own for inner in held if {site.statement, stopped} <= inner}


def _filled(node: ast.FunctionDef) -> set[str]:
    """Return the arrays whose entries are set one by one: their first value is not their last."""
    entries = [one for one in nodes(node, ast.Subscript) if isinstance(one.ctx, ast.Store)]
    names = [ast.unparse(one).partition("[")[0] for one in entries]
    return {canonical(name) for name in names if name.isidentifier()}


def in_loops(node: ast.FunctionDef) -> set[int]:
    """Return the identities of the statements that stand in a loop."""
    bodies = [statement for loop in loops(node) for statement in loop.body]
    return {id(inner) for statement in bodies for inner in nodes(statement, ast.stmt)}


def _hands_on(statement: ast.stmt, label: str) -> bool:
    """Tell whether a statement only returns a variable or puts it into a dictionary or a tuple."""
    value = getattr(statement, "value", None)
    held = isinstance(statement, ast.Assign) and isinstance(value, ast.Dict | ast.Tuple)
    if not held and not isinstance(statement, ast.Return):
        return False
    parts = list(elements(value)) if isinstance(value, ast.expr) else []
    names = [part.id for part in parts if isinstance(part, ast.Name)]
    return len(names) == len(parts) or any(canonical(name) == canonical(label) for name in names)
