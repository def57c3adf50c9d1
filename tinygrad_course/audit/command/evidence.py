"""What a file itself says of its functions: what a function that is none of the course's is right by."""

import ast
import inspect
import re
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_course.audit.command.one_function import Examination, battery, search_mistake
from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.stubs import GIVEN
from tinygrad_course.audit.kinds import kind_of
from tinygrad_course.audit.kinds.any_backward import AnyBackward
from tinygrad_course.audit.kinds.any_loop import AnyLoop
from tinygrad_course.audit.kinds.candidate_costs import SQUARES
from tinygrad_course.audit.kinds.layer_functions import linear_activation_backward, linear_backward
from tinygrad_course.audit.kinds.logistic_regression import Optimize
from tinygrad_course.audit.kinds.optimizer_steps import AnyOptimizer
from tinygrad_course.audit.kinds.own_class import method_name, shown_name, shown_words
from tinygrad_course.audit.kinds.pairing import forward_for
from tinygrad_course.audit.repair.candidates import Candidates
from tinygrad_course.audit.repair.mutations.scope import is_a
from tinygrad_course.audit.repair.proof import (
    OwnResult,
    loop_results,
    of_one_vector,
    own_results,
    undefined,
    unproved,
)
from tinygrad_course.audit.repair.verdict import Verdict, judge
from tinygrad_course.audit.reporting.results import UNCHECKED, WRONG, Finding, FunctionReport
from tinygrad_course.audit.source import removed_api
from tinygrad_course.audit.source.signatures import argument_names, bare, defaults_of, role_of
from tinygrad_course.audit.source.submission import Submission
from tinygrad_course.audit.source.syntax import names_in
from tinygrad_course.audit.source.templates import unfilled

AHEAD = "(whole networks, for a function of the course)"
Begin = Callable[[str, dict[str, Any]], None]
BLOCKS = (linear_backward, linear_activation_backward)


class Evidence:
    """What is known of a file while its functions are judged one after another."""

    def __init__(self, submission: Submission, skip: frozenset[str], seed: int, begin: Begin) -> None:
        others = [one for one in submission.statements if not isinstance(one, ast.FunctionDef)]
        self.gone = [use for one in others for use in removed_api.find(one)]
        for one in others:
            removed_api.modernize(one)
        self.submission, self.seed = submission, seed
        self.program = program = Program(submission)
        self.outdated = {name: removed_api.find(node) for name, node in program.functions.items()}
        for name in [name for name, uses in self.outdated.items() if uses]:
            # What is gone is replaced, so that the rest of the function can be judged.
            node = program.functions[name]
            removed_api.modernize(node)
            (program.there if name in program.there else program.namespace)[name] = program.define(node)
        self.known = {name: found for name, node in program.functions.items() if (found := kind_of(node))}
        self._begin, self.now, self._ahead = begin, "", AHEAD not in skip
        gone = skip - {AHEAD}
        self.repaired: dict[str, Any] = {name: course_version(program, name) or _gone(name) for name in gone}
        self.unusable: set[str] = set()
        self.settled: set[str] = set()
        """The wrong functions of which a right version is known."""

    def begin(self, name: str) -> None:
        """Say which function is looked at: it is blamed for what does not come back."""
        self.now = name
        self._begin(name, self.submission.spot(self.program.functions[name].lineno))

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

    def stuck(self, name: str, callees: list[str], report: FunctionReport) -> str:
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

    def right_otherwise(self, learner: Learner, verdicts: list[Verdict]) -> str:
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

    def need_proof(self, learner: Learner, found: Examination) -> None:
        """Take a verdict back that nothing proves: a guess of the arguments, a name that is not loaded."""
        report, own = found.report, self.own.get(learner.name)
        if own is not None and own.wrong:
            if not any(finding.suggestion for finding in report.findings):
                others = self.own_report(own).findings
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
            take_back(report, "not checked: it is right for one vector; several examples need an axis")
            return
        verified = any(finding.verified and finding.suggestion for finding in report.findings)
        reason = unproved(learner, self.known[learner.name][0], found.verdicts, verified=verified)
        if reason:
            take_back(report, f"not checked: {reason}")

    def own_report(self, result: OwnResult) -> FunctionReport:
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
            take_back(report, shown_words(problem))
            return report
        report.remarks = list(dict.fromkeys(remark for one in result.verdicts for remark in one.remarks))
        if result.right:
            for mistake, words, at in kind.mistakes() if isinstance(kind, AnyLoop) else ():
                report.status = WRONG
                report.findings.append(Finding("", mistake, words, **self.submission.spot(at)))
            return report
        if not result.wrong:
            error = next((verdict.error for verdict in result.verdicts if verdict.error is not None), None)
            words = result.doubt or "its gradients are not found"
            words = f"it raises {type(error).__name__}: {error}" if error else words
            made = kind.program.functions.get(method_name(getattr(kind, "owner", ""), "__init__"))
            unset = made is not None and None in defaults_of(made).values() and "NoneType" in words
            if isinstance(error, NameError) and getattr(error, "name", "") in self.program.set_outside:
                words += ", which a statement outside functions sets, and that is not executed"
            elif not unset and not isinstance(error, ImportError) and (error or result.doubt):
                self._search(result, report)
            # What raises as we call it, or may be meant otherwise, is wrong where one line makes it right.
            named = any(finding.verified and finding.suggestion for finding in report.findings)
            if not named and result.breaks is None:
                take_back(report, f"not checked: {words}")
            return report
        self._search(result, report)
        mended = any(finding.verified and finding.suggestion for finding in report.findings)
        if isinstance(kind, AnyOptimizer) and not mended:
            take_back(report, f"not checked: what its steps make is other than {kind.described}")
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


def take_back(report: FunctionReport, remark: str) -> None:
    """Say why a function is not checked, and nothing else."""
    report.status, report.findings, report.remarks = UNCHECKED, [], [remark]


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


def course_version(program: Program, name: str) -> Any:
    """Return the course's function in the place of a wrong one, where it takes the same arguments."""
    given = GIVEN.get(bare(name))
    count = len(program.functions[name].args.args)
    return given if given is not None and len(inspect.signature(given).parameters) == count else None


def _gone(name: str) -> Callable[..., Any]:
    """Stand in for a function that ended the interpreter, for those that call it."""

    def gone(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"{name} cannot be called: it ends the interpreter, or does not end itself")

    return gone
