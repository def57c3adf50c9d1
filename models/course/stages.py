"""One layer's way back, stage by stage, each through the graph of that stage.

The assignments pass caches of plain arrays from the forward functions to the backward ones. So each backward
function here records its own stage at the cached values and pulls the gradient back through that recording.

Scaling: the course's dZ and dA are gradients of the *summed* loss, m times dJ/dZ; its dW and db are gradients
of the cost J, the mean. So the 1/m enters where dW and db are made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import special

from datasets.container import Array
from models.descent import Parameters
from tinygrad_course import functions, grad, vjp

__all__ = [
    "activation_backward",
    "belong",
    "dropout_backward",
    "linear_backward",
    "output_backward",
    "print_cost_at",
    "probabilities_backward",
    "step",
]

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": functions.sigmoid,
    "relu": functions.relu,
    "tanh": functions.tanh,
}


def linear_backward(dZ: Any, A_prev: Any, W: Any, b: Any) -> tuple[Any, Any, Any]:
    """Return dA_prev, dW and db of Z = W A_prev + b, in the course's scaling.

    Examples
    --------
    >>> dA_prev, dW, db = linear_backward(np.array([[1.0, 3.0]]), np.eye(2), np.array([[5.0, 7.0]]), 0.0)
    >>> dA_prev, dW, float(db)
    (array([[ 5., 15.],
           [ 7., 21.]]), array([[0.5, 1.5]]), 2.0)
    """
    m = np.shape(A_prev)[1]
    _, pullback = vjp(functions.linear, W, A_prev, b)
    dW, dA_prev, db = pullback(dZ)
    return dA_prev, dW / m, db / m


def activation_backward(dA: Any, Z: Any, activation: str) -> Any:
    """Return dZ of A = g(Z).

    Raises
    ------
    ValueError
        If `activation` is none of "sigmoid", "relu" and "tanh".

    Examples
    --------
    >>> activation_backward(np.array([[5.0, 5.0]]), np.array([[-1.0, 2.0]]), "relu")
    array([[0., 5.]])
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f'activation is {activation!r}; expected "sigmoid", "relu" or "tanh"')
    _, pullback = vjp(ACTIVATIONS[activation], Z)
    (dZ,) = pullback(dA)
    return dZ


def dropout_backward(dA: Any, D: Any, keep_prob: float) -> Any:
    """Return the gradient before dropout with the mask D, from the one after it.

    Examples
    --------
    >>> dropout_backward(np.array([[1.0, 1.0]]), np.array([[True, False]]), 0.5)
    array([[2., 0.]])
    """
    _, pullback = vjp(lambda A: functions.drop(A, D, keep_prob), np.zeros(np.shape(dA)))
    (before,) = pullback(dA)
    return before


def probabilities_backward(A: Any, Y: Any) -> Any:
    """Return dA of the summed cross-entropy: the course's ``-(Y/A - (1-Y)/(1-A))``.

    Examples
    --------
    >>> probabilities_backward(np.array([[0.5, 0.2]]), np.array([[1.0, 0.0]]))
    array([[-2.  ,  1.25]])
    """
    return grad(lambda A: -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)))(np.asarray(A, dtype=np.float64))


def output_backward(A: Array, Y: Array, Z: Array) -> Any:
    """Return dZ of the output layer, ``A - Y``, from the graph of the cost of A = sigmoid(Z).

    The course's formula reads A alone. In a cache put together by hand A can be another one than sigmoid(Z);
    then the graph is recorded at the Z that this A belongs to.

    Examples
    --------
    >>> output_backward(np.array([[0.5]]), np.array([[1.0]]), np.array([[0.0]]))
    array([[-0.5]])
    """
    if not belong(A, Z, functions.sigmoid):
        Z = special.logit(A)
    m = np.shape(Z)[1]
    return grad(lambda Z: m * functions.binary_cross_entropy(functions.sigmoid(Z), Y))(Z)


def belong(A: Any, Z: Any, activation: Callable[[Any], Any]) -> bool:
    """Whether A is activation(Z), up to rounding.

    Examples
    --------
    >>> belong(np.array([0.5]), np.array([0.0]), functions.sigmoid)
    True
    """
    return bool(np.allclose(A, activation(Z), rtol=1e-12, atol=0))


def step(parameters: Mapping[str, Any], grads: Mapping[str, Any], learning_rate: float) -> Parameters:
    """Return W - learning_rate * dW for every parameter W whose gradient grads holds as dW.

    Raises
    ------
    KeyError
        If a gradient is missing.
    """
    return {name: value - learning_rate * grads[f"d{name}"] for name, value in parameters.items()}


def print_cost_at(i: int, cost: Any, every: int, shown: bool, unit: str = "iteration") -> None:
    """Print the cost of every so many iterations in the words of the assignments."""
    if shown and i % every == 0:
        print(f"Cost after {unit} {i}: {float(cost):.6f}")
