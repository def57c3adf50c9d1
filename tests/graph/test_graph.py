"""The recording as data: order, operands, names and gradients, before and after a backward pass."""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_course import Tensor, grad, graph
from tinygrad_course.graph import replay
from tinygrad_course.graph.related import related


def course_example():
    a, b, c = Tensor(5.0, name="a"), Tensor(3.0, name="b"), Tensor(2.0, name="c")
    return 3 * (a + b * c)


def outline(J):
    return [(n.name, n.op, n.inputs, n.options, n.shape) for n in graph(J)]


def test_inputs_come_before_what_is_computed_from_them():
    nodes = graph(course_example())
    assert [n.op for n in nodes] == [None, None, None, "multiply", "add", None, "multiply"]
    assert all(i < n.id for n in nodes for i in n.inputs)
    assert [n.id for n in nodes] == list(range(len(nodes)))
    assert nodes.roots == (len(nodes) - 1,)
    assert float(nodes[-1].value) == 33


@pytest.mark.parametrize(
    "cost",
    [
        lambda x: (3 * (2 + x * x)).sum(),
        lambda x: np.sum(np.dot(x.T, np.ones(x.shape)) * 2, axis=0, keepdims=True).sum(),
        lambda x: np.concatenate([x, 2 * x, np.ones((1, x.shape[1]))]).sum(),
        lambda x: np.stack([x, x], axis=1)[..., 0].mean(),
        lambda x: np.maximum(0, x[1:, :2]).sum(),
        lambda x: np.sum(np.einsum("ij,kj->ik", x, x) / 7),
        lambda x: np.split(x, 2)[1].reshape(-1).sum(),
    ],
)
@pytest.mark.parametrize("shape", [(4, 6), (100, 120)], ids=["small", "values are released"])
def test_a_backward_pass_leaves_the_outline_as_it_was(cost, shape):
    x = Tensor(np.random.default_rng(0).normal(size=shape), name="x")
    J = cost(x)
    before = outline(J)
    J.backward()
    assert outline(J) == before


def test_gradients_appear_with_backward():
    J = course_example()
    assert all(n.gradient is None for n in graph(J))
    J.backward()
    told = {n.name or n.op: float(n.gradient) for n in graph(J) if n.gradient is not None}
    assert told == {"a": 3, "b": 6, "c": 9, "multiply": 1, "add": 3}


def test_names_come_from_the_caller_and_from_dicts():
    parameters = {"W1": Tensor(np.ones((2, 3))), "b1": Tensor(np.zeros((2, 1)))}
    X = np.ones((3, 4))
    Z1 = np.dot(parameters["W1"], X) + parameters["b1"]
    g = graph(Z1, names=locals())
    assert {n.name for n in g} == {"W1", "b1", "X", "Z1", None}
    assert g["Z1"].op == "add"
    assert g["X"].constant
    with pytest.raises(KeyError, match=r"W9.*\['W1', 'X', 'Z1', 'b1'\]"):
        g["W9"]


def test_one_array_used_twice_is_one_node_and_two_numbers_are_two():
    X = np.ones(3)
    x = Tensor(2.0, name="x")
    g = graph(np.sum(x * X + 3 * X + 3 * x))
    assert sum(n.constant and n.shape == (3,) for n in g) == 2  # X, and 3 * X, which NumPy computed
    assert sum(n.constant and n.shape == () for n in g) == 1
    assert sum(n.constant and n.shape == () for n in graph((x + 3) * 3)) == 2


def test_what_was_not_recorded_is_refused():
    with pytest.raises(TypeError, match="this is a ndarray"):
        graph(np.ones((2, 2))[0:1])
    with pytest.raises(TypeError, match="this is a float"):
        graph([3.0])


