"""A wrong function and the changed versions of it: which change of a line makes what right."""

import ast
import copy
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.line_trace import Site
from tinygrad_course.audit.kinds.base import Kind
from tinygrad_course.audit.kinds.cases import Case
from tinygrad_course.audit.repair.fault_localization import Function, Run
from tinygrad_course.audit.repair.mutations.locations import Scope, text
from tinygrad_course.audit.repair.mutations.single import Edit, edits
from tinygrad_course.audit.repair.verdict import Verdict, judge
from tinygrad_course.audit.source.syntax import nodes

Accept = Callable[[dict[str, Function]], bool]
SECONDS = 6.0
"""How long the search for one function's mistake may compute."""


@dataclass
class Repair:
    """A changed statement that makes something right."""

    site: Site
    edit: Edit
    statement: ast.stmt
    line: int
    second: Edit | None = None
    """The edit of a second mistake in the same statement, undone as well."""

    @classmethod
    def made(cls, site: Site, edit: Edit, second: Edit | None = None) -> "Repair":
        """Return the repair that stands at a site; the statement is copied, the edit is taken out again."""
        return cls(site, edit, copy.deepcopy(site.statement), edit.line or site.statement.lineno, second)


class Candidates:
    """Works on copies of a function and of the helpers that it calls."""

    def __init__(
        self, learner: Learner, kind: Kind, cases: list[Case], helpers: list[str], budget: int
    ) -> None:
        self.learner, self.kind, self.cases, self.budget = learner, kind, cases, budget
        names = [learner.name, *helpers]
        self.copies = {name: copy.deepcopy(learner.program.functions[name]) for name in names}
        texts = [part.value for node in self.copies.values() for part in nodes(node, ast.Constant)]
        self.strings = list(dict.fromkeys(one for one in texts if isinstance(one, str) and len(one) < 12))
        self.donors = _donors(self.copies.values())
        self.trials = self.tried = 0
        self.began = time.process_time()
        self.wrong: list[set[str]] = []
        """What was returned and wrong in each case: a repair makes it right, and not absent."""
        # Compiled before any edit stands in a tree: an edit must not stay behind in the others' code.
        self._compiled = self.functions()

    def reading(self, case: Case) -> Run:
        """Run the copies, and compare each value on the way with the right one."""
        return Run(self.learner, self.copies, case)

    def functions(self) -> dict[str, Function]:
        """Return the copies, compiled as they stand."""
        return {name: self.learner.program.define(node) for name, node in self.copies.items()}

    def verdicts(self, functions: dict[str, Function], seconds: float | None = None) -> Iterator[Verdict]:
        """Judge one case after another."""
        for case in self.cases:
            with self.learner.program.bound(functions):
                verdict = judge(self.learner, self.kind, functions[self.learner.name], case, seconds)
            yield verdict

    def late(self) -> bool:
        """Whether the trials for this function are used up.

        A number, so that a seed repeats a report; seconds of the processor only where a trial is slow.
        """
        used_up = self.trials >= self.budget or self.tried >= 15 * self.budget
        return used_up or time.process_time() - self.began > SECONDS

    def repairs_at(
        self,
        site: Site,
        scope: Scope,
        label: str,
        accept: Accept,
        band: tuple[float, float] = (-1.0, 99.0),
        prefilter: Callable[[ast.stmt], bool] | None = None,
    ) -> Iterator[Repair]:
        """Give every edit of a statement with which the copies are accepted; the prefilter tests it first."""
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
                kind, _, other = edit.kind.partition("+")
                first, second = replace(edit, kind=kind), replace(edit, kind=other) if other else None
                yield Repair.made(site, first, second)

    def accepted(self, name: str, node: ast.FunctionDef, accept: Accept) -> bool:
        """Try a changed version of one of the functions; most do not even compile."""
        self.trials += 1
        try:
            changed = self.learner.program.define(node)
        except (SyntaxError, ValueError, TypeError, RecursionError):
            return False
        return accept({**self._compiled, name: changed})

    def all_right(self, functions: dict[str, Function]) -> bool:
        """Accept what is right in every case."""
        wrong = self.wrong or [set[str]()] * len(self.cases)
        return all(
            new.right and had <= new.values.keys() and not any("the course has" in one for one in new.remarks)
            for new, had in zip(self.verdicts(functions, 0.2), wrong, strict=True)
        )

    def better(self, before: list[Verdict]) -> Accept:
        """Accept what makes a quantity right in every case, and none wrong that was right."""
        had = always_right(before)

        def accept(functions: dict[str, Function]) -> bool:
            verdicts = self._no_worse(functions, before)
            return verdicts is not None and always_right(verdicts) > had

        return accept

    def _no_worse(self, functions: dict[str, Function], before: list[Verdict]) -> list[Verdict] | None:
        """Judge every case; None where something is wrong that was right."""
        verdicts = []
        for new, old in zip(self.verdicts(functions, 0.2), before, strict=True):
            if not new.good >= old.good or (new.error is not None and old.error is None):
                return None
            verdicts.append(new)
        return verdicts

    def progress(self, before: list[Verdict], label: str) -> Accept:
        """Accept what makes the first wrong quantity right wherever it was wrong, and nothing wrong."""
        wrong = []
        for case in [verdict.case for verdict in before if not verdict.right]:
            read = self.reading(case)
            if label in case.expected and label not in read.fine and read.symptom is not None:
                wrong.append(case)
        # One example, or layers of one unit, agree with too much to prove anything.
        examples = any(case.m > 1 for case in self.cases)
        telling = sum(case.m > 1 or not examples for case in wrong)

        def accept(functions: dict[str, Function]) -> bool:
            if telling < 2 or self._no_worse(functions, before) is None:
                return False
            return all(label in self.reading(case).fine for case in wrong)

        return accept

    def apply(self, repair: Repair) -> None:
        """Keep a repair."""
        repair.site.block[repair.site.position] = repair.statement
        self._compiled = self.functions()


