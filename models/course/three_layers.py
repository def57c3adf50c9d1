"""What the three assignments of 2.1 and 2.2 share: relu, relu, sigmoid, with a cache of twelve arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.course.stages import activation_backward, linear_backward, output_backward, step
from models.descent import Parameters
from tinygrad_course import functions

__all__ = [
    "backward_propagation",
    "compute_cost",
    "forward_propagation",
    "gradients_of",
    "predict",
    "predict_dec",
    "relu",
    "sigmoid",
    "update_parameters",
]

sigmoid = functions.sigmoid
relu = functions.relu


def forward_propagation(X: Any, parameters: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return A3 and the cache (Z1, A1, W1, b1, Z2, A2, W2, b2, Z3, A3, W3, b3)."""
    cache: list[Any] = []
    A = X
    for l, activation in ((1, relu), (2, relu), (3, sigmoid)):
        W, b = parameters[f"W{l}"], parameters[f"b{l}"]
        Z = functions.linear(W, A, b)
        A = activation(Z)
        cache += [Z, A, W, b]
    return A, tuple(cache)


def gradients_of(X: Any, Y: Any, cache: tuple[Any, ...], masks: Any = (None, None)) -> dict[str, Any]:
    """Return ``{"dZ3", "dW3", "db3", "dA2", ..., "db1"}`` from a cache of three times (Z, A, W, b).

    Parameters
    ----------
    masks : pair of callable or None
        For the first and the second hidden layer: what dropout does to the gradient on its way back.
    """
    layers = [cache[4 * l : 4 * l + 4] for l in range(3)]
    inputs = (X, layers[0][1], layers[1][1])
    grads: dict[str, Any] = {}
    Z3, A3, _, _ = layers[2]
    dZ = output_backward(A3, Y, Z3)
    for l in (3, 2, 1):
        _, _, W, b = layers[l - 1]
        dA_prev, dW, db = linear_backward(dZ, inputs[l - 1], W, b)
        grads |= {f"dZ{l}": dZ, f"dW{l}": dW, f"db{l}": db}
        if l > 1:
            mask = masks[l - 2]
            dA_prev = dA_prev if mask is None else mask(dA_prev)
            grads[f"dA{l - 1}"] = dA_prev
            dZ = activation_backward(dA_prev, layers[l - 2][0], "relu")
    return grads


def backward_propagation(X: Any, Y: Any, cache: tuple[Any, ...]) -> dict[str, Any]:
    """Return the gradients by dZ3, dW3, db3, dA2, dZ2, ... in the course's scaling, from the graph."""
    return gradients_of(X, Y, cache)


def compute_cost(a3: Any, Y: Any) -> Any:
    """Return the cross-entropy, the mean over the examples.

    Examples
    --------
    >>> print(f"{compute_cost(np.array([[0.8, 0.9, 0.4]]), np.array([[1, 1, 1]])):.6f}")
    0.414932
    """
    return functions.binary_cross_entropy(a3, Y)


def update_parameters(parameters: Any, grads: Any, learning_rate: float) -> Parameters:
    """Return the parameters after one step of gradient descent."""
    return step(parameters, grads, learning_rate)


def predict(X: Any, y: Any, parameters: Any) -> Any:
    """Print the accuracy and return the labels 0 and 1, shape (1, m)."""
    p = predict_dec(parameters, X).astype(np.int64)
    print(f"Accuracy: {np.mean(p == y)}")
    return p


def predict_dec(parameters: Any, X: Any) -> Any:
    """Return True where the probability is above one half, for `plot_decision_boundary`."""
    a3, _ = forward_propagation(X, parameters)
    return a3 > 0.5
