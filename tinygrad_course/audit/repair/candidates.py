"""A wrong function and its changed versions: which change of a line makes what right, there and in all."""

import ast
import copy
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.line_trace import Event, Site, target_label
from tinygrad_course.audit.execution.namespace import Function, snapshot
from tinygrad_course.audit.kinds.base import Kind
from tinygrad_course.audit.kinds.cases import Case
from tinygrad_course.audit.reference.comparison import as_array, close
from tinygrad_course.audit.repair.fault_localization import Run, in_loops
from tinygrad_course.audit.repair.mutations.scope import Scope, parse, text
from tinygrad_course.audit.repair.mutations.single import Edit, edits
from tinygrad_course.audit.repair.verdict import Verdict, agrees, judge
from tinygrad_course.audit.source.conventions import canonical
from tinygrad_course.audit.source.signatures import INSIDE
from tinygrad_course.audit.source.syntax import nodes, targets

Accept = Callable[[dict[str, Function]], bool]
Test = Callable[[ast.stmt], bool]
Band = tuple[float, float]
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
        """Whether the trials are used up: a number, which a seed repeats; seconds where a trial is slow."""
        used_up = self.trials >= self.budget or self.tried >= 15 * self.budget
        return used_up or time.process_time() - self.began > SECONDS

    def repairs_at(
        self, site: Site, scope: Scope, label: str, accept: Accept, band: Band, prefilter: Test | None = None
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
        read = [self.reading(verdict.case) for verdict in before if not verdict.right]
        wrong = [one.case for one in read if one.symptom and label in one.case.expected.keys() - one.fine]
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
    asked = [{*verdict.case.required, "_calm"} for verdict in verdicts]
    bad = [labels - verdict.good for labels, verdict in zip(asked, verdicts, strict=True)]
    return set[str]().union(*asked).difference(*bad)


def best(repairs: list[Repair]) -> Repair | None:
    """Return the least far-fetched repair: by rank, then the one that changes the line least."""
    return min(repairs, key=lambda repair: (repair.edit.rank, len(repair.edit.words)), default=None)


def _entries(node: ast.AST) -> Iterator[ast.Subscript]:
    return (part for part in nodes(node, ast.Subscript) if isinstance(part.value, ast.Name))


def _read(node: ast.FunctionDef) -> list[str]:
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


class Scene(Run):
    """One run of a wrong function, and the changed versions of it."""

    def __init__(self, pool: Candidates, case: Case) -> None:
        super().__init__(pool.learner, pool.copies, case)
        self.pool = pool

    def last(self, site: Site) -> Event | None:
        """Return the last execution of a statement, of one that gave the wrong value where there is one."""
        symptom = self.symptom
        if symptom and symptom.site and symptom.event is not None and site.place == symptom.site.place:
            return symptom.event
        label = symptom.label if symptom else ""
        found = None
        for name, event in self.events:
            if name == site.function and event.site == site.index:
                found = event
                if any(canonical(key) == canonical(label) for key in event.values):
                    return event
        return found

    def labels(self, site: Site, event: Event) -> list[str]:
        """Return the quantities that a statement assigns."""
        names, scope = list(event.values), {**self.learner.program.home(site.function), **event.before}
        names = names or [target_label(target, scope) for target in targets(site.statement)]
        known = {canonical(label): label for label in self.expected}
        return [known[canonical(name)] for name in names if canonical(name) in known]

    def scope(self, site: Site) -> Scope:
        """Return what a statement saw when it was last run."""
        program, pool = self.learner.program, self.pool
        home = program.home(site.function).items()
        functions = {name for name, value in home if callable(value) and INSIDE not in name}
        own = [event for name, event in self.events if name == site.function]
        local = next((event.before for event in own[::-1] if event.site == site.index), None) or {
            name: value for event in own for name, value in event.before.items()
        }
        read = _read(self.copies[site.function])
        return Scope(local, functions, pool.strings, program.at_hand, read, pool.donors)


def assigned(site: Site) -> str:
    """Return the name that a statement assigns, as far as it can be read off."""
    target = next(iter(targets(site.statement)), None)
    if target is None or isinstance(target, ast.Tuple):
        return ""
    if isinstance(target, ast.Attribute):
        return target.attr
    if isinstance(target, ast.Subscript):
        words = [node.value for node in nodes(target.slice, ast.Constant) if isinstance(node.value, str)]
        return words[0] if words else ast.unparse(target.value)
    return ast.unparse(target)


def closed(_: ast.stmt) -> bool:
    """Let no change of a statement pass whose value is right as it is."""
    return False


def prefilter_for(view: Scene, site: Site) -> Test | None:
    """Return a quick test of a changed statement, run with what it saw; None where there is no telling."""
    event, case, symptom = view.last(site), view.case, view.symptom
    if event is None or isinstance(site.statement, ast.Return):
        return None
    raised = symptom is not None and symptom.error is not None
    if case.refine is not None and raised:
        return None  # what is right depends on what was drawn, and that is not returned
    below = [one for one in view.places[site.function] if one.index > site.index]
    if raised and assigned(site) and assigned(site) in map(assigned, below):
        return None  # it has another value at the end
    here = symptom if symptom is not None and event is symptom.event and symptom.right is not None else None
    if site.function != view.learner.name and here is None:
        return None
    if any(as_array(value) is None for value in event.values.values()):
        return None  # a dictionary, of which one entry is wrong
    labels = [here.label] if here is not None else view.labels(site, event)
    if len(labels) != 1 or labels[0] not in view.expected:
        return None
    label = labels[0]
    made = [{*map(canonical, other.values)} for _, other in view.events if other.site == site.index]
    runs = sum(canonical(label) in names for names in made)
    # An entry of a dictionary is a layer's own; a variable in a loop is one layer's, or one example's.
    entry = isinstance(getattr(site.statement, "targets", [None])[0], ast.Subscript)
    looped = not entry and id(site.statement) in in_loops(view.copies[site.function])
    if (here is None or isinstance(site.statement, ast.AugAssign)) and (runs > 1 or looped):
        return None  # a value that grows in a loop: what it should be on the way is not known
    want = here.right if here is not None else view.expected[label]
    if as_array(want) is None:
        return None
    fine = label in view.fine and here is None
    if fine and not (label in case.summed and case.m > 1):
        return closed
    early = fine and any(close(value, np.asarray(want) / case.m) for value in event.values.values())
    options = [np.asarray(want) / case.m] if fine and not early else [want]
    several = symptom is not None and len(symptom.candidates) > 1
    if (several or (here is not None and raised)) and not fine:
        options += case.stages.get(label, [])
    original = ast.unparse(site.statement.targets[0]) if isinstance(site.statement, ast.Assign) else ""

    def test(changed: ast.stmt) -> bool:
        if isinstance(changed, ast.Assign) and ast.unparse(changed.targets[0]) != original:
            return True
        value = local_value(view, site, changed, event.before)
        if value is _UNKNOWN:
            return True
        right = (agrees(label, value, option, case) or close(value, option) for option in options)
        return value is not None and any(right)

    return test


_UNKNOWN = object()
"""Says that no value can be told without running the whole function."""


def local_value(view: Scene, site: Site, statement: ast.stmt, before: dict[str, Any]) -> Any:
    """Return what a statement assigns at a site, given the variables before it; None where it raises."""
    target = targets(statement)[0] if isinstance(statement, ast.Assign | ast.AugAssign) else None
    # dZ[Z <= 0] = 0 changes an array that is there already: only a whole entry is its own value.
    base = target.value if isinstance(target, ast.Subscript) else None
    entry = isinstance(base, ast.Name) and isinstance(before.get(base.id), dict)
    if not isinstance(statement, ast.Assign | ast.AugAssign) or not (isinstance(target, ast.Name) or entry):
        return _UNKNOWN
    expression = statement.value
    if isinstance(statement, ast.AugAssign):
        expression = ast.BinOp(parse(text(statement.target)), statement.op, statement.value)
    learner, bindings = view.learner, view.case.bindings
    namespace = learner.program.home(site.function)
    if bindings or learner.repaired:
        namespace = {**namespace, **learner.replacements(), **bindings}
    try:
        code = compile(ast.fix_missing_locations(ast.Expression(expression)), "<line>", "eval")
        calls = not learner.program.at_hand.keys().isdisjoint(code.co_names)
        with np.errstate(all="ignore"):
            return as_array(eval(code, namespace, snapshot(before) if calls else before))  # noqa: S307 - the homework's line
    except Exception:  # noqa: BLE001 - most edits make no sense
        return None
