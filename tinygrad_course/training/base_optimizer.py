"""What all optimisers have in common: the number of updates, the learning rate, clipping, weight decay."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np

from tinygrad_course.engine import trees
from tinygrad_course.functions.costs import is_weight
from tinygrad_course.training.schedules import Rate, ReduceOnPlateau, check_rate

__all__ = ["BaseOptimizer", "Nest", "Optimizer", "State", "map_nest", "plain_number", "settings"]

Nest = Any
State = dict[str, Any]


class Optimizer(Protocol):
    """What `fit` asks of an optimiser."""

    @property
    def learning_rate(self) -> Rate:
        """The step's size, or a function of how many updates were made."""

    def init(self, parameters: Nest) -> State:
        """Return the state before the first update."""

    def update(self, parameters: Nest, grads: Nest, state: State) -> tuple[Nest, State]:
        """Return the parameters and the state after one update."""


@dataclass(frozen=True, repr=False)
class BaseOptimizer:
    """What all optimisers have: the number of updates, the rate, clipping before a step, decay beside it.

    A kind of optimiser says what it keeps of each parameter (`_kept`) and how it steps (`_stepped`).
    """

    _kept: ClassVar[tuple[str, ...]] = ()

    learning_rate: Rate = 0.01
    weight_decay: float = field(default=0.0, kw_only=True)
    clip_norm: float | None = field(default=None, kw_only=True)
    clip_value: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_rate(self.learning_rate)
        if not self.weight_decay >= 0:
            raise ValueError(f"weight_decay is {self.weight_decay}; expected a number that is not negative")
        for name in ("clip_norm", "clip_value"):
            bound = getattr(self, name)
            if bound is not None and not bound > 0:
                raise ValueError(f"{name} is {bound}; expected a number above 0, or None")
        for name in ("beta", "beta1", "beta2"):
            share = getattr(self, name, 0.0)
            if not 0 <= share < 1:
                raise ValueError(f"{name} is {share}; expected a number from 0 up to, not including, 1")
        epsilon = getattr(self, "epsilon", 1.0)
        if not epsilon > 0:
            raise ValueError(f"epsilon is {epsilon}; expected a small number above 0, such as 1e-8")

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in settings(self).items())
        return f"{type(self).__name__}({told})"

    def init(self, parameters: Nest) -> State:
        """Return the state before the first update: t, how many were made, and what is kept of parameters.

        Momentum keeps v, RMSprop s, Adam v and s, all zeros of the parameters' structure.
        """
        state: State = {"t": np.float64(0.0)}
        if isinstance(self.learning_rate, ReduceOnPlateau):
            state["plateau"] = self.learning_rate.init()
        return state | {name: map_nest(np.zeros_like, parameters) for name in self._kept}

    def update(self, parameters: Nest, grads: Nest, state: State) -> tuple[Nest, State]:
        """Return the parameters and the state after one update."""
        _check_gradients(parameters, grads)
        alpha = self._rate(state)
        stepped, kept = self._stepped(alpha, parameters, self._clipped(grads), state)
        if self.weight_decay:
            stepped = _decayed(stepped, parameters, alpha * self.weight_decay)
        return stepped, {**state, "t": state["t"] + 1.0, **kept}

    def _stepped(self, alpha: Any, parameters: Nest, grads: Nest, state: State) -> tuple[Nest, State]:
        raise NotImplementedError

    def _rate(self, state: State) -> Any:
        if isinstance(self.learning_rate, ReduceOnPlateau):
            return plain_number(state["plateau"]["rate"])
        return (
            plain_number(self.learning_rate(state["t"]))
            if callable(self.learning_rate)
            else self.learning_rate
        )

    def _clipped(self, grads: Nest) -> Nest:
        if self.clip_value is not None:
            bound = self.clip_value
            grads = map_nest(lambda dW: np.clip(dW, -bound, bound), grads)
        if self.clip_norm is not None:
            squares: Any = 0.0
            for _, dW in trees.leaves(grads):
                squares = squares + np.sum(np.square(dW))
            factor = plain_number(self.clip_norm / np.maximum(np.sqrt(squares), self.clip_norm))
            grads = map_nest(lambda dW: dW * factor, grads)
        return grads


def settings(optimizer: Any) -> dict[str, Any]:
    """Return the fields of a dataclass by name; those by keyword alone only where they are no default."""
    return {
        f.name: getattr(optimizer, f.name)
        for f in dataclasses.fields(optimizer)
        if f.init and not (f.kw_only and getattr(optimizer, f.name) == f.default)
    }


def plain_number(x: Any) -> Any:
    """Return a NumPy scalar as Python's number, which leaves float32 arrays what they are."""
    return x.item() if hasattr(x, "item") else x


def map_nest(f: Callable[..., Any], nest: Nest, *others: Nest) -> Nest:
    """Return `trees.tree_map`; a flat dict, which parameters mostly are, goes straight through."""
    if _flat(nest):
        return {name: f(value, *[other[name] for other in others]) for name, value in nest.items()}
    return trees.tree_map(f, nest, *others)


def _flat(nest: Nest) -> bool:
    return type(nest) is dict and not any(isinstance(v, (dict, list, tuple)) for v in nest.values())


def _decayed(stepped: Nest, before: Nest, share: Any) -> Nest:
    """Return the parameters with a share of what the weights were taken off; biases stay."""
    paths = [path for path, _ in trees.leaves(before)]
    if not any(map(is_weight, paths)):
        raise ValueError(
            f"no weights to decay: the parameters are called {paths}, and a weight's name begins with W"
        )
    pairs = zip(trees.leaves(stepped), trees.leaves(before), strict=True)
    after = [new - share * old if is_weight(path) else new for (path, new), (_, old) in pairs]
    return trees.rebuild(stepped, iter(after))


def _check_gradients(parameters: Nest, grads: Nest) -> None:
    """Raise if a gradient is missing or has another shape: NumPy would broadcast it without a word."""
    ours = parameters if _flat(parameters) else dict(trees.leaves(parameters))
    theirs = grads if _flat(grads) else dict(trees.leaves(grads))
    if ours.keys() != theirs.keys():
        raise ValueError(
            f"the parameters are {list(ours)} and the gradients {list(theirs)}; the gradient of W1 goes "
            "by the name W1, as value_and_grad returns it"
        )
    for name, value in ours.items():
        if np.shape(value) != np.shape(theirs[name]):
            raise ValueError(
                f"{name} is {np.shape(value)} and its gradient {np.shape(theirs[name])}; they must be equal"
            )
