"""Learning rates that change while a network is trained: functions of how many updates were made.

Each may stand where an optimiser takes a learning rate: ``Adam(CosineDecay(0.01, updates=2000))``. One epoch
of m examples in mini-batches of 64 has ``math.ceil(m / 64)`` updates; without mini-batches it has one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: A learning rate, or a function of how many updates were made that returns it.
Rate = float | Callable[[Any], Any]


class _Schedule:
    """What all schedules ask of their numbers."""

    def __post_init__(self) -> None:
        initial = getattr(self, "initial", 1.0)
        if not initial > 0:
            raise ValueError(f"initial is {initial}; expected a learning rate above 0")
        for name in ("every", "updates", "patience"):
            if (count := getattr(self, name, 1)) < 1:
                raise ValueError(f"{name} is {count}; expected at least 1")


@dataclass(frozen=True)
class InverseTimeDecay(_Schedule):
    """The learning rate initial / (1 + rate * step), the step counted in `every` updates.

    Parameters
    ----------
    initial : float
        The first learning rate.
    rate : float
        How fast it falls.
    every : int
        Updates in a step.

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

    def __call__(self, t: Any) -> Any:
        """Return the learning rate after t updates."""
        return self.initial / (1.0 + self.rate * (t // self.every))


@dataclass(frozen=True)
class ExponentialDecay(_Schedule):
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

    def __call__(self, t: Any) -> Any:
        """Return the learning rate after t updates."""
        return self.initial * self.factor ** (t // self.every)


@dataclass(frozen=True)
class StepDecay(_Schedule):
    """The learning rate falls to `factor` of what it was at each of the updates named in `at`.

    Steps of one length are an `ExponentialDecay` with its `every`.

    Examples
    --------
    >>> decay = StepDecay(0.1, factor=0.1, at=(100, 150))
    >>> [round(float(decay(t)), 6) for t in (0, 99, 100, 150)]
    [0.1, 0.1, 0.01, 0.001]
    """

    initial: float
    factor: float
    at: Sequence[int]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "at", tuple(self.at))

    def __call__(self, t: Any) -> Any:
        """Return the learning rate after t updates."""
        rate: Any = self.initial
        for update in self.at:
            # 0 before the update and 1 from it on, in arithmetic that a compiled step can repeat
            rate = rate * self.factor ** np.clip(t - (update - 1.0), 0.0, 1.0)
        return rate


@dataclass(frozen=True)
class CosineDecay(_Schedule):
    """The learning rate falls along half a cosine from `initial` to `final`, in so many updates, and stays.

    Notes
    -----
    Loshchilov and Hutter (2017), without restarts.

    Examples
    --------
    >>> decay = CosineDecay(0.1, updates=100)
    >>> [round(float(decay(t)), 6) for t in (0, 50, 100, 200)]
    [0.1, 0.05, 0.0, 0.0]
    """

    initial: float
    updates: int
    final: float = 0.0

    def __call__(self, t: Any) -> Any:
        """Return the learning rate after t updates."""
        share = np.minimum(t, self.updates) / self.updates
        return self.final + (self.initial - self.final) * 0.5 * (1.0 + np.cos(np.pi * share))


@dataclass(frozen=True)
class Warmup(_Schedule):
    """The learning rate rises in a line to `rate` in the first `updates`, and is `rate` from there on.

    Parameters
    ----------
    rate : float or callable
        A number, or another schedule, which begins where the rise ends.
    updates : int
        How many updates the rise takes. The first one is made with rate / (updates + 1).

    Examples
    --------
    >>> warm = Warmup(0.4, updates=3)
    >>> [round(float(warm(t)), 6) for t in (0, 1, 2, 3, 100)]
    [0.1, 0.2, 0.3, 0.4, 0.4]
    """

    rate: Rate
    updates: int

    def __post_init__(self) -> None:
        check_rate(self.rate)
        if isinstance(self.rate, ReduceOnPlateau):
            raise TypeError(
                "Warmup counts updates, and ReduceOnPlateau reads costs: one can't hold the other"
            )
        super().__post_init__()

    def __call__(self, t: Any) -> Any:
        """Return the learning rate after t updates."""
        rate = self.rate(np.maximum(t - self.updates, 0.0)) if callable(self.rate) else self.rate
        return rate * np.minimum((t + 1.0) / (self.updates + 1.0), 1.0)


@dataclass(frozen=True)
class ReduceOnPlateau(_Schedule):
    """The learning rate is multiplied by `factor` each time that `patience` epochs brought no lower cost.

    `fit` reads the history after each epoch. Where the rate stands is part of the optimiser's state
    (``state["plateau"]``), so that a checkpoint holds it too.

    Parameters
    ----------
    initial : float
    factor : float
        Between 0 and 1.
    patience : int
        Epochs.
    smallest : float
        The rate falls no further than this.
    monitor : str
        What is read of the history; "cost" where there are no validation data.

    Examples
    --------
    >>> schedule = ReduceOnPlateau(0.1, factor=0.5, patience=2)
    >>> state = schedule.init()
    >>> for cost in (3.0, 2.0, 2.5, 2.2, 2.1, 2.1):
    ...     state = schedule.after_epoch(state, cost)
    ...     print(state["rate"])
    0.1
    0.1
    0.1
    0.05
    0.05
    0.025
    """

    initial: float
    factor: float = 0.5
    patience: int = 10
    smallest: float = 0.0
    monitor: str = "validation_cost"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.factor < 1:
            raise ValueError(f"factor is {self.factor}; expected a number between 0 and 1")

    def init(self) -> dict[str, Any]:
        """Return where it stands at first: the rate, the lowest cost, and the epochs since."""
        return {"rate": np.float64(self.initial), "lowest": np.float64(np.inf), "waited": np.float64(0.0)}

    def after_epoch(self, state: dict[str, Any], cost: float) -> dict[str, Any]:
        """Return where it stands after an epoch of this cost."""
        rate, lowest, waited = state["rate"], state["lowest"], state["waited"] + 1.0
        if cost < lowest:
            lowest, waited = np.float64(cost), np.float64(0.0)
        elif waited >= self.patience:
            rate, waited = np.float64(max(rate * self.factor, self.smallest)), np.float64(0.0)
        return {"rate": rate, "lowest": lowest, "waited": waited}

    def __call__(self, t: Any) -> Any:  # noqa: ARG002  (as every schedule's)
        """Return the first learning rate: where it stands later is in the optimiser's state."""
        return self.initial


#: The kinds of schedules, which a file can name.
KINDS = (InverseTimeDecay, ExponentialDecay, StepDecay, CosineDecay, Warmup, ReduceOnPlateau)


def check_rate(rate: Any) -> None:
    """Raise ValueError for a number that is not above 0, TypeError for what is no learning rate at all."""
    if callable(rate):
        return
    number = isinstance(rate, (int, float, np.floating, np.integer))
    if not number or not rate > 0:
        told = f"learning_rate is {rate if number else repr(rate)}"
        raise (ValueError if number else TypeError)(
            f"{told}; expected a number above 0, or a decay such as InverseTimeDecay"
        )
