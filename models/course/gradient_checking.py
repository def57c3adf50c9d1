"""Assignment 2.1, gradient checking, under its own names: J = theta x, and a network of 4, 5, 3 and 1 units.

`backward_propagation_n` returns the right gradients. The assignment's has two mistakes planted, for its
reader to find: ``dW2`` doubled, and ``db1`` with 4/m instead of 1/m; `planted_mistakes` puts them in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from datasets.container import Array
from models.course import three_layers
from models.course.three_layers import gradients_of, relu, sigmoid
from tinygrad_course import grad

__all__ = [
    "backward_propagation",
    "backward_propagation_n",
    "dictionary_to_vector",
    "difference_of",
    "forward_propagation",
    "forward_propagation_n",
    "gradient_check",
    "gradient_check_n",
    "gradients_to_vector",
    "planted_mistakes",
    "relu",
    "sigmoid",
    "vector_to_dictionary",
]

SHAPES = {"W1": (5, 4), "b1": (5, 1), "W2": (3, 5), "b2": (3, 1), "W3": (1, 3), "b3": (1, 1)}


def forward_propagation(x: Any, theta: Any) -> Any:
    """Return J = theta x."""
    return theta * x


def backward_propagation(x: Any, theta: Any) -> Any:
    """Return dJ/dtheta, from the graph.

    Examples
    --------
    >>> print(backward_propagation(2.0, 4.0))
    2.0
    """
    return grad(forward_propagation, argnums=1)(float(x), float(theta))


def difference_of(gradient: Any, gradapprox: Any) -> float:
    """Return the course's measure: the norm of the difference over the sum of the norms."""
    total = np.linalg.norm(gradient) + np.linalg.norm(gradapprox)
    return float(np.linalg.norm(gradient - gradapprox) / total)


def gradient_check(x: Any, theta: Any, epsilon: float = 1e-7) -> float:
    """Say whether `backward_propagation` is right, and return the difference from a numerical derivative.

    Examples
    --------
    >>> difference = gradient_check(2, 4)
    The gradient is correct!
    """
    plus, minus = forward_propagation(x, theta + epsilon), forward_propagation(x, theta - epsilon)
    difference = difference_of(backward_propagation(x, theta), (plus - minus) / (2 * epsilon))
    print(f"The gradient is {'correct' if difference < 1e-7 else 'wrong'}!")
    return difference


def forward_propagation_n(X: Any, Y: Any, parameters: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the cost, as the assignment writes it, and the cache of twelve arrays.

    The assignment's sigmoid and cost to the letter: what the check shows at epsilon = 1e-7 is their rounding.
    """
    _, cache = three_layers.forward_propagation(X, parameters)
    Z3 = cache[8]
    A3 = 1 / (1 + np.exp(-Z3))
    logprobs = np.multiply(-np.log(A3), Y) + np.multiply(-np.log(1 - A3), 1 - Y)
    return 1.0 / X.shape[1] * np.sum(logprobs), (*cache[:9], A3, *cache[10:])


def backward_propagation_n(X: Any, Y: Any, cache: tuple[Any, ...]) -> dict[str, Any]:
    """Return the gradients, from the graph."""
    return gradients_of(X, np.reshape(Y, (1, -1)), cache)


def planted_mistakes(gradients: Mapping[str, Any]) -> dict[str, Any]:
    """Return the gradients as the assignment's faulty `backward_propagation_n` computes them.

    Examples
    --------
    >>> planted_mistakes({"dW2": 1.0, "db1": 1.0, "dW1": 1.0})
    {'dW2': 2.0, 'db1': 4.0, 'dW1': 1.0}
    """
    return {**gradients, "dW2": gradients["dW2"] * 2, "db1": gradients["db1"] * 4}


def dictionary_to_vector(parameters: Mapping[str, Any]) -> tuple[Array, list[str]]:
    """Return all parameters in one column, and for each number the name of its parameter."""
    parts = [np.reshape(parameters[name], (-1, 1)) for name in SHAPES]
    keys = [name for name, part in zip(SHAPES, parts, strict=True) for _ in range(part.size)]
    return np.concatenate(parts), keys


def vector_to_dictionary(theta: Any) -> dict[str, Any]:
    """Return the parameters that the column theta, shape (47, 1), holds."""
    parameters, start = {}, 0
    for name, (n, n_prev) in SHAPES.items():
        parameters[name] = theta[start : start + n * n_prev].reshape(n, n_prev)
        start += n * n_prev
    return parameters


def gradients_to_vector(gradients: Mapping[str, Any]) -> Array:
    """Return dW1, db1, dW2, db2, dW3 and db3 in one column."""
    return np.concatenate([np.reshape(gradients[f"d{name}"], (-1, 1)) for name in SHAPES])


def gradient_check_n(
    parameters: Mapping[str, Any],
    gradients: Mapping[str, Any],
    X: Any,
    Y: Any,
    epsilon: float = 1e-7,
    cost_of: Callable[[Any, Any, Any], Any] = lambda X, Y, p: forward_propagation_n(X, Y, p)[0],
) -> float:
    """Say whether gradients are right, and return their difference from numerical derivatives.

    Parameters
    ----------
    cost_of : callable
        ``cost_of(X, Y, parameters)``; by default the assignment's own cost.
    """
    theta, _ = dictionary_to_vector(parameters)
    gradapprox = np.zeros(theta.shape)
    for i in range(theta.size):
        costs = []
        for sign in (1, -1):
            moved = theta.copy()
            moved[i] += sign * epsilon
            costs.append(cost_of(X, Y, vector_to_dictionary(moved)))
        gradapprox[i] = (costs[0] - costs[1]) / (2 * epsilon)
    difference = difference_of(gradients_to_vector(gradients), gradapprox)
    # Rounding in log(1 - A3) makes a right gradient differ by 1.19e-7, so the later releases ask for 2e-7.
    if difference > 2e-7:
        print(f"There is a mistake in the backward propagation! difference = {difference}")
    else:
        print(f"Your backward propagation works perfectly fine! difference = {difference}")
    return difference
