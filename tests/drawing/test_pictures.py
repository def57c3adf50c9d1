"""Pictures as they are looked at: operands in their order, rows that fit a slide, marks that say what is."""

import re
import shutil
import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.drawing import networks
from tinygrad_course import Tensor, graph
from tinygrad_course.drawing import dot, picture, render
from tinygrad_course.drawing.themes import THEMES

SVG = "{http://www.w3.org/2000/svg}"
RENDERERS = [
    pytest.param(render._by_library, id="pygraphviz"),
    pytest.param(
        render._by_program,
        id="dot",
        marks=pytest.mark.skipif(shutil.which("dot") is None, reason="there is no program `dot` on the PATH"),
    ),
]


def drawn(g, direction="auto", draw=render.picture):
    """Return what is shown, and its SVG."""
    shown = picture(g, "auto", "", direction)
    return shown, ET.fromstring(draw(dot.dot(shown, THEMES["light"], down=direction == "TB"), "svg"))  # noqa: S314  (our own)


def arrivals(svg):
    """Return where arrows end: (tail, head) -> points, in the order in which they are drawn."""
    found = {}
    for group in svg.iter(f"{SVG}g"):
        if group.get("class") == "edge":
            tail, head = (end.split(":")[0] for end in group.find(f"{SVG}title").text.split("->"))
            ends = [
                list(map(float, re.findall(r"-?[\d.]+", p.get("d"))))[-2:] for p in group.iter(f"{SVG}path")
            ]
            if ends:
                found.setdefault((tail, head), []).append(np.mean(ends, axis=0))
    return found


def check_order(g, direction="auto", draw=render.picture):
    """Hold every operation that does not commute against reading: its left operand first."""
    shown, svg = drawn(g, direction, draw)
    at, checked = arrivals(svg), 0
    for item in shown.items:
        operands = sorted({(w.place, w.tail) for w in shown.wires if w.head == item.key and w.place >= 0})
        points = [min(float(p[int(direction != "TB")]) for p in at[tail, item.key]) for _, tail in operands]
        if len({tail for _, tail in operands}) == len(operands) > 1:
            assert points == sorted(points), (item.title, operands, points)
            checked += 1
    return checked


BINARY = {
    "-": lambda a, b: a - b, "/": lambda a, b: a / b, "**": lambda a, b: np.abs(a) ** b,
    "arctan2": np.arctan2, "remainder": np.remainder, "copysign": np.copysign, "+": lambda a, b: a + b,
}  # fmt: skip


@pytest.mark.parametrize("direction", ["auto", "LR", "TB"])
@pytest.mark.parametrize("draw", RENDERERS)
def test_operands_stand_in_their_order(draw, direction):
    a, b, c = Tensor(0.5, name="a"), Tensor(1.5, name="b"), Tensor(2.5, name="c")
    A, B = Tensor(np.ones((2, 3)), name="A"), Tensor(np.ones((3, 2)), name="B")
    S = np.eye(2) * 2
    programs = [
        3 - a, a - 3, 1 / (1 + np.exp(-a)), a / b, b / a, 2**a, a**b, b**a, np.arctan2(a, b),
        (a - b) / (b - a), a - (b - c), (a - b) - c, np.sum(A @ B), np.sum(np.dot(A, B)),
        np.sum(np.dot(B, A)), np.sum(np.outer(A, B)), np.sum(np.inner(A, B.T)), np.sum(np.matmul(B, A)),
        np.where(True, a * 2, b * 3), np.sum(np.linalg.solve(S + A[:, :2] * 0.1, B[:2])),
        np.sum(np.tensordot(A, B, 1)),
    ]  # fmt: skip
    assert all(check_order(graph(J), direction, draw) for J in programs)
    networks_drawn = (networks.flower, networks.deep, networks.logistic, networks.two_ways)
    assert all(check_order(make(), direction, draw) for make in networks_drawn)


