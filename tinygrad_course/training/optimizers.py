"""Gradient descent, momentum, RMSprop, Adam and AdamW.

The caller holds the state::

    state = optimizer.init(parameters)
    parameters, state = optimizer.update(parameters, grads, state)

Parameters, gradients and what the state holds are nests of arrays of one structure. Nothing is changed in
place: earlier parameters stay good. The state is a nest of arrays too, to be saved as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_course.training.base_optimizer import (
    BaseOptimizer,
    Nest,
    Optimizer,
    State,
    map_nest,
    plain_number,
    settings,
)
from tinygrad_course.training.schedules import ExponentialDecay, InverseTimeDecay, Rate

__all__ = [
    "KINDS",
    "Adam",
    "AdamW",
    "ExponentialDecay",
    "GradientDescent",
    "InverseTimeDecay",
    "Momentum",
    "Optimizer",
    "RMSprop",
    "by_name",
    "settings",
]


@dataclass(frozen=True, repr=False)
class GradientDescent(BaseOptimizer):
    """W = W - learning_rate * dW.

    Parameters
    ----------
    learning_rate : float or callable
        Or a schedule: a function of how many updates were made, see `schedules`.
    weight_decay : float
        Beside the step, learning_rate * weight_decay * W is taken off every weight (not off biases), as AdamW
        does. To add lambd / (2 m) sum(W**2) to the cost instead, see `l2_term`.
    clip_norm : float, optional
        Scale the gradients down where the norm of all of them together is larger than this.
    clip_value : float, optional
        Clip every entry of the gradients to this size, before `clip_norm`.

    Raises
    ------
    ValueError
        For a learning rate that is not above 0, and what else is out of its range.

    Examples
    --------
    >>> optimizer = GradientDescent(learning_rate=0.1)
    >>> parameters = {"W": np.array([1.0])}
    >>> state = optimizer.init(parameters)
    >>> parameters, state = optimizer.update(parameters, {"W": np.array([2.0])}, state)
    >>> print(parameters["W"], state)
    [0.8] {'t': np.float64(1.0)}
    >>> GradientDescent(0.1, clip_norm=1.0).update(parameters, {"W": np.array([2.0])}, state)[0]["W"]
    array([0.7])
    """

    def _stepped(self, alpha: Any, parameters: Nest, grads: Nest, _state: State) -> tuple[Nest, State]:
        return map_nest(lambda W, dW: W - alpha * dW, parameters, grads), {}


@dataclass(frozen=True, repr=False)
class Momentum(BaseOptimizer):
    """v = beta * v + (1 - beta) * dW; W = W - learning_rate * v, with v = 0 at first and no bias correction.

    Parameters
    ----------
    learning_rate : float or callable
    beta : float
        How much of v stays at each update.
    weight_decay, clip_norm, clip_value
        See `GradientDescent`.

    Notes
    -----
    Course 2, week 2.

    Examples
    --------
    >>> optimizer = Momentum(learning_rate=0.1, beta=0.9)
    >>> parameters = {"W": np.array([1.0])}
    >>> parameters, state = optimizer.update(parameters, {"W": np.array([2.0])}, optimizer.init(parameters))
    >>> print(parameters["W"], state["v"]["W"])
    [0.98] [0.2]
    """

    _kept = ("v",)

    beta: float = 0.9

    def _stepped(self, alpha: Any, parameters: Nest, grads: Nest, state: State) -> tuple[Nest, State]:
        beta = self.beta
        v = map_nest(lambda v, dW: beta * v + (1.0 - beta) * dW, state["v"], grads)
        return map_nest(lambda W, v: W - alpha * v, parameters, v), {"v": v}


@dataclass(frozen=True, repr=False)
class RMSprop(BaseOptimizer):
    """s = beta * s + (1 - beta) * dW**2; W = W - learning_rate * dW / (sqrt(s) + epsilon).

    Parameters
    ----------
    learning_rate : float or callable
    beta : float
        How much of s stays at each update.
    epsilon : float
        Keeps the divisor from 0.
    weight_decay, clip_norm, clip_value
        See `GradientDescent`.

    Notes
    -----
    Course 2, week 2, in the lectures: Hinton's, without bias correction.

    Examples
    --------
    >>> optimizer = RMSprop(learning_rate=0.1)
    >>> parameters = {"W": np.array([1.0])}
    >>> parameters, state = optimizer.update(parameters, {"W": np.array([2.0])}, optimizer.init(parameters))
    >>> print(parameters["W"].round(6), state["s"]["W"].round(6))
    [0.683772] [0.4]
    """

    _kept = ("s",)

    learning_rate: Rate = 0.001
    beta: float = 0.9
    epsilon: float = 1e-8

    def _stepped(self, alpha: Any, parameters: Nest, grads: Nest, state: State) -> tuple[Nest, State]:
        beta, epsilon = self.beta, self.epsilon
        s = map_nest(lambda s, dW: beta * s + (1.0 - beta) * np.square(dW), state["s"], grads)
        return map_nest(lambda W, dW, s: W - alpha * dW / (np.sqrt(s) + epsilon), parameters, grads, s), {
            "s": s
        }


@dataclass(frozen=True, repr=False)
class Adam(BaseOptimizer):
    """W = W - learning_rate * v_corrected / (sqrt(s_corrected) + epsilon), Kingma and Ba (2015).

    v and s are running means of dW and dW**2; both start at 0, and are corrected for it by 1 - beta**t.

    Parameters
    ----------
    learning_rate : float or callable
    beta1, beta2 : float
        How much of v and of s stays at each update.
    epsilon : float
        Keeps the divisor from 0.
    epsilon_inside : bool
        Divide by sqrt(s_corrected + epsilon) instead.
    correct_s : bool
        False leaves s uncorrected.
    weight_decay, clip_norm, clip_value
        See `GradientDescent`.

    Notes
    -----
    Course 2, week 2. Three versions of that assignment's Adam are in print, and their costs differ from the
    fourth digit on: the paper's, which is the default here; ``epsilon_inside=True``; and
    ``epsilon_inside=True, correct_s=False``.

    Examples
    --------
    >>> optimizer = Adam(learning_rate=0.1)
    >>> parameters = {"W": np.array([1.0])}
    >>> parameters, state = optimizer.update(parameters, {"W": np.array([2.0])}, optimizer.init(parameters))
    >>> print(parameters["W"].round(6), state["v"]["W"], state["s"]["W"])
    [0.9] [0.2] [0.004]
    """

    _kept = ("v", "s")

    learning_rate: Rate = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    epsilon_inside: bool = field(default=False, kw_only=True)
    correct_s: bool = field(default=True, kw_only=True)

    def _stepped(self, alpha: Any, parameters: Nest, grads: Nest, state: State) -> tuple[Nest, State]:
        beta1, beta2, epsilon = self.beta1, self.beta2, self.epsilon
        t = state["t"] + 1.0
        v_share = plain_number(1.0 - beta1**t)
        s_share = plain_number(1.0 - beta2**t) if self.correct_s else 1.0
        v = map_nest(lambda v, dW: beta1 * v + (1.0 - beta1) * dW, state["v"], grads)
        s = map_nest(lambda s, dW: beta2 * s + (1.0 - beta2) * np.square(dW), state["s"], grads)

        def step(W: Any, v: Any, s: Any) -> Any:
            s = s / s_share
            root = np.sqrt(s + epsilon) if self.epsilon_inside else np.sqrt(s) + epsilon
            return W - alpha * (v / v_share) / root

        return map_nest(step, parameters, v, s), {"v": v, "s": s}


@dataclass(frozen=True, repr=False)
class AdamW(Adam):
    """Adam with weight decay beside the step (Loshchilov and Hutter, 2019): of the weights, not the biases.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon, clip_norm, clip_value
        As of `Adam`.
    weight_decay : float
        learning_rate * weight_decay * W is taken off each weight.

    Examples
    --------
    >>> optimizer = AdamW(learning_rate=0.1, weight_decay=0.5)
    >>> parameters = {"W1": np.array([1.0]), "b1": np.array([1.0])}
    >>> grads = {"W1": np.array([2.0]), "b1": np.array([2.0])}
    >>> parameters, state = optimizer.update(parameters, grads, optimizer.init(parameters))
    >>> print(parameters["W1"].round(6), parameters["b1"].round(6))
    [0.85] [0.9]
    """

    weight_decay: float = field(default=0.01, kw_only=True)


# ------------------------------------------------------------------ by name

KINDS: dict[str, type[BaseOptimizer]] = {
    "gradient descent": GradientDescent,
    "momentum": Momentum,
    "RMSprop": RMSprop,
    "Adam": Adam,
    "AdamW": AdamW,
}


def by_name(optimizer: str | Optimizer) -> Optimizer:
    """Return the optimiser of a name, with its defaults; an optimiser is passed through.

    Raises
    ------
    ValueError
        For another name; the message lists them.
    TypeError
        For what is no optimiser.

    Examples
    --------
    >>> by_name("adam"), by_name("gradient descent")
    (Adam(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08), GradientDescent(learning_rate=0.01))
    """
    if isinstance(optimizer, str):
        plain = {_plain(name): kind for name, kind in KINDS.items()}
        if _plain(optimizer) not in plain:
            raise ValueError(f"optimizer is {optimizer!r}; the names are {', '.join(map(repr, KINDS))}")
        return plain[_plain(optimizer)]()
    if isinstance(optimizer, type):
        raise TypeError(f"optimizer is the class {optimizer.__name__}; make one: {optimizer.__name__}(0.01)")
    if not (hasattr(optimizer, "init") and hasattr(optimizer, "update")):
        raise TypeError(
            f"optimizer is {optimizer!r}; expected Adam(0.001) or the like, or a name: "
            f"{', '.join(map(repr, KINDS))}"
        )
    return optimizer


def _plain(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())
