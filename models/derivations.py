"""The derivations of all the course's costs, in one document: ``python -m models.derivations``.

Each network's forward pass is recorded, `tinygrad_course.derive` writes its backward pass, and `COSTS` has
the course's own lines to compare with. The document is docs/derivations.md; ``--check`` says whether it is up
to date.
"""

from __future__ import annotations

import argparse
import inspect
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from tinygrad_course import Tensor, functions
from tinygrad_course.derivation import derive
from tinygrad_course.derivation.document import Derivation
from tinygrad_course.files import write

__all__ = ["COSTS", "MISTAKES", "Cost", "Mistake", "document", "main", "parameters"]

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "derivations.md"
Recorded = tuple[Any, dict[str, Any]]  # the cost, and the names of what it was computed from


def parameters(*layers: int, seed: int = 1) -> dict[str, Tensor]:
    """Return W1, b1, ... of a network with these numbers of units, none of them zero."""
    random = np.random.RandomState(seed)
    found = {}
    for l, (n_prev, n) in enumerate(pairwise(layers), 1):
        found[f"W{l}"] = Tensor(random.randn(n, n_prev), name=f"W{l}")
        found[f"b{l}"] = Tensor(0.1 * random.randn(n, 1), name=f"b{l}")
    return found


def examples(n_x: int, m: int) -> tuple[Any, Any]:
    """Return X, (n_x, m), and labels Y, (1, m)."""
    random = np.random.RandomState(2)
    return random.randn(n_x, m), (random.rand(1, m) > 0.5) * 1.0


# ------------------------------------------------------------------ the costs, as the course writes them


def first_graph() -> Recorded:
    a, b, c = Tensor(5.0, name="a"), Tensor(3.0, name="b"), Tensor(2.0, name="c")
    J = 3 * (a + b * c)
    return J, {}


def logistic_regression() -> Recorded:
    X, Y = examples(3, 8)
    m = X.shape[1]
    w, b = Tensor(np.ones((3, 1)), name="w"), Tensor(0.5, name="b")
    A = 1 / (1 + np.exp(-(np.dot(w.T, X) + b)))
    J = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    return J, {"X": X, "Y": Y, "A": A}


def planar() -> Recorded:
    X, Y = examples(2, 8)
    W1, b1, W2, b2 = parameters(2, 4, 1).values()
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = 1 / (1 + np.exp(-Z2))
    logprobs = np.multiply(np.log(A2), Y) + np.multiply(np.log(1 - A2), 1 - Y)
    J = -np.sum(logprobs) / X.shape[1]
    return J, {"X": X, "Y": Y}


def two_layers() -> Recorded:
    X, Y = examples(3, 8)
    W1, b1, W2, b2 = parameters(3, 4, 1).values()
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = expit(Z2)
    J = -1 / X.shape[1] * (np.dot(Y, np.log(A2).T) + np.dot(1 - Y, np.log(1 - A2).T))
    return np.squeeze(J), {"X": X, "Y": Y}


def four_layers() -> Recorded:
    X, Y = examples(3, 8)
    weights = parameters(3, 5, 4, 3, 1)
    A = X
    for l in (1, 2, 3):
        A = functions.relu(functions.linear(weights[f"W{l}"], A, weights[f"b{l}"]))
    AL = functions.sigmoid(functions.linear(weights["W4"], A, weights["b4"]))
    return functions.binary_cross_entropy(AL, Y), {"X": X, "Y": Y}


def l2_regularization() -> Recorded:
    X, Y = examples(2, 8)
    lambd = 0.7
    W1, b1, W2, b2, W3, b3 = parameters(2, 4, 3, 1).values()
    A1 = functions.relu(np.dot(W1, X) + b1)
    A2 = functions.relu(np.dot(W2, A1) + b2)
    A3 = functions.sigmoid(np.dot(W3, A2) + b3)
    J = functions.binary_cross_entropy(A3, Y) + functions.l2_term({"W1": W1, "W2": W2, "W3": W3}, lambd, 8)
    return J, {"X": X, "Y": Y, "lambd": lambd}


