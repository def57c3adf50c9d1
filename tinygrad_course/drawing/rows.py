"""A long picture in rows, as text is: what one row takes from another stands there by name."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter

from tinygrad_course.drawing.scene import Item, Scene

#: The shape that a picture is given where it can be: a slide's, and well in a notebook's column.
WIDE = 16 / 9
#: Rough sizes in points: a letter, a box's margins with the room to the next, and a line of text.
_LETTER, _BESIDE, _LINE = 6.5, 48.0, 17.0
#: The fewest operations from left to right that are worth a row; of the boxes of an outline it is two.
_LEAST = 5


def in_rows(whole: Scene, call: Callable[[int], str]) -> Scene:
    """Return a picture in as many rows as make it about as wide as a slide: by its groups, or by depth."""
    if not whole.groups:
        whole = _sliced(whole)
    widths, heights = _sizes(whole)
    rows = min(
        (_parted(widths, k) for k in range(1, len(widths) + 1)),
        key=lambda rows: abs(math.log(_shape(rows, widths, heights) / WIDE)),
        default=(),
    )
    if max(rows, default=0) > 0:
        return split(whole, rows, call)
    if any(whole.groups):
        return whole
    return replace(whole, groups=(), items=tuple(replace(i, group=None) for i in whole.items))


def split(whole: Scene, rows: Sequence[int], call: Callable[[int], str]) -> Scene:
    """Return a picture of every operation with each group in its row; `call` names any node."""
    group = {item.key: item.group or 0 for item in whole.items}
    items = {item.key: item for item in whole.items}
    references: dict[str, Item] = {}
    wires = []
    for wire in whole.wires:
        here, row = group[wire.head], rows[group[wire.head]]
        if rows[group[wire.tail]] != row:
            source, key = items[wire.tail], f"r{row}{wire.tail}"
            own = source.kind != "operation" and source.title
            name = own or call(int(wire.tail[1:]))
            references.setdefault(key, Item(key, "reference", name, tip=source.tip, group=here))
            if not own and source.kind != "number" and not source.black.startswith(name):
                items[wire.tail] = replace(source, black=f"{name} {source.black}")
            wire = replace(wire, tail=key)
        wires.append(wire)
    return replace(whole, items=(*items.values(), *references.values()), wires=tuple(wires), rows=tuple(rows))


def _depths(whole: Scene) -> dict[str, int]:
    """Return each item's place from left to right; what nothing leads to stands next to where it is used."""
    ahead: dict[str, list[str]] = {item.key: [] for item in whole.items}
    behind: dict[str, list[str]] = {item.key: [] for item in whole.items}
    for wire in whole.wires:
        ahead[wire.tail].append(wire.head)
        behind[wire.head].append(wire.tail)
    depth: dict[str, int] = {}
    for key in TopologicalSorter(behind).static_order():
        depth[key] = 1 + max((depth[k] for k in behind[key]), default=-1)
    for key in (k for k in depth if not behind[k]):
        depth[key] = max(0, min((depth[h] for h in ahead[key]), default=1) - 1)
    return depth


def _sliced(whole: Scene) -> Scene:
    """Return a picture in groups without titles: slices of it from left to right."""
    depth = _depths(whole)
    least = 2 if any(i.kind == "group" for i in whole.items) else _LEAST
    number = max(1, (max(depth.values(), default=0) + 1) // least)
    size = (max(depth.values(), default=0) + 1) / number
    group = {key: min(int(d / size), number - 1) for key, d in depth.items()}
    users: dict[str, list[int]] = {}
    for wire in whole.wires:
        users.setdefault(wire.tail, []).append(group[wire.head])
    for key in depth.keys() - {wire.head for wire in whole.wires}:  # a leaf stands where it is first used
        group[key] = min(users.get(key, [group[key]]))
    for wire in whole.wires:
        if wire.tail[1:] == wire.head[1:]:  # an operation and the box of its result
            group[wire.head] = group[wire.tail]
    items = tuple(replace(i, group=group[i.key]) for i in whole.items)
    return replace(whole, items=items, groups=("",) * number)


def _sizes(whole: Scene) -> tuple[list[float], list[float]]:
    """Return about how wide and how high each group will be."""
    depth = _depths(whole)
    columns: list[dict[int, list[Item]]] = [{} for _ in whole.groups]
    for item in whole.items:
        columns[item.group or 0].setdefault(depth[item.key], []).append(item)

    def wide(item: Item) -> float:
        if item.kind == "group":
            return _LETTER * max(map(len, (item.title, *item.black.split("\n"), item.red))) + _BESIDE
        below = (f"{item.title}{' = ' if item.black[-1:] != ')' else ''}{item.black}", item.red, item.note)
        shown = below if item.kind != "operation" else (item.title, item.black, item.red)
        return _LETTER * max(map(len, shown)) + _BESIDE

    def high(item: Item) -> float:
        return 14 + _LINE * (1 + bool(item.red) + (item.black[-1:] == ")" or item.kind == "operation"))

    widths = [sum(max(map(wide, c)) for c in group.values()) for group in columns]
    return widths, [max((sum(map(high, c)) for c in group.values()), default=0.0) + 60 for group in columns]


def _parted(widths: Sequence[float], number: int) -> tuple[int, ...]:
    """Return the row of each group, of so many rows about equally wide."""
    rows: list[int] = []
    row, filled, left = 0, 0.0, sum(widths)
    for i, width in enumerate(widths):
        share = (left + filled) / (number - row)
        full = filled + width / 2 > share or len(widths) - i <= number - row - 1
        if rows and full and row < number - 1:
            row, filled = row + 1, 0.0
        rows.append(row)
        filled += width
        left -= width
    return tuple(rows)


def _shape(rows: Sequence[int], widths: Sequence[float], heights: Sequence[float]) -> float:
    number = range(max(rows) + 1)
    wide = max(sum(w for w, r in zip(widths, rows, strict=True) if r == k) for k in number)
    return wide / sum(max(h for h, r in zip(heights, rows, strict=True) if r == k) for k in number)
