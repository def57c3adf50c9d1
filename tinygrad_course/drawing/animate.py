"""The picture in motion: values appear on the way forward, gradients on the way back. A GIF or an APNG."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tinygrad_course.drawing import dot, layers, render, scene
from tinygrad_course.drawing.scene import Scene
from tinygrad_course.drawing.themes import Theme
from tinygrad_course.drawing.traversal import Way, through
from tinygrad_course.files import write

if TYPE_CHECKING:
    from tinygrad_course.graph.node import Graph

FORMATS = {".gif": "GIF", ".apng": "PNG"}
#: Milliseconds a frame is shown, and the last one.
PACE, REST = 800, 3000
#: More frames than these make no picture that anyone would watch.
MOST = 150


def to_file(graph: Graph, path: Path, *, theme: Theme, scale: float, title: str) -> Path:
    """Draw the sweep through a graph, a frame for each step."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            f"{path}: a moving picture needs Pillow ({error}). This brings it:\n"
            '  python -m pip install "tinygrad-course[course]"'
        ) from None
    way = through(graph)
    if len(way.forward) + len(way.backward) > MOST:
        raise ValueError(
            f"{path}: {len(way.forward)} operations, forward and back, are too many to watch; "
            "render a .png of it, or the page, .html"
        )
    images = []
    for shown in frames(graph, way, title):
        content = render.picture(dot.dot(shown, theme), "png", scale)
        with Image.open(io.BytesIO(content)) as image:
            images.append(image.convert("RGB"))
    output, form = io.BytesIO(), FORMATS[path.suffix.lower()]
    width, height = (max(drawn.size[k] for drawn in images) for k in (0, 1))
    background = images[0].getpixel((0, 0))
    padded = []
    for drawn in images:
        page = Image.new("RGB", (width, height), background)
        page.paste(drawn, (0, 0))
        padded.append(page)
    if form == "GIF":  # one palette for all: the first to the last picture of a colour look the same
        palette = padded[-1].quantize(128, dither=Image.Dither.NONE)
        padded = [page.quantize(palette=palette, dither=Image.Dither.NONE) for page in padded]
    durations = [PACE] * (len(padded) - 1) + [REST]
    padded[0].save(output, form, save_all=True, append_images=padded[1:], duration=durations, loop=0)
    return write(path, output.getvalue())


def frames(graph: Graph, way: Way, title: str = "") -> list[Scene]:
    """Return the picture at each step: before it, after each operation, and after each on the way back.

    Everything keeps its place, because what does not show yet is drawn without colour.
    """
    # with all gradients, whether or not `backward` has run
    nodes = [replace(n, gradient=way.gradients.get(n.id, n.gradient)) for n in graph.nodes]
    complete = type(graph)(nodes, graph.roots)
    whole = scene.of_operations(complete, layers.grounds(complete), title)
    values = {n.id for n in graph if n.op is None}
    gradients: set[int] = set()
    found = [_at(whole, values, gradients, set(), None)]
    sent: set[tuple[int, int]] = set()
    for number in way.forward:
        values = values | {number}
        found.append(_at(whole, values, gradients, sent, number))
    if way.backward:
        root = graph.roots[0]
        gradients = gradients | {root}
        found.append(_at(whole, values, gradients, sent, root))
    for number, shares in way.backward.items():
        gradients = gradients | {share.node for share in shares}
        sent = sent | {(share.node, number) for share in shares}
        found.append(_at(whole, values, gradients, sent, number))
    found.append(_at(whole, values, gradients, sent, None))
    return found


def _at(
    whole: Scene, values: set[int], gradients: set[int], sent: set[tuple[int, int]], active: int | None
) -> Scene:
    items = []
    for item in whole.items:
        number = int(item.key[1:])
        own = item.kind != "operation" or bool(item.black)
        unseen = (["black"] if number not in values and own else []) + (
            ["red"] if number not in gradients else []
        )
        items.append(replace(item, unseen=frozenset(unseen), lit=number == active))
    wires = []
    for wire in whole.wires:
        tail, head = int(wire.tail[1:]), int(wire.head[1:])
        flowed = tail in gradients if tail == head else (tail, head) in sent
        wires.append(replace(wire, faint=wire.gradient and not flowed))
    return replace(whole, items=tuple(items), wires=tuple(wires))
