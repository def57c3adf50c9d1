"""What a row of the table is made of: the work, and somebody who does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Arrays = dict[str, Any]
Make = Callable[[], "Runner"]


@dataclass(frozen=True)
class Runner:
    """One contestant, ready to work.

    Attributes
    ----------
    start : callable
        Returns a fresh state; not timed.
    run : callable
        ``run(state, n)`` does n units of work and returns the state after them; timed.
    read : callable
        Returns a state's results as arrays, by name; not timed.
    """

    start: Callable[[], Any]
    run: Callable[[Any, int], Any]
    read: Callable[[Any], Arrays]


@dataclass(frozen=True)
class Network:
    """Train a network of the course: parameters w and b, or W1, b1, ..., WL, bL."""

    parameters: Arrays
    X: Any
    Y: Any
    hidden: str  # "tanh" or "relu"
    output: str  # "sigmoid" or "softmax"
    learning_rate: float
    batch_size: int | None = None
    adam: bool = False

    @property
    def batches(self) -> list[tuple[Any, Any]]:
        """The mini-batches, the last perhaps smaller; or all examples at once."""
        m = self.X.shape[1]
        size = self.batch_size or m
        return [
            (np.ascontiguousarray(self.X[:, i : i + size]), np.ascontiguousarray(self.Y[:, i : i + size]))
            for i in range(0, m, size)
        ]

    @property
    def steps(self) -> int:
        """The steps in one unit of work: a pass over the mini-batches."""
        return len(self.batches)

    @property
    def begin(self) -> Arrays:
        """What the results are updates of."""
        return self.parameters


@dataclass(frozen=True)
class Elementwise:
    """Value and gradient of sum(sigmoid(x) tanh(x) + log1p(exp(-abs(x))))."""

    x: Any
    steps: int = 1
    begin: Arrays = field(default_factory=dict)


@dataclass(frozen=True)
class Formula:
    """Value and gradient of J = 3(a + bc), at one point after the other."""

    points: list[tuple[float, float, float]]
    begin: Arrays = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """The points."""
        return len(self.points)


@dataclass(frozen=True)
class Gradient:
    """Value and gradient of a cost that no course has: ``cost(parameters, *arguments)``.

    Attributes
    ----------
    key : str
        What the peers look up, who write the cost in their own functions.
    parameters : dict of str to ndarray
    arguments : tuple
        Data and labels.
    cost : callable
        ``cost(xp)`` returns the cost in the functions of a NumPy-like namespace, as an engineer types it.
    """

    key: str
    parameters: Arrays
    arguments: tuple[Any, ...]
    cost: Callable[[Any], Callable[..., Any]]
    steps: int = 1
    begin: Arrays = field(default_factory=dict)

    @property
    def x(self) -> Any:
        """An array of the work's dtype."""
        return next(iter(self.parameters.values()))