@settings(max_examples=settings.default.max_examples // 2)
@given(st.lists(st.tuples(st.sampled_from(sorted(BINARY)), st.integers(0, 9), st.integers(0, 9)), max_size=9))
def test_operands_stand_in_their_order_in_any_formula(choices):
    values = [Tensor(1.3, name="a"), Tensor(0.7, name="b")]
    for op, i, j in choices:
        with np.errstate(all="ignore"):
            values.append(BINARY[op](values[i % len(values)], values[j % len(values)] if j else 3.0))
    for direction in ("auto", "TB"):
        check_order(graph(values[-1] * 2), direction)


def size(svg):
    return [float(svg.get(k).removesuffix("pt")) for k in ("width", "height")]


@pytest.mark.parametrize("make", [networks.flower, networks.deep, networks.logistic])
def test_networks_fit_a_slide(make):
    shown, svg = drawn(make())
    width, height = size(svg)
    assert 0.9 < width / height < 3, "about 16:9"
    assert width < 1500
    one_row, tall = size(drawn(make(), "LR")[1]), size(drawn(make(), "TB")[1])
    assert one_row[0] > width
    assert tall[1] > tall[0]
    assert sorted(shown.rows) == list(shown.rows)


def test_a_row_takes_from_another_by_name():
    shown, svg = drawn(networks.flower())
    references = {i.title for i in shown.items if i.kind == "reference"}
    assert {"A1"} <= references
    tops = {}
    for group in svg.iter(f"{SVG}g"):
        if group.get("class") == "node":
            tops[group.find(f"{SVG}title").text] = min(float(t.get("y")) for t in group.iter(f"{SVG}text"))
    rows = {}
    for item in shown.items:
        rows.setdefault(shown.rows[item.group], []).append(tops[item.key])
    ordered = [rows[k] for k in sorted(rows)]
    assert all(max(a) < min(b) for a, b in pairwise(ordered)), "rows read downwards"


def test_unknown_directions_are_refused():
    with pytest.raises(ValueError, match="one of auto, LR, TB"):
        networks.course_example().to_dot(direction="RL")


def texts(g):
    return ["".join(t.itertext()) for t in drawn(g)[1].iter(f"{SVG}text")]


def test_nameless_data_are_told_by_what_has_a_name():
    w, X, Y = (
        Tensor(np.ones((1, 3)), name="w"),
        np.arange(12.0).reshape(4, 3),
        np.array([[0.0, 1.0, 1.0, 0.0]]),
    )
    A = 1 / (1 + np.exp(-(w @ X.T)))
    g = graph(np.sum((1 - Y) * np.log(A) - Y * A), names={"X": X, "Y": Y})
    assert {"Xᵀ", "1 − Y", "−Y"} & set(texts(g)) >= {"Xᵀ", "1 − Y"}


def test_conditions_and_subscripts_are_told():
    Z = Tensor(np.array([[1.0, -2.0], [0.5, -1.0]]), name="Z1")
    A = np.where(Z > 0, Z, 0.1 * Z)
    shown = texts(graph(np.einsum("ij,kj->", A, A * (Z <= -2))))
    assert {"Z1 > 0", "Z1 ≤ -2", "ij,kj->"} & set(shown) == {"Z1 > 0", "ij,kj->"}


def test_an_operation_and_the_box_of_its_result_stand_in_one_row():
    x = Tensor(np.ones(4), name="x")
    for n in range(2, 30):
        named, y = {}, x
        for i in range(n):
            y = named[f"y{i}"] = np.sin(y)
        shown, _ = drawn(graph(np.sum(y), names=named))
        rows = {i.key: shown.rows[i.group] if shown.rows else 0 for i in shown.items}
        assert all(rows[k] == rows[f"o{k[1:]}"] for k in rows if f"o{k[1:]}" in rows and k[0] == "n")


def test_nameless_data_of_another_row_have_a_name():
    X, y = np.ones((3, 1)), Tensor(np.ones((3, 1)), name="y")
    z = y
    for _ in range(20):
        z = np.tanh(z)
    shown, _ = drawn(graph(np.sum(z * X + X * y)))
    assert {"c₁"} <= {i.title for i in shown.items if i.kind == "reference"}
    assert "c₁ (3, 1)" in {i.black for i in shown.items if i.kind == "data"}
    assert all(i.title for i in shown.items if i.kind == "reference")


def test_powers_are_read_as_powers():
    a = Tensor(2.0, name="a")
    shown = texts(graph(a**3 + a**-2 + a**0.5 + 2**a))
    assert {"( )³", "( )⁻²", "( )^0.5", "^"} <= set(shown)
    assert "3" not in shown


def test_what_is_not_finite_is_red():
    x = Tensor(np.array([1.0, np.nan, np.inf]), name="x")
    with np.errstate(all="ignore"):
        J = (np.sum(x) + np.log(Tensor(0.0, name="w"))).named("J")
        svg = drawn(graph(J))[1]
    colours = {"".join(t.itertext()): t.get("fill") for t in svg.iter(f"{SVG}text")}
    red = colours["1 NaN, 1 ∞"]
    assert red == colours[" = NaN"] == colours["−∞"] != colours["x"]


def test_single_complex_numbers_are_shown():
    Z = (Tensor(10.0, name="R") + 31.4159j).named("Z")
    dot = graph(np.abs(Z)).to_dot()
    assert "<B>Z</B> = 10+31.42i" in dot
    assert "0+31.42i" in dot


def test_a_legend_says_what_colours_mean():
    g = networks.flower()
    assert {"variable", "data", "cost", "value", "gradient", "from another row"} <= set(texts(g))
    assert "gradient" not in texts(networks.course_example(backward=False))


@pytest.mark.parametrize("make", [networks.flower, networks.two_ways, networks.logistic])
def test_no_arrow_crosses_a_number(make):
    svg = drawn(make())[1]
    texts_at = [
        (float(t.get("x")), float(t.get("y")), t.get("text-anchor"), "".join(t.itertext()).strip())
        for g in svg.iter(f"{SVG}g") if g.get("class") == "node" for t in g.iter(f"{SVG}text")
    ]  # fmt: skip
    for path in [p for g in svg.iter(f"{SVG}g") if g.get("class") == "edge" for p in g.iter(f"{SVG}path")]:
        numbers = list(map(float, re.findall(r"-?[\d.]+", path.get("d"))))
        points = np.array(numbers).reshape(-1, 2)
        for k in range(0, len(points) - 3, 3):
            t = np.linspace(0, 1, 30)[:, None]
            a, b, c, d = points[k : k + 4]
            curve = (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
            for x, y, anchor, text in texts_at:
                middle = x + 3 * len(text) if anchor == "start" else x
                near = np.abs(curve - (middle, y - 4)) < (2.7 * len(text), 5)
                assert not np.any(near.all(axis=1)), f"an arrow crosses {text}"
