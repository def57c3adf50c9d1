"""Assignment 2.1, initialisation, under its own names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datasets import circles
from datasets.container import Array
from models.course.plots import plot_decision_boundary
from models.course.stages import print_cost_at
from models.course.three_layers import (
    backward_propagation,
    forward_propagation,
    predict,
    predict_dec,
    relu,
    sigmoid,
    update_parameters,
)
from models.course.three_layers import compute_cost as compute_loss
from models.descent import Parameters
from tinygrad_course.training.initialization import initialize_parameters as initial

__all__ = [
    "backward_propagation",
    "compute_loss",
    "forward_propagation",
    "initialize_parameters_he",
    "initialize_parameters_random",
    "initialize_parameters_zeros",
    "load_dataset",
    "model",
    "plot_decision_boundary",
    "predict",
    "predict_dec",
    "relu",
    "sigmoid",
    "update_parameters",
]


def load_dataset() -> tuple[Array, Array, Array, Array]:
    """Return the circles: train_X (2, 300), train_Y (1, 300), test_X (2, 100), test_Y (1, 100)."""
    data = circles.load()
    return data.X_train, data.Y_train, data.X_test, data.Y_test


def initialize_parameters_zeros(layers_dims: Sequence[int]) -> Parameters:
    """Return parameters that are all zeros."""
    return initial(layers_dims, "zeros", 3)


def initialize_parameters_random(layers_dims: Sequence[int]) -> Parameters:
    """Return 10 * randn from the assignment's seed 3, and zero biases."""
    return initial(layers_dims, "large", 3)


def initialize_parameters_he(layers_dims: Sequence[int]) -> Parameters:
    """Return randn * sqrt(2 / n_prev) from the assignment's seed 3, and zero biases.

    Examples
    --------
    >>> print(initialize_parameters_he([2, 4, 1])["W2"])
    [[-0.03098412 -0.33744411 -0.92904268  0.62552248]]
    """
    return initial(layers_dims, "he", 3)


def model(
    X: Any,
    Y: Any,
    learning_rate: float = 0.01,
    num_iterations: int = 15000,
    print_cost: bool = True,
    initialization: str = "he",
) -> Parameters:
    """Train a network of 2, 10, 5 and 1 units; return the parameters.

    Parameters
    ----------
    initialization : {"zeros", "random", "he"}

    Raises
    ------
    ValueError
        For another initialisation.
    """
    ways = {
        "zeros": initialize_parameters_zeros,
        "random": initialize_parameters_random,
        "he": initialize_parameters_he,
    }
    if initialization not in ways:
        raise ValueError(f'initialization is {initialization!r}; expected "zeros", "random" or "he"')
    parameters = ways[initialization]([X.shape[0], 10, 5, 1])
    for i in range(num_iterations):
        a3, cache = forward_propagation(X, parameters)
        if print_cost and i % 1000 == 0:
            print_cost_at(i, compute_loss(a3, Y), 1000, shown=True)
        parameters = update_parameters(parameters, backward_propagation(X, Y, cache), learning_rate)
    return parameters
