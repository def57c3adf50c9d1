"""autograd: the raw formulas in its NumPy."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
from autograd import value_and_grad

from benchmarks.contestants.updates import start, with_update
from benchmarks.workloads.base import Elementwise, Gradient, Make, Network, gradients, training, typed
from benchmarks.workloads.elementwise import evaluation as evaluate_elementwise
from benchmarks.workloads.elementwise import total
from benchmarks.workloads.formula import evaluation as evaluate_formula


def makers(work: Any) -> dict[str, Make]:
    """Return autograd for this work."""
    if isinstance(work, Network):
        return {"autograd": lambda: training(work, step(work), lambda: start(work))}
    if isinstance(work, Elementwise):
        return {"autograd": lambda: evaluate_elementwise(work, value_and_grad(total(anp)))}
    if isinstance(work, Gradient):
        if work.key == "convolution":  # it has no windows
            return {}
        return {"autograd": lambda: gradients(work, value_and_grad(work.cost(anp)))}
    return {"autograd": lambda: evaluate_formula(work, formula)}


def step(work: Network) -> Any:
    """Return ``step(state, X, Y)``, which returns the next state and the cost."""
    # its maximum would share the gradient at 0, where the course has none
    cost = typed(work, anp, lambda Z: anp.where(Z > 0, Z, 0))
    return with_update(work, value_and_grad(cost))


_formula = value_and_grad(lambda p: 3 * (p[0] + p[1] * p[2]))


def formula(a: float, b: float, c: float) -> tuple[Any, ...]:
    """Return J = 3(a + bc) and its gradients."""
    J, (da, db, dc) = _formula((a, b, c))
    return J, da, db, dc
