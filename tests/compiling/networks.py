"""Networks and random expressions for the tests of the compiler."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.special import expit

from tinygrad_course import value_and_grad

ACTIVATIONS = {
    "tanh": np.tanh,
    "relu": lambda Z: np.maximum(0, Z),
    "sigmoid": lambda Z: 1 / (1 + np.exp(-Z)),
    "expit": expit,
    "softplus": lambda Z: np.log(1 + np.exp(Z)),
    "leaky": lambda Z: np.where(Z > 0, Z, 0.01 * Z),
}


def parameters_of(rng: np.random.Generator, sizes: list[int], dtype: Any = np.float64) -> dict[str, Any]:
    parameters = {}
    for l in range(1, len(sizes)):
        parameters[f"W{l}"] = rng.normal(size=(sizes[l], sizes[l - 1])).astype(dtype)
        parameters[f"b{l}"] = rng.normal(size=(sizes[l], 1)).astype(dtype)
    return parameters


def forward(parameters: dict[str, Any], X: Any, activations: list[str]) -> Any:
    A = X
    for l, activation in enumerate(activations, 1):
        Z = np.dot(parameters[f"W{l}"], A) + parameters[f"b{l}"]
        A = ACTIVATIONS[activation](Z)
    return A


def cross_entropy(A: Any, Y: Any) -> Any:
    return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / Y.shape[1]


def cross_entropy_by_dots(A: Any, Y: Any) -> Any:
    m = Y.shape[1]
    return np.squeeze((1.0 / m) * (-np.dot(Y, np.log(A).T) - np.dot(1 - Y, np.log(1 - A).T)))


def squares(A: Any, Y: Any) -> Any:
    return np.mean((A - Y) ** 2)


COSTS = {"cross entropy": cross_entropy, "by dots": cross_entropy_by_dots, "squares": squares}


def training_step(activations: list[str], cost: str, lambd: float, rate: float) -> Any:
    def J(parameters: dict[str, Any], X: Any, Y: Any) -> Any:
        value = COSTS[cost](forward(parameters, X, activations), Y)
        if lambd:
            weights = [parameters[k] for k in parameters if k[0] == "W"]
            value = value + lambd / (2 * X.shape[1]) * sum(np.sum(W**2) for W in weights)
        return value

    def step(parameters: dict[str, Any], X: Any, Y: Any) -> Any:
        value, grads = value_and_grad(J)(parameters, X, Y)
        return {k: parameters[k] - rate * grads[k] for k in parameters}, value

    return step


@st.composite
def networks(draw: Any) -> Any:
    """A training step, its parameters, X and Y."""
    depth = draw(st.integers(1, 3))
    m = draw(st.integers(1, 6))
    cost = draw(st.sampled_from(sorted(COSTS)))
    outputs = 1 if cost == "by dots" else draw(st.integers(1, 3))
    sizes = [draw(st.integers(1, 4)) for _ in range(depth)] + [outputs]
    hidden = draw(st.lists(st.sampled_from(sorted(ACTIVATIONS)), min_size=depth - 1, max_size=depth - 1))
    last = draw(st.sampled_from(["sigmoid", "expit"]))
    lambd = draw(st.sampled_from([0.0, 0.7]))
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parameters = parameters_of(rng, sizes, dtype)
    X = rng.normal(size=(sizes[0], m)).astype(dtype)
    Y = (rng.random((outputs, m)) > 0.5).astype(dtype)
    return training_step([*hidden, last], cost, lambd, 0.1), parameters, X, Y


UNARY = {
    "tanh": np.tanh, "exp": lambda x: np.exp(np.minimum(x, 3)), "square": np.square, "negative": lambda x: -x,
    "sin": np.sin, "abs": np.abs, "expit": expit, "sqrt": lambda x: np.sqrt(np.abs(x) + 1),
    "log1p": lambda x: np.log1p(np.abs(x)), "cube": lambda x: x**3, "relu": lambda x: np.maximum(x, 0),
    "scaled": lambda x: 0.3 * x, "shifted": lambda x: x + 1.5,
    "sum0": lambda x: np.sum(x, axis=0, keepdims=True),
    "sum1": lambda x: np.sum(x, axis=1, keepdims=True), "mean": lambda x: np.mean(x) * np.ones((1, 1)),
    "transpose": lambda x: x.T.T * 2, "max": lambda x: x - np.max(x, axis=1, keepdims=True), "sign": np.sign,
    "cumsum": lambda x: np.cumsum(x, axis=1), "slice": lambda x: x * x[:1, :1],
    "where": lambda x: np.where(x > 0, x, -2 * x), "logit": lambda x: 1 / (1 + np.exp(-x)),
    "gram": lambda x: np.dot(np.dot(x, x.T), x) / 4, "flip": lambda x: np.flip(x, 1),
}  # fmt: skip
BINARY = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply,
    "divide": lambda a, b: a / (np.abs(b) + 1),
    "maximum": np.maximum, "hypot": lambda a, b: np.sqrt(a * a + b * b + 1), "logaddexp": np.logaddexp,
    "product": lambda a, b: np.dot(a, np.transpose(b)) @ b, "difference": lambda a, b: a * b - b * a,
    "less": lambda a, b: a * (a < b),
}  # fmt: skip


def expression(recipe: list[tuple[str, int, int]]) -> Any:
    """A scalar function of two matrices of one shape, from a list of operations on earlier values."""

    def f(a: Any, b: Any) -> Any:
        shape = a.shape
        values = [a, b]
        for name, i, j in recipe:
            x, y = values[i % len(values)], values[j % len(values)]
            z = UNARY[name](x) if name in UNARY else BINARY[name](x, y)
            values.append(z + np.zeros(shape, dtype=a.dtype) if np.shape(z) != shape else z)
        return sum(np.sum(np.tanh(v)) for v in values[2:]) + np.sum(values[-1]) * 0.1

    return f


recipes = st.lists(
    st.tuples(st.sampled_from([*UNARY, *BINARY]), st.integers(0, 30), st.integers(0, 30)),
    min_size=1,
    max_size=12,
)
