"""Assignment 2.1, gradient checking: what the check says of right and of wrong gradients, and why."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.course import gradient_checking, three_layers
from models.outcome import Options, Outcome
from models.unit_cases import CASES
from models.unit_cases.second_course import check_n, gradient_check_case
from tinygrad_course import graph
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.graph import Graph

__all__ = ["run"]


def stable_cost(X: Any, Y: Any, parameters: Any) -> Any:
    """Return the same cost, computed from Z3: no 1 - A3 that cancels."""
    _, cache = three_layers.forward_propagation(X, parameters)
    Z3 = cache[8]
    return np.sum(np.logaddexp(0, Z3) - Y * Z3) / X.shape[1]


def plus_twice(wrong: bool, epsilon: float = 1e-7) -> float:
    """Return the difference that the notes' code gives, which computes J_minus from theta plus as well."""
    X, Y, parameters = gradient_check_case()
    cost, cache = gradient_checking.forward_propagation_n(X, Y, parameters)
    gradients = gradient_checking.backward_propagation_n(X, Y, cache)
    if wrong:
        gradients = gradient_checking.planted_mistakes(gradients)
    J_plus = J_minus = cost
    gradapprox = np.full((47, 1), (J_plus - J_minus) / (2 * epsilon))
    return gradient_checking.difference_of(gradient_checking.gradients_to_vector(gradients), gradapprox)


def run(options: Options) -> Outcome:  # noqa: ARG001  (as every experiment's)
    """2.1: the three published differences, and where the right gradient's comes from."""
    out = Outcome()
    out.measured = {name: CASES[name]() for name in CASES if name.startswith("2.1 gradient check")}
    for epsilon in (1e-6, 1e-7, 1e-8):
        published, stable = check_n(False, epsilon), check_n(False, epsilon, cost_of=stable_cost)
        out.remarks.append(
            f"right gradient at epsilon {epsilon:.0e}: difference {published:.3g} with the cost as printed, "
            f"{stable:.3g} with the cost from Z3"
        )
    X, _, parameters = gradient_check_case()
    _, cache = three_layers.forward_propagation(X, parameters)
    nearest = min(float(np.abs(Z).min()) for Z in (cache[0], cache[4]))
    out.remarks.append(f"nearest pre-activation to the kink of ReLU: {nearest:.3f}, far from any epsilon")
    right, wrong = plus_twice(wrong=False), plus_twice(wrong=True)
    out.remarks.append(
        f"with J_minus from theta plus: {right} for the right gradient, {wrong} for the wrong one"
    )
    out.graph = recorded
    return out


def recorded() -> Graph:
    """Return the graph of the case's cost, with its gradients."""
    X, Y, parameters = gradient_check_case()
    tensors = {name: Tensor(value, name=name) for name, value in parameters.items()}
    J, _ = gradient_checking.forward_propagation_n(X, Y, tensors)
    J.backward(retain_graph=True)
    return graph(J, names={"X": X, "Y": Y, "J": J})


if __name__ == "__main__":
    from models.__main__ import main

    raise SystemExit(main(module="gradient_check"))
