"""What a recording keeps: a gradient of any order reads what was there at the call, or the write raises."""

import array
import collections
import contextlib
import gc

import numpy as np
import pytest

from tinygrad_course import Tensor, debug, grad, hessian, jvp, value_and_grad, vjp


def test_second_order_reads_the_copy():
    def f(x):
        c = np.array([1.0, 2.0])
        y = np.sum(x**2 * c)
        c[:] = 0
        return y

    x = np.ones(2)
    np.testing.assert_array_equal(np.diag(hessian(f)(x)), [2, 4])
    assert jvp(f, (x,), (np.ones(2),))[1] == 6
    _, pullback = vjp(grad(f), x)
    np.testing.assert_array_equal(pullback(np.ones(2))[0], [2, 4])


@pytest.mark.parametrize(
    "read",
    [
        lambda x, i: x[i, :],
        lambda x, i: x[i],
        lambda x, i: x[:, i][..., 0].T[i],
        lambda x, i: np.take(x, i, axis=0),
        lambda x, i: np.take_along_axis(x, i[:, None], 0),
        lambda x, i: x[np.ix_(i, [0])],
    ],
)
@pytest.mark.parametrize("order", [1, 2])
def test_an_index_buffer_that_is_used_again(read, order):
    def f(x, change):
        i, total = np.zeros(1, dtype=int), 0.0
        for k in range(3):
            i = i if change else i.copy()
            i[:] = k
            total = total + (k + 1) * np.sum(read(x, i) ** 3)
        return total

    x = np.arange(1.0, 10.0).reshape(3, 3)
    if order == 1:
        np.testing.assert_array_equal(grad(f)(x, True), grad(f)(x, False))
    else:
        np.testing.assert_array_equal(hessian(f)(x, True), hessian(f)(x, False))


#: Functions that read counts and places on the way back: which, and what else is as well there.
COUNTS = {
    "repeat": (np.repeat, [1, 0, 2, 1, 0, 2], [0, 1, 2, 0, 2, 1]),
    "roll": (np.roll, [2], [3]),
    "roll, axes": (lambda x, n: np.roll(x.reshape(2, 3), n, axis=(0, 1)), [1, 2], [0, 1]),
    "transpose": (lambda x, n: np.transpose(x.reshape(1, 2, 3), n), [2, 0, 1], [0, 1, 2]),
    "moveaxis": (lambda x, n: np.moveaxis(x.reshape(1, 2, 3), n, [0, 1]), [2, 0], [1, 2]),
    "reshape": (np.reshape, [2, 3], [3, 2]),
    "tile": (np.tile, [2, 1], [1, 2]),
    "pad": (np.pad, [1, 2], [2, 1]),
    "split": (lambda x, n: np.split(x, n)[1], [2, 4], [1, 3]),
    "array_split": (lambda x, n: np.array_split(x, n)[1], [2, 4], [1, 3]),
    "bincount": (lambda x, n: np.bincount(n, x, minlength=6), [0, 1, 1, 3, 5, 0], [0, 0, 0, 0, 0, 0]),
    "add.reduceat": (np.add.reduceat, [0, 2, 3], [0, 1, 2]),
    "maximum.reduceat": (np.maximum.reduceat, [0, 2, 3], [0, 1, 2]),
    "delete": (np.delete, [1, 4], [0, 0]),
    "insert": (lambda x, n: np.insert(x, n, x[:2]), [1, 4], [0, 0]),
    "choose": (lambda x, n: np.choose(n, x.reshape(2, 3)), [1, 0, 1], [0, 0, 0]),
    "take, wrapped": (lambda x, n: np.take(x, n, mode="wrap"), [-3, 8], [0, 0]),
    "where, integers": (lambda x, n: np.where(n, x, x**2), [1, 0, 1, 0, 0, 1], [0, 1, 0, 1, 1, 0]),
}


@pytest.mark.parametrize("kind", [np.array, list])
@pytest.mark.parametrize("name", COUNTS)
def test_counts_and_places_are_those_of_the_call(name, kind):
    function, first, later = COUNTS[name]

    def f(x, change):
        n = kind(first)
        y = function(x, n) ** 2
        if change:
            n[:] = later
        return np.sum(y * np.arange(1.0, y.size + 1).reshape(y.shape))

    x = np.linspace(0.5, 2.0, 6)
    np.testing.assert_array_equal(grad(f)(x, True), grad(f)(x, False))
    np.testing.assert_array_equal(hessian(f)(x, True), hessian(f)(x, False))


@pytest.mark.parametrize(
    "kind",
    [list, np.array, collections.deque, lambda c: array.array("d", c), lambda c: memoryview(np.array(c))],
)
@pytest.mark.parametrize(
    "function", [np.multiply, np.dot, np.arctan2, lambda x, c: np.where(x > c, x * x, c)]
)
def test_sequences_of_numbers_are_those_of_the_call(function, kind):
    def f(x, change):
        c = kind([1.0, 2.0, 3.0])
        y = np.sum(function(x, c) ** 2)
        if change:
            c[0] = 7.0
        return y

    x = np.array([0.5, 2.5, -1.0])
    np.testing.assert_array_equal(grad(f)(x, True), grad(f)(x, False))
    np.testing.assert_array_equal(hessian(f)(x, True), hessian(f)(x, False))


def test_a_nested_list_is_changed():
    t, index = Tensor(np.arange(4.0)), [[0, 1]]
    J = np.sum(t[index])
    index[0][0] = 3
    J.backward()
    np.testing.assert_array_equal(t.grad, [1, 1, 0, 0])


