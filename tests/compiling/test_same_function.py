"""A program is the function it was made of: NumPy's types, infinities and NaN on the way, what is asked."""

from __future__ import annotations

import numpy as np
import pytest

from tests.compiling.test_equality import assert_equal
from tinygrad_course import compiled, value_and_grad

ENGINES = ["numpy", "machine"]
x = np.array([0.5, -1.0, 2.0])


def pasted(step):
    """Return the function that a program's source defines."""
    space = {"np": np}
    exec(step.source, space)  # noqa: S102
    return space["step"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("f", "arg"),
    [
        (lambda n: 2.0**n, np.int64(64)),
        (lambda n: 10.0 ** -np.sum(n), np.array([True, True])),
        (lambda n: n * 2.0, np.uint8(200)),
        (lambda n: n * 2.0, np.array([200], np.uint8)),
        (lambda n: np.full(3, 2.0) ** -n, np.arange(3)),
        (lambda m: np.where(m, 1.0, 2.0), np.array([1.0, 0.0])),
        (lambda m: (m[()], m), np.array(True)),
    ],
)
def test_a_float_that_is_whole_stays_a_float(f, arg, engine):
    step = compiled(f, engine=engine)
    assert_equal(step(arg), f(arg))
    assert_equal(pasted(step)(arg), f(arg))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", [3, 5000])
@pytest.mark.parametrize("dtype", [int, np.float64, np.float32, np.uint8])
@pytest.mark.parametrize(
    "f",
    [
        lambda m, x: np.sum(np.where(m, x, 0) ** 2),
        lambda m, x: np.where(m, 1.0, 2.0) + x,
        value_and_grad(lambda m, x: np.sum(np.exp(np.where(m, x, -1e9))), argnums=1),
        lambda m, x: np.where([1, 0, 2], x[:3], [0, 1, 2]) + m[0],
    ],
)
def test_a_condition_may_be_numbers(f, dtype, size, engine):
    rng = np.random.default_rng(0)
    m, x = rng.integers(0, 3, size).astype(dtype), rng.normal(size=size)
    assert_equal(compiled(f, engine=engine)(m, x), f(m, x))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shape", [np.ravel, np.transpose, np.copy, np.squeeze, lambda m: m[()], np.real])
@pytest.mark.parametrize("m", [np.array([[True, False]]), np.array([3, 4], np.int8), np.bool_(True)])
def test_an_argument_in_another_shape_is_a_new_array(shape, m, engine):
    result = compiled(shape, engine=engine)(m)
    assert_equal(result, shape(m))
    assert not np.shares_memory(result, m) or np.shares_memory(shape(m), m)


class Model:
    @compiled
    def step(self, w):
        return w * 2


def test_a_compiled_method_shows_its_program():
    model = Model()
    assert_equal(model.step(x), x * 2)
    assert "def step" in model.step.source
