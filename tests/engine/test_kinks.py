"""Functions that are smooth at 0 though they are made of kinks there, recorded and compiled."""

import numpy as np
import pytest

from tinygrad_course import Tensor, compiled, grad, hessian

x = np.array([0.7, 0.0, -0.4, 0.0])


def cross_entropy(z):
    return np.maximum(z, 0) - 0.3 * z + np.log1p(np.exp(-np.abs(z)))


def with_the_size_first(z):
    return np.log1p(np.exp(-abs(z))) - np.minimum(0.0, -z)


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def sigmoid_from_below(z):
    e = np.exp(-np.fabs(-z))
    return np.where(-z > 0, e / (1 + e), 1 / (1 + e))


def inverse_sine(z):
    size = np.log(np.abs(z) + np.sqrt(z * z + 1))
    return np.where(z > 0, size, -size)


def signed_logarithm(z):
    return np.sign(z) * np.log1p(np.abs(z))


def signed_of_the_negative(z):
    return np.expm1(abs(z)) * np.sign(-z) + 2.0 * np.sinh(z)


def s(z):
    return 1 / (1 + np.exp(-z))


def curve(z):
    return s(z) * s(-z) * (s(-z) - s(z))


#: With the first and the second derivative.
SMOOTH = [
    (cross_entropy, lambda z: s(z) - 0.3, lambda z: s(z) * s(-z)),
    (with_the_size_first, s, lambda z: s(z) * s(-z)),
    (sigmoid, lambda z: s(z) * s(-z), curve),
    (sigmoid_from_below, lambda z: s(z) * s(-z), curve),
    (inverse_sine, lambda z: (1 + z * z) ** -0.5, lambda z: -z * (1 + z * z) ** -1.5),
    (signed_logarithm, lambda z: 1 / (1 + np.abs(z)), lambda z: -np.sign(z) / (1 + np.abs(z)) ** 2),
    (signed_of_the_negative, lambda z: np.exp(-np.abs(z)), lambda z: -np.sign(z) * np.exp(-np.abs(z))),
    (lambda z: np.copysign(np.fabs(z) / 2, z), lambda z: 0 * z + 0.5, np.zeros_like),
    (lambda z: np.maximum(z, 0) + np.minimum(z, 0), np.ones_like, np.zeros_like),
    (lambda z: np.maximum(z, 0) - np.maximum(-z, 0), np.ones_like, np.zeros_like),
]


