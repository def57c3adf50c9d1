"""Assignment 1.3: one hidden layer of tanh units on the flower, and on five other sets of points."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import numpy as np

from datasets import extra, flower
from datasets.container import Array, Dataset
from models import networks, pictures
from models.descent import Parameters, descend
from models.outcome import Options, Outcome
from tinygrad_course import hessian
from tinygrad_course.training.initialization import initialize_parameters

__all__ = ["HIDDEN_SIZES", "curvature", "flower_run", "other_shapes_run", "train"]

HIDDEN_SIZES = (1, 2, 3, 4, 5, 20, 50)


def train(
    data: Dataset,
    n_h: int,
    options: Options,
    *,
    learning_rate: float = 1.2,
    iterations: int = 10000,
    seed: int = 2,
    start: Parameters | None = None,
) -> tuple[Parameters, dict[int, float]]:
    """Train n_h hidden units from 0.01 * randn; return the parameters, and costs 1,000 iterations apart."""
    cost = functools.partial(networks.cost, hidden=np.tanh)
    count = options.iterations(iterations)
    return descend(
        cost,
        initialize_parameters([2, n_h, 1], "small", seed) if start is None else start,
        data.X,
        data.Y,
        learning_rate,
        iterations=count,
        every=1000,
        title=f"{data.name}, {n_h} hidden units",
        show=options.show,
    )


def percent(parameters: Parameters, data: Dataset) -> float:
    """Return how many labels in a hundred are predicted right."""
    return 100 * networks.accuracy(parameters, data.X, data.Y, np.tanh)


def flower_run(options: Options) -> Outcome:
    """1.3: the flower of seeds 1 and 2030, the seven hidden sizes, logistic regression beside them."""
    out = Outcome()
    trained: dict[str, Parameters] = {}
    flowers = {1: flower.load(1), 2030: flower.load(2030)}
    for seed, parameters_seed, learning_rate, names in (
        (1, 2, 1.2, ("1.3 flower seed 1", "1.3 flower seed 1, notes")),
        (2030, 2030, 0.5, ("1.3 flower seed 2030",)),
    ):
        data = flowers[seed]
        parameters, costs = train(data, 4, options, learning_rate=learning_rate, seed=parameters_seed)
        trained[f"seed {seed}"] = parameters
        found: dict[str, Any] = {"costs": costs}
        if not options.fast:
            found["accuracy_percent"] = percent(parameters, data)
        out.measured |= dict.fromkeys(names, found)
        out.pictures[f"costs_seed_{seed}"] = functools.partial(
            pictures.costs_alone, costs, f"Flower of seed {seed}, four hidden units"
        )
        out.pictures[f"boundary_seed_{seed}"] = functools.partial(
            boundary, parameters, data, f"Flower of seed {seed}, four hidden units"
        )

    sizes = {n_h: train(flowers[1], n_h, options, iterations=5000)[0] for n_h in HIDDEN_SIZES}
    out.pictures["hidden_sizes"] = functools.partial(hidden_sizes, sizes, flowers[1])
    if not options.fast:
        shares = {n_h: percent(parameters, flowers[1]) for n_h, parameters in sizes.items()}
        out.measured["1.3 flower seed 1, hidden sizes"] = {"accuracies_percent": shares}

    lines = {seed: logistic_regression(data) for seed, data in flowers.items()}
    for seed, (predictions, _) in lines.items():
        share = 100 * float(np.mean(predictions == flowers[seed].Y))
        out.measured[f"1.3 flower seed {seed}, scikit-learn"] = {"accuracy_percent": share}
    out.pictures["logistic_regression"] = functools.partial(
        line_beside_network, lines[1][1], trained["seed 1"], flowers[1]
    )
    out.graph = lambda: networks.recorded(trained["seed 1"], flowers[1], np.tanh)
    if not options.fast:
        out.remarks += stability(flowers[1], options)
    return out


def logistic_regression(data: Dataset) -> tuple[Array, Any]:
    """Return scikit-learn's labels (1, m), and its LogisticRegressionCV as fitted with five folds."""
    from sklearn.linear_model import LogisticRegressionCV

    # What is the default of some versions, and has to be said to others.
    known = inspect.signature(LogisticRegressionCV).parameters
    said = {"use_legacy_attributes": False, "l1_ratios": (0.0,)} if "use_legacy_attributes" in known else {}
    fitted = LogisticRegressionCV(cv=5, scoring="accuracy", **said)
    fitted.fit(data.X.T, data.Y.ravel())
    return fitted.predict(data.X.T).reshape(1, -1), fitted


