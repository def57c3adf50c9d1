"""Gradient checking (course 2, week 1): the checker is judged by gradients with a planted mistake."""

import ast
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.kinds.base import Assumption, formula, labelled, words
from tinygrad_course.audit.kinds.cases import Case, Draw
from tinygrad_course.audit.kinds.forward_passes import KINK, arguments
from tinygrad_course.audit.kinds.gradient_names import parts_of
from tinygrad_course.audit.reference import course
from tinygrad_course.audit.source.syntax import names_in

EPSILON = 1e-4


def _in_own_order(learner: Learner, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of (x, theta) that takes them in the order in which the file's own takes them."""
    own = learner.program.at_hand.get(name)
    names = arguments(own) if own is not None else []
    return (lambda theta, x: function(x, theta)) if names[:1] == ["theta"] else function


def _takes_theta(node: ast.FunctionDef) -> bool:
    return "theta" in arguments(node)


def _difference(result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
    """Read the difference: by its name, alone, or the first number where it comes with a verdict."""
    named = labelled(result, expression, case, ()).get("difference")
    numbers = [one for one in parts_of(result) if not isinstance(one, bool | np.bool_)]
    return {"difference": numbers[0] if named is None and numbers else named}


def _takes_x_and_theta(node: ast.FunctionDef) -> bool:
    return _takes_theta(node) and len(arguments(node)) == 2


@formula("forward_propagation", "x theta", outputs="J", fits=_takes_x_and_theta)
def forward_one(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """J(theta) = theta x."""
    x, theta = (float(value) for value in draw.array(2))
    return Case({"x": x, "theta": theta}, {"J": x * theta}, ("J",))


@formula("backward_propagation", "x theta", outputs="dtheta", fits=_takes_x_and_theta)
def backward_one(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """dtheta = x."""
    x, theta = (float(value) for value in draw.array(2))
    return Case({"x": x, "theta": theta}, {"dtheta": x}, ("dtheta",))


@formula(
    "gradient_check",
    "x theta epsilon",
    "x theta",
    outputs="difference",
    fits=_takes_theta,
    read=_difference,
    battery=words("planted planted right planted"),
    examples=6,
)
def gradient_check_one(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """The one-dimensional check, with the right derivative and with planted wrong ones."""
    x, theta = (float(value) for value in draw.array(2))
    factor = 1.0 if draw.scale == "right" else draw.choice([1.5, 0.5, 1.25])
    # A cost that is not linear in theta and not symmetric in its arguments: J = x theta^2.
    # Where the function multiplies itself, or writes the derivative down itself, J is theta x.
    calls = names_in(learner.node)
    forward, backward = (
        learner.own_name(name) or name for name in ("forward_propagation", "backward_propagation")
    )
    power = 2 if {forward, backward} <= calls else 1
    factor = factor if backward in calls else 1.0
    bindings: dict[str, Callable[..., Any]] = {
        forward: _in_own_order(learner, forward, lambda x, theta: x * theta**power),
        backward: _in_own_order(
            learner, backward, lambda x, theta: power * x * theta ** (power - 1) * factor
        ),
    }
    approx = power * x * theta ** (power - 1)
    grad = approx * factor
    plus, minus = theta + EPSILON, theta - EPSILON
    sides = {"thetaplus": plus, "thetaminus": minus, "J_plus": x * plus**power, "J_minus": x * minus**power}
    case = _compared(learner, {"x": x, "theta": theta}, sides, grad, approx)
    case.bindings = bindings
    return case


@formula(
    "gradient_check_n gradient_checking gradient_check",
    "parameters grads X Y epsilon",
    "parameters grads X Y",
    outputs="difference",
    fits=lambda node: not _takes_theta(node),
    # It is judged by mistakes in the gradients that it is given.
    contract=lambda learner: (
        "" if learner.has("grads") else "it computes the gradients itself, and is given none to check"
    ),
    read=_difference,
    battery=words("planted right planted"),
    examples=3,
    shrinks=6,
    trials=500,
)
@np.errstate(all="ignore")  # a drawn network may be sure of its answers
def gradient_check_many(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """The n-dimensional check of the exercise's network, with right gradients and with planted wrong ones."""
    parameters = {key: draw.array(*shape) for key, shape in course.CHECK_SHAPES.items()}
    X, Y = draw.array(4, 3), draw.labels(3)
    activations = ["relu", "relu", "sigmoid"]
    values = course.network_forward(X, parameters, activations)
    back = course.network_backward({**values, **parameters}, activations, Y)
    right = {key: back[key] for key in back if key[1] in "Wb"}
    planted = dict(right)
    if draw.scale != "right":
        planted["dW2"], planted["db1"] = right["dW2"] * draw.choice([2.0, 0.5]), right["db1"] * 3.0
    theta = course.dictionary_to_vector(parameters)[0]
    units = [shift * unit[:, None] for shift in (EPSILON, -EPSILON) for unit in np.eye(theta.size)]
    moved = [course.vector_to_dictionary(theta + unit) for unit in units]
    J_plus, J_minus = np.reshape([course.forward_propagation_n(X, Y, one)[0] for one in moved], (2, -1, 1))
    sides = {"J_plus": J_plus, "J_minus": J_minus}
    given = {"parameters": parameters, "grads": planted, "X": X, "Y": Y}
    grad, approx = course.gradients_to_vector(planted), course.gradients_to_vector(right)
    case = _compared(learner, given, sides, grad, approx)
    case.m, case.stages = 3, {"J_plus": [], "J_minus": [], "gradapprox": []}
    margin = min(float(np.min(np.abs(values[key]))) for key in ("Z1", "Z2"))
    extreme = not 0.01 < values["A3"].min() <= values["A3"].max() < 0.99
    case.rejected = "a unit is at the kink of ReLU" if margin < KINK or extreme else ""
    theirs = learner.own("forward_propagation_n")
    case.bindings = {} if theirs else {"forward_propagation_n": course.forward_propagation_n}
    return case


def _to_both_sides(text: str) -> bool:
    """Tell whether a step is taken away too: differences to one side are less exact."""
    return re.search(r"- (\w+\.)?(h|e|d|eps\w*|delta\w*|step\w*|perturb\w*)\b", text) is not None


@formula(
    "numerical_gradient eval_numerical_gradient compute_numerical_gradient numeric_gradient "
    "computenumericalgradient numericalgradient",
    "function point epsilon",
    "function point",
    outputs="grad",
    assumptions=lambda learner: [
        {"axes": axes, "pair": pair, "within": within}
        for within in (1e-6, 1e-3)[: 2 - _to_both_sides(learner.text())]
        for pair in (False, True)
        for axes in (2, 1)
    ],
)
def numerical_gradient(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """The gradient of a function of an array, by its differences; the function may return its own beside."""
    x = draw.array(*(draw.size(1, 4) for _ in range(assumption["axes"])))
    weights = draw.array(*x.shape)

    def f(x: Any) -> Any:
        value = float(np.sum(weights * np.sin(x)))
        return (value, weights * np.cos(x)) if assumption["pair"] else value

    case = Case({"function": f, "point": x, "epsilon": EPSILON}, {"grad": weights * np.cos(x)}, ("grad",))
    case.tolerances = {"grad": assumption["within"]}
    return case


def _compared(learner: Learner, given: dict[str, Any], sides: dict[str, Any], grad: Any, approx: Any) -> Case:
    """Return the case of a check; a difference quotient has noise: where all is right it is small, not 0."""
    numerator, denominator = np.linalg.norm(grad - approx), np.linalg.norm(grad) + np.linalg.norm(approx)
    expected = {**(sides if learner.has("epsilon") else {}), "gradapprox": approx, "grad": grad}
    expected |= {"numerator": numerator, "denominator": denominator, "difference": numerator / denominator}
    case = Case({**given, "epsilon": EPSILON}, expected, ("difference",))
    case.tolerances = {"difference": 2e-6, "numerator": 2e-6, "gradapprox": 2e-6, "denominator": 2e-6}
    return case
