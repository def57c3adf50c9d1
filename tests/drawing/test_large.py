"""Large recordings stay readable: layers, repeated blocks, stretches, and the lanes of a training step."""

import re
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.drawing import networks
from tinygrad_course import Tensor, functions, graph, value_and_grad
from tinygrad_course.drawing import layers, outline, picture


def titles(g):
    return [s.title for s in layers.layers(g)]


def names(g, section):
    return {g[m].name for m in section.members if g[m].name}


@pytest.mark.parametrize("draw", [networks.flower, networks.deep])
def test_layers_take_their_parameters_in(draw):
    g = draw()
    found = layers.layers(g)
    count = len([n for n in g if n.name and n.name.startswith("W")])
    assert [s.title for s in found] == [*(f"Layer {l}" for l in range(1, count + 1)), "Cost"]
    for l, section in enumerate(found[:-1], start=1):
        wanted = {f"W{l}", f"b{l}", f"Z{l}", f"A{l}"}
        assert names(g, section) >= wanted - {n for n in wanted if n not in {x.name for x in g}}
    assert names(g, found[-1]) == {"Y", "J"}
    assert sorted(m for s in found for m in s.members) == list(range(len(g)))


def test_the_last_layer_ends_without_names_too():
    rng = np.random.default_rng(0)
    W1, W2 = Tensor(rng.normal(size=(4, 2))), Tensor(rng.normal(size=(3, 4)))
    E = np.exp(W2 @ np.tanh(W1 @ rng.normal(size=(2, 6))))
    J = -np.sum(np.eye(3)[:, [0, 1, 2, 0, 1, 2]] * np.log(E / np.sum(E, axis=0, keepdims=True))) / 6
    g = graph(J)
    found = layers.layers(g)
    assert [s.title for s in found] == ["Layer 1", "Layer 2", "Cost"]
    assert [g[m].op for m in found[1].members if g[m].op] == ["matmul", "exp", "sum", "divide"]
    assert next(g[m].op for m in found[2].members if g[m].op) == "log"


def test_a_convolution_begins_a_layer():
    g = networks.convolutional()
    assert titles(g) == ["Layer 1", "Layer 2", "Layer 3", "Cost"]
    assert [names(g, s) for s in layers.layers(g)[:2]] == [{"X", "W1", "b1"}, {"W2", "b2"}]
    assert layers.grounds(g) == layers.layers(g)
    assert "n_3 = 3" in str(g.shapes())


def test_no_layers_where_something_leads_around_them():
    for around in ("attention", "residual"):
        g = networks.not_a_chain(around)
        assert layers.grounds(g) == []
        assert not any("Layer" in b.title for b in outline.blocks(g))


def test_no_layers_where_there_are_none():
    assert titles(networks.course_example()) == []
    assert titles(networks.chain(10)) == []


def test_repeated_layers_are_shown_once():
    found = outline.blocks(networks.recurrent(40))
    assert [b.count for b in found] == [40, 1]
    assert found[0].title.endswith("×40")
    found = outline.blocks(networks.deep((4,) * 100 + (1,), m=3, backward=False))
    assert [b.count for b in found] == [99, 1, 1]


def test_a_repeated_block_is_found_in_any_recording():
    (block,) = outline.blocks(networks.chain(1000))
    assert block.count == 1000
    assert block.lines == ("1 multiply, 1 add",)


