"""The table of dimensions: W^[l] is (n_l, n_{l-1}), b^[l] is (n_l, 1), Z^[l] and A^[l] are (n_l, m)."""

import html
from dataclasses import dataclass

from tinygrad_course.drawing import labels
from tinygrad_course.drawing.layers import MIXES, layers
from tinygrad_course.graph.node import Graph, Node


@dataclass(frozen=True)
class Dimensions:
    """The shapes of a network's variables, printed as the course's table.

    Attributes
    ----------
    sizes : dict of str to int
        What the letters stand for: ``{"n_x": 2, "n_1": 4, "n_2": 1, "m": 400}``.
    rows : tuple of (str, tuple of int, str)
        For each variable its name, its shape, and the shape in the course's letters (empty where it has
        none).
    """

    sizes: dict[str, int]
    rows: tuple[tuple[str, tuple[int, ...], str], ...]

    def __str__(self) -> str:
        lines = [", ".join(f"{name} = {size}" for name, size in self.sizes.items())] if self.sizes else []
        names = max((len(name) for name, _, _ in self.rows), default=0)
        shapes = max((len(str(shape)) for _, shape, _ in self.rows), default=0)
        lines += [f"{n:<{names}}  {s!s:<{shapes}}  {t}".rstrip() for n, s, t in self.rows]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        body = "".join(
            f"<tr><td>{html.escape(n)}</td><td>{s}</td><td>{html.escape(t)}</td></tr>"
            for n, s, t in self.rows
        )
        sizes = ", ".join(f"{name} = {size}" for name, size in self.sizes.items())
        head = "<tr><th>variable</th><th>shape</th><th>in the course</th></tr>"
        return f"<table><caption>{sizes}</caption><thead>{head}</thead><tbody>{body}</tbody></table>"


def dimensions(graph: Graph) -> Dimensions:
    """Return the shapes of a graph's named variables, in the course's letters where it has layers."""
    found = layers(graph)
    sizes: dict[str, int] = {}
    letters: dict[int, str] = {}
    before = "n_x"
    for number, section in enumerate((s for s in found if s.title != "Cost"), start=1):
        mix = next((graph[m] for m in section.members if graph[m].op in MIXES), None)
        here = f"n_{number}"
        if mix is None or len(mix.shape) != 2:
            before = here
            continue
        sizes[here] = mix.shape[0]
        sizes.setdefault("m", mix.shape[1])
        for operand in (graph[i] for i in mix.inputs):
            if number == 1 and operand.constant and len(operand.shape) == 2:
                sizes = {"n_x": operand.shape[0], **sizes}
                letters[operand.id] = "(n_x, m)"
        for member in (graph[m] for m in section.members):
            told = _letters(member, sizes, here, before)
            if told and member.id not in letters:
                letters[member.id] = told
        before = here
    for node in graph:  # the labels
        if node.constant and node.name and node.shape == (sizes.get(before), sizes.get("m")):
            letters.setdefault(node.id, f"({before}, m)")
    order = sorted(sizes, key=lambda name: (name == "m", name != "n_x"))
    place = {m: number for number, section in enumerate(found) for m in section.members}
    # layer by layer: the data, the parameters, what is computed from them
    turn = {n.id: 2 if n.op is not None else 0 if n.constant else 1 for n in graph}
    named = sorted((n for n in graph if n.name), key=lambda n: (place.get(n.id, 0), turn[n.id], n.id))
    rows = tuple((labels.visible(n.name or ""), n.shape, letters.get(n.id, "")) for n in named)
    return Dimensions({name: sizes[name] for name in order}, rows)


def _letters(node: Node, sizes: dict[str, int], here: str, before: str) -> str:
    """Return a shape in letters: of a parameter in this layer, or of what this layer computes."""
    if len(node.shape) != 2 or node.constant:
        return ""
    n, m, previous = sizes[here], sizes["m"], sizes.get(before)
    if node.op is not None:
        return f"({here}, m)" if node.shape == (n, m) else ""
    if node.shape == (n, previous):
        return f"({here}, {before})"
    if node.shape == (n, 1):
        return f"({here}, 1)"
    return f"({before}, {here})" if node.shape == (previous, n) else ""
