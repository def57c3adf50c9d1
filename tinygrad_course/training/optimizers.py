"""Gradient descent, momentum and Adam.

The caller holds the state::

    state = optimizer.init(parameters)
    parameters, state = optimizer.update(parameters, grads, state)

Parameters, gradients and what the state holds are nests of arrays of one structure. Nothing is changed in
place: earlier parameters stay good. The state is a nest of arrays too, to be saved as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from tinygrad_course.engine import trees

Nest = Any
State = dict[str, Any]

# ------------------------------------------------------------------ learning rates


@dataclass(frozen=True)
class InverseTimeDecay:
    """The learning rate initial / (1 + rate * step), the step counted in `every` updates.

    Parameters
    ----------
    initial : float
        The first learning rate.
    rate : float
        How fast it falls.
    every : int
        Updates in a step. One epoch of m examples in mini-batches of 64 has ``math.ceil(m / 64)`` updates.

    Notes
    -----
    Course 2, week 2: alpha = alpha_0 / (1 + decay_rate * epoch).

    Examples
    --------
    >>> decay = InverseTimeDecay(0.2, rate=1.0, every=10)
    >>> [decay(t) for t in (0, 10, 20)]
    [0.2, 0.1, 0.06666666666666667]
    """

    initial: float
    rate: float
    every: int = 1

    def __post_init__(self) -> None:
        _check_decay(self.initial, self.every)

    def __call__(self, t: Any) -> Any:
        """Return the learning rate after t updates."""
        return self.initial / (1.0 + self.rate * _step(t, self.every))


@dataclass(frozen=True)
class ExponentialDecay:
    """The learning rate initial * factor**step, the step counted in `every` updates.

    Examples
    --------
    >>> decay = ExponentialDecay(0.1, factor=0.5)
    >>> [decay(t) for t in (0, 1, 2)]
    [0.1, 0.05, 0.025]
    """

    initial: float
    factor: float
    every: int = 1

    def __post_init__(self) -> None:
        _check_decay(self.initial, self.every)

    def __call__(self, t: Any) -> Any:
        """Return the learning rate after t updates."""
        return self.initial * self.factor ** _step(t, self.every)


def _step(t: Any, every: int) -> Any:
    return t if every == 1 else t // every


def _check_decay(initial: float, every: int) -> None:
    if not initial > 0:
        raise ValueError(f"initial is {initial}; expected a learning rate above 0")
    if every < 1:
        raise ValueError(f"every is {every}; expected a number of updates, at least 1")


Rate = float | Callable[[Any], Any]


def _check_rate(rate: Rate) -> None:
    if not callable(rate) and not rate > 0:
        raise ValueError(
            f"learning_rate is {rate}; expected a number above 0, or a decay such as InverseTimeDecay"
        )


def _check_share(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(f"{name} is {value}; expected a number from 0 up to, not including, 1")


# ------------------------------------------------------------------ optimisers


class Optimizer(Protocol):
    """What `fit` asks of an optimiser."""

    @property
    def learning_rate(self) -> Rate:
        """The step's size, or a function of how many updates were made."""

    def init(self, parameters: Nest) -> State:
        """Return the state before the first update."""

    def update(self, parameters: Nest, grads: Nest, state: State) -> tuple[Nest, State]:
        """Return the parameters and the state after one update."""


def _number(x: Any) -> Any:
    """Return a NumPy scalar as Python's number, which leaves float32 arrays what they are."""
    return x.item() if hasattr(x, "item") else x


def _rate(rate: Rate, t: Any) -> Any:
    return _number(rate(t)) if callable(rate) else rate


def _map(f: Callable[..., Any], nest: Nest, *others: Nest) -> Nest:
    """Return `trees.tree_map`; a flat dict, which parameters mostly are, goes straight through."""
    if _flat(nest):
        return {name: f(value, *[other[name] for other in others]) for name, value in nest.items()}
    return trees.tree_map(f, nest, *others)


def _flat(nest: Nest) -> bool:
    return type(nest) is dict and not any(isinstance(v, (dict, list, tuple)) for v in nest.values())


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


