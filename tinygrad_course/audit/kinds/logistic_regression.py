"""Logistic regression with a neural network mindset (course 1, week 2)."""

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.learner import Learner
from tinygrad_course.audit.kinds.base import Assumption, Kind, first_of, formula, roles, words
from tinygrad_course.audit.kinds.cases import Array, Case, Draw
from tinygrad_course.audit.kinds.forward_passes import (
    DEEP_FORWARD_NAMES,
    FORWARD_NAMES,
    arguments,
    draw_network,
)
from tinygrad_course.audit.reference import course
from tinygrad_course.audit.reference.comparison import close
from tinygrad_course.audit.source.signatures import role_of


def _draw(draw: Draw) -> dict[str, Any]:
    n, m = draw.size(1, 5), draw.size(1, 5)
    parameters = {"w": 0.5 * draw.array(n, 1), "b": float(0.5 * draw.array(1)[0])}
    return {**parameters, "X": draw.array(n, m), "Y": draw.labels(m)}


def _propagate(w: Array, b: float, X: Array, Y: Array) -> dict[str, Any]:
    m = X.shape[1]
    Z = np.dot(w.T, X) + b
    A = course.sigmoid(Z)
    dZ = A - Y
    way = {"m": m, "Z": Z, "A": A, "cost": course.cross_entropy(A, Y), "dZ": dZ}
    return {**way, "dw": np.dot(X, dZ.T) / m, "db": float(np.sum(dZ) / m)}


