"""Where does a wrong function first go wrong, and which change of one line makes it right?"""

import ast
import copy
import re
import time
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
from tinygrad_course.audit.trace import Event, Recorder, Site, canonical, sites

Function = Callable[..., Any]


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

    def __init__(self, learner: Learner, kind: Kind, cases: list[Case], helpers: list[str], deadline: float) -> None:
        self.learner, self.kind, self.cases, self.deadline = learner, kind, cases, deadline
        names = [learner.name, *helpers]
        self.patients = {name: copy.deepcopy(learner.program.functions[name]) for name in names}
        self.strings = _strings(self.patients.values())
        self.donors = _donors(self.patients.values())
        self.trials = 0

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
        """Whether the time for this function is used up."""
        return time.monotonic() > self.deadline

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
        events = [(name, event) for name, found in recorder.events.items() for event in found]
        return events, outcome, recorder

    def symptom(self, case: Case) -> Symptom | None:
        """Return the first wrong quantity of a case, by the order in which the values are assigned."""
        return self.reading(case)[0]

    def reading(self, case: Case) -> tuple[Symptom | None, set[str]]:
        """Return the first wrong quantity of a case, and the quantities that are right."""
        events, outcome, recorder = self.trace(case)
        expected = dict(case.expected)
        if case.refine is not None and outcome.error is None:
            expected |= case.refine(outcome.result)
        own = recorder.events.get(self.learner.name, [])
        places = sites(self.patients[self.learner.name])
        known = {canonical(label): label for label in expected}
        last: dict[str, list[tuple[int, Event, Any]]] = {}
        for moment, event in enumerate(own):
            for name, value in event.values.items():
                label = known.get(canonical(name))
                if label is not None and as_array(value) is not None:
                    last.setdefault(label, []).append((moment, event, value))
        found: list[Symptom] = []
        fine: set[str] = set()
        for label, rows in last.items():
            if self._fine(label, rows[-1][2], expected, case):
                fine.add(label)
                continue
            blamed = self._blame(label, rows, expected, case)
            order = [places[event.site] for _, event, _ in [blamed, *reversed(rows)]]
            unique = list({site.index: site for site in order}.values())
            found.append(Symptom(label, unique[0], rows[-1][2], expected[label], None, unique, blamed[0]))
        if outcome.error is not None and recorder.last is not None:
            name, event = recorder.last
            if name == self.learner.name and isinstance(places[event.site].statement, ast.Assert):
                claim = ast.unparse(places[event.site].statement)
                error = AssertionError(f"`{claim}` does not hold")
                found.append(Symptom("", places[event.site], error=error, moment=len(own)))
            elif name == self.learner.name:
                site = places[event.site]
                label = self._assigned(site, event, known)
                moment = own.index(event)
                found.append(Symptom(label, site, None, expected.get(label), outcome.error, [site], moment))
            else:
                site = sites(self.patients[name])[event.site]
                found.append(Symptom(label="", site=site, error=outcome.error, candidates=[site], moment=len(own)))
        del events
        return min(found, key=lambda symptom: symptom.moment, default=None), fine

    def _fine(self, label: str, value: Any, expected: dict[str, Any], case: Case) -> bool:
        try:
            return agrees(label, value, expected[label], case)
        except (TypeError, ValueError):
            return True

    def _blame(
        self, label: str, rows: list[tuple[int, Event, Any]], expected: dict[str, Any], case: Case
    ) -> tuple[int, Event, Any]:
        """Of several assignments to a variable, blame the first whose value no right function passes through."""
        for row in rows:
            value = row[2]
            passes = [expected[label], *case.stages.get(label, [])]
            usual = any(close(value, stage) or (case.m > 1 and label in case.summed and close(value, np.asarray(stage) / case.m)) for stage in passes)
            if not usual and np.any(np.asarray(value)):
                return row if len({event.site for _, event, _ in rows}) == len(rows) else rows[-1]
        return rows[-1]

    def _assigned(self, site: Site, event: Event, known: dict[str, str]) -> str:
        """Name what a statement that raised would have assigned."""
        statement = site.statement
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        for target in targets:
            text = ast.unparse(target) if isinstance(target, ast.expr) else ""
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

    def repairs_at(self, site: Site, scope: Scope, label: str, accept: Callable[[dict[str, Function]], bool]) -> Iterator[Repair]:
        """Give every edit of a statement with which the patients are accepted."""
        node = self.patients[site.function]
        for edit in edits(site.block, site.position, scope, label):
            if self.late():
                return
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
        if not hasattr(self, "_compiled"):
            self._compiled: dict[str, Function] = self.functions()
        made = dict(self._compiled)
        made[name] = self.learner.program.define(node)
        return made

    def all_right(self, functions: dict[str, Function]) -> bool:
        """Accept what is right in every case."""
        return self.verdicts(functions, stop=True, seconds=0.2)[-1].right

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
        if hasattr(self, "_compiled"):
            del self._compiled


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