Work = Network | Elementwise | Formula | Gradient


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes
    ----------
    key, title : str
    make : callable
        ``make(small)`` returns the work, small for the tests.
    course : callable
        The course's NumPy, the baseline: takes the work, returns a `Runner`.
    tuned : callable, optional
        The same arithmetic by hand, as fast as NumPy lets one write it.
    products : callable, optional
        The matrix products that a step can't do without, and nothing else: a limit, no contestant.
    """

    key: str
    title: str
    make: Callable[[bool], Any]
    course: Callable[[Any], Runner]
    tuned: Callable[[Any], Runner] | None = None
    products: Callable[[Any], Runner] | None = None


def initial(sizes: list[int], dtype: Any = np.float64, seed: int = 1) -> Arrays:
    """Return W1, b1, ...: normal numbers divided by sqrt(n_prev), and zeros."""
    stream = np.random.RandomState(seed)
    parameters: Arrays = {}
    for l in range(1, len(sizes)):
        W = stream.randn(sizes[l], sizes[l - 1]) / np.sqrt(sizes[l - 1])
        parameters[f"W{l}"] = W.astype(dtype)
        parameters[f"b{l}"] = np.zeros((sizes[l], 1), dtype)
    return parameters


def logits(p: Any, X: Any, hidden: Callable[[Any], Any], linear: Callable[..., Any]) -> Any:
    """Return Z of the last layer, of parameters w and b, or W1, b1, ..., WL, bL."""
    if "w" in p:
        return linear(p["w"].T, X, p["b"])
    L, A = len(p) // 2, X
    for l in range(1, L):
        A = hidden(linear(p[f"W{l}"], A, p[f"b{l}"]))
    return linear(p[f"W{L}"], A, p[f"b{L}"])


def matrices(W: Any, A: Any, b: Any) -> Any:
    """Return W A + b of what has the operator."""
    return W @ A + b


def typed(work: Network, xp: Any, relu: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return the cost as the course's formulas are typed, in the functions of a NumPy-like namespace."""
    hidden = xp.tanh if work.hidden == "tanh" else relu
    softmax = work.output == "softmax"  # a compiled cost looks at what it reads in each call: not at all of X

    def cost(parameters: Any, X: Any, Y: Any) -> Any:
        Z = logits(parameters, X, hidden, lambda W, A, b: xp.dot(W, A) + b)
        if softmax:
            E = xp.exp(Z - xp.max(Z, axis=0, keepdims=True))
            return -xp.sum(Y * xp.log(E / xp.sum(E, axis=0, keepdims=True))) / X.shape[1]
        A = 1 / (1 + xp.exp(-Z))
        return -xp.sum(Y * xp.log(A) + (1 - Y) * xp.log(1 - A)) / X.shape[1]

    return cost


def training(
    work: Network,
    step: Callable[..., Any],
    start: Callable[[], Any] | None = None,
    batches: list[tuple[Any, Any]] | None = None,
) -> Runner:
    """Return a runner of ``step(state, X, Y)``, which returns the next state and the cost."""
    batches = batches or work.batches

    def run(carry: Any, n: int) -> Any:
        state, J = carry
        for _ in range(n):
            for X, Y in batches:
                state, J = step(state, X, Y)
        return state, J

    def read(carry: Any) -> Arrays:
        state, J = carry
        parameters = state[0] if isinstance(state, tuple) else state
        return {name: np.asarray(value) for name, value in parameters.items()} | {"J": np.asarray(J)}

    return Runner(lambda: ((start or (lambda: copies(work.parameters)))(), 0.0), run, read)


def copies(parameters: Arrays) -> Arrays:
    """Return copies of the arrays."""
    return {name: value.copy() for name, value in parameters.items()}


def gradients(work: Gradient, f: Callable[..., Any]) -> Runner:
    """Return a runner of ``f(parameters, *arguments)``, which returns the cost and its gradients by name."""

    def run(state: Any, n: int) -> Any:
        for _ in range(n):
            state = f(work.parameters, *work.arguments)
        return state

    def read(state: Any) -> Arrays:
        return {f"d{name}": np.asarray(g) for name, g in state[1].items()} | {"J": np.asarray(state[0])}

    return Runner(lambda: None, run, read)


def multiplications(*sizes: tuple[int, ...]) -> Runner:
    """Return a runner of NumPy's products of (..., rows, inner) with (..., inner, columns), into kept arrays.

    Each is given as (..., rows, inner, columns), and is made of ones in single precision.
    """
    calls = []
    for *stack, rows, inner, columns in sizes:
        shapes = (*stack, rows, inner), (*stack, inner, columns), (*stack, rows, columns)
        calls.append([np.ones(shape, "f4") for shape in shapes])

    def run(state: Any, n: int) -> Any:
        for _ in range(n):
            for left, right, into in calls:
                np.matmul(left, right, into)
        return state

    return Runner(lambda: None, run, lambda _: {})
