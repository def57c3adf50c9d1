"""A whole file: its functions one after another, what they call before what calls them."""

import ast
import builtins
import time
from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, pairwise

from tinygrad_course.audit.command.evidence import AHEAD, Begin, Evidence, course_version, take_back
from tinygrad_course.audit.command.one_function import Examination
from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.kinds import Kind, known_name
from tinygrad_course.audit.kinds.any_backward import AnyBackward
from tinygrad_course.audit.kinds.own_class import shown_name
from tinygrad_course.audit.kinds.pairing import BACKWARD, FORWARD
from tinygrad_course.audit.kinds.what_trains import SCRIPT
from tinygrad_course.audit.repair.forward_and_backward import backward_hidden, cache_finding
from tinygrad_course.audit.repair.proof import by_kind, loop_results
from tinygrad_course.audit.reporting.results import (
    OUTSIDE,
    RIGHT,
    UNCHECKED,
    WRONG,
    Finding,
    FunctionReport,
    Report,
)
from tinygrad_course.audit.reporting.terminal import place
from tinygrad_course.audit.source import removed_api
from tinygrad_course.audit.source.signatures import Binding, argument_names, bare
from tinygrad_course.audit.source.submission import Submission, from_text
from tinygrad_course.audit.source.syntax import names_in, nodes
from tinygrad_course.audit.source.templates import unfilled

TRIALS_A_FILE = 6000
WHOLES = "(whole networks and training)"
WITHOUT = "not judged: it needs {}, which is wrong"
NEEDS = WITHOUT + " and could not be put right"


def audit_submission(
    submission: Submission,
    seed: int = 0,
    skip: frozenset[str] = frozenset(),
    begin: Begin = lambda name, spot: None,
    only: frozenset[str] | None = None,
    *,
    outermost: bool = True,
) -> Iterator[FunctionReport | str]:
    """Give each function's report as it is done, notes as text; `begin` is told name and place before."""
    for problem in submission.problems:
        where = submission.where(problem.line)
        finding = Finding("", "syntax", problem.message, source=problem.source, **where)
        yield FunctionReport(problem.function or OUTSIDE, status=WRONG, findings=[finding], **where)
    begin("(the top of the file)", submission.spot(1))
    file = _File(submission, skip, seed, begin)
    file.outermost = outermost
    yield from file.program.notes
    told: set[str] = set()
    for name in _order(file.program, file.known):
        if name not in skip and (only is None or name in only):
            file.begin(name)
            told.add(name)
            yield from file.blamed(file.audit_or_say_why_not(name), begin)
    file.now = ""
    if only is None and AHEAD not in skip:
        begin(WHOLES, submission.spot(1))
        try:
            for report in file.wholes(told):
                told.add(report.name)
                file.blame_what_is_gone(report)
                yield from file.blamed(report, begin)
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:  # noqa: BLE001 - what is known of the functions stays
            yield f"whole networks and training loops are not checked: {type(error).__name__}: {error}"
    yield from _others(submission, file.program, {*file.known, *told}, file.outdated)
    yield from (f"{submission.named(use.line)}: {use.message}" for use in file.gone)
    yield from file.notes()
    for node, variant in _earlier(submission) if only is None else ():
        earlier = _File(variant, skip, seed, begin)
        if node.name in earlier.known and node.name not in skip:
            earlier.begin(node.name)
            yield earlier.audit_or_say_why_not(node.name)


def _earlier(submission: Submission) -> Iterator[tuple[ast.FunctionDef, Submission]]:
    """Give each definition that a later one of the same name replaces, with the file as it is for it."""
    defined: dict[str, list[ast.FunctionDef]] = {}
    for node in submission.functions:
        defined.setdefault(node.name, []).append(node)
    for versions in defined.values():
        seen = {ast.dump(versions[-1])}
        for node, following in pairwise(versions):
            if ast.dump(node) in seen:
                continue
            seen.add(ast.dump(node))
            # Of each function the last version before the next of this one; its first, where all come later.
            there = [
                next((one for one in reversed(others) if one.lineno < following.lineno), others[0])
                for others in defined.values()
            ]
            others = [one for one in submission.statements if not isinstance(one, ast.FunctionDef)]
            kept = sorted([*others, *there], key=lambda one: one.lineno)
            yield node, replace(submission, statements=kept, problems=[], notes=[])


