"""What is changed after it was recorded: the gradient is right, or there is an error. Never a wrong one."""

import contextlib
import gc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_course import Tensor, grad, stop_gradient, value_and_grad, vjp

SIZES = [4, 5_000]  # a small array is copied, a large one is locked


@pytest.mark.parametrize("n", SIZES)
def test_a_constant_is_written_to(n):
    X = np.full(n, 2.0)
    w = Tensor(np.ones(n))
    J = np.sum(w * X)
    with contextlib.suppress(ValueError):
        X[0] = 100
    J.backward()
    np.testing.assert_array_equal(w.grad, np.full(n, 2.0))
    X[0] = 5.0  # free again


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("through", ["base", "view"])
def test_a_view_is_written_to(n, through):
    base = np.full((2, n), 2.0)
    X = base[:, ::2]
    w = Tensor(np.ones(X.shape))
    J = np.sum(w * X)
    with contextlib.suppress(ValueError):
        (base if through == "base" else X)[0, 0] = 100
    J.backward()
    np.testing.assert_array_equal(w.grad, np.full(X.shape, 2.0))
    base[0, 0] = X[0, 1] = 3.0


def test_locks_of_several_recordings():
    base = np.ones((2, 5000))
    view = base[0]
    w = Tensor(np.ones(5000))
    first, second = np.sum(w * view), np.sum(w * base)
    del first
    gc.collect()
    with pytest.raises(ValueError, match="read-only"):
        base[0, 0] = 2
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 2
    del second
    base[0, 0] = 2
    view[1] = 3
    assert base[0, 1] == 3


def test_a_read_only_array_stays_read_only():
    X = np.ones(5000)
    X.setflags(write=False)
    J = np.sum(Tensor(np.ones(5000)) * X)
    del J
    assert not X.flags.writeable


def test_an_index_is_written_to():
    index = np.array([0, 1])
    w = Tensor([1.0, 2.0, 3.0])
    J = np.sum(w[index])
    index[0] = 2
    J.backward()
    np.testing.assert_array_equal(w.grad, [1, 1, 0])


def test_a_list_is_written_to():
    factors = [1.0, 2.0]
    w = Tensor([1.0, 1.0])
    J = np.sum(w * factors) + np.sum(np.dot(w, factors))
    factors[0] = 50.0
    J.backward()
    np.testing.assert_array_equal(w.grad, [2, 4])


@pytest.mark.parametrize(
    "change", ["in place", "through a name", "through a view", "replaced", "setitem", "iadd"]
)
def test_a_leafs_data_are_changed(change):
    w = Tensor(np.array([1.0, 2.0]))
    held = w.data if "through" in change else None
    if change == "through a view":
        held = held[:1]
    J = np.sum(w * w)
    if change == "in place":
        w.data[0] = 100
    elif held is not None:
        held[0] = 100
    elif change == "replaced":
        w.data = np.array([100.0, 2.0])
    elif change == "setitem":
        w[0] = 100.0
    else:
        w += 99.0
    J.backward()
    np.testing.assert_array_equal(w.grad, [2, 4])  # at the values that J was computed from
    assert w.data[0] == 100
    w.grad = None
    np.sum(w * w).backward()
    assert w.grad[0] == 200


def test_the_array_given_to_a_tensor_is_the_users():
    given = np.ones(3)
    w = Tensor(given)
    J = np.sum(w**2)
    given[:] = 7
    J.backward()
    np.testing.assert_array_equal(w.grad, [2, 2, 2])


def test_computed_values_are_read_only():
    Z = Tensor([1.0, 2.0]) * 2
    with pytest.raises(ValueError, match="read-only"):
        Z.data[0] = 3
    with pytest.raises(AttributeError, match="leaf"):
        Z.data = np.ones(2)


@pytest.mark.parametrize("n", SIZES)
def test_a_function_writes_to_the_callers_array(n):
    w = np.ones(n)

    def f(t):
        J = np.sum(t * t)
        with contextlib.suppress(ValueError):
            w[0] = 50.0
        return J

    np.testing.assert_array_equal(grad(f)(w), np.full(n, 2.0))
    w[0] = 1.0


def test_a_pullback_outlives_its_arguments():
    w = np.array([1.0, 2.0])
    _, pullback = vjp(lambda w: w * w, w)
    w[:] = 100
    np.testing.assert_array_equal(pullback(np.ones(2))[0], [2, 4])
    np.testing.assert_array_equal(pullback(np.ones(2))[0], [2, 4])


def test_the_training_loop_of_pytorchs_users():
    w = Tensor([1.0, 2.0])
    for _ in range(3):
        np.sum(w * w).backward()
        w.data -= 0.1 * w.grad
        w.grad = None
    np.testing.assert_allclose(w.data, np.array([1.0, 2.0]) * 0.8**3)


FUNCTIONS = [
    lambda a, b: np.sum(a + b),
    lambda a, b: np.sum(a - b) + np.sum(a),
    lambda a, b: np.sum(np.reshape(a, -1)) + np.sum(b.T),
    lambda a, b: np.sum(np.concatenate([a, b])),
    lambda a, b: np.sum(np.broadcast_to(a, (2, *a.shape))) + np.sum(b),
    lambda a, b: np.sum(a[::-1]) + np.sum(np.positive(b)),
    lambda a, b: np.sum(a * a.copy()) + np.sum(np.squeeze(b)),
    lambda a, b: np.sum(np.where(a > 0, a, b)),
    lambda a, b: np.sum(a @ b),
    lambda a, b: np.sum(np.stack([a, a])) + np.sum(np.transpose(b)),
]


@given(st.sampled_from(FUNCTIONS), st.booleans())
def test_no_gradient_shares_memory(f, functional):
    """Not with another gradient, not with an argument, not with a value."""
    a, b = np.ones((3, 3)), np.full((3, 3), 2.0)
    if functional:
        _, (da, db) = value_and_grad(f, argnums=(0, 1))(a, b)
        arrays = [a, b, da, db]
    else:
        A, B = Tensor(a), Tensor(b)
        f(A, B).backward()
        arrays = [A.data, B.data, A.grad, B.grad]
    for i, x in enumerate(arrays):
        assert x.flags.writeable
        for y in arrays[i + 1 :]:
            assert not np.shares_memory(x, y)


def test_the_gradient_passed_to_backward_is_not_kept():
    w = Tensor([1.0, 2.0])
    Z = w + 0.0
    g = np.ones(2)
    Z.backward(g)
    g[:] = 9
    np.testing.assert_array_equal(w.grad, [1, 1])
    leaf = Tensor([1.0])
    seed = np.ones(1)
    leaf.backward(seed)
    seed[0] = 4
    assert leaf.grad[0] == 1


def test_a_mask_given_by_keyword_is_written_to():
    mask = np.array([True, False])
    w = Tensor([1.0, 2.0])
    J = np.sum(w * 3, where=mask)
    mask[:] = True
    J.backward()
    np.testing.assert_array_equal(w.grad, [3, 0])


def test_looking_at_a_result_leaves_the_callers_array_writable():
    w = np.ones(5000)
    grad(lambda t: np.sum(np.real(t)) + 0 * stop_gradient(np.real(t))[0])(w)
    assert w.flags.writeable
