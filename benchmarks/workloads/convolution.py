"""W9: a small convolutional network on pictures of 28 x 28, the gradient of its softmax cross-entropy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from benchmarks.workloads.base import Arrays, Gradient, Row, Runner, gradients


def make(small: bool) -> Gradient:
    """Return the work: 32 pictures."""
    rng = np.random.default_rng(0)
    m = 4 if small else 32
    shapes = {"K1": (8, 1, 3, 3), "K2": (16, 8, 3, 3), "W": (400, 10)}
    parameters = {name: rng.normal(0, 0.1, shape).astype("f4") for name, shape in shapes.items()}
    parameters |= {"b1": np.zeros((8, 1, 1), "f4"), "b2": np.zeros((16, 1, 1), "f4"), "b": np.zeros(10, "f4")}
    X = rng.normal(size=(m, 1, 28, 28)).astype("f4")
    Y = np.eye(10, dtype="f4")[rng.integers(0, 10, m)]
    return Gradient("convolution", parameters, (X, Y), cost)


def cost(xp: Any) -> Callable[..., Any]:
    """Return the cost as typed, its convolutions an einsum over windows; `xp` is NumPy alone."""

    def conv(x: Any, K: Any, b: Any) -> Any:
        windows = sliding_window_view(x, K.shape[2:], axis=(2, 3))
        return xp.einsum("mchwij,ocij->mohw", windows, K) + b

    def pool(x: Any) -> Any:
        m, c, h, w = x.shape
        x = x[:, :, : h // 2 * 2, : w // 2 * 2]
        return xp.max(xp.reshape(x, (m, c, h // 2, 2, w // 2, 2)), axis=(3, 5))

    def of(p: Any, X: Any, Y: Any) -> Any:
        h = pool(xp.maximum(0, conv(X, p["K1"], p["b1"])))
        h = pool(xp.maximum(0, conv(h, p["K2"], p["b2"])))
        z = xp.reshape(h, (X.shape[0], -1)) @ p["W"] + p["b"]
        z = z - xp.max(z, axis=1, keepdims=True)
        return -xp.sum(Y * (z - xp.log(xp.sum(xp.exp(z), axis=1, keepdims=True)))) / X.shape[0]

    return of


def course(work: Gradient) -> Runner:
    """Return forward and backward pass by hand, each convolution one product of unfolded windows."""
    return gradients(work, by_hand)


def by_hand(p: Arrays, X: Any, Y: Any) -> tuple[Any, Arrays]:
    """Return the cost and its gradients."""
    h1, cache1 = _layer(X, p["K1"], p["b1"])
    h2, cache2 = _layer(h1, p["K2"], p["b2"])
    flat = h2.reshape(len(X), -1)
    z = flat @ p["W"] + p["b"]
    z = z - z.max(1, keepdims=True)
    e = np.exp(z)
    total = e.sum(1, keepdims=True)
    J = -np.sum(Y * (z - np.log(total))) / len(X)
    dz = (e / total - Y) / len(X)
    dh2 = (dz @ p["W"].T).reshape(h2.shape)
    dh1, dK2, db2 = _layer_backward(dh2, p["K2"], cache2)
    _, dK1, db1 = _layer_backward(dh1, p["K1"], cache1)
    return J, {"K1": dK1, "b1": db1, "K2": dK2, "b2": db2, "W": flat.T @ dz, "b": dz.sum(0)}


def _layer(x: Any, K: Any, b: Any) -> tuple[Any, Any]:
    """Convolve, rectify and pool; the cache is what the way back needs."""
    o, c, i, j = K.shape
    windows = sliding_window_view(x, (i, j), axis=(2, 3)).transpose(0, 2, 3, 1, 4, 5)
    m, h, w = windows.shape[:3]
    columns = windows.reshape(m * h * w, c * i * j)
    a = (columns @ K.reshape(o, -1).T).reshape(m, h, w, o).transpose(0, 3, 1, 2) + b
    a = np.maximum(0, a)
    blocks = a[:, :, : h // 2 * 2, : w // 2 * 2].reshape(m, o, h // 2, 2, w // 2, 2)
    y = blocks.max(axis=(3, 5))
    return y, (x.shape, columns, a, blocks, y)


def _layer_backward(dy: Any, K: Any, cache: Any) -> tuple[Any, Any, Any]:
    shape, columns, a, blocks, y = cache
    o, c, i, j = K.shape
    m, _, h, w = a.shape
    largest = blocks == y[:, :, :, None, :, None]
    shares = largest / largest.sum(axis=(3, 5), keepdims=True)
    da = np.zeros_like(a)
    da[:, :, : h // 2 * 2, : w // 2 * 2] = (shares * dy[:, :, :, None, :, None]).reshape(
        m, o, h // 2 * 2, w // 2 * 2
    )
    da[a <= 0] = 0
    rows = da.transpose(0, 2, 3, 1).reshape(-1, o)
    dK = (rows.T @ columns).reshape(K.shape)
    dcolumns = (rows @ K.reshape(o, -1)).reshape(m, h, w, c, i, j)
    dx = np.zeros(shape, a.dtype)
    for s in range(i):
        for t in range(j):
            dx[:, :, s : s + h, t : t + w] += dcolumns[..., s, t].transpose(0, 3, 1, 2)
    return dx, dK, da.sum((0, 2, 3))[:, None, None]


ROW = Row("W9", "convolutional network, 32 pictures of 28 x 28, float32, gradient", make, course)
