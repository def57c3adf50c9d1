"""What a picture shows: boxes, circles and arrows, before any renderer is asked.

A variable is a box, an operation is a circle, and a result without a name is the numbers on the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tinygrad_course.drawing import labels
from tinygrad_course.graph.node import Graph, Node

#: Options that the result's shape shows already.
_PLAIN_FROM_THE_SHAPE = frozenset({"keepdims", "shape", "newshape", "dtype"})


@dataclass(frozen=True)
class Item:
    """One thing that is drawn.

    Attributes
    ----------
    key : str
        What arrows call it: ``n3`` for the variable, ``o3`` for the operation that made it.
    kind : str
        ``variable`` (a leaf), ``data`` (a constant array), ``number`` (a constant number), ``result``
        (named), ``cost`` (what the graph was drawn from), ``operation``, ``group`` (several in one),
        ``reference`` (what stands in another lane), or ``error`` (an operation that failed).
    title : str
        Its name, or the operation's sign.
    black, red : str
        The value or shape, and the gradient. An operation whose result has a name leaves them to its box.
    note : str
        An operation's options.
    tip : str
        All there is to say about it, for whoever points at it.
    group : int or None
        The place of its group in `Scene.groups`.
    unseen : set of str
        ``black`` or ``red``: what keeps its room without being seen, in a frame of a moving picture.
    lit : bool
        Whether it is this frame's operation.
    """

    key: str
    kind: str
    title: str
    black: str = ""
    red: str = ""
    note: str = ""
    tip: str = ""
    group: int | None = None
    unseen: frozenset[str] = frozenset()
    lit: bool = False


@dataclass(frozen=True)
class Wire:
    """An arrow; `gradient` tells whether one flows back along it, `faint` that it has not yet."""

    tail: str
    head: str
    gradient: bool = False
    faint: bool = False


@dataclass(frozen=True)
class Scene:
    """A picture's content, in drawing order.

    In `lanes` its groups lie below each other, and the second runs back from right to left.
    """

    items: tuple[Item, ...]
    wires: tuple[Wire, ...]
    groups: tuple[str, ...] = ()
    title: str = ""
    lanes: bool = False


def of_operations(
    graph: Graph,
    groups: tuple[str, ...] = (),
    member: Mapping[int, int] | None = None,
    title: str = "",
) -> Scene:
    """Return the picture that shows every operation.

    Parameters
    ----------
    graph : Graph
        The recording.
    groups : tuple of str
        The titles of groups that get a ground of their own.
    member : mapping of int to int
        The group of each node that is in one.
    title : str
        Stands above the picture.
    """
    member = member or {}
    roots = set(graph.roots)
    items: list[Item] = []
    wires: list[Wire] = []
    place: dict[int, str] = {}  # where the arrows of a variable start
    for node in graph:
        group = member.get(node.id)
        kind = kind_of(node, roots)
        name, black = face(node)
        boxed = node.op is None or bool(name) or kind == "cost"
        place[node.id] = f"n{node.id}" if boxed else f"o{node.id}"
        if node.op is not None:
            circle = f"o{node.id}"
            sign, note = _sign(node)
            if boxed:
                items.append(Item(circle, "operation", sign, note=note, tip=tip(node), group=group))
                wires.append(Wire(circle, place[node.id], node.gradient is not None))
            else:
                one = labels.scalar(node.gradient) is not None  # a norm stands in boxes only
                items.append(
                    Item(circle, "operation", sign, black, red(node) if one else "", note, tip(node), group)
                )
            for source in node.inputs:
                flows = graph[source].gradient is not None and node.gradient is not None
                wires.append(Wire(place[source], circle, flows and not graph[source].constant))
        if boxed:
            items.append(Item(place[node.id], kind, name, black, red(node), "", tip(node), group))
    return Scene(tuple(items), tuple(wires), groups, title)


def in_lanes(whole: Scene, call: Callable[[int], str]) -> Scene:
    """Return a picture whose groups are lanes: what one takes from another stands there by name.

    Parameters
    ----------
    whole : Scene
        The picture of every operation.
    call : callable
        Returns the name of a node, also of one without.
    """
    group = {item.key: item.group for item in whole.items}
    items = {item.key: item for item in whole.items}
    references: dict[str, Item] = {}
    wires = []
    for wire in whole.wires:
        lane = group[wire.head]
        if group[wire.tail] != lane:
            source, key = items[wire.tail], f"r{lane}{wire.tail}"
            name = source.title if source.kind != "operation" else call(int(wire.tail[1:]))
            references[key] = Item(key, "reference", name, tip=source.tip, group=lane)
            if source.kind == "operation" and not source.black.startswith(name):
                items[wire.tail] = replace(source, black=f"{name} {source.black}")
            wire = replace(wire, tail=key)
        wires.append(wire)
    return replace(whole, items=(*items.values(), *references.values()), wires=tuple(wires), lanes=True)


def _sign(node: Node) -> tuple[str, str]:
    """Return what stands on the circle, and beside it."""
    assert node.op is not None  # noqa: S101  (it is an operation)
    told = [labels.option(k, v) for k, v in node.options.items() if k not in _PLAIN_FROM_THE_SHAPE]
    told = [t for t in told if t]
    if node.op == "getitem" and told and len(told[0]) <= 8:
        return told[0], ""
    return labels.symbol(node.op), " ".join(told)


def kind_of(node: Node, roots: set[int]) -> str:
    """Return how a variable is drawn."""
    if node.error is not None:
        return "error"
    if node.id in roots and node.op is not None:
        return "cost"
    if node.constant:
        return "number" if node.name is None and labels.scalar(node.value) is not None else "data"
    if node.op is None:
        return "variable"
    return "result"


def face(node: Node) -> tuple[str, str]:
    """Return a variable's name, and its value if it is one number, else its shape."""
    name = labels.short(node.name) if node.name else ""
    if node.error is not None:
        return "does not fit", node.error.replace(" and ", "\n")
    if node.dtype is None and not node.constant:
        return name, "several"
    one = labels.scalar(node.value) if node.shape in ((), (1,), (1, 1)) else None
    if one is not None:
        return name, labels.number(one)
    if node.constant and not isinstance(node.value, np.ndarray) and node.shape == ():
        return name, labels.short(repr(node.value), 16)
    return name, labels.shape(node.shape)


def red(node: Node) -> str:
    """Return a gradient: the number, or the norm of a matrix."""
    if node.gradient is None:
        return ""
    one = labels.scalar(node.gradient)
    if one is not None:
        return labels.number(one)
    return f"‖∇‖ {labels.number(np.linalg.norm(np.asarray(node.gradient)), 3)}"


def tip(node: Node) -> str:
    """Return everything there is to say about a node."""
    told = [labels.visible(node.name) if node.name else ""]
    if node.op:
        told.append(f"{node.op} of {', '.join(f'#{i}' for i in node.inputs)}")
    told.append(f"shape {labels.shape(node.shape)}" + (f", {node.dtype}" if node.dtype is not None else ""))
    for what, value in (("value", node.value), ("gradient", node.gradient)):
        one = labels.scalar(value)
        if one is not None:
            told.append(f"{what} {one!r}")
        elif isinstance(value, np.ndarray) and value.size and value.dtype.kind == "f":
            told.append(f"{what} between {np.min(value):.4g} and {np.max(value):.4g}")
    if node.line:
        told.append(labels.visible(node.line))
    return f"#{node.id}: " + "; ".join(t for t in told if t)
