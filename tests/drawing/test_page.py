"""The interactive page's content: the steps, their numbers, and that nobody's names become markup."""

import base64
import hashlib
import html.parser
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.drawing import networks
from tinygrad_course import Tensor, debug, functions, graph
from tinygrad_course.drawing import heat, labels, mathematics, page, steps
from tinygrad_course.drawing.traversal import through

DRAWN = [
    networks.course_example, networks.two_ways, networks.flower, networks.deep, networks.logistic,
    networks.recurrent,
]  # fmt: skip


class Reader(html.parser.HTMLParser):
    """Collects the elements and the text of a page, as a browser would take them apart."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts = [], [], {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attributes)))

    def handle_data(self, data):
        if self.tags:
            self.texts.setdefault(self.tags[-1], []).append(data)


def read(text):
    """Return the data of a page."""
    reader = Reader(text)
    (data,) = [t for t in reader.texts["script"] if t.lstrip().startswith("{")]
    return json.loads(data)


@pytest.mark.parametrize("draw", DRAWN)
def test_the_way_back_is_backwards_own(draw):
    after, before = draw(backward=True), draw(backward=False)
    way = through(before)
    assert not way.note
    assert {n.id for n in before if n.gradient is not None} == set()
    found = {n.id: n.gradient for n in after if n.gradient is not None}
    assert set(way.gradients) == set(found)
    for number, gradient in found.items():
        np.testing.assert_allclose(way.gradients[number], gradient, rtol=1e-12, atol=1e-15)
    again = through(after)  # from what a freed graph has kept
    assert set(again.gradients) == set(found)


@pytest.mark.parametrize("draw", DRAWN)
def test_every_share_adds_up(draw):
    g = draw()
    way = through(g)
    for number, shares in way.backward.items():
        for share in shares:
            assert g[number].inputs[share.position] == share.node
            if share.slope is not None:
                assert share.gradient == pytest.approx(share.slope * float(way.gradients[number]), rel=1e-12)
    for node in g:
        sent = [s for shares in way.backward.values() for s in shares if s.node == node.id]
        if sent:
            total = sum(s.gradient for s in sent)
            np.testing.assert_allclose(total, way.gradients[node.id], rtol=1e-12, atol=1e-15)
            assert np.array_equal(sent[-1].total, way.gradients[node.id])


def test_several_results_of_one_operation():
    x = Tensor(np.arange(6.0).reshape(3, 2), name="x")
    top, *rest = np.split(x, 3)
    J = np.sum(top * 2) + np.sum(rest[1] ** 2)
    way = through(graph(J))
    J.backward()
    assert np.array_equal(way.gradients[graph(J)["x"].id], x.grad)


def test_what_was_changed_or_released_is_said():
    W = Tensor(np.ones((2, 2)), name="W")
    J = np.sum(W * W)
    J.backward()
    W.data = W.data - W.grad
    assert "was given new data" in through(graph(J)).note
    w = Tensor(3.0, name="w")
    J = w * w
    w.data = 4.0
    assert not through(graph(J)).note  # the recording has the value that it was made with
    J.backward()
    assert "w was given new data" in through(graph(J)).note or "comes out" in through(graph(J)).note
    W = Tensor(np.ones((200, 200)), name="W")
    J = np.sum(np.exp(np.tanh(W) * 1.5) * 2.0)
    J.backward()
    assert not through(graph(J)).note  # large values, which backward has let go of, are computed again
    assert "no single number" in through(graph(W * 2)).note
    a = Tensor(2.0)
    assert "Several results" in through(graph([a * 2, a * 3])).note
    for g in (graph(W * 2), graph([a * 2, a * 3])):
        assert read(page.page(g))["note"]


def text_of(maths):
    return [mathematics.text(m) for m in maths]


def test_the_chain_rule_of_the_courses_example():
    shown = read(page.page(networks.course_example()))
    ways = [s["way"] for s in shown["steps"]]
    assert ways == ["forward"] * 3 + ["seed"] + ["backward"] * 3
    assert text_of(shown["steps"][0]["math"]) == ["v_1 = b · c", " = 3 · 2 = 6"]
    to_b = shown["steps"][-1]["sends"][0]
    assert shown["nodes"][to_b["node"]]["name"] == "b"
    assert text_of(to_b["math"]) == ["∂J/∂b = ∂J/∂v_1 · ∂v_1/∂b", "∂v_1/∂b = c = 2", "∂J/∂b = 3 · 2 = 6"]
    assert text_of(to_b["chain"]) == ["∂J/∂b = ∂J/∂v_2 · ∂v_2/∂v_1 · ∂v_1/∂b", " = 3 · 1 · 2 = 6"]
    assert [shown["nodes"][i]["name"] for i in to_b["trail"]] == ["J", "v₂", "v₁", "b"]


def test_the_rules_of_a_network():
    shown = read(page.page(networks.deep()))
    rules = {}
    for step in shown["steps"]:
        for send in step.get("sends", ()):
            if send.get("math"):
                rules[shown["nodes"][send["node"]]["name"]] = text_of(send["math"])[-1]
    assert rules["W4"] == "∂J/∂W^[4] = ∂J/∂Z^[4] A^[3]T"
    assert rules["A3"] == "∂J/∂A^[3] = W^[4]T ∂J/∂Z^[4]"
    assert rules["Z3"] == "∂J/∂Z^[3] = ∂J/∂A^[3] ⊙ [Z^[3] > 0]"
    assert rules["Z4"] == "∂J/∂Z^[4] = ∂J/∂J · 1/m · (A^[4] − Y)"
    flower = read(page.page(networks.flower()))
    sends = [s for step in flower["steps"] for s in step.get("sends", ()) if s.get("summed")]
    assert {flower["nodes"][s["node"]]["name"] for s in sends} == {"b1", "b2"}


HOSTILE = [
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"'><svg onload=alert(1)>",
    "@DATA@", "<!--", "]]>", "\u2028\u2029", "成本", "${alert(1)}", "&lt;b&gt;", "\x00", "@SCRIPT@ @STYLE@",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_data_never_markup(name):
    a, b = Tensor(2.0, name=name), Tensor(np.ones((2, 2)), name=name + "2")
    plain = Reader(page.page(networks.course_example()))
    text = page.page(graph(np.sum(a * b).named(name)), title=name)
    hostile = Reader(text)
    assert hostile.tags == plain.tags
    assert hostile.attributes[4:] == plain.attributes[4:]  # the first are the policy and its like
    shown = read(text)
    assert {labels.visible(name), labels.visible(name + "2")} <= {n["name"] for n in shown["nodes"]}


def test_the_policy_allows_this_program_alone():
    text = page.page(networks.course_example())
    policy = re.search(r'content="(default-src[^"]*)"', text)[1]
    assert "default-src 'none'" in policy
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(script) == 1
    expected = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{expected}'" in policy
    assert "//" not in re.sub(
        r"http://www\.w3\.org/(2000/svg|1998/Math/MathML)|(?m:(^| )//( .*)?$)", "", text
    )


def test_pages_of_the_courses_networks_are_small():
    for draw in (networks.course_example, networks.flower, networks.logistic):
        assert len(page.page(draw()).encode()) < 200_000
    cats = networks.deep((12288, 20, 7, 5, 1), 209)
    assert len(page.page(cats).encode()) < 300_000


def test_large_graphs_are_folded_and_huge_ones_in_outline():
    middling = read(page.page(networks.recurrent(40)))
    assert middling["collapsed"]
    assert middling["runs"][0]["title"].endswith("×40")
    huge = read(page.page(networks.chain(5000)))
    assert not huge["steps"]
    assert "20,001 nodes are too many" in huge["note"]
    assert len(huge["nodes"]) < 20


def test_the_users_line_is_kept():
    with debug():
        J = Tensor(2.0, name="a") * 3
    assert any("Tensor(2.0, name=" in n.get("line", "") for n in read(page.page(graph(J)))["nodes"])


def test_in_a_notebook_the_page_is_framed():
    frame = Reader(networks.course_example().interactive(height=300)._repr_html_())
    (tag, attributes) = frame.attributes[0]
    assert (tag, len(frame.tags)) == ("iframe", 1)
    assert "height:300px" in attributes["style"]
    assert attributes["sandbox"] == "allow-scripts"
    assert read(attributes["srcdoc"])["cost"] == "J"


def test_names_of_the_nameless_avoid_the_users():
    v1 = Tensor(2.0, name="v1")
    g = graph((v1 * 3 + 1).named("J"))
    names = steps.Names(g)
    assert [names.plain(n.id) for n in g] == ["v1", "3", "v₂", "1", "J"]


@given(
    st.integers(1, 40), st.integers(1, 60), st.integers(4, 200), st.floats(-8, 8), st.integers(0, 2**32 - 1)
)
def test_heat_maps_show_sizes_and_signs(rows, columns, cells, exponent, seed):
    array = np.random.default_rng(seed).normal(size=(rows, columns)) * 10**exponent
    array[0, 0] = 0
    shown = heat.heat(array, cells)
    codes = np.frombuffer(base64.b64decode(shown["b"]), np.uint8).astype(int) - 128
    codes = codes.reshape(shown["r"], shown["c"])
    assert codes.size <= cells
    assert shown["top"] == np.max(np.abs(array))
    assert np.max(np.abs(codes)) == (127 if shown["top"] else 0)
    if shown["block"] == 1:
        assert np.array_equal(np.sign(codes), np.sign(array))
        decoded = np.where(codes == 0, 0, shown["top"] * 10 ** (heat.DECADES * (np.abs(codes) / 127 - 1)))
        large = np.abs(array) > 1e-5 * shown["top"]
        np.testing.assert_allclose(decoded[large], np.abs(array)[large], rtol=0.06)


def test_heat_maps_of_complex_numbers_show_sizes():
    shown = heat.heat(np.array([3 + 4j, -1j]), 100)
    assert (shown["max"], shown["min"], shown["sizes"]) == (5.0, 1.0, True)
    assert shown["n"] == [["3+4i"], ["-0-1i"]]
    x = Tensor([0.3, 0.7], name="x")
    J = np.sum(np.abs(np.exp(1j * x)))
    J.backward()
    assert "0.955+0.296i" in page.page(graph(J))


def test_heat_maps_of_what_is_no_number():
    shown = heat.heat(np.array([[1.0, np.nan], [-np.inf, 0.0]]), 100)
    assert list(base64.b64decode(shown["b"])) == [255, 0, 0, 128]
    assert shown["bad"] == 2
    assert shown["n"] == [[1.0, "nan"], ["-inf", 0.0]]
    assert heat.dead(np.array([[0.0, 0.0], [0.0, 1.0]])) == [0]


def test_nameless_data_are_told_by_what_has_a_name():
    w, Y = Tensor(np.array([[0.2, 0.4]]), name="w"), np.array([[0.0, 1.0]])
    shown = page.data(graph(-0.25 * np.sum((1 - Y) * np.log(w)), names={"Y": Y}))
    assert "1 − Y" in {node["name"] for node in shown["nodes"]}
    forward = [line for step in shown["steps"] if step["way"] == "forward" for line in text_of(step["math"])]
    assert "v_2 = (1 − Y) ⊙ v_1" in forward
    back = [
        text_of(sent["math"])
        for step in shown["steps"]
        for sent in step.get("sends", ())[:1]
        if "math" in sent
    ]
    assert back[0][1] == "∂v_4/∂v_3 = −0.25"  # what is a number already is not told twice
    assert back[2] == ["∂v_4/∂v_1 = ∂v_4/∂v_2 ⊙ (1 − Y)"]


def test_a_softmax_of_one_number_and_a_graph_without_operations():
    s = Tensor(0.5, name="s")
    assert page.data(graph(functions.softmax(s) * s))["steps"]
    assert "digraph" in graph(s).to_dot(detail="outline")
