"""What proves a function wrong: its file's own forward pass, or the course's formula under its contract."""

import ast
import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.stubs import GIVEN
from tinygrad_course.audit.kinds import kind_of
from tinygrad_course.audit.kinds.any_backward import TELLING, AnyBackward
from tinygrad_course.audit.kinds.any_loop import AnyLoop, any_loops
from tinygrad_course.audit.kinds.base import Assumption, Kind, Unfit
from tinygrad_course.audit.kinds.cases import Case, Draw
from tinygrad_course.audit.kinds.gradient_names import ratio_of
from tinygrad_course.audit.kinds.optimizer_steps import AnyOptimizer, any_optimizers
from tinygrad_course.audit.kinds.pair import LAYER_PASS
from tinygrad_course.audit.kinds.pairing import any_backwards, whole_networks
from tinygrad_course.audit.kinds.what_trains import names_gradients
from tinygrad_course.audit.reference.comparison import close
from tinygrad_course.audit.repair.verdict import Verdict, judge, score
from tinygrad_course.audit.source.signatures import Binding, argument_names, bare, defaults_of
from tinygrad_course.audit.source.syntax import elements, names_in, nodes, targets

_LEARNS = re.compile(r"(?i)^(fit|train|learn|the_script)|descent|another number|clips its|have a penalty")
_NOT_RUN = re.compile(r"not known|not told|raises|not found|takes no|there is no|it computes in")
_DRAWS = re.compile(r"\brandom\b|\b\w*rng\w*\.|\.(rand|randn|randint|binomial|normal|uniform)\(")
_OUTPUTS = re.compile(r"cost|predictions|AL|A\d+")
_SCALES = re.compile(r"\b(mean|std|var|max|min|norm|ptp)\(|/ 255")
_MADE = ast.Dict | ast.Call | ast.List
OwnKind = AnyBackward | AnyLoop | AnyOptimizer


@dataclass
class OwnResult:
    """What came of holding a backward pass against its own file's forward pass and cost."""

    kind: OwnKind
    learner: Learner | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    problem: str = ""
    error: BaseException | None = None
    """What kept it from being judged."""

    @property
    def breaks(self) -> BaseException | None:
        """What it raises of itself, called as the course calls it."""
        error = next((verdict.error for verdict in self.verdicts if verdict.error is not None), None)
        layer = isinstance(self.kind, AnyBackward) and self.kind.layer
        if error is None or self.learner is None or not layer:
            return None
        outside = isinstance(error, NameError) and not undefined(self.kind.program, error)
        return None if outside or isinstance(error, ImportError) or _calling(self.learner, error) else error

    @property
    def doubt(self) -> str:
        """Why it may be meant otherwise than it is read; "" where it may not."""
        return getattr(self.kind, "doubt", "")

    @property
    def right(self) -> bool:
        """Whether the backward pass is the gradient."""
        return bool(self.verdicts) and all(verdict.right for verdict in self.verdicts)

    @property
    def wrong(self) -> bool:
        """Whether it ran, and is not the gradient."""
        failing = [one for one in self.verdicts if not one.right and one.error is None and one.wrong]
        return bool(failing) and not self.doubt

    def calls(self, name: str) -> bool:
        """Tell whether it calls a function, in its forward or in its backward pass."""
        passes = [self.kind.node, getattr(self.kind, "forward", None)]
        return any(one is not None and name in self.kind.program.callees(one.name) for one in passes)


def by_kind(kind: OwnKind, seed: int) -> OwnResult:
    """Hold a backward pass, or a training loop, against the gradient of its own forward pass and cost."""
    result = OwnResult(kind)
    for assumption in kind.assumptions(_learner(kind, Case({}, {}, ()))):
        cases = _cases(kind, assumption, seed, result)
        if len(cases) < 2:
            continue
        learner, function = _learner(kind, cases[0]), kind.program.namespace[kind.node.name]
        verdicts = [judge(learner, kind, function, case) for case in cases]
        if not result.verdicts or score(verdicts) > score(result.verdicts):
            result.learner, result.verdicts = learner, verdicts
        if result.right:
            return result
    quiet = not any(one.error or one.missing or one.changed for one in result.verdicts)
    if isinstance(kind, AnyBackward) and result.learner is not None and quiet:
        for one in result.verdicts:
            _with_factor(one.case, one.result, kind)
        result.verdicts = [judge(result.learner, kind, function, one.case) for one in result.verdicts]
    return result


