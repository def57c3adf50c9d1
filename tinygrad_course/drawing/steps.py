"""What the page says at each step: the operation's formula, its numbers, the local rule, the chain so far."""

import re
from collections.abc import Iterator
from itertools import count, filterfalse, islice, takewhile
from typing import Any

import numpy as np

from tinygrad_course.drawing import heat, labels
from tinygrad_course.drawing import mathematics as maths
from tinygrad_course.drawing.mathematics import Math, between, operator, row, within
from tinygrad_course.drawing.traversal import Way
from tinygrad_course.graph import formulas
from tinygrad_course.graph.node import Graph, Node
from tinygrad_course.graph.related import related
from tinygrad_course.graph.replay import Share

#: The most factors of a chain that are written out.
FACTORS = 7
_DIGITS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Names:
    """What the nodes are called: as the user named them, 1 − Y by Y, and v₁, v₂, ... the others."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._told = related(graph)
        taken = {n.name for n in graph if n.name}
        fresh = {p: filterfalse(taken.__contains__, map(f"{p}{{}}".format, count(1))) for p in "vcp"}
        self._names: list[str] = []
        for node in graph:
            number = node.constant and labels.scalar(node.value) is not None and not node.shape
            prefix = "v" if node.op is not None else "c" if node.constant else "p"
            told = node.name or self._told.get(node.id)
            self._names.append(told or ("" if number else next(fresh[prefix])))

    def plain(self, number: int) -> str:
        """Return a name as text, or the number that a nameless constant is."""
        name = self._names[number]
        node = self.graph[number]
        if not name:
            return labels.number(node.value, 5)
        own = node.name or number in self._told
        return labels.visible(name) if own else name[0] + name[1:].translate(_DIGITS)

    def math(self, number: int) -> Math:
        """Return a name for formulas."""
        name = self._names[number]
        if number in self._told:
            return maths.within(["mi", "", name])
        return maths.identifier(name) if name else maths.number(self.graph[number].value)


def steps(graph: Graph, way: Way, names: Names) -> list[dict[str, Any]]:
    """Return the steps in order: forward, the cost's own gradient, backward."""
    told = _Steps(graph, way, names)
    found = [told.forward(graph[i]) for i in way.forward]
    if not way.backward and not way.gradients:
        return found
    root = graph.roots[0]
    J = names.math(root)
    found.append({
        "way": "seed", "node": root,
        "math": [row(maths.derivative(J, J), operator("="), ["mn", "", "1"])],
        "text": f"The way back begins with d{names.plain(root)}/d{names.plain(root)} = 1.",
        "sends": [{"node": root, "from": root, "total": 1.0}],
    })  # fmt: skip
    for number, shares in way.backward.items():
        node = graph[number]
        found.append({
            "way": "backward", "node": number, "math": [], "text": f"Back through {node.op}.",
            "sends": [told.send(node, share) for share in shares],
        })  # fmt: skip
    return found


