"""The interactive page: one file with the graph, both ways through it, and the program that shows them."""

import base64
import hashlib
import html
import json
import re
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from tinygrad_course.drawing import heat, labels, outline, steps
from tinygrad_course.drawing.layers import Section, grounds, lanes
from tinygrad_course.drawing.scene import has_order, kind_of, options
from tinygrad_course.drawing.traversal import Way, through
from tinygrad_course.graph.node import Graph, Node

#: Above this many nodes the layers are collapsed to begin with, and above the next there is only the outline.
OPEN = 60
EVERY = 3_000
#: The style, the frame, and the parts of the program in their order.
ASSETS = (
    "page.css", "page.html", "layout.js", "state.js", "heat.js", "boxes.js", "explain.js", "view.js",
)  # fmt: skip
#: The bytes of heat maps that all matrices share.
HEAT = 100_000


@dataclass(frozen=True)
class Page:
    """The page as text, which a notebook shows in a frame of its own."""

    text: str
    height: int = 640

    def _repr_html_(self) -> str:
        document = html.escape(self.text)
        return (
            f'<iframe srcdoc="{document}" sandbox="allow-scripts" loading="lazy" title="Computation graph" '
            f'style="width:100%;height:{self.height}px;border:1px solid #8884;border-radius:8px"></iframe>'
        )


def page(graph: Graph, title: str = "") -> str:
    """Return the page of a graph as HTML.

    The page needs no network: style, program and data stand in it, and a content security policy names the
    program by its hash, so that no other could run. Whatever the user named is data, never markup.
    """
    assets = resources.files("tinygrad_course.drawing") / "assets"
    style, frame, *program = ((assets / name).read_text(encoding="utf-8") for name in ASSETS)
    script = '"use strict";\n' + "\n".join(program)
    policy = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    names = [graph[r].name for r in graph.roots]
    of = ", ".join(labels.short(n) for n in names if n) or "a recording"
    shown = title or f"Computation graph of {of}"
    allowed = f"style-src 'unsafe-inline'; script-src 'sha256-{policy}'; img-src data:"
    told = json.dumps(data(graph, shown), ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":  # inside a script element no `<` ends it
        told = told.replace(sign, f"\\u{ord(sign):04x}")
    parts = {
        "POLICY": f"default-src 'none'; {allowed}", "TITLE": html.escape(labels.visible(shown)),
        "STYLE": style, "DATA": told, "SCRIPT": script,
    }  # fmt: skip
    return re.sub("@([A-Z]+)@", lambda mark: parts[mark[1]], frame)  # once: what is put in is not searched


def data(graph: Graph, title: str = "") -> dict[str, Any]:
    """Return what the page shows, as plain lists, dicts, numbers and text."""
    if len(graph) > EVERY:
        return _in_outline(graph, title)
    names = steps.Names(graph)
    way = through(graph)
    sections, runs = _sections(graph)
    group = {m: number for number, section in enumerate(sections) for m in section.members}
    matrices = sum(2 for n in graph if labels.scalar(n.value) is None)
    cells = max(24, min(1024, HEAT * 3 // 4 // max(matrices, 1)))
    return {
        "title": labels.visible(title),
        "nodes": [_node(graph, n, way, names, group.get(n.id), cells) for n in graph],
        "groups": [{"title": s.title, "lines": list(outline.lines_of(graph, s))} for s in sections],
        "runs": runs, "collapsed": len(graph) > OPEN, "steps": steps.steps(graph, way, names),
        "note": way.note, "cost": names.plain(graph.roots[-1]),
    }  # fmt: skip


def _node(
    graph: Graph, node: Node, way: Way, names: steps.Names, group: int | None, cells: int
) -> dict[str, Any]:
    kind = kind_of(node, set(graph.roots))
    found: dict[str, Any] = {
        "name": names.plain(node.id), "named": bool(node.name), "kind": kind, "inputs": list(node.inputs),
        "group": group, "shape": str(node.shape), "type": str(node.dtype or ""),
    }  # fmt: skip
    if node.op is not None:
        found |= {
            "op": labels.visible(node.op), "sign": labels.SYMBOLS.get(node.op, node.op),
            "note": options(node), "ordered": has_order(node),
        }  # fmt: skip
    if node.error is not None:
        found |= {"name": "does not fit", "text": labels.visible(node.error).replace(" and ", "\n")}
    if node.line:
        found["line"] = labels.visible(node.line)
    gradient = way.gradients.get(node.id, node.gradient)
    for key, value in (("value", node.value), ("gradient", gradient)):
        one = labels.scalar(value)
        if one is not None:
            found[key] = heat.finite_or_text(one)
        elif value is not None and not isinstance(value, tuple) and np.size(value):
            found[f"{key}s"] = heat.heat(value, cells)
    if node.op in {"relu", "maximum"} and node.value is not None and node.shape:
        found["dead"] = heat.dead(node.value)
    return found


def _sections(graph: Graph) -> tuple[list[Section], list[dict[str, Any]]]:
    """Return the groups that can be collapsed, and the runs of groups that are alike."""
    found = lanes(graph) or grounds(graph)
    if len(found) < 3 and not any(s.title == "Backward" for s in found):
        if len(graph) <= OPEN:
            return [], []
        found = outline.blocks(graph)
        return found, [{"title": s.title, "groups": [n]} for n, s in enumerate(found)]
    runs = []
    for run in outline.runs(graph, found):
        title = outline.title_of(run)
        runs.append({"title": title, "groups": [found.index(s) for s in run]})
    return found, runs


def _in_outline(graph: Graph, title: str) -> dict[str, Any]:
    """Return a graph that is too large for the page as the boxes of its outline."""
    scene = outline.of_blocks(graph)
    place = {item.key: number for number, item in enumerate(scene.items)}
    inputs: list[list[int]] = [[] for _ in scene.items]
    for wire in scene.wires:
        inputs[place[wire.head]].append(place[wire.tail])
    nodes = [
        {"name": i.title or i.black, "named": True, "kind": i.kind, "shape": "", "type": "", "group": None,
         "inputs": inputs[n], "text": i.black, "red": i.red}
        for n, i in enumerate(scene.items)
    ]  # fmt: skip
    note = f"{len(graph):,} nodes are too many to go through one by one: this is their outline."
    return {"title": labels.visible(title), "nodes": nodes, "groups": [], "runs": [], "collapsed": False,
            "steps": [], "note": note, "cost": ""}  # fmt: skip