def _learner(kind: OwnKind, case: Case) -> Learner:
    """Return the function under test; every argument plays the role of its own name."""
    names = tuple(name for name in argument_names(kind.node) if name in case.values)
    return Learner(kind.program, kind.node, Binding(names, names), {})


def _cases(kind: OwnKind, assumption: Assumption, seed: int, result: OwnResult) -> list[Case]:
    found: list[Case] = []
    for number in range(12):
        draw = Draw(seed * 31 + number, "deep" if number % 2 else "distinct")
        try:
            with np.errstate(all="ignore"):
                found.append(kind.case(_learner(kind, Case({}, {}, ())), draw, assumption))
        except Unfit as error:
            result.problem, result.error = str(error), error.error
            if number >= 3 and not found:
                break
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a homework makes of it, this is only not checked
            result.problem = f"{type(error).__name__}: {error}"
            break
        if len(found) == len(kind.battery):
            break
    return found


def _with_factor(case: Case, result: Any, kind: AnyBackward) -> None:
    """Allow for one factor throughout, where the update or the next line makes it good."""
    want = {key: case.expected[key] for key in case.required}
    ratio = ratio_of(kind.gradients(result, case.values, case.passed, want), want)
    # A - Y belongs to half the sum of squares, whatever mean of them is printed.
    good = [2.0, 0.5] * (kind.wanted.upstream is None)
    good += [*[case.m] * _divided_later(kind), *[case.m * kind.units / 2] * _squared(kind)]
    if ratio is not None and any(abs(ratio / one - 1) < 2e-3 for one in good):
        case.expected |= {key: value * ratio for key, value in want.items()}


def _squared(kind: AnyBackward) -> bool:
    """Tell whether the cost is a mean of squares."""
    text = ast.unparse(kind.cost) if isinstance(kind.cost, ast.FunctionDef) else str(kind.cost)
    return re.search(r"\*\* 2|square|power\(.*, 2\)", text) is not None and "log" not in text


def _divided_later(kind: AnyBackward) -> bool:
    """Tell whether an update, or a function that trains, divides by the number of examples."""
    others = [node for name, node in kind.program.functions.items() if name not in kind.involved()]
    by_m = r"/ \(?(float\()?(m|n|N|\w+\.shape\[[01]\]|len\(\w+\)|m_train|batch_size)\b"
    return any(re.search(by_m, ast.unparse(node)) for node in others)


def own_results(program: Program, seed: int) -> dict[str, OwnResult]:
    """Return the result for every whole backward pass of a file, as a function or as a method."""
    pairs = {name for name in program.at_hand if LAYER_PASS.search(name)}
    pairs = {name for name in pairs if name.replace("backward", "forward") in program.at_hand}
    found = {kind.node.name: by_kind(kind, seed) for kind in whole_networks(program, pairs)}
    known = {name for name, node in program.functions.items() if kind_of(node)}
    told = known | {name for name, one in found.items() if one.right or one.wrong}
    for kind in any_backwards(program, told):
        before, result = found.get(kind.node.name), by_kind(kind, seed)
        # What was learnt of a function that ran says more than that none of its gradients is right.
        vague = before is None or before.error is not None or _NOT_RUN.search(before.problem)
        if vague or result.verdicts or TELLING.search(result.problem):
            found[kind.node.name] = result
    for optimizer in any_optimizers(program):
        found[optimizer.method] = by_kind(optimizer, seed)
    return found


