"""A compiled function computes what the function computes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compiling import networks
from tinygrad_course import compiled, grad, value_and_grad
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
        bound = max(bound, 16 * eps)  # of terms of size 4, which may cancel: 1 - A**2 times an input
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


Y, picture = np.array([True, False, True]), np.array([[250, 3], [200, 17]], np.uint8)
KINDS = {  # of numbers, and what they must stay
    "a comparison of booleans": (lambda Y: [Y > 0, Y >= 1, Y < 1, Y <= 0, Y == 1, Y > 2, Y[::-1] < Y], Y),
    "labels that are asked": (lambda Y: np.mean(np.where(Y > 0, np.log(2.5), np.sin(1.0 * Y))), Y),
    "a square of booleans": (lambda Y: [Y * Y, ~(Y * Y), Y**2], Y),
    "a float power": (lambda x: [x**2.0, np.mean(x**2.0), np.power(x, 2.0), x * 1.0, x**1.0], picture),
    "an integer power": (lambda x: [x**2, x * x, x * 1], picture),
    "a count": (lambda Y: [np.sum(Y) ** -1.0, np.sum(Y) * 1.0, 10.0 ** -np.sum(Y), 2.0 ** np.argmax(Y)], Y),
    "numbers of NumPy's": (lambda n: [n**2.0, n * 2.0, 2.0**n, n - 0.0, -0.0 * n], np.int64(64)),
    "a small number": (lambda n: [n * 2.0, n + 1.0], np.uint8(200)),
    "numbers of Python's": (lambda n: [n * 1.0, n / 1, n**2.0, 1.0 * n], np.array(3)),
    "a number to choose": (lambda Y: np.where(Y, 2.0, 1.0), Y),
    "np.add.reduce": (lambda x: [np.add.reduce(x), np.add.reduce(x, axis=None), np.add.reduce(x, -1)], wider),
}


@pytest.mark.parametrize("engine", ["numpy", "machine", "source"])
@pytest.mark.parametrize("name", KINDS)
def test_numbers_stay_of_their_kind(name, engine):
    f, x = KINDS[name]
    x = np.arange(6.0).reshape(2, 3) if x is wider else x
    program = compiled(f, engine="machine" if engine == "machine" else "numpy")
    ours = program(x)
    if engine == "source":
        space = {"np": np}
        exec(program.source, space)  # noqa: S102  (the library's own text)
        ours = space["step"](x)
    assert_equal(ours, f(x))


def test_norms_of_rows_and_columns_have_their_gradient_wherever_they_are_added():
    for order in (np.inf, -np.inf, 1, -1):
        step = compiled(grad(lambda Z: np.linalg.norm(Z, order)))  # noqa: B023  (it is called here)
        for Z in np.random.default_rng(0).normal(size=(50, 3, 4)):
            sums = np.sum(np.abs(Z), axis=int(abs(order) > 1), keepdims=True)
            extreme = np.max(sums) if order > 0 else np.min(sums)
            assert np.array_equal(step(Z), np.sign(Z) * (sums == extreme))


@pytest.mark.parametrize("sizes", [[1, 2, 1, 2], [2, 1, 2, 2]])
def test_layers_of_one_unit_wait_for_each_other(sizes):
    numbers = np.random.default_rng(0)
    step = networks.training_step(["tanh", "tanh", "sigmoid"], "cross entropy", 0.1, 0.1)
    parameters, X = networks.parameters_of(numbers, sizes), numbers.normal(size=(sizes[0], 1))
    Y = np.array([[1.0], [0.0]])
    assert_equal(compiled(step)(parameters, X, Y), step(parameters, X, Y))
