"""Constant arrays without a name that are plain functions of one that has one: 1 - Y, Y.T, Z1 > 0."""

from typing import Any

import numpy as np

from tinygrad_course.graph.node import Graph

#: Larger arrays are not compared.
LARGEST = 1_000_000
_SIGNS: dict[str, Any] = {">": np.greater, "≥": np.greater_equal, "<": np.less, "≤": np.less_equal}


def affine(c: Any, k: Any) -> tuple[float, float] | None:
    """Return a and b where the array c is ``a * k + b``, None where it is not.

    >>> affine(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    (-1.0, 1.0)
    """
    if np.iscomplexobj(c) or np.iscomplexobj(k):
        return (1.0, 0.0) if np.array_equal(c, k) else None
    c, k = np.asarray(c, dtype=np.float64), np.asarray(k, dtype=np.float64)
    if c.shape != k.shape or not np.all(np.isfinite(c)) or not np.all(np.isfinite(k)):
        return None
    for a, b in ((1.0, 0.0), (-1.0, 1.0), (-1.0, 0.0)):
        if np.array_equal(c, a * k + b):
            return a, b
    i, j = np.unravel_index(np.argmin(k), k.shape), np.unravel_index(np.argmax(k), k.shape)
    if k[i] == k[j] or c[i] == c[j] or k.size < 3:  # of two numbers any other two are some a k + b
        return None
    a = float((c[j] - c[i]) / (k[j] - k[i]))
    b = float(c[i] - a * k[i])
    a, b = (float(f"{x:.13g}") if abs(x) > 1e-13 else 0.0 for x in (a, b))
    return (a, b) if np.allclose(c, a * k + b, rtol=1e-12, atol=1e-13 * float(np.max(np.abs(c)))) else None


def related(graph: Graph) -> dict[int, str]:
    """Return what nameless constant arrays are in terms of named ones.

    >>> from tinygrad_course import Tensor, graph
    >>> w, Y = Tensor(2.0), np.array([[0.0, 1.0, 1.0]])
    >>> related(graph(np.sum(Y * w + (1 - Y) * w), names={"Y": Y}))
    {3: '1 − Y'}
    """
    constants = [n for n in graph if n.constant and n.shape and _comparable(n.value)]
    named = {n.name: n.value for n in constants if n.name}
    named |= {k: v for k, v in graph.named.items() if k not in named and _comparable(v)}
    named |= {f"{k}ᵀ": v.T for k, v in named.items() if v.ndim == 2}
    found = {}
    for node in constants:
        fits = ((k, affine(node.value, v)) for k, v in named.items() if node.name is None)
        told = next((_told(name, fit) for name, fit in fits if fit is not None), None)
        if node.name is None and node.dtype == bool:  # a condition
            signed = (n for n in graph[: node.id] if n.name and n.shape == node.shape and n.value is not None)
            asked = ((f"{n.name} {sign} 0", ask(n.value, 0)) for n in signed for sign, ask in _SIGNS.items())
            told = next((text for text, answer in asked if np.array_equal(answer, node.value)), told)
        if told is not None:
            found[node.id] = told
    return found


def _comparable(value: Any) -> bool:
    return isinstance(value, np.ndarray) and 1 < value.size <= LARGEST and value.dtype.kind in "fiub"


def _told(name: str, fit: tuple[float, float]) -> str:
    a, b = fit
    times = "" if abs(a) == 1 else f"{abs(a):.4g} "
    if b == 0:
        return f"{'−' if a < 0 else ''}{times}{name}"
    if a > 0:
        return f"{times}{name} {'+' if b > 0 else '−'} {abs(b):.4g}"
    return f"{'−' if b < 0 else ''}{abs(b):.4g} − {times}{name}"
