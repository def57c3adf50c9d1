"""The drawn sets: the course's own random streams, and the figures that were published on them."""

import itertools

import numpy as np
import pytest
import sklearn.datasets
from hypothesis import given
from hypothesis import strategies as st

from datasets import blobs, circles, digits, extra, flower, moons, no_structure, quantiles
from datasets.streams import stream

DRAWN = [flower, circles, moons, blobs, quantiles, no_structure, digits]


@pytest.fixture
def global_stream():
    """The course seeds NumPy's global stream; leave it as it was."""
    state = np.random.get_state()  # noqa: NPY002
    yield np.random.seed
    np.random.set_state(state)  # noqa: NPY002


def assert_holds(X, Y, rows, labels):
    assert np.array_equal(X, rows.T)
    assert np.array_equal(Y, labels.reshape(1, -1))


@pytest.mark.parametrize("module", DRAWN)
def test_every_drawn_set(module):
    data = module.load()
    assert data.name == module.__name__.rpartition(".")[2]
    parts = [(data.X_train, data.Y_train), (data.X_test, data.Y_test)]
    for X, Y in parts:
        assert X.dtype == Y.dtype == np.float64
        assert Y.shape == (1, X.shape[1])
        assert np.isfinite(X).all()
    assert set(np.unique(data.Y_train)) == {0.0, 1.0}
    assert not data.verified


@pytest.mark.parametrize("module", DRAWN)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_seed_gives_the_same_set_again_and_leaves_the_global_stream_alone(module, seed):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = module.load(seed=seed), module.load(seed=np.random.RandomState(seed))
    assert np.array_equal(first.X_train, second.X_train)
    assert np.array_equal(first.Y_train, second.Y_train)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("module", DRAWN)
def test_another_seed_gives_another_set(module):
    assert not np.array_equal(module.load(seed=11).X_train, module.load(seed=12).X_train)