def dropout() -> Recorded:
    X, Y = examples(2, 8)
    random = np.random.RandomState(1)
    keep_prob = 0.86
    W1, b1, W2, b2, W3, b3 = parameters(2, 4, 3, 1).values()
    D1, D2 = (functions.dropout_mask((n, 8), keep_prob, random) for n in (4, 3))
    A1 = functions.relu(np.dot(W1, X) + b1) * D1 / keep_prob
    A2 = functions.relu(np.dot(W2, A1) + b2) * D2 / keep_prob
    A3 = functions.sigmoid(np.dot(W3, A2) + b3)
    J = functions.binary_cross_entropy(A3, Y)
    return J, {"X": X, "Y": Y, "D1": D1, "D2": D2, "A1": A1, "A2": A2, "keep_prob": keep_prob}


def softmax() -> Recorded:
    X, _ = examples(2, 8)
    Y = functions.one_hot([0, 2, 1, 1, 0, 2, 0, 1], 3)
    W1, b1, W2, b2 = parameters(2, 4, 3).values()
    A1 = np.tanh(np.dot(W1, X) + b1)
    Z2 = np.dot(W2, A1) + b2
    A2 = np.exp(Z2) / np.sum(np.exp(Z2), axis=0, keepdims=True)
    J = -np.sum(Y * np.log(A2)) / X.shape[1]
    return J, {"X": X, "Y": Y}


def labels() -> Recorded:
    X, _ = examples(2, 8)
    W1, b1 = parameters(2, 3).values()
    Z1 = np.dot(W1, X) + b1
    J = functions.cross_entropy(Z1, [0, 2, 1, 1, 0, 2, 0, 1])
    return J, {"X": X, "Y": functions.one_hot([0, 2, 1, 1, 0, 2, 0, 1], 3)}


def batch_normalization() -> Recorded:
    X, _ = examples(2, 8)
    random = np.random.RandomState(1)
    Y = (random.rand(4, 8) > 0.5) * 1.0
    m = X.shape[1]
    W1 = Tensor(random.randn(4, 2), name="W1")
    gamma, beta = (Tensor(random.randn(4, 1), name=name) for name in ("gamma", "beta"))
    Z = np.dot(W1, X)
    mu = 1 / m * np.sum(Z, axis=1, keepdims=True)
    sigma2 = 1 / m * np.sum((Z - mu) ** 2, axis=1, keepdims=True)
    Z_norm = (Z - mu) / np.sqrt(sigma2 + 1e-8)
    Z_tilde = gamma * Z_norm + beta
    A = 1 / (1 + np.exp(-Z_tilde))
    J = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    return J, {name: value for name, value in locals().items() if name not in {"random", "_"}}


def batch_norm() -> Recorded:
    X, Y = examples(2, 8)
    W1, _, W2, b2 = parameters(2, 4, 1).values()
    gamma, beta = Tensor(np.full((4, 1), 1.5), name="gamma"), Tensor(np.full((4, 1), 0.5), name="beta")
    Z1 = np.dot(W1, X)
    Z_tilde1, _ = functions.batch_norm(Z1, gamma, beta)
    A1 = functions.relu(Z_tilde1)
    A2 = functions.sigmoid(np.dot(W2, A1) + b2)
    J = functions.binary_cross_entropy(A2, Y)
    return J, {"X": X, "Y": Y, "Z1": Z1, "Z_tilde1": Z_tilde1, "A1": A1, "A2": A2}


def attention() -> Recorded:
    random = np.random.RandomState(1)
    Q, K, V = (Tensor(random.randn(4, 3), name=name) for name in "QKV")
    G = random.randn(4, 3)
    S = np.dot(Q, K.T) / np.sqrt(3)
    E = np.exp(S - np.max(S, axis=1, keepdims=True))
    A = E / np.sum(E, axis=1, keepdims=True)
    C = np.dot(A, V)
    J = np.sum(G * C)
    return J, {"G": G, "S": S, "A": A, "C": C}


def recurrent_step() -> Recorded:
    random = np.random.RandomState(1)
    xt, Y = random.randn(3, 8), functions.one_hot([0, 1, 1, 0, 0, 1, 0, 1], 2)
    shapes = {"Wax": (5, 3), "Waa": (5, 5), "Wya": (2, 5), "ba": (5, 1), "by": (2, 1), "a_prev": (5, 8)}
    Wax, Waa, Wya, ba, by, a_prev = (Tensor(random.randn(*s), name=name) for name, s in shapes.items())
    a_next = np.tanh(np.dot(Waa, a_prev) + np.dot(Wax, xt) + ba)
    yt = functions.softmax(np.dot(Wya, a_next) + by)
    J = functions.categorical_cross_entropy(yt, Y)
    return J, {"xt": xt, "Y": Y, "a_next": a_next, "yt": yt}


