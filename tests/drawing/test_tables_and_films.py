"""The table of dimensions, the graph of an error, and the picture in motion."""

from itertools import pairwise

import numpy as np
import pytest

from tests.drawing import networks
from tinygrad_course import Tensor, graph
from tinygrad_course.drawing import animate
from tinygrad_course.drawing.traversal import through


def test_the_courses_table():
    table = networks.deep((12, 20, 7, 1), m=30).shapes()
    assert table.sizes == {"n_x": 12, "n_1": 20, "n_2": 7, "n_3": 1, "m": 30}
    assert [(n, t) for n, _, t in table.rows] == [
        ("X", "(n_x, m)"), ("W1", "(n_1, n_x)"), ("b1", "(n_1, 1)"), ("Z1", "(n_1, m)"), ("A1", "(n_1, m)"),
        ("W2", "(n_2, n_1)"), ("b2", "(n_2, 1)"), ("Z2", "(n_2, m)"), ("A2", "(n_2, m)"),
        ("W3", "(n_3, n_2)"), ("b3", "(n_3, 1)"), ("Z3", "(n_3, m)"), ("A3", "(n_3, m)"),
        ("Y", "(n_3, m)"), ("J", ""),
    ]  # fmt: skip
    assert str(table).splitlines()[0] == "n_x = 12, n_1 = 20, n_2 = 7, n_3 = 1, m = 30"
    assert "<td>(n_2, n_1)</td>" in table._repr_html_()


def test_sizes_that_happen_to_agree_keep_their_letters():
    table = networks.deep((3, 3, 3, 1), m=3).shapes()
    told = {n: t for n, _, t in table.rows}
    assert told["W2"] == "(n_2, n_1)"
    assert told["Z2"] == "(n_2, m)"


def test_logistic_regressions_weights_stand_upright():
    told = {n: t for n, _, t in networks.logistic().shapes().rows}
    assert told["w"] == "(n_x, n_1)"
    assert told["X"] == "(n_x, m)"


def test_without_layers_there_are_shapes_all_the_same():
    assert str(networks.course_example().shapes()) == "a  ()\nb  ()\nc  ()\nJ  ()"
    hostile = graph(Tensor(np.ones(2), name="<b>") * 2).shapes()
    assert "&lt;b&gt;" in hostile._repr_html_()


def test_an_error_about_shapes_carries_its_graph(tmp_path):
    W1, b1, W2 = Tensor(np.ones((4, 3))), Tensor(np.zeros((4, 1))), Tensor(np.ones((1, 5)))
    X = np.ones((3, 7))
    A1 = np.tanh(np.dot(W1, X) + b1)
    with pytest.raises(ValueError, match=r"W2 is \(1, 5\) and A1 is \(4, 7\)") as raised:
        np.dot(W2, A1)
    g = raised.value.graph
    assert {n.name for n in g if n.name} == {"W1", "b1", "W2", "X", "A1"}
    assert g[-1].op == "dot"
    assert g[-1].error == "W2 is (1, 5) and A1 is (4, 7)"
    assert "does not fit" in g.render(tmp_path / "error.dot").read_text(encoding="utf-8")
    assert "does not fit" in g.to_html(tmp_path / "error.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "broken",
    [
        lambda x: x + np.ones((5, 7)),
        lambda x: np.concatenate([x, np.ones((1, 9))]),
        lambda x: np.reshape(x, (7, 7)),
        lambda x: x[9],
        lambda x: np.linalg.solve(x, np.ones(3)),
        lambda x: np.sum(x, axis=3),
    ],
)
def test_any_error_of_an_operation_has_a_graph(broken):
    x = Tensor(np.ones((2, 3)), name="x")
    with pytest.raises((ValueError, IndexError, np.linalg.LinAlgError)) as raised:
        broken(x * 2)
    assert "x" in {n.name for n in raised.value.graph}
    assert raised.value.graph.to_dot()


def test_the_graph_of_an_error_is_little():
    x = Tensor(np.ones((2, 3)), name="x")
    for _ in range(5000):
        x = x * 1.001
    with pytest.raises(ValueError, match="broadcast") as raised:
        x + np.ones((4, 4))
    assert len(raised.value.graph) < 40


def frames_of(path):
    image_module = pytest.importorskip("PIL.Image")
    with image_module.open(path) as image:
        frames = []
        for k in range(image.n_frames):
            image.seek(k)
            frames.append(np.asarray(image.convert("RGB")).astype(int))
        return frames


@pytest.mark.parametrize("suffix", ["gif", "apng"])
@pytest.mark.parametrize("backward", [True, False])
def test_the_picture_moves_forward_and_back(tmp_path, suffix, backward):
    target = networks.course_example(backward).render(tmp_path / f"J.{suffix}", scale=0.5)
    frames = frames_of(target)
    assert len(frames) == 1 + 3 + 1 + 3 + 1  # nothing yet; forward; dJ/dJ; backward; all at rest
    red = [int(np.sum((f[..., 0] > 150) & (f[..., 1] < 90) & (f[..., 2] < 90))) for f in frames]
    assert red[0] == 0
    assert red[-1] > 250
    assert all(np.any(a != b) for a, b in pairwise(frames))


def test_what_a_frame_shows_has_been_computed():
    g = networks.two_ways()
    way = through(g)
    shown = animate.frames(g, way)
    for number, frame in zip(way.forward, shown[1:], strict=False):
        unseen = {int(i.key[1:]) for i in frame.items if "black" in i.unseen}
        done = set(way.forward[: way.forward.index(number) + 1])
        assert unseen <= set(way.forward) - done
        assert next(int(i.key[1:]) for i in frame.items if i.lit) == number
    assert not any(i.unseen & {"black"} or (i.red and "red" in i.unseen) for i in shown[-1].items)
    assert not any(w.faint for w in shown[-1].wires)


def test_too_long_a_film_is_refused(tmp_path):
    with pytest.raises(ValueError, match="too many to watch"):
        networks.chain(200).render(tmp_path / "J.gif")
    assert not list(tmp_path.iterdir())
