"""What networks are made of: layers, activations, costs; each a function of arrays and parameters.

Each takes arrays and computes, or Tensors and is recorded, most of them as a single node. Examples are
columns: Z is (n, m), Y is (1, m) or, one-hot, (n, m). Pictures are (m, n_H, n_W, n_C).
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
from tinygrad_course.functions.attention import attention, causal_mask, embedding, masked_softmax
from tinygrad_course.functions.convolution import conv, conv_transpose
from tinygrad_course.functions.costs import (
    binary_cross_entropy,
    categorical_cross_entropy,
    l2_term,
    one_hot,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
)
from tinygrad_course.functions.dropout import drop, dropout, dropout_mask
from tinygrad_course.functions.losses import (
    cross_entropy,
    focal,
    hinge,
    huber,
    margin_ranking,
    mean_squared_error,
    negative_log_likelihood,
)
from tinygrad_course.functions.normalization import batch_norm, layer_norm, rms_norm
from tinygrad_course.functions.pooling import average_pool, max_pool
from tinygrad_course.functions.recurrent import gru_cell, lstm, lstm_cell, rnn_cell, scan
from tinygrad_course.functions.units import elu, gelu, glu, hard_tanh, selu, silu, soft_sign, softplus

__all__ = [
    "attention", "average_pool", "batch_norm", "binary_cross_entropy", "categorical_cross_entropy",
    "causal_mask", "conv", "conv_transpose", "cross_entropy", "drop", "dropout", "dropout_mask", "elu",
    "embedding", "focal", "gelu", "glu", "gru_cell", "hard_tanh", "hinge", "huber", "l2_term", "layer_norm",
    "leaky_relu", "linear", "log_softmax", "logsumexp", "lstm", "lstm_cell", "margin_ranking",
    "masked_softmax", "max_pool", "mean_squared_error", "negative_log_likelihood", "one_hot", "relu",
    "rms_norm", "rnn_cell", "scan", "selu", "sigmoid", "sigmoid_cross_entropy", "silu", "soft_sign",
    "softmax", "softmax_cross_entropy", "softplus", "tanh",
]  # fmt: skip
