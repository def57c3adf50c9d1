"""A large recording in few boxes: its layers, its repetitions, or, where it has neither, stretches of it."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tinygrad_course.drawing import labels
from tinygrad_course.drawing.layers import Section, grounds
from tinygrad_course.drawing.scene import Item, Scene, Wire, face, kind_of, red, tip
from tinygrad_course.graph.node import Graph, Node

#: The most boxes of an outline, and the longest block whose repetition is looked for.
MOST = 14
LONGEST = 48
#: The most variables and constants that are drawn beside the boxes.
BESIDE = 16


def blocks(graph: Graph) -> list[Section]:
    """Return the boxes that a recording is drawn as when it is too large to show each operation.

    There is one for each layer, and one for neighbours that do the same; the data stay outside.
    """
    data = {n.id for n in graph if n.constant and n.shape != () and n.name is not None}
    inner = [Section(s.title, tuple(m for m in s.members if m not in data)) for s in grounds(graph)]
    return [
        Section(title_of(r), tuple(m for s in r for m in s.members), lines_of(graph, r[0]), len(r))
        for r in runs(graph, [s for s in inner if s.members])
    ] or _of_repetitions(graph)


def of_blocks(graph: Graph, title: str = "") -> Scene:
    """Return the picture of a recording in few boxes."""
    found = blocks(graph)
    owner = {m: number for number, block in enumerate(found) for m in block.members}
    boxes = []
    for n, b in enumerate(found):
        told = f"{b.title}: {'; '.join(b.lines)}"
        own = [graph[m].gradient for m in b.members if graph[m].op is None and graph[m].gradient is not None]
        norm = np.sqrt(sum(float(np.sum(np.square(np.asarray(g)))) for g in own))  # of its parameters
        flow = f"‖∇‖ {labels.number(norm, 3)}" if own else ""
        boxes.append(Item(f"g{n}", "group", b.title, "\n".join(b.lines), flow, "", told))
    roots = [r for r in graph.roots if graph[r].op is not None]
    loose = [n for n in graph if n.id not in owner]
    shown = {n.id for n in loose[:BESIDE]} | set(roots)
    items: list[Item] = []
    place: dict[int, str] = {m: f"g{n}" for m, n in owner.items()}
    for node in graph:
        if node.id in shown:
            name, black = face(node)
            key = f"n{node.id}"
            items.append(Item(key, kind_of(node, set(roots)), name, black, red(node), "", tip(node)))
            if node.id not in owner:
                place[node.id] = key
    hidden = [n for n in loose if n.id not in shown]
    if hidden:
        more, leaves = f"{len(hidden)} more", f"{len(hidden)} leaves"
        items.append(Item("rest", "group", more, "variables and constants", tip=leaves))
        place.update((n.id, "rest") for n in hidden)
    wires = _wires(graph, place, roots)
    # Stretches hang together in many ways: what is shown is their order.
    if found and not found[0].title.startswith("Layer"):
        wires = _without_shortcuts(wires)
    return Scene((*items, *boxes), tuple(wires), title=title)


def _wires(graph: Graph, place: dict[int, str], roots: Sequence[int]) -> list[Wire]:
    found: dict[tuple[str, str], bool] = {}
    for node in graph:
        for source in node.inputs:
            ends = (place[source], place[node.id])
            if ends[0] != ends[1]:
                flows = node.gradient is not None and graph[source].gradient is not None
                found[ends] = found.get(ends, False) or flows
    for root in roots:
        if place[root] != f"n{root}":
            found[place[root], f"n{root}"] = graph[root].gradient is not None
    return [Wire(tail, head, flows) for (tail, head), flows in found.items()]


def _without_shortcuts(wires: list[Wire]) -> list[Wire]:
    """Return the arrows that no longer way stands for: what depends on what is as it was."""
    after: dict[str, set[str]] = {}
    heads: dict[str, list[str]] = {}
    for wire in wires:
        heads.setdefault(wire.tail, []).append(wire.head)

    def reached(key: str) -> set[str]:
        if key not in after:
            after[key] = set()
            for head in heads.get(key, ()):
                after[key] |= {head} | reached(head)
        return after[key]

    return [
        w for w in wires if not any(w.head in reached(other) for other in heads[w.tail] if other != w.head)
    ]


def runs(graph: Graph, sections: list[Section]) -> list[list[Section]]:
    """Join neighbouring layers that do the same, where there are more than a few."""
    found: list[list[Section]] = []
    for section in sections:
        alike = found and _operations(graph, found[-1][0]) == _operations(graph, section)
        if alike and section.title != "Cost" and len(sections) > 4:
            found[-1].append(section)
        else:
            found.append([section])
    return found


def title_of(run: list[Section]) -> str:
    """Return what a run of layers is called."""
    if len(run) == 1:
        return run[0].title
    return f"{run[0].title.replace('Layer', 'Layers')}–{run[-1].title.removeprefix('Layer ')}   ×{len(run)}"


def lines_of(graph: Graph, section: Section) -> tuple[str, ...]:
    """Return what stands in a layer's box: its parameters and its operations."""
    parameters = [graph[m] for m in section.members if graph[m].op is None and not graph[m].constant]
    told = [f"{labels.short(n.name, 12) if n.name else '·'} {n.shape}" for n in parameters[:4]]
    operations = [labels.SYMBOLS.get(op, op) for op in _operations(graph, section)]
    lines = ["  ".join(told)] if told else []
    return (*lines, " → ".join(operations[:6]) + (" → …" if len(operations) > 6 else ""))


