"""From symptoms to findings: the first wrong quantity, the change that makes it right, the mistake's name."""

import ast
import re
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Function
from tinygrad_course.audit.execution.protection import TooLongError
from tinygrad_course.audit.kinds.base import Kind, words
from tinygrad_course.audit.kinds.cases import Case, plainly
from tinygrad_course.audit.kinds.random_functions import EVERY, ORDER, PAIRS, SIZES
from tinygrad_course.audit.reference.comparison import Relation, as_array, ratio, relate
from tinygrad_course.audit.repair.candidates import Candidates, Repair, Scene, assigned, local_value
from tinygrad_course.audit.repair.fault_localization import Symptom
from tinygrad_course.audit.repair.missing_lines import not_handed_on, updated_early, without_return
from tinygrad_course.audit.repair.mutations.scope import is_a, text
from tinygrad_course.audit.repair.search import order_of, same_slip, search, structural_pairs
from tinygrad_course.audit.repair.verdict import Verdict
from tinygrad_course.audit.reporting.results import DIAGNOSES, Finding
from tinygrad_course.audit.source.removed_api import replaced
from tinygrad_course.audit.source.syntax import called

ROUNDS = 4
STRUCTURAL = 800
"""How many pairs of edits of one statement are run at most, when no single edit helps."""
BY_LABEL = {
    "spread of W": "initial_scale",
    ORDER: "not_shuffled",
    PAIRS: "pairs_broken",
    EVERY: "examples_lost",
    SIZES: "batch_size",
}
"""What is told by the property that fails, where no line is found that mends it."""
VAGUE = words("wrong_factor wrong_constant wrong_function wrong_operand extra_term term_missing wrong_order")


def diagnose(
    learner: Learner, kind: Kind, verdicts: list[Verdict], helpers: list[str], budget: int
) -> tuple[list[Finding], Function | None, int]:
    """Find the mistakes of a wrong function one after another, repairing as it goes."""
    ended = _ended(learner, verdicts)
    if ended is not None:
        return [ended], None, 0
    pool = Candidates(learner, kind, _ordered(verdicts), helpers, budget)
    for missing in (without_return, not_handed_on, updated_early):
        line = missing(learner, pool, verdicts)
        if line is not None:
            return *line, pool.trials
    findings: list[Finding] = []
    for _ in range(ROUNDS):
        functions = pool.functions()
        now = list(pool.verdicts(functions))
        failing = [verdict for verdict in now if not verdict.right]
        if not failing:
            for finding in findings:
                finding.verified = True
            return findings, functions[learner.name], pool.trials
        pool.wrong = [{label for label in verdict.wrong if label in verdict.values} for verdict in now]
        shown = most_telling(failing)
        view = Scene(pool, shown.case)
        twins: list[Repair] = []
        repair, together = search(view, now)
        if repair is None and not findings:
            pool.budget = pool.trials + STRUCTURAL
            made = [one for one in order_of(pool, view.events) if isinstance(one.statement, ast.Assign)]
            back = [one for one in made if "backward" in " ".join(map(called, ast.walk(one.statement)))]
            repair = structural_pairs(view, back[::-1])
            both = same_slip(view, view.symptom.candidates) if view.symptom and repair is None else []
            if both:
                repair, *twins = both
            together = repair is not None
        finding = _finding(shown, repair, view)
        findings.append(finding)
        if repair is None:
            break
        second = repair.second
        if second is not None:
            words = f"{DIAGNOSES[second.kind]}; {second.words}"
            findings.append(replace(finding, diagnosis=second.kind, message=words))
        pool.apply(repair)
        finding.verified = together
        for twin in twins:
            findings.append(replace(_finding(shown, twin, view), verified=together))
            pool.apply(twin)
    functions = pool.functions()
    right = all(verdict.right for verdict in pool.verdicts(functions))
    for finding in findings:
        finding.verified = finding.verified or (right and bool(finding.suggestion))
    return findings, functions[learner.name] if right else None, pool.trials


def easily_right(
    learner: Learner, kind: Kind, verdicts: list[Verdict], helpers: list[str], budget: int
) -> bool:
    """Tell whether one likely edit makes a function right."""
    failing = [verdict for verdict in verdicts if not verdict.right]
    if not failing:
        return False
    pool = Candidates(learner, kind, _ordered(verdicts), helpers, budget)
    shown = most_telling(failing)
    view = Scene(pool, shown.case)
    return search(view, list(pool.verdicts(pool.functions())), likely=True)[0] is not None


def most_telling(failing: list[Verdict]) -> Verdict:
    """Of the failing cases, return one that raises nothing, has several examples and little that is wrong."""
    return min(failing, key=lambda one: (one.error is not None, one.case.m == 1, len(one.wrong)))


