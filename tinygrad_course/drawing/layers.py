"""A network's layers, found in its recording: where the inputs are mixed by parameters, a layer begins."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tinygrad_course.graph.node import Graph, Node

#: Products that mix: a layer begins where one of them meets parameters.
MIXES = frozenset(
    {"dot", "matmul", "tensordot", "einsum", "inner", "linear", "matvec", "vecmat", "vecdot", "vdot"}
    | {"conv", "conv_transpose"}
)
#: What a layer ends with. Anything else behind the last layer belongs to the cost.
ACTIVATIONS = frozenset({
    "tanh", "expit", "maximum", "minimum", "where", "exp", "reciprocal", "negative", "arctan", "sin", "cos",
    "absolute", "log1p", "logaddexp", "logsumexp", "softmax", "relu", "leaky_relu", "drop", "clip",
})  # fmt: skip
_OUTPUT = re.compile(r"A(L|\d*)|a|AL|y_?hat|Y_?hat|yhat")


@dataclass(frozen=True)
class Section:
    """Nodes that are drawn on a ground of their own, or as one box."""

    title: str  #: "Layer 2", or "Cost"
    members: tuple[int, ...]  #: the ids of its nodes, in topological order; of all its repetitions
    lines: tuple[str, ...] = ()  #: what stands in its box
    count: int = 1  #: how often it is repeated


def layers(graph: Graph) -> list[Section]:
    """Return the layers of a network and its cost, or nothing where there are none.

    A layer begins at a product of the data with a parameter (W1 X), and takes the parameters in that are used
    in it; a bias, a normalisation and an activation belong to the layer before them. What follows the last
    activation is the cost.
    """
    depth = _depths(graph)
    last = max(depth, default=0)
    if not last:
        return []
    cost = _after_the_last(graph, depth, last)
    of: list[int | None] = [None] * len(graph)  # 1 to last, and last + 1 for the cost
    consumers = users(graph)
    for node in reversed(graph):
        if any(depth[i] for i in node.inputs):
            of[node.id] = last + 1 if node.id in cost else depth[node.id]
        else:  # what depends on no layer before it stands where it is first used
            places = [p for p in (of[c] for c in consumers[node.id]) if p is not None]
            of[node.id] = min(places, default=depth[node.id] or last + 1)
    titles = [f"Layer {number}" for number in range(1, last + 1)] + ["Cost"]
    members: list[list[int]] = [[] for _ in titles]
    for node in graph:
        place = of[node.id]
        if place is not None:
            members[place - 1].append(node.id)
    return [Section(t, tuple(m)) for t, m in zip(titles, members, strict=True) if m]


def grounds(graph: Graph) -> list[Section]:
    """Return the layers where there is something to tell apart: a chain of more than one, and the cost."""
    found = layers(graph)
    return found if len(found) > 2 and _chained(graph, found) else []


def _chained(graph: Graph, found: list[Section]) -> bool:
    """Whether each layer takes the one before it, and nothing else: no attention, no way around a layer."""
    depth = _depths(graph)
    place = {m: number for number, section in enumerate(found) for m in section.members}
    for node in graph:
        if found[place[node.id]].title == "Cost":
            continue
        steps = [place[node.id] - place[i] for i in node.inputs if depth[i]]
        mixes = node.op in MIXES
        if any(step > mixes for step in steps) or (mixes and len(steps) > 1):
            return False
    return True


def lanes(graph: Graph) -> list[Section]:
    """Return the parts of a recorded training step: Forward, Backward and Update; of other graphs, nothing.

    Operations are numbered in the order of their birth, and a recorded gradient carries the number of the
    cost that it belongs to. What is born up to the last cost is the forward pass, what is born up to the last
    gradient the backward pass.
    """
    back = [(n.gradient_of, n.born) for n in graph if n.op is not None and n.gradient_of is not None]
    if not back:
        return []
    cost, gradient = map(max, zip(*back, strict=True))
    part = [None if n.op is None else (n.born > cost) + (n.born > gradient) for n in graph]
    consumers = users(graph)
    for node in reversed(graph):
        if part[node.id] is None:
            part[node.id] = min((p for c in consumers[node.id] if (p := part[c]) is not None), default=0)
    titles = ("Forward", "Backward", "Update")
    found = [Section(t, tuple(n.id for n in graph if part[n.id] == k)) for k, t in enumerate(titles)]
    return [s for s in found if s.members]


def users(graph: Graph) -> list[list[int]]:
    """Return, for each node, the nodes that were computed from it."""
    found: list[list[int]] = [[] for _ in graph]
    for node in graph:
        for source in dict.fromkeys(node.inputs):
            found[source].append(node.id)
    return found


def _depths(graph: Graph) -> list[int]:
    """Return how many parameters' products lie on the longest way to each node."""
    depth = [0] * len(graph)
    parameter = [False] * len(graph)  # computed from Tensors of the user's alone, without a product
    for node in graph:
        if node.op is None:
            parameter[node.id] = not node.constant
            continue
        depth[node.id] = max((depth[i] for i in node.inputs), default=0)
        if node.op in MIXES and any(parameter[i] for i in node.inputs):
            depth[node.id] += 1
        else:
            parameter[node.id] = not depth[node.id] and all(
                parameter[i] or _number(graph[i]) for i in node.inputs
            )
    return depth


def _number(node: Node) -> bool:
    return node.constant and not node.shape


def _after_the_last(graph: Graph, depth: list[int], last: int) -> set[int]:
    """Return the nodes that belong to the cost: what is computed from the last layer's output."""
    deepest = [n for n in graph if n.op is not None and depth[n.id] == last]
    output = next((n.id for n in deepest if n.name and _OUTPUT.fullmatch(n.name)), None)
    if output is not None:
        inside = {output}
        for node in reversed(graph.nodes[: output + 1]):
            if node.id in inside:
                inside.update(node.inputs)
        return {n.id for n in deepest} - inside
    inside = set()
    for node in deepest:
        rest = [graph[i] for i in node.inputs if i not in inside]
        within = len(rest) < len(node.inputs)
        mixed = any(depth[i] < last for i in node.inputs) and node.op in MIXES
        own = all(not n.constant or _number(n) for n in rest) and not any(depth[n.id] == last for n in rest)
        biased = within and own and any(not n.constant for n in rest)
        if mixed or biased or (within and own and (node.op in ACTIVATIONS or _normalises(node, rest))):
            inside.add(node.id)
    return {n.id for n in deepest} - inside


def _normalises(node: Node, rest: Iterable[Node]) -> bool:
    """Whether a node may be part of a softmax: exp(Z) / sum(exp(Z), axis=0), 1 / (1 + exp(-Z))."""
    if node.op == "sum":
        return bool(node.options.get("keepdims"))
    return (
        node.op in {"divide", "add", "subtract", "multiply"} and node.shape != () and all(map(_number, rest))
    )