def curvature(parameters: Parameters, data: Dataset) -> float:
    """Return the largest curvature of the cost: the largest eigenvalue of its Hessian, from the graph.

    Gradient descent is stable where the learning rate times this is below 2.
    """
    shapes = {name: value.shape for name, value in parameters.items()}

    def cost(theta: Any) -> Any:
        nest, start = {}, 0
        for name, shape in shapes.items():
            size = int(np.prod(shape))
            nest[name] = theta[start : start + size].reshape(shape)
            start += size
        return networks.cost(nest, data.X, data.Y, np.tanh)

    theta = np.concatenate([value.ravel() for value in parameters.values()])
    H = hessian(cost)(theta)
    return float(np.linalg.eigvalsh((H + H.T) / 2)[-1])


def stability(data: Dataset, options: Options) -> list[str]:
    """Say how fast a last bit grows on the flower of seed 1, and what the curvature has to do with it."""
    remarks = ["learning rate times largest curvature (stable below 2), and how far a last bit has grown:"]
    start = initialize_parameters([2, 4, 1], "small", 2)
    runs, done = [start, {name: np.nextafter(value, 1) for name, value in start.items()}], 0
    for until in (5000, 7000, 7200, 8000, 9000):
        runs = [continued(run, data, until - done, options) for run in runs]
        done = until
        grown = max(float(np.max(np.abs(runs[0][name] - runs[1][name]))) for name in start)
        remarks.append(f"  iteration {until}: {1.2 * curvature(runs[0], data):.3f}, {grown:.0e}")
    return remarks


def continued(parameters: Parameters, data: Dataset, iterations: int, options: Options) -> Parameters:
    """Return the parameters after so many more iterations."""
    return train(data, 4, options, iterations=iterations, start=parameters)[0]


def other_shapes_run(options: Options) -> Outcome:
    """1.3, optional: circles, moons, blobs, quantiles, no structure, five hidden units each."""
    sets = extra.load()
    trained = {name: train(data, 5, options, iterations=5000)[0] for name, data in sets.items()}
    out = Outcome()
    words = {name: f"{percent(trained[name], data):.1f} %" for name, data in sets.items()}
    out.remarks.append("five hidden units: " + ", ".join(f"{name} {share}" for name, share in words.items()))
    out.pictures["other_shapes"] = functools.partial(other_shapes, trained, sets, words)
    return out


# ------------------------------------------------------------------ pictures


def boundary(parameters: Parameters, data: Dataset, title: str) -> Any:
    """Draw where the network draws the line."""
    figure = pictures.new_figure(5.4, 4.6)
    axes = figure.subplots()
    pictures.decision_boundary(axes, lambda X: networks.predict(parameters, X, np.tanh), data.X, data.Y)
    axes.set_title(f"{title}: {percent(parameters, data):.2f} %")
    return figure


def hidden_sizes(trained: dict[int, Parameters], data: Dataset) -> Any:
    """Draw the seven hidden sizes side by side."""
    panels: list[pictures.Panel] = [
        (
            f"{n_h} hidden unit{'' if n_h == 1 else 's'}: {percent(parameters, data):.2f} %",
            functools.partial(networks.predict, parameters, hidden=np.tanh),
            data,
        )
        for n_h, parameters in trained.items()
    ]
    return pictures.boundaries("The flower of seed 1, hidden layers of seven sizes", panels, columns=4)


def line_beside_network(fitted: Any, parameters: Parameters, data: Dataset) -> Any:
    """Draw logistic regression beside the network."""

    def line(X: Array) -> Array:
        return np.asarray(fitted.predict(X.T), dtype=np.float64).reshape(1, -1)

    share = 100 * float(np.mean(line(data.X) == data.Y))
    panels: list[pictures.Panel] = [
        (f"logistic regression: {share:.2f} %", line, data),
        (
            f"four hidden units: {percent(parameters, data):.2f} %",
            functools.partial(networks.predict, parameters, hidden=np.tanh),
            data,
        ),
    ]
    return pictures.boundaries("The flower of seed 1", panels, columns=2)


def other_shapes(trained: dict[str, Parameters], sets: dict[str, Dataset], words: dict[str, str]) -> Any:
    """Draw the five other sets side by side."""
    panels: list[pictures.Panel] = [
        (
            f"{name.replace('_', ' ')}: {words[name]}",
            functools.partial(networks.predict, trained[name], hidden=np.tanh),
            data,
        )
        for name, data in sets.items()
    ]
    return pictures.boundaries("Five hidden units on other shapes", panels, columns=3)


if __name__ == "__main__":
    from models.__main__ import main

    raise SystemExit(main(module="shallow"))
