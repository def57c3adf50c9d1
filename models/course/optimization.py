"""Assignment 2.2 under its own names: mini-batches, momentum and Adam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from datasets import moons
from datasets.container import Array
from models.course.plots import plot_decision_boundary
from models.course.stages import print_cost_at, step
from models.course.three_layers import (
    backward_propagation,
    compute_cost,
    forward_propagation,
    predict,
    predict_dec,
    relu,
    sigmoid,
)
from models.descent import Parameters
from tinygrad_course import optimizers
from tinygrad_course.training import mini_batches
from tinygrad_course.training.initialization import initialize_parameters as initial

__all__ = [
    "backward_propagation",
    "compute_cost",
    "forward_propagation",
    "initialize_adam",
    "initialize_parameters",
    "initialize_velocity",
    "load_dataset",
    "model",
    "plot_decision_boundary",
    "predict",
    "predict_dec",
    "random_mini_batches",
    "relu",
    "sigmoid",
    "update_parameters_with_adam",
    "update_parameters_with_gd",
    "update_parameters_with_momentum",
]

Gradients = dict[str, Any]


def load_dataset() -> tuple[Array, Array]:
    """Return the moons, train_X (2, 300) and train_Y (1, 300)."""
    data = moons.load()
    return data.X, data.Y


def initialize_parameters(layer_dims: Sequence[int]) -> Parameters:
    """Return randn * sqrt(2 / n_prev) from the assignment's seed 3, and zero biases."""
    return initial(layer_dims, "he", 3)


def random_mini_batches(
    X: Any, Y: Any, mini_batch_size: int = 64, seed: int = 0
) -> list[tuple[Array, Array]]:
    """Shuffle and partition; the last mini-batch may be smaller.

    Examples
    --------
    >>> batches = random_mini_batches(np.zeros((12288, 148)), np.zeros((1, 148)))
    >>> [X.shape for X, Y in batches]
    [(12288, 64), (12288, 64), (12288, 20)]
    """
    return list(mini_batches(X, Y, mini_batch_size, seed))


def update_parameters_with_gd(parameters: Any, grads: Any, learning_rate: float) -> Parameters:
    """Return the parameters after one step of gradient descent."""
    return step(parameters, grads, learning_rate)


def initialize_velocity(parameters: Mapping[str, Any]) -> Gradients:
    """Return v, zeros by the names dW1, db1, ..."""
    return {f"d{name}": np.zeros_like(value) for name, value in parameters.items()}


def update_parameters_with_momentum(
    parameters: Any, grads: Any, v: Any, beta: float, learning_rate: float
) -> tuple[Parameters, Gradients]:
    """Return the parameters and v after one step with momentum."""
    rule = optimizers.Momentum(learning_rate, beta)
    state: Gradients = {**rule.init(parameters), "v": _bare(v, parameters)}
    updated, state = rule.update(parameters, _bare(grads, parameters), state)
    return updated, _prefixed(state["v"])


def initialize_adam(parameters: Mapping[str, Any]) -> tuple[Gradients, Gradients]:
    """Return v and s, zeros by the names dW1, db1, ..."""
    return initialize_velocity(parameters), initialize_velocity(parameters)


def update_parameters_with_adam(
    parameters: Any,
    grads: Any,
    v: Any,
    s: Any,
    t: float,
    learning_rate: float = 0.01,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    rule: optimizers.Adam | None = None,
) -> tuple[Parameters, Gradients, Gradients]:
    """Return the parameters, v and s after Adam's step number t, 1 for the first.

    Parameters
    ----------
    rule : Adam, optional
        A variant in place of the paper's sqrt(s_corrected) + epsilon; then the four numbers before are its.
    """
    rule = optimizers.Adam(learning_rate, beta1, beta2, epsilon) if rule is None else rule
    state: Gradients = {"t": np.float64(t - 1), "v": _bare(v, parameters), "s": _bare(s, parameters)}
    updated, state = rule.update(parameters, _bare(grads, parameters), state)
    return updated, _prefixed(state["v"]), _prefixed(state["s"])


def _bare(grads: Mapping[str, Any], parameters: Mapping[str, Any]) -> Gradients:
    """Return the gradients of the parameters by the names W1, b1, ..., without dA1, dZ2 and the like."""
    return {name: grads[f"d{name}"] for name in parameters}


def _prefixed(nest: Mapping[str, Any]) -> Gradients:
    return {f"d{name}": value for name, value in nest.items()}


def model(
    X: Any,
    Y: Any,
    layers_dims: Sequence[int],
    optimizer: str,
    learning_rate: float = 0.0007,
    mini_batch_size: int = 64,
    beta: float = 0.9,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    num_epochs: int = 10000,
    print_cost: bool = True,
) -> Parameters:
    """Train relu, relu, sigmoid on mini-batches; return the parameters.

    Parameters
    ----------
    optimizer : {"gd", "momentum", "adam"}

    Raises
    ------
    ValueError
        For another optimiser.
    """
    if optimizer not in ("gd", "momentum", "adam"):
        raise ValueError(f'optimizer is {optimizer!r}; expected "gd", "momentum" or "adam"')
    parameters = initialize_parameters(layers_dims)
    v, s = initialize_adam(parameters)
    t, seed = 0, 10
    for i in range(num_epochs):
        seed += 1
        cost: Any = float("nan")
        for batch_X, batch_Y in random_mini_batches(X, Y, mini_batch_size, seed):
            a3, cache = forward_propagation(batch_X, parameters)
            cost = compute_cost(a3, batch_Y)
            grads = backward_propagation(batch_X, batch_Y, cache)
            if optimizer == "gd":
                parameters = update_parameters_with_gd(parameters, grads, learning_rate)
            elif optimizer == "momentum":
                parameters, v = update_parameters_with_momentum(parameters, grads, v, beta, learning_rate)
            else:
                t += 1
                parameters, v, s = update_parameters_with_adam(
                    parameters, grads, v, s, t, learning_rate, beta1, beta2, epsilon
                )
        print_cost_at(i, cost, 1000, print_cost, unit="epoch")
    return parameters
