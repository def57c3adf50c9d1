"""Course 5: a character-level RNN or LSTM that learns a text which the program makes itself, and writes on.

::

    python -m models.characters               # an LSTM, about half a minute
    python -m models.characters --cell rnn
    python -m models.characters --help

The text is of sentences drawn from a small grammar. Gradients are clipped, as in the course's dinosaurs;
then the network is sampled one character after another.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from datasets.container import Array
from models.program import command_line, draw, finish, print_costs
from tinygrad_course import Tensor, graph, value_and_grad
from tinygrad_course.functions import cross_entropy, linear, lstm_cell, rnn_cell, scan, softmax
from tinygrad_course.optimizers import Adam
from tinygrad_course.training.initialization import glorot, orthogonal

__all__ = ["ALPHABET", "cost", "initialize", "sample", "text", "train"]

Parameters = dict[str, Any]
ALPHABET = "\n abcdefghijklmnopqrstuvwxyz."
WHO = ("the cat", "a dog", "the old bird", "my friend", "a small mouse")
DOES = ("sees", "likes", "follows", "waits for", "dreams of")
WHERE = ("", " in the garden", " near the sea", " by night")


def text(sentences: int = 400, seed: int = 1) -> str:
    """Return so many sentences of a small grammar, one a line.

    Examples
    --------
    >>> print(text(2), end="")
    my friend dreams of the cat by night.
    a dog waits for the cat.
    """
    rng = np.random.RandomState(seed)

    def drawn(choices: tuple[str, ...]) -> str:
        return choices[rng.randint(len(choices))]

    return "".join(f"{drawn(WHO)} {drawn(DOES)} {drawn(WHO)}{drawn(WHERE)}.\n" for _ in range(sentences))


def encode(written: str) -> Array:
    """Return the places of the characters in the alphabet."""
    return np.array([ALPHABET.index(c) for c in written])


def initialize(cell: str = "lstm", n_a: int = 64, seed: int = 1) -> Parameters:
    """Return a cell's parameters and those of the output layer, in the course's names."""
    rng, n_x = np.random.RandomState(seed), len(ALPHABET)
    p: Parameters = {}
    if cell == "rnn":
        p |= {"Wax": glorot((n_a, n_x), rng, channels="first"), "Waa": orthogonal((n_a, n_a), rng)}
        p |= {"ba": np.zeros((n_a, 1))}
    else:
        for gate in "fico":
            p["W" + gate] = glorot((n_a, n_a + n_x), rng, channels="first")
            p["b" + gate] = np.ones((n_a, 1)) if gate == "f" else np.zeros((n_a, 1))  # at first, remember
    return p | {"Wy": glorot((n_x, n_a), rng, channels="first"), "by": np.zeros((n_x, 1))}


def step(p: Parameters, state: Any, x_t: Any) -> tuple[Any, Any]:
    """Return the next state and its activation a (n_a, m)."""
    inner = {name: value for name, value in p.items() if name not in ("Wy", "by")}
    if "Wax" in p:
        a_next, _, _ = rnn_cell(state, x_t, inner)
        return a_next, a_next
    state, _, _ = lstm_cell(state, x_t, inner)
    return state, state[0]


def start(p: Parameters, m: int) -> Any:
    """Return the state before the first character."""
    zeros = np.zeros((p["Wy"].shape[1], m))
    return zeros if "Wax" in p else (zeros, zeros)


def cost(p: Parameters, X: Array, Y: Array) -> Any:
    """Return the mean cross-entropy of the next characters.

    Parameters
    ----------
    p : dict
    X : array, shape (n_x, m, T)
        One-hot.
    Y : array of int, shape (m, T)
        What comes after each.
    """
    _, a = scan(lambda state, x_t, p: step(p, state, x_t), start(p, X.shape[1]), X, p)
    return cross_entropy(linear(p["Wy"], np.reshape(a, (a.shape[0], -1)), p["by"]), np.reshape(Y, (-1,)))


def batch(places: Array, m: int, T: int, rng: np.random.RandomState) -> tuple[Array, Array]:
    """Return m pieces of T characters, one-hot, and what follows each character."""
    begins = rng.randint(0, len(places) - T - 1, m)
    rows = places[begins[:, None] + np.arange(T + 1)]
    return np.moveaxis(np.eye(len(ALPHABET))[rows[:, :-1]], -1, 0), rows[:, 1:]


def train(
    p: Parameters, written: str, *, iterations: int = 300, seed: int = 1, m: int = 32, T: int = 40
) -> tuple[Parameters, list[float]]:
    """Return the parameters after so many steps of Adam, the gradient clipped to length 1, and the costs."""
    optimizer, rng = Adam(0.01, clip_norm=1.0), np.random.RandomState(seed)
    gradient, places, state, costs = value_and_grad(cost), encode(written), optimizer.init(p), []
    for _ in range(iterations):
        J, grads = gradient(p, *batch(places, m, T, rng))
        p, state = optimizer.update(p, grads, state)
        costs.append(float(J))
    return p, costs


def sample(
    p: Parameters, begin: str, length: int, rng: np.random.RandomState, temperature: float = 0.5
) -> str:
    """Return `begin` written on by so many characters, each drawn from what the network expects."""
    state, written = start(p, 1), begin
    for t in range(len(begin) + length - 1):
        x_t = np.eye(len(ALPHABET))[:, encode(written[t])]
        state, a = step(p, state, x_t[:, None] if x_t.ndim == 1 else x_t)
        if t >= len(begin) - 1:
            y = softmax(linear(p["Wy"], a, p["by"]) / temperature).ravel()
            written += ALPHABET[rng.choice(len(y), p=y / y.sum())]
    return written


def report(options: argparse.Namespace) -> None:
    """Do what the command line asks, and print it."""
    p = learn_and_say(options, initialize(options.cell, seed=options.seed), train, sample, "the ")
    X, Y = batch(encode(text(seed=options.seed)), 1, 2, np.random.RandomState(0))
    tensors = {name: Tensor(value, name=name) for name, value in p.items()}
    draw(options, options.cell, "graph of two steps", lambda: graph(cost(tensors, X, Y).named("J")))


def learn_and_say(
    options: argparse.Namespace, p: Parameters, train: Any, sample: Any, begin: str
) -> Parameters:
    """Train on the text, write on from `begin`, print what came of it; return the parameters."""
    if options.iterations < 1:
        raise ValueError(f"--iterations is {options.iterations}; expected 1 or more")
    p, costs = train(p, text(seed=options.seed), iterations=options.iterations, seed=options.seed)
    print_costs(costs)
    print(f"cost at the end:       {np.mean(costs[-10:]):.4f}")
    said = sample(p, begin, 120, np.random.RandomState(options.seed))
    print(said)
    known, whole = set(text(4000, seed=0).split("\n")), said.split("\n")[:-1]
    print(f"{sum(line in known for line in whole)} of {len(whole)} whole sentences are of the grammar")
    return p


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, sample, draw; return the exit status."""
    parser = command_line("characters", __doc__)
    parser.add_argument("--cell", choices=("rnn", "lstm"), default="lstm")
    parser.add_argument("--iterations", type=int, default=300, metavar="N")
    return finish(report, parser, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
