"""Assignment 1.2 (course 1, week 2): logistic regression on the cats, with gradients from the graph alone.

::

    python -m models.logistic_regression                  # train, compare with what was published, draw
    python -m models.logistic_regression --image my.jpg   # train, then classify a picture of yours
    python -m models.logistic_regression --learning-rate 0.01 --iterations 1500
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datasets import cats, digits
from datasets.container import Array, Dataset
from models import pictures
from models.descent import Parameters, descend
from models.outcome import Options, Outcome
from models.program import finish
from models.published import Comparison, published
from models.table import figure_lines, summary_line
from tinygrad_course import Tensor, functions, graph
from tinygrad_course.graph import Graph

__all__ = [
    "Run",
    "accuracy",
    "compute_cost",
    "forward",
    "predict",
    "read_picture",
    "run",
    "train",
]

# Where the files of the cats are not, the digits stand in for them.
ITERATIONS, LEARNING_RATE = 2000, 0.005


def forward(parameters: Any, X: Array) -> Any:
    """Return A = sigmoid(w.T X + b), the probabilities of the class 1.

    Parameters
    ----------
    parameters : dict with w of shape (n_x, 1) and b
        Arrays, or Tensors to remember the computation.
    X : ndarray, shape (n_x, m)

    Returns
    -------
    A : ndarray or Tensor, shape (1, m)

    Examples
    --------
    >>> forward({"w": np.array([[1.0], [2.0]]), "b": 2.0}, np.array([[1.0, 2.0], [3.0, 4.0]])).round(5)
    array([[0.99988, 0.99999]])
    """
    return functions.sigmoid(np.dot(parameters["w"].T, X) + parameters["b"])


def compute_cost(parameters: Any, X: Array, Y: Array) -> Any:
    """Return the cost J, the mean cross-entropy of the predictions.

    Examples
    --------
    >>> from tinygrad_course import grad
    >>> X, Y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0]])
    >>> grads = grad(compute_cost)({"w": np.array([[1.0], [2.0]]), "b": 2.0}, X, Y)
    >>> print(grads["w"].ravel().round(8), grads["b"].round(8))
    [0.99993216 1.99980262] 0.49993523
    """
    return functions.binary_cross_entropy(forward(parameters, X), Y)


def predict(parameters: Any, X: Array) -> Array:
    """Return the labels 0 and 1, shape (1, m): 1 where the probability is above one half."""
    return np.asarray(forward(parameters, X) > 0.5, dtype=np.float64)


def accuracy(parameters: Any, X: Array, Y: Array) -> float:
    """Return the percentage of labels that are predicted right, by the assignment's own formula."""
    return float(100 - np.mean(np.abs(predict(parameters, X) - Y)) * 100)


@dataclass(frozen=True)
class Run:
    """A trained logistic regression."""

    parameters: Parameters  #: w of shape (n_x, 1) and b
    costs: dict[int, float]  #: at every hundredth iteration
    train: float  #: accuracies in percent,
    test: float  #: NaN for a set without a test part
    learning_rate: float
    iterations: int


def train(
    data: Dataset,
    *,
    learning_rate: float = LEARNING_RATE,
    iterations: int = ITERATIONS,
    every: int = 100,
    title: str = "iteration",
    show: bool | None = False,
) -> Run:
    """Train from zeros, as the assignment does.

    Parameters
    ----------
    data : Dataset
    learning_rate : float
    iterations : int
    every : int
        The cost is kept at every so many iterations.
    title, show
        See `fit`.

    Returns
    -------
    Run

    Examples
    --------
    >>> run = train(digits.load(digit=0), iterations=201, learning_rate=0.1)
    >>> list(run.costs), run.test > 90
    ([0, 100, 200], True)
    """
    zeros: Parameters = {"w": np.zeros((data.n_x, 1)), "b": np.zeros(())}
    parameters, costs = descend(
        compute_cost,
        zeros,
        data.X_train,
        data.Y_train,
        learning_rate,
        iterations=iterations,
        every=every,
        title=title,
        show=show,
    )
    tested = accuracy(parameters, data.X_test, data.Y_test) if data.has_test else float("nan")
    trained = accuracy(parameters, data.X_train, data.Y_train)
    return Run(parameters, costs, trained, tested, learning_rate, iterations)


