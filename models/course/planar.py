"""Assignment 1.3 under its own names: one hidden layer of tanh units, for points of the plane."""

from __future__ import annotations

from typing import Any

import numpy as np

from datasets import extra, flower
from datasets.container import Array, Dataset
from models.course.plots import plot_decision_boundary
from models.course.stages import (
    activation_backward,
    belong,
    linear_backward,
    output_backward,
    print_cost_at,
    step,
)
from models.descent import Parameters
from tinygrad_course import functions
from tinygrad_course.training.initialization import initialize_parameters as initial

__all__ = [
    "backward_propagation",
    "compute_cost",
    "forward_propagation",
    "initialize_parameters",
    "layer_sizes",
    "load_extra_datasets",
    "load_planar_dataset",
    "nn_model",
    "plot_decision_boundary",
    "predict",
    "sigmoid",
    "update_parameters",
]

sigmoid = functions.sigmoid


def load_planar_dataset(seed: int = 1) -> tuple[Array, Array]:
    """Return the flower, X (2, 400) and Y (1, 400)."""
    data = flower.load(seed)
    return data.X, data.Y


def load_extra_datasets(seed: int = 1) -> tuple[tuple[Array, Array], ...]:
    """Return circles, moons, blobs, quantiles and no structure, each as points (m, 2) and labels (m,)."""

    def rows(data: Dataset) -> tuple[Array, Array]:
        return data.X.T, data.Y.ravel()

    return tuple(rows(data) for data in extra.load(seed).values())


def layer_sizes(X: Any, Y: Any, n_h: int = 4) -> tuple[int, int, int]:
    """Return n_x, n_h and n_y.

    Examples
    --------
    >>> layer_sizes(np.zeros((5, 3)), np.zeros((2, 3)))
    (5, 4, 2)
    """
    return X.shape[0], n_h, Y.shape[0]


def initialize_parameters(n_x: int, n_h: int, n_y: int, seed: int = 2) -> Parameters:
    """Return W1, b1, W2 and b2: 0.01 * randn, from the assignment's seed 2, and zeros.

    Examples
    --------
    >>> print(initialize_parameters(2, 4, 1)["W2"])
    [[-0.01057952 -0.00909008  0.00551454  0.02292208]]
    """
    return initial([n_x, n_h, n_y], "small", seed)


def forward_propagation(X: Any, parameters: Any) -> tuple[Any, dict[str, Any]]:
    """Return A2 and the cache ``{"Z1", "A1", "Z2", "A2"}``."""
    Z1 = functions.linear(parameters["W1"], X, parameters["b1"])
    A1 = np.tanh(Z1)
    Z2 = functions.linear(parameters["W2"], A1, parameters["b2"])
    A2 = sigmoid(Z2)
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}


def compute_cost(A2: Any, Y: Any, parameters: Any = None) -> Any:  # noqa: ARG001
    """Return the cross-entropy; `parameters` is not used, as in the assignment.

    Examples
    --------
    >>> print(f"{compute_cost(np.array([[0.8, 0.9, 0.4]]), np.array([[1, 1, 1]])):.6f}")
    0.414932
    """
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]


def backward_propagation(parameters: Any, cache: Any, X: Any, Y: Any) -> dict[str, Any]:
    """Return the gradients ``{"dW1", "db1", "dW2", "db2"}`` of the cost.

    The assignment's formulas read A1 and A2 from the cache, never Z1 and Z2. So each stage is recorded at
    the Z that the cached A belongs to; where `forward_propagation` filled the cache, that is its own Z.
    """
    A1, A2 = cache["A1"], cache["A2"]
    Z1 = cache["Z1"] if belong(A1, cache["Z1"], np.tanh) else np.arctanh(A1)
    dZ2 = output_backward(A2, Y, cache["Z2"])
    dA1, dW2, db2 = linear_backward(dZ2, A1, parameters["W2"], parameters["b2"])
    dZ1 = activation_backward(dA1, Z1, "tanh")
    _, dW1, db1 = linear_backward(dZ1, X, parameters["W1"], parameters["b1"])
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def update_parameters(parameters: Any, grads: Any, learning_rate: float = 1.2) -> Parameters:
    """Return the parameters after one step of gradient descent."""
    return step(parameters, grads, learning_rate)


def nn_model(
    X: Any,
    Y: Any,
    n_h: int,
    num_iterations: int = 10000,
    print_cost: bool = False,
    learning_rate: float = 1.2,
    seed: int = 2,
) -> Parameters:
    """Train with n_h hidden units; return the parameters.

    Examples
    --------
    >>> X, Y = load_planar_dataset()
    >>> parameters = nn_model(X, Y, n_h=4, num_iterations=1, print_cost=True)
    Cost after iteration 0: 0.693048
    """
    n_x, _, n_y = layer_sizes(X, Y)
    parameters = initialize_parameters(n_x, n_h, n_y, seed)
    for i in range(num_iterations):
        A2, cache = forward_propagation(X, parameters)
        print_cost_at(i, compute_cost(A2, Y) if print_cost and i % 1000 == 0 else 0.0, 1000, print_cost)
        grads = backward_propagation(parameters, cache, X, Y)
        parameters = update_parameters(parameters, grads, learning_rate)
    return parameters


def predict(parameters: Any, X: Any) -> Any:
    """Return True where the probability is above one half, shape (1, m)."""
    A2, _ = forward_propagation(X, parameters)
    return A2 > 0.5
