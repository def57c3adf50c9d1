"""One epoch of training: the batches in turn, a step for each; and what is measured after it."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_course.engine import trees
from tinygrad_course.engine.recording import peek
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.engine.trees import Array, Nest
from tinygrad_course.functions.streams import Stream
from tinygrad_course.training.batches import count_examples, examples, mini_batches

Cost = Callable[..., Any]
Metric = Callable[[Nest, Any, Any], Any]
Step = Callable[..., tuple[Any, Nest, Nest]]
Draw = Callable[[int], tuple[Any, ...]]


class NotFiniteError(FloatingPointError):
    """Training has come to a cost that is NaN or infinite."""


@dataclass
class Epochs:
    """One epoch: the batches in turn, a step for each."""

    step: Step
    X: Any
    Y: Any
    batch_size: int | None
    shuffle: Stream | Callable[[int], Stream]
    axis: int
    draw: Draw | None

    def __post_init__(self) -> None:
        if self.batch_size is None:
            self.X, self.Y = in_memory(self.X, self.Y, self.axis)

    def batches(self, epoch: int) -> Iterator[tuple[Array, Array]]:
        """Deal out the examples of one epoch, counted from 0."""
        if self.batch_size is None:
            return iter(((self.X, self.Y),))
        rng = self.shuffle(epoch) if callable(self.shuffle) else self.shuffle
        return mini_batches(self.X, self.Y, self.batch_size, rng, self.axis)

    def run(self, number: int, parameters: Nest, state: Nest) -> tuple[float, float, Nest, Nest]:
        """Return the mean cost, the last batch's cost, and the parameters and state after one epoch."""
        total, m, J = 0.0, 0, 0.0
        for batch, (X, Y) in enumerate(self.batches(number)):
            try:
                drawn = () if self.draw is None else self.draw(X.shape[-1])
                value, after, later = self.step(parameters, state, X, Y, *drawn)
            except FloatingPointError as error:
                raise NotFiniteError(f"{self._place(number, batch)}: {error}") from error
            J = float(value)
            if not math.isfinite(J):
                raise NotFiniteError(self._diverged(J, number, batch, parameters))
            parameters, state = after, later
            count = X.shape[-1]
            total, m = total + J * count, m + count
        return (J if m == count else total / m), J, parameters, state

    def _place(self, epoch: int, batch: int) -> str:
        if self.batch_size is None:
            return f"iteration {epoch}"
        return f"epoch {epoch}, mini-batch {batch}"

    def _diverged(self, J: float, epoch: int, batch: int, parameters: Nest) -> str:
        message = f"the cost is {J} at {self._place(epoch, batch)} (counted from 0)"
        bad = [path for path, value in trees.leaves(parameters) if not np.all(np.isfinite(value))]
        if bad:
            message += f"; NaN or infinity is in {', '.join(bad)} by then"
        return (
            message
            + ". A learning rate that is too large is the usual cause, a log of 0 or an overflow the next. "
            "Run it under `with tinygrad_course.debug():` to see which operation made it first"
        )


def in_memory(X: Any, Y: Any, axis: int) -> tuple[Any, Any]:
    """Return all examples as columns."""
    if isinstance(X, np.ndarray) and isinstance(Y, np.ndarray) and axis == -1:
        return X, Y
    every = np.arange(count_examples(X, Y, axis))
    return examples(X, every, axis), examples(Y, every, axis)


@contextmanager
def named(part: str) -> Iterator[None]:
    """Have errors about X and Y say which X and Y they are."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"{part}: {error}") from error


def pair(validation: Any) -> Sequence[Any]:
    """Return the validation data, or say that they are no pair."""
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise TypeError(f"validation is a {type(validation).__name__}; expected the pair (X, Y)")
    return validation  # X and Y


def measuring(
    cost: Cost, metrics: Mapping[str, Metric], X: Any, Y: Any, validation: Any, axis: int
) -> Callable[[Nest], dict[str, float]]:
    """Return what measures after an epoch: the validation data's cost, and metrics of both parts, by name."""
    for name, metric in metrics.items():
        if not callable(metric):
            raise TypeError(f"metrics[{name!r}] is {metric!r}; expected a function (parameters, X, Y)")
    held: Any = None
    if validation is not None:
        X_held, Y_held = pair(validation)
        with named("validation"):
            held = in_memory(X_held, Y_held, axis)

    def measured(parameters: Nest) -> dict[str, float]:
        found = {} if held is None else {"validation_cost": recorded_value(cost, parameters, *held)}
        for name, metric in metrics.items():
            found[name] = float(metric(parameters, X, Y))
            if held is not None:
                found[f"validation_{name}"] = float(metric(parameters, *held))
        return found

    return measured


def recorded(cost: Cost, parameters: Nest, X: Any, Y: Any) -> Any:
    """Return a cost as training computes it, recorded from parameters called by their paths."""
    leaves = [Tensor(value, name=path) for path, value in trees.leaves(parameters)]
    return cost_and_kept(cost(trees.rebuild(parameters, iter(leaves)), X, Y))[0]


def recorded_value(cost: Cost, parameters: Nest, X: Any, Y: Any) -> float:
    """Return a cost's value: from the logits, where the recording shows them."""
    return float(peek(Tensor, recorded(cost, parameters, X, Y)))


def cost_and_kept(found: Any) -> tuple[Any, dict[str, Any]]:
    """Return J, and the parameters that the cost itself sets, where it returned both."""
    if not isinstance(found, tuple):
        return found, {}
    if len(found) != 2 or not isinstance(found[1], dict):
        kinds = ", ".join(type(part).__name__ for part in found)
        raise TypeError(
            f"the cost returned a tuple of {kinds}; expected J alone, or J and a dict of parameters that are "
            "kept instead of learned"
        )
    return found[0], found[1]
