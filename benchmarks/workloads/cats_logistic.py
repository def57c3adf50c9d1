"""W2: logistic regression on pictures of cats' size, float64: two passes over X, so memory bandwidth."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads.base import Arrays, Network, Row, Runner, training


def make(small: bool) -> Network:
    """Return the work: random pixels, for the arithmetic takes as long on them."""
    stream = np.random.RandomState(1)
    n_x, m = (48, 20) if small else (12288, 209)
    X, Y = stream.rand(n_x, m), (stream.rand(1, m) > 0.65).astype(np.float64)
    return Network({"w": np.zeros((n_x, 1)), "b": np.zeros((1, 1))}, X, Y, "relu", "sigmoid", 1e-4)


def course(work: Network) -> Runner:
    """Return assignment 1.2's propagate and the update."""

    def step(parameters: Arrays, X: Any, Y: Any) -> tuple[Arrays, float]:
        m = X.shape[1]
        w, b = parameters["w"], parameters["b"]
        A = 1 / (1 + np.exp(-(np.dot(w.T, X) + b)))
        J = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
        dw = np.dot(X, (A - Y).T) / m
        db = np.sum(A - Y) / m
        return {"w": w - work.learning_rate * dw, "b": b - work.learning_rate * db}, float(np.squeeze(J))

    return training(work, step)


def tuned(work: Network) -> Runner:
    """Return the step in place, the learning rate in the small factor instead of in dw."""
    X, Y = work.X, work.Y
    m = X.shape[1]
    Z, dZ, dw = np.empty((1, m)), np.empty((1, m)), np.empty((1, X.shape[0]))
    XT = X.T

    def start() -> Any:
        return work.parameters["w"].T.copy(), float(work.parameters["b"][0, 0]), 0.0

    def run(state: Any, n: int) -> Any:
        w, b, J = state
        for _ in range(n):
            np.dot(w, X, Z)
            np.add(Z, b, Z)
            np.negative(Z, Z)
            np.exp(Z, Z)
            np.add(Z, 1.0, Z)
            np.divide(1.0, Z, Z)
            J = -np.sum(np.log(np.where(Y > 0.5, Z, 1 - Z))) / m
            np.subtract(Z, Y, dZ)
            np.multiply(dZ, work.learning_rate / m, dZ)
            np.dot(dZ, XT, dw)
            np.subtract(w, dw, w)
            b -= dZ.sum()
        return w, b, J

    def read(state: Any) -> Arrays:
        w, b, J = state
        return {"w": w.T, "b": np.full((1, 1), b), "J": np.asarray(J)}

    return Runner(start, run, read)


def products(work: Network) -> Runner:
    """Return the two passes over X: w.T X, and X dZ.T."""
    X, w = work.X, work.parameters["w"].T.copy()
    Z, dw = np.ones((1, X.shape[1])), np.empty_like(w)

    def run(state: Any, n: int) -> Any:
        for _ in range(n):
            np.dot(w, X, Z)
            np.dot(Z, X.T, dw)
        return state

    return Runner(lambda: None, run, lambda _: {})


ROW = Row("W2", "cats, logistic regression, float64", make, course, tuned, products)
