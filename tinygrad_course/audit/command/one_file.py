"""A whole file: its functions one after another, what they call before what calls them."""

import ast
import inspect
import time
from collections.abc import Callable, Iterator
from typing import Any

from tinygrad_course.audit.command.one_function import examine
from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.stubs import GIVEN
from tinygrad_course.audit.kinds import TRAINS, Kind, kind_of, known_name
from tinygrad_course.audit.repair.forward_and_backward import PARTNERS, backward_hidden, cache_finding
from tinygrad_course.audit.reporting.results import (
    OUTSIDE,
    RIGHT,
    UNCHECKED,
    WRONG,
    Finding,
    FunctionReport,
    Report,
)
from tinygrad_course.audit.source import removed_api
from tinygrad_course.audit.source.signatures import Binding, bare
from tinygrad_course.audit.source.submission import Submission

TRIALS_A_FILE = 6000


def audit_submission(
    submission: Submission,
    seed: int = 0,
    skip: frozenset[str] = frozenset(),
    begin: Callable[[str], None] = lambda name: None,
    only: frozenset[str] | None = None,
) -> Iterator[FunctionReport | str]:
    """Give the report of each function as it is done, and notes as text.

    `begin` is told the name before each.
    """
    import hypothesis  # noqa: F401 - its import takes as long as a function does: none of them is to pay for it

    for problem in submission.problems:
        yield _syntax(submission, problem.line, problem.message, problem.source, problem.function)
    begin("(the top of the file)")
    file = _File(submission, skip)
    yield from file.program.notes
    for name in _order(file.program, file.known):
        if name not in skip and (only is None or name in only):
            begin(name)
            yield file.audit_or_say_why_not(name, seed)
    yield from _others(submission, file.program, file.known, file.outdated)
    yield from file.notes()


class _File:
    """What is known of a file while its functions are judged one after another."""

    def __init__(self, submission: Submission, skip: frozenset[str]) -> None:
        self.submission, self.program, self.left = submission, Program(submission), TRIALS_A_FILE
        program = self.program
        self.outdated = {name: removed_api.find(node) for name, node in program.functions.items()}
        for name in [name for name, uses in self.outdated.items() if uses]:
            # What is gone is replaced, so that the rest of the function can be judged.
            removed_api.modernize(program.functions[name])
            program.namespace[name] = program.define(program.functions[name])
        self.known = {name: found for name, node in program.functions.items() if (found := kind_of(node))}
        self.repaired: dict[str, Any] = {name: _course_version(program, name) or _gone(name) for name in skip}
        self.unusable: set[str] = set()
        self.settled: set[str] = set()
        """The wrong functions of which a right version is known."""

    def audit_or_say_why_not(self, name: str, seed: int) -> FunctionReport:
        """Judge one function; where the check itself fails, only this function is not checked."""
        try:
            return self.audit(name, seed)
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:  # noqa: BLE001 - the others are to be judged all the same
            node = self.program.functions[name]
            cell, line = self.submission.place(node.lineno)
            report = FunctionReport(name, line, type(self.known[name][0]).__name__, cell, UNCHECKED)
            report.remarks.append(f"the check itself failed: {type(error).__name__}: {error}")
            self.unusable.add(name)
            return report

    def audit(self, name: str, seed: int) -> FunctionReport:
        """Judge one function, given right versions of those that it calls."""
        program, (kind, binding) = self.program, self.known[name]
        learner = Learner(program, program.functions[name], binding, self.repaired)
        learner.partner = backward_hidden
        callees = program.callees(name)
        helpers = [other for other in callees if other not in self.known]
        report, fixed, used = examine(learner, kind, seed, max(200, min(kind.trials, self.left)), helpers)
        self.left -= used
        stuck = self._stuck(name, callees, report)
        if report.status == WRONG and stuck:
            report.status, report.findings = UNCHECKED, []
            report.remarks = [f"not judged: it needs {stuck}, which is wrong and could not be put right"]
        if report.status == UNCHECKED:
            self.unusable.add(name)
        finding = cache_finding(learner, kind, seed) if report.status == RIGHT else None
        if finding is not None:
            report.status = WRONG
            report.findings.append(finding)
        if report.status == WRONG:
            self.repaired[name] = fixed if fixed is not None else _course_version(program, name)
            self.settled |= {name} if fixed is not None else set()
        for use in self.outdated[name]:
            cell, line = self.submission.place(use.line)
            source = self.submission.source(use.line)
            report.status = WRONG
            report.findings.insert(0, Finding("", "removed_api", use.message, line, cell, source))
        wrong = [other for other in callees if other in self.repaired]
        if wrong and report.status == RIGHT:
            report.remarks.append(f"right, given right {', '.join(wrong)}")
        return report

    def _stuck(self, name: str, callees: list[str], report: FunctionReport) -> str:
        """Name the function for want of which this one cannot be judged, if there is one.

        A right version stands in for a wrong callee. Where there is none, or where everything raises because
        its values are made otherwise than the course's, this function is not to blame.
        """
        for other in callees:
            if other in self.repaired and self.repaired[other] is None:
                return other
        if not report.raises_always:
            return ""
        makers = [maker for maker, users in PARTNERS.items() if bare(name) in users]
        suspects = {other for other in self.program.functions if bare(other) in makers} | set(callees)
        bad = self.unusable | {other for other in self.repaired if other not in self.settled}
        return next((other for other in self.program.functions if other in suspects and other in bad), "")

    def notes(self) -> Iterator[str]:
        """Say what the file changes that is not its own, and what of it is not executed."""
        if self.program.guard.broken:
            names = ", ".join(sorted(self.program.guard.broken))
            yield f"the file changes {names}, which is not its own; the check puts it back"
        skipped = self.submission.skipped
        if skipped:
            more = ", ..." if len(skipped) > 6 else ""
            if self.submission.cells:
                lines = ", ".join(self._at(line) for line in skipped[:6])
            else:
                lines = f"line{'s' * (len(skipped) > 1)} " + ", ".join(map(str, skipped[:6]))
            few = "1 statement outside functions is" if len(skipped) == 1 else None
            yield (
                f"{few or f'{len(skipped)} statements outside functions are'} not executed "
                f"({lines}{more}): only definitions, imports and simple constants are"
            )

    def _at(self, line: int) -> str:
        cell, number = self.submission.place(line)
        return f"cell {cell}, line {number}"


