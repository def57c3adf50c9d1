"""A small GPT: attention by hand with its gradient line by line, then a transformer that continues a text.

::

    python -m models.gpt              # about a minute
    python -m models.gpt --help

Time is before the units here, (m, T, n), as transformers have it. The text is that of `models.characters`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from datasets.container import Array
from models.characters import ALPHABET, encode, learn_and_say
from models.program import command_line, draw, finish
from tinygrad_course import Tensor, graph, value_and_grad
from tinygrad_course.functions import attention, cross_entropy, embedding, gelu, layer_norm, softmax
from tinygrad_course.optimizers import Adam

__all__ = [
    "attention_backward",
    "attention_forward",
    "block",
    "cost",
    "initialize",
    "logits",
    "sample",
    "train",
]

Parameters = dict[str, Any]


def attention_forward(Q: Any, K: Any, V: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the context C = A V, A = softmax(Q K^T / sqrt(d)), causal, and a cache for the way back.

    Q, K and V are (T, d).
    """
    T, d = Q.shape
    S = np.dot(Q, K.T) / np.sqrt(d)
    S = np.where(np.tri(T, dtype=bool), S, -1e30)  # no position sees a later one
    E = np.exp(S - np.max(S, axis=1, keepdims=True))
    A = E / np.sum(E, axis=1, keepdims=True)
    return np.dot(A, V), (Q, K, V, A)


def attention_backward(dC: Array, cache: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Return dQ, dK, dV by hand, each line the derivative of one above, last to first.

    The graph gives the same:

    >>> from tinygrad_course import vjp
    >>> rng = np.random.RandomState(0)
    >>> Q, K, V, dC = (rng.randn(4, 3) for _ in range(4))
    >>> C, cache = attention_forward(Q, K, V)
    >>> _, pullback = vjp(lambda Q, K, V: attention_forward(Q, K, V)[0], Q, K, V)
    >>> [bool(np.allclose(a, b)) for a, b in zip(attention_backward(dC, cache), pullback(dC))]
    [True, True, True]
    """
    Q, K, V, A = cache
    dV = np.dot(A.T, dC)  # C = A V
    dA = np.dot(dC, V.T)
    dS = A * (
        dA - np.sum(dA * A, axis=1, keepdims=True)
    )  # A = softmax(S), row by row; masked entries have A = 0
    dS = dS / np.sqrt(Q.shape[1])  # S = Q K^T / sqrt(d)
    dQ = np.dot(dS, K)
    dK = np.dot(dS.T, Q)
    return dQ, dK, dV


def initialize(T: int = 48, n: int = 48, blocks: int = 2, seed: int = 1) -> Parameters:
    """Return the parameters: E and P, the embeddings of characters and places, and those of each block."""
    rng, vocabulary = np.random.RandomState(seed), len(ALPHABET)

    def normal(*shape: int, scale: float = 0.1) -> Array:
        return rng.randn(*shape) * scale

    p: Parameters = {"E": normal(vocabulary, n), "P": normal(T, n), "gamma": np.ones(n), "beta": np.zeros(n)}
    p["blocks"] = [
        {
            "gamma1": np.ones(n),
            "beta1": np.zeros(n),
            "WQKV": normal(n, 3 * n, scale=n**-0.5),
            "WO": normal(n, n, scale=0.5 * n**-0.5),
            "gamma2": np.ones(n),
            "beta2": np.zeros(n),
            "W1": normal(n, 4 * n, scale=n**-0.5),
            "b1": np.zeros(4 * n),
            "W2": normal(4 * n, n, scale=0.25 * n**-0.5),
            "b2": np.zeros(n),
        }
        for _ in range(blocks)
    ]
    return p


def block(x: Any, p: Parameters, heads: int = 4) -> Any:
    """Return x after one block, (m, T, n): what the positions tell each other, then a layer at each.

    Examples
    --------
    >>> block(np.zeros((2, 5, 48)), initialize()["blocks"][0]).shape
    (2, 5, 48)
    """
    n = x.shape[-1]
    QKV = np.matmul(layer_norm(x, p["gamma1"], p["beta1"], axis=-1), p["WQKV"])
    C = attention(QKV[..., :n], QKV[..., n : 2 * n], QKV[..., 2 * n :], causal=True, heads=heads)
    x = x + np.matmul(C, p["WO"])
    hidden = gelu(
        np.matmul(layer_norm(x, p["gamma2"], p["beta2"], axis=-1), p["W1"]) + p["b1"], approximate=True
    )
    return x + np.matmul(hidden, p["W2"]) + p["b2"]


def logits(p: Parameters, X: Array) -> Any:
    """Return the logits of what comes after each character, (m, T, vocabulary), of characters (m, T)."""
    x = embedding(p["E"], X) + p["P"][: X.shape[1]]
    for parameters in p["blocks"]:
        x = block(x, parameters)
    x = layer_norm(x, p["gamma"], p["beta"], axis=-1)
    return np.matmul(x, p["E"].T)  # the embedding's transpose: the nearer, the likelier


def cost(p: Parameters, X: Array, Y: Array) -> Any:
    """Return the mean cross-entropy of the next characters Y (m, T)."""
    Z = logits(p, X)
    return cross_entropy(np.reshape(Z, (-1, Z.shape[-1])).T, np.reshape(Y, (-1,)))


def train(
    p: Parameters, written: str, *, iterations: int = 400, seed: int = 1, m: int = 16
) -> tuple[Parameters, list[float]]:
    """Return the parameters after so many steps of Adam on m pieces of the text, and the costs."""
    places, T, rng = encode(written), p["P"].shape[0], np.random.RandomState(seed)

    def rate(t: Any) -> Any:
        return 0.003 * np.minimum((t + 1) / 40, 0.5 * (1 + np.cos(np.pi * t / (iterations + 1))))

    optimizer, gradient, costs = Adam(rate, clip_norm=1.0), value_and_grad(cost), []
    state = optimizer.init(p)
    for _ in range(iterations):
        rows = places[rng.randint(0, len(places) - T - 1, m)[:, None] + np.arange(T + 1)]
        J, grads = gradient(p, rows[:, :-1], rows[:, 1:])
        p, state = optimizer.update(p, grads, state)
        costs.append(float(J))
    return p, costs


def sample(
    p: Parameters, begin: str, length: int, rng: np.random.RandomState, temperature: float = 0.5
) -> str:
    """Return `begin` written on by so many characters."""
    written, T = begin, p["P"].shape[0]
    for _ in range(length):
        Z = logits(p, encode(written[-T:])[None, :])[0, -1]
        y = softmax(Z / temperature)
        written += ALPHABET[rng.choice(len(y), p=y / y.sum())]
    return written


def report(options: argparse.Namespace) -> None:
    """Do what the command line asks, and print it."""
    p = learn_and_say(options, initialize(seed=options.seed), train, sample, "the cat ")
    tensors = {name: Tensor(value, name=name) for name, value in p["blocks"][0].items()}
    x = Tensor(np.random.RandomState(0).randn(1, 6, p["E"].shape[1]), name="x")
    draw(options, "block", "graph of one block", lambda: graph(block(x, tensors).named("y")))


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, sample, draw; return the exit status."""
    parser = command_line("gpt", __doc__)
    parser.add_argument("--iterations", type=int, default=400, metavar="N")
    return finish(report, parser, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
