"""W1: the flower, 2-4-1, 400 examples, float64: a step so small that it is all overhead."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads.base import Arrays, Network, Row, Runner, initial, training
from datasets import flower


def make(small: bool) -> Network:
    """Return the work."""
    data = flower.load(m=40 if small else 400)
    return Network(initial([2, 4, 1], seed=2), data.X, data.Y, "tanh", "sigmoid", 1.2)


def forward(X: Any, parameters: Arrays) -> Arrays:
    """Go forward as assignment 1.3 does, keeping what the way back needs."""
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    A1 = np.tanh(Z1)
    Z2 = np.dot(parameters["W2"], A1) + parameters["b2"]
    A2 = 1 / (1 + np.exp(-Z2))
    return {"A1": A1, "A2": A2}


def cost(A2: Any, Y: Any) -> float:
    """Return the cross-entropy."""
    m = Y.shape[1]
    logs = np.multiply(np.log(A2), Y) + np.multiply(np.log(1 - A2), 1 - Y)
    return float(np.squeeze(-np.sum(logs) / m))


def backward(parameters: Arrays, cache: Arrays, X: Any, Y: Any) -> Arrays:
    """Go back as assignment 1.3 does."""
    m = X.shape[1]
    dZ2 = cache["A2"] - Y
    dW2 = np.dot(dZ2, cache["A1"].T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.multiply(np.dot(parameters["W2"].T, dZ2), 1 - np.power(cache["A1"], 2))
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def course(work: Network) -> Runner:
    """Return the assignment's step: forward, cost, backward, update."""

    def step(parameters: Arrays, X: Any, Y: Any) -> tuple[Arrays, float]:
        cache = forward(X, parameters)
        J = cost(cache["A2"], Y)
        grads = backward(parameters, cache, X, Y)
        rate = work.learning_rate
        return {name: value - rate * grads[f"d{name}"] for name, value in parameters.items()}, J

    return training(work, step)


def tuned(work: Network) -> Runner:
    """Return the step with the biases in the products, one exp for A2 and the cost, and no new arrays."""
    m = work.X.shape[1]
    X = np.vstack([work.X, np.ones((1, m))])
    n1 = work.parameters["W1"].shape[0]
    A1 = np.ones((n1 + 1, m))  # the last row meets b2
    hidden = A1[:n1]
    dZ1, slope = np.empty((n1, m)), np.empty((n1, m))
    XT, A1T = X.T, A1.T
    E, D = np.empty((1, m)), np.empty((1, m))
    sign = 1 - 2 * work.Y  # -1 where Y is 1
    scaled = sign * (work.learning_rate / m)
    P1_step, P2_step = np.empty((n1, 3)), np.empty((1, n1 + 1))
    ones = np.ones(m)

    def start() -> Any:
        p = work.parameters
        return np.hstack([p["W1"], p["b1"]]), np.hstack([p["W2"], p["b2"]]), 0.0

    def run(state: Any, n: int) -> Any:
        P1, P2, J = state
        W2T = P2[:, :n1].T
        for _ in range(n):
            np.dot(P1, X, hidden)
            np.tanh(hidden, hidden)
            np.dot(P2, A1, E)
            np.multiply(E, sign, E)
            np.exp(E, E)
            np.add(E, 1.0, D)
            np.divide(E, D, E)
            np.log(D, D)
            J = D.dot(ones)[0] / m
            np.multiply(E, scaled, E)  # the learning rate times dJ/dZ2
            np.multiply(W2T, E, dZ1)
            np.multiply(hidden, hidden, slope)
            np.subtract(1.0, slope, slope)
            np.multiply(dZ1, slope, dZ1)
            np.dot(E, A1T, P2_step)
            np.dot(dZ1, XT, P1_step)
            np.subtract(P1, P1_step, P1)
            np.subtract(P2, P2_step, P2)
        return P1, P2, J

    def read(state: Any) -> Arrays:
        P1, P2, J = state
        return {"W1": P1[:, :2], "b1": P1[:, 2:], "W2": P2[:, :n1], "b2": P2[:, n1:], "J": np.asarray(J)}

    return Runner(start, run, read)


ROW = Row("W1", "flower 2-4-1, m = 400, float64", make, course, tuned)