class _File(Evidence):
    """A file whose functions are judged one after another."""

    left = TRIALS_A_FILE
    outermost = True
    """Whether it is what is checked, and no module that it imports."""

    def __init__(self, submission: Submission, skip: frozenset[str], seed: int, begin: Begin) -> None:
        super().__init__(submission, skip, seed, begin)
        self._beside: list[FunctionReport] | None = None
        self._shown: list[FunctionReport] = []

    def blamed(self, report: FunctionReport, begin: Begin) -> Iterator[FunctionReport]:
        """Give the report of a function, and before it those of the modules beside it that are to blame."""
        if report.file:  # of a module, and told of where it is wrong alone
            yield from [report] * (report.status == WRONG)
            return
        if report.status == WRONG and self.program.modules and self.outermost:
            there = [finding for finding in report.findings if finding.file]
            faults = [self._holder(finding) for finding in there[:1]]
            faults = faults or [one for one in self._faults_beside(begin) if self._due_to(report.name, one)]
            yield from (fault for fault in faults if fault not in self._shown)
            self._shown += faults
            if faults:
                named = f"{faults[0].name} ({place(faults[0].findings[0])})"
                take_back(report, WITHOUT.format(named))
        yield report

    def _due_to(self, name: str, fault: FunctionReport) -> bool:
        """Tell whether a mistake in a module may be what makes a function wrong: what that runs calls it."""
        if all(one.diagnosis == "removed_api" for one in fault.findings):
            return False  # its successor is what runs
        if name not in self.known or "." in fault.name:
            return True
        back, functions = BACKWARD.search(bare(name)), self.program.functions
        run = [name, *(one for one in functions if back and FORWARD.search(bare(one)))]
        run += [other for one in run for other in self.program.callees(one)]
        return bare(fault.name) in map(bare, run)

    def _holder(self, finding: Finding) -> FunctionReport:
        """Return the report of the function of another module in which a mistake was found."""
        program = self.program
        for key in program.homes:
            node = program.functions[key]
            at, end = self.submission.where(node.lineno), (node.end_lineno or node.lineno) - node.lineno
            if at["file"] == finding.file and 0 <= (finding.line or 0) - at["line"] <= end:
                return FunctionReport(shown_name(key), status=WRONG, findings=[finding], **at)
        return FunctionReport(OUTSIDE, finding.line or 1, file=finding.file, status=WRONG, findings=[finding])

    def _faults_beside(self, begin: Begin) -> list[FunctionReport]:
        """Return what is wrong in the modules that the submission imports, of what it uses of them."""
        if self._beside is None:
            self._beside = []
            used = set[str]().union(*map(names_in, [*self.submission.statements, *self.submission.script]))
            waiting = [one for one in self.program.beside if isinstance(one, ast.FunctionDef | ast.ClassDef)]
            while any(one.name in used for one in waiting):
                used |= set[str]().union(*(names_in(one) for one in waiting if one.name in used))
                waiting = [one for one in waiting if one.name not in used]
            for path in [path for path in self.program.modules if path.is_file()]:
                module = self.submission.beside(path)
                shown = self.submission.near.shown(path) if self.submission.near is not None else path.name
                again = lambda name, spot: begin(WHOLES, self.submission.spot(1))  # noqa: E731
                for told in audit_submission(module, self.seed, begin=again, outermost=False):
                    if isinstance(told, str) or told.status != WRONG or told.name.split(".")[0] not in used:
                        continue
                    told.file = shown
                    told.findings = [replace(finding, file=shown) for finding in told.findings]
                    self._beside.append(told)
        return self._beside

    def audit_or_say_why_not(self, name: str) -> FunctionReport:
        """Judge one function; where the check itself fails, only this function is not checked."""
        try:
            return self.audit(name)
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:  # noqa: BLE001 - the others are to be judged all the same
            node = self.program.functions[name]
            self.unusable.add(name)
            words = f"the check itself failed: {type(error).__name__}: {error}"
            return self._unchecked(node, words)

    def _unchecked(self, node: ast.FunctionDef, remark: str) -> FunctionReport:
        kind, where = type(self.known[node.name][0]).__name__, self.submission.where(node.lineno)
        return FunctionReport(shown_name(node.name), kind=kind, status=UNCHECKED, remarks=[remark], **where)

    def audit(self, name: str) -> FunctionReport:
        """Judge one function, given right versions of those that it calls."""
        program, (kind, binding) = self.program, self.known[name]
        learner = Learner(program, program.functions[name], binding, self.repaired)
        learner.partner = backward_hidden
        callees = program.callees(name)
        helpers = [other for other in callees if other not in self.known]
        empty = unfilled(learner.node)
        if empty is not None:
            self.unusable.add(name)
            return self._unchecked(learner.node, f"not filled in yet: {self.submission.named(empty)}")
        budget = max(200, min(kind.trials, self.left))
        excuse = partial(self.right_otherwise, learner)
        found = Examination(learner, kind, self.seed, budget, helpers, excuse)
        report, fixed = found.report, found.repaired
        self.left -= found.trials
        if report.status == WRONG:
            self.need_proof(learner, found)
        stuck = self.stuck(name, callees, report)
        _given_right(report, [], NEEDS.format(stuck) * bool(stuck))
        if report.status == UNCHECKED:
            self.unusable.add(name)
        usual = report.status == RIGHT and not found.excused
        own = self.own.get(name) if usual and self.unusable else None
        forward = getattr(own.kind, "forward", None) if own is not None and own.wrong else None
        if own is not None and forward is not None and forward.name in self.unusable:
            return self.own_report(own)  # what the course's formula is not about
        finding = cache_finding(learner, kind, self.seed) if usual else None
        if finding is not None:
            report.status = WRONG
            report.findings.append(finding)
        if report.status == WRONG:
            self.repaired[name] = fixed if fixed is not None else course_version(program, name)
            self.settled |= {name} if fixed is not None else set()
        self.blame_what_is_gone(report)
        if report.status == WRONG:
            report.remarks = [remark for remark in report.remarks if "are right" not in remark]
        return _given_right(report, [other for other in callees if other in self.repaired])

    def blame_what_is_gone(self, report: FunctionReport) -> None:
        """Blame a function, judged with the successors in their places, for what is gone that it uses."""
        for use in self.outdated.get(report.name, ()):
            finding = _gone_finding(self.submission, use)
            finding.verified = bool(finding.suggestion) and report.status == RIGHT
            report.findings.insert(0, finding)
        report.status = WRONG if self.outdated.get(report.name) else report.status

    def wholes(self, told: set[str]) -> Iterator[FunctionReport]:
        """Give the reports of networks and training loops that are none of the course's functions."""
        classes = {one.name: one for one in self.submission.statements if isinstance(one, ast.ClassDef)}
        bases = {base.id for one in classes.values() for base in one.bases if isinstance(base, ast.Name)}
        owners = {name: getattr(one.kind, "owner", "") for name, one in self.own.items()}
        faulty = {owners[name]: name for name, one in self.own.items() if one.wrong and owners[name]}
        below = {name: one.kind.program.callees(one.kind.node.name) for name, one in self.own.items()}
        for name, result in sorted(self.own.items(), key=lambda one: len(below[one[0]])):
            last = result.kind.node.body[-1]
            abstract = isinstance(last, ast.Raise) and "NotImplemented" in ast.unparse(last)
            if name in told or (owners[name] in bases and abstract):
                continue  # left to the classes that are made of its own
            parts = result.kind.involved() if isinstance(result.kind, AnyBackward) else []
            initial = getattr(result.kind, "initial", None)
            parts = [one for one in parts if initial is None or one != initial.name]
            run = {*below[name], *parts, *(other for one in parts for other in self.program.callees(one))}
            mended = {other: self.repaired[other] for other in sorted(run - {name}) if other in self.repaired}
            given = mended if result.wrong and all(mended.values()) else {}
            with result.kind.program.bound(given):
                report = self.own_report(by_kind(result.kind, self.seed) if given else result)
            held = names_in(classes[owners[name]]) if owners[name] in classes else set[str]()
            stuck = next((faulty[one] for one in faulty if one in held and one != owners[name]), "")
            stuck = stuck or next((other for other in mended if not given), "")
            yield _given_right(report, given, WITHOUT.format(shown_name(stuck)) * bool(stuck))
        wrong = {name: function for name, function in self.repaired.items() if name in self.program.functions}
        with self.program.bound({name: function for name, function in wrong.items() if function is not None}):
            judged = [name for name, one in self.own.items() if one.right or one.wrong]
            loops = loop_results(self.program, self.seed, judged)
        for name, result in loops.items():
            if name in told or not (result.verdicts or name != SCRIPT):
                continue
            callees = result.kind.program.callees(result.kind.node.name)
            calls = [other for other in callees if other in wrong]
            report = self.own_report(result)
            stuck = next((other for other in calls if wrong[other] is None), "")
            method = next((other for other in callees if other in faulty.values()), "")
            reason = WITHOUT.format(shown_name(method)) * bool(method)
            yield _given_right(report, calls, NEEDS.format(stuck) if stuck else reason)

    def notes(self) -> Iterator[str]:
        """Say what the file changes that is not its own, and what of it is not executed."""
        yield from self.submission.notes
        if self.program.guard.broken:
            names = ", ".join(sorted(self.program.guard.broken))
            yield f"the file changes {names}, which is not its own; the check puts it back"
        skipped = self.submission.skipped
        if skipped:
            s, are = ("s", "are") if len(skipped) > 1 else ("", "is")
            cells = self.submission.is_notebook
            named = self.submission.named if cells else str
            lines = "" if cells else f"line{s} "
            lines += ", ".join([*map(named, skipped[:6]), *["..."] * (len(skipped) > 6)])
            count = f"{len(skipped)} statement{s} outside functions {are}"
            yield f"{count} not executed ({lines}): only definitions, imports and simple constants are"


