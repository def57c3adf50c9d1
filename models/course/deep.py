"""Assignment 1.4, the application: everything of `models.course.steps`, and the two networks for the cats.

`initialize_parameters_deep` differs from that of the steps, as it does in the assignments: divided by the
square root of n_prev, from seed 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets import cats
from datasets.container import Array
from models.course import steps
from models.course.plots import plot_costs, print_mislabeled_images
from models.course.stages import print_cost_at
from models.course.steps import *  # noqa: F403  (the application has them all)
from models.descent import Parameters
from tinygrad_course.training.initialization import initialize_parameters as initial

__all__ = [
    "L_layer_model", "initialize_parameters_deep", "load_data", "plot_costs", "predict",
    "print_mislabeled_images", "two_layer_model",
]  # fmt: skip
__all__ += steps.__all__


def load_data() -> tuple[NDArray[Any], Array, NDArray[Any], Array, tuple[str, str]]:
    """Return the cats as the assignment does: pictures (m, 64, 64, 3) of 0 to 255, labels (1, m), classes."""
    data = cats.load()
    parts = [np.rint(X.T * 255).astype(np.uint8).reshape(-1, 64, 64, 3) for X in (data.X_train, data.X_test)]
    return parts[0], data.Y_train, parts[1], data.Y_test, data.classes


def initialize_parameters_deep(layer_dims: Sequence[int]) -> Parameters:  # type: ignore[no-redef]
    """Return W1, b1, ..., WL, bL: randn / sqrt(n_prev), from the assignment's seed 1, and zeros."""
    return initial(layer_dims, "xavier", 1)


def two_layer_model(
    X: Any,
    Y: Any,
    layers_dims: Sequence[int],
    learning_rate: float = 0.0075,
    num_iterations: int = 3000,
    print_cost: bool = False,
) -> Parameters:
    """Train relu, sigmoid by gradient descent; return the parameters.

    Parameters
    ----------
    layers_dims : (n_x, n_h, n_y)
    """
    n_x, n_h, n_y = layers_dims
    return _descend(
        X, Y, steps.initialize_parameters(n_x, n_h, n_y), learning_rate, num_iterations, print_cost
    )


def L_layer_model(
    X: Any,
    Y: Any,
    layers_dims: Sequence[int],
    learning_rate: float = 0.0075,
    num_iterations: int = 3000,
    print_cost: bool = False,
) -> Parameters:
    """Train relu, ..., relu, sigmoid by gradient descent; return the parameters.

    Examples
    --------
    >>> random = np.random.RandomState(0)
    >>> X = random.randn(2, 50)
    >>> parameters = L_layer_model(X, (X[:1] > 0) * 1.0, [2, 3, 1], 0.1, 101, print_cost=True)
    Cost after iteration 0: 0.458401
    Cost after iteration 100: 0.160179
    """
    return _descend(X, Y, initialize_parameters_deep(layers_dims), learning_rate, num_iterations, print_cost)


def _descend(
    X: Any, Y: Any, parameters: Parameters, learning_rate: float, num_iterations: int, print_cost: bool
) -> Parameters:
    for i in range(num_iterations):
        AL, caches = steps.L_model_forward(X, parameters)
        print_cost_at(i, steps.compute_cost(AL, Y), 100, print_cost)
        parameters = steps.update_parameters(parameters, steps.L_model_backward(AL, Y, caches), learning_rate)
    return parameters


def predict(X: Any, y: Any, parameters: Any) -> Array:
    """Print the accuracy and return the labels 0. and 1., shape (1, m)."""
    probabilities, _ = steps.L_model_forward(X, parameters)
    p = np.asarray(probabilities > 0.5, dtype=np.float64)
    print(f"Accuracy: {np.mean(p == y)}")
    return p
