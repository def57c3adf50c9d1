"""Assignment 2.2: gradient descent, momentum and Adam on mini-batches of the moons.

Three versions of the assignment's Adam are in print, with three sets of costs, and the notes print a fourth,
wrong in both corrections. All four are here, told apart. The paper's, ``sqrt(s_corrected) + epsilon``, is the
library's own.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from datasets import moons
from datasets.container import Dataset
from models import networks, pictures
from models.descent import Parameters
from models.outcome import Options, Outcome
from tinygrad_course.engine import trees
from tinygrad_course.optimizers import Adam, GradientDescent, Momentum, Optimizer
from tinygrad_course.training import fit
from tinygrad_course.training.initialization import initialize_parameters

__all__ = ["NotesAdam", "batches_run", "run", "train"]

EPOCHS, RATE, BATCH = 10000, 0.0007, 64


@dataclass(frozen=True)
class NotesAdam:
    """Adam as the notes' code has it: both corrections stand still, whatever the step.

    It divides v by 1 - beta1**2, right at t = 2 alone, which is the t of the assignment's unit case; and s by
    1 - beta2, right at t = 1 alone. epsilon is inside the root.

    Examples
    --------
    >>> rule = NotesAdam(learning_rate=0.1)
    >>> parameters = {"W": np.array([1.0])}
    >>> parameters, _ = rule.update(parameters, {"W": np.array([2.0])}, rule.init(parameters))
    >>> print(parameters["W"].round(6))
    [0.947368]
    """

    learning_rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def init(self, parameters: Any) -> dict[str, Any]:
        """Return v and s, both zeros."""
        zeros = trees.tree_map(np.zeros_like, parameters)
        return {"v": zeros, "s": zeros}

    def update(self, parameters: Any, grads: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return the parameters and the state after one update."""
        beta1, beta2 = self.beta1, self.beta2
        v = trees.tree_map(lambda v, dW: beta1 * v + (1 - beta1) * dW, state["v"], grads)
        s = trees.tree_map(lambda s, dW: beta2 * s + (1 - beta2) * dW**2, state["s"], grads)

        def step(W: Any, v: Any, s: Any) -> Any:
            return W - self.learning_rate * (v / (1 - beta1**2)) / np.sqrt(s / (1 - beta2) + self.epsilon)

        return trees.tree_map(step, parameters, v, s), {"v": v, "s": s}


def optimizers() -> dict[str, Optimizer]:
    """Return what is compared, by the names of the records."""
    return {
        "gradient descent": GradientDescent(RATE),
        "momentum": Momentum(RATE, 0.9),
        "Adam": Adam(RATE),
        "Adam, epsilon in the root": Adam(RATE, epsilon_inside=True),
        "Adam, s uncorrected": Adam(RATE, epsilon_inside=True, correct_s=False),
        "Adam, notes' code": NotesAdam(RATE),
    }


def shuffles() -> Callable[[int], np.random.RandomState]:
    """Return the stream of each epoch: the assignment adds 1 to its seed, 10, before every epoch."""
    # Seeding a stream that is there takes a twentieth of the time of making one.
    stream = np.random.RandomState()

    def of(epoch: int) -> np.random.RandomState:
        stream.seed(11 + epoch)
        return stream

    return of


def train(data: Dataset, name: str, rule: Optimizer, options: Options) -> tuple[Parameters, dict[int, float]]:
    """Train; return the parameters, and the cost of the last mini-batch of every 100th epoch."""
    epochs = options.iterations(EPOCHS)
    trained = fit(
        networks.cost,
        initialize_parameters([2, 5, 2, 1], "he", 3),
        data.X,
        data.Y,
        rule,
        epochs=epochs,
        batch_size=BATCH,
        rng=shuffles(),
        show=options.show,
        title=f"moons, {name}",
        compile=True,
    )
    last = trained.history["last_batch"]
    return trained.parameters, {epoch: last[epoch] for epoch in range(0, epochs, 100)}