def _given_right(report: FunctionReport, right: Collection[str], reason: str = "") -> FunctionReport:
    """Tell of the right functions that stood in for wrong ones, or why what is wrong is not judged."""
    if report.status == WRONG and reason:
        take_back(report, reason)
    elif report.status == RIGHT and right:
        report.remarks.append(f"right, given right {', '.join(map(shown_name, right))}")
    return report


def _others(
    submission: Submission, program: Program, known: set[str], outdated: dict[str, list[removed_api.Obsolete]]
) -> Iterator[FunctionReport | str]:
    unknown = []
    for name, node in program.own.items():
        if name in known:
            continue
        if outdated[name] or known_name(node):
            report = FunctionReport(name, status=UNCHECKED, **submission.where(node.lineno))
            report.findings = [_gone_finding(submission, use) for use in outdated[name]]
            report.status = WRONG if report.findings else UNCHECKED
            if known_name(node):
                called = {ast.unparse(call.func) for call in nodes(node, ast.Call)} - set(dir(builtins))
                absent = sorted(word for word in called - program.namespace.keys() if word.isidentifier())
                why = f"the course's function takes other arguments than ({', '.join(argument_names(node))})"
                if absent and program.strangers:
                    strangers = ", ".join(program.strangers)
                    why = f"{', '.join(absent)} may come from {strangers}, which is not loaded"
                report.remarks.append(f"not checked: {why}")
            yield report
        else:
            unknown.append(name)
    if unknown:
        yield f"not functions of the course, checked only where others call them: {', '.join(unknown)}"


