"""Gradient descent, momentum and Adam (course 2, week 2); no gradient check can see `beta1**2`."""

import ast
import re
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.kinds.base import Assumption, Kind, first_of, formula, roles, words
from tinygrad_course.audit.kinds.cases import Array, Case, Draw
from tinygrad_course.audit.kinds.forward_passes import draw_parameters
from tinygrad_course.audit.reference import course
from tinygrad_course.audit.source.argument_kinds import category
from tinygrad_course.audit.source.signatures import argument_names

STEPS = (1, 2, 3, 10)


def draw_state(learner: Learner, draw: Draw) -> tuple[dict[str, Array], dict[str, Array]]:
    """Draw parameters and their gradients, for as many layers as the source names, or one to three."""
    L = learner.depth() or draw.layers()
    parameters = draw_parameters(draw, [draw.size(1, 4) for _ in range(L + 1)])
    return parameters, {"d" + key: draw.array(*value.shape) for key, value in parameters.items()}


def _case(
    parameters: dict[str, Array], values: dict[str, Any], expected: dict[str, Any], **known: Any
) -> Case:
    """Return the case of an update: what is expected is asked for, but for corrected moments."""
    required = tuple(key for key in expected if "corrected" not in key)
    layers = course.layers_of(parameters)
    return Case({"parameters": parameters, **values}, expected, required, layers=layers, **known)


def _steps(
    rule: course.Rule,
    parameters: dict[str, Array],
    grads: dict[str, Array],
    moments: dict[str, dict[str, Array]],
    of: dict[str, float],
    t: int = 1,
) -> dict[str, Any]:
    """Return the moments after a step, corrected ones too, and then the parameters."""
    steps: dict[str, Any] = {}
    for key, value in parameters.items():
        held = {name: moment["d" + key] for name, moment in moments.items()}
        steps[key] = rule.step(value, grads["d" + key], of, t, **held)
    kept = [name for moment in moments for name in (moment, f"{moment}_corrected")]
    found = {f"{name}_d{key}": step[name] for key, step in steps.items() for name in kept}
    return found | {key: step["parameter"] for key, step in steps.items()}


class Update(Kind):
    """theta - learning_rate * dtheta."""

    names = words(
        "update_parameters update_parameters_with_gd update_parameters_gd gradient_descent update_params"
    )
    signatures = roles("parameters grads learning_rate")
    outputs = ("parameters",)
    may_change = frozenset({"parameters"})
    firm = True

    def fits(self, node: ast.FunctionDef) -> bool:
        """Tell one update from a whole training: gradient_descent(X, y)."""
        return not {"data", "labels"} & {*map(category, argument_names(node))}

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """The keys are W1, b1, ...; those of one layer may have no numbers, as in logistic regression."""
        match = re.search(r"\[['\"]([wW])['\"]\]", learner.text())
        return [{"weight": match.group(1)}] if match else [{}]

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        parameters, grads = draw_state(learner, draw)
        if assumption:
            weight = draw.array(draw.size(1, 4), 1)
            parameters = {assumption["weight"]: weight, "b": draw.array(1, 1)}
            grads = {"d" + key: draw.array(*value.shape) for key, value in parameters.items()}
        rate = draw.choice([0.3, 0.1, 0.7])
        # Gradients for which nothing is to be updated (dA1, ...) lie among the others, as in the course.
        given = {**grads, "dA1": draw.array(2, 2)}
        expected = course.update_parameters(parameters, grads, rate)
        stages = {key: [value] for key, value in parameters.items()}
        scalars = {"learning_rate": rate}
        return _case(parameters, {"grads": given, **scalars}, expected, stages=stages, scalars=scalars)

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """The parameters, whatever the returned dictionary is called."""
        alone = isinstance(result, tuple) and len(result) == 1
        return super().read(first_of(result) if alone else result, expression, case)


