"""A picture as DOT, Graphviz's language: the same text for the same recording, on every run."""

from __future__ import annotations

import html
from collections.abc import Iterator

from tinygrad_course.drawing.labels import visible
from tinygrad_course.drawing.scene import Item, Scene, Wire
from tinygrad_course.drawing.themes import LIGHT, Theme

FONT = "Helvetica,Arial,DejaVu Sans,sans-serif"
#: Signs up to this length stand in a circle; longer names in a box.
ROUND = 4
#: What is there without being seen yet.
CLEAR = "#00000000"


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
    groups = list(enumerate(scene.groups))
    for number, title in reversed(groups) if scene.lanes else groups:  # Graphviz stacks them upwards
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
    group = {item.key: item.group for item in scene.items}
    wires = sorted(scene.wires, key=lambda w: -(group[w.tail] or 0)) if scene.lanes else scene.wires
    for wire in wires:
        if scene.lanes and group[wire.tail] == 1:  # the backward lane runs to the left
            yield f'  {wire.head} -> {wire.tail} [dir=back, color="{t.gradient}"];'
        else:
            yield f"  {_wire(wire, t)}"
    if not scene.lanes:
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
        "reference": f'shape=box, style="rounded,dashed", color="{t.muted}", margin="0.06,0.03"',
        "error": f'shape=box, style="rounded,filled,dashed", fillcolor="{t.background}", '
        f'color="{t.gradient}", fontcolor="{t.gradient}"',
        "group": f'shape=box, style="rounded,filled", fillcolor="{t.group}", color="{t.result_line}"',
    }
    return f"{item.key} [{looks[item.kind]}, label=<{_label(item, t)}>, {tip}];"


def _operation(item: Item, t: Theme) -> str:
    """Return a circle with the sign in it, the value above it and the gradient below; a long name gets a box.

    With ``fixedsize=shape`` the label may be larger than the circle: wires end at the circle, and Graphviz
    keeps room for the label. The numbers' ground hides a wire that would cross them.
    """
    colours = f'fillcolor="{t.operation}", color="{t.operation_line}"'
    if item.lit:
        colours = f'fillcolor="{t.cost}", color="{t.gradient}", penwidth={t.weight * 2:g}'
    sign = f'<FONT POINT-SIZE="{t.size * 1.1:g}">{marked(item.title)}</FONT>'
    black, red, note = _value(item, t), _gradient(item, t), _small(item.note, t.muted, t)
    if len(item.title) > ROUND:
        rows = [text for text in (sign, black, red, note) if text]
        return f'shape=box, style="rounded,filled", {colours}, label=<{"<BR/>".join(rows)}>'
    high = t.size / 13 * (26, 26, 26, 34, 41)[len(item.title)]
    below = [text for text in (red, note) if text] or [""]
    above = [""] * (len(below) - 1) + [black]
    ground = t.background if item.group is None else t.group
    rows = [_row(text, ground, t) for text in above]
    rows.append(f'<TR><TD FIXEDSIZE="TRUE" WIDTH="{high:.0f}" HEIGHT="{high:.0f}">{sign}</TD></TR>')
    rows += [_row(text, ground, t) for text in below]
    if not (black or red or note):
        rows = rows[1:2]
    table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{"".join(rows)}</TABLE>'
    return f"shape=circle, fixedsize=shape, width={high / 72:.3g}, style=filled, {colours}, label=<{table}>"


def _row(text: str, ground: str, t: Theme) -> str:
    """Return a line of text on its own ground, or an empty one of its height."""
    line = f'<TR><TD HEIGHT="{t.size * 1.2:.0f}">'
    if not text or CLEAR in text:
        return f"{line}{text}</TD></TR>"
    inner = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" BGCOLOR="{ground}">'
    return f"{line}{inner}<TR><TD>{text}</TD></TR></TABLE></TD></TR>"


def _label(item: Item, t: Theme) -> str:
    name = f"<B>{marked(item.title)}</B>" if item.title else ""
    if item.kind in {"group", "error"}:
        rows = [name, *(_small(line, t.muted, t) for line in item.black.splitlines())]
    elif name and item.black and not item.black.endswith(")"):
        clear = "black" in item.unseen
        value = f" = {marked(item.black)}"
        rows = [name + (f'<FONT COLOR="{CLEAR}">{value}</FONT>' if clear else value)]
    else:
        rows = [name, _value(item, t)]
    return "<BR/>".join(text for text in (*rows, _gradient(item, t)) if text)


def _value(item: Item, t: Theme) -> str:
    """Return a value, or a shape in small grey letters."""
    if item.black.endswith(")"):
        return _small(item.black, CLEAR if "black" in item.unseen else t.muted, t)
    if "black" in item.unseen and item.black:
        return f'<FONT COLOR="{CLEAR}">{marked(item.black)}</FONT>'
    return marked(item.black)


def _gradient(item: Item, t: Theme) -> str:
    colour = CLEAR if "red" in item.unseen else t.gradient
    return f'<FONT COLOR="{colour}">{marked(item.red)}</FONT>' if item.red else ""


def _small(text: str, colour: str, t: Theme) -> str:
    return f'<FONT POINT-SIZE="{t.size * 0.85:g}" COLOR="{colour}">{marked(text)}</FONT>' if text else ""


def _wire(wire: Wire, t: Theme) -> str:
    if not wire.gradient:
        return f"{wire.tail} -> {wire.head};"
    back = CLEAR if wire.faint else t.gradient
    return f'{wire.tail} -> {wire.head} [color="{t.line}:{back}", dir=both];'