def _ordered(verdicts: list[Verdict]) -> list[Case]:
    """Put the cases that show most first: those that fail, with several examples, without raising."""

    def key(verdict: Verdict) -> tuple[bool, bool, bool]:
        return verdict.right, verdict.case.m == 1, verdict.error is not None

    return [verdict.case for verdict in sorted(verdicts, key=key)]


def _ended(learner: Learner, verdicts: list[Verdict]) -> Finding | None:
    """Report a function that does not come back, or that leaves the program."""
    seconds = f"{learner.program.seconds:g} seconds"
    ends: list[tuple[Any, str, str]] = [
        (TooLongError, "never_ends", f"does not come back within {seconds}"),
        (SystemExit | GeneratorExit, "exits", "ends the program: it calls exit()"),
        (MemoryError, "memory", "asks for more memory than it is given"),
    ]
    for error in [verdict.error for verdict in verdicts]:
        for exception, diagnosis, message in ends:
            if isinstance(error, exception):
                spot = learner.program.submission.spot(learner.node.lineno)
                return Finding("", diagnosis, f"{learner.name} {message}", **spot)
    return None


def _finding(verdict: Verdict, repair: Repair | None, view: Scene) -> Finding:
    case, symptom, pool, learner = verdict.case, view.symptom, view.pool, view.pool.learner
    relation = _steady(_relation(symptom, case), symptom, pool)
    label = symptom.label if symptom else next(iter([*verdict.wrong, *verdict.missing, *verdict.changed]), "")
    returned = verdict.values.get(label) if symptom is None and label in verdict.expected else 0
    if as_array(returned) is None and verdict.result is not None:
        relation = relate(label, returned, verdict.expected[label], case.m, {}, {}, {})
    site = repair.site if repair else symptom.site if symptom else None
    line = repair.line if repair else site.statement.lineno if site else _returns(view, verdict)
    if repair and symptom and (not symptom.site or repair.site.place != symptom.site.place):
        label = assigned(repair.site) or label
    kind = _diagnosis(verdict, symptom, repair, relation)
    finding = Finding(label, kind, "", **learner.program.submission.spot(line))
    elsewhere = repair is not None and symptom is not None and label != symptom.label
    if repair is not None and elsewhere:
        # The line to change makes another quantity than the first wrong one that the course names.
        event = view.last(repair.site)
        made = local_value(view, repair.site, repair.statement, event.before) if event else None
        before = event.values.get(label) if event else None
        if isinstance(made, np.ndarray) and before is not None:
            finding.yours, finding.right = plainly(before), plainly(made)
    elif symptom is not None:
        finding.yours, finding.right = plainly(symptom.value), plainly(symptom.right)
        if symptom.right is not None and symptom.value is not None:
            finding.ratio = ratio(symptom.value, symptom.right)
    elif label in verdict.values:
        finding.yours, finding.right = plainly(verdict.values[label]), plainly(verdict.expected.get(label))
    if repair is not None:
        gone = isinstance(repair.statement, ast.Pass)
        likely = "(without this line)" if gone else text(repair.statement).split("\n", 1)[0]
        # Texts stand in the learner's quotation marks.
        double = '"' in finding.source and "'" not in finding.source and '"' not in likely
        finding.suggestion = likely.replace("'", '"') if double else likely
    finding.message = _message(finding, verdict, symptom, repair, relation)
    return finding


def _returns(view: Scene, verdict: Verdict) -> int:
    """Return the line that assigns what is wrong, or that of the return statement that ran."""
    learner = view.pool.learner
    for label in [] if verdict.missing else verdict.wrong:
        # The statement that assigns the quantity, where nothing else tells.
        for node in ast.walk(learner.node):
            if isinstance(node, ast.Assign | ast.Expr) and _assigns(node, label, learner):
                return node.lineno
    ran = [view.own[event.site].statement for name, event in view.events if name == learner.name]
    return max((one.lineno for one in ran if isinstance(one, ast.Return)), default=learner.node.lineno)


def _assigns(node: ast.Assign | ast.Expr, label: str, learner: Learner) -> bool:
    """Tell whether a statement makes a quantity, or the mini-batches of which a property fails."""
    code = ast.unparse(node)
    if label in {EVERY, PAIRS, SIZES, ORDER}:
        data = [name for name, role in learner.arguments if role in {"X", "Y"}]
        # Sliced again after they were shuffled; else the slice of what is left over.
        again = label == ORDER and any(f"{name}[" in code and ":" in code for name in data)
        return ("permut" not in code and again) or (label != ORDER and "-" in code and "[" in code)
    word = label.removeprefix("spread of ").removeprefix("shape of ")
    target = ast.unparse(node.targets[0]) if isinstance(node, ast.Assign) else ""
    if re.fullmatch(rf"\(?(.*, )?{re.escape(word)}(, .*)?\)?", target):
        return True
    return word != label and re.search(rf"""\[f?["']({word}|{word[0]}["'{{_])""", target) is not None


