"""The recorder and the compiled programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.contestants import bare, layers
from benchmarks.contestants.updates import start, with_update
from benchmarks.workloads.base import (
    Elementwise,
    Formula,
    Gradient,
    Make,
    Network,
    Runner,
    gradients,
    logits,
    training,
    typed,
)
from benchmarks.workloads.elementwise import evaluation as evaluate_elementwise
from benchmarks.workloads.elementwise import total
from benchmarks.workloads.formula import evaluation as evaluate_formula
from tinygrad_course import Tensor, compiled, compiled_loop, functions, value_and_grad

Cost = Callable[..., Any]


def makers(work: Any) -> dict[str, Make]:
    """Return the recorder and the compiled programs for this work."""
    if isinstance(work, Network):
        return bare.makers(work, raw(work)) | networks(work)
    if isinstance(work, Gradient):
        return costs(work)
    return elementwise(work) if isinstance(work, Elementwise) else bare.makers(work, None) | formula(work)


# ------------------------------------------------------------------ networks


def raw(work: Network) -> Cost:
    """Return the cost as the course's formulas are typed."""
    return typed(work, np, lambda Z: np.maximum(0, Z))


def with_functions(work: Network) -> Cost:
    """Return the cost in the library's own functions."""
    hidden, softmax = functions.tanh if work.hidden == "tanh" else functions.relu, work.output == "softmax"

    def cost(parameters: Any, X: Any, Y: Any) -> Any:
        Z = logits(parameters, X, hidden, functions.linear)
        if softmax:
            return functions.categorical_cross_entropy(functions.softmax(Z), Y)
        return functions.binary_cross_entropy(functions.sigmoid(Z), Y)

    return cost


def networks(work: Network) -> dict[str, Make]:
    """Return the five ways to train a network."""

    def stepping(step: Callable[..., Any]) -> Runner:
        return training(work, step, lambda: start(work))

    return {
        "raw": lambda: stepping(with_update(work, value_and_grad(raw(work)))),
        "functions": lambda: stepping(with_update(work, value_and_grad(with_functions(work)))),
        "compiled": lambda: stepping(compiled(with_update(work, value_and_grad(raw(work))))),
        "machine": lambda: stepping(compiled(with_update(work, value_and_grad(raw(work))), engine="machine")),
        "loop": lambda: looping(work),
    }


def looping(work: Network) -> Runner:
    """Return the whole loop in one call."""
    loop = compiled_loop(with_update(work, value_and_grad(raw(work))))

    def run(carry: Any, n: int) -> Any:
        state, costs = loop(carry[0], work.X, work.Y, iterations=n, batch_size=work.batch_size)
        return state, costs[-1]

    return Runner(lambda: (start(work), 0.0), run, training(work, _none).read)


def _none(state: Any, X: Any, Y: Any) -> Any:
    raise NotImplementedError


# ------------------------------------------------------------------ the others


def costs(work: Gradient) -> dict[str, Make]:
    """Return value_and_grad of a cost, as typed and in the library's functions, recorded and compiled."""
    functional = {"gpt": layers.gpt, "convolution": layers.convolution, "lstm": layers.lstm}[work.key]
    raw, named = value_and_grad(work.cost(np)), value_and_grad(functional)
    return {
        "raw": lambda: gradients(work, raw),
        "functions": lambda: gradients(work, named),
        "compiled": lambda: gradients(work, compiled(raw)),
        "machine": lambda: gradients(work, compiled(raw, engine="machine")),
    }


def elementwise(work: Elementwise) -> dict[str, Make]:
    """Return value_and_grad of the formula, recorded and compiled."""
    raw = total(np)

    def named(x: Any) -> Any:
        return np.sum(functions.sigmoid(x) * np.tanh(x) + np.log1p(np.exp(-np.abs(x))))

    return {
        "raw": lambda: evaluate_elementwise(work, value_and_grad(raw)),
        "functions": lambda: evaluate_elementwise(work, value_and_grad(named)),
        "compiled": lambda: evaluate_elementwise(work, compiled(_both(raw))),
        "machine": lambda: evaluate_elementwise(work, compiled(_both(raw), engine="machine")),
    }


def _both(f: Cost) -> Callable[[Any], Any]:
    with_gradient = value_and_grad(f)
    return lambda x: with_gradient(x)  # noqa: PLW0108  (what is compiled is a function of named arguments)


def formula(work: Formula) -> dict[str, Make]:
    """Return J = 3(a + bc) with its three gradients."""

    def record(a: float, b: float, c: float) -> tuple[Any, ...]:
        ta, tb, tc = Tensor(a), Tensor(b), Tensor(c)
        J = 3 * (ta + tb * tc)
        J.backward()
        return J.data, ta.grad, tb.grad, tc.grad

    with_gradients = value_and_grad(lambda a, b, c: 3 * (a + b * c), argnums=(0, 1, 2))

    def both(a: float, b: float, c: float) -> tuple[Any, ...]:
        J, (da, db, dc) = with_gradients(a, b, c)
        return J, da, db, dc

    def make(f: Callable[..., Any], engine: str) -> Runner:
        program = compiled(f, engine)
        return evaluate_formula(work, program)

    return {
        "raw": lambda: evaluate_formula(work, record),
        "compiled": lambda: make(both, "numpy"),
        "machine": lambda: make(both, "machine"),
    }
