"""W4: the moons, 2-5-2-1, mini-batches of 64, Adam: tiny steps with much bookkeeping."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from benchmarks.workloads.base import Arrays, Network, Row, Runner, copies, initial, training
from datasets import moons

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def make(small: bool) -> Network:
    """Return the work: a pass over 300 points takes five steps, the last with 44 of them."""
    data = moons.load(m=150 if small else 300)
    return Network(initial([2, 5, 2, 1], seed=3), data.X, data.Y, "relu", "sigmoid", 0.0007, 64, adam=True)


def gradients(parameters: Arrays, X: Any, Y: Any) -> tuple[Arrays, float]:
    """Go forward and back as assignment 2.2's helpers do, for three layers written out."""
    m = X.shape[1]
    W2, W3 = parameters["W2"], parameters["W3"]
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + parameters["b2"]
    A2 = np.maximum(0, Z2)
    A3 = 1 / (1 + np.exp(-(np.dot(W3, A2) + parameters["b3"])))
    logs = np.multiply(-np.log(A3), Y) + np.multiply(-np.log(1 - A3), 1 - Y)
    J = float(np.sum(logs) / m)
    dZ3 = (A3 - Y) / m
    dA2 = np.dot(W3.T, dZ3)
    dZ2 = np.multiply(dA2, np.int64(A2 > 0))
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = np.multiply(dA1, np.int64(A1 > 0))
    grads = {
        "dW3": np.dot(dZ3, A2.T),
        "db3": np.sum(dZ3, axis=1, keepdims=True),
        "dW2": np.dot(dZ2, A1.T),
        "db2": np.sum(dZ2, axis=1, keepdims=True),
        "dW1": np.dot(dZ1, X.T),
        "db1": np.sum(dZ1, axis=1, keepdims=True),
    }
    return grads, J


def course(work: Network) -> Runner:
    """Return assignment 2.2's step: the gradients, then Adam, one array after the other."""

    def start() -> Any:
        zeros = {f"d{name}": np.zeros_like(value) for name, value in work.parameters.items()}
        return copies(work.parameters), zeros, copies(zeros), 0

    def step(state: Any, X: Any, Y: Any) -> Any:
        parameters, v, s, t = state
        grads, J = gradients(parameters, X, Y)
        t += 1
        after: Arrays = {}
        for name, value in parameters.items():
            d = f"d{name}"
            v[d] = BETA1 * v[d] + (1 - BETA1) * grads[d]
            s[d] = BETA2 * s[d] + (1 - BETA2) * np.square(grads[d])
            v_corrected = v[d] / (1 - np.power(BETA1, t))
            s_corrected = s[d] / (1 - np.power(BETA2, t))
            after[name] = value - work.learning_rate * v_corrected / (np.sqrt(s_corrected) + EPSILON)
        return (after, v, s, t), J

    return training(work, step, start)


