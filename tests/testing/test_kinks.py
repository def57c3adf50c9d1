"""Strategies keep away from kinks or aim at them, and single precision does not leave them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_course import grad
from tinygrad_course.gradient_checking import GradientMismatchError
from tinygrad_course.testing import (
    array_shapes,
    arrays_at_kinks,
    arrays_away_from_kinks,
    assert_gradients_match,
)


def w(x):
    return np.resize([1.0, -2.0, 4.0, 0.5], np.size(x))


#: Functions of some numbers, and where their kinks are: at numbers, or (None) where entries tie.
KINKED = {
    "relu": (lambda x: np.maximum(0, x) @ w(x), (0.0,)),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.01 * x) @ w(x), (0.0,)),
    "abs": (lambda x: np.abs(x) @ w(x), (0.0,)),
    "norm of order 1": (lambda x: np.linalg.norm(x, 1), (0.0,)),
    "clip": (lambda x: np.clip(x, -0.5, 1.5) @ w(x), (-0.5, 1.5)),
    "hard_tanh": (lambda x: np.clip(x, -1.0, 1.0) @ w(x), (-1.0, 1.0)),
    "hinge": (lambda x: np.maximum(0, 1 - x) @ w(x), (1.0,)),
    "floor": (lambda x: (x * np.floor(x)) @ w(x), (1.0, -1.0)),
    "sign": (lambda x: ((x + 2) * np.sign(x)) @ w(x), (0.0,)),
    "remainder": (lambda x: np.remainder(x, 0.75) @ w(x), (0.75, -1.5)),
    "max": (np.max, None),
    "min": (np.min, None),
    "ptp": (np.ptp, None),
    "sort": (lambda x: np.sort(x) @ w(x), None),
    "median": (lambda x: np.median(x[: (np.size(x) - 1) // 2 * 2 + 1]), None),
    "norm of order inf": (lambda x: np.linalg.norm(x, np.inf), None),
}


def sides(f, x, h=1e-6):
    """The slopes to both sides when one entry moves, for each entry."""
    steps = h * np.eye(x.size)
    return np.array([[(f(x + step) - f(x)) / h, (f(x) - f(x - step)) / h] for step in steps]).T


@pytest.mark.parametrize("name", KINKED)
def test_a_function_has_no_kink_where_arrays_keep_away(name):
    """Nor has it one within 0.05: pieces of lines, all of them, whose slopes need no small steps."""
    f, kinks = KINKED[name]

    @settings(max_examples=settings.default.max_examples // 2)
    @given(arrays_away_from_kinks(st.integers(4, 12), kinks=kinks or ()))
    def test(x):
        right, left = sides(f, x, h=0.05)
        np.testing.assert_allclose(right, left, atol=1e-9)
        np.testing.assert_allclose(grad(f)(x), right, atol=1e-9)

    test()


@pytest.mark.parametrize("name", [name for name, (_, kinks) in KINKED.items() if kinks])
def test_a_function_has_a_kink_in_each_array_that_aims_at_it(name):
    f, kinks = KINKED[name]

    @settings(max_examples=settings.default.max_examples // 4)
    @given(arrays_at_kinks(4, kinks))
    def test(x):
        right, left = sides(f, x)
        np.testing.assert_array_equal(np.abs(right - left) > 0.1, np.isin(x, kinks))
        assert np.isin(x, kinks).any()

    test()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", [name for name, (_, kinks) in KINKED.items() if not kinks])
def test_a_function_of_equal_entries_has_its_kink_among_the_ties(name):
    f, _ = KINKED[name]
    found = []

    @settings(max_examples=60, database=None)
    @given(arrays_at_kinks(4, ties=True))
    def test(x):
        right, left = sides(f, x)
        kinked = np.abs(right - left) > 0.1
        equal = np.abs(x)[:, None] == np.abs(x)[None, :]
        assert np.all(equal.sum(axis=0)[kinked] > 1)
        assert len(np.unique(x)) < x.size
        found.append(kinked.any())

    test()
    assert np.mean(found) > 0.1


def test_without_the_names_of_its_kinks_a_function_may_be_met_there():
    """What `kinks` is for: 1 lies between 0.25 and 2."""
    nearest = []

    @settings(max_examples=200, database=None)
    @given(arrays_away_from_kinks(st.integers(1, 20)))
    def test(x):
        nearest.append(np.min(np.abs(np.abs(x) - 1)))

    test()
    assert min(nearest) < 0.02


@given(data=st.data(), kinks=st.lists(st.floats(-2.5, 2.5), max_size=4).map(tuple), positive=st.booleans())
def test_no_entry_is_near_a_kink_or_another(data, kinks, positive):
    shape = data.draw(array_shapes(max_side=5))
    try:
        x = data.draw(arrays_away_from_kinks(shape, kinks=kinks, positive=positive))
    except ValueError as error:
        assert "near one of the kinks" in str(error)  # noqa: PT017
        return
    size = np.sort(np.abs(np.ravel(x)))
    assert x.shape == shape
    assert not positive or np.all(x > 0)
    assert np.all((size > 0.25) & (size < 2.0))
    assert all(np.all(np.abs(size - abs(kink)) > 1.75 / 20 - 1e-12) for kink in kinks)
    assert np.all(np.diff(size) > 0.02 / x.size)


def test_where_there_is_no_place():
    with pytest.raises(ValueError, match=r"low=0.9, high=1.1: everything between is near one of the kinks"):
        arrays_away_from_kinks(3, low=0.9, high=1.1, kinks=tuple(np.linspace(0.9, 1.1, 21)))
    with pytest.raises(ValueError, match="no two entries that could tie"):
        given(arrays_at_kinks(1, ties=True))(lambda x: None)()


@given(
    data=st.data(),
    low=st.floats(0.01, 1.0),
    wide=st.floats(2.0, 100.0),
    n=st.integers(1, 8),
    dtype=st.sampled_from([np.float16, np.float32]),
)
def test_single_precision_does_not_leave_its_strategy(data, low, wide, n, dtype):
    """Nothing lies outside of bounds that are no numbers of the dtype, nor near what is named."""
    high, kink = low * wide, low * (1 + wide) / 2
    x = data.draw(arrays_away_from_kinks(n, low=low, high=high, kinks=(kink,), dtype=dtype))
    assert x.dtype == dtype
    size = np.abs(x.astype(np.float64))
    assert np.all((size > low) & (size < high))
    assert np.all(np.abs(size - kink) > (high - low) / 20 - float(np.finfo(dtype).eps) * high)
    assert len(np.unique(size)) == n


@given(data=st.data(), dtype=st.sampled_from([np.float16, np.float32]), ties=st.booleans())
def test_single_precision_meets_its_kinks(data, dtype, ties):
    kinks = (0.1, -1.3)  # no numbers of the dtype
    x = data.draw(arrays_at_kinks((3, 2), kinks, ties=ties, dtype=dtype))
    assert x.dtype == dtype
    if ties:
        assert len(np.unique(x)) < x.size
    else:
        assert np.any((np.clip(x, -1.3, 0.1) == x) & ((x == dtype(0.1)) | (x == dtype(-1.3))))


PIECEWISE = {
    "relu": lambda x: np.sum(np.maximum(0, x)),
    "abs": lambda x: np.sum(np.abs(x)),
    "leaky": lambda x: np.sum(np.where(x > 0, x, 0.1 * x)),
    "hinge, squared": lambda x: np.sum(np.maximum(0, x) ** 2),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", PIECEWISE)
@given(x=arrays_at_kinks((3,)))
def test_right_gradients_at_kinks_and_where_nothing_moves_are_no_mistakes(name, x):
    assert_gradients_match(PIECEWISE[name], x)
    assert_gradients_match(PIECEWISE[name], -np.abs(x))
    assert_gradients_match(PIECEWISE[name], 0.0 * x)


@pytest.mark.parametrize("x", [[0.0, -1.0, -1.7], [-1.0], [0.0, 0.0]])
def test_wrong_gradients_there_are_mistakes(x):
    with pytest.raises(GradientMismatchError):
        assert_gradients_match(PIECEWISE["relu"], np.array(x), gradient=lambda x: 0 * x + 1.5)
