"""The course's networks as forward functions: hidden layers of one kind, a sigmoid at the end.

Nothing here knows of gradients. Given arrays these functions compute; given Tensors they are remembered, and
the gradient of `cost` comes out of that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from datasets.container import Array, Dataset
from models.descent import Parameters
from tinygrad_course import Tensor, functions, graph
from tinygrad_course.functions.streams import Stream
from tinygrad_course.graph import Graph

__all__ = ["accuracies", "accuracy", "cost", "fixed_masks", "forward", "fresh_masks", "predict", "recorded"]

Activation = Callable[[Any], Any]
Masks = Sequence[Array]


def forward(
    parameters: Any, X: Array, hidden: Activation = functions.relu, masks: Masks = (), keep_prob: float = 1.0
) -> Any:
    """Return A of the output layer, shape (1, m).

    Parameters
    ----------
    parameters : dict
        W1, b1, ..., WL, bL: arrays or Tensors.
    X : ndarray, shape (n_x, m)
    hidden : callable
        The activation of every layer but the last, which has the sigmoid.
    masks : sequence of ndarray of bool
        For dropout, the units of each hidden layer that are kept: training alone.
    keep_prob : float
        What the kept units are divided by.

    Examples
    --------
    >>> from tinygrad_course.training.initialization import initialize_parameters
    >>> forward(initialize_parameters([2, 3, 1], "zeros"), np.array([[1.0, -1.0], [0.0, 0.0]]))
    array([[0.5, 0.5]])
    """
    L = len(parameters) // 2
    A: Any = X
    for l in range(1, L):
        A = hidden(functions.linear(parameters[f"W{l}"], A, parameters[f"b{l}"]))
        if masks:
            A = functions.drop(A, masks[l - 1], keep_prob)
    return functions.sigmoid(functions.linear(parameters[f"W{L}"], A, parameters[f"b{L}"]))


def cost(parameters: Any, X: Array, Y: Array, hidden: Activation = functions.relu, lambd: float = 0.0) -> Any:
    """Return the cross-entropy of `forward`, plus the L2 term where lambd is not 0."""
    J = functions.binary_cross_entropy(forward(parameters, X, hidden), Y)
    return J + functions.l2_term(parameters, lambd, X.shape[1]) if lambd else J


def fixed_masks(sizes: Sequence[int], m: int, keep_prob: float, seed: int) -> tuple[Array, ...]:
    """Return dropout masks for hidden layers of these sizes, as a seed inside the forward pass draws them."""
    return fresh_masks(sizes, m, keep_prob, np.random.RandomState(seed))


def fresh_masks(sizes: Sequence[int], m: int, keep_prob: float, rng: Stream) -> tuple[Array, ...]:
    """Return the next dropout masks of a stream."""
    return tuple(functions.dropout_mask((n, m), keep_prob, rng) for n in sizes)


def predict(parameters: Parameters, X: Array, hidden: Activation = functions.relu) -> Array:
    """Return the labels 0 and 1, shape (1, m)."""
    return np.asarray(forward(parameters, X, hidden) > 0.5, dtype=np.float64)


def accuracy(parameters: Parameters, X: Array, Y: Array, hidden: Activation = functions.relu) -> float:
    """Return the share of labels that are predicted right, 0 to 1."""
    return float(np.mean(predict(parameters, X, hidden) == Y))


def accuracies(
    parameters: Parameters, data: Dataset, hidden: Activation = functions.relu
) -> tuple[float, float]:
    """Return the shares of right labels on the training and on the test part."""
    return (
        accuracy(parameters, data.X_train, data.Y_train, hidden),
        accuracy(parameters, data.X_test, data.Y_test, hidden),
    )


def recorded(parameters: Parameters, data: Dataset, hidden: Activation = functions.relu, m: int = 5) -> Graph:
    """Return the graph of the cost on the first m examples, with its gradients.

    Examples
    --------
    >>> from datasets import flower
    >>> from tinygrad_course.training.initialization import initialize_parameters
    >>> drawn = recorded(initialize_parameters([2, 4, 1], "small"), flower.load(), np.tanh)
    >>> [(node.name, node.op) for node in drawn if node.op][:3]
    [('Z1', 'linear'), ('A1', 'tanh'), ('Z2', 'linear')]
    """
    tensors = {name: Tensor(value, name=name) for name, value in parameters.items()}
    X, Y = data.X_train[:, :m], data.Y_train[:, :m]
    J = cost(tensors, X, Y, hidden)
    J.backward(retain_graph=True)
    names = {"X": X, "Y": Y, "J": J}
    l = 0
    for node in graph(J):
        if node.op == "linear":
            l += 1
            names[f"Z{l}"] = node.tensor
        elif node.op in ("relu", "tanh", "expit"):
            names[f"A{l}"] = node.tensor
    return graph(J, names=names)
