"""The backward sweep: deep graphs, wide graphs, memory, and what is kept of a freed graph."""

import gc
import sys
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

from tinygrad_course import FreedGraphError, Tensor, custom_rule, graph, value_and_grad

SIZES = [100_000, pytest.param(1_000_000, marks=pytest.mark.long)]


@pytest.mark.parametrize("n", SIZES)
def test_a_long_chain(n):
    x = y = Tensor(1.0)
    for _ in range(n):
        y = y * 1.000001
    y.backward()
    assert x.grad == pytest.approx(1.000001**n, rel=1e-9)
    del y  # freed without recursion, too


@pytest.mark.parametrize("n", SIZES)
def test_a_wide_graph(n):
    leaves = [Tensor(float(i)) for i in range(n // 1000)]
    total = Tensor(0.0)
    for _ in range(333):
        for leaf in leaves:
            total = total + leaf * 2.0 - leaf
    total.backward()
    assert all(leaf.grad == 333 for leaf in leaves)


def test_a_diamond_repeated_ten_thousand_times():
    """2**10000 paths; scaled so that the sum stays 1."""
    a = b = Tensor(1.0)
    for _ in range(10_000):
        b = b + b
        b = b * 0.5
    b.backward()
    assert a.grad == 1.0


@pytest.mark.parametrize("n", [1, 10, 100])
def test_each_operation_is_visited_once(n):
    """In a ladder of n rungs there are 2**n paths and 2 n vjps to call."""
    calls = []
    double = custom_rule(lambda x: 2 * x, lambda g, y, x: calls.append(1) or 2 * g)
    a = b = Tensor(1.0)
    for _ in range(n):
        b = (double(b) + double(b)) * 0.25
    b.backward()
    assert len(calls) == 2 * n
    assert a.grad == 1.0


def test_no_reference_cycles():
    """With the collector off, memory after 2,000 training steps is what it was after 10."""
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((2, 20)), rng.random((1, 20)).round()
    parameters = {"w": rng.standard_normal((1, 2))}

    def cost(p):
        Z = np.dot(p["w"], X)
        Z[0, 0] = 0.0
        return np.mean((np.tanh(Z) - Y) ** 2)

    step = value_and_grad(cost)
    w = Tensor(parameters["w"], name="w")

    def train(steps):
        for i in range(steps):
            if i % 2:
                step(parameters)
            else:
                cost({"w": w}).backward()
                w.data -= 0.01 * w.grad
                w.grad = None

    gc.disable()
    try:
        train(10)
        gc.collect()  # also empties the interpreter's lists of spare tuples
        before = sys.getallocatedblocks()
        train(2_000)
        assert gc.collect() == 0  # nothing that only the collector can free
        assert sys.getallocatedblocks() - before < 100
    finally:
        gc.enable()


def test_a_graph_dies_with_its_last_tensor():
    w = Tensor(np.ones(3))
    Z = w * 2
    J = np.sum(Z)
    ref = weakref.ref(Z)
    gc.disable()
    try:
        del Z
        assert ref() is not None
        del J
        assert ref() is None
    finally:
        gc.enable()


def test_large_values_are_let_go_of_on_the_way():
    w = Tensor(np.ones((200, 200)), name="w")
    Z = (w * 2).named("Z")
    A = (Z * 3).named("A")
    J = np.sum(A)
    ref = weakref.ref(A)
    del A
    J.backward()
    assert ref() is None  # although J is held
    assert Z.data[0, 0] == 2
    assert Z.grad[0, 0] == 3
    g = graph(J)
    assert [n.name for n in g] == ["w", None, "Z", None, "A", None]
    assert g["A"].shape == (200, 200)
    assert g["A"].value is None
    assert g["Z"].tensor is Z
    J2 = np.sum(Z)
    with pytest.raises(FreedGraphError):
        J2.backward()


def test_retain_graph_keeps_everything():
    w = Tensor(np.ones((200, 200)), name="w")
    J = np.sum((w * 2).named("Z") ** 2)
    J.backward(retain_graph=True)
    assert graph(J)["Z"].value is not None
    assert graph(J)["Z"].gradient is not None
    J.backward()
    np.testing.assert_array_equal(w.grad, 2 * 8 * np.ones((200, 200)))


def test_a_failed_backward_leaves_nothing_behind():
    w = Tensor([1.0, 2.0])
    Z = w * 2
    J = np.sum(Z * Z)
    np.sum(Z).backward()
    w.grad = None
    with pytest.raises(FreedGraphError):
        J.backward()
    assert w.grad is None
    np.sum(w * 3).backward()
    np.testing.assert_array_equal(w.grad, [3, 3])


def test_threads_that_share_parameters():
    """value_and_grad wraps its arguments for each call: threads don't see each other."""
    W = np.random.default_rng(0).standard_normal((30, 30))
    f = value_and_grad(lambda W, c: np.sum(np.tanh(W @ W) * c))
    expected = [f(W, float(c))[1] for c in range(4)]
    wrong = []

    def work(c):
        wrong.extend(1 for _ in range(50) if not np.array_equal(f(W, float(c))[1], expected[c]))

    threads = [threading.Thread(target=work, args=(c,)) for c in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert not wrong


def test_why_the_order_is_topological():
    """b = a + a, then c = b * a: a must wait until b has passed on everything."""
    a = Tensor(3.0)
    b = a + a
    c = b * a
    c.backward()
    assert a.grad == 4 * 3.0


@pytest.mark.long
def test_memory_of_a_long_chain():
    n = 100_000
    y = Tensor(1.0)
    tracemalloc.start()
    for _ in range(n):
        y = y * 1.000001
    size = tracemalloc.get_traced_memory()[0] / n
    y.backward()
    peak = tracemalloc.get_traced_memory()[1] / n
    tracemalloc.stop()
    assert size < 250
    assert peak < 300
