"""The course's own functions, by its formulas: what files are held against, and the helpers they import.

Everything is plain NumPy in the course's scaling: dZ and dA belong to the summed loss, dW and db to J.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Parameters = dict[str, Array]


def sigmoid(Z: Array) -> Array:
    """1 / (1 + e^-Z)."""
    result: Array = 1 / (1 + np.exp(-Z))
    return result


def relu(Z: Array) -> Array:
    """max(0, Z)."""
    result: Array = np.maximum(0, Z)
    return result


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "sigmoid": sigmoid,
    "relu": relu,
    "tanh": np.tanh,
    "leaky_relu": lambda Z: np.where(Z > 0, Z, 0.01 * Z),
}

# g'(Z) from Z.
SLOPES: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda Z: sigmoid(Z) * (1 - sigmoid(Z)),
    "relu": lambda Z: (Z > 0) * 1.0,
    "tanh": lambda Z: 1 - np.tanh(Z) ** 2,
    "leaky_relu": lambda Z: np.where(Z > 0, 1.0, 0.01),
}


def cross_entropy(AL: Array, Y: Array) -> float:
    """Return the course's cost: the mean over the examples of the loss, summed over the output units."""
    return float(-np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / Y.shape[1])


def network_forward(
    X: Array, held: Parameters, activations: Sequence[str], keep_prob: float = 1.0
) -> Parameters:
    """Return A0, Z1, A1, ..., AL; a hidden layer with a mask, D1, has its activations dropped and scaled."""
    values: Parameters = {"A0": X}
    for layer, activation in enumerate(activations, start=1):
        Z = np.dot(held[f"W{layer}"], values[f"A{layer - 1}"]) + held[f"b{layer}"]
        A = ACTIVATIONS[activation](Z)
        A = A * held[f"D{layer}"] / keep_prob if f"D{layer}" in held else A
        values |= {f"Z{layer}": Z, f"A{layer}": A}
    return values


def network_backward(
    held: Parameters, activations: Sequence[str], Y: Array, lambd: float = 0.0, keep_prob: float = 1.0
) -> Parameters:
    """Return every gradient on the way back, in the order and the scaling of the course."""
    m, L = Y.shape[1], len(activations)
    AL = held[f"A{L}"]
    grads: Parameters = {f"dA{L}": -(Y / AL - (1 - Y) / (1 - AL))}
    for layer in range(L, 0, -1):
        if layer < L:
            dA = np.dot(held[f"W{layer + 1}"].T, grads[f"dZ{layer + 1}"])
            grads[f"dA{layer}"] = dA * held[f"D{layer}"] / keep_prob if f"D{layer}" in held else dA
        grads[f"dZ{layer}"] = grads[f"dA{layer}"] * SLOPES[activations[layer - 1]](held[f"Z{layer}"])
        W = held[f"W{layer}"]
        grads[f"dW{layer}"] = np.dot(grads[f"dZ{layer}"], held[f"A{layer - 1}"].T) / m + lambd / m * W
        grads[f"db{layer}"] = np.sum(grads[f"dZ{layer}"], axis=1, keepdims=True) / m
    grads["dA0"] = np.dot(held["W1"].T, grads["dZ1"])
    return grads


class Rule(NamedTuple):
    """The step of an optimizer: what it keeps of the gradients, and what of their squares."""

    first: str = ""
    """The velocity: averaged, or summed."""
    squares: str = ""
    corrected: bool = False
    inside: bool = False
    """Whether epsilon stands in the root."""
    ahead: bool = False
    """Whether the gradient is taken where the velocity leads."""

    def step(
        self, p: Array, g: Array, of: Mapping[str, float], t: int = 1, v: Any = 0.0, s: Any = 0.0
    ) -> dict[str, Any]:
        """Return v, s, both corrected, and the parameter (Kingma and Ba 2015; course 2, week 2)."""
        beta1, beta2, epsilon = of["beta1"], of.get("beta2", 0.0), of.get("epsilon", 0.0)
        gain = 1 - beta1 if self.first == "averaged" else 1.0
        v = beta1 * v + gain * g if self.first else g
        s = beta2 * s + (1 - beta2) * g**2 if self.squares == "averaged" else s + g**2
        up, down = (v / (1 - beta1**t), s / (1 - beta2**t)) if self.corrected else (v, s)
        found = {"v": v, "v_corrected": up, "s": s, "s_corrected": down}
        up = beta1 * v + gain * g if self.ahead else up
        root = np.sqrt(down + epsilon) if self.inside else np.sqrt(down) + epsilon
        return {**found, "parameter": p - of["learning_rate"] * (up / root if self.squares else up)}


# --- The helper modules of the exercises (dnn_utils, planar_utils, gc_utils, ...), for a file that has them


def softmax(x: Array) -> Array:
    """Return the softmax of every column, as rnn_utils has it."""
    shifted = np.exp(x - np.max(x))
    result: Array = shifted / shifted.sum(axis=0)
    return result


def with_cache(name: str) -> Callable[[Array], tuple[Array, Array]]:
    """Return an activation that gives its cache, Z, as well, as dnn_utils has it."""
    return lambda Z: (ACTIVATIONS[name](Z), Z)


def backward_of(name: str) -> Callable[[Array, Array], Array]:
    """Return dZ = dA * g'(Z) of an activation g, where the cache is Z."""
    return lambda dA, cache: dA * SLOPES[name](cache)


def initialize_parameters_deep(layer_dims: Sequence[int]) -> Parameters:
    """Return W of spread 1/sqrt(n_prev) and b of zeros for every layer."""
    parameters: Parameters = {}
    for layer, (before, after) in enumerate(pairwise(layer_dims), start=1):
        parameters[f"W{layer}"] = np.random.randn(after, before) / math.sqrt(before)  # noqa: NPY002 - the course's stream
        parameters[f"b{layer}"] = np.zeros((after, 1))
    return parameters


