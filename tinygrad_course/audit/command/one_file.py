"""A whole file: its functions one after another, what they call before what calls them."""

import ast
import builtins
import inspect
import re
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain, pairwise
from typing import Any

import numpy as np

from tinygrad_course.audit.command.one_function import Examination, battery, search_mistake
from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.stubs import GIVEN
from tinygrad_course.audit.kinds import Kind, kind_of, known_name
from tinygrad_course.audit.kinds.any_backward import AnyBackward
from tinygrad_course.audit.kinds.any_loop import AnyLoop
from tinygrad_course.audit.kinds.candidate_costs import SQUARES
from tinygrad_course.audit.kinds.layer_functions import linear_activation_backward, linear_backward
from tinygrad_course.audit.kinds.logistic_regression import Optimize
from tinygrad_course.audit.kinds.optimizer_steps import AnyOptimizer
from tinygrad_course.audit.kinds.own_class import method_name, shown_name, shown_words
from tinygrad_course.audit.kinds.pairing import BACKWARD, FORWARD, forward_for
from tinygrad_course.audit.kinds.what_trains import SCRIPT
from tinygrad_course.audit.repair.candidates import Candidates
from tinygrad_course.audit.repair.forward_and_backward import backward_hidden, cache_finding
from tinygrad_course.audit.repair.mutations.scope import is_a
from tinygrad_course.audit.repair.proof import (
    OwnResult,
    by_kind,
    loop_results,
    of_one_vector,
    own_results,
    undefined,
    unfilled,
    unproved,
)
from tinygrad_course.audit.repair.verdict import Verdict, judge
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
from tinygrad_course.audit.source.signatures import Binding, argument_names, bare, defaults_of, role_of
from tinygrad_course.audit.source.submission import Submission, from_text
from tinygrad_course.audit.source.syntax import names_in, nodes

TRIALS_A_FILE = 6000
WHOLES = "(whole networks and training)"
AHEAD = "(whole networks, for a function of the course)"
Begin = Callable[[str, dict[str, Any]], None]
WITHOUT = "not judged: it needs {}, which is wrong"
NEEDS = WITHOUT + " and could not be put right"
BLOCKS = (linear_backward, linear_activation_backward)


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