@given(st.lists(st.sampled_from(["tanh", "+", "*", "@", "sum"]), min_size=1, max_size=120))
def test_every_operation_is_in_one_box(choices):
    values = [Tensor(np.eye(2), name="x")]
    for choice in choices:
        last, other = values[-1], values[len(values) // 3]
        if choice == "sum":
            values.append(np.sum(last) + other)
        else:
            values.append(
                {"tanh": np.tanh(last), "+": last + other, "*": last * 0.5, "@": last @ other}[choice]
            )
    g = graph(values[-1])
    owned = [m for b in outline.blocks(g) for m in b.members]
    assert len(owned) == len(set(owned))
    assert {n.id for n in g if n.op} <= set(owned)
    scene = outline.of_blocks(g)
    keys = {i.key for i in scene.items}
    assert {end for w in scene.wires for end in (w.tail, w.head)} <= keys
    assert len(scene.items) <= outline.MOST + outline.BESIDE + 3


@pytest.mark.parametrize(
    "draw", [lambda: networks.tangle(2000), lambda: networks.deep((4,) * 330 + (1,), 5), networks.recurrent]
)
def test_two_thousand_nodes_are_drawn_in_five_seconds_of_the_processor(draw, tmp_path):
    g = draw()
    start = time.process_time()
    g.render(tmp_path / "J.svg")
    assert time.process_time() - start < 5
    assert g.to_dot().count("\n") < 120


@pytest.mark.long
def test_a_hundred_thousand_nodes_answer_with_an_outline(tmp_path):
    start = time.process_time()
    g = networks.chain(25_000)
    assert len(g) == 100_001
    assert "100,001 nodes in outline" in g.render(tmp_path / "J.svg").read_text(encoding="utf-8")
    assert g.to_html(tmp_path / "J.html").stat().st_size < 100_000
    assert time.process_time() - start < 30
    assert "50000 operations" in repr(g)
    assert "100,001 nodes in outline: each of more than 300" in g.to_dot(detail="operations")


def test_a_loop_of_hundreds_is_drawn_at_once_and_says_how(tmp_path):
    x = a = Tensor(2.0, name="a")
    for _ in range(75):  # Newton's method
        x = x - (x * x - a) / (2 * x)
    start = time.process_time()
    svg = graph(x).render(tmp_path / "x.svg", detail="operations").read_text(encoding="utf-8")
    assert time.process_time() - start < 10
    assert "451 nodes in outline" in svg
    assert re.search(r"2.multiply,.2.subtract,.1.divide", svg)


def test_the_detail_can_be_chosen():
    g = networks.flower()
    assert "o5" in g.to_dot()
    assert not re.search(r"\bo\d+ \[", g.to_dot(detail="outline"))
    assert re.search(r"\bo\d+ \[", networks.recurrent(12).to_dot(detail="operations"))
    with pytest.raises(ValueError, match="one of auto, operations, outline"):
        g.to_dot(detail="all")


def training_step():
    rng = np.random.RandomState(0)
    X, Y = rng.randn(2, 8), (rng.rand(1, 8) > 0.5) * 1.0
    shapes = {"W1": (3, 2), "b1": (3, 1), "W2": (1, 3), "b2": (1, 1)}
    parameters = {name: Tensor(rng.randn(*shape), name=name) for name, shape in shapes.items()}

    def cost(p):
        A1 = np.tanh(functions.linear(p["W1"], X, p["b1"])).named("A1")
        A2 = functions.sigmoid(functions.linear(p["W2"], A1, p["b2"])).named("A2")
        return functions.binary_cross_entropy(A2, Y).named("J")

    J, grads = value_and_grad(cost)(parameters)
    new = [(parameters[k] - 0.5 * grads[k].named(f"d{k}")).named(f"{k}'") for k in parameters]
    return graph([J, *new], names={"X": X, "Y": Y})


def test_a_training_step_has_three_lanes(tmp_path):
    g = training_step()
    forward, backward, update = layers.lanes(g)
    assert [s.title for s in (forward, backward, update)] == ["Forward", "Backward", "Update"]
    assert names(g, forward) == {"X", "Y", "W1", "b1", "W2", "b2", "A1", "A2", "J"}
    assert names(g, backward) == {"dW1", "db1", "dW2", "db2"}
    assert names(g, update) == {"W1'", "b1'", "W2'", "b2'"}
    assert {g[m].op for m in update.members if g[m].op} == {"multiply", "subtract"}
    svg = g.render(tmp_path / "step.svg").read_text(encoding="utf-8")
    heights = {
        name: float(y) for y, name in re.findall(r'y="([-\d.]+)"[^>]*>(Forward|Backward|Update)<', svg)
    }
    assert heights["Forward"] < heights["Backward"] < heights["Update"]
    lane = {item: k for k, part in enumerate((forward, backward, update)) for item in part.members}
    for name in ("A1", "W2", "Y"):  # what another lane needs stands there by name
        assert svg.count(f">{name}<") == 1 + len(
            {lane[n.id] for n in g if g[name].id in n.inputs} - {lane[g[name].id]}
        )
    assert g.to_html(tmp_path / "step.html").stat().st_size > 1000


@pytest.mark.parametrize("first", ["cost", "gradient"])
def test_an_array_that_the_gradient_reads_too_stands_there_once(first):
    """The derivative reads the recording's copy of Y: for the reader of the graph it is Y."""
    Y = np.array([[1.0, 0.0, 1.0]])
    w = Tensor(np.array([[0.5, -1.0, 2.0]]))
    J, dw = value_and_grad(lambda w: functions.binary_cross_entropy(functions.sigmoid(w), Y))(w)
    g = graph([J, dw] if first == "cost" else [dw, J], names={"Y": Y})
    assert [n.name for n in g if n.constant and n.shape == Y.shape] == ["Y"]
    readers = {n.op for n in g if g["Y"].id in n.inputs}
    assert readers == {"binary_cross_entropy", "subtract"}


def test_other_graphs_have_no_lanes():
    assert layers.lanes(networks.flower()) == []
    x = Tensor(2.0)
    assert layers.lanes(graph(x * x)) == []


def test_a_long_outline_stands_in_rows():
    x = Tensor(np.linspace(0.1, 0.9, 6), name="x")
    y = x
    for k in range(12):  # no two stretches alike
        for function in [np.sin, np.tanh, np.exp, np.sqrt, np.cos, np.square][k % 5 :]:
            y = np.abs(function(y)) + float(k)
    shown = picture(graph(np.sum(y)), "outline", "")
    titles = [item.title for item in shown.items if item.kind == "group"]
    assert len(set(titles)) == len(titles)  # what another row names is one box
    assert titles[0].startswith("operations 1–")
    assert max(shown.rows) >= 2
    assert {i.title for i in shown.items if i.kind == "reference"} <= set(titles)
    across = picture(graph(np.sum(y)), "outline", "", "LR")
    assert not across.rows