def initialize_parameters(*sizes: Any) -> Parameters:
    """Return W and b of zeros, for n_x, n_h and n_y, or for a list of sizes."""
    return initialize_parameters_deep(sizes[0] if len(sizes) == 1 else sizes)


def linear_forward(A: Array, W: Array, b: Array) -> tuple[Array, tuple[Array, Array, Array]]:
    """Z = W A + b, and the cache (A, W, b)."""
    return np.dot(W, A) + b, (A, W, b)


def linear_activation_forward(A_prev: Array, W: Array, b: Array, activation: str) -> tuple[Array, Any]:
    """A = g(W A_prev + b), and the cache ((A_prev, W, b), Z)."""
    Z, linear_cache = linear_forward(A_prev, W, b)
    return ACTIVATIONS[activation](Z), (linear_cache, Z)


def _deep(layers: int) -> list[str]:
    return ["relu"] * (layers - 1) + ["sigmoid"]


def L_model_forward(X: Array, parameters: Parameters) -> tuple[Array, list[Any]]:
    """[LINEAR->RELU] * (L-1) -> LINEAR -> SIGMOID, and the list of caches."""
    L = len(parameters) // 2
    values = {**parameters, **network_forward(X, parameters, _deep(L))}
    linear = ((values[f"A{l - 1}"], values[f"W{l}"], values[f"b{l}"]) for l in range(1, L + 1))
    return values[f"A{L}"], [(cache, values[f"Z{l}"]) for l, cache in enumerate(linear, start=1)]


def linear_backward(dZ: Array, cache: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
    """Return dA_prev, dW, db of Z = W A_prev + b."""
    A_prev, W, _ = cache
    m = A_prev.shape[1]
    return np.dot(W.T, dZ), np.dot(dZ, A_prev.T) / m, np.sum(dZ, axis=1, keepdims=True) / m


def linear_activation_backward(dA: Array, cache: Any, activation: str) -> tuple[Array, Array, Array]:
    """Return dA_prev, dW, db of A = g(W A_prev + b)."""
    linear_cache, Z = cache
    return linear_backward(dA * SLOPES[activation](Z), linear_cache)


def L_model_backward(AL: Array, Y: Array, caches: Sequence[Any]) -> Parameters:
    """Return dA, dZ, dW and db of every layer."""
    values = {f"A{len(caches)}": AL}
    for l, ((A_prev, W, b), Z) in enumerate(caches, start=1):
        values |= {f"A{l - 1}": A_prev, f"W{l}": W, f"b{l}": b, f"Z{l}": Z}
    return network_backward(values, _deep(len(caches)), Y)


def compute_cost(AL: Array, Y: Array, *_: Any) -> float:
    """Return the cross-entropy cost."""
    return cross_entropy(AL, Y)


def update_parameters(parameters: Parameters, grads: Parameters, learning_rate: float = 1.2) -> Parameters:
    """One step of gradient descent."""
    return {key: value - learning_rate * grads["d" + key] for key, value in parameters.items()}


_TWELVE = [f"{letter}{layer}" for layer in (1, 2, 3) for letter in "ZAWb"]
_OF_THREE = ("relu", "relu", "sigmoid")


def three_layers(X: Array, parameters: Parameters) -> tuple[Array, tuple[Array, ...]]:
    """(LINEAR -> RELU) * 2 -> LINEAR -> SIGMOID and its cache of twelve, as in init_utils and reg_utils."""
    values = network_forward(X, parameters, _OF_THREE)
    return values["A3"], tuple({**values, **parameters}[name] for name in _TWELVE)


def three_layers_backward(X: Array, Y: Array, cache: tuple[Array, ...]) -> Parameters:
    """Return the gradients that belong to `three_layers`, as init_utils and reg_utils have them."""
    values = {**dict(zip(_TWELVE, cache, strict=True)), "A0": X}
    back = network_backward(values, _OF_THREE, Y)
    return {key: value for key, value in back.items() if key != "dA0"}


CHECK_SHAPES = {"W1": (5, 4), "b1": (5, 1), "W2": (3, 5), "b2": (3, 1), "W3": (1, 3), "b3": (1, 1)}


def dictionary_to_vector(parameters: Parameters) -> tuple[Array, list[str]]:
    """Return the column of all parameters, and for each entry the key it comes from (gc_utils)."""
    columns = [parameters[key].reshape(-1, 1) for key in CHECK_SHAPES]
    return np.concatenate(columns), [key for key in CHECK_SHAPES for _ in range(parameters[key].size)]


def vector_to_dictionary(theta: Array) -> Parameters:
    """Undo dictionary_to_vector, for the network of the gradient checking exercise (4, 5, 3 and 1 units)."""
    parameters, start = {}, 0
    for key, shape in CHECK_SHAPES.items():
        size = math.prod(shape)
        parameters[key] = theta[start : start + size].reshape(shape)
        start += size
    return parameters


def gradients_to_vector(gradients: Parameters) -> Array:
    """Return the column of dW1, db1, ..., db3 (gc_utils)."""
    return np.concatenate([gradients["d" + key].reshape(-1, 1) for key in CHECK_SHAPES])


def forward_propagation_n(X: Array, Y: Array, parameters: Parameters) -> tuple[float, tuple[Array, ...]]:
    """Return the cost and the cache of the gradient checking exercise."""
    A3, cache = three_layers(X, parameters)
    return cross_entropy(A3, Y), cache
