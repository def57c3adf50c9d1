"""Formulas drawn at random: what is derived agrees with a derivative that knows nothing of the graph."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_course import Tensor, derive
from tinygrad_course.derivation.constants import affine, number

UNARY = {
    "sin": np.sin, "tanh": np.tanh, "exp": lambda x: np.exp(-x * x), "log": lambda x: np.log(2 + x * x),
    "square": np.square, "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "negative": np.negative,
    "root": lambda x: np.sqrt(1 + x * x), "half": lambda x: x / 2,
}  # fmt: skip
BINARY = {
    "add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / (2 + np.tanh(b)),
}  # fmt: skip
STEPS = st.lists(
    st.tuples(st.sampled_from([*UNARY, *BINARY]), st.integers(0, 99), st.integers(0, 99)),
    min_size=1,
    max_size=5,
)


def computed(steps, leaves):
    """Run a program: each step takes two of the values that there are, and adds one."""
    values = list(leaves)
    for name, i, j in steps:
        a, b = values[i % len(values)], values[j % len(values)]
        values.append(UNARY[name](a) if name in UNARY else BINARY[name](a, b))
    return values[-1]


def by_complex_step(f, leaves, k):
    moved = [complex(x) for x in leaves]
    moved[k] += 1e-30j
    return f(moved).imag / 1e-30


@given(STEPS, st.lists(st.floats(-1.5, 1.5), min_size=2, max_size=2))
def test_numbers_against_the_complex_step(steps, points):
    leaves = [Tensor(x, name=n) for x, n in zip(points, "xy", strict=True)]
    J = computed(steps, leaves)
    derivation = derive(J)
    for k, name in enumerate("xy"):
        lines = [line for line in derivation if line.name == f"dJ/d{name}"]
        expected = by_complex_step(lambda values: computed(steps, values), points, k)
        for line in lines:
            np.testing.assert_allclose(line.value, expected, rtol=1e-9, atol=1e-12)
        if not lines:  # the cost does not depend on it
            assert expected == 0


@given(
    STEPS,
    st.sampled_from([(3, 4), (1, 4), (3, 1), (4,)]),
    st.sampled_from([(3, 4), (1, 4), (3, 1), ()]),
    st.booleans(),
)
def test_arrays_against_the_complex_step(steps, one, two, mean):
    """Whatever is broadcast on the way is summed on the way back, in formulas as in numbers."""
    random = np.random.RandomState(3)
    data = [np.asarray(random.uniform(-1, 1, shape)) for shape in (one, two)]

    def cost(values):
        return (np.mean if mean else np.sum)(computed(steps, values))

    leaves = [Tensor(x, name=n) for x, n in zip(data, "PQ", strict=True)]
    derivation = derive(cost(leaves))
    for k, name in enumerate("PQ"):
        lines = [line for line in derivation if line.name in {f"d{name}", f"dJ/d{name}"}]
        expected = np.zeros(data[k].shape)
        for index in np.ndindex(data[k].shape):
            moved = [x.astype(complex) for x in data]
            moved[k][index] += 1e-30j
            expected[index] = np.imag(cost(moved)) / 1e-30
        for line in lines:
            value = np.broadcast_to(line.value, expected.shape) if np.size(line.value) == 1 else line.value
            np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-12)
        if not lines:
            assert not expected.any()


@given(st.floats(-1e6, 1e6))
def test_numbers_keep_their_value(value):
    written = number(value)
    assert float(written.value if hasattr(written, "value") else written) == value


@given(
    st.integers(-4, 4), st.integers(-4, 4), st.lists(st.integers(-5, 5), min_size=3, max_size=6, unique=True)
)
def test_an_array_in_terms_of_another(a, b, entries):
    k = np.array(entries, dtype=float)
    fit = affine(a * k + b, k)
    if a:
        np.testing.assert_allclose(fit[0] * k + fit[1], a * k + b)
    assert affine(k**2 + np.arange(len(k)) * 1e3, k) is None
    assert affine(np.array([0.0, 1.0]), np.array([1.0, 2.0])) is None  # as any two numbers are