def _relation(symptom: Symptom | None, case: Case) -> Relation | None:
    if symptom is None or symptom.right is None or symptom.value is None:
        return None
    if symptom.label == "m" and np.size(symptom.value) == 1:
        value = np.asarray(symptom.value).item()
        return Relation("count", f"m is {value:g}, and there are {case.m} examples")
    label, terms = symptom.label, case.terms.get(symptom.label, {})
    others = {other: value for other, value in case.expected.items() if " " not in other and other != label}
    return relate(label, symptom.value, symptom.right, case.m, case.scalars, others, terms)


def _steady(relation: Relation | None, symptom: Symptom | None, pool: Candidates) -> Relation | None:
    """Name a factor after what it is in every case: 4 is not m because one case has four examples."""
    if relation is None or relation.kind != "factor" or symptom is None:
        return relation
    seen: list[tuple[float, int]] = []
    for other in [case for case in pool.cases[:6] if case.m > 1]:
        found = pool.reading(other).symptom
        c = ratio(found.value, found.right) if found is not None and found.label == symptom.label else None
        seen += [(c, other.m)] if c is not None else []
    first = seen[0][0] if seen else 0.0
    if len({m for _, m in seen}) > 1 and all(abs(c - first) < 1e-5 * abs(first) for c, _ in seen):
        times = "minus" if abs(first + 1) < 1e-9 else f"{first:.6g} times"
        words = f"{symptom.label} is {times} what it should be"
        return replace(relation, words=words, factor=first, steady=True)
    return relation


def _diagnosis(
    verdict: Verdict, symptom: Symptom | None, repair: Repair | None, relation: Relation | None
) -> str:
    if repair is not None:
        kind = repair.edit.kind
        weights = assigned(repair.site)[:1] == "W" or any(label[:1] == "W" for label in verdict.wrong)
        if "wide" in verdict.case.extra and weights and kind in {*VAGUE, "wrong_power"}:
            return "initial_scale"
        new = repair.edit.new if isinstance(repair.edit.new, str) else text(repair.edit.new)
        if kind in VAGUE and is_a("rate", new):
            return "learning_rate"
        if kind in VAGUE and relation is not None and relation.kind == "factor":
            return _factor_kind(relation, verdict.case.m) or kind
        return kind
    if symptom is not None and symptom.error is not None:
        return "not_defined" if isinstance(symptom.error, NameError) else "raises"
    if verdict.error is not None and relation is None:
        return "raises"
    if relation is not None:
        by_relation = {"transposed": "transposed", "shape": "shape", "sum": "wrong_axis", "number": "shape"}
        if relation.kind == "factor":
            return _factor_kind(relation, verdict.case.m) or "factor"
        if relation.kind in by_relation:
            return by_relation[relation.kind]
        if relation.kind == "term" and "L2" in relation.words:
            return "l2_missing" if "lacks" in relation.words else "l2_on_bias"
    told = [name for label in verdict.wrong for start, name in BY_LABEL.items() if label.startswith(start)]
    if told:
        return told[0]
    if verdict.changed and not verdict.wrong:
        return "in_place"
    if verdict.result is None and verdict.error is None and symptom is None and not verdict.wrong:
        return "no_return"
    return "missing_output" if verdict.missing and symptom is None else "unknown"


def _factor_kind(relation: Relation, m: int) -> str:
    factor = relation.factor
    if relation.steady and factor is not None and factor != -1:
        return "log_base" if abs(abs(factor) - 1 / np.log(10)) < 1e-6 else "wrong_factor"
    known = {-1.0: "wrong_sign", 1 / m: "double_1_over_m", float(m): "missing_1_over_m"}
    return known.get(factor or 0.0) or ("log_base" if "ln 10" in relation.words else "")


def _message(
    finding: Finding,
    verdict: Verdict,
    symptom: Symptom | None,
    repair: Repair | None,
    relation: Relation | None,
) -> str:
    """Put a finding into a sentence."""
    parts: list[str] = []
    error = symptom.error if symptom is not None else verdict.error
    if error is not None:
        parts.append(f"raises {type(error).__name__}: {error}")
        hint = replaced(error)
        if hint:
            parts.append(hint)
    elif verdict.changed and not verdict.wrong and not verdict.missing:
        parts.append(f"the caller's {', '.join(verdict.changed)} is changed in place")
    elif verdict.result is None and symptom is None and not verdict.wrong:
        parts.append("nothing is returned")
    elif verdict.missing and symptom is None:
        parts.append(f"{', '.join(verdict.missing)} is not among what is returned")
    elif relation is not None and (repair is None or relation.kind != "unknown"):
        parts.append(relation.words)
    title = DIAGNOSES[finding.diagnosis]
    if finding.diagnosis not in {"unknown", "raises", "missing_output", "no_return"} and not any(
        title in part for part in parts
    ):
        parts.insert(0, title)
    if repair is not None:
        parts.append(repair.edit.words)
    return "; ".join(parts)