@dataclass(frozen=True)
class GradientDescent:
    """W = W - learning_rate * dW.

    Parameters
    ----------
    learning_rate : float or callable
        Or a decay: a function of how many updates were made.

    Raises
    ------
    ValueError
        For a learning rate that is not above 0.

    Examples
    --------
    >>> optimizer = GradientDescent(learning_rate=0.1)
    >>> parameters = {"W": np.array([1.0])}
    >>> state = optimizer.init(parameters)
    >>> parameters, state = optimizer.update(parameters, {"W": np.array([2.0])}, state)
    >>> print(parameters["W"], state)
    [0.8] {'t': np.float64(1.0)}
    """

    learning_rate: Rate = 0.01

    def __post_init__(self) -> None:
        _check_rate(self.learning_rate)

    def init(self, parameters: Nest) -> State:  # noqa: ARG002  (as every optimiser's)
        """Return the state before the first update: t, the number of updates made."""
        return {"t": np.float64(0.0)}

    def update(self, parameters: Nest, grads: Nest, state: State) -> tuple[Nest, State]:
        """Return the parameters and the state after one update."""
        _check_gradients(parameters, grads)
        alpha = _rate(self.learning_rate, state["t"])
        return _map(lambda W, dW: W - alpha * dW, parameters, grads), {"t": state["t"] + 1.0}


@dataclass(frozen=True)
class Momentum:
    """v = beta * v + (1 - beta) * dW; W = W - learning_rate * v, with v = 0 at first and no bias correction.

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

    learning_rate: Rate = 0.01
    beta: float = 0.9

    def __post_init__(self) -> None:
        _check_rate(self.learning_rate)
        _check_share("beta", self.beta)

    def init(self, parameters: Nest) -> State:
        """Return the state before the first update: t, and v of the parameters' structure."""
        return {"t": np.float64(0.0), "v": _map(np.zeros_like, parameters)}

    def update(self, parameters: Nest, grads: Nest, state: State) -> tuple[Nest, State]:
        """Return the parameters and the state after one update."""
        _check_gradients(parameters, grads)
        beta, alpha = self.beta, _rate(self.learning_rate, state["t"])
        v = _map(lambda v, dW: beta * v + (1.0 - beta) * dW, state["v"], grads)
        return _map(lambda W, v: W - alpha * v, parameters, v), {"t": state["t"] + 1.0, "v": v}


@dataclass(frozen=True)
class Adam:
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

    learning_rate: Rate = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    epsilon_inside: bool = field(default=False, kw_only=True)
    correct_s: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        _check_rate(self.learning_rate)
        _check_share("beta1", self.beta1)
        _check_share("beta2", self.beta2)
        if not self.epsilon > 0:
            raise ValueError(f"epsilon is {self.epsilon}; expected a small number above 0, such as 1e-8")

    def init(self, parameters: Nest) -> State:
        """Return the state before the first update: t, and v and s of the parameters' structure."""
        return {
            "t": np.float64(0.0),
            "v": _map(np.zeros_like, parameters),
            "s": _map(np.zeros_like, parameters),
        }

    def update(self, parameters: Nest, grads: Nest, state: State) -> tuple[Nest, State]:
        """Return the parameters and the state after one update."""
        _check_gradients(parameters, grads)
        beta1, beta2, epsilon = self.beta1, self.beta2, self.epsilon
        alpha = _rate(self.learning_rate, state["t"])
        t = state["t"] + 1.0
        v_share = _number(1.0 - beta1**t)
        s_share = _number(1.0 - beta2**t) if self.correct_s else 1.0
        v = _map(lambda v, dW: beta1 * v + (1.0 - beta1) * dW, state["v"], grads)
        s = _map(lambda s, dW: beta2 * s + (1.0 - beta2) * np.square(dW), state["s"], grads)

        def step(W: Any, v: Any, s: Any) -> Any:
            s = s / s_share
            root = np.sqrt(s + epsilon) if self.epsilon_inside else np.sqrt(s) + epsilon
            return W - alpha * (v / v_share) / root

        return _map(step, parameters, v, s), {"t": t, "v": v, "s": s}
