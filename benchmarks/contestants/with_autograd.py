"""autograd: the raw formulas in its NumPy."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
from autograd import value_and_grad

from benchmarks.contestants.updates import start, with_update
from benchmarks.workloads.base import Elementwise, Gradient, Make, Network, gradients, training
from benchmarks.workloads.elementwise import evaluation as evaluate_elementwise
from benchmarks.workloads.formula import evaluation as evaluate_formula


def makers(work: Any) -> dict[str, Make]:
    """Return autograd for this work."""
    if isinstance(work, Network):
        return {"autograd": lambda: training(work, step(work), lambda: start(work))}
    if isinstance(work, Elementwise):
        return {"autograd": lambda: evaluate_elementwise(work, value_and_grad(total))}
    if isinstance(work, Gradient):
        if work.key == "convolution":  # it has no windows
            return {}
        return {"autograd": lambda: gradients(work, value_and_grad(work.cost(anp)))}
    return {"autograd": lambda: evaluate_formula(work, formula)}


def step(work: Network) -> Any:
    """Return ``step(state, X, Y)``, which returns the next state and the cost."""

    def cost(p: Any, X: Any, Y: Any) -> Any:
        A = X
        if "w" in p:
            Z = anp.dot(p["w"].T, X) + p["b"]
        else:
            L = len(p) // 2
            for l in range(1, L + 1):
                Z = anp.dot(p[f"W{l}"], A) + p[f"b{l}"]
                if l < L:  # its maximum would share the gradient at 0, where the course has none
                    A = anp.tanh(Z) if work.hidden == "tanh" else anp.where(Z > 0, Z, 0)
        if work.output == "softmax":
            E = anp.exp(Z - anp.max(Z, axis=0, keepdims=True))
            return -anp.sum(Y * anp.log(E / anp.sum(E, axis=0, keepdims=True))) / X.shape[1]
        A = 1 / (1 + anp.exp(-Z))
        return -anp.sum(Y * anp.log(A) + (1 - Y) * anp.log(1 - A)) / X.shape[1]

    return with_update(work, value_and_grad(cost))


def total(x: Any) -> Any:
    """Return the sum of W7."""
    s = 1 / (1 + anp.exp(-x))
    return anp.sum(s * anp.tanh(x) + anp.log1p(anp.exp(-anp.abs(x))))


_formula = value_and_grad(lambda p: 3 * (p[0] + p[1] * p[2]))


def formula(a: float, b: float, c: float) -> tuple[Any, ...]:
    """Return J = 3(a + bc) and its gradients."""
    J, (da, db, dc) = _formula((a, b, c))
    return J, da, db, dc
