"""Assignment 1.4, step by step, under its own names: the functions that an L-layer network is built from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.course import stages
from models.descent import Parameters
from tinygrad_course import functions
from tinygrad_course.training.initialization import initialize_parameters as initial

__all__ = [
    "L_model_backward",
    "L_model_forward",
    "compute_cost",
    "initialize_parameters",
    "initialize_parameters_deep",
    "linear_activation_backward",
    "linear_activation_forward",
    "linear_backward",
    "linear_forward",
    "relu",
    "relu_backward",
    "sigmoid",
    "sigmoid_backward",
    "update_parameters",
]


def sigmoid(Z: Any) -> tuple[Any, Any]:
    """Return A = sigmoid(Z) and the cache, Z."""
    return functions.sigmoid(Z), Z


def relu(Z: Any) -> tuple[Any, Any]:
    """Return A = max(0, Z) and the cache, Z."""
    return functions.relu(Z), Z


def sigmoid_backward(dA: Any, cache: Any) -> Any:
    """Return dZ; the cache is Z."""
    return stages.activation_backward(dA, cache, "sigmoid")


def relu_backward(dA: Any, cache: Any) -> Any:
    """Return dZ, 0 where Z <= 0; the cache is Z."""
    return stages.activation_backward(dA, cache, "relu")


def initialize_parameters(n_x: int, n_h: int, n_y: int) -> Parameters:
    """Return W1, b1, W2 and b2: 0.01 * randn, from the assignment's seed 1, and zeros."""
    return initial([n_x, n_h, n_y], "small", 1)


def initialize_parameters_deep(layer_dims: Sequence[int]) -> Parameters:
    """Return W1, b1, ..., WL, bL: 0.01 * randn, from the assignment's seed 3, and zeros.

    Too small for a deep network to train: `models.course.deep` has the variant that does.
    """
    return initial(layer_dims, "small", 3)


def linear_forward(A: Any, W: Any, b: Any) -> tuple[Any, tuple[Any, Any, Any]]:
    """Return Z = W A + b and the cache (A, W, b)."""
    return functions.linear(W, A, b), (A, W, b)


def linear_activation_forward(A_prev: Any, W: Any, b: Any, activation: str) -> tuple[Any, tuple[Any, Any]]:
    """Return A and the cache (linear_cache, Z).

    Raises
    ------
    ValueError
        If `activation` is neither "sigmoid" nor "relu".
    """
    Z, linear_cache = linear_forward(A_prev, W, b)
    if activation == "sigmoid":
        A, activation_cache = sigmoid(Z)
    elif activation == "relu":
        A, activation_cache = relu(Z)
    else:
        raise ValueError(f'activation is {activation!r}; expected "sigmoid" or "relu"')
    return A, (linear_cache, activation_cache)


def L_model_forward(X: Any, parameters: Any) -> tuple[Any, list[Any]]:
    """Return AL of relu, ..., relu, sigmoid, and the caches, one for each layer."""
    caches = []
    A = X
    L = len(parameters) // 2
    for l in range(1, L + 1):
        activation = "sigmoid" if l == L else "relu"
        A, cache = linear_activation_forward(A, parameters[f"W{l}"], parameters[f"b{l}"], activation)
        caches.append(cache)
    return A, caches


def compute_cost(AL: Any, Y: Any) -> Any:
    """Return the cross-entropy of the predictions AL.

    Examples
    --------
    >>> print(f"{compute_cost(np.array([[0.8, 0.9, 0.4]]), np.array([[1, 1, 1]])):.12f}")
    0.414931599615
    """
    return functions.binary_cross_entropy(AL, Y)


def linear_backward(dZ: Any, cache: Any) -> tuple[Any, Any, Any]:
    """Return dA_prev, dW and db; the cache is (A_prev, W, b)."""
    return stages.linear_backward(dZ, *cache)


def linear_activation_backward(dA: Any, cache: Any, activation: str) -> tuple[Any, Any, Any]:
    """Return dA_prev, dW and db; the cache is (linear_cache, Z)."""
    linear_cache, activation_cache = cache
    return linear_backward(stages.activation_backward(dA, activation_cache, activation), linear_cache)


def L_model_backward(AL: Any, Y: Any, caches: Any) -> dict[str, Any]:
    """Return the gradients ``{"dA0", "dW1", "db1", "dA1", ...}``.

    ``dA0`` is the gradient by A0 = X. The first releases of the assignment call it ``dA1``, and so on: theirs
    are one too high.

    Examples
    --------
    >>> X, Y = np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([[1, 0]])
    >>> AL, caches = L_model_forward(X, initialize_parameters_deep([2, 3, 1]))
    >>> list(L_model_backward(AL, Y, caches))
    ['dA1', 'dW2', 'db2', 'dA0', 'dW1', 'db1']
    """
    grads: dict[str, Any] = {}
    L = len(caches)
    linear_cache, ZL = caches[-1]
    Y = np.reshape(Y, np.shape(AL))
    if stages.belong(AL, ZL, functions.sigmoid):
        dZ = stages.output_backward(AL, Y, ZL)
    else:
        dZ = sigmoid_backward(stages.probabilities_backward(AL, Y), ZL)
    grads[f"dA{L - 1}"], grads[f"dW{L}"], grads[f"db{L}"] = linear_backward(dZ, linear_cache)
    for l in reversed(range(1, L)):
        grads[f"dA{l - 1}"], grads[f"dW{l}"], grads[f"db{l}"] = linear_activation_backward(
            grads[f"dA{l}"], caches[l - 1], "relu"
        )
    return grads


def update_parameters(parameters: Any, grads: Any, learning_rate: float) -> Parameters:
    """Return the parameters after one step of gradient descent."""
    return stages.step(parameters, grads, learning_rate)