def always_right(verdicts: list[Verdict]) -> set[str]:
    """Return the quantities that are right in every case that asks for them."""
    asked = {label for verdict in verdicts for label in (*verdict.case.required, "_calm")}
    bad = [{*verdict.case.required, "_calm"} - verdict.good for verdict in verdicts]
    return asked.difference(*bad)


def best(repairs: list[Repair]) -> Repair | None:
    """Return the least far-fetched repair: by rank, then the one that changes the line least."""
    return min(repairs, key=lambda repair: (repair.edit.rank, len(repair.edit.words)), default=None)


def _entries(node: ast.AST) -> Iterator[ast.Subscript]:
    return (part for part in nodes(node, ast.Subscript) if isinstance(part.value, ast.Name))


def read_entries(node: ast.FunctionDef) -> list[str]:
    """Return the entries of gradients that a function reads, and their twins."""
    found = [text(part) for part in _entries(node) if text(part.value).lower().startswith("grad")]
    swapped = [entry.replace(old, new) for entry in found for old, new in (("dW", "db"), ("db", "dW"))]
    return list(dict.fromkeys([*found, *swapped]))[:8]


def _donors(functions: Iterable[ast.FunctionDef]) -> list[str]:
    """Return the entries of dictionaries that functions speak of, the numbers of their layers shifted too."""
    found: list[str] = []
    for part in [part for function in functions for part in _entries(function)]:
        if "dA" in text(part.slice):
            entry = re.sub(r"str\((\w+)( [+-] \d)?\)", r"str(\1)", text(part))
            shifts = ("", " + 1", " + 2", " - 1")
            found += [re.sub(r"str\((\w+)\)", rf"str(\1{shift})", entry) for shift in shifts]
    return list(dict.fromkeys(found))
