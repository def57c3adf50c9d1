"""What the library does, in half a minute: the graph of J = 3(a + bc), and a classifier of real pictures.

::

    python -m models.demo

Nothing is differentiated by hand. The pictures go to ``out/``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from models import logistic_regression, pictures
from models.program import finish
from tinygrad_course import Tensor, graph

__all__ = ["course_graph", "main"]


def course_graph() -> Tensor:
    """Return the course's J = 3(a + bc) at a = 5, b = 3, c = 2, with its gradients.

    Examples
    --------
    >>> J = course_graph()
    >>> J.item()
    33.0
    """
    a, b, c = Tensor(5.0, name="a"), Tensor(3.0, name="b"), Tensor(2.0, name="c")
    u = (b * c).named("u")
    v = (a + u).named("v")
    J = (3 * v).named("J")
    J.backward(retain_graph=True)
    return J


def main(out: Path | None = None) -> int:
    """Draw, train, print; return the exit status. Without a folder the command line is read."""
    parser = argparse.ArgumentParser(
        prog="python -m models.demo",
        description="The graph of J = 3(a + bc), and a classifier of pictures.",
    )
    parser.add_argument("--out", type=Path, default=Path("out"), metavar="FOLDER", help="for the pictures")
    return finish(lambda given: run(given.out), parser, None if out is None else ["--out", str(out)])


def run(out: Path) -> None:
    """Do it; the pictures go to the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    J = course_graph()
    recorded = graph(J)
    recorded.render(out / "J.png")
    gradients = {node.name: float(node.gradient) for node in recorded if node.name in ("a", "b", "c")}
    derivatives = ", ".join(f"dJ/d{name} = {gradients[name]:g}" for name in "abc")
    print(f"J = 3(a + bc) = {J.item():g}, {derivatives}")

    data = logistic_regression.choose()
    rate, count = (0.005, 2000) if data.name == "cats" else (0.5, 1000)
    print(f"Logistic regression on the {data.name}, {data.m} pictures of {data.n_x} numbers")
    trained = logistic_regression.train(
        data, learning_rate=rate, iterations=count, title="training", show=None
    )
    comparisons = logistic_regression.compare(trained, data)
    if comparisons:
        wanted = {"costs[0]", "costs[900]", "costs[1900]", "train_accuracy_percent", "test_accuracy_percent"}
        logistic_regression.print_run(trained, [c for c in comparisons if c.figure.quantity in wanted])
    else:
        last = list(trained.costs)[-1]
        print(f"cost {trained.costs[0]:.6f} at the start, {trained.costs[last]:.6f} after {last} iterations")
        print(f"accuracy {trained.train:.2f} % on the training pictures, {trained.test:.2f} % on the others")
    picture = data.X_test[:, :1]
    probability = float(logistic_regression.forward(trained.parameters, picture).item())
    label, meant = int(probability > 0.5), int(data.Y_test[0, 0])
    print(
        f"The first picture that it has not seen is taken for {data.classes[label]} (probability of "
        f"{data.classes[1]}: {probability:.2f}); it is {data.classes[meant]}"
    )
    pictures.drawn(logistic_regression.recorded(trained.parameters, data), out / "logistic_regression.png")
    logistic_regression.draw_costs(trained, data, out / "logistic_regression_costs.png")
    names = ("J.png", "logistic_regression.png", "logistic_regression_costs.png")
    print(f"Drawn: {', '.join(str(out / name) for name in names)}")


if __name__ == "__main__":
    raise SystemExit(main())