def tuned(work: Network) -> Runner:
    """Return the step with all parameters in one vector, the biases in the products, kept buffers."""
    sizes = [work.parameters["W1"].shape[1]] + [work.parameters[f"W{l}"].shape[0] for l in (1, 2, 3)]
    batches = [_Buffers(sizes, X, Y) for X, Y in work.batches]
    count = sum(n * (before + 1) for before, n in itertools.pairwise(sizes))
    grads, root = np.empty(count), np.empty(count)
    dP1, dP2, dP3 = _blocks(grads, sizes)

    def start() -> Any:
        theta = np.empty(count)
        for l, block in enumerate(_blocks(theta, sizes), 1):
            block[:, :-1], block[:, -1:] = work.parameters[f"W{l}"], work.parameters[f"b{l}"]
        return theta, np.zeros(count), np.zeros(count), 0, 0.0

    def run(state: Any, n: int) -> Any:
        theta, v, s, t, J = state
        P1, P2, P3 = _blocks(theta, sizes)
        W2T, W3T = P2[:, :-1].T, P3[:, :-1].T
        for _ in range(n):
            for B in batches:
                J = B.forward(P1, P2, P3)
                B.backward(W2T, W3T, dP1, dP2, dP3)
                t += 1
                v *= BETA1
                s *= BETA2
                np.multiply(grads, 1 - BETA1, root)
                np.add(v, root, v)
                np.multiply(grads, grads, root)
                np.multiply(root, 1 - BETA2, root)
                np.add(s, root, s)
                # rate (v / cv) / (sqrt(s / cs) + epsilon), multiplied through by sqrt(cs)
                roots = (1 - BETA2**t) ** 0.5
                np.sqrt(s, root)
                np.add(root, EPSILON * roots, root)
                np.divide(v, root, root)
                np.multiply(root, work.learning_rate * roots / (1 - BETA1**t), root)
                np.subtract(theta, root, theta)
        return theta, v, s, t, J

    def read(state: Any) -> Arrays:
        found: Arrays = {"J": np.asarray(state[4])}
        for l, block in enumerate(_blocks(state[0], sizes), 1):
            found[f"W{l}"], found[f"b{l}"] = block[:, :-1], block[:, -1:]
        return found

    return Runner(start, run, read)


def _blocks(theta: Any, sizes: list[int]) -> list[Any]:
    """Return the layers' views of a flat vector: W and b side by side."""
    found, begin = [], 0
    for before, n in itertools.pairwise(sizes):
        end = begin + n * (before + 1)
        found.append(theta[begin:end].reshape(n, before + 1))
        begin = end
    return found


class _Buffers:
    """What one mini-batch's pass writes into."""

    def __init__(self, sizes: list[int], X: Any, Y: Any) -> None:
        self.m = m = X.shape[1]
        self.X = np.vstack([X, np.ones((1, m))])
        self.A1, self.A2 = np.ones((sizes[1] + 1, m)), np.ones((sizes[2] + 1, m))
        self.h1, self.h2 = self.A1[:-1], self.A2[:-1]
        self.XT, self.A1T, self.A2T = self.X.T, self.A1.T, self.A2.T
        self.d1, self.d2 = np.empty((sizes[1], m)), np.empty((sizes[2], m))
        self.k1, self.k2 = np.empty((sizes[1], m), bool), np.empty((sizes[2], m), bool)
        self.E, self.D = np.empty((1, m)), np.empty((1, m))
        self.sign = 1 - 2 * Y
        self.scaled = self.sign / m
        self.ones = np.ones(m)

    def forward(self, P1: Any, P2: Any, P3: Any) -> Any:
        """Return the cost."""
        np.dot(P1, self.X, self.h1)
        np.maximum(self.h1, 0.0, out=self.h1)
        np.dot(P2, self.A1, self.h2)
        np.maximum(self.h2, 0.0, out=self.h2)
        E, D = self.E, self.D
        np.dot(P3, self.A2, E)
        np.multiply(E, self.sign, E)
        np.exp(E, E)
        np.add(E, 1.0, D)
        np.divide(E, D, E)
        np.log(D, D)
        return D.dot(self.ones)[0] / self.m

    def backward(self, W2T: Any, W3T: Any, dP1: Any, dP2: Any, dP3: Any) -> None:
        """Put the gradients into dP1, dP2, dP3."""
        np.multiply(self.E, self.scaled, self.E)
        np.dot(self.E, self.A2T, dP3)
        np.multiply(W3T, self.E, self.d2)
        np.greater(self.h2, 0.0, self.k2)
        np.multiply(self.d2, self.k2, self.d2)
        np.dot(self.d2, self.A1T, dP2)
        np.dot(W2T, self.d2, self.d1)
        np.greater(self.h1, 0.0, self.k1)
        np.multiply(self.d1, self.k1, self.d1)
        np.dot(self.d1, self.XT, dP1)


ROW = Row("W4", "moons 2-5-2-1, batches of 64, Adam, float64", make, course, tuned)
