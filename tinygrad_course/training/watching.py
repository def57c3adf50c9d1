"""Values over training: how large activations, gradients and weights are in each layer, step by step."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_course import functions
from tinygrad_course.drawing.layers import layers
from tinygrad_course.engine import trees
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.functions.streams import stream
from tinygrad_course.graph.node import Graph, graph
from tinygrad_course.training.epochs import recorded
from tinygrad_course.training.initialization import check_layers, first_parameters
from tinygrad_course.training.plots import new_figure, saved
from tinygrad_course.training.runs import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Watch:
    """What `watch` returns: call it with the cost of each step.

    Attributes
    ----------
    history : dict
        ``"step"`` and ``"cost"``, lists with an entry for each step that was written down, and by name or
        layer, with lists of the same length: ``"weights"`` and ``"gradients"`` (the root mean square of W1's
        entries, and of dJ/dW1's), ``"activations"`` (the standard deviation of a layer's output) and
        ``"zeros"`` (the share of zeros in it: 1 is a layer of dead ReLUs).
    """

    def __init__(self, parameters: Any, every: int) -> None:
        if every < 1:
            raise ValueError(f"every={every}: it counts steps, from 1")
        self.every = every
        self.steps = 0
        self.names = {k: v for k, v in trees.leaves(parameters) if isinstance(v, Tensor)}
        self.history: dict[str, Any] = {
            "step": [], "cost": [], "weights": {}, "gradients": {}, "activations": {}, "zeros": {},
        }  # fmt: skip

    def __repr__(self) -> str:
        """Return ``<Watch: 21 steps, every 10th written down>``."""
        kept = "each" if self.every == 1 else f"every {self.every}th"
        return f"<Watch: {self.steps} steps, {kept} written down>"

    def __call__(self, J: Tensor) -> None:
        """Take note of one step, after ``J.backward()``; of every `every`-th the values are written down.

        Raises
        ------
        ValueError
            If `backward` has not run.
        """
        if self.steps % self.every == 0:
            self._write_down(graph(J, names=self.names))
        self.steps += 1

    def of(self, cost: Callable[..., Any], X: Any, Y: Any) -> Callable[[Run], None]:
        """Return a callback for `fit`: it computes the cost and its gradient for the watch.

        ``fit(cost, parameters, X, Y, optimizer, epochs=100, callbacks=watch(every=10).of(cost, X, Y))``
        """

        def after_epoch(run: Run) -> None:
            if self.steps % self.every == 0:
                J = recorded(cost, run.parameters, X, Y)
                J.backward(retain_graph=True)
                self._write_down(graph(J))
            self.steps += 1

        return after_epoch

    def _write_down(self, g: Graph) -> None:
        found = _measured(g)
        self.history["step"].append(self.steps)
        count = len(self.history["step"])
        self.history["cost"].append(float(np.sum(g[g.roots[0]].value)))
        for kind, values in found.items():
            column = self.history[kind]
            for name in {**column, **values}:
                series = column.setdefault(name, [float("nan")] * (count - 1))
                series.append(values.get(name, float("nan")))

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """Draw gradients, activations and weights over the steps; into a file, if one is named."""
        figure = new_figure(12, 3.6)
        axes = figure.subplots(1, 3)
        for one, kind in zip(axes, ("gradients", "activations", "weights"), strict=True):
            for name, series in self.history[kind].items():
                # matplotlib drops a name that begins with _, and typesets $
                shown = ("\u200b" if name.startswith("_") else "") + name.replace("$", r"\$")
                one.plot(self.history["step"], _above_zero(series), label=shown, marker=".")
            title = f"{kind}, {'standard deviation' if kind == 'activations' else 'root mean square'}"
            one.set(title=title, xlabel="step", yscale="log")
            if self.history[kind]:
                one.legend(fontsize="small")
        return saved(figure, path)


def watch(parameters: Any = None, every: int = 10) -> Watch:
    """Watch a training loop: activations, gradients and weights by layer, every so many steps.

    Parameters
    ----------
    parameters : nest of Tensor, optional
        For their names: ``{"W1": ..., "b1": ...}``. Without it they are called by their own.
    every : int
        Steps from one entry to the next.

    Examples
    --------
    >>> W = Tensor(np.array([[0.5, -0.5]]))
    >>> watching = watch({"W1": W}, every=5)
    >>> for step in range(11):
    ...     W.grad = None
    ...     J = np.mean(np.tanh(W @ np.eye(2)) ** 2)
    ...     J.backward()
    ...     watching(J)
    ...     W.data -= 0.5 * W.grad
    >>> watching.history["step"]
    [0, 5, 10]
    >>> [round(size, 3) for size in watching.history["gradients"]["W1"]]
    [0.363, 0.024, 0.001]
    """
    return Watch(parameters, every)


def _measured(g: Graph) -> dict[str, dict[str, float]]:
    """Return the sizes of one step's values by kind and name; raise ValueError if there are no gradients."""
    found: dict[str, dict[str, float]] = {"weights": {}, "gradients": {}, "activations": {}, "zeros": {}}
    leaves = sorted((n for n in g if n.op is None and not n.constant), key=lambda n: n.born)
    if leaves and all(n.gradient is None for n in leaves):
        raise ValueError("there are no gradients to watch yet: call J.backward(), then the watch with J")
    for node in leaves:
        name = node.name or f"#{node.id}"
        found["weights"][name] = _size(node.value)
        if node.gradient is not None:
            found["gradients"][name] = _size(node.gradient)
    for section in layers(g):
        outputs = [g[m] for m in section.members if g[m].op is not None and g[m].value is not None]
        if section.title != "Cost" and outputs:
            value = np.asarray(outputs[-1].value)
            found["activations"][section.title] = float(np.std(value))
            found["zeros"][section.title] = float(np.mean(value == 0))
    return found


