"""A recording computed again, forward and back, an operation at a time: values, gradients, and their parts.

`backward` adds gradients up as it goes and forgets the parts. For a picture of the chain rule the parts are
wanted, for a derivation all values and gradients, at other leaves than the recorded ones too. The recording
itself stays as it is, freed or not, and so do the `.grad` of its tensors; values that a backward pass has
released are there again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_course.graph.node import Graph, Node


@dataclass(frozen=True)
class Share:
    """What one operation sends back to one of its operands."""

    position: int  #: which of the operation's operands
    node: int  #: the operand
    slope: float | None  #: the operation's derivative, where both are single real numbers
    gradient: Any  #: what it sends
    total: Any  #: the operand's gradient so far, this included


@dataclass(frozen=True)
class Replay:
    """Values and gradients of a recording's nodes, by their numbers."""

    values: dict[int, Any]
    gradients: dict[int, Any]  #: of the root; a node that it does not depend on has none
    shares: dict[int, tuple[Share, ...]]  #: for each operation on the way back, in order, what it sends


def operations(graph: Graph) -> list[Node]:
    """Return the operations in the order in which they were recorded."""
    return sorted((n for n in graph if n.call is not None), key=lambda n: n.born)


def recorded(graph: Graph) -> dict[int, Any]:
    """Return the leaves' data as they were when the graph was recorded."""
    values = {n.id: n.value for n in graph if n.op is None and not n.constant}
    for node in graph:
        for source, value in zip(node.inputs, node.call.saved if node.call else (), strict=False):
            if source in values and value is not None:
                values[source] = value
    return values


def forward(graph: Graph, leaves: Mapping[int, Any] | None = None) -> dict[int, Any]:
    """Compute every node's value again, from other values for the leaves or the recorded ones."""
    values = {n.id: n.value for n in graph if n.op is None}
    values.update(leaves or {})
    with np.errstate(all="ignore"):
        for node in graph:
            if node.call is not None:
                values[node.id] = node.call.value(_operands(graph, node, values, leaves is None))
    return values


def changed(graph: Graph, values: Mapping[int, Any], slack: float = 1.0) -> Node | None:
    """Return an operation that comes out otherwise than it was recorded: its leaves have new data since.

    The last bits may differ, for x**2 and np.power(x, 2) round apart, and `slack` times as much.
    """
    for node in graph:
        if node.op in {None, "positive"} or node.value is None or isinstance(node.value, tuple):
            continue
        was, found = (np.asarray(x, np.complex128) for x in (node.value, values[node.id]))
        few = min(0.1, slack * 8 * float(np.finfo(node.dtype).eps))
        size = np.max(np.abs(was[np.isfinite(was)]), initial=1.0)
        if was.shape != found.shape or not np.allclose(was, found, few, few * size, equal_nan=True):
            return node
    return None


def _operands(graph: Graph, node: Node, values: Mapping[int, Any], as_recorded: bool) -> list[Any]:
    """Return an operation's operands, leaves and constants as the recording has kept them."""
    found = []
    for source, saved in zip(node.inputs, node.applied.saved, strict=True):
        given = graph[source]
        kept = saved is not None and given.op is None and (given.constant or as_recorded)
        found.append(saved if kept else values[source])
    return found


def backward(graph: Graph, values: dict[int, Any], *, as_recorded: bool = True) -> Replay:
    """Send a gradient of 1 back from the last root through the values that `forward` has computed."""
    root = graph.roots[-1]
    totals: dict[int, Any] = {root: np.ones_like(values[root])[()]}
    shares: dict[int, tuple[Share, ...]] = {}
    with np.errstate(all="ignore"):
        for node in reversed(operations(graph)):
            if node.id not in totals:
                continue
            operands = _operands(graph, node, values, as_recorded)
            y, g = values[node.id], totals[node.id]
            one = not isinstance(g, tuple) and np.size(g) == 1 and not np.iscomplexobj(g)
            slopes = node.applied.sent(np.ones_like(g)[()], y, operands) if one else {}
            sends = []
            for position, sent in node.applied.sent(g, y, operands).items():
                source = node.inputs[position]
                totals[source] = _plus(totals.get(source), sent)
                slope: Any = slopes.get(position)
                single = slope is not None and np.size(slope) == 1 and not np.iscomplexobj(slope)
                told = float(np.reshape(slope, ())) if single else None
                sends.append(Share(position, source, told, sent, totals[source]))
            shares[node.id] = tuple(sends)
    of_one = {i: g for i, g in totals.items() if not isinstance(g, tuple)}
    return Replay(values, of_one, shares)


def _plus(a: Any, b: Any) -> Any:
    """Add gradients; those of several results one by one, with None for what nothing depends on."""
    if a is None or b is None:
        return b if a is None else a
    return tuple(map(_plus, a, b)) if isinstance(b, tuple) else a + b