@formula("propagate", "w b X Y", outputs="grads cost")
def propagate(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """The cost and its gradients dw and db."""
    values = _draw(draw)
    expected = _propagate(**values)
    return Case(values, expected, ("cost", "dw", "db"), m=expected["m"], summed=frozenset({"dZ"}))


class Optimize(Kind):
    """Gradient descent on w and b."""

    names = words("optimize optimise")
    signatures = roles("w b X Y iterations learning_rate")
    outputs = words("params grads costs")
    may_change = frozenset({"w"})
    examples = 8

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        values = _draw(draw)
        values["learning_rate"] = draw.choice([0.3, 0.1, 0.7])
        steps = draw.choice([3, 1, 2, 4])
        values["iterations"] = steps
        w, b = values["w"], values["b"]
        back: dict[str, Any] = {}
        costs: list[float] = []
        for _ in range(steps):
            back = _propagate(w, b, values["X"], values["Y"])
            costs.append(back["cost"])
            w, b = w - values["learning_rate"] * back["dw"], b - values["learning_rate"] * back["db"]
        scalars = {"learning_rate": values["learning_rate"]}
        costs.append(_propagate(w, b, values["X"], values["Y"])["cost"])
        expected = {"w": w, "b": b, "dw": back["dw"], "db": back["db"]}
        expected |= {"cost": costs[0], "cost after a step": costs[1]}
        return Case(values, expected, ("w", "b"), m=values["X"].shape[1], scalars=scalars)

    def judge(self, values: Mapping[str, Any], case: Case) -> tuple[list[str], list[str]]:
        """The gradients that are returned are those of the last step, or of the parameters returned."""
        wrong, costs, near = [], values.get("costs"), case.tolerances.get("cost", 0.0)
        if isinstance(costs, list) and costs and np.size(costs[0]) == 1:
            first, right = np.squeeze(costs[0]), [case.expected[key] for key in ("cost", "cost after a step")]
            if not any(close(first, one) or abs(first - one) < near for one in right):
                wrong.append("cost")
        if "dw" not in values:
            return wrong, []
        given = {**case.values, "w": case.expected["w"], "b": case.expected["b"]}
        after = _propagate(*(given[name] for name in ("w", "b", "X", "Y")))
        for key in ("dw", "db"):
            told = any(close(values.get(key), one[key]) for one in (case.expected, after))
            wrong += [key] * (not told)
        return wrong, []


def _labels_case(values: dict[str, Any], expected: dict[str, Any], A: Array, label: str) -> Case:
    """Return the case of a prediction: 1 where A > 0.5."""
    rejected = "A is 0.5" if np.min(np.abs(A - 0.5)) < 1e-3 else ""
    expected = {**expected, label: (A > 0.5) * 1}
    loose = frozenset({label})
    return Case(values, expected, (label,), m=values["X"].shape[1], loose=loose, rejected=rejected)


@formula("predict", "w b X", outputs="Y_prediction", fits=lambda node: arguments(node)[:2] == ["w", "b"])
def logistic_predict(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """The labels: 1 where A > 0.5."""
    values = _draw(draw)
    del values["Y"]
    A = course.sigmoid(np.dot(values["w"].T, values["X"]) + values["b"])
    return _labels_case(values, {"A": A}, A, "Y_prediction")


def _takes_one_number(node: ast.FunctionDef) -> bool:
    """Tell whether a function takes one number (a network's takes a list of sizes)."""
    names = [argument.arg for argument in node.args.args]
    return "zeros" in node.name or (len(names) == 1 and role_of(names[0], ["dim"]) is not None)


@formula(
    "initialize_with_zeros initialise_with_zeros initialize_zeros initialize_params "
    "initialize_parameters initialise_parameters init_params initialize",
    "dim",
    outputs="w b",
    fits=_takes_one_number,
)
def initialize_with_zeros(learner: Learner, draw: Draw, assumption: Assumption) -> Case:
    """A column of zeros, and 0."""
    dim = draw.size(1, 6)
    return Case({"dim": dim}, {"w": np.zeros((dim, 1)), "b": 0.0}, ("w", "b"))


class Predict(Kind):
    """The labels of a network: 1 where the last activation is above 0.5."""

    names = ("predict",)
    signatures = roles("parameters X", "X Y parameters", "X parameters")
    outputs = ("predictions",)

    def assumptions(self, learner: Learner) -> list[Assumption]:
        """The probabilities are the file's own forward pass's, else the course's with each activation."""
        return [{"hidden": "tanh"}, {"hidden": "relu"}, {"hidden": "sigmoid"}]

    def fits(self, node: ast.FunctionDef) -> bool:
        """It takes no w and b."""
        return arguments(node)[:2] != ["w", "b"]

    def case(self, learner: Learner, draw: Draw, assumption: Assumption) -> Case:
        called = [name for name in learner.program.callees(learner.name) if "forward" in name.lower()]
        deep = any("model" in name.lower() for name in called)
        L = None if deep else (learner.depth(*called) if called else None) or 2
        X, Y, parameters = draw_network(draw, L)
        forward = learner.own(*(DEEP_FORWARD_NAMES if deep else FORWARD_NAMES)) if called else None
        layers = len(parameters) // 2
        orders = ((X, parameters), (parameters, X))
        tried = (learner.try_call(forward, *args) for args in orders if forward is not None)
        A = first_of(next((stored for stored in tried if stored is not None), None))
        if not isinstance(A, np.ndarray):
            hidden = [assumption["hidden"]] * (layers - 1)
            A = course.network_forward(X, parameters, [*hidden, "sigmoid"])[f"A{layers}"]
        values = {"X": X, "Y": Y, "parameters": parameters}
        case = _labels_case(values, {f"A{layers}": A, "AL": A}, A, "predictions")
        case.scalars, case.layers = {"accuracy": float(np.mean(case.expected["predictions"] == Y))}, layers
        return case

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """The accuracy in the labels' place is read as right labels where it agrees."""
        found: Mapping[str, Any] = super().read(result, expression, case)
        labels = found.get("predictions")
        if labels is not None and np.size(labels) == 1 and case.m > 1:
            number = float(np.squeeze(np.asarray(labels, dtype=float)))
            if any(abs(number - scale * case.scalars["accuracy"]) < 1e-6 for scale in (1, 100)):
                return {"predictions": case.expected["predictions"]}
        return dict(found)