# ------------------------------------------------------------------ what the course says of them


@dataclass(frozen=True, eq=False)
class Cost:
    """A cost of the course's, and its own lines for the backward pass."""

    title: str
    place: str  #: where in the course it stands
    record: Callable[[], Recorded]  #: returns the recorded cost, and names
    formulas: dict[str, str]  #: the last formula of each gradient, as `derive` writes text

    def derivation(self) -> Derivation:
        """Return the derivation, without numbers."""
        J, names = self.record()
        return derive(J, None, names, numbers=False)

    @property
    def code(self) -> str:
        """The forward pass, as it was run."""
        lines = inspect.getsource(self.record).splitlines()[1:]
        return textwrap.dedent("\n".join(line for line in lines if not line.strip().startswith("return J, ")))


def _layer(l: int, before: str, slope: str = "") -> dict[str, str]:
    """Return the course's lines for layer l: dZ from the layer after it, if a slope is given; dW, db."""
    lines = {f"dW{l}": f"(1/m) dZ^[{l}] {before}T", f"db{l}": f"(1/m) Σ_i dZ^[{l}](i)"}
    if slope:
        lines[f"dA{l}"] = f"W^[{l + 1}]T dZ^[{l + 1}]"
        lines[f"dZ{l}"] = f"W^[{l + 1}]T dZ^[{l + 1}] * {slope}"
    return lines


def _relu(l: int) -> str:
    return f"1{{Z^[{l}] > 0}}"


def _output(l: int) -> dict[str, str]:
    A = f"A^[{l}]"
    return {f"dA{l}": f"-(Y/{A} - (1 - Y)/(1 - {A}))", f"dZ{l}": f"{A} - Y"}


