"""Recording to picture: DOT, SVG, PNG, PDF, the interactive page and the animation.

`scene` decides what is drawn, `dot` writes it down for Graphviz, `render` makes the file. Users reach all of
it through `Graph`: ``graph(J).render("J.png")``.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tinygrad_course.drawing import animate, dot, layers, outline, page, render, rows, scene, steps, themes
from tinygrad_course.drawing.dimensions import dimensions
from tinygrad_course.drawing.page import Page
from tinygrad_course.drawing.render import NoRenderer
from tinygrad_course.files import write

if TYPE_CHECKING:
    from tinygrad_course.graph.node import Graph

__all__ = ["NoRenderer", "Page", "dimensions", "to_dot", "to_file", "to_html"]

#: Up to this many variables and operations, `detail="auto"` shows each.
EACH = 60
#: ... and in a training step, each of three lanes.
LANES = 180
#: More nodes than this take Graphviz minutes, and make a picture that nobody can look at.
MOST = 300
DETAILS = ("auto", "operations", "outline")
DIRECTIONS = ("auto", "LR", "TB")


def to_file(graph: Graph, path: str | os.PathLike[str], *, scale: float, title: str, **how: str) -> Path:
    """See `Graph.render`."""
    target = Path(path)
    if target.suffix.lower() in {".html", ".htm"}:
        return to_html(graph, target, title=title)
    if target.suffix.lower() in animate.FORMATS:
        return animate.to_file(graph, target, theme=themes.theme(how["theme"]), scale=scale, title=title)
    render.file_format(target)  # before any work
    return render.to_file(to_dot(graph, title=title, **how), target, scale)


def to_dot(graph: Graph, *, detail: str, theme: str, title: str, direction: str) -> str:
    """See `Graph.to_dot`."""
    shown = picture(graph, detail, title, direction)
    return dot.dot(shown, themes.theme(theme), down=direction == "TB")


def to_html(graph: Graph, path: str | os.PathLike[str], *, title: str) -> Path:
    """See `Graph.to_html`."""
    return write(Path(path), page.page(graph, title).encode())


def picture(graph: Graph, detail: str, title: str, direction: str = "auto") -> scene.Scene:
    """Choose how much is shown, and in how many rows; raise ValueError for an unknown detail or direction."""
    for name, given, known in (("detail", detail, DETAILS), ("direction", direction, DIRECTIONS)):
        if given not in known:
            raise ValueError(f"{name}={given!r}: it is one of {', '.join(known)}")
    parts = layers.lanes(graph)
    each = detail == "operations" and len(graph) <= MOST
    if parts and (each or (detail == "auto" and len(graph) <= LANES)):
        whole = scene.of_operations(graph, parts, title)
        back = next((n for n, p in enumerate(parts) if p.title == "Backward"), None)
        return replace(rows.split(whole, range(len(parts)), steps.Names(graph).plain), back=back)
    if not each and (detail != "auto" or len(graph) > EACH):
        told = f"{len(graph):,} nodes in outline"
        if detail == "operations":
            told += f": each of more than {MOST} cannot be shown"
        whole = outline.of_blocks(
            graph, f"{title} ({told})" if title and detail != "outline" else title or told
        )
    else:
        whole = scene.of_operations(graph, layers.grounds(graph), title)
    return rows.in_rows(whole, steps.Names(graph).plain) if direction == "auto" else whole
