"""A compiled function computes what the function computes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.compiling import networks
from tinygrad_course import compiled, value_and_grad
from tinygrad_course.engine import trees

OPERATIONS = 200  # more than any of these functions has


def assert_equal(ours, theirs, exact=None):
    """Equal in structure, types and shapes; in value to 4 ulp of the largest entry, times the operations.

    `exact` is the same result in a wider dtype: where the function is far from it, so may the program be.
    """
    a, b = trees.leaves(ours), trees.leaves(theirs)
    c = b if exact is None else trees.leaves(exact)
    assert [path for path, _ in a] == [path for path, _ in b]
    for (path, x), (_, y), (_, z) in zip(a, b, c, strict=True):
        assert type(x) is type(y), path
        assert np.shape(x) == np.shape(y), path
        assert getattr(x, "dtype", None) == getattr(y, "dtype", None), path
        x, y, z = np.asarray(x), np.asarray(y), np.asarray(z)
        if y.dtype.kind != "f":
            assert np.array_equal(x, y), path
            continue
        assert np.array_equal(np.isfinite(x), np.isfinite(y)), (path, x, y)
        finite = np.isfinite(y)
        scale = max(np.max(np.abs(y[finite]), initial=0.0), 1e-3)
        eps = np.finfo(y.dtype).eps
        bound = 4 * OPERATIONS * eps * scale + 8 * np.max(np.abs(y - z)[finite], initial=0.0)
        bound = max(bound, 4 * eps)  # of terms of size 1, which may cancel to 0
        assert np.max(np.abs(x - y)[finite], initial=0.0) <= bound, (path, x, y)


def wider(tree):
    """The arrays of a nest in a wider dtype."""
    return trees.tree_map(lambda a: a.astype(np.longdouble), tree)


@given(networks.networks())
def test_training_steps_of_random_networks(case):
    step, parameters, X, Y = case
    program = compiled(step)
    for _ in range(3):
        with np.errstate(divide="ignore"):  # a network that is sure: log(0), which is mended
            result = program(parameters, X, Y)
            assert_equal(result, step(parameters, X, Y), step(wider(parameters), wider(X), wider(Y)))
        parameters = result[0]


@given(networks.recipes, st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_random_expressions_with_their_gradients(recipe, n, m, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(n, m)), rng.normal(size=(n, m))
    f = value_and_grad(networks.expression(recipe), argnums=(0, 1))
    program = compiled(f)
    for _ in range(2):
        assert_equal(program(a, b), f(a, b), f(wider(a), wider(b)))
        a, b = b + 0.1, a
