"""Hypothesis for other people's gradients: strategies, and an assertion that shrinks to a minimal example.

A function of one's own with a gradient written by hand, tested in three lines:

>>> import numpy as np
>>> from hypothesis import given
>>> from tinygrad_course.testing import arrays_away_from_kinks, assert_gradients_match
>>> my_f = lambda x: np.sum(np.log(np.cosh(x)))
>>> my_grad = lambda x: np.tanh(x)
>>> @given(arrays_away_from_kinks(shape=(3, 4)))
... def test_mine(x):
...     assert_gradients_match(my_f, x, gradient=my_grad)
>>> test_mine()

Needs Hypothesis: ``pip install "tinygrad-course[testing]"``.
"""

try:
    import hypothesis  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        'tinygrad_course.testing needs Hypothesis: python -m pip install "tinygrad-course[testing]"'
    ) from error

from tinygrad_course.testing.arrays import (
    array_shapes,
    arrays_at_kinks,
    arrays_away_from_kinks,
    broadcastable_arrays,
    broadcastable_shapes,
)
from tinygrad_course.testing.asserting import assert_gradients_match
from tinygrad_course.testing.expressions import Expression, expression_graphs
from tinygrad_course.testing.networks import NetworkExample, networks

__all__ = [
    "Expression", "NetworkExample", "array_shapes", "arrays_at_kinks", "arrays_away_from_kinks",
    "assert_gradients_match", "broadcastable_arrays", "broadcastable_shapes", "expression_graphs", "networks",
]  # fmt: skip
