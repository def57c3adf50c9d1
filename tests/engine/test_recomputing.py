"""Gradients where numbers on the way are too large or too small: against fifty and more digits."""

import functools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_course import Tensor, compiled, grad, hessian, jvp, value_and_grad
from tinygrad_course.functions import gelu

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

#: Functions of a number, written with the functions of `n`: NumPy, or mpmath.
FUNCTIONS = {
    "gompertz": lambda n, z: n.exp(-n.exp(-z)),
    "complementary log-log": lambda n, z: 1 - n.exp(-n.exp(z)),
    "log of that": lambda n, z: n.log(1 - n.exp(-n.exp(z))),
    "gumbel": lambda n, z: n.exp(-(z + n.exp(-z))),
    "sigmoid of an exponential": lambda n, z: 1 / (1 + n.exp(n.exp(-z))),
    "softplus of an exponential": lambda n, z: n.log(1 + n.exp(n.exp(z))),
    "exp**-1": lambda n, z: n.exp(z) ** -1,
    "log exp**-2": lambda n, z: n.log(n.exp(z) ** -2),
    "1 / exp": lambda n, z: 1 / n.exp(z),
    "log(1 / exp)": lambda n, z: n.log(1 / n.exp(z)),
    "sqrt exp": lambda n, z: n.sqrt(n.exp(z)),
    "exp times exp": lambda n, z: n.exp(z) * n.exp(-z),
    "gaussian": lambda n, z: n.exp(-(z**2) / 2),
    "log of a gaussian": lambda n, z: n.log(n.exp(-(z**2) / 2)),
    "a gaussian's odds": lambda n, z: n.exp(-(z**2) / 2) / (1 + n.exp(-(z**2) / 2)),
    "sech": lambda n, z: 2 / (n.exp(z) + n.exp(-z)),
    "1 / cosh": lambda n, z: 1 / n.cosh(z),
    "sinh / cosh": lambda n, z: n.sinh(z) / n.cosh(z),
    "tanh": lambda n, z: (n.exp(z) - n.exp(-z)) / (n.exp(z) + n.exp(-z)),
    "tanh of one exponential": lambda n, z: (n.exp(2 * z) - 1) / (n.exp(2 * z) + 1),
    "power": lambda n, z: 1 / (1 + z**50),
    "large power": lambda n, z: 1 / (1 + z**150),
    "hill": lambda n, z: z**150 / (1 + z**150),
    "student": lambda n, z: (1 + z**2) ** -200,
    "swish": lambda n, z: z / (1 + n.exp(-z)),
    "log sigmoid": lambda n, z: n.log(1 / (1 + n.exp(-z))),
    "log(1 - sigmoid)": lambda n, z: n.log(1 - 1 / (1 + n.exp(-z))),
    "log log": lambda n, z: n.log(-n.log(1 - n.exp(-n.exp(z)))),
    "mish": lambda n, z: z * n.tanh(n.log(1 + n.exp(z))),
    "log of a sum": lambda n, z: n.log(n.exp(z) + n.exp(z / 2) + n.exp(-z)),
    "root of a sum": lambda n, z: n.sqrt(n.exp(z) + n.exp(2 * z)),
    "quotient": lambda n, z: n.exp(z) / n.exp(z / 2),
}
NESTED = {"gompertz", "complementary log-log", "log of that", "gumbel", "log log"} | {
    name for name in FUNCTIONS if "an exponential" in name
}


def holds(f, z, gradient, value):
    """Whether a gradient is the one of 900 digits, up to what NumPy's own value is wrong by."""
    with mpmath.workdps(900):
        h, z = mpmath.mpf(10) ** -300, mpmath.mpf(z)
        slope = float((f(mpmath, z + h) - f(mpmath, z - h)) / (2 * h))
        wrong = float(abs(f(mpmath, z) - value))
    assert np.isfinite(gradient)
    return abs(gradient - slope) <= (1e-7 + 4 * wrong) * abs(slope) + 3e-16 * (1 + abs(value))


