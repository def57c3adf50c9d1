"""The way through a graph that the page and the film show: forward, and back where there is one."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_course.drawing import labels
from tinygrad_course.engine.sweep import FreedGraphError
from tinygrad_course.graph import replay
from tinygrad_course.graph.node import Graph
from tinygrad_course.graph.replay import Share


@dataclass(frozen=True)
class Way:
    """The order of the operations forward, and what each sends back."""

    forward: tuple[int, ...]  #: the operations in the order in which they were recorded
    #: for each operation on the way back, in order; empty if there is no way back
    backward: dict[int, tuple[Share, ...]] = field(default_factory=dict)
    gradients: dict[int, Any] = field(default_factory=dict)  #: what it comes to for each node
    #: each node's value, computed again where `backward` has let go of it
    values: dict[int, Any] = field(default_factory=dict)
    note: str = ""  #: why there is no way back


def through(graph: Graph) -> Way:
    """Go through a graph again, forward and backward."""
    order = tuple(n.id for n in replay.operations(graph))

    def none(told: str) -> Way:
        return Way(order, note=f"There is no way back to show: {told}")

    if len(graph.roots) != 1:
        return Way(order, note="Several results were drawn, so no gradient starts from a single cost.")
    root = graph[graph.roots[0]]
    if root.error is not None:
        return Way(order, note=f"{root.op} failed: {labels.visible(root.error)}.")
    if labels.scalar(root.value) is None:
        name = labels.visible(root.name or "the result")
        return none(f"{name} is no single number, so no cost.")
    values = replay.forward(graph)
    if (other := replay.changed(graph, values)) is not None:
        return none(
            f"{labels.visible(other.name or str(other.op))} comes out differently, because a variable was "
            "given new data. Draw the graph before the parameters are updated."
        )
    try:
        back = replay.backward(graph, values)
    except FreedGraphError:
        return none("a rule of it is not in the table any more.")
    for node in graph:
        held = node.gradient if node.op is None else None
        if held is not None and not np.allclose(
            held, back.gradients.get(node.id, held), rtol=1e-6, equal_nan=True
        ):
            return none(
                f"the gradient that {labels.visible(node.name or 'a leaf')} holds is not this graph's. It is "
                "the sum of several backward passes, or the variable was given new data. Draw the graph "
                "after one pass, before the parameters are updated."
            )
    return Way(order, back.shares, back.gradients, values)
