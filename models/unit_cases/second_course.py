"""The unit cases of assignments 2.1 and 2.2: the inputs that were published, through `models.course`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.course import gradient_checking, initialization, optimization, regularization
from tinygrad_course.optimizers import Adam

__all__ = ["CASES"]


def draw(random: np.random.RandomState, layers: Sequence[int]) -> dict[str, Any]:
    """Return parameters drawn in the cases' order: W1, b1, W2, b2, ..., biases too."""
    parameters = {}
    for l in range(1, len(layers)):
        parameters[f"W{l}"] = random.randn(layers[l], layers[l - 1])
        parameters[f"b{l}"] = random.randn(layers[l], 1)
    return parameters


def three_layers(seed: int = 1) -> tuple[Any, Any, dict[str, Any]]:
    """Return X (3, 5), Y and the parameters of a network of 3, 2, 3 and 1 units, drawn in that order."""
    random = np.random.RandomState(seed)
    return random.randn(3, 5), np.array([[1, 1, 0, 1, 0]]), draw(random, [3, 2, 3, 1])


def cost_with_regularization() -> dict[str, Any]:
    """2.1: the cost with the L2 term."""
    parameters = draw(np.random.RandomState(1), [3, 2, 3, 1])
    A3 = np.array([[0.40682402, 0.01629284, 0.16722898, 0.10118111, 0.40682402]])
    Y = np.array([[1, 1, 0, 1, 0]])
    return {"cost": regularization.compute_cost_with_regularization(A3, Y, parameters, lambd=0.1)}


def backward_with_regularization() -> dict[str, Any]:
    """2.1: the gradients with the L2 term."""
    X, Y, parameters = three_layers()
    _, cache = regularization.forward_propagation(X, parameters)
    return regularization.backward_propagation_with_regularization(X, Y, cache, lambd=0.7)


def forward_with_dropout() -> dict[str, Any]:
    """2.1: the predictions under the masks of seed 1."""
    X, _, parameters = three_layers()
    return {"A3": regularization.forward_propagation_with_dropout(X, parameters, keep_prob=0.7)[0]}


def backward_with_dropout() -> dict[str, Any]:
    """2.1: the gradients through two masks.

    The cache of the case is one of keep_prob = 0.5, handed to a backward function with 0.8. It was published
    with 8 decimals.
    """
    X, Y, parameters = three_layers()
    D1 = np.array([[True, False, True, True, True], [True, True, True, True, False]])
    D2 = np.array(
        [
            [True, False, True, False, True],
            [False, True, False, True, True],
            [False, False, True, False, False],
        ]
    )
    cache: list[Any] = []
    A = X
    for l, D in ((1, D1), (2, D2)):
        W, b = parameters[f"W{l}"], parameters[f"b{l}"]
        Z = np.dot(W, A) + b
        A = np.maximum(0, Z) * D / 0.5
        cache += [Z, D, A, W, b]
    Z = np.dot(parameters["W3"], A) + parameters["b3"]
    cache += [Z, regularization.sigmoid(Z), parameters["W3"], parameters["b3"]]
    printed = [part if part.dtype == bool else part.round(8) for part in cache]
    return regularization.backward_propagation_with_dropout(X, Y, tuple(printed), keep_prob=0.8)


def wrong_gradient() -> dict[str, Any]:
    """2.1: the check of gradients with the two planted mistakes."""
    return {"difference": check_n(wrong=True)}


def right_gradient() -> dict[str, Any]:
    """2.1: the check of the right gradients."""
    return {"difference": check_n(wrong=False)}


def gradient_check_case() -> tuple[Any, Any, dict[str, Any]]:
    """Return X (4, 3), Y and the parameters of the case, a network of 4, 5, 3 and 1 units."""
    random = np.random.RandomState(1)
    X = random.randn(4, 3)
    return X, np.array([[1, 1, 0]]), draw(random, [4, 5, 3, 1])


