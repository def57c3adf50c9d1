"""W10: an LSTM over 50 steps of time in the course's notation, the gradient of its mean cross-entropy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads.base import Arrays, Gradient, Row, Runner, gradients, multiplications

N_A, N_X, N_Y = 32, 16, 10  # units, features, classes
GATES = "fico"  # forget, update (input), candidate, output


def make(small: bool) -> Gradient:
    """Return the work: x (n_x, m, T_x) and the classes one-hot (n_y, m, T_x), m = 32."""
    m, T = (4, 5) if small else (32, 50)
    rng = np.random.default_rng(0)
    parameters = {f"W{g}": rng.normal(0, 0.2, (N_A, N_A + N_X)).astype("f4") for g in GATES}
    parameters |= {f"b{g}": np.zeros((N_A, 1), "f4") for g in GATES}
    parameters |= {"Wy": rng.normal(0, 0.2, (N_Y, N_A)).astype("f4"), "by": np.zeros((N_Y, 1), "f4")}
    x = rng.normal(size=(N_X, m, T)).astype("f4")
    Y = np.eye(N_Y, dtype="f4")[rng.integers(0, N_Y, (m, T))].transpose(2, 0, 1)
    return Gradient("lstm", parameters, (x, np.ascontiguousarray(Y)), cost)


def cost(xp: Any) -> Callable[..., Any]:
    """Return the cost as typed."""

    def sigmoid(z: Any) -> Any:
        return 1 / (1 + xp.exp(-z))

    def of(p: Any, x: Any, Y: Any) -> Any:
        _, m, T = x.shape
        a = c = xp.zeros((N_A, m), "f4")
        J = 0.0
        for t in range(T):
            concat = xp.concatenate([a, x[:, :, t]])
            forget = sigmoid(p["Wf"] @ concat + p["bf"])
            update = sigmoid(p["Wi"] @ concat + p["bi"])
            candidate = xp.tanh(p["Wc"] @ concat + p["bc"])
            c = forget * c + update * candidate
            output = sigmoid(p["Wo"] @ concat + p["bo"])
            a = output * xp.tanh(c)
            z = p["Wy"] @ a + p["by"]
            z = z - xp.max(z, axis=0, keepdims=True)
            J = J - xp.sum(Y[:, :, t] * (z - xp.log(xp.sum(xp.exp(z), axis=0, keepdims=True))))
        return J / (m * T)

    return of


def course(work: Gradient) -> Runner:
    """Return forward and backward pass by hand, as the course's assignment on recurrent networks does."""
    return gradients(work, by_hand)


def by_hand(p: Arrays, x: Any, Y: Any) -> tuple[Any, Arrays]:
    """Return the cost and its gradients, backwards through time."""
    _, m, T = x.shape
    a = c = np.zeros((N_A, m), "f4")
    J, caches = 0.0, []
    for t in range(T):
        concat = np.concatenate([a, x[:, :, t]])
        f, i, o = (1 / (1 + np.exp(-(p[f"W{g}"] @ concat + p[f"b{g}"]))) for g in "fio")
        cc = np.tanh(p["Wc"] @ concat + p["bc"])
        c_prev, c = c, f * c + i * cc
        tanh_c = np.tanh(c)
        a = o * tanh_c
        z = p["Wy"] @ a + p["by"]
        z = z - z.max(0, keepdims=True)
        e = np.exp(z)
        total = e.sum(0, keepdims=True)
        J -= np.sum(Y[:, :, t] * (z - np.log(total)))
        caches.append((concat, f, i, cc, o, c_prev, tanh_c, a, (e / total - Y[:, :, t]) / (m * T)))
    grads = {name: np.zeros_like(value) for name, value in p.items()}
    da, dc = np.zeros_like(a), np.zeros_like(c)
    for concat, f, i, cc, o, c_prev, tanh_c, a, dz in reversed(caches):
        grads["Wy"] += dz @ a.T
        grads["by"] += dz.sum(1, keepdims=True)
        da = da + p["Wy"].T @ dz
        dc = dc + da * o * (1 - tanh_c**2)
        slopes = {
            "f": dc * c_prev * f * (1 - f),
            "i": dc * cc * i * (1 - i),
            "c": dc * i * (1 - cc**2),
            "o": da * tanh_c * o * (1 - o),
        }
        dconcat = np.zeros_like(concat)
        for g, d in slopes.items():
            grads[f"W{g}"] += d @ concat.T
            grads[f"b{g}"] += d.sum(1, keepdims=True)
            dconcat += p[f"W{g}"].T @ d
        da, dc = dconcat[:N_A], dc * f
    return J / (m * T), grads


def products(work: Gradient) -> Runner:
    """Return NumPy's products of a gradient: those with a step by step, all others over all steps at once."""
    _, m, T = work.arguments[0].shape
    units, steps = len(GATES) * N_A, m * T
    of_x, of_a = (units, N_X, steps), [(units, N_A, m), (N_A, units, m)] * T
    out = (N_Y, N_A, steps), (N_Y, steps, N_A), (N_A, N_Y, steps)
    return multiplications(of_x, *of_a, *out, (units, steps, N_X + N_A))


TITLE = "LSTM, 50 steps of time, 32 units, 32 examples, float32, gradient"
ROW = Row("W10", TITLE, make, course, None, products)
