"""The audit of three functions in the caller's own program."""

import ast
import inspect
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_course.audit.command.one_function import search_mistake
from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.execution.namespace import Function, Program
from tinygrad_course.audit.execution.oracle import gradients
from tinygrad_course.audit.kinds.base import first_of, formula, roles
from tinygrad_course.audit.kinds.cases import Case
from tinygrad_course.audit.repair.verdict import judge
from tinygrad_course.audit.reporting.results import WRONG, FunctionReport, Report
from tinygrad_course.audit.source.signatures import argument_names, bind
from tinygrad_course.audit.source.submission import Submission

Array = NDArray[Any]

SIGNATURES = roles("parameters cache X Y", "X Y cache", "AL Y cache", "X Y parameters")


def audit(
    forward: Function, cost: Function, backward: Function, parameters: Mapping[str, Array], X: Array, Y: Array
) -> Report:
    """Hold a hand-written backward pass against the graph of its own forward pass and cost.

    Parameters
    ----------
    forward
        ``forward(X, parameters)`` returns the last activation, or it and a cache.
    cost
        ``cost(AL, Y)`` or ``cost(AL, Y, parameters)`` returns the cost J.
    backward
        Takes what it needs of ``parameters, cache, X, Y, AL``, by the course's names, and returns the
        gradients as a dictionary: ``dW1`` for ``W1``, and so on, in the shapes of the parameters.
    parameters
        The arrays by their names.
    X, Y
        Inputs of shape (n_x, m) and labels of shape (1, m).

    Returns
    -------
    Report
        One function, ``backward``: right, or its first wrong quantity with the line that assigns it.

    Raises
    ------
    ValueError
        If the source of ``backward`` cannot be read, or its arguments have other names.

    Examples
    --------
    >>> import numpy as np
    >>> def forward(X, parameters):
    ...     return 1 / (1 + np.exp(-(np.dot(parameters["W1"], X) + parameters["b1"])))
    >>> def cost(A1, Y):
    ...     return -np.sum(Y * np.log(A1) + (1 - Y) * np.log(1 - A1)) / Y.shape[1]
    >>> def backward(parameters, cache, X, Y):
    ...     dZ1 = cache - Y
    ...     return {"dW1": np.dot(dZ1, X.T) / Y.shape[1], "db1": np.mean(dZ1, axis=1, keepdims=True)}
    >>> theta = {"W1": np.array([[0.3, -0.2]]), "b1": np.array([[0.1]])}
    >>> X, Y = np.array([[1.0, 2.0, -1.0], [0.5, -1.5, 1.0]]), np.array([[1, 0, 1]])
    >>> audit(forward, cost, backward, theta, X, Y).status
    'right'
    """
    node, lines = _source(backward)
    binding = next((found for order in SIGNATURES if (found := bind(node, order))), None)
    if binding is None:
        names = ", ".join(argument_names(node))
        raise ValueError(
            f"{node.name}({names}): the backward pass takes some of parameters, cache, X, Y and AL, "
            "by these names"
        )
    plain = {name: np.array(value, dtype=float) for name, value in parameters.items()}
    case, how = _case(forward, cost, plain, np.asarray(X), np.asarray(Y))
    program = Program(Submission("<caller>", []))
    program.namespace = {**getattr(backward, "__globals__", {}), **inspect.getclosurevars(backward).nonlocals}
    program.functions, program.submission.lines = {node.name: node}, lines
    program.namespace[node.name] = backward
    learner = Learner(program, node, binding, {})
    kind = formula("", outputs="grads")(lambda *_: case)
    report = Report(getattr(inspect.getmodule(backward), "__file__", None) or "<caller>")
    told = FunctionReport(node.name, node.lineno, "backward", against=how, cases=1)
    verdict = judge(learner, kind, backward, case)
    if not verdict.right:
        told.status = WRONG
        search_mistake(learner, kind, [verdict], [], kind.trials, told)
    report.functions.append(told)
    return report


def _source(function: Function) -> tuple[ast.FunctionDef, list[str]]:
    """Return the definition of a function, and the lines of its file up to its end."""
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError) as error:
        raise ValueError(f"the source of {function!r} cannot be read: {error}") from None
    text = textwrap.dedent("".join(lines))
    tree = ast.parse(text)
    node = tree.body[0] if tree.body else None
    if not isinstance(node, ast.FunctionDef):
        raise ValueError(f"{function!r} is no function written with def")  # noqa: TRY004 - as the docstring says
    node.decorator_list = []
    before = max(first, 1) - 1
    ast.increment_lineno(node, before)
    return node, [""] * before + text.split("\n")


def _case(
    forward: Function, cost: Function, parameters: dict[str, Array], X: Array, Y: Array
) -> tuple[Case, str]:
    takes_parameters = len(inspect.signature(cost).parameters) > 2

    def J(theta: dict[str, Any]) -> Any:
        AL = first_of(forward(X, theta))
        return cost(AL, Y, theta) if takes_parameters else cost(AL, Y)

    found, how = gradients(J, parameters)
    stored = forward(X, parameters)
    AL, cache = stored[:2] if isinstance(stored, tuple) and len(stored) > 1 else (stored, stored)
    m = X.shape[1]
    expected: dict[str, Any] = {"m": m, **{"d" + name: value for name, value in found.items()}}
    required = tuple("d" + name for name in parameters)
    values = {"parameters": parameters, "cache": cache, "X": X, "Y": Y, "AL": AL}
    return Case(values, expected, required, m=m), f"the {how} of {getattr(forward, '__name__', 'forward')}"