COSTS: tuple[Cost, ...] = (
    Cost("J = 3(a + bc)", "course 1, week 2", first_graph, {"dJ/da": "3", "dJ/db": "3 c", "dJ/dc": "3 b"}),
    Cost(
        "Logistic regression",
        "course 1, week 2",
        logistic_regression,
        {"dA": "-(Y/A - (1 - Y)/(1 - A))", "dZ": "A - Y", "dw": "(1/m) X dZ^T", "db": "(1/m) Σ_i dZ^(i)"},
    ),
    Cost(
        "One hidden layer: tanh, sigmoid",
        "course 1, week 3",
        planar,
        _output(2) | _layer(2, "A^[1]") | _layer(1, "X^", "(1 - (A^[1])^2)"),
    ),
    Cost(
        "Two layers: relu, sigmoid",
        "course 1, week 4",
        two_layers,
        _output(2) | _layer(2, "A^[1]") | _layer(1, "X^", _relu(1)),
    ),
    Cost(
        "Four layers: relu, relu, relu, sigmoid",
        "course 1, week 4",
        four_layers,
        _output(4)
        | _layer(4, "A^[3]")
        | _layer(3, "A^[2]", _relu(3))
        | _layer(2, "A^[1]", _relu(2))
        | _layer(1, "X^", _relu(1)),
    ),
    Cost(
        "L2 regularization",
        "course 2, week 1",
        l2_regularization,
        _output(3)
        | _layer(3, "A^[2]")
        | _layer(2, "A^[1]", _relu(2))
        | _layer(1, "X^", _relu(1))
        | {
            f"dW{l}": f"(1/m) dZ^[{l}] {before}T + (λ/m) W^[{l}]"
            for l, before in ((3, "A^[2]"), (2, "A^[1]"), (1, "X^"))
        },
    ),
    Cost(
        "Dropout",
        "course 2, week 1",
        dropout,
        _output(3)
        | _layer(3, "A^[2]")
        | _layer(2, "A^[1]", f"{_relu(2)} * D^[2]/keep_prob")
        | _layer(1, "X^", f"{_relu(1)} * D^[1]/keep_prob"),
    ),
    Cost(
        "Softmax",
        "course 2, week 3",
        softmax,
        {"dA2": "-Y/A^[2]", "dZ2": "A^[2] - Y"} | _layer(2, "A^[1]") | _layer(1, "X^", "(1 - (A^[1])^2)"),
    ),
    Cost(
        "Softmax cross-entropy, from labels",
        "course 2, week 3",
        labels,
        {"dZ1": "softmax(Z^[1]) - Y"} | _layer(1, "X^"),
    ),
    Cost(
        "Batch normalisation, written out",
        "course 2, week 3; Ioffe and Szegedy (2015)",
        batch_normalization,
        {
            "dA": "-(Y/A - (1 - Y)/(1 - A))",
            "dZ_tilde": "A - Y",
            "dgamma": "(1/m) Σ_i dZ_tilde * Z_norm",
            "dbeta": "(1/m) Σ_i dZ_tilde^(i)",
            "dZ_norm": "dZ_tilde * gamma",
            "dsigma2": "-(1/(2 m)) Σ_i dZ_norm * (Z - mu)/(1e-08 + sigma2)^(3/2)",
            "dmu": "-(1/m) Σ_i dZ_norm/sqrt(1e-08 + sigma2) + (1/m) Σ_i dsigma2 * (2 (mu - Z))",
            "dZ": "dZ_norm/sqrt(1e-08 + sigma2) + dsigma2 * (2 (Z - mu)) + dmu",
            "dW1": "(1/m) dZ X^T",
        },
    ),
    Cost(
        "Batch normalisation, in a layer",
        "course 2, week 3",
        batch_norm,
        _output(2)
        | _layer(2, "A^[1]")
        | {
            "dA1": "W^[2]T dZ^[2]",
            "dZ_tilde1": "W^[2]T dZ^[2] * 1{Z_tilde1 > 0}",
            "dgamma": "(1/m) Σ_i dZ_tilde1 * Z_norm1",
            "dbeta": "(1/m) Σ_i dZ_tilde1^(i)",
            "dZ_norm1": "dZ_tilde1 * gamma",
            "dZ1": "(dZ_norm1 - (1/m) Σ_i dZ_norm1^(i) - (1/m) (Σ_i dZ_norm1 * Z_norm1) * Z_norm1)"
            "/sqrt(1e-05 + var(Z^[1]))",
            "dW1": "(1/m) dZ^[1] X^T",
        },
    ),
    Cost(
        "Attention",
        "course 5, week 4; a row for each position",
        attention,
        {
            "dC": "G",
            "dV": "A^T dC",
            "dA": "dC V^T",
            "dS": "A * (dC V^T - Σ_i dC V^T * A)",
            "du": "dS/sqrt(3)",
            "dQ": "du K",
            "dK": "du^T Q",
        },
    ),
    Cost(
        "A recurrent step",
        "course 5, week 1",
        recurrent_step,
        {
            "dyt": "-Y/yt",
            "dv": "yt - Y",
            "dWya": "(1/m) dv a_next^T",
            "dby": "(1/m) Σ_i dv^(i)",
            "da_next": "Wya^T dv",
            "du": "Wya^T dv * (1 - a_next^2)",
            "dWaa": "(1/m) du a_prev^T",
            "dba": "(1/m) Σ_i du^(i)",
            "dWax": "(1/m) du xt^T",
            "da_prev": "Waa^T du",
        },
    ),
)


# ------------------------------------------------------------------ formulas that are wrong


