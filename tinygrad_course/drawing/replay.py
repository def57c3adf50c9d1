"""The two ways through a graph, one operation at a time: what flows forward, and what each rule sends back.

`backward` adds gradients up as it goes and forgets the parts. For a picture of the chain rule the parts are
wanted: each rule is applied again to the recorded values, by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_course.drawing import labels
from tinygrad_course.engine.recording import record
from tinygrad_course.engine.sweep import OUTPUT, as_of, sweep
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.graph.node import Graph, Node
from tinygrad_course.rules.table import RULES, Rule


@dataclass(frozen=True)
class Share:
    """What one operation sends back to one of its operands.

    Attributes
    ----------
    position : int
        Which of the operation's operands.
    node : int
        The operand.
    slope : float or None
        The operation's derivative, where both are single numbers.
    gradient : array
        What it sends.
    total : array
        The operand's gradient so far, this included.
    """

    position: int
    node: int
    slope: float | None
    gradient: Any
    total: Any


@dataclass(frozen=True)
class Replay:
    """The order of the operations forward, and what each sends back.

    Attributes
    ----------
    forward : tuple of int
        The operations in the order in which they were recorded.
    backward : dict of int to tuple of Share
        For each operation on the way back, in order; empty if there is no way back.
    gradients : dict of int to array
        What it comes to for each node.
    note : str
        Why there is no way back.
    """

    forward: tuple[int, ...]
    backward: dict[int, tuple[Share, ...]] = field(default_factory=dict)
    gradients: dict[int, Any] = field(default_factory=dict)
    note: str = ""


_NO_WAY = "There is no way back to show:"


class _Gone(Exception):  # noqa: N818  (a signal, not an error)
    """Values that the way back needs are not there any more."""


def replay(graph: Graph) -> Replay:
    """Go through a graph again, forward and backward."""
    operations = sorted((n for n in graph if n.op is not None and n.error is None), key=_birth)
    forward = tuple(n.id for n in operations)
    if len(graph.roots) != 1:
        return Replay(forward, note="Several results were drawn, so no gradient starts from a single cost.")
    root = graph[graph.roots[0]]
    if root.error is not None:
        return Replay(forward, note=f"{root.op} failed: {labels.visible(root.error)}.")
    if labels.scalar(root.value) is None:
        name = labels.visible(root.name or "the result")
        return Replay(forward, note=f"{_NO_WAY} {name} is no single number, so no cost.")
    try:
        return _backward(graph, operations, root, forward)
    except _Gone as gone:
        return Replay(forward, note=str(gone))


def _birth(node: Node) -> int:
    assert node.tensor is not None  # noqa: S101  (an operation's result is a Tensor)
    return -node.tensor._serial


def _backward(graph: Graph, operations: list[Node], root: Node, forward: tuple[int, ...]) -> Replay:
    totals: dict[int, Any] = {root.id: np.ones_like(root.value)[()]}
    steps: dict[int, tuple[Share, ...]] = {}
    for node in reversed(operations):
        if node.id not in totals:
            continue
        shares = []
        for position, slope, gradient in _sent(graph, node, totals[node.id]):
            source = node.inputs[position]
            before = totals.get(source)
            if isinstance(gradient, tuple):  # one of several results: the places of the others are empty
                total = (
                    gradient
                    if before is None
                    else tuple(_plus(a, b) for a, b in zip(before, gradient, strict=True))
                )
            else:
                total = gradient if before is None else before + gradient
            totals[source] = total
            shares.append(Share(position, source, slope, gradient, total))
        steps[node.id] = tuple(shares)
    for node in graph:
        held = node.gradient if node.op is None else None
        if held is not None and not np.allclose(held, totals.get(node.id, held), rtol=1e-6, equal_nan=True):
            raise _Gone(
                f"{_NO_WAY} the gradient that {labels.visible(node.name or 'a leaf')} holds is not this "
                "graph's. It is the sum of several backward passes, or the variable was given new data. Draw "
                "the graph after one pass, before the parameters are updated."
            )
    single = {i: g for i, g in totals.items() if not isinstance(g, tuple)}
    return Replay(forward, steps, single)


def _plus(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


def _same(a: Any, b: Any) -> bool:
    """Tell whether two values are the same but for the last bits: x**2 and np.power(x, 2) may round apart."""
    if np.shape(a) != np.shape(b):
        return False
    few_bits = 8 * float(np.finfo(np.asarray(b).dtype).eps)
    return bool(np.allclose(a, b, rtol=few_bits, atol=0, equal_nan=True))


def _sent(graph: Graph, node: Node, total: Any) -> list[tuple[int, float | None, Any]]:
    """Return, for each operand with a gradient, its position, the slope, and the gradient that it is sent."""
    tensor = node.tensor
    assert tensor is not None  # noqa: S101
    assert tensor._op is not None  # noqa: S101
    if tensor._op.function is OUTPUT.function:
        index = as_of(tensor)[1]
        several = graph[node.inputs[0]].tensor
        assert several is not None  # noqa: S101
        return [(0, None, tuple(total if i == index else None for i in range(len(several._data))))]
    rule = RULES.get(tensor._op.function)
    if rule is None:
        raise _Gone(f"The rule of {node.op} is not in the table any more.")
    args, leaves = _again(graph, node, rule)
    y = record(Tensor, rule, args, dict(getattr(tensor, "_kwargs", None) or {}) or None)
    if type(y) is not Tensor:
        outputs = [(part, g) for part, g in zip(y, total, strict=True) if g is not None]
        y = _joined(outputs)
        total = np.float64(1.0)
    elif node.value is None or not _same(y._data, node.value):
        raise _Gone(
            f"{_NO_WAY} {labels.visible(node.name or str(node.op))} comes out differently, because a "
            "variable was given new data. Draw the graph before the parameters are updated."
        )
    found = {id(leaf): g for leaf, g in sweep(y, total, keep=True)}
    slopes: dict[int, Any] = {}
    if labels.scalar(node.value) is not None:
        slopes = {id(leaf): g for leaf, g in sweep(y, np.ones_like(total)[()], keep=True)}
    return [
        (position, labels.scalar(slopes.get(id(leaf))), found[id(leaf)])
        for position, leaf in leaves
        if id(leaf) in found
    ]


def _joined(outputs: list[tuple[Tensor, Any]]) -> Tensor:
    """Return a number whose gradient with respect to each output is the given one."""
    whole: Any = 0
    for part, g in outputs:
        whole = whole + np.sum(part * g)
    assert type(whole) is Tensor  # noqa: S101
    return whole


def _again(graph: Graph, node: Node, rule: Rule) -> tuple[tuple[Any, ...], list[tuple[int, Tensor]]]:
    """Return the arguments of an operation with fresh leaves for its Tensors, and the leaves' positions."""
    tensor = node.tensor
    assert tensor is not None  # noqa: S101
    arguments = as_of(tensor)
    recorded = tensor._values
    leaves: list[tuple[int, Tensor]] = []
    position = 0

    def fresh(arg: Any, value: Any) -> Any:
        nonlocal position
        if type(arg) is Tensor:
            source = graph[node.inputs[position]]
            data = source.value if value is None else value
            if data is None:
                raise _Gone(
                    f"{_NO_WAY} large values were released by backward(). Draw the graph after "
                    "backward(retain_graph=True)."
                )
            leaf = Tensor._leaf(data)
            leaves.append((position, leaf))
            position += 1
            return leaf
        if _is_operand(arg, rule):
            position += 1
        return arg

    if rule.sequence:
        members = arguments[0]
        values = recorded[0] if recorded is not None else [None] * len(members)
        position = 0
        joined = []
        for member, value in zip(members, values, strict=True):
            if type(member) is Tensor:
                joined.append(fresh(member, value))
            else:
                joined.append(member)
                position += 1
        return (tuple(joined), *arguments[1:]), leaves
    values = recorded if recorded is not None else [None] * len(arguments)
    return tuple(fresh(a, v) for a, v in zip(arguments, values, strict=False)), leaves


def _is_operand(arg: Any, rule: Rule) -> bool:
    """Whether a constant argument is among a node's inputs (see `graph.operands_of`)."""
    return rule.elementwise or isinstance(arg, np.ndarray)
