"""Gradient descent and Adam around gradients that are NumPy arrays, whoever computed them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.workloads.base import Network, copies
from tinygrad_course import Adam


def with_update(work: Network, with_gradients: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``step(state, X, Y)``, which returns the next state and the cost."""
    adam, rate = Adam(work.learning_rate), work.learning_rate

    def descend(p: Any, X: Any, Y: Any) -> Any:
        J, grads = with_gradients(p, X, Y)
        return {name: W - rate * grads[name] for name, W in p.items()}, J

    def descend_with_adam(state: Any, X: Any, Y: Any) -> Any:
        J, grads = with_gradients(state[0], X, Y)
        return adam.update(state[0], grads, state[1]), J

    return descend_with_adam if work.adam else descend


def start(work: Network) -> Any:
    """Return the first state: parameters, and Adam's with them."""
    parameters = copies(work.parameters)
    return (parameters, Adam(work.learning_rate).init(parameters)) if work.adam else parameters
