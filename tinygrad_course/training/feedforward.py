"""What a fully connected network computes: Z = W A_prev + b, or batch norm of W A_prev, and A = g(Z)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_course import functions
from tinygrad_course.engine.errors import meant

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    **{name: getattr(functions, name) for name in ("sigmoid", "tanh", "relu", "leaky_relu", "softmax")},
    "identity": lambda Z: Z,
}
#: What the last activation can be, and the cost after it.
COSTS: dict[str, Callable[[Any, Any], Any]] = {
    "sigmoid": functions.binary_cross_entropy,
    "softmax": functions.categorical_cross_entropy,
    "identity": functions.mean_squared_error,
}


def kinds(normalised: bool) -> tuple[str, ...]:
    """Return what the parameters of a layer are called; with batch norm b would change nothing."""
    return ("W", "gamma", "beta", "mean", "variance") if normalised else ("W", "b")


@dataclass(frozen=True)
class Feedforward:
    """The layers: their activations, and of the hidden ones dropout's shares and which are normalised.

    Called with parameters and X it returns A of the last layer, as the network predicts.

    >>> layers = Feedforward(("relu", "identity"), (1.0,), (False,))
    >>> one = np.ones((1, 1))
    >>> layers({"W1": one, "b1": one, "W2": one, "b2": one}, np.array([[1.0, -4.0]]))
    array([[3., 1.]])
    """

    activations: tuple[str, ...]
    keep_prob: tuple[float, ...]
    batch_norm: tuple[bool, ...]

    def __call__(self, parameters: Any, X: Any) -> Any:
        """Return A of the last layer: with the running means, and nothing dropped."""
        return self._through(parameters, X, training=False)[0]

    def train(self, parameters: Any, X: Any, masks: Sequence[Any] = (), names: bool = False) -> Any:
        """Return A of the last layer as in a step of training, and the running means after it.

        `masks` say which units of each hidden layer stay: None for all of a layer, () for all. With `names`
        the recorded values get the course's. The running means are ``{"mean1": ..., "variance1": ...}``,
        empty without batch norm.
        """
        return self._through(parameters, X, masks, names)

    def begun(self, parameters: dict[str, Any], X: Any) -> dict[str, Any]:
        """Return parameters whose running means are these examples' own."""
        return {**parameters, **self._through(parameters, X, first=True)[1]}

    def normalised(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return fresh parameters with gamma, beta and running means in place of b, where batch norm is."""
        fresh: dict[str, Any] = {}
        for name, b in parameters.items():
            drawn = {name: b}
            if name.startswith("b") and self._has_norm(l := int(name[1:])):
                one = np.ones_like(b)
                drawn = {f"gamma{l}": one, f"beta{l}": b, f"mean{l}": 0 * b, f"variance{l}": one.copy()}
            fresh |= drawn
        return fresh

    def _has_norm(self, l: int) -> bool:
        return l <= len(self.batch_norm) and self.batch_norm[l - 1]

    def _through(
        self,
        parameters: Any,
        A: Any,
        masks: Sequence[Any] = (),
        names: bool = False,
        *,
        training: bool = True,
        first: bool = False,
    ) -> tuple[Any, dict[str, Any]]:
        running: dict[str, Any] = {}
        for l, activation in enumerate(self.activations, start=1):
            W = parameters[f"W{l}"]
            if self._has_norm(l):
                Z = np.matmul(W, A)
                before = {kind: parameters[f"{kind}{l}"] for kind in ("mean", "variance")}
                gamma, beta = parameters[f"gamma{l}"], parameters[f"beta{l}"]
                Z_tilde, after = functions.batch_norm(Z, gamma, beta, None if first else before, training)
                running |= {f"{kind}{l}": value for kind, value in after.items()}
            else:
                Z = Z_tilde = functions.linear(W, A, parameters[f"b{l}"])
            A = ACTIVATIONS[activation](Z_tilde)
            if masks and l <= len(masks) and masks[l - 1] is not None:
                A = functions.drop(A, masks[l - 1], self.keep_prob[l - 1])
            if names:
                for value, name in ((A, f"A{l}"), (Z_tilde, f"Z_tilde{l}"), (Z, f"Z{l}")):
                    value.named(name)
        return A, running


def check_activations(names: Sequence[str] | str, layers: Sequence[int]) -> tuple[str, ...]:
    """Return a name for each layer but the input, or say which is out of place.

    >>> check_activations("tanh", (2, 4, 1))
    ('tanh', 'sigmoid')
    """
    last = "softmax" if layers[-1] > 1 else "sigmoid"
    chosen = (names,) * (len(layers) - 2) + (last,) if isinstance(names, str) else tuple(names)
    told = f"activations={list(chosen)}"
    if len(chosen) != len(layers) - 1:
        raise ValueError(
            f"{told}: layers={list(layers)} need {len(layers) - 1} activations, one a layer but the input"
        )
    for name in (*chosen, *([names] if isinstance(names, str) else [])):
        if name not in ACTIVATIONS:
            near = meant(name, ACTIVATIONS)
            raise ValueError(f"{told}: {name!r} is none of {', '.join(ACTIVATIONS)}{near}")
    if chosen[-1] not in COSTS:
        raise ValueError(
            f"{told}: the last must give probabilities, 'sigmoid' or 'softmax', or numbers, 'identity'"
        )
    if "softmax" in chosen[:-1]:
        raise ValueError(f"{told}: 'softmax' belongs at the end")
    if chosen[-1] == "softmax" and layers[-1] < 2:
        raise ValueError(f"{told}: a softmax of one unit is always 1; use 'sigmoid', or two units")
    return chosen


def check_shares(keep_prob: float | Sequence[float], hidden: int) -> tuple[float, ...]:
    """Return the share of units that stay in each hidden layer.

    >>> check_shares(0.8, 2)
    (0.8, 0.8)
    """
    shares = each_hidden("keep_prob", keep_prob, hidden)
    for share in (*shares, *([keep_prob] if isinstance(keep_prob, (int, float)) else [])):
        if not 0 < share <= 1:
            raise ValueError(f"keep_prob is {share}; expected the share of units kept, above 0 and up to 1")
    return tuple(map(float, shares))


def each_hidden(name: str, value: Any, hidden: int) -> tuple[Any, ...]:
    """Return an option of the hidden layers as one value for each.

    >>> each_hidden("batch_norm", True, 2)
    (True, True)
    """
    if isinstance(value, (bool, int, float)):
        return (value,) * hidden
    if np.ndim(value) != 1 or len(value) != hidden:
        raise ValueError(
            f"{name} is {value!r}; expected one value, or one for each of the {hidden} hidden layers"
        )
    return tuple(value)
