"""Course 4: LeNet on scikit-learn's handwritten digits, and a residual block; no backward pass by hand.

::

    python -m models.lenet                # about half a minute
    python -m models.lenet --residual     # with a residual block in the middle
    python -m models.lenet --help

1,797 pictures of 8 x 8 pixels; a fifth is held out. Each step sees its pictures moved by up to a pixel.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from datasets.container import Array
from datasets.streams import generators
from models.program import command_line, draw, finish, print_costs
from tinygrad_course import Tensor, graph, value_and_grad
from tinygrad_course.functions import conv, cross_entropy, linear, max_pool, relu
from tinygrad_course.optimizers import AdamW

__all__ = ["accuracy", "cost", "forward", "initialize", "load", "residual_block", "train"]

Parameters = dict[str, Any]


def load(seed: int = 1) -> tuple[Array, Array, Array, Array]:
    """Return X_train (m, 8, 8, 1), Y_train (m,), X_test, Y_test: shuffled, the last fifth held out."""
    digits = generators().load_digits()
    order = np.random.RandomState(seed).permutation(len(digits.target))
    X = (digits.images[order, :, :, None] / 16).astype(np.float32)
    Y, m = digits.target[order], len(order) * 4 // 5
    return X[:m], Y[:m], X[m:], Y[m:]


def initialize(seed: int = 1, residual: bool = False) -> Parameters:
    """Return the parameters of two convolutions and two layers, He's numbers, in single precision."""
    rng = np.random.RandomState(seed)

    def he(*shape: int, inputs: int) -> Any:
        return (rng.randn(*shape) * np.sqrt(2 / inputs)).astype(np.float32)

    p: Parameters = {
        "K1": he(3, 3, 1, 16, inputs=9),
        "c1": np.zeros(16, np.float32),
        "K2": he(3, 3, 16, 32, inputs=144),
        "c2": np.zeros(32, np.float32),
        "W3": he(64, 128, inputs=128),
        "b3": np.zeros((64, 1), np.float32),
        "W4": he(10, 64, inputs=64),
        "b4": np.zeros((10, 1), np.float32),
    }
    if residual:
        p |= {"R1": he(3, 3, 32, 32, inputs=288), "r1": np.zeros(32, np.float32)}
        p |= {"R2": np.zeros((3, 3, 32, 32), np.float32), "r2": np.zeros(32, np.float32)}
    return p


def residual_block(A: Any, p: Parameters) -> Any:
    """Return relu(A + conv(relu(conv(A)))): the way around keeps the gradient alive (course 4, week 2).

    With R2 = 0 at first, the block is the identity on what a ReLU has let through.

    Examples
    --------
    >>> A, zero = np.ones((1, 4, 4, 2)), np.zeros(2)
    >>> p = {"R1": np.ones((3, 3, 2, 2)), "r1": zero, "R2": np.zeros((3, 3, 2, 2)), "r2": zero}
    >>> bool(np.all(residual_block(A, p) == A))
    True
    """
    F = conv(relu(conv(A, p["R1"], p["r1"], pad="same")), p["R2"], p["r2"], pad="same")
    return relu(A + F)


def forward(p: Parameters, X: Any) -> Any:
    """Return the logits (10, m) of pictures (m, 8, 8, 1).

    Examples
    --------
    >>> forward(initialize(), np.zeros((5, 8, 8, 1), np.float32)).shape
    (10, 5)
    """
    A1 = max_pool(relu(conv(X, p["K1"], p["c1"], pad="same")))  # (m, 4, 4, 16)
    A2 = relu(conv(A1, p["K2"], p["c2"], pad="same"))
    if "R1" in p:
        A2 = residual_block(A2, p)
    A2 = max_pool(A2)  # (m, 2, 2, 32)
    A3 = relu(linear(p["W3"], np.reshape(A2, (X.shape[0], 128)).T, p["b3"]))
    return linear(p["W4"], A3, p["b4"])


def cost(p: Parameters, X: Any, Y: Any) -> Any:
    """Return the mean cross-entropy of the labels Y (m,)."""
    return cross_entropy(forward(p, X), Y)


def accuracy(p: Parameters, X: Array, Y: Array) -> float:
    """Return how many pictures in a hundred are told right."""
    return float(100 * np.mean(np.argmax(forward(p, X), axis=0) == Y))


def moved(X: Array, rng: np.random.RandomState) -> Any:
    """Return the pictures, every other one moved by -1, 0 or 1 pixel along both axes."""
    around = np.pad(X, ((0, 0), (1, 1), (1, 1), (0, 0)))
    down, right = np.where(rng.rand(len(X)) < 0.5, 1, rng.randint(0, 3, (2, len(X))))
    rows, columns = down[:, None] + np.arange(8), right[:, None] + np.arange(8)
    return around[np.arange(len(X))[:, None, None], rows[:, :, None], columns[:, None, :]]


def train(
    p: Parameters, X: Array, Y: Array, *, epochs: int = 40, seed: int = 1, learning_rate: float = 0.003
) -> tuple[Parameters, list[float]]:
    """Return the parameters after so many epochs of mini-batches of 16, and the cost of each epoch.

    The learning rate falls to 0 along a cosine.
    """
    size, m, rng = 16, len(X), np.random.RandomState(seed)
    steps = epochs * -(-m // size)

    def rate(t: Any) -> Any:
        return learning_rate * 0.5 * (1 + np.cos(np.pi * np.minimum(t / steps, 1.0)))

    optimizer, gradient, costs = AdamW(rate, weight_decay=0.02), value_and_grad(cost), []
    state = optimizer.init(p)
    for _ in range(epochs):
        pictures, order, total = moved(X, rng), rng.permutation(m), 0.0
        for rows in np.split(order, range(size, m, size)):
            J, grads = gradient(p, pictures[rows], Y[rows])
            p, state = optimizer.update(p, grads, state)
            total += float(J) * len(rows) / m
        costs.append(total)
    return p, costs


def report(options: argparse.Namespace) -> None:
    """Do what the command line asks, and print it."""
    X, Y, X_test, Y_test = load(options.seed)
    start = initialize(options.seed, options.residual)
    p, costs = train(start, X, Y, epochs=options.epochs, seed=options.seed)
    print_costs(costs, "of epoch")
    print(f"accuracy on {len(Y)} pictures: {accuracy(p, X, Y):.2f} %")
    wrong = np.flatnonzero(np.argmax(forward(p, X_test), axis=0) != Y_test)
    print(f"accuracy on {len(Y_test)} held out: {accuracy(p, X_test, Y_test):.2f} %, {len(wrong)} wrong")
    tensors = {name: Tensor(value, name=name) for name, value in p.items()}
    draw(options, "lenet", "graph", lambda: graph(cost(tensors, X[:4], Y[:4]).named("J")))


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, print, draw; return the exit status."""
    parser = command_line("lenet", __doc__)
    parser.add_argument("--epochs", type=int, default=40, metavar="N")
    parser.add_argument("--residual", action="store_true", help="with a residual block")
    return finish(report, parser, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
