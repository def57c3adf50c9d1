"""Assignment 2.1, regularisation, under its own names: the L2 term, and dropout with the same mask each time.

The assignment seeds NumPy inside `forward_propagation_with_dropout`, so every call drops the same units. That
is what an integer `rng` does here; a stream, ``np.random.RandomState(1)``, goes on from call to call.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from datasets import football
from datasets.container import Array
from models.course.plots import plot_decision_boundary
from models.course.stages import dropout_backward, print_cost_at
from models.course.three_layers import (
    backward_propagation,
    compute_cost,
    forward_propagation,
    gradients_of,
    predict,
    predict_dec,
    relu,
    sigmoid,
    update_parameters,
)
from models.descent import Parameters
from tinygrad_course import functions, grad
from tinygrad_course.functions.streams import Stream, stream
from tinygrad_course.training.initialization import initialize_parameters as initial

__all__ = [
    "backward_propagation",
    "backward_propagation_with_dropout",
    "backward_propagation_with_regularization",
    "compute_cost",
    "compute_cost_with_regularization",
    "forward_propagation",
    "forward_propagation_with_dropout",
    "initialize_parameters",
    "load_2D_dataset",
    "model",
    "plot_decision_boundary",
    "predict",
    "predict_dec",
    "relu",
    "sigmoid",
    "update_parameters",
]


def load_2D_dataset() -> tuple[Array, Array, Array, Array]:
    """Return the football data: train_X (2, 211), train_Y (1, 211), test_X (2, 200), test_Y (1, 200)."""
    data = football.load()
    return data.X_train, data.Y_train, data.X_test, data.Y_test


def initialize_parameters(layer_dims: Sequence[int]) -> Parameters:
    """Return randn / sqrt(n_prev) from the assignment's seed 3, and zero biases."""
    return initial(layer_dims, "xavier", 3)


def compute_cost_with_regularization(A3: Any, Y: Any, parameters: Any, lambd: float) -> Any:
    """Return the cross-entropy plus lambd / (2m) times the sum of the squared weights."""
    return compute_cost(A3, Y) + functions.l2_term(parameters, lambd, Y.shape[1])


def backward_propagation_with_regularization(
    X: Any, Y: Any, cache: tuple[Any, ...], lambd: float
) -> dict[str, Any]:
    """Return the gradients of the cost with the L2 term, whose graph gives its share of each dW."""
    grads = gradients_of(X, Y, cache)
    weights = {f"W{l}": cache[4 * l - 2] for l in (1, 2, 3)}
    shares = grad(lambda weights: functions.l2_term(weights, lambd, X.shape[1]))(weights)
    return grads | {f"d{name}": grads[f"d{name}"] + share for name, share in shares.items()}


def forward_propagation_with_dropout(
    X: Any, parameters: Any, keep_prob: float = 0.5, rng: int | Stream = 1
) -> tuple[Any, tuple[Any, ...]]:
    """Return A3 and the cache (Z1, D1, A1, W1, b1, Z2, D2, A2, W2, b2, Z3, A3, W3, b3).

    Parameters
    ----------
    rng : int or stream
        A seed gives the same masks at every call, as in the assignment; a stream gives fresh ones.
    """
    source = stream(rng)
    cache: list[Any] = []
    A = X
    for l in (1, 2):
        W, b = parameters[f"W{l}"], parameters[f"b{l}"]
        Z = functions.linear(W, A, b)
        A = relu(Z)
        D = functions.dropout_mask(A.shape, keep_prob, source)
        A = functions.drop(A, D, keep_prob)
        cache += [Z, D, A, W, b]
    Z = functions.linear(parameters["W3"], A, parameters["b3"])
    A3 = sigmoid(Z)
    return A3, (*cache, Z, A3, parameters["W3"], parameters["b3"])


def backward_propagation_with_dropout(
    X: Any, Y: Any, cache: tuple[Any, ...], keep_prob: float
) -> dict[str, Any]:
    """Return the gradients through the masks D1 and D2 of the cache."""
    Z1, D1, A1, W1, b1, Z2, D2, A2, W2, b2, *output = cache
    masks = [partial(dropout_backward, D=D, keep_prob=keep_prob) for D in (D1, D2)]
    return gradients_of(X, Y, (Z1, A1, W1, b1, Z2, A2, W2, b2, *output), masks)


def model(
    X: Any,
    Y: Any,
    learning_rate: float = 0.3,
    num_iterations: int = 30000,
    print_cost: bool = True,
    lambd: float = 0,
    keep_prob: float = 1,
) -> Parameters:
    """Train a network of n_x, 20, 3 and 1 units; return the parameters.

    Raises
    ------
    ValueError
        For both L2 regularisation and dropout, which the assignment explores one at a time.
    """
    if lambd != 0 and keep_prob != 1:
        raise ValueError(f"lambd is {lambd} and keep_prob is {keep_prob}; choose one of the two")
    parameters = initialize_parameters([X.shape[0], 20, 3, 1])
    for i in range(num_iterations):
        if keep_prob < 1:
            a3, cache = forward_propagation_with_dropout(X, parameters, keep_prob)
            grads = backward_propagation_with_dropout(X, Y, cache, keep_prob)
        else:
            a3, cache = forward_propagation(X, parameters)
            grads = (
                backward_propagation_with_regularization(X, Y, cache, lambd)
                if lambd
                else backward_propagation(X, Y, cache)
            )
        if print_cost and i % 10000 == 0:
            cost = (
                compute_cost_with_regularization(a3, Y, parameters, lambd) if lambd else compute_cost(a3, Y)
            )
            print_cost_at(i, cost, 10000, shown=True)
        parameters = update_parameters(parameters, grads, learning_rate)
    return parameters
