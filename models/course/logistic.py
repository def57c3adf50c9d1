"""Assignment 1.2 under its own names: logistic regression with w (n_x, 1) and a number b."""

from __future__ import annotations

from typing import Any

import numpy as np

from datasets.container import Array
from models.course.stages import print_cost_at
from tinygrad_course import value_and_grad

__all__ = ["initialize_with_zeros", "model", "optimize", "predict", "propagate", "sigmoid"]


def sigmoid(z: Any) -> Any:
    """Return 1 / (1 + exp(-z)).

    Examples
    --------
    >>> print(f"{sigmoid(0)} {sigmoid(9.2):.12f}")
    0.5 0.999898970806
    """
    from tinygrad_course import functions

    return functions.sigmoid(z)


def initialize_with_zeros(dim: int) -> tuple[Array, float]:
    """Return w of shape (dim, 1) and b, all zeros."""
    return np.zeros((dim, 1)), 0.0


def propagate(w: Any, b: Any, X: Any, Y: Any) -> tuple[dict[str, Any], Any]:
    """Return the gradients ``{"dw", "db"}`` of the cost, and the cost.

    Parameters
    ----------
    w : ndarray, shape (n_x, 1)
    b : float
    X : ndarray, shape (n_x, m)
    Y : ndarray, shape (1, m)

    Examples
    --------
    >>> w, b = np.array([[1.0], [2.0]]), 2.0
    >>> grads, cost = propagate(w, b, np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1, 0]]))
    >>> print(grads["dw"].ravel(), f"{grads['db']:.12f} {cost:.11f}")
    [0.99993216 1.99980262] 0.499935230625 6.00006477319
    """
    from tinygrad_course import functions

    def cost_of(w: Any, b: Any) -> Any:
        return functions.binary_cross_entropy(functions.sigmoid(np.dot(w.T, X) + b), Y)

    cost, (dw, db) = value_and_grad(cost_of, argnums=(0, 1))(w, b)
    return {"dw": dw, "db": db}, cost


def optimize(
    w: Any,
    b: Any,
    X: Any,
    Y: Any,
    num_iterations: int,
    learning_rate: float,
    print_cost: bool = False,
) -> tuple[dict[str, Any], dict[str, Any], list[Any]]:
    """Run gradient descent; return ``params``, the last ``grads``, and the cost of every 100th iteration.

    Raises
    ------
    ValueError
        For fewer than one iteration.
    """
    if num_iterations < 1:
        raise ValueError(f"num_iterations is {num_iterations}; expected 1 or more")
    costs = []
    grads: dict[str, Any] = {}
    for i in range(num_iterations):
        grads, cost = propagate(w, b, X, Y)
        w = w - learning_rate * grads["dw"]
        b = b - learning_rate * grads["db"]
        if i % 100 == 0:
            costs.append(cost)
        print_cost_at(i, cost, 100, print_cost)
    return {"w": w, "b": b}, grads, costs


def predict(w: Any, b: Any, X: Any) -> Array:
    """Return the labels 0. and 1., shape (1, m)."""
    A = sigmoid(np.dot(np.reshape(w, (X.shape[0], 1)).T, X) + b)
    return np.asarray(A > 0.5, dtype=np.float64)


def model(
    X_train: Any,
    Y_train: Any,
    X_test: Any,
    Y_test: Any,
    num_iterations: int = 2000,
    learning_rate: float = 0.5,
    print_cost: bool = False,
) -> dict[str, Any]:
    """Train, print both accuracies, and return the assignment's dict ``d``."""
    w, b = initialize_with_zeros(X_train.shape[0])
    params, _, costs = optimize(w, b, X_train, Y_train, num_iterations, learning_rate, print_cost)
    w, b = params["w"], params["b"]
    predictions = {"train": predict(w, b, X_train), "test": predict(w, b, X_test)}
    for part, Y in (("train", Y_train), ("test", Y_test)):
        print(f"{part} accuracy: {100 - np.mean(np.abs(predictions[part] - Y)) * 100} %")
    return {
        "costs": costs,
        "Y_prediction_test": predictions["test"],
        "Y_prediction_train": predictions["train"],
        "w": w,
        "b": b,
        "learning_rate": learning_rate,
        "num_iterations": num_iterations,
    }
