"""Gradient descent, momentum, RMSprop, Adam and AdamW.

The caller holds the state::

    state = optimizer.init(parameters)
    parameters, state = optimizer.update(parameters, grads, state)

Parameters, gradients and what the state holds are nests of arrays of one structure. Nothing is changed in
place: earlier parameters stay good. The state is a nest of arrays too, to be saved as it is.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np

from tinygrad_course.engine import trees
from tinygrad_course.engine.errors import meant
from tinygrad_course.engine.trees import Nest
from tinygrad_course.functions.costs import is_weight
from tinygrad_course.training.schedules import Rate, ReduceOnPlateau, check_rate

State = dict[str, Any]
Step = Callable[..., tuple[Any, ...]]  #: of a parameter, its gradient and what is kept: their next values


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

    A kind of optimiser says what it keeps of each parameter (`_kept`) and how it steps (`_step`).
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
        return state | {name: trees.tree_map(np.zeros_like, parameters) for name in self._kept}

    def update(self, parameters: Nest, grads: Nest, state: State) -> tuple[Nest, State]:
        """Return the parameters and the state after one update."""
        _check_gradients(parameters, grads)
        alpha = self._rate(state)
        t, kept = state["t"] + 1.0, [state[name] for name in self._kept]
        nests = trees.tree_maps(self._step(alpha, t), parameters, self._clipped(grads), *kept)
        stepped, *kept = nests or [parameters, *kept]
        if self.weight_decay:
            stepped = _decayed(stepped, parameters, alpha * self.weight_decay)
        return stepped, {**state, "t": t, **dict(zip(self._kept, kept, strict=True))}

    def _step(self, alpha: Any, t: Any) -> Step:
        raise NotImplementedError

    def _rate(self, state: State) -> Any:
        rate = self.learning_rate
        if isinstance(rate, ReduceOnPlateau):
            return plain_number(state["plateau"]["rate"])
        return plain_number(rate(state["t"])) if callable(rate) else rate

    def _clipped(self, grads: Nest) -> Nest:
        if (bound := self.clip_value) is not None:
            grads = trees.tree_map(lambda dW: np.clip(dW, -bound, bound), grads)
        if self.clip_norm is not None:
            squares = sum((np.sum(np.square(dW)) for _, dW in trees.leaves(grads)), 0.0)
            factor = plain_number(self.clip_norm / np.maximum(np.sqrt(squares), self.clip_norm))
            grads = trees.tree_map(lambda dW: dW * factor, grads)
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
    ours, theirs = (dict(trees.leaves(nest)) for nest in (parameters, grads))
    if ours.keys() != theirs.keys():
        raise ValueError(
            f"the parameters are {list(ours)} and the gradients {list(theirs)}; the gradient of W1 goes "
            "by the name W1, as value_and_grad returns it"
        )
    for name, value in ours.items():
        g = theirs[name]
        if type(value) is type(g) is np.ndarray and value.shape == g.shape:
            continue  # (np.shape takes longer than the check)
        if np.shape(value) != np.shape(g):
            raise ValueError(
                f"{name} is {np.shape(value)} and its gradient {np.shape(g)}; they must be equal"
            )


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

    def _step(self, alpha: Any, t: Any) -> Step:  # noqa: ARG002  (as all)
        return lambda W, dW: (W - alpha * dW,)


@dataclass(frozen=True, repr=False)
class Momentum(BaseOptimizer):
    """v = beta * v + (1 - beta) * dW; W = W - learning_rate * v, with v = 0 at first and no bias correction.

    Parameters
    ----------
    beta : float
        How much of v stays at each update.
    learning_rate, weight_decay, clip_norm, clip_value
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

    def _step(self, alpha: Any, t: Any) -> Step:  # noqa: ARG002  (as all)
        def step(W: Any, dW: Any, v: Any) -> tuple[Any, ...]:
            v = self.beta * v + (1.0 - self.beta) * dW
            return W - alpha * v, v

        return step


@dataclass(frozen=True, repr=False)
class RMSprop(BaseOptimizer):
    """s = beta * s + (1 - beta) * dW**2; W = W - learning_rate * dW / (sqrt(s) + epsilon).

    Parameters
    ----------
    beta : float
        How much of s stays at each update.
    epsilon : float
        Keeps the divisor from 0.
    learning_rate, weight_decay, clip_norm, clip_value
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

    def _step(self, alpha: Any, t: Any) -> Step:  # noqa: ARG002  (as all)
        def step(W: Any, dW: Any, s: Any) -> tuple[Any, ...]:
            s = self.beta * s + (1.0 - self.beta) * np.square(dW)
            return W - alpha * dW / (np.sqrt(s) + self.epsilon), s

        return step


@dataclass(frozen=True, repr=False)
class Adam(BaseOptimizer):
    """W = W - learning_rate * v_corrected / (sqrt(s_corrected) + epsilon), Kingma and Ba (2015).

    v and s are running means of dW and dW**2; both start at 0, and are corrected for it by 1 - beta**t.

    Parameters
    ----------
    beta1, beta2 : float
        How much of v and of s stays at each update.
    epsilon : float
        Keeps the divisor from 0.
    epsilon_inside : bool
        Divide by sqrt(s_corrected + epsilon) instead.
    correct_s : bool
        False leaves s uncorrected.
    learning_rate, weight_decay, clip_norm, clip_value
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

    def _step(self, alpha: Any, t: Any) -> Step:
        beta1, beta2, epsilon = self.beta1, self.beta2, self.epsilon
        v_share = plain_number(1.0 - beta1**t)
        s_share = plain_number(1.0 - beta2**t) if self.correct_s else 1.0

        def step(W: Any, dW: Any, v: Any, s: Any) -> tuple[Any, ...]:
            v = beta1 * v + (1.0 - beta1) * dW
            s = beta2 * s + (1.0 - beta2) * np.square(dW)
            square = s / s_share
            root = np.sqrt(square + epsilon) if self.epsilon_inside else np.sqrt(square) + epsilon
            return W - alpha * (v / v_share) / root, v, s

        return step


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
            near, names = meant(optimizer, KINDS, " (did you mean '%s'?)"), ", ".join(map(repr, KINDS))
            raise ValueError(f"optimizer is {optimizer!r}{near}; the names are {names}")
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
