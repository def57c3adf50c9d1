"""State is the thread's, or safe to share; gradient functions and leaves travel to other processes."""

import pickle
import sys
import threading
import warnings

import numpy as np
import pytest

from tinygrad_course import Tensor, compiled, debug, grad, value_and_grad
from tinygrad_course.engine.errors import blocks


def together(*functions):
    failures = []

    def caught(f):
        try:
            f()
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=caught, args=(f,)) for f in functions]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        raise failures[0]


@pytest.fixture(autouse=True)
def _short_turns():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_debug_is_the_threads_own():
    with debug():
        together(lambda: np.sum(np.log(Tensor([1e-300, 1.0]) * 1e-300 * 0 + np.inf)))
        with pytest.raises(FloatingPointError):
            np.log(Tensor([0.5])) * np.inf
    assert not blocks.open


def test_overlapping_blocks_end():
    first, second, over = threading.Event(), threading.Event(), threading.Event()

    def a():
        with debug():
            first.set()
            assert second.wait(30)
        over.set()

    def b():
        assert first.wait(30)
        with debug():
            second.set()
            assert over.wait(30)

    together(a, b)
    assert not blocks.open


def test_floats_of_another_thread():
    going, done = threading.Event(), threading.Event()

    def other():
        assert going.wait(30)
        float(Tensor(1.0))
        done.set()

    def f(x):
        going.set()
        assert done.wait(30)
        return 1.0

    together(other, lambda: value_and_grad(f)(np.ones(2)))


def test_a_leaf_shared_by_threads():
    w = Tensor(np.ones(3))

    def work():
        for _ in range(200):
            np.sum(w * 2).backward()

    together(*[work] * 8)
    np.testing.assert_array_equal(w.grad, np.full(3, 3200.0))


def test_a_graph_shared_by_threads():
    w = Tensor(np.ones(3))
    Z = np.exp(w)
    right = np.exp(1.0)

    def work():
        for _ in range(100):
            x = Tensor(np.ones(3))
            np.sum(Z * x).backward(retain_graph=True)
            np.testing.assert_allclose(x.grad, right)

    together(*[work] * 4)
    np.testing.assert_allclose(w.grad, 400 * right)


def test_a_constant_shared_by_threads():
    X = np.ones((60, 60))
    kept = []

    def work():
        T = Tensor(np.ones((60, 60)))
        for _ in range(300):
            T * X
        kept.append(T * X)

    together(*[work] * 8)
    del kept[1:]
    assert not X.flags.writeable
    kept.clear()
    assert X.flags.writeable


def cost(w):
    return np.sum(w**2)


step = value_and_grad(cost)


def test_gradient_functions_and_leaves_can_be_pickled():
    for f in (step, grad(cost), value_and_grad(cost, argnums=(0,), has_aux=False)):
        again = pickle.loads(pickle.dumps(f))  # noqa: S301
        assert again.__name__ == "cost"
        np.testing.assert_equal(again(np.ones(2)), f(np.ones(2)))
    w = Tensor([1.0, 2.0], name="w")
    w.grad = [3.0, 4.0]
    v = pickle.loads(pickle.dumps(w))  # noqa: S301
    assert v.name == "w"
    np.testing.assert_array_equal(v.grad, w.grad)
    np.testing.assert_array_equal(v.data, w.data)


def test_threads_share_a_compiled_function():
    def step(w, rate):
        return w - rate * 2 * w

    program, start = compiled(step), threading.Barrier(4)

    def work(s):
        start.wait()
        for i in range(30):
            w, rate = np.full(2 + (i + s) % 4, 1.0 + s), 0.1 * (i % 7)
            assert np.allclose(program(w, rate), step(w, rate))

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="step has been recorded for 32 signatures")
        together(*(lambda s=s: work(s) for s in range(4)))
    assert all(np.allclose(program(np.ones(n), 0.77), -0.54) for n in (2, 3, 4, 5))
