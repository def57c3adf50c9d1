"""A picture as DOT, Graphviz's language: the same text for the same recording, on every run."""

import html
from collections.abc import Iterator

from tinygrad_course.drawing.labels import visible
from tinygrad_course.drawing.scene import Item, Scene, Wire
from tinygrad_course.drawing.themes import Theme

FONT = "Helvetica,Arial,DejaVu Sans,sans-serif"
#: Signs up to this length stand in a circle; longer names in a box.
ROUND = 4
#: What is there without being seen yet.
CLEAR = "#00000000"


def dot(scene: Scene, theme: Theme, *, down: bool = False) -> str:
    """Return a picture as DOT text, from left to right or `down`."""
    return "\n".join(_lines(scene, theme, down)) + "\n"


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


def _lines(scene: Scene, t: Theme, down: bool) -> Iterator[str]:
    yield "digraph recording {"
    legend = _legend(scene, t)
    label = f"<{marked(scene.title) or legend}>"
    yield (
        f'  graph [rankdir={"TB" if down else "LR"}, bgcolor="{t.background}", pad=0.25, nodesep=0.22, '
        f'ranksep=0.34, splines=true, outputorder=edgesfirst, fontname="{FONT}", fontsize={t.size:g}, '
        f'fontcolor="{t.muted}", label={label}, labelloc={"t" if scene.title else "b"}];'
    )
    yield (
        f'  node [fontname="{FONT}", fontsize={t.size:g}, fontcolor="{t.ink}", color="{t.line}", '
        f'penwidth={t.weight:g}, margin="0.11,0.06", height=0.3, width=0.3];'
    )
    yield (
        f'  edge [color="{t.line}", penwidth={t.weight:g}, arrowsize=0.65, fontname="{FONT}", '
        f'fontsize={t.size * 0.85:g}, fontcolor="{t.muted}"];'
    )
    if scene.title:  # a graph has one label: what the colours mean stands below, as without a title
        yield f"  subgraph cluster {{ graph [peripheries=0, margin=0, label=<{legend}>, labelloc=b];"
    ports = _ports(scene, down)
    group = {item.key: item.group for item in scene.items}
    row = {k: 0 if g is None or not scene.rows else scene.rows[g] for k, g in group.items()}
    for k in sorted(set(row.values()), reverse=not down):  # Graphviz stacks rows upwards
        for number, title in enumerate(scene.groups):
            inside = [i for i in scene.items if i.group == number and row[i.key] == k]
            if inside and title:
                yield f"  subgraph cluster_{number} {{"
                yield (
                    f'    graph [label={quoted(title)}, labeljust=l, labelloc=t, style="rounded,filled", '
                    f"{_colours(t, 'group')}, fontsize={t.size * 0.9:g}, margin=12];"
                )
                yield from (f"    {_item(item, t)}" for item in inside)
                yield "  }"
        plain = [i for i in scene.items if row[i.key] == k and (i.group is None or not scene.groups[i.group])]
        if scene.title and not down:  # (a cluster counts from the bottom up)
            plain.reverse()
        yield from (f"  {_item(item, t)}" for item in plain)
        for wire in scene.wires:
            if row[wire.head] == k:
                ends, look = f"{wire.tail} -> {wire.head}", f"headport={ports[wire]}" if wire in ports else ""
                if k == scene.back:
                    ends, look = f"{wire.head} -> {wire.tail}", f'dir=back, color="{t.gradient}"'
                elif wire.gradient:
                    back = CLEAR if wire.faint else t.gradient
                    look = f'color="{t.line}:{back}", dir=both{look and ", "}{look}'
                yield f"  {ends}{look and f' [{look}]'};"
    for tail, head in _one_after_the_other(scene):
        yield f"  {tail} -> {head} [style=invis];"
    yield "}}" if scene.title else "}"


def _legend(scene: Scene, t: Theme) -> str:
    """Return what the colours mean."""
    kinds = {item.kind for item in scene.items}
    cells = [
        f'<TD BORDER="1" BGCOLOR="{ground}" COLOR="{border}">{_small(kind, t.ink, t)}</TD>'
        for kind, (ground, border) in t.kinds.items()
        if kind in kinds - {"operation", "group"}
    ]
    if any(item.red for item in scene.items):
        seen = any(item.red and "red" not in item.unseen for item in scene.items)
        for word, colour in (("value", t.ink), ("gradient", t.gradient if seen else CLEAR)):
            cells.append(f'<TD BORDER="0">{_small(word, colour, t)}</TD>')
    if "reference" in kinds:
        cells.append(
            f'<TD BORDER="1" STYLE="dashed" COLOR="{t.muted}">{_small("from another row", t.ink, t)}</TD>'
        )
    row = f"<TR>{''.join(cells)}</TR>"
    return f'<TABLE BORDER="0" CELLSPACING="8" CELLPADDING="2">{row}</TABLE>' if cells else ""


