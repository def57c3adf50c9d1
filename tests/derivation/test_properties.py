"""Formulas drawn at random: what is derived agrees with a derivative that knows nothing of the graph."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_course import Tensor, derive, functions
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


# ------------------------------------------------------------------ programs that nobody has thought of

OF_ONE = {
    "tanh": np.tanh, "exp": lambda a: np.exp(0.3 * a), "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "square": lambda a: a**2, "relu": lambda a: np.maximum(0, a), "leaky": lambda a: np.maximum(a, 0.1 * a),
    "sum of rows": lambda a: np.sum(a, axis=0), "sum of the last": lambda a: np.sum(a, axis=-1),
    "kept": lambda a: np.sum(a, axis=0, keepdims=True), "mean": lambda a: np.mean(a, axis=-1, keepdims=True),
    "sum": np.sum, "T": np.transpose, "var": np.var, "var of rows": lambda a: np.var(a, axis=0),
    "norm": np.linalg.norm, "softmax": lambda a: np.exp(a) / np.sum(np.exp(a), axis=0),
    "its own softmax": functions.softmax, "layer norm": functions.layer_norm, "flat": np.ravel,
    "first": lambda a: a[:1], "column": lambda a: a[..., :1], "log": lambda a: np.log(1 + a * a),
    "root": lambda a: np.sqrt(1 + a * a), "where": lambda a: np.where(a > 0, a, 0.1 * a),
    "minus": np.negative,
}  # fmt: skip
OF_TWO = {
    "+": np.add, "*": np.multiply, "-": np.subtract, "/": lambda a, b: a / (1 + b * b), "@": np.matmul,
    "@ T": lambda a, b: a @ b.T, "dot": np.dot, "maximum": np.maximum, "outer": np.outer,
    "concatenate": lambda a, b: np.concatenate([a, b]), "arctan2": lambda a, b: np.arctan2(a, 1 + b * b),
    "power": lambda a, b: (1 + a * a) ** (0.5 * b),
}  # fmt: skip
SIZES = [np.sum, np.mean, lambda a: np.sum(a**2), lambda a: np.sum(a) / (2 * a.size)]


def program(seed):
    """A cost of random statements, and names for some of what is between."""
    rng = np.random.RandomState(seed)
    n, m = rng.randint(1, 4), rng.randint(1, 5)
    shapes = {"W": (n, m), "b": (n, 1), "r": (1, m), "s": (), "v": (m,)}
    pool = [Tensor(0.7 * rng.standard_normal(shape), name=name) for name, shape in shapes.items()]
    pool.append(rng.randn(n, m))
    names = {}

    def pick():
        return pool[-1 - rng.randint(3)] if rng.rand() < 0.5 else pool[rng.randint(len(pool))]

    for _ in range(rng.randint(2, 8)):
        table = OF_ONE if rng.rand() < 0.55 else OF_TWO
        f = list(table.values())[rng.randint(len(table))]
        try:
            y = f(pick()) if table is OF_ONE else f(pick(), pick())
        except (ValueError, IndexError, TypeError):
            continue  # the shapes do not fit
        if isinstance(y, Tensor):
            pool.append(y)
            if rng.rand() < 0.2:
                names[f"x{len(pool)}"] = y
    J = next(y for y in reversed(pool) if isinstance(y, Tensor))
    return J if J.size == 1 else SIZES[rng.randint(4)](J), names


@pytest.mark.parametrize("seed", range(40))
def test_every_line_of_a_program_agrees(seed):
    with np.errstate(all="ignore"):
        J, names = program(seed)
        if np.isfinite(J.data).all():
            d = derive(J, names=names)  # raises where a line does not agree
            assert d.text
            assert d.latex


def of_zero(W, v):
    """Products with a gradient that is 0 throughout."""
    u = W @ (np.exp(v) / np.sum(np.exp(v)) * 0.5)
    return np.sum(np.exp(u) / np.sum(np.exp(u), axis=0))


C23 = np.array([[0.1, 0.2, 0.3], [0.0, 0.5, -0.1]])
KINDS = {
    "terms that cancel": lambda W, v: np.sum(np.exp(v) / np.sum(np.exp(v))),
    "a cost of 0": lambda W, v: np.mean(functions.layer_norm(W)) * v[0],
    "a mask without a True": lambda W, v: np.sum(np.where(W > 100, W, W * v)),
    "an index into one number": lambda W, v: np.sum((v[1] * np.ones(3))[:1]) + np.mean(W),
    "products with 0": of_zero,
    "nothing is left": lambda W, v: np.sum(np.outer(v - v, v)) + np.sum(np.concatenate([v, v - v])),
    "nothing beside something": lambda W, v: np.sum(np.concatenate([W - W, W * v]) ** 2),
    "the norm of one number": lambda W, v: np.linalg.norm(np.mean(W[0] * v, keepdims=True)),
    "a flat number": lambda W, v: np.sum(np.ravel(np.sum(v) * 2)[:1]),
    "a number times (1, 1)": lambda W, v: np.sum(v) * W[:1, :1],
    "ties with a constant": lambda W, v: (
        np.sum(np.maximum(np.maximum(W, C23), C23) * v) + np.sum(np.minimum(np.minimum(C23, W), C23))
    ),
    "a number with an axis": lambda W, v: np.sum((W[:, :1] @ np.sum(W[:1, :1], axis=0)) ** 2),
}


@pytest.mark.parametrize("name", KINDS)
def test_kinds_that_random_programs_have_found(name):
    W, v = (
        Tensor(np.array([[0.3, -0.2, 0.5], [1.0, 0.4, -0.7]]), name="W"),
        Tensor([0.1, 0.7, -0.4], name="v"),
    )
    J = KINDS[name](W, v)
    found = {line.name: line.value for line in derive(J)}
    J.backward()
    for t in (W, v):
        if t.grad is not None:
            np.testing.assert_allclose(np.broadcast_to(found[f"d{t.name}"], t.shape), t.grad, atol=1e-12)


def test_what_has_overflowed_is_derived_by_its_logarithm():
    v = Tensor(np.array([800.0, 799.0]), name="v")
    with np.errstate(all="ignore"):
        J = np.sum(np.array([1.0, 2.0]) * (np.exp(v) / np.sum(np.exp(v))))
    A = 1 / (1 + np.exp([-1.0, 1.0]))
    np.testing.assert_allclose(derive(J)["dv"].value, A * ([1.0, 2.0] - A @ [1.0, 2.0]), rtol=1e-9)