class _Steps:
    """What is said of each operation, forward and back."""

    def __init__(self, graph: Graph, way: Way, names: Names) -> None:
        self.graph, self.way, self.names = graph, way, names
        self.sent: dict[int, list[tuple[int, Share]]] = {}  # to each node: by which operations, and what
        for number, shares in way.backward.items():
            for share in shares:
                self.sent.setdefault(share.node, []).append((number, share))

    def letters(self, node: Node) -> dict[str, Math]:
        """Return what the letters of an operation's formula stand for."""
        operands = dict(zip(formulas.OPERANDS, map(self.names.math, node.inputs), strict=False))
        return {**operands, "y": self.names.math(node.id)}

    def values(self, node: Node) -> list[Any]:
        return [self.way.values.get(i, self.graph[i].value) for i in node.inputs]

    def forward(self, node: Node) -> dict[str, Any]:
        graph, names = self.graph, self.names
        operands = self.values(node)
        values = [labels.scalar(v) for v in operands]
        scalar = None not in values
        tree = None if any(v is None for v in operands) else formulas.result(node.applied, operands)
        result = (
            maths.applied(str(node.op), [names.math(i) for i in node.inputs])
            if tree is None
            else maths.formula(tree, self.letters(node), scalar=scalar)
        )
        lines = [row(names.math(node.id), operator("="), result)]
        value = labels.scalar(node.value)
        if value is not None and tree is not None and node.applied.rule.elementwise and scalar:
            factors = (maths.factor(v) for v in values if v is not None)
            numbers = dict(zip(formulas.OPERANDS, factors, strict=False))
            put_in = maths.formula(tree, numbers, scalar=True)
            lines.append(row(operator("="), put_in, operator("="), maths.number(value)))
        elif value is not None:
            lines.append(row(operator("="), maths.number(value)))
        told = f"{names.plain(node.id)} = {node.op} of {', '.join(names.plain(i) for i in node.inputs)}"
        told += f" = {labels.number(value, 5)}" if value is not None else f", of shape {node.shape}"
        given = ", ".join(str(graph[i].shape) for i in node.inputs)
        shapes = f"{given} → {node.shape}" if value is None else ""
        return {"way": "forward", "node": node.id, "math": lines, "text": told, "shapes": shapes}

    def send(self, node: Node, share: Share) -> dict[str, Any]:
        graph, names = self.graph, self.names
        J, y, x = names.math(graph.roots[0]), names.math(node.id), names.math(share.node)
        left, g = maths.derivative(J, x), maths.derivative(J, y)
        scalar = share.slope is not None
        by_element = node.applied.rule.elementwise
        summed = by_element and graph[share.node].shape != node.shape  # it was broadcast
        total = [operator("Σ")] if summed else []
        of_g: Any = self.way.gradients.get(node.id)
        slope_alone = by_element and not np.iscomplexobj(of_g)  # a real operand is sent a product's real part
        local = self.formula(node, share, None, {}, scalar=scalar) if slope_alone else None
        lines: list[Math] = []
        if scalar:
            lines.append(row(left, operator("="), g, operator("·"), maths.partial(y, x)))
            slope = share.slope or 0.0
            if local is not None:
                numbers = (
                    [operator("="), maths.number(slope)] if re.search("[^−0-9.]", maths.text(local)) else []
                )
                lines.append(row(maths.partial(y, x), operator("="), local, *numbers))
            sent = row(maths.factor(_one(self.way.gradients[node.id])), operator("·"), maths.factor(slope))
            lines.append(row(left, operator("="), sent, operator("="), maths.number(_one(share.gradient))))
        elif local is not None:
            told = maths.text(local)
            bare = local[0] != "mrow" or told.startswith("[") or not any(sign in told for sign in " +−")
            bare = bare or local[2] == operator("(")
            right = g if told == "1" else row(g, operator("⊙"), local if bare else within(local))
            lines.append(row(left, operator("="), *total, right))
        else:
            formula = self.formula(node, share, of_g, {"g": g}, scalar=node.shape == ())
            if formula is None:  # the general rule, whatever the operation
                formula = row(["msup", "", within(maths.partial(y, x)), ["mi", "", "T"]], g)
            lines.append(row(left, operator("="), *total, formula))
        found: dict[str, Any] = {
            "node": share.node, "from": node.id, "math": lines, "times": len(self.sent.get(share.node, ())),
            "chain": self.product(node.id, share),
            "trail": self.trail(node.id, share.node),
            "text": f"d{names.plain(graph.roots[0])}/d{names.plain(share.node)}",
        }  # fmt: skip
        if not scalar:
            found["shapes"] = f"{node.shape} → {graph[share.node].shape}"
            if summed:
                found["summed"] = (
                    f"{names.plain(share.node)} was broadcast, so its gradient is summed over the copies."
                )
        for key, value in (("sent", share.gradient), ("total", share.total)):
            if not isinstance(value, tuple):
                one = labels.scalar(value)
                size = np.linalg.norm(value) if one is None else one
                found[f"{key}_norm" if one is None else key] = heat.finite_or_text(size)
        return found

    def formula(
        self, node: Node, share: Share, g: Any, letters: dict[str, Math], *, scalar: bool
    ) -> Math | None:
        """Return what is sent to an operand, of a gradient g, as a formula; the slope where that is None."""
        y, operands = self.way.values.get(node.id), self.values(node)
        tree = formulas.backward(node.applied, share.position, g, y, operands)
        return None if tree is None else maths.formula(tree, {**self.letters(node), **letters}, scalar=scalar)

    # -------------------------------------------------------------- the chain so far

    def _back(self, at: int) -> Iterator[tuple[int, Share]]:
        """Yield the operations before a node, and what they send, as long as there is one way only."""
        while len(self.sent.get(at, ())) == 1:
            yield self.sent[at][0]
            at = self.sent[at][0][0]

    def product(self, start: int, share: Share) -> list[Math]:
        """Return the product of the chain rule so far, in names and in numbers; nothing for matrices."""
        if share.slope is None:
            return []
        root, before = self.graph.roots[0], islice(self._back(start), FACTORS - 1)
        links = [(start, share), *takewhile(lambda link: link[1].slope is not None, before)][::-1]
        begin, J = links[0][0], self.names.math(root)
        factors: list[Math] = []
        numbers: list[Math] = []
        if begin != root:
            factors.append(maths.derivative(J, self.names.math(begin)))
            numbers.append(maths.factor(_one(self.way.gradients[begin])))
        for number, link in links:
            factors.append(maths.partial(self.names.math(number), self.names.math(link.node)))
            numbers.append(maths.factor(link.slope or 0.0))
        if len(factors) < 3:  # that is the local rule itself
            return []
        left = maths.derivative(J, self.names.math(share.node))
        return [
            row(left, operator("="), *between(factors, "·")),
            row(operator("="), *between(numbers, "·"), operator("="), maths.number(_one(share.gradient))),
        ]

    def trail(self, start: int, end: int) -> list[int]:
        """Return the nodes on the way from the cost, or a fork, to `end`."""
        return [end, start, *(number for number, _ in islice(self._back(start), 38))][::-1]


def _one(value: Any) -> float:
    one = labels.scalar(value)
    assert one is not None  # noqa: S101
    return one
