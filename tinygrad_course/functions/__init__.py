"""What networks are made of: `linear`, the activations, the costs, the L2 term, dropout.

Each takes arrays and computes, or Tensors and is recorded, most of them as a single node. Examples are
columns: Z is (n, m), Y is (1, m) or, one-hot, (n, m).
"""

from tinygrad_course.functions.activations import (
    leaky_relu,
    linear,
    log_softmax,
    logsumexp,
    relu,
    sigmoid,
    softmax,
    tanh,
)
from tinygrad_course.functions.costs import (
    binary_cross_entropy,
    categorical_cross_entropy,
    l2_term,
    mean_squared_error,
    one_hot,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
)
from tinygrad_course.functions.dropout import drop, dropout, dropout_mask

__all__ = [
    "binary_cross_entropy",
    "categorical_cross_entropy",
    "drop",
    "dropout",
    "dropout_mask",
    "l2_term",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsumexp",
    "mean_squared_error",
    "one_hot",
    "relu",
    "sigmoid",
    "sigmoid_cross_entropy",
    "softmax",
    "softmax_cross_entropy",
    "tanh",
]
