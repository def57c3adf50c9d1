"""A strategy for the course's networks, small ones, with parameters and data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from tinygrad_course import functions
from tinygrad_course.engine.trees import Array
from tinygrad_course.testing.arrays import Draw

_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    name: getattr(functions, name) for name in ("tanh", "relu", "sigmoid", "leaky_relu", "softmax")
}
_KINKED = {"relu", "leaky_relu"}


@dataclass(frozen=True)
class NetworkExample:
    """A network as the course writes it, with parameters and data.

    Attributes
    ----------
    layers : tuple of int
        The sizes of the layers, the input's first: ``(n_x, n_1, ..., n_L)``.
    activations : tuple of str
        One for each layer after the input: ``("relu", "sigmoid")``.
    parameters : dict
        ``{"W1": (n_1, n_x), "b1": (n_1, 1), ...}``
    X : array, shape (n_x, m)
    Y : array, shape (n_L, m)
        Labels 0 or 1; one-hot columns for a softmax.
    """

    layers: tuple[int, ...]
    activations: tuple[str, ...]
    parameters: dict[str, Array]
    X: Array
    Y: Array

    def forward(self, parameters: Any = None, X: Any = None) -> dict[str, Any]:
        """Return ``{"A0": X, "Z1": ..., "A1": ..., ...}``, for arrays and for Tensors."""
        p = self.parameters if parameters is None else parameters
        A = self.X if X is None else X
        values = {"A0": A}
        for l, name in enumerate(self.activations, start=1):
            Z = np.dot(p[f"W{l}"], A) + p[f"b{l}"]
            A = _ACTIVATIONS[name](Z)
            values[f"Z{l}"], values[f"A{l}"] = Z, A
        return values

    def cost(self, parameters: Any = None) -> Any:
        """Return the cross-entropy cost of the parameters, computed from the logits."""
        values = self.forward(parameters)
        logits = values[f"Z{len(self.activations)}"]
        if self.activations[-1] == "softmax":
            return functions.softmax_cross_entropy(logits, self.Y)
        return functions.sigmoid_cross_entropy(logits, self.Y)


@st.composite
def networks(
    draw: Draw,
    *,
    max_layers: int = 3,
    max_units: int = 4,
    max_examples: int = 5,
    activations: Sequence[str] = ("tanh", "relu", "sigmoid"),
    output: str | Sequence[str] = "sigmoid",
) -> NetworkExample:
    """Draw a network with parameters and data, no unit of which is at a kink.

    Parameters
    ----------
    max_layers : int
        The number of layers after the input, at most.
    max_units, max_examples : int
        The largest layer, and the largest m.
    activations : sequence of str
        For the hidden layers: "tanh", "relu", "sigmoid", "leaky_relu".
    output : str or sequence of str
        "sigmoid" (one unit, Y of 0 and 1) or "softmax" (Y one-hot).

    Raises
    ------
    ValueError
        For an activation of another name.

    Examples
    --------
    >>> from hypothesis import given
    >>> from tinygrad_course.gradient_checking import check_gradients
    >>> @given(networks(max_layers=2))
    ... def test_a_network(net):
    ...     check_gradients(net.cost, net.parameters)
    >>> test_a_network()
    """
    outputs = (output,) if isinstance(output, str) else tuple(output)
    for name in (*activations, *outputs):
        if name not in _ACTIVATIONS:
            raise ValueError(f"{name!r} is no activation; expected some of {', '.join(_ACTIVATIONS)}")
    depth = draw(st.integers(1, max_layers))
    last = draw(st.sampled_from(outputs))
    n_last = draw(st.integers(2, max(max_units, 2))) if last == "softmax" else 1
    layers = (*(draw(st.integers(1, max_units)) for _ in range(depth)), n_last)
    chosen = (*(draw(st.sampled_from(tuple(activations))) for _ in range(depth - 1)), last)
    m = draw(st.integers(1, max_examples))
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    parameters: dict[str, Array] = {}
    for l in range(1, depth + 1):
        parameters[f"W{l}"] = rng.randn(layers[l], layers[l - 1])
        parameters[f"b{l}"] = rng.randn(layers[l], 1)
    X = rng.randn(layers[0], m)
    if last == "softmax":
        Y = functions.one_hot(rng.randint(0, n_last, m), n_last)
    else:
        Y = (rng.rand(1, m) > 0.5) * 1.0
    example = NetworkExample(layers, chosen, parameters, X, Y)
    values = example.forward()
    for l, name in enumerate(chosen, start=1):
        if name in _KINKED:
            assume(np.min(np.abs(values[f"Z{l}"])) > 1e-3)
    return example
