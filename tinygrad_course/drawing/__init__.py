"""Recording to picture: DOT, SVG, PNG, PDF, the interactive page and the animation.

`scene` decides what is drawn, `dot` writes it down for Graphviz, `render` makes the file. Users reach all of
it through `Graph`: ``graph(J).render("J.png")``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tinygrad_course.drawing import dot, render, scene, themes
from tinygrad_course.drawing.render import NoRenderer

if TYPE_CHECKING:
    from tinygrad_course.graph import Graph

__all__ = ["NoRenderer", "to_dot", "to_file", "to_svg"]


def to_file(graph: Graph, path: str | os.PathLike[str], *, theme: str, scale: float, title: str) -> Path:
    """See `Graph.render`."""
    target = Path(path)
    render.file_format(target)  # before any work
    return render.to_file(to_dot(graph, theme=theme, title=title), target, scale)


def to_dot(graph: Graph, *, theme: str, title: str) -> str:
    """See `Graph.to_dot`."""
    return dot.dot(scene.of_operations(graph, title=title), themes.theme(theme))


def to_svg(graph: Graph) -> str:
    """Return the drawing as SVG, for notebooks."""
    return render.picture(to_dot(graph, theme="light", title=""), "svg").decode()