def run(options: Options) -> Outcome:
    """2.2: three optimisers, and the three other Adams in print."""
    data = moons.load()
    out = Outcome()
    trained, curves = {}, {}
    for name, rule in optimizers().items():
        trained[name], curves[name] = train(data, name, rule, options)
        found: dict[str, Any] = {
            "costs": {epoch: J for epoch, J in curves[name].items() if epoch % 1000 == 0}
        }
        if not options.fast:
            found["accuracy"] = networks.accuracy(trained[name], data.X, data.Y)
            found["accuracy_percent"] = 100 * found["accuracy"]
            out.remarks.append(
                f"{name}: {found['accuracy']:.2%}, cost {curves[name][1000]:.6f} at epoch 1000"
            )
        out.measured[f"2.2 {name}"] = found
        if name in ("gradient descent", "momentum"):
            out.measured[f"2.2 {name}, Paddle tutorial"] = found
        if name in PICTURED:
            out.measured[f"2.2 {name}, notes"] = found
    out.pictures["costs"] = functools.partial(
        pictures.costs_together,
        {name: curves[name] for name in PICTURED},
        "Optimisers on the moons, cost of the last mini-batch",
        unit="epoch",
    )
    out.pictures["adams"] = functools.partial(
        pictures.costs_together,
        {name: costs for name, costs in curves.items() if name.startswith("Adam")},
        "Four Adams in print",
        unit="epoch",
    )
    out.pictures["boundaries"] = functools.partial(boundaries, trained, data)
    out.graph = lambda: networks.recorded(trained["Adam"], data)
    return out


PICTURED = ("gradient descent", "momentum", "Adam")


def boundaries(trained: dict[str, Parameters], data: Dataset) -> Any:
    """Draw the three optimisers side by side."""
    panels: list[pictures.Panel] = [
        (
            f"{name}: {networks.accuracy(trained[name], data.X, data.Y):.1%}",
            functools.partial(networks.predict, trained[name]),
            data,
        )
        for name in PICTURED
    ]
    return pictures.boundaries("Moons, 10,000 epochs in mini-batches of 64", panels, columns=3)


def batches_run(options: Options) -> Outcome:
    """2.2: one example, 64, or all 300 at each step of gradient descent."""
    data = moons.load()
    epochs = options.iterations(40)
    updates = epochs * data.m
    out = Outcome()
    by_epoch, by_update = {}, {}
    for words, size in (("stochastic, 1", 1), ("mini-batches of 64", 64), ("full batch, 300", data.m)):
        in_epoch = -(-data.m // size)
        began = time.process_time()
        trained = fit(
            networks.cost,
            initialize_parameters([2, 5, 2, 1], "he", 3),
            data.X,
            data.Y,
            GradientDescent(0.03),
            epochs=updates // in_epoch,
            batch_size=size,
            rng=shuffles(),
            show=options.show,
            title=f"moons, {words}",
            compile=True,
        )
        took = time.process_time() - began
        costs = trained.history["cost"]
        by_epoch[words] = dict(enumerate(costs[:epochs]))
        by_update[words] = {n * in_epoch: J for n, J in enumerate(costs) if n % max(1, 300 // in_epoch) == 0}
        share = networks.accuracy(trained.parameters, data.X, data.Y)
        out.remarks.append(
            f"{words}: cost {costs[epochs - 1]:.4f} in epoch {epochs}; cost {costs[-1]:.4f} and accuracy "
            f"{share:.1%} after {updates:,} updates in {took:.1f} s"
        )
    out.pictures["costs"] = functools.partial(batches_picture, by_epoch, by_update)
    return out


def batches_picture(by_epoch: dict[str, dict[int, float]], by_update: dict[str, dict[int, float]]) -> Any:
    """Draw the three sizes at the same number of epochs, and at the same number of updates."""
    figure = pictures.new_figure(9.6, 3.8)
    left, right = figure.subplots(1, 2, sharey=True)
    figure.suptitle("Gradient descent on the moons, learning rate 0.03")
    for (words, costs), style in zip(by_epoch.items(), ("-", "--", ":"), strict=True):
        pictures.cost_curve(left, costs, words, "epoch", style)
        pictures.cost_curve(right, by_update[words], words, "update", style)
    right.set_ylabel("")
    left.set_ylim(bottom=0)
    left.legend(frameon=False)
    return figure


if __name__ == "__main__":
    from models.__main__ import main

    raise SystemExit(main(module="optimization"))
