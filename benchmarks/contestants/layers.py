"""The costs of W8 to W10 in the library's own functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_course.functions import (
    attention,
    conv,
    cross_entropy,
    embedding,
    layer_norm,
    linear,
    max_pool,
    relu,
    softmax_cross_entropy,
)
from tinygrad_course.functions import lstm as lstm_over_time


def gpt(p: Any, x: Any, y: Any) -> Any:
    """Return W8's cost."""
    h = embedding(p["tok"], x) + p["pos"]
    for l in range(2):
        n = layer_norm(h, p[f"g1{l}"], p[f"b1{l}"], axis=-1)
        q, k, v = np.split(n @ p[f"qkv{l}"], 3, axis=-1)
        h = h + attention(q, k, v, causal=True, heads=4) @ p[f"o{l}"]
        n = layer_norm(h, p[f"g2{l}"], p[f"b2{l}"], axis=-1)
        h = h + relu(n @ p[f"v{l}"]) @ p[f"w{l}"]
    logits = np.reshape(h, (-1, h.shape[-1])) @ p["tok"].T
    return cross_entropy(logits.T, y.ravel())


def convolution(p: Any, X: Any, Y: Any) -> Any:
    """Return W9's cost."""
    h = max_pool(relu(conv(X, p["K1"], p["b1"], channels="first")), channels="first")
    h = max_pool(relu(conv(h, p["K2"], p["b2"], channels="first")), channels="first")
    Z = np.reshape(h, (X.shape[0], -1)) @ p["W"] + p["b"]
    return softmax_cross_entropy(Z.T, Y.T)


def lstm(p: Any, x: Any, Y: Any) -> Any:
    """Return W10's cost; the outputs of all steps in one product."""
    _, a = lstm_over_time(np.moveaxis(x, -1, 1), p, axis=1)
    Z = linear(p["Wy"], np.reshape(a, (a.shape[0], -1)), p["by"])
    return softmax_cross_entropy(Z, np.reshape(np.moveaxis(Y, -1, 1), (Y.shape[0], -1)))
