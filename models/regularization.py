"""Assignment 2.1, regularisation: none, L2 and dropout on the football data."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from datasets import football
from datasets.container import Array, Dataset
from models import networks, pictures
from models.descent import Parameters, descend
from models.outcome import Options, Outcome
from tinygrad_course import functions
from tinygrad_course.training.initialization import initialize_parameters

__all__ = ["dropout_cost", "run", "train"]

LAYERS = (2, 20, 3, 1)
HIDDEN = LAYERS[1:-1]
ITERATIONS, LEARNING_RATE = 30000, 0.3
LAMBD, KEEP_PROB = 0.7, 0.86
FRESH_SEEDS = (0, 1, 2)


Draw = Callable[[int], tuple[Any, ...]]


def dropout_cost(parameters: Any, X: Array, Y: Array, *masks: Array) -> Any:
    """Return the cost under dropout, with one mask for each hidden layer."""
    A = networks.forward(parameters, X, masks=masks, keep_prob=KEEP_PROB)
    return functions.binary_cross_entropy(A, Y)


def train(
    cost: Callable[..., Any], name: str, data: Dataset, options: Options, draw: Draw | None = None
) -> tuple[Parameters, dict[int, float]]:
    """Train by a cost; return the parameters, and costs 1,000 iterations apart."""
    count = options.iterations(ITERATIONS)
    return descend(
        cost,
        initialize_parameters(LAYERS, "xavier", 3),
        data.X_train,
        data.Y_train,
        LEARNING_RATE,
        iterations=count,
        every=1000,
        draw=draw,
        title=f"football, {name}",
        show=options.show,
    )


def run(options: Options) -> Outcome:
    """2.1: an overfitting network, held back by L2 and by dropout, with one mask and with fresh ones."""
    data = football.load()
    # The assignment seeds NumPy inside the forward pass: the same units are dropped in every iteration.
    same = networks.fixed_masks(HIDDEN, data.m, KEEP_PROB, seed=1)
    ways: dict[str, tuple[Callable[..., Any], Draw | None]] = {
        "none": (networks.cost, None),
        "L2": (functools.partial(networks.cost, lambd=LAMBD), None),
        "dropout": (dropout_cost, lambda m: same),
    }
    for seed in FRESH_SEEDS:
        stream = np.random.RandomState(seed)
        fresh = functools.partial(networks.fresh_masks, HIDDEN, keep_prob=KEEP_PROB, rng=stream)
        ways[f"fresh masks of seed {seed}"] = (dropout_cost, fresh)

    out = Outcome()
    trained, curves = {}, {}
    for name, (cost, draw) in ways.items():
        trained[name], curves[name] = train(cost, name, data, options, draw)
        found: dict[str, Any] = {"costs": curves[name]}
        if not options.fast:
            found["train_accuracy"], found["test_accuracy"] = networks.accuracies(trained[name], data)
            found |= {
                f"{part}_accuracy_percent": 100 * found[f"{part}_accuracy"] for part in ("train", "test")
            }
        if name.startswith("fresh"):
            if not options.fast:
                shares = f"{found['train_accuracy']:.1%} train, {found['test_accuracy']:.1%} test"
                out.remarks.append(f"dropout with {name}: {shares} (nothing published)")
        else:
            record = f"2.1 regularization {name}"
            out.measured |= dict.fromkeys((record, f"{record}, Paddle tutorial", f"{record}, notes"), found)
    out.pictures["costs"] = functools.partial(
        pictures.costs_together,
        {name: costs for name, costs in curves.items() if name in PICTURED},
        "Regularisation, football data",
    )
    out.pictures["boundaries"] = functools.partial(boundaries, trained, data)
    out.graph = lambda: networks.recorded(trained["none"], data)
    return out


PICTURED = ("none", "L2", "dropout", "fresh masks of seed 0")


def boundaries(trained: dict[str, Parameters], data: Dataset) -> Any:
    """Draw the four ways side by side."""
    titles = {
        "none": "no regularisation",
        "L2": f"L2, lambd {LAMBD}",
        "dropout": f"dropout {KEEP_PROB}, one mask",
        "fresh masks of seed 0": f"dropout {KEEP_PROB}, fresh masks",
    }
    panels: list[pictures.Panel] = [
        (
            "{}:\n{:.1%} train, {:.1%} test".format(title, *networks.accuracies(trained[name], data)),
            functools.partial(networks.predict, trained[name]),
            data,
        )
        for name, title in titles.items()
    ]
    return pictures.boundaries("Football, 30,000 iterations", panels, columns=4)


if __name__ == "__main__":
    from models.__main__ import main

    raise SystemExit(main(module="regularization"))