def check_n(wrong: bool, epsilon: float = 1e-7, **options: Any) -> float:
    """Return the difference of the case's gradients from numerical ones, without the words."""
    from contextlib import redirect_stdout
    from io import StringIO

    X, Y, parameters = gradient_check_case()
    _, cache = gradient_checking.forward_propagation_n(X, Y, parameters)
    gradients = gradient_checking.backward_propagation_n(X, Y, cache)
    if wrong:
        gradients = gradient_checking.planted_mistakes(gradients)
    with redirect_stdout(StringIO()):
        return gradient_checking.gradient_check_n(parameters, gradients, X, Y, epsilon, **options)


def one_parameter() -> dict[str, Any]:
    """2.1: J = theta x at x = 2, theta = 4."""
    from contextlib import redirect_stdout
    from io import StringIO

    with redirect_stdout(StringIO()):
        difference = gradient_checking.gradient_check(2, 4)
    return {
        "J": gradient_checking.forward_propagation(2, 4),
        "dtheta": gradient_checking.backward_propagation(2, 4),
        "difference": difference,
    }


def one_step() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters and gradients of the optimisers' cases: 3, 2 and 3 units."""
    random = np.random.RandomState(1)
    sizes = [("W1", (2, 3)), ("b1", (2, 1)), ("W2", (3, 3)), ("b2", (3, 1))]
    parameters = {name: random.randn(*shape) for name, shape in sizes}
    return parameters, {f"d{name}": random.randn(*shape) for name, shape in sizes}


def gd() -> dict[str, Any]:
    """2.2: one step of gradient descent."""
    parameters, grads = one_step()
    return optimization.update_parameters_with_gd(parameters, grads, learning_rate=0.01)


def mini_batches() -> dict[str, Any]:
    """2.2: the shapes of the mini-batches, and the first numbers of the first one."""
    random = np.random.RandomState(1)
    X, Y = random.randn(12288, 148), random.randn(1, 148) < 0.5
    batches = optimization.random_mini_batches(X, Y, 64, seed=0)
    shapes = [x.shape for x, _ in batches] + [y.shape for _, y in batches]
    return {"shapes": shapes, "sanity": batches[0][0][0][0:3]}


def momentum() -> dict[str, Any]:
    """2.2: one step with momentum."""
    parameters, grads = one_step()
    v = optimization.initialize_velocity(parameters)
    updated, v = optimization.update_parameters_with_momentum(parameters, grads, v, 0.9, 0.01)
    return {**updated, **{f"v{name}": value for name, value in v.items()}}


def adam(*, correct_s: bool) -> dict[str, Any]:
    """2.2: one step of Adam with t = 2, epsilon inside the root."""
    parameters, grads = one_step()
    v, s = optimization.initialize_adam(parameters)
    rule = Adam(0.01, epsilon_inside=True, correct_s=correct_s)
    updated, v, s = optimization.update_parameters_with_adam(parameters, grads, v, s, t=2, rule=rule)
    moments = {f"v{name}": value for name, value in v.items()} | {f"s{name}": s[name] for name in s}
    return {**updated, **moments}


CASES = {
    "2.1 unit initialize_parameters_zeros": lambda: initialization.initialize_parameters_zeros([3, 2, 1]),
    "2.1 unit initialize_parameters_random": lambda: initialization.initialize_parameters_random([3, 2, 1]),
    "2.1 unit initialize_parameters_he": lambda: initialization.initialize_parameters_he([2, 4, 1]),
    "2.1 unit compute_cost_with_regularization": cost_with_regularization,
    "2.1 unit backward_propagation_with_regularization": backward_with_regularization,
    "2.1 unit forward_propagation_with_dropout": forward_with_dropout,
    "2.1 unit backward_propagation_with_dropout": backward_with_dropout,
    "2.1 gradient check, one parameter": one_parameter,
    "2.1 gradient check, wrong gradient": wrong_gradient,
    "2.1 gradient check, right gradient": right_gradient,
    "2.2 unit update_parameters_with_gd": gd,
    "2.2 unit random_mini_batches": mini_batches,
    "2.2 unit update_parameters_with_momentum": momentum,
    "2.2 unit update_parameters_with_adam, epsilon in the root": lambda: adam(correct_s=True),
    "2.2 unit update_parameters_with_adam, s uncorrected": lambda: adam(correct_s=False),
}