def _operations(graph: Graph, section: Section) -> tuple[str, ...]:
    return tuple(str(graph[m].op) for m in section.members if graph[m].op is not None)


# ------------------------------------------------------------------ recordings without layers


def _of_repetitions(graph: Graph) -> list[Section]:
    """Return a box for each repeated block of operations and each stretch between them."""
    operations = [n for n in graph if n.op is not None]
    place = {n.id: number for number, n in enumerate(operations)}
    signs = [
        (n.op, tuple(place[n.id] - place[i] if i in place else -1 for i in n.inputs)) for n in operations
    ]
    found: list[tuple[int, int, int]] = []  # start, length of the block, count
    start = at = 0
    while at < len(signs):
        length, count = _repetition(signs, at)
        if length * count < max(8, len(signs) // 50):
            at += 1
            continue
        if at > start:
            found.append((start, at - start, 1))
        found.append((at, length, count))
        start = at = at + length * count
    if start < len(signs):
        found.append((start, len(signs) - start, 1))
    if len(found) > MOST:
        found = [(0, len(signs), 1)]
    if all(count == 1 for _, _, count in found) and len(signs) > MOST:
        size = -(-len(signs) // (MOST - 2))
        found = [(a, min(size, len(signs) - a), 1) for a in range(0, len(signs), size)]
    return [_stretch(graph, operations, *run) for run in found]


def _repetition(signs: list[tuple[str | None, tuple[int, ...]]], at: int) -> tuple[int, int]:
    """Return length and count of the block repeated most from here; the first may have other inputs."""
    best = (1, 1)
    for length in range(1, min(LONGEST, (len(signs) - at) // 3) + 1):
        second = at + length
        if signs[second] != signs[second + length] or any(
            signs[at + k][0] != signs[second + k][0] for k in range(length)
        ):
            continue
        end = second + length
        while end < len(signs) and signs[end] == signs[end - length]:
            end += 1
        count = (end - at) // length
        if count >= 3 and length * count > best[0] * best[1] * 1.01:
            best = (length, count)
            if length * count > 0.9 * (len(signs) - at):
                break
    return best


def _stretch(graph: Graph, operations: list[Node], start: int, length: int, count: int) -> Section:
    inside = operations[start : start + length * count]
    members = {n.id for n in inside}
    for node in inside:  # numbers and nameless arrays go where they are used
        members.update(i for i in node.inputs if graph[i].constant and graph[i].name is None)
    tally = Counter(str(n.op) for n in operations[start : start + length])
    told = ", ".join(f"{k} {s}" for s, k in tally.most_common(6)) + (", …" if len(tally) > 6 else "")
    title = f"operations {start + 1}–{start + length * count}" + (
        f": {count} × the same" if count > 1 else ""
    )
    return Section(title, tuple(sorted(members)), (told,), count)
