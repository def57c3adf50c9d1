"""Draw the documentation's pictures into docs/pictures: ``python docs/draw.py`` from the repository's root.

The screenshots of the interactive page and of terminals need Chromium and its driver; without them the rest
is drawn.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import terminals

from models import networks
from tinygrad_course import Tensor, functions, graph, value_and_grad
from tinygrad_course.files import write
from tinygrad_course.graph import Graph
from tinygrad_course.training.initialization import initialize_parameters
from tinygrad_course.training.watching import compare_initializations

PICTURES = Path(__file__).parent / "pictures"


def course_example(names: bool = True) -> Graph:
    """J = 3(a + bc), with the course's u and v."""
    a, b, c = Tensor(5.0, name="a"), Tensor(3.0, name="b"), Tensor(2.0, name="c")
    u = b * c
    v = a + u
    J = (3 * v).named("J")
    J.backward(retain_graph=True)
    return graph(J, names={"u": u, "v": v} if names else None)


def logistic_regression(m: int = 209) -> Graph:
    """The cost of assignment 1.2, written as there."""
    rng = np.random.RandomState(1)
    X, Y = rng.rand(12288, m), (rng.rand(1, m) > 0.6) * 1.0
    w, b = Tensor(np.zeros((12288, 1)), name="w"), Tensor(0.0, name="b")
    Z = np.dot(w.T, X) + b
    A = functions.sigmoid(Z)
    J = -(1 / m) * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    J.backward(retain_graph=True)
    return graph(J, names=locals())


def network(sizes: list[int], m: int, hidden: Any) -> Graph:
    """A network of the course on random examples."""
    rng = np.random.RandomState(2)
    drawn = initialize_parameters(sizes, "he", 3)
    parameters = {name: Tensor(value, name=name) for name, value in drawn.items()}
    X, Y = rng.randn(sizes[0], m), (rng.rand(1, m) > 0.5) * 1.0
    A: Any = X
    L = len(sizes) - 1
    for l in range(1, L + 1):
        Z = functions.linear(parameters[f"W{l}"], A, parameters[f"b{l}"]).named(f"Z{l}")
        A = (hidden(Z) if l < L else functions.sigmoid(Z)).named(f"A{l}")
    J = functions.binary_cross_entropy(A, Y).named("J")
    J.backward(retain_graph=True)
    return graph(J, names={"X": X, "Y": Y})


def training_step() -> Graph:
    """One step of gradient descent: forward, backward, update."""
    rng = np.random.RandomState(0)
    X, Y = rng.randn(2, 400), (rng.rand(1, 400) > 0.5) * 1.0
    parameters = {
        name: Tensor(value, name=name) for name, value in initialize_parameters([2, 4, 1], "he", 3).items()
    }
    J, grads = value_and_grad(lambda p: networks.cost(p, X, Y, np.tanh))(parameters)
    new = [
        (value - 1.2 * grads[name].named(f"d{name}")).named(f"{name}'") for name, value in parameters.items()
    ]
    return graph([J.named("J"), *new], names={"X": X, "Y": Y})


def broken() -> Graph:
    """A shape that does not fit: the graph that the error carries."""
    W1, b1, W2 = Tensor(np.ones((4, 3))), Tensor(np.zeros((4, 1))), Tensor(np.ones((1, 5)))
    X = np.ones((3, 7))
    A1 = np.tanh(np.dot(W1, X) + b1)
    try:
        np.dot(W2, A1)
    except ValueError as error:
        found: Graph = error.graph  # type: ignore[attr-defined]
        return found
    raise AssertionError("the shapes fitted")


def initialisations(path: Path) -> None:
    """What vanishes and what explodes in a network of ten layers."""
    rng = np.random.RandomState(1)
    X = rng.randn(30, 200)
    compare_initializations([30] * 10 + [1], X, (X[:1] > 0) * 1.0).plot(path)


def smaller(path: Path) -> None:
    """Write a PNG again with as many colours as a drawing needs."""
    from PIL import Image

    with Image.open(path) as image:
        flat = image.convert("RGB").quantize(96, dither=Image.Dither.NONE)
    content = io.BytesIO()
    flat.save(content, "PNG", optimize=True)
    write(path, content.getvalue())


def png(drawn: Graph, name: str, **options: Any) -> None:
    """Draw a graph."""
    smaller(drawn.render(PICTURES / f"{name}.png", **options))


SCREENS = {
    "page_J": (lambda: course_example(names=False), 7, ""),
    "page_flower": (lambda: network([2, 4, 1], 400, np.tanh), 9, "gradients"),
    "page_four_layers": (lambda: network([12288, 20, 7, 5, 1], 209, functions.relu), 13, "values"),
}


def screenshots() -> None:
    """Open the interactive pages in Chromium, go to a step, and save what is seen; and what is printed."""
    from selenium import webdriver

    driver = shutil.which("chromedriver")
    if driver is None:
        print("no chromedriver on the PATH: the screenshots stay as they are")
        return
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    with tempfile.TemporaryDirectory() as folder:
        for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--force-prefers-reduced-motion", "--window-size=1480,900", f"--user-data-dir={folder}/user"):  # fmt: skip  # noqa: E501
            options.add_argument(flag)
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            for name, (draw, step, heat) in SCREENS.items():
                browser.get(draw().to_html(Path(folder) / f"{name}.html").as_uri())
                browser.execute_script(
                    "const e = document.getElementById('heat'); e.value = arguments[0];"
                    "e.dispatchEvent(new Event('change')); begin(); go(arguments[1]);",
                    heat,
                    step,
                )
                browser.save_screenshot(str(PICTURES / f"{name}.png"))
                smaller(PICTURES / f"{name}.png")
            browser.set_window_size(1480, 1400)
            for name, write_page in terminals.PICTURES.items():
                printed = Path(folder) / f"{name}.html"
                printed.write_text(write_page(), encoding="utf-8")
                browser.get(printed.as_uri())
                browser.execute_script("document.body.style.padding = '16px'")
                browser.find_element("tag name", "body").screenshot(str(PICTURES / f"{name}.png"))
                smaller(PICTURES / f"{name}.png")
        finally:
            browser.quit()


def main() -> None:
    """Draw everything."""
    PICTURES.mkdir(exist_ok=True)
    png(course_example(), "J", theme="slide")
    course_example(names=False).render(PICTURES / "J.gif", theme="slide", scale=0.7)
    png(logistic_regression(), "logistic_regression")
    png(network([2, 4, 1], 400, np.tanh), "flower")
    png(network([12288, 20, 7, 5, 1], 209, functions.relu), "four_layers")
    png(network([64] * 150 + [1], 100, functions.relu), "outline")
    png(training_step(), "training_step")
    png(broken(), "error")
    initialisations(PICTURES / "initialisation.png")
    smaller(PICTURES / "initialisation.png")
    screenshots()
    for path in sorted(PICTURES.iterdir()):
        print(f"{path.stat().st_size:>8}  {path}")


if __name__ == "__main__":
    sys.exit(main())
