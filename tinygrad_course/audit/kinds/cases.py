"""A case: the arguments of one call, and what the right function makes of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Draw:
    """Sizes and numbers from a seed; sizes all different, so that a transposed operand cannot hide."""

    def __init__(self, seed: int, scale: str = "distinct") -> None:
        self._random = np.random.RandomState(seed % 2**32)
        self.scale = scale
        self._sizes: list[int] = []

    def size(self, low: int, high: int) -> int:
        """Return a size: distinct ones, all equal ones, the smallest or any, by the scale of the draw."""
        if self.scale == "equal":
            return min(high, max(low, 3))
        if self.scale == "smallest":
            return low
        options = list(range(low, high + 1))
        if self.scale == "distinct":
            options = [option for option in options if option not in self._sizes] or options
        size = int(self._random.choice(options))
        self._sizes.append(size)
        return size

    def layers(self) -> int:
        """Return one to three layers, five for a draw that is deep."""
        return 5 if self.scale == "deep" else self.size(1, 3)

    def array(self, *shape: int) -> Array:
        """Return normal numbers pushed away from 0."""
        values = self._random.randn(*shape)
        return values + 0.05 * np.where(values >= 0, 1.0, -1.0)

    def table(self, columns: int = 4) -> Array:
        """Return a matrix of at most four rows."""
        return self.array(self.size(1, 4), self.size(1, columns))

    def labels(self, m: int) -> Array:
        """Return a row of labels."""
        values = self._random.randint(0, 2, (1, m))
        if m > 1:
            values[0, :2] = self._random.permutation(2)
        return values

    def probabilities(self, *shape: int) -> Array:
        """Return uniform numbers in (0.1, 0.9)."""
        return self._random.uniform(0.1, 0.9, shape)

    def choice(self, options: Sequence[Any]) -> Any:
        """Return one of the options."""
        return options[int(self._random.randint(len(options)))]


_NUMBERS = np.array([1.0, 2.0, -1.0, 0.5, -0.5, -2.0, 1.5, 0.25, -1.5, 3.0, -0.75])
_CHANCES = np.array([0.5, 0.25, 0.75, 0.2, 0.8, 0.6, 0.4])


class ShortDraw(Draw):
    """Short numbers and small sizes, for an example that can be typed in; the extent bounds both."""

    def __init__(self, seed: int, extent: int) -> None:
        super().__init__(seed, "short")
        self.extent = extent

    def _array(self, shape: tuple[int, ...], numbers: Array) -> Array:
        return self._random.choice(numbers[: 2 + 3 * self.extent], shape)

    def size(self, low: int, high: int) -> int:
        """Return a size near the smallest."""
        return int(self._random.randint(low, min(high, low + self.extent) + 1))

    def array(self, *shape: int) -> Array:
        """Return short decimal numbers."""
        return self._array(shape, _NUMBERS)

    def labels(self, m: int) -> Array:
        """Return a row of labels."""
        return self._array((1, m), np.array([1, 0]))

    def probabilities(self, *shape: int) -> Array:
        """Return short numbers in (0, 1)."""
        return self._array(shape, _CHANCES)


@dataclass
class Case:
    """One call of a function under test."""

    values: dict[str, Any]
    """The arguments, by role."""
    expected: dict[str, Any]
    """What is right, local quantities included, in the order in which the course computes them."""
    required: tuple[str, ...]
    """The labels that the result must hold."""
    m: int = 1
    summed: frozenset[str] = frozenset()
    """Quantities that belong to the summed loss: 1/m may stand in them already."""
    stages: dict[str, list[Any]] = field(default_factory=dict)
    """Values that a variable may hold on the way to its final one."""
    scalars: dict[str, float] = field(default_factory=dict)
    terms: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Known terms (of the regularization, say) by label and name."""
    bindings: dict[str, Any] = field(default_factory=dict)
    """Names bound in the submission's namespace during the call."""
    loose: frozenset[str] = frozenset()
    """Labels whose shape does not matter, only their entries in order."""
    tolerances: dict[str, float] = field(default_factory=dict)
    """Labels that only agree within so much, relative to 1 or to their size, the larger."""
    layers: int = 1
    raised: bool = False
    """Whether the function does not come back as it is."""
    rejected: str = ""
    """Why the case cannot be used (a kink lies too near), if it cannot."""
    doubt: str = ""
    """Why what is wrong in it may be meant so, unless one line makes it right."""
    extra: dict[str, Any] = field(default_factory=dict)
    """What else a kind wants to know of its own case."""
    passed: dict[str, Any] = field(default_factory=dict)
    """The arguments as the last call has left them."""
    refine: Callable[[Any], dict[str, Any]] | None = None
    """What is right given what a random function has drawn: called with its result."""

    def given(self, result: Any) -> dict[str, Any]:
        """Return what is right given what the function has drawn, where it draws."""
        return self.expected if self.refine is None else {**self.expected, **self.refine(result)}


@dataclass
class Tried:
    """Values with which both functions ran."""

    case: Case
    right: int
    """How many of the gradients are right."""
    proved: bool
    """Whether those that are wrong can only be mistakes."""
    for_one: Sequence[str] = ()
    """Those that are wrong by having an axis for the examples: the function may be meant for one."""
    ran: bool = True
    """Whether the backward function did not raise."""
    doubt: str = ""
    """Why those that are wrong may be meant so, unless one line makes them right."""

    @property
    def rank(self) -> tuple[bool, int, bool, bool]:
        """Order what was tried: the more is right, the better."""
        return self.ran, self.right, not self.for_one, self.proved

    @property
    def complete(self) -> bool:
        """Whether all gradients are right."""
        return self.right == len(self.case.required)


def plainly(value: Any) -> Any:
    """Return numbers as JSON has them, rounded to what a reader compares; None for what is no number."""
    if isinstance(value, np.ndarray):
        numbers = value.dtype.kind in "biuf" and value.size <= 400
        return np.round(value.astype(float), 10).tolist() if numbers else None
    if isinstance(value, bool | str | int):
        return value
    if isinstance(value, float | np.floating | np.integer):
        return round(float(value), 10)
    if isinstance(value, Mapping):
        return {str(key): plainly(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plainly(item) for item in value]
    return None