@pytest.mark.parametrize("seed", [1, 2030, 7])
def test_the_flower_is_that_of_the_global_stream(global_stream, seed):
    global_stream(seed)
    rows = []
    for label in (0, 1):
        angle = np.linspace(3.12 * label, 3.12 * (label + 1), 200) + np.random.randn(200) * 0.2  # noqa: NPY002
        radius = 4 * np.sin(4 * angle) + np.random.randn(200) * 0.2  # noqa: NPY002
        rows.append(np.c_[radius * np.sin(angle), radius * np.cos(angle)])
    data = flower.load(seed)
    assert_holds(data.X, data.Y, np.vstack(rows), np.arange(400) // 200)


def test_the_circles_of_assignment_2_1(global_stream):
    data = circles.load()
    global_stream(1)
    assert_holds(data.X_train, data.Y_train, *sklearn.datasets.make_circles(n_samples=300, noise=0.05))
    global_stream(2)
    assert_holds(data.X_test, data.Y_test, *sklearn.datasets.make_circles(n_samples=100, noise=0.05))


def test_the_moons_of_assignment_2_2(global_stream):
    data = moons.load()
    global_stream(3)
    assert_holds(data.X, data.Y, *sklearn.datasets.make_moons(n_samples=300, noise=0.2))


@pytest.mark.parametrize("seed", [1, 4])
def test_the_optional_sets_come_from_one_stream_in_the_courses_order(global_stream, seed):
    drawn = extra.load(seed)
    global_stream(seed)
    rows, labels = sklearn.datasets.make_circles(n_samples=200, factor=0.5, noise=0.3)
    assert_holds(drawn["noisy_circles"].X, drawn["noisy_circles"].Y, rows, labels)
    rows, labels = sklearn.datasets.make_moons(n_samples=200, noise=0.2)
    assert_holds(drawn["noisy_moons"].X, drawn["noisy_moons"].Y, rows, labels)
    rows, labels = sklearn.datasets.make_blobs(n_samples=200, random_state=5, n_features=2, centers=6)
    assert_holds(drawn["blobs"].X, drawn["blobs"].Y, rows, labels % 2)
    rows, labels = sklearn.datasets.make_gaussian_quantiles(
        mean=None, cov=0.5, n_samples=200, n_features=2, n_classes=2, shuffle=True, random_state=None
    )
    assert_holds(drawn["gaussian_quantiles"].X, drawn["gaussian_quantiles"].Y, rows, labels)
    rows, second = np.random.rand(200, 2), np.random.rand(200, 2)  # noqa: NPY002
    assert_holds(drawn["no_structure"].X, drawn["no_structure"].Y, rows, second[:, 0].round())


def first_cost(X, Y, layers, seed, scale, hidden):
    """Cross-entropy before the first update, by hand: weights randn * scale(n_prev), biases 0."""
    random, A = np.random.RandomState(seed), X
    for n_prev, n in itertools.pairwise(layers):
        Z = random.randn(n, n_prev) * scale(n_prev) @ A
        A = hidden(Z)
    return float(np.mean(np.logaddexp(0, Z) - Y * Z))


@pytest.mark.parametrize(("seed", "weights", "published"), [(1, 2, "0.693048"), (2030, 2030, "0.693208")])
def test_the_first_published_cost_on_the_flower(seed, weights, published):
    data = flower.load(seed)
    cost = first_cost(data.X, data.Y, [2, 4, 1], weights, lambda _: 0.01, np.tanh)
    assert f"{cost:.6f}" == published


def test_the_first_published_cost_on_the_circles():
    data = circles.load()
    cost = first_cost(
        data.X_train, data.Y_train, [2, 10, 5, 1], 3, lambda n: np.sqrt(2 / n), lambda Z: np.maximum(0, Z)
    )
    assert cost == pytest.approx(0.8830537463419761, rel=1e-13)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("digit", range(10))
def test_every_digit_against_the_rest(digit):
    data = digits.load(digit)
    everything = sklearn.datasets.load_digits()
    assert data.X_train.shape == (64, 1437)
    assert data.X_test.shape == (64, 360)
    assert data.X_train.min() == 0
    assert data.X_train.max() == 1
    assert data.Y_train.sum() + data.Y_test.sum() == (everything.target == digit).sum()
    together = np.hstack([data.X_train, data.X_test]) * 16
    assert sorted(map(tuple, together.T)) == sorted(map(tuple, everything.data))


def test_the_split_of_the_digits_does_not_depend_on_the_digit():
    assert np.array_equal(digits.load(0).X_train, digits.load(9).X_train)


@pytest.mark.parametrize("digit", [-1, 10, 2.5, True, "3", None])
def test_no_such_digit(digit):
    with pytest.raises(ValueError, match="expected one of 0 to 9"):
        digits.load(digit)


@pytest.mark.parametrize("m_test", [-1, 1797])
def test_a_test_part_that_leaves_nothing_to_train_on(m_test):
    with pytest.raises(ValueError, match="expected 0 to 1796"):
        digits.load(m_test=m_test)


@pytest.mark.parametrize("m", [0, 1, 7, -2])
def test_a_flower_of_an_odd_number_of_points(m):
    with pytest.raises(ValueError, match="m must be even and at least 2"):
        flower.load(m=m)


def test_no_points_without_structure():
    with pytest.raises(ValueError, match="m is 0"):
        no_structure.load(m=0)


@pytest.mark.parametrize("seed", [1.0, "1", None, True, np.random.default_rng(1)])
def test_what_is_no_seed(seed):
    with pytest.raises(TypeError, match="expected an int"):
        stream(seed)


def test_a_stream_is_drawn_from_further():
    random = np.random.RandomState(1)
    assert stream(random) is random
    first, second = flower.load(random), flower.load(random)
    assert not np.array_equal(first.X, second.X)
    assert first.source == "drawn by formula, a stream that was passed in"
