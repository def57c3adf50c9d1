"""W8: two blocks of a small GPT, the gradient of the next character's mean cross-entropy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads.base import Arrays, Gradient, Row, Runner, gradients, multiplications

V, D, H, L = 65, 64, 4, 2  # characters, width, heads, blocks
EPSILON = np.float32(1e-5)
SCALE = np.float32(np.sqrt(D // H))


def make(small: bool) -> Gradient:
    """Return the work: 16 texts of 32 characters."""
    B, T = (2, 6) if small else (16, 32)
    rng = np.random.default_rng(0)
    shapes = {"tok": (V, D), "pos": (T, D)}
    for l in range(L):
        shapes |= {f"qkv{l}": (D, 3 * D), f"o{l}": (D, D), f"v{l}": (D, 4 * D), f"w{l}": (4 * D, D)}
    parameters = {name: rng.normal(0, 0.02, shape).astype("f4") for name, shape in shapes.items()}
    for l in range(L):
        for norm in "12":
            parameters[f"g{norm}{l}"] = np.ones(D, "f4")
            parameters[f"b{norm}{l}"] = np.zeros(D, "f4")
    x, y = rng.integers(0, V, (2, B, T))
    return Gradient("gpt", parameters, (x, y), cost)


def cost(xp: Any) -> Callable[..., Any]:
    """Return the cost as typed."""

    def layer_norm(x: Any, g: Any, b: Any) -> Any:
        mean = xp.mean(x, axis=-1, keepdims=True)
        var = xp.var(x, axis=-1, keepdims=True)
        return (x - mean) / xp.sqrt(var + EPSILON) * g + b

    def softmax(s: Any) -> Any:
        e = xp.exp(s - xp.max(s, axis=-1, keepdims=True))
        return e / xp.sum(e, axis=-1, keepdims=True)

    def of(p: Any, x: Any, y: Any) -> Any:
        B, T = x.shape
        mask = xp.triu(xp.full((T, T), -xp.inf, "f4"), 1)
        h = p["tok"][x] + p["pos"]
        for l in range(L):
            a = layer_norm(h, p[f"g1{l}"], p[f"b1{l}"]) @ p[f"qkv{l}"]
            a = xp.transpose(xp.reshape(a, (B, T, 3, H, D // H)), (2, 0, 3, 1, 4))
            s = a[0] @ xp.swapaxes(a[1], -1, -2) / SCALE + mask
            o = xp.transpose(softmax(s) @ a[2], (0, 2, 1, 3))
            h = h + xp.reshape(o, (B, T, D)) @ p[f"o{l}"]
            h = h + xp.maximum(0, layer_norm(h, p[f"g2{l}"], p[f"b2{l}"]) @ p[f"v{l}"]) @ p[f"w{l}"]
        z = h @ p["tok"].T
        z = z - xp.max(z, axis=-1, keepdims=True)
        log_p = z - xp.log(xp.sum(xp.exp(z), axis=-1, keepdims=True))
        return -xp.mean(log_p[xp.arange(B)[:, None], xp.arange(T)[None], y])

    return of


def course(work: Gradient) -> Runner:
    """Return forward and backward pass by hand."""
    return gradients(work, by_hand)


def by_hand(p: Arrays, x: Any, y: Any) -> tuple[Any, Arrays]:
    """Return the cost and its gradients."""
    B, T = x.shape
    mask = np.triu(np.full((T, T), -np.inf, "f4"), 1)
    grads: Arrays = {}
    caches = []
    h = p["tok"][x] + p["pos"]
    for l in range(L):
        n1, cache1 = _norm(h, p[f"g1{l}"], p[f"b1{l}"])
        q, k, v = np.reshape(n1 @ p[f"qkv{l}"], (B, T, 3, H, D // H)).transpose(2, 0, 3, 1, 4)
        e = q @ k.swapaxes(-1, -2) / SCALE + mask
        e = np.exp(e - e.max(-1, keepdims=True))
        P = e / e.sum(-1, keepdims=True)
        o = (P @ v).transpose(0, 2, 1, 3).reshape(B, T, D)
        h = h + o @ p[f"o{l}"]
        n2, cache2 = _norm(h, p[f"g2{l}"], p[f"b2{l}"])
        r = np.maximum(0, n2 @ p[f"v{l}"])
        h = h + r @ p[f"w{l}"]
        caches.append((n1, cache1, q, k, v, P, o, n2, cache2, r))
    z = h @ p["tok"].T
    z = z - z.max(-1, keepdims=True)
    e = np.exp(z)
    total = e.sum(-1, keepdims=True)
    rows = np.arange(B)[:, None], np.arange(T)[None], y
    J = np.mean(np.log(total)[..., 0] - z[rows])
    dz = e / total
    dz[rows] -= 1
    dz /= B * T
    dtok = _flat(dz).T @ _flat(h)
    dh = dz @ p["tok"]
    for l in reversed(range(L)):
        n1, cache1, q, k, v, P, o, n2, cache2, r = caches[l]
        grads[f"w{l}"] = _flat(r).T @ _flat(dh)
        dr = dh @ p[f"w{l}"].T
        dr[r <= 0] = 0
        grads[f"v{l}"] = _flat(n2).T @ _flat(dr)
        d, grads[f"g2{l}"], grads[f"b2{l}"] = _norm_backward(dr @ p[f"v{l}"].T, cache2)
        dh = dh + d
        grads[f"o{l}"] = _flat(o).T @ _flat(dh)
        do = (dh @ p[f"o{l}"].T).reshape(B, T, H, D // H).transpose(0, 2, 1, 3)
        dP = do @ v.swapaxes(-1, -2)
        ds = P * (dP - np.sum(dP * P, -1, keepdims=True)) / SCALE
        da = np.stack([ds @ k, ds.swapaxes(-1, -2) @ q, P.swapaxes(-1, -2) @ do])
        da = da.transpose(1, 3, 0, 2, 4).reshape(B, T, 3 * D)
        grads[f"qkv{l}"] = _flat(n1).T @ _flat(da)
        d, grads[f"g1{l}"], grads[f"b1{l}"] = _norm_backward(da @ p[f"qkv{l}"].T, cache1)
        dh = dh + d
    np.add.at(dtok, x, dh)
    return J, grads | {"tok": dtok, "pos": dh.sum(0)}


def _flat(a: Any) -> Any:
    return a.reshape(-1, a.shape[-1])


def _norm(x: Any, g: Any, b: Any) -> tuple[Any, Any]:
    scale = 1 / np.sqrt(x.var(-1, keepdims=True) + EPSILON)
    normed = (x - x.mean(-1, keepdims=True)) * scale
    return normed * g + b, (normed, scale, g)


def _norm_backward(dy: Any, cache: Any) -> tuple[Any, Any, Any]:
    normed, scale, g = cache
    d = dy * g
    dx = scale * (d - d.mean(-1, keepdims=True) - normed * np.mean(d * normed, -1, keepdims=True))
    return dx, np.sum(dy * normed, (0, 1)), dy.sum((0, 1))


def products(work: Gradient) -> Runner:
    """Return NumPy's products of a gradient, the stacks of the attention among them."""
    B, T = work.arguments[0].shape
    n, d = B * T, D // H
    layers = [(D, 3 * D), (D, D), (D, 4 * D), (4 * D, D)] * L + [(D, V)]
    flat = [size for i, o in layers for size in ((n, i, o), (i, n, o), (n, o, i))]
    stacks = [(B, H, T, d, T), (B, H, T, T, d)] * 3 * L
    return multiplications(*flat, *stacks)


ROW = Row("W8", "a GPT of 2 blocks, 16 x 32 characters, float32, gradient", make, course, None, products)