def test_assignment_keeps_what_was_used_before():
    x = Tensor(np.array([1.0, 2.0]), name="x")
    y = 2 * x
    before = y.sum()
    y[0] = 5.0
    after = y.sum()
    assert [n.op for n in graph(before)] == [None, None, "multiply", "sum"]
    assert "assign" in {n.op for n in graph(after)}


@given(st.lists(st.sampled_from(["add", "multiply", "sin", "reuse"]), max_size=40))
def test_each_node_once_whatever_the_graph(choices):
    values = [Tensor(0.5), Tensor(0.25)]
    for choice in choices:
        if choice == "sin":
            values.append(np.sin(values[-1]))
        elif choice == "reuse":
            values.append(values[-1] + values[len(values) // 2])
        else:
            values.append(getattr(np, choice)(values[-1], values[-2]))
    g = graph(values[-1])
    tensors = [n.tensor for n in g if n.tensor is not None]
    assert len({id(t) for t in tensors}) == len(tensors)
    assert all(i < n.id for n in g for i in n.inputs)


@pytest.mark.long
def test_a_graph_of_a_hundred_thousand_nodes_is_listed_without_recursion():
    x = Tensor(1.0)
    for _ in range(100_000):
        x = x + 1
    assert len(graph(x)) == 200_001


def test_the_graph_holds_its_tensors_and_nothing_holds_the_graph():
    J = course_example()
    g = graph(J)
    reference = weakref.ref(g)
    gc.disable()
    try:
        del g
        assert reference() is None
    finally:
        gc.enable()


def test_a_recorded_derivative_is_a_graph_too():
    w = Tensor(np.array([1.0, 2.0]), name="w")
    step = w - 0.1 * grad(lambda w: np.sum(w**2))(w)
    assert np.allclose(graph(step)[-1].value, 0.8 * w.data)
    assert graph(step)["w"].op is None


def test_the_summary_of_a_graph():
    assert repr(graph(course_example())) == "<Graph of multiply: 3 leaves, 1 constants, 3 operations>"


def test_a_dict_that_holds_itself_among_the_users_names():
    names = {"given": np.ones(4)}
    names["names"] = names
    with pytest.raises(ValueError, match="broadcast") as caught:
        Tensor(np.ones(3), name="W") * names["given"]
    assert [node.name for node in caught.value.graph][:2] == ["W", "given"]


@pytest.mark.parametrize(
    "cost",
    [
        lambda A: np.sum(np.linalg.eigh(A).eigenvalues ** 2 * np.arange(3)),
        lambda A: np.sum(np.linalg.eigh(A).eigenvectors[:, 0] ** 2 * np.arange(3)),
        lambda A: 2 * np.linalg.slogdet(A).logabsdet,
        lambda A: np.sum(np.linalg.svd(A).S ** 3) + np.sum(np.linalg.qr(A).R),
    ],
)
def test_functions_of_several_results_are_computed_again_forward_and_back(cost):
    A = np.random.RandomState(0).rand(3, 3) + 3 * np.eye(3)
    t = Tensor(A + A.T, name="A")
    J = cost(t)
    g = graph(J)
    values = replay.forward(g)
    assert replay.changed(g, values) is None
    found = replay.backward(g, values).gradients[g["A"].id]
    J.backward()
    np.testing.assert_allclose(found, t.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("constant", "told"),
    [
        (lambda Y: 2 * Y + 1, "2 Y + 1"),
        (lambda Y: -Y, "−Y"),
        (lambda Y: 3 - 2 * Y, "3 − 2 Y"),
        (lambda Y: -3 - 2 * Y, "−3 − 2 Y"),
        (lambda Y: Y - 4, "Y − 4"),
        (lambda Y: 2 * Y.T, "2 Yᵀ"),
    ],
)
def test_nameless_constants_are_told_by_named_ones(constant, told):
    Y, w = np.array([[0.0, 1.0, 2.0, 5.0]]), Tensor(2.0)
    assert related(graph(np.sum(constant(Y) * w), names={"Y": Y})) == {1: told}
