"""What tells that a function is meant otherwise than the course's, whose formula then proves nothing.

It draws random numbers where the course's draws none, takes a further number with which it is the course's
function at 0 or 1 (a temperature, a noise), scales what it is given, or clips it.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.kinds import kind_of
from tinygrad_course.audit.kinds.base import Kind
from tinygrad_course.audit.repair.verdict import Verdict, judge
from tinygrad_course.audit.source.signatures import bare
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


def _neutral(learner: Learner, kind: Kind, failing: list[Verdict]) -> Iterator[tuple[str, float]]:
    """Give the further arguments that make a function the course's at 0 or 1."""
    function = learner.program.namespace[learner.name]
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return
    for parameter in parameters:
        if type(parameter.default) is not float or parameter.name in learner.binding.names:
            continue
        for value in (0.0, 1.0):
            changed = partial(_with, function, {parameter.name: value})
            if all(judge(learner, kind, changed, verdict.case).right for verdict in failing):
                yield parameter.name, value


def _with(function: Callable[..., Any], more: dict[str, float], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs, **more)