def loop_results(program: Program, seed: int, judged: Iterable[str] = ()) -> dict[str, OwnResult]:
    """Return the result for every training loop of a file, but for functions that something else judges."""
    found: dict[str, OwnResult] = {}
    # The course's formula tells of costs and returns too, an iteration's updates do not.
    told = {*judged, *(name for name, node in program.functions.items() if kind_of(node))}
    for name, kinds in any_loops(program, told):
        for kind in kinds:
            result = by_kind(kind, seed)
            named = not kind.owner and names_gradients(kind.loop.body)
            known = named or _LEARNS.search(f"{name} {result.problem}")
            if result.verdicts or (name not in found and known):
                found[name] = result
            if result.verdicts:
                break
    return found


def unproved(learner: Learner, kind: Kind, verdicts: list[Verdict], *, verified: bool) -> str:
    """Say why a function that seems wrong is not proved to be; "" where it is."""
    program = learner.program
    failing = [verdict for verdict in verdicts if not verdict.right]
    errors = [verdict.error for verdict in failing if verdict.error is not None]
    involved = [program.functions[name] for name in (learner.name, *program.callees(learner.name))]
    guesses = sorted(program.guesses & set[str]().union(*map(names_in, involved)))
    if guesses:
        return f"{', '.join(guesses)} comes from a module that is not loaded"
    for error in errors:
        if isinstance(error, ImportError):
            return str(error)
        if isinstance(error, NameError):
            missing = getattr(error, "name", "") or str(error)
            if program.strangers:
                return f"{missing} may come from {', '.join(program.strangers)}, which is not loaded"
            if missing in program.set_outside:
                return f"{missing} is set by a statement outside it, which is not executed"
    foreign = kind.contract(learner)
    if foreign:
        return foreign
    meant = own_meaning(learner, kind, failing)
    if meant:
        return meant
    if verified:
        return ""
    if errors and len(errors) == len(failing) and all(_calling(learner, error) for error in errors):
        given = ", ".join(f"{name} as {role}" for name, role in learner.arguments)
        error = errors[0]
        if isinstance(error, KeyError):
            return f"it asks for {error}, and there is none in what the course's function is given"
        return f"called with {given}, it raises {type(error).__name__}: {error}"
    absent = all(verdict.error is None and verdict.missing and not verdict.wrong for verdict in failing)
    if absent and all(verdict.result is not None for verdict in failing):
        lacks = dict.fromkeys(label.rsplit(" of ", 1)[-1] for label in failing[0].missing)
        return f"what it returns has no {', '.join([*lacks][:3])} by these names"
    if learner.binding.guessed and failing:
        return f"what {', '.join(learner.binding.guessed)} should be is not told by the name"
    return ""


def own_meaning(learner: Learner, kind: Kind, failing: list[Verdict]) -> str:
    """Say what a function means otherwise than the course's, whose formula then proves nothing; else ""."""
    program = learner.program
    callees = [program.functions[name] for name in program.callees(learner.name)]
    own = [learner.node, *(node for node in callees if not kind_of(node))]
    text = "\n".join(map(ast.unparse, own))
    if not kind.draws and _DRAWS.search(text):
        return "it draws random numbers, and the course's function draws none"
    whole = "\n".join(map(ast.unparse, [learner.node, *callees]))
    outputs = [label for one in failing for label in one.wrong if _OUTPUTS.fullmatch(label)]
    soft = any("softmax" in name.lower() for name in program.functions)
    several = re.search("softmax|argmax", whole) or (soft and len(re.findall(r"\blog", whole)) == 1)
    if several and outputs:
        return "it is meant for several classes, and the course's function for one output"
    beside = any("cost" in one.wrong and {*one.case.required} - {"cost"} for one in failing)
    if beside and not re.search(r"\blog|entropy|xlogy", whole):
        return "its cost is another than the cross-entropy, and its gradient is not known to be that cost's"
    if bare(learner.name).startswith("relu") and all(map(_leaks, failing)):
        return "it is a leaky ReLU, which the course's function is not"
    for name, value in _neutral(learner, kind, failing):
        return f"with {name} = {value} it is the course's function, which has no such argument"
    for one in learner.node.body:
        if isinstance(one, ast.Assign | ast.AugAssign) and _SCALES.search(ast.unparse(one)):
            given = {"X", "x"} & {ast.unparse(target) for target in targets(one)} & {*learner.binding.names}
            for name in given:
                if isinstance(one, ast.AugAssign) or name in names_in(one.value):
                    return f"it scales {name} itself, which the course's function does not"
    if "update" in bare(learner.name) and re.search(r"\bclip", text):
        return "it clips what it is given, which the course's function does not"
    return ""


