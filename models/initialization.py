"""Assignment 2.1, initialisation: zeros, large random numbers, He and Xavier on the circles."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from datasets import circles
from datasets.container import Dataset
from models import networks, pictures
from models.descent import Parameters, descend
from models.outcome import Options, Outcome
from tinygrad_course import functions
from tinygrad_course.training.initialization import initialize_parameters

__all__ = ["WAYS", "run", "train"]

# The name of the record, and what the library calls this way of drawing W.
WAYS = {"zeros": "zeros", "random": "large", "He": "he", "Xavier": "xavier"}
ITERATIONS, LEARNING_RATE = 15000, 0.01


def start(how: str) -> Parameters:
    """Return the first parameters, from the assignment's seed 3."""
    return initialize_parameters([2, 10, 5, 1], WAYS[how], 3)


def train(data: Dataset, how: str, options: Options) -> tuple[Parameters, dict[int, float]]:
    """Train from one initialisation; return the parameters, and costs 1,000 iterations apart."""
    count = options.iterations(ITERATIONS)
    return descend(
        networks.cost,
        start(how),
        data.X_train,
        data.Y_train,
        LEARNING_RATE,
        iterations=count,
        every=1000,
        title=f"circles, {how}",
        show=options.show,
    )


def run(options: Options) -> Outcome:
    """2.1: where the weights begin decides whether the circles are learnt."""
    data = circles.load()
    out = Outcome()
    trained, curves = {}, {}
    for how in WAYS:
        parameters, costs = train(data, how, options)
        trained[how], curves[how] = parameters, costs
        found: dict[str, Any] = {"costs": costs}
        if not options.fast:
            found["train_accuracy"], found["test_accuracy"] = networks.accuracies(parameters, data)
            found["train_accuracy_percent"] = 100 * found["train_accuracy"]
            found["predictions_train"] = networks.predict(parameters, data.X_train).ravel()
            found["predictions_test"] = networks.predict(parameters, data.X_test).ravel()
        out.measured[f"2.1 initialization {how}"] = found
        out.measured[f"2.1 initialization {how}, notes"] = found
    safe, naive = curves["random"][0], naive_cost(data)
    out.measured["2.1 initialization random"] |= {"costs": {**curves["random"], 0: naive}}
    xavier = out.measured.pop("2.1 initialization Xavier")
    del out.measured["2.1 initialization Xavier, notes"]
    if not options.fast:
        shares = f"{xavier['train_accuracy']:.2%} train, {xavier['test_accuracy']:.0%} test"
        out.remarks.append(f"Xavier, for which nothing was published: {shares}")
    out.remarks.append(
        f"cost of 10 * randn at the start: {safe:.6f} from the logits, {naive} from the rounded probabilities"
    )
    out.pictures["costs"] = functools.partial(
        pictures.costs_together,
        curves,
        f"Four initialisations on the circles (10 * randn starts at {safe:,.0f})",
        ceiling=1.0,
    )
    out.pictures["boundaries"] = functools.partial(boundaries, trained, data)
    out.graph = lambda: networks.recorded(trained["He"], data)
    return out


def naive_cost(data: Dataset) -> float:
    """Return the first cost of 10 * randn as the assignment computes it, log 0 and all."""
    with np.errstate(divide="ignore"):
        return float(
            functions.binary_cross_entropy(networks.forward(start("random"), data.X_train), data.Y_train)
        )


def boundaries(trained: dict[str, Parameters], data: Dataset) -> Any:
    """Draw the four initialisations side by side."""
    panels: list[pictures.Panel] = [
        (
            "{}: {:.1%} train, {:.0%} test".format(how, *networks.accuracies(parameters, data)),
            functools.partial(networks.predict, parameters),
            data,
        )
        for how, parameters in trained.items()
    ]
    return pictures.boundaries("Circles, 15,000 iterations from four initialisations", panels, columns=4)


if __name__ == "__main__":
    from models.__main__ import main

    raise SystemExit(main(module="initialization"))