class _File:
    """What is known of a file while its functions are judged one after another."""

    def __init__(self, submission: Submission, skip: frozenset[str], seed: int, begin: Begin) -> None:
        others = [one for one in submission.statements if not isinstance(one, ast.FunctionDef)]
        self.gone = [use for one in others for use in removed_api.find(one)]
        for one in others:
            removed_api.modernize(one)
        self.submission, self.program, self.left = submission, Program(submission), TRIALS_A_FILE
        self.seed = seed
        program = self.program
        self.outdated = {name: removed_api.find(node) for name, node in program.functions.items()}
        for name in [name for name, uses in self.outdated.items() if uses]:
            # What is gone is replaced, so that the rest of the function can be judged.
            node = program.functions[name]
            removed_api.modernize(node)
            (program.there if name in program.there else program.namespace)[name] = program.define(node)
        self.known = {name: found for name, node in program.functions.items() if (found := kind_of(node))}
        self._begin, self.now, self._ahead = begin, "", AHEAD not in skip
        gone = skip - {AHEAD}
        self.repaired: dict[str, Any] = {name: _course_version(program, name) or _gone(name) for name in gone}
        self.unusable: set[str] = set()
        self.settled: set[str] = set()
        """The wrong functions of which a right version is known."""
        self.outermost = True
        """Whether it is what is checked, and no module that it imports."""
        self._beside: list[FunctionReport] | None = None
        self._shown: list[FunctionReport] = []

    def begin(self, name: str) -> None:
        """Say which function is looked at: it is blamed for what does not come back."""
        self.now = name
        self._begin(name, self.submission.spot(self.program.functions[name].lineno))

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
                _take_back(report, WITHOUT.format(named))
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
        excuse = partial(self._right_otherwise, learner)
        found = Examination(learner, kind, self.seed, budget, helpers, excuse)
        report, fixed = found.report, found.repaired
        self.left -= found.trials
        if report.status == WRONG:
            self._need_proof(learner, found)
        stuck = self._stuck(name, callees, report)
        _given_right(report, [], NEEDS.format(stuck) * bool(stuck))
        if report.status == UNCHECKED:
            self.unusable.add(name)
        usual = report.status == RIGHT and not found.excused
        own = self.own.get(name) if usual and self.unusable else None
        forward = getattr(own.kind, "forward", None) if own is not None and own.wrong else None
        if own is not None and forward is not None and forward.name in self.unusable:
            return self._own_report(own)  # what the course's formula is not about
        finding = cache_finding(learner, kind, self.seed) if usual else None
        if finding is not None:
            report.status = WRONG
            report.findings.append(finding)
        if report.status == WRONG:
            self.repaired[name] = fixed if fixed is not None else _course_version(program, name)
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

    def _right_otherwise(self, learner: Learner, verdicts: list[Verdict]) -> str:
        """Say what a function that is not the course's is right by: the file's forward pass, its caller."""
        kind, labels = self.known[learner.name][0], {label for verdict in verdicts for label in verdict.wrong}
        for own in self.own.values():
            network = own.kind if isinstance(own.kind, AnyBackward) else None
            initial = network.initial if network is not None else None
            starts = initial is not None and learner.name == initial.name
            backward = own.kind.node
            block = kind in BLOCKS and learner.name in self.program.callees(backward.name)
            if own.right and block:
                return f"{backward.name}, which is right with it"
            # Initial values are of another contract where the examples of the file are rows.
            rows = network is not None and starts and network.rows and bool(own.verdicts)
            if rows and all(label.startswith(("shape of", "spread of", "b")) for label in labels):
                return "the shapes that its forward pass takes"
            involved = network is not None and own.right and learner.name in network.involved()
            if network is not None and involved and not _no_convention(learner, verdicts, network):
                # Right gradients tell of initial values the shapes alone.
                raised = any(verdict.error is not None for verdict in verdicts)
                shapes = not raised and all(label.startswith("shape of") for label in labels)
                if shapes if starts else _told_by_gradients(learner, labels, backward):
                    return own.kind.described
        failing = [verdict for verdict in verdicts if not verdict.right]
        if of_one_vector(learner, kind, failing):
            file = [*self.submission.statements, *self.submission.script]
            used = any(learner.name in names_in(one) for one in file if one is not learner.node)
            if not used or any(own.right and own.calls(learner.name) for own in self.own.values()):
                return "the softmax of one vector"
        if labels and all("cost" in label for label in labels) and isinstance(kind, Optimize):
            loop = loop_results(self.program, self.seed).get(learner.name)  # which keeps other costs
            if loop is not None and loop.right:
                return loop.kind.described
        return "what calls it" if self._right_as_used(learner) else ""

    def _need_proof(self, learner: Learner, found: Examination) -> None:
        """Take a verdict back that nothing proves: a guess of the arguments, a name that is not loaded."""
        report, own = found.report, self.own.get(learner.name)
        if own is not None and own.wrong:
            if not any(finding.suggestion for finding in report.findings):
                others = self._own_report(own).findings
                # the course's quantities lie nearer to the mistake, unless a right line is known
                known = any(finding.suggestion for finding in others)
                if not report.findings or report.raises_always or known:
                    report.findings = others
            return
        failing = [verdict for verdict in found.verdicts if not verdict.right]
        # The course's functions give it several examples.
        blamed = any(one.wrong and one.calls(learner.name) for one in self.own.values())
        told = [other for other, (_, binding) in self.known.items() if not binding.guessed]
        blamed = blamed or any(learner.name in self.program.callees(other) for other in told)
        if of_one_vector(learner, self.known[learner.name][0], failing) and not blamed:
            _take_back(report, "not checked: it is right for one vector; several examples need an axis")
            return
        verified = any(finding.verified and finding.suggestion for finding in report.findings)
        reason = unproved(learner, self.known[learner.name][0], found.verdicts, verified=verified)
        if reason:
            _take_back(report, f"not checked: {reason}")

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
                report = self._own_report(by_kind(result.kind, self.seed) if given else result)
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
            report = self._own_report(result)
            stuck = next((other for other in calls if wrong[other] is None), "")
            method = next((other for other in callees if other in faulty.values()), "")
            reason = WITHOUT.format(shown_name(method)) * bool(method)
            yield _given_right(report, calls, NEEDS.format(stuck) if stuck else reason)

    def _own_report(self, result: OwnResult) -> FunctionReport:
        """Report what came of holding a function, a method or a loop against its own cost."""
        kind = result.kind
        node = kind.whole if isinstance(kind, AnyLoop) else kind.node
        where = self.submission.where(node.lineno)
        report = FunctionReport(shown_name(node.name), kind=type(kind).__name__, **where)
        report.against, report.cases = shown_words(kind.described), len(result.verdicts)
        empty = unfilled(node)
        if result.learner is None and empty is None and self._not_defined(result, node, report):
            return report
        if result.learner is None or empty is not None:
            problem = f"not checked: {result.problem}"
            if empty is not None:
                problem = f"not filled in yet: {self.submission.named(empty)}"
            report.against = ""
            _take_back(report, shown_words(problem))
            return report
        report.remarks = list(dict.fromkeys(remark for one in result.verdicts for remark in one.remarks))
        if result.right:
            for mistake, words, at in kind.mistakes() if isinstance(kind, AnyLoop) else ():
                report.status = WRONG
                report.findings.append(Finding("", mistake, words, **self.submission.spot(at)))
            return report
        if not result.wrong:
            error = next((verdict.error for verdict in result.verdicts if verdict.error is not None), None)
            words = f"it raises {type(error).__name__}: {error}" if error else "its gradients are not found"
            made = kind.program.functions.get(method_name(getattr(kind, "owner", ""), "__init__"))
            unset = made is not None and None in defaults_of(made).values() and "NoneType" in words
            if isinstance(error, NameError) and getattr(error, "name", "") in self.program.set_outside:
                words += ", which a statement outside functions sets, and that is not executed"
            elif error is not None and not unset and not isinstance(error, ImportError):
                self._search(result, report)
            # What raises as we call it is proved wrong by the line with which it is right.
            named = any(finding.verified and finding.suggestion for finding in report.findings)
            if not named and result.breaks is None:
                _take_back(report, f"not checked: {words}")
            return report
        self._search(result, report)
        mended = any(finding.verified and finding.suggestion for finding in report.findings)
        if isinstance(kind, AnyOptimizer) and not mended:
            _take_back(report, f"not checked: what its steps make is other than {kind.described}")
        return report

    def _search(self, result: OwnResult, report: FunctionReport) -> None:
        report.status, kind = WRONG, result.kind
        helpers = kind.program.callees(kind.node.name)
        helpers = [name for name in helpers if name not in {*self.known, *self.repaired}]
        if result.learner is not None:
            found = search_mistake(result.learner, kind, result.verdicts, helpers, kind.trials, report)
            self.repaired.setdefault(kind.node.name, found[1])

    def _not_defined(self, result: OwnResult, node: ast.FunctionDef, report: FunctionReport) -> bool:
        """Report a variable that nothing in the file defines, and tell whether there is one."""
        name, error = undefined(self.program, result.error), result.error
        line = self.submission.raised_at(error) if error is not None else 0
        if not name or not node.lineno <= line <= (node.end_lineno or 0):
            return False
        words = f"raises {type(error).__name__}: {error}; nothing in the file defines it"
        report.status, report.against = WRONG, ""
        report.findings = [Finding("", "not_defined", words, **self.submission.spot(line))]
        return True

    @cached_property
    def own(self) -> dict[str, OwnResult]:
        """What the file's own forward passes say of its backward passes."""
        if self.now:  # whatever does not come back is no fault of the function for which it is asked
            self._begin(AHEAD, self.submission.spot(1))
        found = own_results(self.program, self.seed) if self._ahead else {}
        if self.now:
            self.begin(self.now)
        return found

    def _right_as_used(self, learner: Learner) -> bool:
        """Tell whether what calls a building block is right with it as it is (1/m at the top, once)."""
        program, name = self.program, learner.name
        callers = [other for other in self.known if other != name and name in program.callees(other)]
        if not callers or self.known[name][0] not in BLOCKS:
            return False
        for other in callers:
            kind, binding = self.known[other]
            caller = Learner(program, program.functions[other], binding, {})
            function = program.namespace[other]
            cases = battery(caller, kind, kind.assumptions(caller)[0], self.seed)
            if not cases or not all(judge(caller, kind, function, case).right for case in cases):
                return False
        return True

    def _stuck(self, name: str, callees: list[str], report: FunctionReport) -> str:
        """Name the function for want of which this one cannot be judged, if there is one.

        A right version stands in for a wrong callee. Where there is none, or where everything raises because
        its values are made otherwise than the course's, this function is not to blame.
        """
        for other in callees:
            if other in self.repaired and self.repaired[other] is None:
                return other
        own = self.own.get(name) if report.raises_always else None
        if not report.raises_always or (own is not None and own.wrong):
            return ""
        maker = forward_for(name, self.program.at_hand) if "back" in name.lower() else None
        suspects = {*callees, *([maker.name] if maker is not None else [])}
        bad = self.unusable | {other for other in self.repaired if other not in self.settled}
        return next((other for other in self.program.functions if other in suspects and other in bad), "")

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


