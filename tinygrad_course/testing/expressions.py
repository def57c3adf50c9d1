"""Random expression graphs over the whole table of rules."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tinygrad_course.engine.trees import Array
from tinygrad_course.testing.arrays import Draw, array_shapes, arrays_away_from_kinks
from tinygrad_course.testing.calls import Call, calls
from tinygrad_course.testing.guarded_arrays import Shape

_LARGEST = 30  # entries of a value in an expression


@dataclass(frozen=True)
class Step:
    """One operation: which of the values before it, and what is done to them."""

    operands: tuple[int, ...]
    compute: Callable[..., Any]
    text: str
    call: str


@dataclass(frozen=True)
class Expression:
    """A function of arrays, drawn at random: ``expression(*expression.inputs)`` is a scalar.

    Attributes
    ----------
    inputs : tuple of array
        Where it was drawn, and where it is smooth.
    steps : tuple of Step
        The operations, in order.
    weights : dict of int to array
        What the values that nothing else uses are summed up with, at the end.
    """

    inputs: tuple[Array, ...]
    steps: tuple[Step, ...]
    weights: dict[int, Array]

    def __call__(self, *inputs: Any) -> Any:
        """Compute it, on arrays or on Tensors."""
        values = list(inputs)
        for step in self.steps:
            values.append(step.compute(*(values[i] for i in step.operands)))
        terms = [np.sum(w * values[i]) for i, w in self.weights.items()]
        return sum(terms[1:], terms[0])

    @property
    def calls(self) -> tuple[str, ...]:
        """The names of the functions in it."""
        return tuple(step.call for step in self.steps)

    def __str__(self) -> str:
        lines = []
        for i, x in enumerate(self.inputs):
            written = np.array2string(np.asarray(x), separator=", ", prefix=f"x{i} = ", threshold=40)
            lines.append(f"x{i} = {written}")
        lines += [f"v{i} = {step.text}" for i, step in enumerate(self.steps, start=len(self.inputs))]
        total = " + ".join(f"np.sum(w{i}*{self._name(i)})" for i in self.weights)
        return "\n".join([*lines, f"J = {total}"])

    __repr__ = __str__

    def _name(self, i: int) -> str:
        return f"{'x' if i < len(self.inputs) else 'v'}{i}"


@st.composite
def expression_graphs(
    draw: Draw, *, max_operations: int = 10, max_inputs: int = 3, only: Sequence[str] | None = None
) -> Expression:
    """Draw an expression of random operations on random earlier results, any rule of the table among them.

    Its operations reuse values, broadcast, reduce and reshape; each is given numbers near which it is smooth.

    Parameters
    ----------
    max_operations : int
    max_inputs : int
    only : sequence of str, optional
        The functions to draw from, as `Expression.calls` names them: ``["np.exp", "np.dot"]``.

    Returns
    -------
    Expression
        It shrinks towards few and simple operations; its text is the code.

    Raises
    ------
    ValueError
        For a function in `only` that is not known.

    Examples
    --------
    >>> from hypothesis import given
    >>> from tinygrad_course.gradient_checking import check_gradients
    >>> @given(expression_graphs(max_operations=5))
    ... def test_my_engine(f):
    ...     check_gradients(f, *f.inputs, argnums=range(len(f.inputs)), directions=1)
    >>> test_my_engine()
    """
    choices = calls()
    if only is not None:
        choices = tuple(c for c in choices if c.name in only)
        unknown = set(only) - {c.name for c in choices}
        if unknown:
            raise ValueError(f"no rule or call is named {', '.join(sorted(unknown))}")
    inputs = tuple(
        draw(arrays_away_from_kinks(array_shapes(max_dims=2, max_side=3)))
        for _ in range(draw(st.integers(1, max_inputs)))
    )
    values: list[Any] = list(inputs)
    steps: list[Step] = []
    unused = dict.fromkeys(range(len(inputs)))
    for _ in range(draw(st.integers(1, max_operations))):
        step = draw(_steps(choices, values, len(inputs)))
        with np.errstate(all="ignore"):
            value = step.compute(*(values[i] for i in step.operands))
        values.append(value)
        steps.append(step)
        for i in step.operands:
            unused.pop(i, None)
        unused[len(values) - 1] = None
    rng = np.random.default_rng(len(steps))
    weights = {i: np.round(rng.uniform(0.5, 1.5, np.shape(values[i])), 2)[()] for i in unused}
    return Expression(inputs, tuple(steps), weights)


@st.composite
def _steps(draw: Draw, choices: tuple[Call, ...], values: list[Any], inputs: int) -> Step:
    chosen = draw(st.sampled_from(choices))
    last = len(values) - 1
    operands = tuple(last - draw(st.integers(0, last)) for _ in chosen.guards)
    rng = np.random.default_rng(draw(st.integers(0, 15)))
    shapes = draw(_shapes(chosen, [np.shape(values[i]) for i in operands]))
    guarded = [
        guard(values[i], f"{'x' if i < inputs else 'v'}{i}", shape, rng)
        for guard, i, shape in zip(chosen.guards, operands, shapes, strict=True)
    ]
    extras = tuple(draw(st.sampled_from(choice)) for choice in chosen.extras)
    options = {
        key: draw(st.sampled_from(choice)) for key, choice in chosen.options.items() if draw(st.booleans())
    }

    def compute(*operands: Any) -> Any:
        arrays = [g.apply(x) for g, x in zip(guarded, operands, strict=True)]
        return chosen.function(*([arrays] if chosen.together else arrays), *extras, **options)

    raw: Callable[..., Any] = compute
    with np.errstate(all="ignore"):
        found = raw(*(values[i] for i in operands))
    arguments = [g.text for g in guarded]
    if chosen.together:
        arguments = [f"[{', '.join(arguments)}]"]
    arguments += [*map(repr, extras), *(f"{key}={value!r}" for key, value in options.items())]
    text = f"{chosen.name}({', '.join(arguments)})"
    if isinstance(found, (tuple, list)):
        places = [
            j for j, y in enumerate(found) if getattr(y, "dtype", np.dtype(bool)).kind == "f" and np.size(y)
        ]
        j = draw(st.sampled_from(places))
        found, raw, text = found[j], _then(raw, lambda y: y[j]), f"{text}[{j}]"
    while np.size(found) > _LARGEST:
        found, text = np.mean(found, axis=0), f"np.mean({text}, axis=0)"
        raw = _then(raw, lambda y: np.mean(y, axis=0))
    return Step(operands, raw, text, chosen.name)


def _then(first: Callable[..., Any], second: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda *operands: second(first(*operands))


@st.composite
def _shapes(draw: Draw, chosen: Call, own: list[Shape]) -> list[Shape]:
    """Draw the shapes that the operands are brought to."""
    if chosen.broadcasts:
        first = together = own[0]
        found = [first]
        for shape in own[1:]:
            fits = _fits(together, shape)
            cut = draw(st.integers(0, len(first)))
            flat = draw(st.lists(st.booleans(), min_size=len(first) - cut, max_size=len(first) - cut))
            smaller = tuple(1 if f else n for f, n in zip(flat, first[cut:], strict=True))
            found.append(shape if fits else smaller)
            together = np.broadcast_shapes(together, found[-1])
        return found
    sizes: dict[str, int] = {}
    found = []
    for guard, shape in zip(chosen.guards, own, strict=True):
        if guard.shape is None:
            found.append(shape)
        elif guard.shape == "...":
            found.append(shape or (1,))
        else:
            letters, taken = guard.shape, any(c in sizes or c.isdigit() for c in guard.shape)
            if len(shape) == len(letters) == len(set(letters)) and not taken:  # its own will do
                sizes |= zip(letters, shape, strict=True)
            for letter in letters:
                if letter not in sizes:
                    sizes[letter] = int(letter) if letter.isdigit() else draw(st.integers(1, 3))
            found.append(tuple(sizes[letter] for letter in letters))
    return found


def _fits(a: Shape, b: Shape) -> bool:
    try:
        return math.prod(np.broadcast_shapes(a, b)) <= _LARGEST
    except ValueError:
        return False