def _size(values: Any) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(values)))))


# ------------------------------------------------------------------ initialisation, seen


class Comparison:
    """What each way to begin makes of a deep network's first step; see `compare_initializations`.

    Attributes
    ----------
    watches : dict of str to Watch
        One for each initialisation, with one entry or more.
    """

    def __init__(self, watches: Mapping[str, Watch]) -> None:
        self.watches = dict(watches)

    def by_layer(self, kind: str, how: str, step: int = 0) -> list[float]:
        """Return the sizes in each layer, the first one first: "activations", or "gradients" of W."""
        column = self.watches[how].history[kind]
        return [series[step] for name, series in column.items() if not name.startswith("b")]

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """Draw activations and gradients by layer, a line for each way to begin: into a file, if named."""
        figure = new_figure(10, 4)
        axes = figure.subplots(1, 2)
        for kind, one in zip(("activations", "gradients"), axes, strict=True):
            for how in self.watches:
                sizes = self.by_layer(kind, how)
                label = how if any(sizes) else f"{how}: 0 everywhere"
                one.plot(range(1, len(sizes) + 1), _above_zero(sizes), marker="o", label=label)
            one.set(xlabel="layer", yscale="log")
            one.legend()
        axes[0].set_title("activations, standard deviation")
        axes[1].set_title("gradients of W, root mean square")
        return saved(figure, path)


def compare_initializations(
    sizes: Sequence[int],
    X: Any,
    Y: Any,
    how: Sequence[str] = ("zeros", "large", "xavier", "he"),
    hidden: Callable[[Any], Any] = np.tanh,
    seed: int = 3,
) -> Comparison:
    """Look at the first step of a deep network from several initialisations: what vanishes, what explodes.

    Course 2, week 1: with W too small the activations shrink from layer to layer, and the gradients on the
    way back; with W too large gradients explode on the way back, and with ReLUs the activations on the way
    forward. With zeros no W gets a gradient. Xavier's and He's factors keep both in bounds.

    Parameters
    ----------
    sizes : sequence of int
        The sizes of the layers, the input's first.
    X, Y : arrays (n_x, m) and (1, m)
    how : sequence of str
        See `initialize_parameters`.
    hidden : callable
        The activation of the hidden layers.
    seed : int

    Examples
    --------
    >>> rng = np.random.RandomState(0)
    >>> X, Y = rng.randn(20, 50), np.ones((1, 50))
    >>> seen = compare_initializations([20] * 9 + [1], X, Y, how=("small", "xavier"))
    >>> [size < 1e-9 for size in seen.by_layer("gradients", "small")[:3]]
    [True, True, True]
    >>> [size > 1e-3 for size in seen.by_layer("gradients", "xavier")[:3]]
    [True, True, True]
    """
    watches = {}
    for way in how:
        drawn = first_parameters(check_layers(sizes, "sizes"), way, stream(seed, "seed"))
        parameters = {name: Tensor(value, name=name) for name, value in drawn.items()}
        A: Any = X
        for l in range(1, len(sizes) - 1):
            A = hidden(functions.linear(parameters[f"W{l}"], A, parameters[f"b{l}"]))
        L = len(sizes) - 1
        A = functions.sigmoid(functions.linear(parameters[f"W{L}"], A, parameters[f"b{L}"]))
        J = functions.binary_cross_entropy(A, Y)
        J.backward(retain_graph=True)
        watches[way] = watch(parameters, every=1)
        watches[way](J)
    return Comparison(watches)


# ------------------------------------------------------------------ figures


def _above_zero(sizes: Sequence[float]) -> list[float]:
    """Return sizes for a logarithmic axis, which has no 0."""
    return [size if size > 0 else float("nan") for size in sizes]