@pytest.mark.parametrize(("f", "slope", "curvature"), SMOOTH)
def test_kinks_that_cancel(f, slope, curvature):
    weights = np.arange(1.0, 5.0)

    def cost(z):
        return np.sum(f(z) * weights)

    t = Tensor(x)
    cost(t).backward()
    for found in (grad(cost)(x), t.grad, compiled(grad(cost))(x), compiled(grad(cost), engine="machine")(x)):
        np.testing.assert_allclose(found, slope(x) * weights, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(hessian(cost)(x), np.diag(curvature(x) * weights), rtol=1e-10, atol=1e-12)
    z = Tensor(0.0)
    f(z).backward()
    np.testing.assert_allclose([z.grad, grad(f)(0.0), compiled(grad(f))(0.0)], slope(np.float64(0.0)))


def size_with_its_sign(z):
    d = z - 0.7
    return np.copysign(np.abs(d), d)


STRIKES = np.array([0.7, 0.5, -0.4, 1.0])
#: Of what is added up to a line, or to what is smooth, at other numbers than 0 too.
ELSEWHERE = [
    (lambda z: np.maximum(z, 0.7) + np.minimum(z, 0.7), np.ones_like),
    (lambda z: np.maximum(0, z - 0.7) - np.maximum(0.7 - z, 0), np.ones_like),
    (lambda z: np.clip(z, 0, 1) + np.clip(z, -1, 0) + np.maximum(z - 1, 0), np.ones_like),
    (lambda z: z.clip(None, 0.7) + np.clip(z, 0.7, None), np.ones_like),
    (lambda z: np.clip(z, 0, 0.7) + z.clip(min=0.7) + z.clip(max=0), np.ones_like),
    (lambda z: np.maximum(z, 0.7) - np.clip(-z, -0.7, 5), np.ones_like),
    (lambda z: np.maximum(z, 0.7) + np.log1p(np.exp(-np.abs(z - 0.7))), lambda z: s(z - 0.7)),
    (lambda z: np.sign(0.7 - z) * np.log1p(np.abs(z - 0.7)), lambda z: -1 / (1 + np.abs(z - 0.7))),
    (
        lambda z: np.maximum(0, z) + np.minimum(0, 2 * (np.exp(z / 2) - 1)),
        lambda z: np.exp(np.minimum(z, 0) / 2),
    ),
    (lambda z: np.maximum(np.zeros(4), z) + np.minimum(np.expm1(z), 0), lambda z: np.exp(np.minimum(z, 0))),
    (lambda z: np.fmax(z, 0.7) + np.fmin(0.7, z), np.ones_like),
    (lambda z: np.maximum(z - STRIKES, 0) - np.maximum(STRIKES - z, 0), np.ones_like),
    (lambda z: np.maximum(z, STRIKES) + np.log1p(np.exp(-np.abs(z - STRIKES))), lambda z: s(z - STRIKES)),
    (lambda z: np.maximum(3 * z, 3) + np.minimum(6 * z, 6) / 2, lambda z: 3 * np.ones_like(z)),
    (size_with_its_sign, np.ones_like),
]


@pytest.mark.parametrize(("f", "slope"), ELSEWHERE)
def test_kinks_that_cancel_elsewhere(f, slope):
    z, weights = np.array([0.7, 0.0, -0.4, 1.0]), np.arange(1.0, 5.0)

    def cost(z):
        return np.sum(f(z) * weights)

    for found in (grad(cost)(z), compiled(grad(cost))(z), compiled(grad(cost), engine="machine")(z)):
        np.testing.assert_allclose(found, slope(z) * weights, rtol=1e-12, atol=1e-15)


def distorted(p):
    r, angle = np.hypot(p[0], p[1]), np.arctan2(p[1], p[0])
    r = 3 * r * (1 - 0.1 * r**2)
    return np.stack([np.cos(angle) * r, r * np.sin(angle)])


@pytest.mark.parametrize("engine", ["numpy", "machine"])
def test_polar_coordinates_there_and_back(engine):
    p, weights = np.array([[0.0, 0.3, 0.0], [0.0, -0.4, 2.0]]), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

    def plainly(p):
        return np.sum(weights * 3 * p * (1 - 0.1 * np.sum(p * p, axis=0)))

    def cost(p):
        return np.sum(weights * distorted(p))

    np.testing.assert_allclose(grad(cost)(p), grad(plainly)(p), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(compiled(grad(cost), engine)(p), grad(plainly)(p), rtol=1e-12, atol=1e-14)
    found, expected = hessian(cost)(p), hessian(plainly)(p)
    np.testing.assert_allclose(found[:, 1:, :, 1:], expected[:, 1:, :, 1:], rtol=1e-10, atol=1e-12)


def test_a_kink_at_each_of_many_numbers():
    t = Tensor(np.full(2000, 0.5))
    values = [np.maximum(t - 0.01 * k, 0) for k in range(100)]
    np.sum(np.stack(values)).backward()
    np.testing.assert_array_equal(t.grad, 50)
    del values
    for k in range(100):
        np.maximum(t, 2 + k)
    assert len(t._about.kinks) < 100  # of those that nobody has any more


def test_a_number_beside_an_array():
    weights = np.arange(1.0, 5.0)

    def cost(z):
        return np.sum(weights * (np.maximum(z, STRIKES) + np.minimum(z, STRIKES)))

    for z in (0.7, 0.6):
        assert grad(cost)(z) == compiled(grad(cost))(z) == 10


def test_narrow_constants_at_a_kink():
    x, chosen = np.array([1.0, 0.0, 2.0]), np.array([True, False, True])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.maximum(x + chosen, chosen)))(x), [1, 0, 1])
    grey = np.array([200, 3, 7], np.uint8)
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.maximum(x - grey, 0)))(x), [0, 0, 0])


def test_a_comparison_after_a_write():
    """It is of the values that stand there then."""

    def cost(x):
        z = x - 1.0
        z[0] = x[0] - x[1]
        return np.sum(np.where(z >= 0, 1 - np.exp(-np.abs(z)), np.exp(-np.abs(z)) - 1))

    np.testing.assert_allclose(grad(cost)(np.array([0.5, 0.5, 2.0])), [1, np.exp(-0.5) - 1, np.exp(-1)])


def test_a_kink_by_itself():
    for bounds, slopes in (((0, 0.7), [0, 0, 0, 0]), ((-0.4, None), [1, 1, 0, 1]), ((None, 0), [0, 0, 1, 0])):
        np.testing.assert_array_equal(grad(lambda z, b=bounds: np.sum(np.clip(z, *b)))(x), slopes)
    w = Tensor(x)
    assert not np.any(w > np.maximum(w, 0))  # nobody has what was computed and compared
    assert np.any(w > 0)
    np.sum(np.abs(w)).backward()
    np.testing.assert_array_equal(w.grad, np.sign(x))
    np.testing.assert_array_equal(grad(lambda z: np.sum(np.maximum(z, 0) * (z >= 0)))(x), [1, 0, 0, 0])
    np.testing.assert_array_equal(
        grad(lambda z: np.sum(np.maximum(z, 0) + 0.1 * np.minimum(z, 0)))(x), [1, 0.1, 0.1, 0.1]
    )


def test_a_graph_that_was_freed_stays_freed():
    w = Tensor(x)
    size = np.abs(w)
    np.sum(size).backward()
    np.sum(np.maximum(w, 0)).backward()
    with pytest.raises(RuntimeError, match="freed"):
        np.sum(size).backward()


def test_a_size_that_is_written_over_is_no_kink_any_more():
    def f(x):
        size = np.abs(x)
        np.clip(size, -0.5, 0.8, out=size)
        return np.sum(np.where(x > 0, x, 0.0) + size)

    np.testing.assert_array_equal(grad(f)(np.array([-0.3, 0.2, 1.5])), [-1, 2, 1])
