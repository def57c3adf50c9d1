"""What the graph says: its values and gradients in float64, against which every line is held."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_course.engine.sweep import FreedGraphError
from tinygrad_course.graph import replay
from tinygrad_course.graph.node import Graph, Node
from tinygrad_course.graph.replay import Replay


class DerivationError(ValueError):
    """No derivation can be written, or a line of it disagrees with the graph."""


#: Costs that are recorded as one operation of A, Y and Z, with a gradient that goes straight to Z.
FROM_LOGITS = ("binary_cross_entropy", "categorical_cross_entropy")


def values_and_gradients(graph: Graph, leaves: Mapping[int, Any] | None = None) -> Replay:
    """Compute a recording again in float64, and the gradients of its root, a scalar.

    `leaves` are other values for its leaves; without them the values must come out as they were recorded.
    Raises DerivationError if they do not (a leaf has been given new data since), and if an operation has
    several results.
    """
    several = next((n for n in graph if n.call is not None and n.call.rule.outputs), None)
    if several is not None:
        part = next((n.name for n in graph if several.id in n.inputs and n.name), "a part of the cost")
        raise DerivationError(
            f"{part} is one of several results of {several.op!r}; "
            "the derivative of such functions is not written out here"
        )
    own = replay.recorded(graph) if leaves is None else leaves
    values = replay.forward(graph, {i: np.asarray(v, dtype=np.float64)[()] for i, v in own.items()})
    if leaves is None and (node := replay.changed(graph, values, 1e3)) is not None:
        raise DerivationError(
            f"{node.name or f'the result of {node.op!r}'} was recorded with other data than its leaves have: "
            "they were given new ones since. Compute the cost again, then derive"
        )
    try:
        found = replay.backward(graph, values, as_recorded=False)
    except FreedGraphError as error:
        raise DerivationError(str(error)) from None
    for node in graph:
        if node.op in FROM_LOGITS:
            _through(graph, node, found)
    return found


def _through(graph: Graph, node: Node, found: Replay) -> None:
    """Add what such a cost adds to the gradient of A, which the recording passes by: -1/m (Y/A - ...)."""
    g = found.gradients.get(node.id)
    A, labels = node.inputs[:2]
    if g is None or graph[A].constant:
        return
    a, y = found.values[A], np.asarray(found.values[labels], dtype=np.float64)
    with np.errstate(all="ignore"):
        slope = -np.where(y == 0, 0.0, y / a)
        if node.op == "binary_cross_entropy":
            slope = slope + np.where(y == 1, 0.0, (1 - y) / (1 - a))
        found.gradients[A] = found.gradients.get(A, 0.0) + g * slope / a.shape[-1]