@dataclass(frozen=True)
class Mistake:
    """A formula that is found in notes on the course, and is wrong."""

    formula: str  #: in LaTeX
    right: str
    line: str  #: that of the two-layer derivation (tanh, sigmoid) that it would replace
    compute: Callable[[dict[str, Any]], Any]  #: evaluates it from the values of that derivation, by name

    def difference(self, values: dict[str, Any]) -> float | tuple[int, ...]:
        """Return the course's relative difference from the right value, or another shape than that one's."""
        wrong, right = self.compute(values), values[self.line]
        if wrong.shape != right.shape:
            shape: tuple[int, ...] = wrong.shape
            return shape
        return float(np.linalg.norm(wrong - right) / (np.linalg.norm(wrong) + np.linalg.norm(right)))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        r"\sigma'(z) = a(a - 1)",
        r"\sigma'(z) = a(1 - a)",
        "dZ2",
        lambda v: v["dA2"] * v["A2"] * (v["A2"] - 1),
    ),
    Mistake(
        r"\frac{d}{da}\left[-(y \log_{10} a + (1-y) \log_{10}(1-a))\right]"
        r" = -\left(\frac{y}{a} - \frac{1-y}{1-a}\right)",
        r"\text{the logarithm is the natural one; } \log_{10} \text{ divides by } \log 10",
        "dA2",
        lambda v: v["dA2"] / np.log(10),
    ),
    Mistake(
        r"dA^{[2]} = -\left(\frac{Y}{A^{[2]}} + \frac{1-Y}{1-A^{[2]}}\right)",
        r"-\left(\frac{Y}{A^{[2]}} - \frac{1-Y}{1-A^{[2]}}\right)",
        "dA2",
        lambda v: -(v["Y"] / v["A2"] + (1 - v["Y"]) / (1 - v["A2"])),
    ),
    Mistake(
        r"dZ^{[1]} = \frac{1}{m} \sum_{i} W^{[2]T} dZ^{[2](i)} * g'(Z^{[1](i)})",
        r"dZ^{[1]} = W^{[2]T} dZ^{[2]} * g'(Z^{[1]}) \text{, a column for each example}",
        "dZ1",
        lambda v: np.mean(np.dot(v["W2"].T, v["dZ2"]) * (1 - v["A1"] ** 2), axis=1, keepdims=True),
    ),
    Mistake(
        r"dW^{[2]} = \frac{1}{m} dZ^{[2]} A^{[2]T}",
        r"dW^{[2]} = \frac{1}{m} dZ^{[2]} A^{[1]T}",
        "dW2",
        lambda v: np.dot(v["dZ2"], v["A2"].T) / v["Y"].shape[1],
    ),
)


def values() -> dict[str, Any]:
    """Return the values of every line of the planar network's derivation, by name, and X, Y, W2."""
    J, names = planar()
    derivation = derive(J, None, names)
    return {**{line.name: line.value for line in derivation}, **names, "W2": parameters(2, 4, 1)["W2"].data}


# ------------------------------------------------------------------ the document


HEAD = """# Derivations of the course's costs

Written by `python -m models.derivations` from recordings of the forward passes shown. Every line was computed
and held against the graph's gradient before it was written. As in the course, dZ and dA are gradients of the
summed loss, m times those of the cost J; dW and db are gradients of J.
"""
WRONG = """## Formulas that are wrong

Found in notes on the course. Put in the place of the line of the tanh and sigmoid network, each gives other
numbers, or numbers of another shape. The relative difference is the course's: the norm of the difference over
the sum of the norms.

| wrong | right | instead of | relative difference |
|---|---|---|---|"""


def document() -> str:
    """Return the document, in Markdown."""
    known = values()
    sections = [
        f"## {cost.title}\n\n{cost.place}\n\n```python\n{cost.code}\n```\n\n{cost.derivation().markdown}"
        for cost in COSTS
    ]
    return "\n".join([HEAD, *sections, WRONG, *(_row(mistake, known) for mistake in MISTAKES), ""])


def _row(mistake: Mistake, known: dict[str, Any]) -> str:
    difference = mistake.difference(known)
    if isinstance(difference, float):
        told, line = f"{difference:.2f}", mistake.line
    else:
        told, line = f"of shape {difference}", f"{mistake.line}, which is {known[mistake.line].shape}"
    return f"| ${mistake.formula}$ | ${mistake.right}$ | {line} | {told} |"


def main(arguments: list[str] | None = None) -> int:
    """Write the document, or with ``--check`` say whether it is up to date."""
    parser = argparse.ArgumentParser(prog="python -m models.derivations", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if the document is out of date"
    )
    options = parser.parse_args(arguments)
    text = document()
    if options.check:
        current = DOCUMENT.is_file() and DOCUMENT.read_text(encoding="utf-8") == text
        print(f"{DOCUMENT} is {'up to date' if current else 'out of date: python -m models.derivations'}")
        return 0 if current else 1
    print(write(DOCUMENT, text.encode()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