def _one_after_the_other(scene: Scene) -> Iterator[tuple[str, str]]:
    """Yield unseen arrows from each group's ends to the next one's beginnings, which put them in a row."""
    group = {item.key: item.group for item in scene.items}
    inside = [w for w in scene.wires if group[w.tail] == group[w.head]]
    tails, heads = {w.tail for w in inside}, {w.head for w in inside}
    rows = scene.rows or (0,) * len(scene.groups)
    for number in range(len(scene.groups) - 1):
        if rows[number] == rows[number + 1]:
            ends = [k for k, g in group.items() if g == number and k not in tails]
            starts = [k for k, g in group.items() if g == number + 1 and k not in heads]
            yield from ((end, start) for end in ends for start in starts)


def _item(item: Item, t: Theme) -> str:
    tip = f"tooltip={quoted(item.tip or item.title)}"
    if item.kind == "operation":
        return f"{item.key} [{_operation(item, t)}, {tip}];"
    box = 'shape=box, style="rounded,filled", '
    looks = {
        "variable": box + _colours(t, "variable"),
        "data": f"shape=box, style=filled, {_colours(t, 'data')}",
        "number": "shape=plain, margin=0.04",
        "result": box + _colours(t, "result"),
        "cost": f"{box}{_colours(t, 'cost')}, penwidth={t.weight * 1.6:g}",
        "reference": f'shape=box, style="rounded,dashed", color="{t.muted}", margin="0.06,0.03"',
        "error": f'shape=box, style="rounded,filled,dashed", fillcolor="{t.background}", '
        f'color="{t.gradient}", fontcolor="{t.gradient}"',
        "group": box + _colours(t, "group", "result"),
    }
    return f"{item.key} [{looks[item.kind]}, label=<{_label(item, t)}>, {tip}];"


def _colours(t: Theme, ground: str, border: str = "") -> str:
    return f'fillcolor="{t.kinds[ground][0]}", color="{t.kinds[border or ground][1]}"'


def _operation(item: Item, t: Theme) -> str:
    """Return a circle with value, sign and gradient inside, where no wire can cross them; or a box."""
    colours = _colours(t, "operation")
    if item.lit:
        colours = f'fillcolor="{t.kinds["cost"][0]}", color="{t.gradient}", penwidth={t.weight * 2:g}'
    if item.ordered:
        colours += ", ordering=in"  # its left operand above its right one
    sign = f'<FONT POINT-SIZE="{t.size * 1.1:g}"><B>{marked(item.title)}</B></FONT>'
    rows = [_value(item, t), sign, _gradient(item, t), _small(item.note, t.muted, t)]
    rows = [text for text in rows if text]
    label = f"label=<{'<BR/>'.join(rows)}>"
    if len(item.title) > ROUND:
        style = "filled" if item.ordered else "rounded,filled"  # ordered wires end at the very corners
        return f'shape=box, style="{style}", {colours}, {label}'
    if len(rows) > 1:
        return f'shape=ellipse, margin="0.02,0", style=filled, {colours}, {label}'
    high = t.size / 13 * (26, 26, 28, 36, 50)[len(item.title)]
    return f"shape=circle, fixedsize=true, width={high / 72:.3g}, style=filled, {colours}, {label}"


def _label(item: Item, t: Theme) -> str:
    name = f"<B>{marked(item.title)}</B>" if item.title else ""
    if item.kind in {"group", "error"}:
        rows = [name, *(_small(line, t.muted, t) for line in item.black.splitlines())]
    elif name and item.black and not item.black.endswith(")"):
        rows = [name + _coloured(item, f" = {marked(item.black)}", t)]
    else:
        rows = [name, _value(item, t)]
        if item.wrong and item.black.endswith(")"):
            rows.append(_coloured(item, f"<B>{marked(item.note)}</B>", t))
    return "<BR/>".join(text for text in (*rows, _gradient(item, t)) if text)


def _value(item: Item, t: Theme) -> str:
    """Return a value, or a shape in small grey letters."""
    if item.black.endswith(")"):
        return _small(item.black, CLEAR if "black" in item.unseen else t.muted, t)
    return _coloured(item, marked(item.black), t)


def _coloured(item: Item, text: str, t: Theme) -> str:
    """Return a value in the text's colour; what does not show yet without one, what is not finite in red."""
    colour = CLEAR if "black" in item.unseen else t.gradient if item.wrong else ""
    return f'<FONT COLOR="{colour}">{text}</FONT>' if colour and text else text


def _gradient(item: Item, t: Theme) -> str:
    colour = CLEAR if "red" in item.unseen else t.gradient
    return f'<FONT COLOR="{colour}">{marked(item.red)}</FONT>' if item.red else ""


def _small(text: str, colour: str, t: Theme) -> str:
    return f'<FONT POINT-SIZE="{t.size * 0.85:g}" COLOR="{colour}">{marked(text)}</FONT>' if text else ""


def _ports(scene: Scene, down: bool) -> dict[Wire, str]:
    """Return where wires arrive at operations whose operands have an order: the first above, or leftmost."""
    operands: dict[str, list[Wire]] = {}
    for wire in scene.wires:
        if wire.place >= 0:
            operands.setdefault(wire.head, []).append(wire)
    first, middle, last = ("nw", "n", "ne") if down else ("nw", "w", "sw")
    sides = {2: (first, last), 3: (first, middle, last)}
    return {w: sides[len(ws)][w.place] for ws in operands.values() if len(ws) in sides for w in ws}
