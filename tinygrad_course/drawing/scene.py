"""What a picture shows: boxes, circles and arrows, before any renderer is asked.

A variable is a box, an operation is a circle, and a result without a name is the numbers on the wire.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinygrad_course.drawing import labels
from tinygrad_course.drawing.layers import Section
from tinygrad_course.graph.node import Graph, Node
from tinygrad_course.graph.related import related

#: Options that the result's shape shows already.
_PLAIN_FROM_THE_SHAPE = frozenset({"keepdims", "shape", "newshape", "dtype"})


#: Operations whose operands may change places.
COMMUTE = frozenset({
    "add", "multiply", "maximum", "minimum", "fmax", "fmin", "hypot", "logaddexp", "logaddexp2", "vdot",
    "vecdot",
})  # fmt: skip
#: Operations of more operands take them as they come.
MOST_PLACES = 3
_RAISED = str.maketrans("−0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Item:
    """One thing that is drawn."""

    key: str  #: what arrows call it: ``n3`` for the variable, ``o3`` for the operation that made it
    #: ``variable`` (a leaf), ``data`` (a constant array), ``number`` (a constant number), ``result`` (named),
    #: ``cost`` (what the graph was drawn from), ``operation``, ``group`` (several in one), ``reference``
    #: (what stands in another lane), or ``error`` (an operation that failed)
    kind: str
    title: str  #: its name, or the operation's sign
    #: the value or shape, and the gradient. An operation whose result has a name leaves them to its box.
    black: str = ""
    red: str = ""
    note: str = ""  #: an operation's options
    tip: str = ""  #: all there is to say about it, for whoever points at it
    group: int | None = None  #: the place of its group in `Scene.groups`
    #: ``black`` or ``red``: what keeps its room without being seen, in a frame of a moving picture
    unseen: frozenset[str] = frozenset()
    lit: bool = False  #: whether it is this frame's operation
    ordered: bool = False  #: of an operation whether its operands have an order: a left one and a right one
    wrong: bool = False  #: whether there is a value in it that is infinite or no number


@dataclass(frozen=True)
class Wire:
    """An arrow; `gradient` tells whether one flows back along it, `faint` that it has not yet.

    `place` is the operand's place among the head's, -1 where their order does not matter.
    """

    tail: str
    head: str
    gradient: bool = False
    faint: bool = False
    place: int = -1


@dataclass(frozen=True)
class Scene:
    """A picture's content, in drawing order."""

    items: tuple[Item, ...]
    wires: tuple[Wire, ...]
    #: the titles of what gets a ground of its own; without a title none is drawn
    groups: tuple[str, ...] = ()
    title: str = ""
    rows: tuple[int, ...] = ()  #: the row of each group, from the top; empty: all in one
    back: int | None = None  #: the row that runs back from right to left


def of_operations(graph: Graph, sections: Sequence[Section] = (), title: str = "") -> Scene:
    """Return the picture that shows every operation, its `sections` each on a ground of its own."""
    member = {m: number for number, section in enumerate(sections) for m in section.members}
    roots = set(graph.roots)
    told = related(graph)
    exponents = {n.inputs[1] for n in graph if _power(graph, n)}
    items: list[Item] = []
    wires: list[Wire] = []
    place: dict[int, str] = {}  # where the arrows of a variable start
    for node in graph:
        if node.id in exponents:
            continue  # it is written on its operation
        group = member.get(node.id)
        kind = kind_of(node, roots)
        name, black = face(node)
        name = name or told.get(node.id, "")
        wrong = not_finite(node)
        boxed = node.op is None or bool(name) or kind == "cost"
        place[node.id] = f"n{node.id}" if boxed else f"o{node.id}"
        if node.op is not None:
            circle = f"o{node.id}"
            power = _power(graph, node)
            sign, note = power or labels.SYMBOLS.get(node.op, node.op), "" if power else options(node)
            if node.op == "getitem" and 0 < len(note) <= 8:
                sign, note = note, ""
            ordered = has_order(node)
            item = Item(circle, "operation", sign, note=note, tip=tip(node), group=group, ordered=ordered)
            if boxed:
                wires.append(Wire(circle, place[node.id], node.gradient is not None))
            else:
                one = labels.scalar(node.gradient) is not None  # a norm stands in boxes only
                item = replace(item, black=black, red=red(node) if one else "", wrong=bool(wrong))
            items.append(item)
            for position, source in enumerate(node.inputs[: 1 if power else None]):
                flows = graph[source].gradient is not None and node.gradient is not None
                turn = position if ordered and len(node.inputs) <= MOST_PLACES else -1
                wires.append(Wire(place[source], circle, flows and not graph[source].constant, place=turn))
        if boxed:
            items.append(
                Item(place[node.id], kind, name, black, red(node), wrong, tip(node), group, wrong=bool(wrong))
            )
    return Scene(tuple(items), tuple(wires), tuple(s.title for s in sections), title)


def _power(graph: Graph, node: Node) -> str:
    """Return the sign of a power whose exponent is a number that stands nowhere else: ( )³."""
    if node.op not in {"power", "float_power"} or len(node.inputs) < 2:
        return ""
    exponent = graph[node.inputs[1]]
    number = labels.scalar(exponent.value) if exponent.constant and exponent.shape == () else None
    if number is None or exponent.name is not None:
        return ""
    text = labels.number(number)
    return f"( ){text.translate(_RAISED)}" if set(text) <= set("−0123456789") else f"( )^{text}"


def not_finite(node: Node) -> str:
    """Return what in a node's value is no finite number: "1 NaN, 2 ∞", or nothing."""
    value = node.value
    if not isinstance(value, (np.ndarray, np.generic, float)) or np.asarray(value).dtype.kind != "f":
        return ""
    bad = {"NaN": int(np.sum(np.isnan(value))), "∞": int(np.sum(np.isinf(value)))}
    return ", ".join(f"{count} {what}" for what, count in bad.items() if count)


def has_order(node: Node) -> bool:
    """Whether an operation has a left operand and a right one."""
    return node.op not in COMMUTE and len(set(node.inputs)) > 1


def options(node: Node) -> str:
    """Return what an operation was given beside its operands, but for what the result's shape shows."""
    told = (labels.option(k, v) for k, v in node.options.items() if k not in _PLAIN_FROM_THE_SHAPE)
    return " ".join(t for t in told if t)


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
    if node.shape in ((), (1,), (1, 1)):
        turned = np.iscomplexobj(node.value)
        one = np.reshape(node.value, ())[()] if turned else labels.scalar(node.value)
        if one is not None:
            return name, labels.number(one)
    if node.constant and not isinstance(node.value, np.ndarray) and node.shape == ():
        return name, labels.short(repr(node.value), 16)
    return name, str(node.shape)


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
    told.append(f"shape {node.shape}" + (f", {node.dtype}" if node.dtype is not None else ""))
    for what, value in (("value", node.value), ("gradient", node.gradient)):
        one = labels.scalar(value)
        if one is not None:
            told.append(f"{what} {one!r}")
        elif isinstance(value, np.ndarray) and value.size and value.dtype.kind == "f":
            told.append(f"{what} between {np.min(value):.4g} and {np.max(value):.4g}")
    if node.line:
        told.append(labels.visible(node.line))
    return f"#{node.id}: " + "; ".join(t for t in told if t)
