"""A wrong function and the changed versions of it: which change of a line makes what right."""

import ast
import copy
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.line_trace import Event, Site
from tinygrad_course.audit.kinds.base import Kind
from tinygrad_course.audit.kinds.cases import Case
from tinygrad_course.audit.repair.fault_localization import Function, Reader
from tinygrad_course.audit.repair.mutations.locations import Scope
from tinygrad_course.audit.repair.mutations.single import Edit, edits
from tinygrad_course.audit.repair.verdict import Verdict, judge

SECONDS = 6.0
"""How long the search for one function's mistake may compute."""


@dataclass
class Repair:
    """A changed statement that makes something right."""

    site: Site
    edit: Edit
    statement: ast.stmt
    line: int
    complete: bool
    """Whether everything is right with it."""
    second: Edit | None = None
    """The edit of a second mistake in the same statement, undone as well."""


class Candidates(Reader):
    """Works on copies of a function and of the helpers that it calls."""

    def __init__(
        self, learner: Learner, kind: Kind, cases: list[Case], helpers: list[str], budget: int
    ) -> None:
        self.learner, self.kind, self.cases, self.budget = learner, kind, cases, budget
        names = [learner.name, *helpers]
        self.copies = {name: copy.deepcopy(learner.program.functions[name]) for name in names}
        self.strings = _strings(self.copies.values())
        self.donors = _donors(self.copies.values())
        self.trials = self.tried = 0
        self.began = time.process_time()
        # Compiled before any edit stands in a tree: an edit must not stay behind in the others' code.
        self._compiled = self.functions()

    def functions(self) -> dict[str, Function]:
        """Return the copies, compiled as they stand."""
        return {name: self.learner.program.define(node) for name, node in self.copies.items()}

    def verdicts(
        self, functions: dict[str, Function], *, stop: bool = False, seconds: float | None = None
    ) -> list[Verdict]:
        """Judge every case, or stop at the first that is not right."""
        found = []
        with self.learner.program.bound(functions):
            for case in self.cases:
                found.append(judge(self.learner, self.kind, functions[self.learner.name], case, seconds))
                if stop and not found[-1].right:
                    break
        return found

    def late(self) -> bool:
        """Whether the trials for this function are used up.

        A number, so that a seed repeats a report; seconds of the processor only where a trial is slow.
        """
        used_up = self.trials >= self.budget or self.tried >= 15 * self.budget
        return used_up or time.process_time() - self.began > SECONDS

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
        scope.read = _read(self.copies[site.function])
        for name, function in program.functions.items():
            arguments = [argument.arg for argument in function.args.args]
            scope.wanted[name] = arguments[: len(arguments) - len(function.args.defaults)]
        return scope

    def repairs_at(
        self,
        site: Site,
        scope: Scope,
        label: str,
        accept: Callable[[dict[str, Function]], bool],
        band: tuple[float, float] = (-1.0, 99.0),
        prefilter: Callable[[ast.stmt], bool] | None = None,
    ) -> Iterator[Repair]:
        """Give every edit of a statement with which the copies are accepted.

        The prefilter is a quick test before.
        """
        node = self.copies[site.function]
        for edit in edits(site.block, site.position, scope, label):
            if not band[0] <= edit.rank < band[1]:
                continue
            if self.late():
                return
            self.tried += 1
            if prefilter is not None and not prefilter(site.block[site.position]):
                continue
            if self.accepted(site.function, node, accept):
                statement = copy.deepcopy(site.block[site.position])
                kind, _, other = edit.kind.partition("+")
                first, second = replace(edit, kind=kind), replace(edit, kind=other) if other else None
                line = edit.line or site.statement.lineno
                yield Repair(site, first, statement, line, complete=True, second=second)

    def accepted(
        self, name: str, node: ast.FunctionDef, accept: Callable[[dict[str, Function]], bool]
    ) -> bool:
        """Try a changed version of one of the functions; most do not even compile."""
        self.trials += 1
        try:
            functions = self.functions_with(name, node)
        except (SyntaxError, ValueError, TypeError, RecursionError):
            return False
        return accept(functions)

    def functions_with(self, name: str, node: ast.FunctionDef) -> dict[str, Function]:
        """Return the copies, of which one has changed; the others are compiled once."""
        made = dict(self._compiled)
        made[name] = self.learner.program.define(node)
        return made

    def all_right(self, functions: dict[str, Function]) -> bool:
        """Accept what is right in every case."""
        last = self.verdicts(functions, stop=True, seconds=0.2)[-1]
        return last.right and not any("the course has" in remark for remark in last.remarks)

    def better(self, before: list[Verdict]) -> Callable[[dict[str, Function]], bool]:
        """Accept what makes a quantity right in every case, and none wrong that was right."""
        had = always_right(before)

        def accept(functions: dict[str, Function]) -> bool:
            verdicts = self._no_worse(functions, before)
            return verdicts is not None and always_right(verdicts) > had

        return accept

    def _no_worse(self, functions: dict[str, Function], before: list[Verdict]) -> list[Verdict] | None:
        """Judge every case; None where something is wrong that was right."""
        verdicts = []
        with self.learner.program.bound(functions):
            for case, old in zip(self.cases, before, strict=True):
                new = judge(self.learner, self.kind, functions[self.learner.name], case, 0.2)
                if not new.good >= old.good or (new.error is not None and old.error is None):
                    return None
                verdicts.append(new)
        return verdicts

    def progress(self, before: list[Verdict], label: str) -> Callable[[dict[str, Function]], bool]:
        """Accept what makes the first wrong quantity right wherever it was wrong.

        And nothing wrong that was right.
        """
        wrong = []
        for case in [verdict.case for verdict in before if not verdict.right]:
            symptom, fine = self.reading(case)
            if label in case.expected and label not in fine and symptom is not None:
                wrong.append(case)
        # One example, or layers of one unit, agree with too much to prove anything.
        examples = any(case.m > 1 for case in self.cases)
        telling = sum(case.m > 1 or not examples for case in wrong)

        def accept(functions: dict[str, Function]) -> bool:
            if telling < 2 or self._no_worse(functions, before) is None:
                return False
            return all(label in self.reading(case)[1] for case in wrong)

        return accept

    def apply(self, repair: Repair) -> None:
        """Keep a repair."""
        repair.site.block[repair.site.position] = repair.statement
        self._compiled = self.functions()


