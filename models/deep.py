"""Assignment 1.4: two networks on the cats, with two layers and with four."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from datasets import cats
from datasets.container import Dataset
from models import networks, pictures
from models.descent import Parameters, descend
from models.outcome import Options, Outcome
from tinygrad_course.optimizers import GradientDescent
from tinygrad_course.training.initialization import initialize_parameters

__all__ = ["run", "summed_biases", "train"]

TWO, FOUR = (12288, 7, 1), (12288, 20, 7, 5, 1)
ITERATIONS, LEARNING_RATE = 2500, 0.0075


def summed_biases(gradients: Parameters) -> Parameters:
    """Return the gradients with each db summed over its layer's units: the first release's mistake.

    Its helper wrote ``db = 1/m * np.sum(dZ)`` where ``np.sum(dZ, axis=1, keepdims=True)`` was meant, so all
    units of a layer got one number. The figures that it published come out only with that.

    Examples
    --------
    >>> summed_biases({"b1": np.array([[1.0], [2.0]]), "W1": np.array([[5.0]])})
    {'b1': array([[3.],
           [3.]]), 'W1': array([[5.]])}
    """
    return {
        name: np.full_like(value, np.sum(value)) if name.startswith("b") else value
        for name, value in gradients.items()
    }


class SummedBiases(GradientDescent):
    """Gradient descent as the first release of the assignment steps: see `summed_biases`."""

    def update(self, parameters: Any, grads: Any, state: Any) -> tuple[Any, Any]:
        """Return the parameters and the state after one update."""
        return super().update(parameters, summed_biases(grads), state)


def train(
    data: Dataset, layers: tuple[int, ...], options: Options, *, summed_db: bool = False
) -> tuple[Parameters, dict[int, float]]:
    """Train the network; return the parameters, and the costs of every 100th and of the last iteration."""
    count = options.iterations(ITERATIONS)
    mistake = ", summed db" if summed_db else ""
    return descend(
        networks.cost,
        initialize_parameters(layers, "small" if len(layers) == 3 else "xavier", 1),
        data.X_train,
        data.Y_train,
        SummedBiases(LEARNING_RATE) if summed_db else GradientDescent(LEARNING_RATE),
        iterations=count,
        every=100,
        title=f"cats, {len(layers) - 1} layers{mistake}",
        show=options.show,
    )


def run(options: Options) -> Outcome:
    """1.4: two layers and four on the cats, with the right db and with the first release's."""
    data = cats.load()
    out = Outcome()
    trained: dict[str, Parameters] = {}
    curves: dict[str, dict[int, float]] = {}
    for layers, words in ((TWO, "two layers"), (FOUR, "L layers")):
        for summed_db in (False, True):
            name = f"1.4 cats {words}{', summed db' if summed_db else ''}"
            trained[name], curves[name] = train(data, layers, options, summed_db=summed_db)
            found: dict[str, Any] = {"costs": curves[name]}
            if not options.fast:
                found["train_accuracy"], found["test_accuracy"] = networks.accuracies(trained[name], data)
                found |= {f"{part}_accuracy_percent": 100 * found[f"{part}_accuracy"] for part in PARTS}
                share = f"{found['train_accuracy']:.2%} train, {found['test_accuracy']:.0%} test"
                out.remarks.append(f"{name[4:]}: {share}")
            out.measured[name] = found
        # The same figures as under "summed db", held against the right gradient.
        out.measured[f"1.4 cats {words}, first release"] = out.measured[f"1.4 cats {words}"]
    out.measured["1.4 cats L layers, accuracies"] = out.measured["1.4 cats L layers"]
    out.pictures["costs"] = functools.partial(
        pictures.costs_together,
        {name[9:]: costs for name, costs in curves.items()},
        "Deep networks on the cats",
    )
    best = trained["1.4 cats L layers"]
    out.pictures["misclassified"] = lambda: pictures.misclassified(
        data, networks.predict(best, data.X_test), "Test pictures that four layers get wrong"
    )
    out.graph = lambda: networks.recorded(best, data)
    return out


PARTS = ("train", "test")


if __name__ == "__main__":
    from models.__main__ import main

    raise SystemExit(main(module="deep"))
