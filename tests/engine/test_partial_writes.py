"""Large arrays filled part by part: in their own memory, with the values, gradients and views of arrays."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_course import Tensor, grad, graph, hvp, value_and_grad, vjp, zeros
from tinygrad_course.engine import partial_writes, sweep
from tinygrad_course.engine.partial_writes import Overwritten, lying_alike

T, N = 40, 30
W = np.random.default_rng(0).standard_normal((N, N)) / N**0.5
X = np.random.default_rng(1).standard_normal((T, N))


def rows(w, buffer):
    H = buffer((T, N))
    for t in range(T):
        H[t] = np.tanh(w @ H[t - 1] + X[t])
    return np.sum(H**2)


def columns(w, buffer):
    M = buffer((N, T))
    M[:, 0] = w[0]
    for j in range(1, T):
        M[:, j] = np.tanh(w @ M[:, j - 1] + M[0, j - 1])
    return np.sum(M[:, -1] * M[:, 3])


def cells(w, buffer):
    M = buffer((N, N))
    for i in range(N):
        M[i, i] = w[i, 0] ** 2
        for j in range(1, 4):
            M[i, j] = M[i - 1, j - 1] * w[i, j] + 1.0
    return np.sum(M * X[:N])


def in_the_middle_axis(w, buffer):
    H = buffer((2, T, N))
    H[:, 0] = w[:2]
    for t in range(1, T):
        H[:, t] = np.sin(H[:, t - 1] @ w)
    return np.sum(H.reshape(-1)[5:] ** 2)


def augmented(w, buffer):
    H = buffer((T, N))
    for t in range(T):
        H[t] += w[0] * t
        H[t, 3:9] *= w[1, 3:9]
        row = H[t]
        row /= 1 + np.sum(row**2)
    return np.sum(H[::2] * H[1::2])


def by_arrays(w, buffer):
    H = buffer((T, N))
    for t in range(2, T):
        H[np.array([t, t - 1, t])] = np.stack([w[0] + H[t - 2], w[1], w[2] * t])
        H[np.arange(3), t % N] = w[3, :3] * H[t, np.array([1, 1, 5])]
        H[np.arange(T) == t, 1:4] = 0.5
    return np.sum(H**2)


def rewritten(w, buffer):
    H = buffer((T, N))
    first, flat = H[0], H.reshape(-1)
    for t in range(T):
        H[0] = w[t % N] * (first[::-1] + 1.0)
        H[1:3] = flat[N : 3 * N].reshape(2, N) + H[0]
    return np.sum(first * flat[N : 2 * N])


def two_arrays(w, buffer):
    A, B = buffer((T, N)), buffer((2, T, N))
    for t in range(4):
        A[t] = w[t]
        B[0] = A
        B[1, t] = A[t] * B[0, t]
        A[...] = B[0] * 1.01
    return np.sum(B**2) + np.sum(A**3)


def whole_meanwhile(w, buffer):
    H = buffer((T, N))
    J = 0.0
    for t in range(6):
        H[t] = w[t] * t
        J = J + np.sum(np.cos(H) * X) + np.max(H.T[2])
    return J


def numbers_alone(w, buffer):
    H = buffer((T, N))
    for t in range(T):
        H[t] = X[t]
        H[t][2:4] = 1.0
    H[3] = w[0]
    return np.sum(H**2 * w[1])


PROGRAMS = [
    rows, columns, cells, in_the_middle_axis, augmented, by_arrays, rewritten, two_arrays, whole_meanwhile,
    numbers_alone,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_values_are_numpys_and_slopes_those_of_differences(program):
    v = np.random.default_rng(2).standard_normal((N, N))
    value, g = value_and_grad(lambda w: program(w, zeros))(W)
    np.testing.assert_allclose(value, program(W, np.zeros), rtol=1e-13)
    e = 1e-6
    slope = (program(W + e * v, np.zeros) - program(W - e * v, np.zeros)) / (2 * e)
    np.testing.assert_allclose(np.sum(g * v), slope, rtol=1e-6)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_all_ways_agree_with_a_value_for_each_write(program, monkeypatch):
    v = np.random.default_rng(2).standard_normal((N, N))

    def all_ways():
        w = Tensor(W)
        J = program(w, zeros)
        J.backward()
        return w.grad, grad(lambda w: program(w, zeros))(W), hvp(lambda w: program(w, zeros))(W, v)

    ours = all_ways()
    monkeypatch.setattr(partial_writes, "WHOLE", 10**9)
    for a, b in zip(ours, all_ways(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("program", [rows, augmented, two_arrays, whole_meanwhile], ids=lambda p: p.__name__)
def test_third_derivatives_are_differences_of_second_ones(program):
    u, v = np.random.default_rng(3).standard_normal((2, N, N))
    small = 0.3 * W  # (of the long ones the differences are good to few digits)
    second = hvp(lambda w: program(w, zeros))
    third = grad(lambda w: np.sum(second(w, v) * u))(small)
    e = 1e-5
    slope = np.sum((second(small + e * v, v) - second(small - e * v, v)) * u) / (2 * e)
    np.testing.assert_allclose(np.sum(third * v), slope, rtol=2e-6)


@pytest.mark.parametrize("masked", [False, True])
def test_entries_that_were_not_read_get_no_gradient_of_the_second_order(masked):
    def cost(x):
        H = zeros((2, 200))
        H[0] = x
        roots = np.sqrt(H)  # infinite slopes at 0, in the row that was not written to
        J = np.sum(roots[0, 100:] ** 3)
        return J + np.sum(np.where(x > 2.0, x, 0.0)) if masked else J

    x = np.linspace(0.0, 1.0, 200)
    expected = np.where(np.arange(200) >= 100, 0.75 / np.sqrt(x + (x == 0)), 0.0)
    np.testing.assert_allclose(hvp(cost)(x, np.ones(200)), expected, rtol=1e-12)


def arrays_of(monkeypatch, run):
    """Return how many arrays the writes and the gradients of one array came to lie in."""
    written, shares = partial_writes.written, partial_writes.shares
    forward, back = [], []
    monkeypatch.setattr("tinygrad_course.engine.in_place.written", lambda *a: keep(forward, written(*a)))
    monkeypatch.setattr(sweep, "shares", lambda *a, **k: keep(back, shares(*a, **k)))

    def keep(those, found):
        those.append(found if type(found) is Tensor else found[0])
        return found

    run()
    held = {id(t._data) for t in forward if type(t._data) is not Overwritten}
    gradients = {id(getattr(g, "_data", g)) for g in back}
    return len(forward), len(held), len(back), len(gradients)


@pytest.mark.parametrize("program", [rows, columns, cells, augmented], ids=lambda p: p.__name__)
@pytest.mark.parametrize("backward", [False, True])
def test_no_write_and_no_gradient_of_one_copies_the_array(program, backward, monkeypatch):
    if backward:
        w = Tensor(W)
        counts = arrays_of(monkeypatch, lambda: program(w, zeros).backward())
    else:
        counts = arrays_of(monkeypatch, lambda: grad(lambda w: program(w, zeros))(W))
    writes, arrays, steps, gradients = counts
    assert writes >= T
    assert arrays <= 2  # that of the first write, which copies the zeros, and what the last left
    assert steps >= 2 * T - 2
    assert gradients <= 4  # of the array, of w, and what a sum made of one of them


def test_rows_that_are_read_share_one_gradient(monkeypatch):
    def read(X):
        return sum(np.sum(X[t] ** 2) * t for t in range(T))

    _, _, steps, gradients = arrays_of(monkeypatch, lambda: grad(read)(X))
    assert (steps, gradients) == (T, 1)
    np.testing.assert_allclose(grad(read)(X), 2 * X * np.arange(T)[:, None], rtol=1e-14)


@pytest.mark.parametrize(
    "derivative", [lambda f, w: grad(f)(w), lambda f, w: hvp(f)(w, w)], ids=["grad", "hvp"]
)
def test_memory_grows_as_what_is_written(derivative):
    def peak(steps):
        def run(w):
            H = zeros((steps, 50))
            for t in range(1, steps):
                H[t] = np.tanh(H[t - 1] * w)
            return np.sum(H)

        tracemalloc.start()
        derivative(run, np.linspace(0.5, 1.5, 50))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(800) < 3 * peak(400)


def test_what_was_written_over_can_be_looked_at():
    H = zeros((T, N))
    w = Tensor(W)
    expected, history = np.zeros((T, N)), []
    for t in range(4):
        H[t] = w[t] * (t + 1)
        expected[t] = W[t] * (t + 1)
        history.append(expected.copy())
    values = [node.value for node in graph(np.sum(H)).nodes if node.op == "assign"]
    assert len(values) == 4
    for value, then in zip(values, history, strict=True):
        np.testing.assert_array_equal(value, then)


def test_data_that_the_user_holds_stay():
    H = zeros((T, N))
    w = Tensor(W)
    H[0] = w[0]
    H[1] = w[1]
    data, row, copied = H.data, H[1], H.copy()
    H[1] = w[2]
    np.testing.assert_array_equal(data[1], W[1])
    np.testing.assert_array_equal(copied.data[1], W[1])
    np.testing.assert_array_equal(row.data, W[2])


def test_what_vjp_hands_out_stays():
    def outer(w):
        filled = []

        def inner(x):
            H = zeros((T, N))
            H[0] = x * w[0]
            H[1] = x
            filled.append(H)
            return H

        y, _ = vjp(inner, X[0])
        filled[0][0] = w[3]
        return np.sum(y**2) + np.sum(filled[0])

    value, g = value_and_grad(outer)(W)
    np.testing.assert_allclose(value, np.sum((X[0] * W[0]) ** 2) + np.sum(X[0] ** 2) + np.sum(W[3] + X[0]))
    expected = np.zeros((N, N))
    expected[0], expected[3] = 2 * X[0] ** 2 * W[0], 1.0
    np.testing.assert_allclose(g, expected, rtol=1e-13)


def test_a_write_that_fails_changes_nothing():
    H = zeros((T, N))
    w = Tensor(W)
    H[0] = w[0]
    H[1] = w[1]
    before = H.data.copy()
    with pytest.raises(ValueError, match=r"broadcast|could not"):
        H[1] = w[:2, :3]
    with pytest.raises(IndexError):
        H[T] = w[0]
    np.testing.assert_array_equal(H.data, before)


def test_leaves_are_written_in_their_own_memory_unless_somebody_holds_it():
    H = zeros((T, N))
    array = H._data
    address = array.__array_interface__["data"]
    del array
    H[0] = 1.0
    assert H._data.__array_interface__["data"] == address
    J = np.sum(H**2)
    H[1] = 5.0
    J.backward()
    np.testing.assert_array_equal(H.grad[1], 0.0)
    data = H.data
    H[2] = 7.0
    assert data[2, 0] == 0.0
    assert H.data[2, 0] == 7.0


@pytest.mark.filterwarnings("ignore:invalid value")
def test_branches_not_taken_give_the_rows_no_gradient():
    def run(x):
        H = zeros((T, N))
        for t in range(1, T):
            H[t] = np.where(x > 0, np.sqrt(x), 0.0) * t + H[t - 1]
        return np.sum(H[-1] ** 2)

    x = np.linspace(-1.0, 1.0, N)
    expected = np.where(x > 0, (T * (T - 1) / 2) ** 2, 0.0)
    np.testing.assert_allclose(grad(run)(x), expected, rtol=1e-12)
    leaf = Tensor(x)
    run(leaf).backward()
    np.testing.assert_allclose(leaf.grad, expected, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_a_row_read_twice_is_live_where_one_of_the_two_is():
    x = np.linspace(0.5, 2.0, T * N).reshape(T, N)
    x[5] = 0.0  # where the slope of the root is infinite, and nothing comes to

    def run(x):
        twice = np.sqrt(x)[np.array([0, 0])]
        return np.sum(np.where(np.array([[True], [False]]), twice, 0.0))

    expected = np.zeros((T, N))
    expected[0] = 0.5 / np.sqrt(x[0])
    np.testing.assert_allclose(grad(run)(x), expected, rtol=1e-14)


@given(st.data())
def test_copies_lie_in_memory_as_the_part_does(data):
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    whole = np.arange(float(np.prod(shape))).reshape(shape)
    whole = whole.transpose(data.draw(st.permutations(range(len(shape)))))
    index: list[int | slice] = []
    for n in whole.shape:
        start, step = data.draw(st.integers(0, n - 1)), data.draw(st.sampled_from([1, 2, -1, None]))
        index.append(start if step is None else slice(start if step > 0 else None, None, step))
    part = whole[(*index, ...)]
    copy = lying_alike(part)
    np.testing.assert_array_equal(copy, part)
    for flag in ("c_contiguous", "f_contiguous"):
        assert getattr(copy.flags, flag) == getattr(part.flags, flag)
    assert not np.shares_memory(copy, whole)
    for order in "CFA":
        for target in [(-1,), (part.size, 1), (1, -1), *([(2, -1), (-1, 2)] if part.size % 2 == 0 else [])]:
            views = [np.shares_memory(a.reshape(target, order=order), a) for a in (copy, part)]
            assert views[0] == views[1]
    assert np.shares_memory(np.ravel(copy), copy) == np.shares_memory(np.ravel(part), part)


def test_second_derivatives_of_rows_by_numbers_that_repeat():
    rng = np.random.RandomState(0)
    A, v = rng.randn(60, 5), rng.randn(60, 5)
    rows, i, j = rng.randint(-60, 60, 40), rng.randint(0, 60, (3, 4)), rng.randint(-5, 5, (3, 4))

    def f(A):
        y = A * A
        y[rows] = np.sin(A[rows[::-1]]) * 2
        y[i[0], j[0]] *= 3.0
        y[rows] += A[3]
        s = sum(np.sum(np.tanh(A[np.roll(rows, k)][: 10 + k]) ** 3) for k in range(4))
        return s + np.sum(y**3) + np.sum(y[i] ** 2 * A[i]) + np.sum(np.sin(A[i, j])) + np.sum(A[A > 0] ** 4)

    near = (grad(f)(A + 1e-5 * v) - grad(f)(A - 1e-5 * v)) / 2e-5
    np.testing.assert_allclose(hvp(f)(A, v), near, rtol=1e-5, atol=1e-4)
    third = grad(lambda A: np.sum(hvp(f)(A, v) * v))(A)
    near = (np.sum(hvp(f)(A + 1e-4 * v, v) * v) - np.sum(hvp(f)(A - 1e-4 * v, v) * v)) / 2e-4
    np.testing.assert_allclose(np.sum(third * v), near, rtol=1e-5)