def always_right(verdicts: list[Verdict]) -> set[str]:
    """Return the quantities that are right in every case that asks for them."""
    asked = {label for verdict in verdicts for label in verdict.case.required} | {"_calm"}
    return {
        label
        for label in asked
        if all(
            label in verdict.good
            for verdict in verdicts
            if label == "_calm" or label in verdict.case.required
        )
    }


def best(repairs: list[Repair]) -> Repair | None:
    """Return the least far-fetched repair: by rank, then the one that changes the line least."""
    return min(repairs, key=lambda repair: (repair.edit.rank, len(repair.edit.words)), default=None)


def _read(node: ast.FunctionDef) -> list[str]:
    found = [
        ast.unparse(inner)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Subscript)
        and isinstance(inner.value, ast.Name)
        and inner.value.id.lower().startswith("grad")
    ]
    swapped = [entry.replace(old, new) for entry in found for old, new in (("dW", "db"), ("db", "dW"))]
    return list(dict.fromkeys([*found, *swapped]))[:8]


def _donors(nodes: Any) -> list[str]:
    """Return the entries of dictionaries that the functions speak of.

    With the numbers of their layers shifted.
    """
    found: list[str] = []
    for node in nodes:
        for inner in ast.walk(node):
            if (
                isinstance(inner, ast.Subscript)
                and isinstance(inner.value, ast.Name)
                and "dA" in ast.unparse(inner.slice)
            ):
                entry = re.sub(r"str\((\w+)( [+-] \d)?\)", r"str(\1)", ast.unparse(inner))
                found.append(entry)
                found += [
                    re.sub(r"str\((\w+)\)", rf"str(\1 {shift})", entry) for shift in ("+ 1", "+ 2", "- 1")
                ]
    return list(dict.fromkeys(found))


def _strings(nodes: Any) -> list[str]:
    found: list[str] = []
    for node in nodes:
        texts = [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Constant)]
        found += [text for text in texts if isinstance(text, str) and len(text) < 12]
    return list(dict.fromkeys(found))