@pytest.mark.parametrize("n", [10, 100, 300])
@pytest.mark.parametrize("view", [lambda X: X[0], lambda X: X.T[:, 0], lambda X: X.reshape(-1)[: len(X)]])
def test_a_view_taken_before_is_written_to(n, view):
    X = np.ones((n, n))
    early = view(X)
    T = Tensor(np.ones((n, n)))
    J = np.sum(T * X)
    early[:] = 7.0
    J.backward()
    np.testing.assert_array_equal(T.grad, np.ones((n, n)))


@pytest.mark.parametrize("order", ["C", "F", "strided"])
@pytest.mark.parametrize("part", [np.s_[3], np.s_[:, 7], np.s_[...], np.s_[::2, ::2], np.s_[5, 100:400]])
def test_a_view_of_the_largest_that_was_taken_before(part, order):
    X = np.ones((400, 508 if order != "strided" else 1016), order="F" if order == "F" else "C")
    X = X[:, ::2] if order == "strided" else X
    early = X[part]
    T = Tensor(np.ones(X.shape))
    J, K = np.sum(T * X), np.sum(np.sin(T) * X)
    early *= 2.0
    for cost in (J, K):
        with pytest.raises(RuntimeError, match="was written to after it was recorded"):
            cost.backward()
    assert T.grad is None
    f = lambda T: (np.sum(T**2 * X), early.__imul__(2.0))[0]  # noqa: E731
    for gradient in (grad(f), grad(lambda T: np.sum(grad(f)(T)))):
        with pytest.raises(RuntimeError, match="a view"):
            gradient(np.ones(X.shape))


def test_debug_copies_the_largest():
    X = np.ones((400, 400))
    early = X[2]
    T = Tensor(np.ones((400, 400)))
    with debug():
        J = np.sum(T * X)
    early[3] = 7.0
    J.backward()
    np.testing.assert_array_equal(T.grad, np.ones((400, 400)))


def test_a_large_constant_is_locked_while_it_is_needed():
    X = np.ones((400, 400))
    J = np.sum(Tensor(np.ones((400, 400))) * X)
    with pytest.raises(ValueError, match="read-only"):
        X[:] = 2
    J.backward()
    X[:] = 2


def test_a_map_of_a_file(tmp_path):
    for n in (3, 20_000):
        X = np.memmap(tmp_path / f"{n}", dtype=float, mode="w+", shape=(n,))
        X[:] = 1.0
        t = Tensor(np.ones(n))
        J = np.sum(t * X) + np.sum(np.dot(X, t)) + np.sum(t[np.memmap.argsort(X)])
        with contextlib.suppress(ValueError):
            X[:] = 5.0
        J.backward()
        np.testing.assert_array_equal(t.grad, np.full(n, 3.0))


def test_memory_of_somebody_elses():
    buffer = bytearray(np.ones(5000).tobytes())
    X = np.frombuffer(buffer)
    t = Tensor(np.ones(5000))
    J = np.sum(t * X)
    buffer[:] = bytes(len(buffer))
    J.backward()
    np.testing.assert_array_equal(t.grad, np.ones(5000))


def test_a_leaf_that_was_given_a_view():
    theta = np.ones(8)
    t = Tensor(np.zeros(6))
    t.data = theta[:6]
    J, _ = value_and_grad(lambda x: np.sum(x**3))(t)
    theta[:] = 5.0
    J.backward()
    np.testing.assert_array_equal(t.grad, np.full(6, 3.0))


def test_a_list_in_the_second_derivative():
    f = lambda x: np.sum(np.arctan2((1.5,), x))  # noqa: E731
    g = lambda x: np.sum(np.arctan2(np.array([1.5]), x))  # noqa: E731
    np.testing.assert_array_equal(hessian(f)(np.ones(2)), hessian(g)(np.ones(2)))


def test_a_tensor_where_no_derivative_is():
    condition, t = Tensor([1.0, 0.0]), Tensor([2.0, 3.0])
    J = np.sum(np.where(condition, t, 0.0))
    condition.data[:] = [0.0, 1.0]
    J.backward()
    np.testing.assert_array_equal(t.grad, [1, 0])


def test_a_failed_backward_leaves_no_marks():
    w = Tensor([1.0, 2.0])
    Z = w * 3
    J = np.sum(np.exp(Z))

    class BrokenError(Exception):
        pass

    from tinygrad_course import custom_rule

    def broken(g, y, x):
        raise BrokenError

    K = np.sum(custom_rule(lambda x: x * 1.0, broken)(w * 2) * 0 + Z * Z) + J
    with pytest.raises(BrokenError):
        K.backward(retain_graph=True)
    assert Z.grad is None
    assert w.grad is None
    J.backward(retain_graph=True)
    np.testing.assert_array_equal(Z.grad, np.exp(Z.data))


def test_locks_end_with_the_recordings():
    X = np.ones((200, 200))
    for _ in range(3):
        np.sum(Tensor(np.ones((200, 200))) * X)
    gc.collect()
    assert X.flags.writeable


def test_a_recording_that_an_error_has_ended_locks_nothing_while_the_error_is_kept():
    X, W = np.ones((100, 100)), np.ones((100, 100))

    def stopped(W):
        Z = np.dot(W, X)
        caches = {"A": [np.tanh(Z) * X]}
        raise KeyError(len(caches))

    errors = []
    for f in (stopped, lambda W: np.dot(W, X), lambda W: np.sum(np.dot(W, X) @ X[:3])):
        try:
            grad(f)(W)
        except (KeyError, ValueError) as error:
            errors.append(error)
        assert X.flags.writeable
        assert W.flags.writeable
    assert len(errors) == 3
