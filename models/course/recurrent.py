"""Assignment 5.1 (course 5, week 1): a recurrent network and an LSTM, step by step; backward by the graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from datasets.container import Array
from tinygrad_course import vjp
from tinygrad_course.functions import lstm_cell, rnn_cell

__all__ = [
    "clip",
    "lstm_cell_forward",
    "lstm_forward",
    "rnn_cell_backward",
    "rnn_cell_forward",
    "rnn_forward",
]

Parameters = dict[str, Array]


def rnn_cell_forward(
    xt: Array, a_prev: Array, parameters: Parameters
) -> tuple[Array, Array, tuple[Any, ...]]:
    """Return a_next, yt_pred and the cache (a_next, a_prev, xt, parameters)."""
    return rnn_cell(a_prev, xt, parameters)


def rnn_forward(x: Array, a0: Array, parameters: Parameters) -> tuple[Array, Array, tuple[Any, ...]]:
    """Return a (n_a, m, T_x), y_pred (n_y, m, T_x) and the caches, of x (n_x, m, T_x)."""
    caches, activations, predictions, a_next = [], [], [], a0
    for t in range(x.shape[2]):
        a_next, yt_pred, cache = rnn_cell_forward(x[:, :, t], a_next, parameters)
        activations.append(a_next)
        predictions.append(yt_pred)
        caches.append(cache)
    return np.stack(activations, axis=2), np.stack(predictions, axis=2), (caches, x)


def rnn_cell_backward(da_next: Array, cache: tuple[Any, ...]) -> dict[str, Array]:
    """Return the gradients dxt, da_prev, dWax, dWaa, dba, from the graph."""
    _, a_prev, xt, parameters = cache
    names = ("Wax", "Waa", "ba")
    cell = lambda xt, a_prev, p: rnn_cell(a_prev, xt, p)[0]  # noqa: E731
    _, pullback = vjp(cell, xt, a_prev, {name: parameters[name] for name in names})
    dxt, da_prev, dp = pullback(da_next)
    return {"dxt": dxt, "da_prev": da_prev} | {"d" + name: dp[name] for name in names}


def lstm_cell_forward(
    xt: Array, a_prev: Array, c_prev: Array, parameters: Parameters
) -> tuple[Array, Array, Array, tuple[Any, ...]]:
    """Return a_next, c_next, yt_pred and the cache of ten."""
    (a_next, c_next), yt_pred, cache = lstm_cell((a_prev, c_prev), xt, parameters)
    return a_next, c_next, yt_pred, cache


def lstm_forward(x: Array, a0: Array, parameters: Parameters) -> tuple[Array, Array, Array, tuple[Any, ...]]:
    """Return a, y and c, each over time, and the caches, of x (n_x, m, T_x)."""
    a_next, c_next = a0, np.zeros_like(a0)
    kept: list[tuple[Any, ...]] = []
    for t in range(x.shape[2]):
        a_next, c_next, yt, cache = lstm_cell_forward(x[:, :, t], a_next, c_next, parameters)
        kept.append((a_next, yt, c_next, cache))
    *over_time, caches = zip(*kept, strict=True)
    a, y, c = (np.stack(values, axis=2) for values in over_time)
    return a, y, c, (list(caches), x)


def clip(gradients: dict[str, Array], maxValue: float) -> dict[str, Array]:
    """Return the gradients, every element between -maxValue and maxValue: assignment 5.1, dinosaurs.

    Examples
    --------
    >>> clip({"dWax": np.array([-20.0, 3.0])}, 10)
    {'dWax': array([-10.,   3.])}
    """
    return {name: np.clip(g, -maxValue, maxValue) for name, g in gradients.items()}
