"""Where does a wrong function first go wrong, and which change of one line makes it right?"""

import ast
import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_course.audit.cases import Case
from tinygrad_course.audit.compare import as_array, close
from tinygrad_course.audit.edits import Edit, edits
from tinygrad_course.audit.judge import Verdict, agrees, judge
from tinygrad_course.audit.kinds.base import Kind
from tinygrad_course.audit.learner import Learner
from tinygrad_course.audit.program import Outcome, snapshot
from tinygrad_course.audit.slots import Scope
from tinygrad_course.audit.trace import Event, Recorder, Site, canonical, entry_label, evaluate, sites

Function = Callable[..., Any]
Row = tuple[int, Event, Any]
"""(moment, the statement's execution, the value that it assigned)."""


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


@dataclass
class Repair:
    """A changed statement that makes something right."""

    site: Site
    edit: Edit
    statement: ast.stmt
    line: int
    complete: bool
    """Whether everything is right with it."""


class Clinic:
    """Works on copies of a function and of the helpers that it calls."""

    def __init__(self, learner: Learner, kind: Kind, cases: list[Case], helpers: list[str], budget: int) -> None:
        self.learner, self.kind, self.cases, self.budget = learner, kind, cases, budget
        names = [learner.name, *helpers]
        self.patients = {name: copy.deepcopy(learner.program.functions[name]) for name in names}
        self.strings = _strings(self.patients.values())
        self.donors = _donors(self.patients.values())
        self.trials = self.tried = 0
        # Compiled before any edit stands in a tree: an edit must not stay behind in the others' code.
        self._compiled = self.functions()

    # --- Running -----------------------------------------------------------------------------------------------------------

    def functions(self) -> dict[str, Function]:
        """Return the patients, compiled as they stand."""
        return {name: self.learner.program.define(node) for name, node in self.patients.items()}

    def verdicts(self, functions: dict[str, Function], *, stop: bool = False, seconds: float | None = None) -> list[Verdict]:
        """Judge every case, or stop at the first that is not right."""
        found = []
        with self.learner.program.bound(functions):
            for case in self.cases:
                found.append(judge(self.learner, self.kind, functions[self.learner.name], case, seconds))
                if stop and not found[-1].right:
                    break
        return found

    def late(self) -> bool:
        """Whether the trials for this function are used up: a number, and no time, so that a seed repeats a report."""
        return self.trials >= self.budget or self.tried >= 15 * self.budget

    # --- Looking -----------------------------------------------------------------------------------------------------------

    def trace(self, case: Case) -> tuple[list[tuple[str, Event]], Outcome, Recorder]:
        """Run the patients statement by statement."""
        recorder = Recorder()
        instrumented = {name: recorder.instrument(node) for name, node in self.patients.items()}
        program = self.learner.program
        with program.bound(recorder.hooks(program.namespace)):
            functions = {name: program.define(node) for name, node in instrumented.items()}
            with program.bound(functions):
                outcome = self.learner.call(functions[self.learner.name], snapshot(case.values), case.bindings)
        return recorder.log, outcome, recorder

    def symptom(self, case: Case) -> Symptom | None:
        """Return the first wrong quantity of a case, by the order in which the values are assigned."""
        return self.reading(case)[0]

    def reading(self, case: Case) -> tuple[Symptom | None, set[str]]:
        """Return the first wrong quantity of a case, and the quantities that are right."""
        log, outcome, recorder = self.trace(case)
        expected = dict(case.expected)
        if case.refine is not None and outcome.error is None:
            expected |= case.refine(outcome.result)
        own = self.learner.name
        places = {name: sites(node) for name, node in self.patients.items()}
        known = {canonical(label): label for label in expected}
        last: dict[str, list[Row]] = {}
        for moment, (name, event) in enumerate(log):
            for word, value in event.values.items() if name == own else ():
                label = known.get(canonical(word))
                if label is None or as_array(value) is None:
                    continue
                # A number in a loop over the examples is not the row of all of them.
                if label in case.required or np.ndim(value) >= np.ndim(expected[label]):
                    last.setdefault(label, []).append((moment, event, value))
        found: list[Symptom] = []
        fine: set[str] = set()
        for label, rows in last.items():
            if self._fine(label, rows[-1][2], expected, case):
                fine.add(label)
                continue
            # What is only handed on (returned, put into a dictionary) was wrong before.
            made = [row for row in rows if not _hands_on(places[own][row[1].site].statement, label)] or rows
            blamed, ambiguous = self._blame(label, made, expected, case)
            order = [places[own][event.site] for _, event, _ in [blamed, *reversed(made)]]
            unique = list({site.index: site for site in order}.values())
            found.append(Symptom(label, unique[0], rows[-1][2], expected[label], None, unique, blamed[0], blamed[1], ambiguous))
        found += self._layer_by_layer(log, expected, case, places)
        if outcome.error is not None and recorder.last is not None:
            found.append(self._raised(recorder.last, outcome.error, log, known, expected, places))
        return min(found, key=lambda symptom: symptom.moment, default=None), fine

    def _raised(
        self, last: tuple[str, Event], error: BaseException, log: list[tuple[str, Event]], known: dict[str, str],
        expected: dict[str, Any], places: dict[str, list[Site]],
    ) -> Symptom:
        name, event = last
        site = places[name][event.site]
        moment = next(index for index, (_, other) in enumerate(log) if other is event)
        if isinstance(site.statement, ast.Assert):
            claim = AssertionError(f"`{ast.unparse(site.statement)}` does not hold")
            return Symptom("", site, error=claim, moment=moment)
        label = self._assigned(site, event, known) if name == self.learner.name else ""
        return Symptom(label, site, None, expected.get(label), error, [site], moment, event)

    def _layer_by_layer(
        self, log: list[tuple[str, Event]], expected: dict[str, Any], case: Case, places: dict[str, list[Site]]
    ) -> list[Symptom]:
        """Follow variables without a number (Z, A, dZ, dW) through a loop over the layers, or through a helper called for each.

        Forward, the first value is layer 1's; on the way back it is layer L's. A value that is right for some other layer
        is let pass: the loop may go round otherwise.
        """
        counts: dict[tuple[str, int, str], int] = {}
        found: list[Symptom] = []
        for moment, (name, event) in enumerate(log):
            for word, value in event.values.items():
                stem = next((stem for stem in ("dZ", "dW", "db", "Z", "A") if canonical(word) == stem.lower() and word[0] == stem[0]), "")
                labels = [f"{stem}{layer}" for layer in range(1, case.layers + 1)]
                if not stem or case.layers < 1 or not all(label in expected for label in labels) or as_array(value) is None:
                    continue
                if stem == "A" and close(value, case.values.get("X")):
                    continue
                place = (name, event.site, stem)
                counts[place] = counts.get(place, 0) + 1
                if counts[place] > case.layers or any(self._fine(label, value, expected, case) for label in labels):
                    continue
                label = labels[counts[place] - 1] if stem in {"Z", "A"} else labels[-counts[place]]
                site = places[name][event.site]
                found.append(Symptom(label, site, value, expected[label], None, [site], moment, event))
                return found
        return found

    def _fine(self, label: str, value: Any, expected: dict[str, Any], case: Case) -> bool:
        try:
            return agrees(label, value, expected[label], case)
        except (TypeError, ValueError):
            return True

    def _blame(
        self, label: str, rows: list[Row], expected: dict[str, Any], case: Case
    ) -> tuple[Row, bool]:
        """Of several assignments to a variable, blame the first whose value no right function passes through."""
        for row in rows:
            value = row[2]
            passes = [expected[label], *case.stages.get(label, [])]
            usual = any(close(value, stage) or (case.m > 1 and label in case.summed and close(value, np.asarray(stage) / case.m)) for stage in passes)
            if not usual and np.any(np.asarray(value)):
                single = len({event.site for _, event, _ in rows}) == len(rows)
                return (row, False) if single else (rows[-1], True)
        return rows[-1], True

    def _assigned(self, site: Site, event: Event, known: dict[str, str]) -> str:
        """Name what a statement that raised would have assigned."""
        statement = site.statement
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        for target in targets:
            text = ast.unparse(target) if isinstance(target, ast.expr) else ""
            if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                key = evaluate(target.slice, {**self.learner.program.namespace, **event.before})
                if isinstance(key, str) and canonical(entry_label(target.value.id, key)) in known:
                    return known[canonical(entry_label(target.value.id, key))]
            for word in re.findall(r"[A-Za-z_]\w*", text):
                if canonical(word) in known:
                    return known[canonical(word)]
            if text:
                return text
        return ""

    # --- Repairing ---------------------------------------------------------------------------------------------------------

    def scope(self, site: Site, events: list[tuple[str, Event]]) -> Scope:
        """Return what a statement saw when it was last run."""
        program = self.learner.program
        functions = {name for name, value in program.namespace.items() if callable(value)}
        local: dict[str, Any] = {}
        for name, event in events:
            if name == site.function and event.site == site.index:
                local = event.before
        if not local:
            for name, event in events:
                if name == site.function:
                    local = {**local, **event.before}
        scope = Scope.of(local, functions, self.strings)
        scope.donors = self.donors
        return scope

    def repairs_at(
        self, site: Site, scope: Scope, label: str, accept: Callable[[dict[str, Function]], bool],
        band: tuple[float, float] = (-1.0, 99.0), sieve: Callable[[ast.stmt], bool] | None = None,
    ) -> Iterator[Repair]:
        """Give every edit of a statement with which the patients are accepted; the sieve is a quick test before."""
        node = self.patients[site.function]
        for edit in edits(site.block, site.position, scope, label):
            if not band[0] <= edit.rank < band[1]:
                continue
            if self.late():
                return
            self.tried += 1
            if sieve is not None and not sieve(site.block[site.position]):
                continue
            self.trials += 1
            try:
                functions = self.functions_with(site.function, node)
            except (SyntaxError, ValueError, TypeError, RecursionError):
                continue
            if accept(functions):
                statement = copy.deepcopy(site.block[site.position])
                yield Repair(site, edit, statement, edit.line or site.statement.lineno, complete=True)

    def functions_with(self, name: str, node: ast.FunctionDef) -> dict[str, Function]:
        """Return the patients, of which one has changed; the others are compiled once."""
        made = dict(self._compiled)
        made[name] = self.learner.program.define(node)
        return made

    def all_right(self, functions: dict[str, Function]) -> bool:
        """Accept what is right in every case."""
        last = self.verdicts(functions, stop=True, seconds=0.2)[-1]
        return last.right and not any(remark.startswith("the spread") for remark in last.remarks)

    def better(self, before: list[Verdict]) -> Callable[[dict[str, Function]], bool]:
        """Accept what makes a quantity right in every case, and none wrong that was right."""
        had = always_right(before)

        def accept(functions: dict[str, Function]) -> bool:
            verdicts = []
            with self.learner.program.bound(functions):
                for case, old in zip(self.cases, before, strict=True):
                    new = judge(self.learner, self.kind, functions[self.learner.name], case, 0.2)
                    if not new.good >= old.good or (new.error is not None and old.error is None):
                        return False
                    verdicts.append(new)
            return always_right(verdicts) > had

        return accept

    def progress(self, before: list[Verdict], label: str) -> Callable[[dict[str, Function]], bool]:
        """Accept what makes the first wrong quantity right wherever it was wrong, and nothing wrong that was right."""
        failing = [verdict.case for verdict in before if not verdict.right][:3]
        wrong = []
        for case in failing:
            symptom, _ = self.reading(case)
            if symptom is not None and symptom.label == label:
                wrong.append(case)

        def accept(functions: dict[str, Function]) -> bool:
            with self.learner.program.bound(functions):
                for case, old in zip(self.cases, before, strict=True):
                    new = judge(self.learner, self.kind, functions[self.learner.name], case, 0.2)
                    if not new.good >= old.good or (new.error is not None and old.error is None):
                        return False
            for case in wrong:
                symptom, fine = self.reading(case)
                if label not in fine or (symptom is not None and symptom.label == label):
                    return False
            return bool(wrong)

        return accept

    def apply(self, repair: Repair) -> None:
        """Keep a repair."""
        repair.site.block[repair.site.position] = repair.statement
        self._compiled = self.functions()


