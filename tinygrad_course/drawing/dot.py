"""A picture as DOT, Graphviz's language: the same text for the same recording, on every run."""

from __future__ import annotations

import html
from collections.abc import Iterator

from tinygrad_course.drawing.labels import visible
from tinygrad_course.drawing.scene import Item, Scene, Wire
from tinygrad_course.drawing.themes import LIGHT, Theme

FONT = "Helvetica,Arial,DejaVu Sans,sans-serif"
#: Signs up to this length stand in a circle; longer names get an oval.
ROUND = 4


def dot(scene: Scene, theme: Theme = LIGHT) -> str:
    """Return a picture as DOT text."""
    return "\n".join(_lines(scene, theme)) + "\n"


def quoted(text: str) -> str:
    r"""Return text as a DOT string.

    Graphviz replaces ``\N`` by a node's name, once in some attributes and twice in others: a look-alike
    stands for the backslash.

    >>> print(quoted('a "b" \\N &amp;'))
    "a \"b\" ∖N &amp;amp;"
    """
    escaped = visible(text).replace("\\", "∖").replace('"', '\\"').replace("&", "&amp;")
    return f'"{escaped}"'


def marked(text: str) -> str:
    """Return text for an HTML-like label of Graphviz.

    >>> marked("<b> & N")
    '&lt;b&gt; &amp; N'
    """
    return html.escape(visible(text)).replace("\\", "\\\\")  # see `quoted`


def _lines(scene: Scene, t: Theme) -> Iterator[str]:
    yield "digraph recording {"
    yield (
        f'  graph [rankdir=LR, bgcolor="{t.background}", pad=0.25, nodesep=0.22, ranksep=0.34, splines=true, '
        f'outputorder=edgesfirst, fontname="{FONT}", fontsize={t.size:g}, fontcolor="{t.muted}"'
        + (f", label={quoted(scene.title)}, labelloc=t" if scene.title else "")
        + "];"
    )
    yield (
        f'  node [fontname="{FONT}", fontsize={t.size:g}, fontcolor="{t.ink}", color="{t.line}", '
        f'penwidth={t.weight:g}, margin="0.11,0.06", height=0.3, width=0.3];'
    )
    yield (
        f'  edge [color="{t.line}", penwidth={t.weight:g}, arrowsize=0.65, fontname="{FONT}", '
        f'fontsize={t.size * 0.85:g}, fontcolor="{t.muted}"];'
    )
    for number, title in enumerate(scene.groups):
        yield f"  subgraph cluster_{number} {{"
        yield (
            f'    graph [label={quoted(title)}, labeljust=l, style="rounded,filled", color="{t.group_line}", '
            f'fillcolor="{t.group}", fontsize={t.size * 0.9:g}, margin=12];'
        )
        for item in scene.items:
            if item.group == number:
                yield f"    {_item(item, t)}"
        yield "  }"
    for item in scene.items:
        if item.group is None:
            yield f"  {_item(item, t)}"
    for wire in scene.wires:
        yield f"  {_wire(wire, t)}"
    for tail, head in _one_after_the_other(scene):
        yield f"  {tail} -> {head} [style=invis];"
    yield "}"


def _one_after_the_other(scene: Scene) -> Iterator[tuple[str, str]]:
    """Yield unseen arrows from each group's ends to the next one's beginnings, which put them in a row."""
    group = {item.key: item.group for item in scene.items}
    inside = [w for w in scene.wires if group[w.tail] == group[w.head]]
    tails, heads = {w.tail for w in inside}, {w.head for w in inside}
    for number in range(len(scene.groups) - 1):
        ends = [k for k, g in group.items() if g == number and k not in tails]
        starts = [k for k, g in group.items() if g == number + 1 and k not in heads]
        yield from ((end, start) for end in ends for start in starts)


def _item(item: Item, t: Theme) -> str:
    tip = f"tooltip={quoted(item.tip or item.title)}"
    if item.kind == "operation":
        return f"{item.key} [{_operation(item, t)}, {tip}];"
    looks = {
        "variable": f'shape=box, style="rounded,filled", fillcolor="{t.variable}", color="{t.variable_line}"',
        "data": f'shape=box, style=filled, fillcolor="{t.data}", color="{t.data_line}"',
        "number": "shape=plain, margin=0.04",
        "result": f'shape=box, style="rounded,filled", fillcolor="{t.result}", color="{t.result_line}"',
        "cost": f'shape=box, style="rounded,filled", fillcolor="{t.cost}", color="{t.cost_line}", '
        f"penwidth={t.weight * 1.6:g}",
        "group": f'shape=box, style="rounded,filled", fillcolor="{t.group}", color="{t.result_line}"',
    }
    return f"{item.key} [{looks[item.kind]}, label=<{_label(item, t)}>, {tip}];"