def _take_back(report: FunctionReport, remark: str) -> None:
    """Say why a function is not checked, and nothing else."""
    report.status, report.findings, report.remarks = UNCHECKED, [], [remark]


def _given_right(report: FunctionReport, right: Collection[str], reason: str = "") -> FunctionReport:
    """Tell of the right functions that stood in for wrong ones, or why what is wrong is not judged."""
    if report.status == WRONG and reason:
        _take_back(report, reason)
    elif report.status == RIGHT and right:
        report.remarks.append(f"right, given right {', '.join(map(shown_name, right))}")
    return report


def _no_convention(learner: Learner, verdicts: list[Verdict], kind: AnyBackward) -> bool:
    """Tell whether what is other than the course's is no convention, though the gradients are right with it.

    m is the number of rows where the examples are columns, one factor throughout; or Z is not W A + b, or A
    not the activation's value but that and a number, which no derivative shows. Or squares were guessed for a
    forward pass that does without the sigmoid the file has.
    """
    guessed = kind.cost == SQUARES and kind.forward is learner.node
    if guessed and "sigmoid" in learner.program.at_hand and "sigmoid" not in learner.text():
        return True
    case = next((verdict.case for verdict in verdicts if not verdict.right and verdict.case.m > 1), None)
    if case is None or kind.rows:
        return False
    run = Candidates(learner, kind, [case], [], 0).reading(case)
    symptom = run.symptom
    values = [pair for _, event in run.events for pair in event.values.items() if learner.has("keep_prob")]
    if any(is_a("mask", name) and np.shape(value)[1:] == (1,) for name, value in values):
        return True  # one mask for all examples
    if symptom is None or symptom.site is None or np.shape(symptom.value) != np.shape(symptom.right):
        return False
    match = re.fullmatch(r"([ZA])(\d)", symptom.label)
    if symptom.label == "m":
        return re.search(r"\.shape\[0\]|len\(", ast.unparse(symptom.site.statement)) is not None
    if match is None or kind.forward is not learner.node:
        return False
    layer = int(match[2])
    if match[1] == "Z":
        return layer == 1 or f"A{layer - 1}" in run.fine
    return f"Z{layer}" in run.fine and bool(np.ptp(np.asarray(symptom.value) - symptom.right) < 1e-9)


def _told_by_gradients(learner: Learner, labels: set[str], backward: ast.FunctionDef) -> bool:
    """Tell whether right gradients say that a function is right; of dZ and dA on the way they say nothing."""
    if labels and all(re.match(r"d[ZA]", label) for label in labels):
        return False
    # Of a penalty they tell where the backward pass has one too.
    return not learner.has("lambd") or any(role_of(part) == "lambd" for part in argument_names(backward))


def _course_version(program: Program, name: str) -> Any:
    """Return the course's function in the place of a wrong one, where it takes the same arguments."""
    given = GIVEN.get(bare(name))
    count = len(program.functions[name].args.args)
    return given if given is not None and len(inspect.signature(given).parameters) == count else None


def _gone(name: str) -> Callable[..., Any]:
    """Stand in for a function that ended the interpreter, for those that call it."""

    def gone(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"{name} cannot be called: it ends the interpreter, or does not end itself")

    return gone


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