def of_one_vector(learner: Learner, kind: Kind, failing: list[Verdict]) -> bool:
    """Tell whether a function is a softmax over all that it is given, where the exercise asks for no rows."""
    powers = [verdict.expected.get("x_exp") for verdict in failing]
    return len(kind.assumptions(learner)) > 1 and all(
        exp is not None and close(verdict.values.get("softmax"), exp / np.sum(exp))
        for exp, verdict in zip(powers, failing, strict=True)
    )


def _leaks(verdict: Verdict) -> bool:
    """Tell whether what should be 0 is one fraction of what was given."""
    case = verdict.case
    for label, given in (("A", case.values.get("Z")), ("dZ", case.values.get("dA"))):
        mine, right = np.asarray(verdict.values.get(label)), np.asarray(verdict.expected.get(label))
        if label in verdict.wrong and given is not None and np.shape(given) == np.shape(mine):
            off = (right == 0) & (np.asarray(given) != 0)
            share = mine[off] / np.asarray(given)[off]
            return bool(np.allclose(mine[~off], right[~off]) and np.ptp(share) < 1e-9 and 0 < share[0] < 1)
    return False


def _neutral(learner: Learner, kind: Kind, failing: list[Verdict]) -> Iterator[tuple[str, float]]:
    """Give the further arguments that make a function the course's at 0 or 1."""
    function = learner.program.namespace[learner.name]
    for name, default in defaults_of(learner.node).items():
        if type(default) is float and name not in learner.binding.names:
            for value in (0.0, 1.0, 0.5):  # a threshold is the course's at 0.5
                changed = partial(function, **{name: value})
                tried = [judge(learner, kind, changed, verdict.case) for verdict in failing]
                if all(one.error is None and {*one.wrong, *one.missing} <= {"cost"} for one in tried):
                    yield name, value


def undefined(program: Program, error: BaseException | None) -> str:
    """Return the variable that a NameError speaks of where nothing that the file has could define it."""
    runs = any(re.match(r"\s*%(run|load)", line) for line in program.submission.lines)
    if not isinstance(error, NameError) or isinstance(error, UnboundLocalError) or program.strangers or runs:
        return ""
    name = getattr(error, "name", "") or ""
    calls = [call.func for node in program.functions.values() for call in nodes(node, ast.Call)]
    called = {function.id for function in calls if isinstance(function, ast.Name)}
    # What is called and not there may stand in another file; a misspelt function is known by its like.
    alike = difflib.get_close_matches(name, [*program.functions, *GIVEN], 1, 0.85)
    return "" if name in program.set_outside or (name in called and not alike) else name


def _calling(learner: Learner, error: BaseException) -> bool:
    """Tell whether an exception may come of what the function was given, and not of what it does with it."""
    words = str(error)
    if isinstance(error, ValueError):
        return "to unpack" in words
    if isinstance(error, TypeError):
        given = r"positional arg|unexpected keyword|subscript|(list|tuple) indices|unpack|iterable|'dict'"
        given += r"|multiply sequence|dtype\('<U"
        return re.search(given, words) is not None
    if isinstance(error, AttributeError):
        return "attribute" in words and not words.startswith("module ")
    if not isinstance(error, KeyError | IndexError) or "boolean index" in words or "axis" in words:
        return False
    submission = learner.program.submission
    source = submission.source(submission.raised_at(error))
    holders = set(re.findall(r"(\w+)\s*\[", source))
    made = [one for one in nodes(learner.node, ast.Assign) if isinstance(one.value, _MADE)]
    parts = [part for node in made for target in node.targets for part in elements(target)]
    return holders.isdisjoint(part.id for part in parts if isinstance(part, ast.Name))
