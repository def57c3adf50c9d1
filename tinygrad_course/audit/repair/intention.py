"""What tells that a function is meant otherwise than the course's, whose formula then proves nothing.

It draws random numbers where the course's draws none, takes a further number with which it is the course's
function at 0, 0.5 or 1 (noise, a threshold, a temperature), scales what it is given, or clips it.
"""

import ast
import re
from collections.abc import Iterator
from functools import partial

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.kinds import kind_of
from tinygrad_course.audit.kinds.base import Kind
from tinygrad_course.audit.reference.comparison import close
from tinygrad_course.audit.repair.verdict import Verdict, judge
from tinygrad_course.audit.source.signatures import bare, defaults_of
from tinygrad_course.audit.source.syntax import names_in, targets

_DRAWS = re.compile(r"\brandom\b|\b\w*rng\w*\.|\.(rand|randn|randint|binomial|normal|uniform)\(")
_SCALES = re.compile(r"\b(mean|std|var|max|min|norm|ptp)\(|/ 255")


def own_meaning(learner: Learner, kind: Kind, failing: list[Verdict]) -> str:
    """Say what a function means otherwise than the course's; "" where nothing tells that it does."""
    program = learner.program
    callees = [program.functions[name] for name in program.callees(learner.name)]
    text = "\n".join(
        ast.unparse(node) for node in [learner.node, *callees] if node is learner.node or not kind_of(node)
    )
    if not kind.draws and _DRAWS.search(text):
        return "it draws random numbers, and the course's function draws none"
    whole = "\n".join(map(ast.unparse, [learner.node, *callees]))
    beside = any("cost" in one.wrong and {*one.case.required} - {"cost"} for one in failing)
    if beside and not re.search(r"\blog|entropy|xlogy", whole):
        return "its cost is another than the cross-entropy, and its gradient is not known to be that cost's"
    if bare(learner.name).startswith("relu") and all(map(_leaks, failing)):
        return "it is a leaky ReLU, which the course's function is not"
    for name, value in _neutral(learner, kind, failing):
        return f"with {name} = {value} it is the course's function, which has no such argument"
    for statement in learner.node.body:
        if isinstance(statement, ast.Assign | ast.AugAssign):
            given = [
                t.id for t in targets(statement) if isinstance(t, ast.Name) and t.id in learner.binding.names
            ]
            for name in given:
                itself = isinstance(statement, ast.AugAssign) or name in names_in(statement.value)
                if itself and name in {"X", "x"} and _SCALES.search(ast.unparse(statement)):
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
        if (
            label in verdict.wrong
            and given is not None
            and np.shape(given) == np.shape(verdict.values[label])
        ):
            mine, right = np.asarray(verdict.values[label]), np.asarray(verdict.expected[label])
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