@formula(
    "initialize_velocity initialize_adam initialise_velocity initialise_adam",
    "parameters",
    outputs="v s",
    firm=True,
)
def initialize_state(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """Zeros in the shapes of the gradients: v, or v and s."""
    parameters, _ = draw_state(learner, draw)
    moments = "vs" if "adam" in learner.name.lower() else "v"
    zeros = {key: np.zeros(value.shape) for key, value in parameters.items()}
    return _case(parameters, {}, {f"{v}_d{key}": zero for v in moments for key, zero in zeros.items()})


@formula(
    "update_parameters_with_momentum update_parameters_momentum",
    "parameters grads v beta learning_rate",
    outputs="parameters v",
    may_change=frozenset({"parameters", "v"}),
    firm=True,
)
def momentum(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """v = beta v + (1 - beta) dtheta; theta - learning_rate v."""
    parameters, grads = draw_state(learner, draw)
    v = {key: draw.array(*value.shape) for key, value in grads.items()}
    rate, beta = draw.choice([0.3, 0.07]), draw.choice([0.9, 0.6])
    used = {"learning_rate": rate, "beta1": beta}
    expected = _steps(course.Rule("averaged"), parameters, grads, {"v": v}, used)
    stages: dict[str, list[Any]] = {key: [value] for key, value in parameters.items()}
    stages |= {f"v_{key}": [value, beta * value] for key, value in v.items()}
    given = {"learning_rate": rate, "beta": beta}
    scalars = {**given, "(1 - beta)": 1 - beta}
    return _case(parameters, {"grads": grads, "v": v, **given}, expected, stages=stages, scalars=scalars)


def _moments(learner: Learner) -> list[Assumption]:
    """Return how moments and gradients may be kept: under dW1, or under the parameters' W1."""
    return [{"moments": "d"}, {"moments": ""}, {"moments": "", "gradients": ""}]


@formula(
    "update_parameters_with_adam update_parameters_adam adam adam_update update_adam adam_step",
    "parameters grads v s t learning_rate beta1 beta2 epsilon",
    outputs="parameters v s v_corrected s_corrected",
    may_change=frozenset({"parameters", "v", "s"}),
    firm=True,
    battery=words("t1 t2 t3 t10 distinct equal smallest deep"),
    assumptions=_moments,
)
def adam(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """Adam with bias correction, at t = 1, 2, 3 and 10; epsilon is large enough to show where it stands."""
    parameters, grads = draw_state(learner, draw)
    v = {key: draw.array(*value.shape) for key, value in grads.items()}
    s = {key: draw.array(*value.shape) ** 2 for key, value in grads.items()}
    t = int(draw.scale[1:]) if draw.scale[1:].isdigit() else draw.choice(STEPS)
    drawn = {"learning_rate": (0.3, 0.07), "beta1": (0.9, 0.6), "beta2": (0.8, 0.95), "epsilon": (0.13, 0.03)}
    given = {name: draw.choice(options) for name, options in drawn.items()}
    # What the function does not take as an argument stands at the course's values.
    usual = {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    used = {name: given[name] if learner.has(name) else usual[name] for name in given}
    rule = course.Rule("averaged", "averaged", corrected=True)
    expected = _steps(rule, parameters, grads, {"v": v, "s": s}, used, t)
    stages: dict[str, list[Any]] = {key: [value] for key, value in parameters.items()}
    for key, g in grads.items():
        stages[f"v_{key}"] = [v[key], used["beta1"] * v[key]]
        stages[f"s_{key}"] = [s[key], used["beta2"] * s[key], g**2]
    if not assumption["moments"]:
        expected = {re.sub(r"^([vs](?:_corrected)?_)d", r"\1", key): one for key, one in expected.items()}
        stages = {re.sub("^([vs]_)d", r"\1", key): held for key, held in stages.items()}
        v, s = ({key[1:]: one for key, one in moment.items()} for moment in (v, s))
    if "gradients" in assumption:
        grads = {key[1:]: one for key, one in grads.items()}
    values = {"grads": grads, "v": v, "s": s, "t": t, **given}
    scalars = {**used, "(1 - beta1)": 1 - used["beta1"], "(1 - beta2)": 1 - used["beta2"]}
    scalars |= {"(1 - beta1^t)": 1 - used["beta1"] ** t, "(1 - beta2^t)": 1 - used["beta2"] ** t}
    return _case(parameters, values, expected, stages=stages, scalars=scalars)