def _course_version(program: Program, name: str) -> Any:
    """Return the course's function in the place of a wrong one, where it takes the same arguments."""
    given = GIVEN.get(bare(name))
    if given is None:
        return None
    count = len(inspect.signature(given).parameters)
    return given if count == len(program.functions[name].args.args) else None


def _gone(name: str) -> Callable[..., Any]:
    """Stand in for a function that ended the interpreter, for those that call it."""

    def gone(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"{name} cannot be called: it ends the interpreter, or does not end itself")

    return gone


def _others(
    submission: Submission,
    program: Program,
    known: dict[str, tuple[Kind, Binding]],
    outdated: dict[str, list[removed_api.Obsolete]],
) -> Iterator[FunctionReport | str]:
    unknown = []
    for name, node in program.functions.items():
        if name in known:
            continue
        cell, line = submission.place(node.lineno)
        if outdated[name] or known_name(node):
            report = FunctionReport(name, line, "", cell, UNCHECKED)
            for use in outdated[name]:
                cell, at = submission.place(use.line)
                report.status = WRONG
                report.findings.append(
                    Finding("", "removed_api", use.message, at, cell, submission.source(use.line))
                )
            if known_name(node):
                arguments = ", ".join(argument.arg for argument in node.args.args)
                report.remarks.append(
                    f"not checked: the course's function takes other arguments than ({arguments})"
                )
            yield report
        elif bare(name) not in TRAINS:
            unknown.append(name)
    trains = [name for name in program.functions if bare(name) in TRAINS]
    if trains:
        yield f"{', '.join(trains)}: the functions that train are not run; what they call is checked"
    if unknown:
        yield f"not functions of the course, checked only where others call them: {', '.join(unknown)}"
    for statement in submission.statements:
        if not isinstance(statement, ast.FunctionDef):
            for use in removed_api.find(statement):
                yield f"line {submission.place(use.line)[1]}: {use.message}"


def _order(program: Program, known: dict[str, tuple[Kind, Binding]]) -> list[str]:
    """Return the known functions, each after those that it calls.

    And backward passes after forward passes.
    """
    order: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in order or name in path:
            return
        for other in program.callees(name):
            if other in known:
                visit(other, (*path, name))
        order.append(name)

    first = [name for name in known if "forward" in name.lower() or bare(name) in {"sigmoid", "relu", "tanh"}]
    for name in [*first, *known]:
        visit(name, ())
    return order


def _syntax(
    submission: Submission, line: int, message: str, source: str, function: str | None
) -> FunctionReport:
    cell, shown = submission.place(line)
    report = FunctionReport(function or OUTSIDE, shown, "", cell, WRONG)
    report.findings.append(Finding("", "syntax", message, shown, cell, source))
    return report


def audit_text(text: str, seed: int = 0, path: str = "<text>", only: frozenset[str] | None = None) -> Report:
    """Audit a program's text in this process: for the tests and the benchmark, not for a stranger's file."""
    from tinygrad_course.audit.source.submission import from_text

    started = time.monotonic()
    report = Report(path, seed)
    for item in audit_submission(from_text(text, path), seed, only=only):
        if isinstance(item, str):
            report.notes.append(item)
        else:
            report.functions.append(item)
    report.seconds = time.monotonic() - started
    return report
