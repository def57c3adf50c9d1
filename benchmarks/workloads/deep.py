"""W3 and W5's work by hand: a deep network as assignment 1.4 writes it, and the same in kept buffers."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads.base import Arrays, Network, Runner, copies, training


def sigmoid(Z: Any) -> Any:
    """Return 1 / (1 + exp(-Z))."""
    return 1 / (1 + np.exp(-Z))


def softmax(Z: Any) -> Any:
    """Return each column's exponentials as shares."""
    E = np.exp(Z - np.max(Z, axis=0, keepdims=True))
    return E / np.sum(E, axis=0, keepdims=True)


def linear_backward(dZ: Any, A_prev: Any, W: Any) -> tuple[Any, Any, Any]:
    """Return dA_prev, dW and db of a layer, for the first layer too."""
    m = A_prev.shape[1]
    return np.dot(W.T, dZ), np.dot(dZ, A_prev.T) / m, np.sum(dZ, axis=1, keepdims=True) / m


def relu_backward(dA: Any, Z: Any) -> Any:
    """Return dZ: dA where Z is positive."""
    dZ = np.array(dA, copy=True)
    dZ[Z <= 0] = 0
    return dZ


def course(work: Network) -> Runner:
    """Return assignment 1.4's step: caches of every layer, dA of every layer, A0 = X included."""
    L = len(work.parameters) // 2
    softmax_last = work.output == "softmax"

    def forward(X: Any, parameters: Arrays) -> tuple[Any, list[Any]]:
        A, caches = X, []
        for l in range(1, L + 1):
            A_prev, W = A, parameters[f"W{l}"]
            Z = np.dot(W, A_prev) + parameters[f"b{l}"]
            A = np.maximum(0, Z) if l < L else (softmax(Z) if softmax_last else sigmoid(Z))
            caches.append((A_prev, W, Z))
        return A, caches

    def cost(AL: Any, Y: Any) -> float:
        m = Y.shape[1]
        if softmax_last:
            return float(-np.sum(Y * np.log(AL)) / m)
        return float(np.squeeze((-np.dot(Y, np.log(AL).T) - np.dot(1 - Y, np.log(1 - AL).T)) / m))

    def backward(AL: Any, Y: Any, caches: list[Any]) -> Arrays:
        grads: Arrays = {}
        A_prev, W, Z = caches[L - 1]
        if softmax_last:
            dZ = AL - Y
        else:
            dAL = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
            s = sigmoid(Z)
            dZ = dAL * s * (1 - s)
        dA, grads[f"dW{L}"], grads[f"db{L}"] = linear_backward(dZ, A_prev, W)
        for l in range(L - 1, 0, -1):
            A_prev, W, Z = caches[l - 1]
            dA, grads[f"dW{l}"], grads[f"db{l}"] = linear_backward(relu_backward(dA, Z), A_prev, W)
        return grads

    def step(parameters: Arrays, X: Any, Y: Any) -> tuple[Arrays, float]:
        AL, caches = forward(X, parameters)
        J = cost(AL, Y)
        grads = backward(AL, Y, caches)
        return {name: W - work.learning_rate * grads[f"d{name}"] for name, W in parameters.items()}, J

    return training(work, step)


def tuned(work: Network) -> Runner:
    """Return the step in kept buffers, without dA0, the learning rate in the last layer's dZ."""
    L, X, Y = len(work.parameters) // 2, work.X, work.Y
    m, dtype = X.shape[1], X.dtype
    rows = [work.parameters[f"W{l}"].shape[0] for l in range(1, L + 1)]
    A = [X] + [np.empty((n, m), dtype) for n in rows]
    AT = [a.T for a in A]
    dZ = [np.empty((0, 0))] + [np.empty((n, m), dtype) for n in rows]
    masks = [np.empty((n, m), bool) for n in [0, *rows]]
    dP = {name: np.empty_like(value) for name, value in work.parameters.items()}
    scale = dtype.type(work.learning_rate / m)

    def run(state: Any, n: int) -> Any:
        p, J = state
        layers = [(p[f"W{l}"], p[f"b{l}"], dP[f"W{l}"], dP[f"b{l}"]) for l in range(1, L + 1)]
        for _ in range(n):
            for l, (W, b, _, _) in enumerate(layers, 1):
                Z = np.dot(W, A[l - 1], A[l])
                np.add(Z, b, Z)
                if l < L:
                    np.maximum(Z, 0, out=Z)
            J = _cost_and_slope(work, Z, Y, dZ[L])
            np.multiply(dZ[L], scale, dZ[L])
            for l in range(L, 0, -1):
                W, b, dW, db = layers[l - 1]
                np.dot(dZ[l], AT[l - 1], dW)
                np.sum(dZ[l], axis=1, keepdims=True, out=db)
                if l > 1:
                    np.dot(W.T, dZ[l], dZ[l - 1])
                    np.greater(A[l - 1], 0, masks[l - 1])
                    np.multiply(dZ[l - 1], masks[l - 1], dZ[l - 1])
                np.subtract(W, dW, W)
                np.subtract(b, db, b)
        return p, J

    def read(state: Any) -> Arrays:
        return dict(state[0]) | {"J": np.asarray(state[1])}

    return Runner(lambda: (copies(work.parameters), 0.0), run, read)


def _cost_and_slope(work: Network, Z: Any, Y: Any, dZ: Any) -> float:
    """Return the cost from the logits, and put m dJ/dZ into dZ; Z is overwritten."""
    m = Y.shape[1]
    if work.output == "softmax":
        np.subtract(Z, np.max(Z, axis=0, keepdims=True), Z)
        chosen = np.vdot(Y, Z)
        np.exp(Z, dZ)
        total = np.sum(dZ, axis=0, keepdims=True)
        np.divide(dZ, total, dZ)
        np.subtract(dZ, Y, dZ)
        return float(np.sum(np.log(total)) - chosen) / m
    np.negative(Z, dZ)
    np.exp(dZ, dZ)
    np.add(dZ, 1, dZ)
    J = float(np.sum(np.log(dZ)) + np.vdot(1 - Y, Z)) / m
    np.divide(1, dZ, dZ)
    np.subtract(dZ, Y, dZ)
    return J


def products(work: Network) -> Runner:
    """Return NumPy's products of a step, into kept arrays: W A, dZ A.T, W.T dZ but in layer 1."""
    L, m, dtype = len(work.parameters) // 2, work.X.shape[1], work.X.dtype
    W = [work.parameters[f"W{l}"] for l in range(1, L + 1)]
    A = [work.X] + [np.ones((w.shape[0], m), dtype) for w in W]
    Z = [np.empty_like(a) for a in A]
    calls = [(W[l], A[l], Z[l + 1]) for l in range(L)]
    calls += [(A[l + 1], A[l].T, np.empty_like(W[l])) for l in range(L)]
    calls += [(W[l].T, A[l + 1], Z[l]) for l in range(1, L)]

    def run(state: Any, n: int) -> Any:
        for _ in range(n):
            for left, right, into in calls:
                np.dot(left, right, into)
        return state

    return Runner(lambda: None, run, lambda _: {})