POINTS = [-745.2, -720.0, -400.0, -88.0, -40.0, -6.56, -3.0, 0.5, 6.56, 37.0, 88.0, 300.0, 400.0, 750.0]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_where_the_value_is_finite_the_gradient_is_right(name):
    f = FUNCTIONS[name]
    of_arrays = functools.partial(f, np)
    for z in POINTS if name in NESTED else [-1e5, -1000.0, *POINTS, 1e5]:
        value = of_arrays(np.float64(z))
        if np.isfinite(value):
            assert holds(f, z, grad(of_arrays)(z), value), z
            assert value_and_grad(of_arrays)(z)[0] == value
            t = Tensor(z)
            of_arrays(t).backward()
            assert t.grad == grad(of_arrays)(z)


@given(name=st.sampled_from(sorted(FUNCTIONS)), z=st.floats(-800, 800))
def test_anywhere(name, z):
    f = FUNCTIONS[name]
    value = f(np, np.float64(z))
    if np.isfinite(value) and not (name in NESTED and abs(z) > 760):
        assert holds(f, z, grad(functools.partial(f, np))(z), value)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("engine", ["numpy", pytest.param("machine", marks=pytest.mark.long)])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_compiled_alike(name, engine):
    both = value_and_grad(lambda z: np.sum(FUNCTIONS[name](np, z)))
    step = compiled(both, engine=engine)
    for z in POINTS:
        x = np.array([z, 0.3])
        if np.isfinite(FUNCTIONS[name](np, x)).all():
            for ours, theirs in zip(step(x), both(x), strict=True):
                # Terms that cancel (50 and -50 in the hill at -3) leave their rounding, each engine its own.
                np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-14)


@pytest.mark.parametrize("z", [-750.0, -30.0, -1.0, 2.0])
def test_at_the_second_order_and_forwards(z):
    gompertz = lambda z: np.exp(-np.exp(-z))  # noqa: E731
    with mpmath.workdps(900):
        e = mpmath.exp(-mpmath.mpf(z))
        second = float(mpmath.exp(-e) * e * (e - 1))
        first = float(mpmath.exp(-e) * e)
    np.testing.assert_allclose(grad(grad(gompertz))(z), second, rtol=1e-9)
    np.testing.assert_allclose(jvp(gompertz, (z,), (2.0,))[1], 2 * first, rtol=1e-9)
    x = np.array([z, 0.5])
    np.testing.assert_allclose(hessian(lambda x: np.sum(gompertz(x)))(x)[0, 0], second, rtol=1e-9)


def test_layers_in_front_of_it_and_large_arrays():
    rng = np.random.default_rng(0)
    W, X = rng.normal(size=(3, 4)), rng.normal(size=(4, 5000))
    X[:, 0] = [-2000.0, 1.0, 0.0, 0.0]

    def cost(W):
        Z = np.dot(W, X)
        A = np.exp(-np.exp(-np.concatenate([Z[:1], Z[1:] * 2.0])))
        return np.mean(A, axis=1).sum()

    Z = np.dot(W, X) * np.array([[1.0], [2.0], [2.0]])
    dZ = np.exp(-Z - np.exp(-Z)) * np.array([[1.0], [2.0], [2.0]]) / 5000
    expected = np.nan_to_num(dZ) @ X.T
    np.testing.assert_allclose(grad(cost)(W), expected, rtol=1e-9)
    w = Tensor(W)
    cost(w).backward()
    np.testing.assert_allclose(w.grad, expected, rtol=1e-9)


def test_single_precision_stays():
    z = np.array([-200.0, -3.0, 2.0], np.float32)
    g = grad(lambda z: np.sum(np.exp(-np.exp(-z))))(z)
    assert g.dtype == np.float32
    np.testing.assert_allclose(g, [0, *np.exp(-z[1:] - np.exp(-z[1:]))], rtol=1e-5)