def _hands_on(statement: ast.stmt, label: str) -> bool:
    """Tell whether a statement only passes a variable on: returns it, or puts it into a dictionary or a tuple."""
    value = getattr(statement, "value", None)
    if not isinstance(statement, ast.Return | ast.Assign) or (isinstance(statement, ast.Assign) and not isinstance(value, ast.Dict | ast.Tuple)):
        return False
    parts = list(_parts(value))
    names = [part.id for part in parts if isinstance(part, ast.Name)]
    return len(names) == len(parts) or any(canonical(name) == canonical(label) for name in names)


def _parts(value: ast.expr | None) -> Iterator[ast.expr]:
    """Give the expressions that a dictionary or a tuple, or a tuple of them, is made of."""
    inner = value.values if isinstance(value, ast.Dict) else value.elts if isinstance(value, ast.Tuple) else None
    if inner is None:
        yield from [value] if value is not None else []
        return
    for part in inner:
        yield from _parts(part)


def always_right(verdicts: list[Verdict]) -> set[str]:
    """Return the quantities that are right in every case that asks for them."""
    asked = {label for verdict in verdicts for label in verdict.case.required} | {"_calm"}
    return {
        label for label in asked
        if all(label in verdict.good for verdict in verdicts if label == "_calm" or label in verdict.case.required)
    }  # fmt: skip


def best(repairs: list[Repair]) -> Repair | None:
    """Return the least far-fetched repair: by rank, then the one that changes the line least."""
    return min(repairs, key=lambda repair: (repair.edit.rank, len(repair.edit.words)), default=None)


def _donors(nodes: Any) -> list[str]:
    """Return the entries of dictionaries that the functions speak of, with the numbers of their layers shifted."""
    found: list[str] = []
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Subscript) and isinstance(inner.value, ast.Name) and "dA" in ast.unparse(inner.slice):
                entry = re.sub(r"str\((\w+)( [+-] \d)?\)", r"str(\1)", ast.unparse(inner))
                found.append(entry)
                found += [re.sub(r"str\((\w+)\)", rf"str(\1 {shift})", entry) for shift in ("+ 1", "+ 2", "- 1")]
    return list(dict.fromkeys(found))


def _strings(nodes: Any) -> list[str]:
    found: list[str] = []
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and len(inner.value) < 12:
                found.append(inner.value)
    return list(dict.fromkeys(found))
