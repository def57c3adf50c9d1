"""Sigmoids, softplus and softmax as the course writes them, far out."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import special

from tinygrad_course import Tensor, compiled, debug, grad, value_and_grad
from tinygrad_course.engine.stable_forms import Mended

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

SIGMOIDS = {
    "1 / (1 + exp(-z))": lambda z: 1 / (1 + np.exp(-z)),
    "1.0 / (np.exp(-z) + 1.0)": lambda z: 1.0 / (np.exp(-z) + 1.0),
    "exp(z) / (1 + exp(z))": lambda z: np.exp(z) / (1 + np.exp(z)),
    "(1 + exp(-z))**-1": lambda z: (1 + np.exp(-z)) ** -1.0,
    "reciprocal(exp(-1 * z) + 1)": lambda z: np.reciprocal(np.exp(-1 * z) + 1.0),
    "1 - 1 / (1 + exp(z))": lambda z: 1.0 - 1 / (1 + np.exp(z)),
    "np.divide(1, np.add(1, np.exp(-z)))": lambda z: np.divide(1, np.add(1, np.exp(np.negative(z)))),
}
POINTS = [-1000.0, -745.2, -50.0, -1.0, 0.0, 2.0, 30.0, 37.0, 710.0, 1000.0]


@pytest.mark.parametrize("name", SIGMOIDS)
@pytest.mark.parametrize("z", POINTS)
def test_sigmoids(name, z):
    s = SIGMOIDS[name]
    y, rest = special.expit(z), special.expit(-z)
    assert_allclose(grad(s)(z), y * rest, rtol=1e-7, atol=1e-300)
    assert_allclose(grad(grad(s))(z), y * rest * (rest - y), rtol=1e-6, atol=1e-15)
    assert_allclose(grad(lambda z: z * s(z))(z), y + z * y * rest, rtol=1e-7, atol=1e-15)
    assert_allclose(grad(lambda z: np.log(s(z)))(z), rest, rtol=2e-2, atol=1e-300)
    assert_allclose(grad(lambda z: np.log(1 - s(z)))(z), -y, rtol=2e-2, atol=1e-300)
    softplus = value_and_grad(lambda z: np.log(1 + np.exp(z)))(z)
    assert_allclose(softplus, (np.logaddexp(0, z), y), rtol=1e-7, atol=1e-15)


@pytest.mark.parametrize("name", SIGMOIDS)
def test_the_compiled_program_is_the_same(name):
    s = SIGMOIDS[name]
    z = np.array([-1000.0, -3.0, 0.0, 5.0, 1000.0])
    for cost in (
        lambda z: np.sum(s(z)),
        lambda z: np.sum(z * s(z)),
        lambda z: -np.mean(np.log(s(z))),
        lambda z: np.sum(np.log(1 - s(z))),
        lambda z: np.sum(np.log(1 + np.exp(z))),
    ):
        step = value_and_grad(cost)
        (value, slope), (value_, slope_) = step(z), compiled(step)(z)
        assert_allclose(value_, value, rtol=1e-9)
        assert_allclose(slope_, slope, rtol=1e-9, atol=1e-300)


Z = np.array([[1000.0, 1.0, -1000.0], [0.0, 2.0, 800.0]])
Y = np.array([[0.0, 1, 0], [1, 0, 1]])


def one_exponential(z):
    e = np.exp(z)
    return e / e.sum(axis=0)


SOFTMAXES = {
    "keepdims": lambda z: np.exp(z) / np.sum(np.exp(z), axis=0, keepdims=True),
    "one exponential": one_exponential,
    "shifted": lambda z: one_exponential(z - np.max(z, axis=0, keepdims=True)),
}


@pytest.mark.parametrize("name", SOFTMAXES)
@pytest.mark.parametrize("scale", [1.0, 0.002])
def test_softmax_by_hand(name, scale):
    softmax, z = SOFTMAXES[name], Z * scale
    value, slope = value_and_grad(lambda z: -np.sum(Y * np.log(softmax(z))))(z)
    assert_allclose(value, -np.sum(Y * special.log_softmax(z, axis=0)), rtol=1e-12)
    assert_allclose(slope, special.softmax(z, axis=0) - Y, atol=1e-12)
    picked = grad(lambda z: -np.sum(np.log(softmax(z)[[1, 0, 1], np.arange(3)])))(z)
    assert_allclose(picked, special.softmax(z, axis=0) - Y, atol=1e-12)
    step = value_and_grad(lambda z: -np.sum(Y * np.log(softmax(z))) + np.sum(softmax(z)[0]))
    for ours, theirs in zip(compiled(step)(z), step(z), strict=True):
        assert_allclose(ours, theirs, atol=1e-12)


def test_logsumexp_by_hand_and_tanh():
    x = np.array([1000.0, 999.0])
    value, slope = value_and_grad(lambda x: np.log(np.sum(np.exp(x))))(x)
    assert_allclose(value, special.logsumexp(x))
    assert_allclose(slope, special.softmax(x))
    value, slope = value_and_grad(lambda x: np.log(np.mean(np.exp(x))))(x)
    assert_allclose(value, special.logsumexp(x) - np.log(2))
    assert_allclose(slope, special.softmax(x))
    tanh = lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))  # noqa: E731
    assert value_and_grad(tanh)(-1000.0) == (-1.0, 0.0)
    assert value_and_grad(tanh)(1000.0) == (1.0, 0.0)


def test_a_network_that_is_sure_and_wrong():
    z, y = np.array([[1000.0, -1000.0, 40.0]]), np.array([[0.0, 1.0, 0.0]])
    for s in SIGMOIDS.values():

        def cost(z, s=s):
            A = s(z)
            return -np.sum(y * np.log(A) + (1 - y) * np.log(1 - A))

        value, slope = value_and_grad(cost)(z)
        assert_allclose(value, 2040.0)
        assert_allclose(slope, special.expit(z) - y)


def test_probabilities_that_are_denormal_numbers():
    z = np.array([745.0, -745.0, -700.0])
    for y in np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0]]):

        def cost(z, y=y):
            A = np.exp(z) / (1 + np.exp(z))
            return -np.sum(y * np.log(A) + (1 - y) * np.log(1 - A))

        assert_allclose(grad(cost)(z), special.expit(z) - y, rtol=1e-7, atol=1e-300)


@pytest.mark.parametrize("z", [-20.0, 8.0, 16.0, 20.0, 30.0])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 2e-9), (np.float32, 2e-6)])
def test_both_derivatives_of_swish_by_one_exponential(z, dtype, rtol):
    swish = lambda z: z * np.exp(z) / (1 + np.exp(z))  # noqa: E731
    y, rest = special.expit(z), special.expit(-z)
    assert_allclose(grad(swish)(dtype(z)), y + z * y * rest, rtol=rtol)
    assert_allclose(grad(grad(swish))(dtype(z)), y * rest * (2 + z * (rest - y)), rtol=rtol)


def test_numpys_own_value_where_it_is_finite():
    z = np.array([-800.0, -1.0, 3.0])
    s = SIGMOIDS["1 / (1 + exp(-z))"]
    np.testing.assert_array_equal(s(Tensor(z)).data, s(z))
    J = s(Tensor(z[1:]))
    assert not isinstance(J._op.function, Mended)


def test_float32_stays():
    z = np.array([-100.0, 100.0], dtype=np.float32)
    g = grad(lambda z: np.sum(SIGMOIDS["1 / (1 + exp(-z))"](z)))(z)
    assert g.dtype == np.float32
    assert_allclose(g, 0, atol=1e-40)


def test_debug_still_names_the_overflow():
    with debug(), pytest.raises(FloatingPointError, match="exp made inf"):
        grad(SIGMOIDS["1 / (1 + exp(-z))"])(-1000.0)
