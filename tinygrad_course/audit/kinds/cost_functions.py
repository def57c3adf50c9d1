"""The costs: cross-entropy, and with the L2 term (course 1, week 3; course 2, week 1)."""

import ast
import re
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.kinds.base import Assumption, Kind, roles, words
from tinygrad_course.audit.kinds.cases import Case, Draw
from tinygrad_course.audit.kinds.layer_functions import draw_parameters
from tinygrad_course.audit.reference import course
from tinygrad_course.audit.reference.comparison import close

L2_TERM = "L2_regularization_cost"


class Cost(Kind):
    """The cross-entropy cost, a mean over the examples."""

    names = words(
        "compute_cost compute_loss cost_compute cross_entropy cross_entropy_cost cost_function calculate_cost"
    )
    signatures = roles("AL Y", "AL Y parameters")
    outputs = ("cost",)

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        m = draw.size(1, 6)
        AL, Y = draw.probabilities(1, m), draw.labels(m)
        parameters = draw_parameters(draw, [2, 3, 1])
        cost = course.cross_entropy(AL, Y)
        values = {"AL": AL, "Y": Y, "parameters": parameters}
        return Case(values, {"m": m, "cost": cost}, ("cost",), m=m)

    def contract(self, learner: Learner) -> str:
        """It is the cross-entropy if it takes logarithms, or speaks of 1 - Y."""
        words = learner.text()
        if re.search(r"log|1 - [Yyt]|1\.0? - [Yyt]", words):
            return ""
        return "it takes no logarithm: another cost than the course's, and no backward pass goes with it"

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """A later release of the course sums over a mini-batch (cost_total) and divides after the epoch."""
        name = expression.id if isinstance(expression, ast.Name) else ""
        if "total" in name.lower() and close(result, case.m * case.expected["cost"]):
            return {"cost": case.expected["cost"]}
        value = result[0] if isinstance(result, tuple) and result else result
        return {"cost": value}


class RegularizedCost(Cost):
    """Cross-entropy and lambda/(2m) times the sum of the squared weights."""

    names = words(
        "compute_cost_with_regularization compute_cost_with_regularisation compute_cost_reg compute_cost_l2"
    )
    signatures = roles("AL Y parameters lambd")

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        """Draw probabilities, labels, a network's parameters and lambda."""
        case = super().case(learner, draw, assumption)
        layers = learner.depth() or 3
        parameters = draw_parameters(draw, [draw.size(1, 4) for _ in range(layers)] + [1])
        lambd = draw.choice([0.7, 0.3, 1.5])
        L2 = course.l2_cost(parameters, lambd, case.m)
        squares = {
            f"sum of W{layer}^2": np.sum(parameters[f"W{layer}"] ** 2) for layer in range(1, layers + 1)
        }
        cross = case.expected["cost"]
        case.expected = {"m": case.m, "cross_entropy_cost": cross, L2_TERM: L2, "cost": cross + L2}
        times = lambd / (2 * case.m)
        parts = {f"lambd/(2m) times the {name}": times * value for name, value in squares.items()}
        case.values |= {"parameters": parameters, "lambd": lambd}
        case.terms = {"cost": {"the L2 term": L2, **parts}, L2_TERM: parts}
        case.bindings = {} if learner.own("compute_cost") else {"compute_cost": course.compute_cost}
        case.stages = {L2_TERM: [L2 * 2 * case.m / lambd, L2 * case.m, L2 * 2]}
        case.scalars, case.layers = {"lambd": lambd}, layers
        return case


KINDS = (Cost, RegularizedCost)