def read_picture(path: str | os.PathLike[str], data: Dataset) -> Array:
    """Read a picture as one column of `data`: its size, its colours, scaled by 1/255 like the training data.

    Parameters
    ----------
    path : path
        Anything that Pillow reads.
    data : Dataset
        The pictures that the classifier was trained on.

    Returns
    -------
    ndarray, shape (n_x, 1)

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no picture that Pillow can read, or `data` holds no pictures.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if data.picture_shape is None:
        raise ValueError(
            f"{data.name}: the examples are no pictures, so there is nothing to compare one with"
        )
    height, width = data.picture_shape[:2]
    try:
        with Image.open(path) as opened:
            colours = "RGB" if len(data.picture_shape) == 3 else "L"
            upright = ImageOps.exif_transpose(opened)
            small = upright.convert(colours).resize((width, height), Image.Resampling.BILINEAR)
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no picture {path}") from None
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError) as error:
        raise ValueError(f"{path} is no picture that can be read: {error}") from error
    pixels = np.asarray(small, dtype=np.float64) / 255.0
    # The digits are white on black; a digit on paper is the other way round.
    return (pixels if colours == "RGB" else 1 - pixels).reshape(-1, 1)


def draw_costs(run: Run, data: Dataset, path: str | os.PathLike[str]) -> Path:
    """Draw the costs of a run into a picture file, and return its path."""
    figure = pictures.new_figure()
    axes = figure.subplots()
    pictures.cost_curve(axes, run.costs)
    axes.set_title(f"Logistic regression on the {data.name}, learning rate {run.learning_rate}")
    return pictures.save(figure, path)


def recorded(parameters: Parameters, data: Dataset, m: int = 3) -> Graph:
    """Return the graph of the cost on the first m examples, with its gradients."""
    X, Y = data.X_train[:, :m], data.Y_train[:, :m]
    J = compute_cost({name: Tensor(value, name=name) for name, value in parameters.items()}, X, Y)
    J.backward(retain_graph=True)
    return graph(J, names={"X": X, "Y": Y, "J": J})


def choose(name: str | None = None) -> Dataset:
    """Return the cats where their files are found, otherwise the digits; or the set that is named."""
    if name != "digits":
        try:
            return cats.load()
        except FileNotFoundError:
            if name == "cats":
                raise
    return digits.load()


def compare(run: Run, data: Dataset) -> list[Comparison]:
    """Hold a run against what was published for it: nothing, unless the data is the course's own.

    Returns
    -------
    list of Comparison
        Empty where nothing was published for this data, learning rate and number of iterations.
    """
    if not (data.name == "cats" and data.verified):
        return []
    setup = {"learning_rate": run.learning_rate, "iterations": run.iterations}
    for name in ("1.2 cats", "1.2 cats, learning rate 0.01", "1.2 cats, learning rate 0.0001"):
        record = published(name)
        if setup.items() <= record.setup.items():
            return record.compare(measured(run))
    return []


def run(options: Options) -> Outcome:
    """1.2: logistic regression on the cats, with three learning rates."""
    data = cats.load()
    out = Outcome()
    out.measured["1.2 first pixels"] = {"pixels": data.X_train[:5, 0] * 255}
    curves = {}
    trained = {}
    for rate, full, names in (
        (LEARNING_RATE, ITERATIONS, ("1.2 cats", "1.2 cats, Paddle tutorial")),
        (0.01, 1500, ("1.2 cats, learning rate 0.01",)),
        (0.0001, 1500, ("1.2 cats, learning rate 0.0001",)),
    ):
        count = options.iterations(full)
        title = f"cats, learning rate {rate}"
        trained[rate] = train(data, learning_rate=rate, iterations=count, title=title, show=options.show)
        curves[f"learning rate {rate}"] = trained[rate].costs
        found = measured(trained[rate])
        out.measured |= dict.fromkeys(names, {"costs": found["costs"]} if options.fast else found)
    out.pictures["costs"] = partial(
        pictures.costs_together, curves, "Logistic regression on the cats", ceiling=1.0
    )
    best = trained[LEARNING_RATE].parameters
    out.pictures["misclassified"] = lambda: pictures.misclassified(
        data, predict(best, data.X_test), "Test pictures that logistic regression gets wrong"
    )
    out.graph = partial(recorded, best, data)
    return out


def measured(run: Run) -> dict[str, Any]:
    """Return a run's results under the names of the published figures."""
    return {
        "costs": run.costs,
        "train_accuracy_percent": run.train,
        "test_accuracy_percent": run.test,
    }


def print_run(run: Run, comparisons: Sequence[Comparison]) -> None:
    """Print the costs and accuracies of a run, beside the published ones where there are any."""
    if comparisons:
        print(f"{'figure':<25} {'published':<22} {'ours':<22} verdict")
        print("\n".join(figure_lines(comparisons)))
        print(summary_line(comparisons))
        if any(comparison.figure.quantity.startswith("costs") for comparison in comparisons):
            return
    for iteration, cost in run.costs.items():
        print(f"cost after iteration {iteration:>5}: {cost:.6f}")
    print(f"train accuracy: {run.train:.2f} %")
    print(f"test accuracy:  {run.test:.2f} %")


def build_parser() -> argparse.ArgumentParser:
    """Build the command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m models.logistic_regression",
        description="Assignment 1.2: logistic regression, its gradients taken from the graph.",
    )
    parser.add_argument("--data", choices=("cats", "digits"), help="by default the cats where they are found")
    parser.add_argument("--learning-rate", type=float, default=LEARNING_RATE, metavar="RATE")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, metavar="N")
    parser.add_argument("--image", type=Path, metavar="FILE", help="classify this picture after training")
    parser.add_argument("--out", type=Path, default=Path("out"), metavar="FOLDER", help="where the plot goes")
    parser.add_argument("--no-plots", action="store_true", help="do without matplotlib")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, compare, draw; return the exit status."""
    return finish(report, build_parser(), arguments)


def report(options: argparse.Namespace) -> None:
    """Do what the command line asks, and print it."""
    if options.iterations < 1:
        raise ValueError(f"--iterations is {options.iterations}; expected 1 or more")
    data = choose(options.data)
    print(data.summary())
    if data.name == "digits" and options.data is None:
        print("The cats are not here; `python -m datasets.cats --download` brings them.")
    picture = None if options.image is None else read_picture(options.image, data)
    rate, count = options.learning_rate, options.iterations
    run = train(data, learning_rate=rate, iterations=count, title=f"learning rate {rate}", show=None)
    print_run(run, compare(run, data))
    if not options.no_plots:
        print(f"Costs drawn in {draw_costs(run, data, options.out / 'logistic_regression_costs.png')}")
    if picture is not None:
        probability = float(forward(run.parameters, picture).item())
        label = data.classes[int(probability > 0.5)]
        print(f"{options.image}: {label} (probability of {data.classes[1]}: {probability:.3f})")


if __name__ == "__main__":
    raise SystemExit(main())
