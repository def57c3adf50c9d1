"""A function with a gradient by hand that forgets a factor: an example of a failing test."""

import numpy as np
from hypothesis import given

from tinygrad_course.testing import arrays_away_from_kinks, assert_gradients_match


def swish(x):
    return np.sum(x / (1 + np.exp(-x)))


def swish_gradient(x):
    s = 1 / (1 + np.exp(-x))
    return s + s * (1 - s)


@given(arrays_away_from_kinks(shape=(2,)))
def test_swish(x):
    assert_gradients_match(swish, x, gradient=swish_gradient)
