"""MyGrad, its memory guards off, as its documentation advises for speed."""

from __future__ import annotations

from typing import Any

import mygrad as mg
import numpy as np
from mygrad.nnet.activations import relu, sigmoid
from mygrad.nnet.losses import softmax_crossentropy

from benchmarks.contestants.updates import start, with_update
from benchmarks.workloads.base import Elementwise, Gradient, Make, Network, logits, training
from benchmarks.workloads.elementwise import evaluation as evaluate_elementwise
from benchmarks.workloads.formula import evaluation as evaluate_formula


def makers(work: Any) -> dict[str, Make]:
    """Return MyGrad for this work."""
    mg.turn_memory_guarding_off()
    if isinstance(work, Network):
        batches = work.batches
        if work.output == "softmax":  # its cost wants the classes
            batches = [(X, np.argmax(Y, axis=0)) for X, Y in batches]
        return {"mygrad": lambda: training(work, step(work), lambda: start(work), batches)}
    if isinstance(work, Elementwise):
        return {"mygrad": lambda: evaluate_elementwise(work, total)}
    if isinstance(work, Gradient):
        return {}
    return {"mygrad": lambda: evaluate_formula(work, formula)}


def step(work: Network) -> Any:
    """Return ``step(state, X, Y)``, which returns the next state and the cost."""

    def cost(p: Any, X: Any, Y: Any) -> Any:
        hidden = mg.tanh if work.hidden == "tanh" else relu
        Z = logits(p, X, hidden, lambda W, A, b: mg.matmul(W, A) + b)
        if work.output == "softmax":
            return softmax_crossentropy(Z.T, Y)
        A = sigmoid(Z)
        return -mg.sum(Y * mg.log(A) + (1 - Y) * mg.log(1 - A)) / X.shape[1]

    def with_gradients(parameters: Any, X: Any, Y: Any) -> Any:
        p = {name: mg.tensor(W, copy=False) for name, W in parameters.items()}
        J = cost(p, X, Y)
        J.backward()
        return J.data, {name: W.grad for name, W in p.items()}

    return with_update(work, with_gradients)


def total(array: Any) -> tuple[Any, Any]:
    """Return the sum of W7 and its gradient."""
    x = mg.tensor(array, copy=False)
    J = mg.sum(sigmoid(x) * mg.tanh(x) + mg.log1p(mg.exp(-mg.abs(x))))
    J.backward()
    return J.data, x.grad


def formula(a: float, b: float, c: float) -> tuple[Any, ...]:
    """Return J = 3(a + bc) and its gradients."""
    ta, tb, tc = mg.tensor(a), mg.tensor(b), mg.tensor(c)
    J = 3 * (ta + tb * tc)
    J.backward()
    return J.data, ta.grad, tb.grad, tc.grad