def _operation(item: Item, t: Theme) -> str:
    """Return a circle with the sign in it, the value above it and the gradient below.

    With ``fixedsize=shape`` the label may be larger than the circle: wires end at the circle, and Graphviz
    keeps room for the label. The numbers' ground hides a wire that would cross them.
    """
    scale = t.size / 13
    high = scale * (26 if len(item.title) <= 2 else 35)
    wide = high if len(item.title) <= ROUND else t.size * (1.4 + 0.62 * len(item.title))
    shape = "circle" if len(item.title) <= ROUND else "ellipse"
    if wide > high:
        high, wide = scale * 30, wide * 1.12
    ground = t.background if item.group is None else t.group
    line = t.size * 1.2
    above, below = [(item.black, t.muted if item.black.startswith("(") else t.ink)], [(item.red, t.gradient)]
    if item.note:
        below = [pair for pair in below if pair[0]] + [(item.note, t.muted)]
        above = [("", t.ink)] * (len(below) - 1) + above
    rows = [_row(text, colour, ground, line, t) for text, colour in above]
    sign = f'<FONT POINT-SIZE="{t.size * 1.1:g}">{marked(item.title)}</FONT>'
    rows.append(f'<TR><TD FIXEDSIZE="TRUE" WIDTH="{wide:.0f}" HEIGHT="{high:.0f}">{sign}</TD></TR>')
    rows += [_row(text, colour, ground, line, t) for text, colour in below]
    if not (item.black or item.red or item.note):
        rows = rows[1:2]
    table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{"".join(rows)}</TABLE>'
    return (
        f"shape={shape}, fixedsize=shape, width={wide / 72:.3g}, height={high / 72:.3g}, style=filled, "
        f'fillcolor="{t.operation}", color="{t.operation_line}", label=<{table}>'
    )


def _row(text: str, colour: str, ground: str, line: float, t: Theme) -> str:
    """Return a line of text on its own ground, or an empty one of its height."""
    if not text:
        return f'<TR><TD HEIGHT="{line:.0f}"></TD></TR>'
    size = t.size * (0.85 if colour == t.muted else 1)
    font = f'<FONT POINT-SIZE="{size:g}" COLOR="{colour}">{marked(text)}</FONT>'
    inner = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" BGCOLOR="{ground}">'
    return f'<TR><TD HEIGHT="{line:.0f}">{inner}<TR><TD>{font}</TD></TR></TABLE></TD></TR>'


def _label(item: Item, t: Theme) -> str:
    rows = []
    small = f'POINT-SIZE="{t.size * 0.85:g}"'
    if item.kind == "group":
        told = [f'<FONT {small} COLOR="{t.muted}">{marked(line)}</FONT>' for line in item.black.splitlines()]
        rows = [f"<B>{marked(item.title)}</B>", *told]
    elif item.title and item.black:
        if item.black.startswith("("):
            rows = [
                f"<B>{marked(item.title)}</B>",
                f'<FONT {small} COLOR="{t.muted}">{marked(item.black)}</FONT>',
            ]
        else:
            rows = [f"<B>{marked(item.title)}</B> = {marked(item.black)}"]
    elif item.title:
        rows = [f"<B>{marked(item.title)}</B>"]
    elif item.black:
        grey = item.black.startswith("(")
        rows = [
            f'<FONT {small} COLOR="{t.muted}">{marked(item.black)}</FONT>' if grey else marked(item.black)
        ]
    if item.red:
        rows.append(f'<FONT COLOR="{t.gradient}">{marked(item.red)}</FONT>')
    return "<BR/>".join(rows)


def _wire(wire: Wire, t: Theme) -> str:
    attributes = []
    if wire.gradient:
        attributes += [f'color="{t.line}:{t.gradient}"', "dir=both"]
    if wire.label:
        attributes.append(f"label={quoted(wire.label)}")
    return f"{wire.tail} -> {wire.head}" + (f" [{', '.join(attributes)}];" if attributes else ";")
