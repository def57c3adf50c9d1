"""What is recognised in a recording and among the user's names before a formula is read."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_course.engine.stable_forms import is_shifted, same
from tinygrad_course.graph.node import Graph, Node


def softmaxes(graph: Graph) -> dict[int, tuple[int, int]]:
    """Return the divisions that compute exp(z) / sum(exp(z)), each with the number of z and the axis."""
    found = {}
    for node in graph:
        if node.op != "divide" or len(node.shape) != 2:
            continue
        above, below = (graph[i] for i in node.inputs)
        if below.op != "sum" or above.op != "exp" or not same(above.tensor, graph[below.inputs[0]].tensor):
            continue
        summed = [i for i in (0, 1) if below.shape[i : i + 1] == (1,) and node.shape[i] > 1]
        if not below.options.get("keepdims"):  # (m,) lies along the columns
            summed = [0] if below.options.get("axis") in (0, -2) and below.shape == node.shape[1:] else []
        if len(summed) != 1:
            continue
        z = graph[above.inputs[0]]
        if is_shifted(z.tensor):  # the greatest taken off: it changes nothing
            z = graph[z.inputs[0]]
        found[node.id] = z.id, summed[0]
    return found


def picked(node: Node, shape: tuple[int, ...]) -> tuple[Any, int] | None:
    """Return the one-hot array that picks an entry of each column or row as an index does, and the axis."""
    index = node.options.get("index")
    if node.op != "getitem" or not isinstance(index, tuple) or len(index) != len(shape) or len(shape) != 2:
        return None
    if not all(isinstance(i, np.ndarray) and i.ndim == 1 and i.dtype.kind in "iu" for i in index):
        return None
    for axis in (0, 1):
        if np.array_equal(index[1 - axis], np.arange(shape[1 - axis])):
            hot = np.arange(shape[axis])[:, None] == index[axis] % shape[axis]
            return (hot if axis == 0 else hot.T) * 1.0, axis
    return None


def named_numbers(names: Mapping[Any, Any]) -> dict[str, float]:
    """Return the user's numbers by name."""
    return {
        name: float(value)
        for name, value in names.items()
        if isinstance(name, str) and isinstance(value, (int, float)) and not isinstance(value, bool)
    }