def _order(program: Program, known: dict[str, tuple[Kind, Binding]]) -> list[str]:
    """Return the known functions, each after those that it calls, backward passes after forward passes."""
    below = {name: [other for other in program.callees(name) if other in known] for name in known}
    own = [name for name in known if name in program.own]
    first = [name for name in own if "forward" in name.lower() or bare(name) in {"sigmoid", "relu", "tanh"}]
    # What a function calls calls less than it.
    order = [[*sorted(below[name], key=lambda one: len(below[one])), name] for name in [*first, *own]]
    return list(dict.fromkeys(chain(*order)))


def _gone_finding(submission: Submission, use: removed_api.Obsolete) -> Finding:
    spot = submission.spot(use.line)
    likely = use.in_line(spot["source"])
    diagnosis = "no_whole_number" if "/" in use.name else "removed_api"
    return Finding("", diagnosis, use.message, suggestion=likely, **spot)


def audit_text(text: str, seed: int = 0, path: str = "<text>", only: frozenset[str] | None = None) -> Report:
    """Audit a program's text in this process: for the tests and the benchmark, not for a stranger's file."""
    started = time.monotonic()
    report = Report(path, seed)
    for item in audit_submission(from_text(text, path), seed, only=only):
        if isinstance(item, str):
            report.notes.append(item)
        else:
            report.functions.append(item)
    report.seconds = time.monotonic() - started
    return report
