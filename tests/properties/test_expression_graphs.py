"""Random expression graphs over the whole table of rules: their gradients against numerical ones."""

import numpy as np
import pytest
from hypothesis import given, note, settings

from tinygrad_course import Tensor, vjp
from tinygrad_course.gradient_checking import check_gradients
from tinygrad_course.testing import expression_graphs
from tinygrad_course.testing.calls import calls

#: Second derivatives of the functions of mathematical physics are the vocabulary's affair.
_NUMPY = [c.name for c in calls() if not c.name.startswith("special.")]


@pytest.mark.long
@given(f=expression_graphs(max_operations=50))
def test_gradients_of_random_graphs(f):
    """Every entry of every input's gradient, whatever the graph."""
    note(str(f))
    before = [x.copy() for x in f.inputs]
    check_gradients(f, *f.inputs, argnums=range(len(f.inputs)))
    for x, old in zip(f.inputs, before, strict=True):
        np.testing.assert_array_equal(x, old)


@pytest.mark.long
@settings(max_examples=settings.default.max_examples // 2)
@given(f=expression_graphs(max_operations=8, only=_NUMPY))
def test_second_derivatives_of_random_graphs(f):
    note(str(f))
    check_gradients(f, *f.inputs, argnums=range(len(f.inputs)), order=2, directions=2)


@given(f=expression_graphs(max_operations=30))
def test_every_way_to_the_gradient_is_the_same(f):
    """backward() with the graph kept and then freed, which adds to the first, and vjp."""
    tensors = [Tensor(x) for x in f.inputs]
    J = f(*tensors)
    J.backward(retain_graph=True)
    once = [t.grad.copy() for t in tensors]
    J.backward()
    _, pullback = vjp(f, *f.inputs)
    for t, g, pulled in zip(tensors, once, pullback(np.ones(())), strict=True):
        np.testing.assert_array_equal(t.grad, 2 * g)
        np.testing.assert_array_equal(pulled, g)
        assert g.shape == t.shape
        assert g.dtype == t.dtype