def test_slopes_that_are_infinite_or_not_there_stay():
    assert grad(np.sqrt)(0.0) == np.inf
    assert np.isnan(grad(lambda x: np.sqrt(x**2))(0.0))
    assert grad(lambda z: 1 / np.exp(z))(-709.0) == pytest.approx(-np.exp(709.0))
    assert np.isinf(grad(lambda z: 1000 * (1 / np.exp(z)))(-705.0))


@pytest.mark.parametrize("engine", ["numpy", pytest.param("machine", marks=pytest.mark.long)])
def test_cubes_that_overflow_in_single_precision(engine):
    x = np.array([1e13, -3e37, 1.0], np.float32)
    f = value_and_grad(lambda x: np.sum(gelu(x, approximate=True)))
    for _, slope in (f(x), compiled(f, engine=engine)(x)):
        np.testing.assert_allclose(slope, [1.0, 0.0, 1.0829641], rtol=1e-6)


@pytest.mark.parametrize("name", ["gompertz", "hill", "1 / cosh", "log of a sum"])
def test_under_layers_of_large_arrays(name):
    """What `backward` lets go of on its way is no part of what is computed again."""
    z = np.linspace(-760.0, 700.0, 9001)
    z[1::3] = 0.5

    def cost(z):
        a = 2.0 * (FUNCTIONS[name](np, z) + 1.0)
        return np.sum(np.sin(np.where(a < 1e3, a, 0.0) - np.mean(z)) ** 2) + np.sum(z)

    t = Tensor(z)
    cost(t).backward()
    expected = grad(cost)(z)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(t.grad, expected, rtol=1e-12)


@pytest.mark.parametrize("n", [3, 9000])
def test_products_on_the_way_back_that_are_too_large(n):
    def cost(x):
        tiny = x * 1e-140 * 1e-140
        return 1e40 * np.sum(np.log(tiny + 1e-290)) + np.sum(np.dot(x, np.ones(n)))

    x = np.linspace(1.0, 2.0, n)
    t = Tensor(x)
    cost(t).backward()
    np.testing.assert_allclose(t.grad, 1e40 / x, rtol=1e-9)
    np.testing.assert_allclose(grad(cost)(x), 1e40 / x, rtol=1e-9)


factors = st.sampled_from([0.0, -2.0, 3.0, 1e-200, 1e150, -1e200])


@given(x=st.lists(factors, min_size=1, max_size=12), k=st.integers(0, 11))
def test_running_products_out_of_range(x, k):
    """The k-th of them, against whole numbers and fractions; what comes after it has no part.

    Where a product of neighbours vanishes on the way, NumPy's own value has lost it too.
    """
    x, k = np.array(x), min(k, len(x) - 1)
    f = lambda x: np.cumprod(x)[k]  # noqa: E731
    exact = [Fraction(v) for v in x.tolist()]
    expected = [math.prod(exact[:i] + exact[i + 1 : k + 1]) if i <= k else 0 for i in range(len(x))]
    if np.isfinite(f(x)):
        for i, (ours, theirs) in enumerate(zip(grad(f)(x), expected, strict=True)):
            others = exact[:i] + exact[i + 1 : k + 1]
            ends = range(1, len(others) + 1)
            parts = [math.prod(others[a:b]) for b in ends for a in range(b)]
            if abs(theirs) < 1e300 and all(p == 0 or abs(p) > 1e-300 for p in parts):
                assert ours == pytest.approx(float(theirs), rel=1e-12)


def test_what_has_no_entries_and_a_dtype_among_the_arguments():
    x = np.array([[0.0, 1.0, 2.0], [3.0, 5.0, 4.0]])
    J = lambda x: np.cov(x + np.sqrt(x))[1, 1]  # noqa: E731
    assert np.isfinite(grad(J)(x)[1]).all()
    padded = grad(lambda x: np.sum(np.pad(np.sqrt(x), ((3, 0), (0, 2)), "median")))(x)
    assert np.isinf(padded[0, 0])
    assert np.isfinite(padded[1]).all()
