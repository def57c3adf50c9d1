"""Products and powers of one Tensor are flat at 0 where its power is above 1, whatever root is among them."""

import numpy as np
import pytest

from tinygrad_course import compiled, grad, hessian

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

#: Ways to write c x**p.
WAYS = {
    "x sqrt(x)": (lambda x: x * np.sqrt(x), 1.0, 1.5),
    "-x sqrt(x)": (lambda x: -x * np.sqrt(x), -1.0, 1.5),
    "2 sqrt(x) x": (lambda x: 2 * np.sqrt(x) * x, 2.0, 1.5),
    "an array of factors": (lambda x: np.array([3.0, 0.5]) * np.sqrt(x) * x, np.array([3.0, 0.5]), 1.5),
    "sqrt(x)**3": (lambda x: np.sqrt(x) ** 3, 1.0, 1.5),
    "powers of powers": (lambda x: (x**0.5) ** 3 / 4, 0.25, 1.5),
    "two broken powers": (lambda x: x**0.5 * np.power(x, 0.7), 1.0, 1.2),
    "x cbrt(x)": (lambda x: x * np.cbrt(x), 1.0, 4 / 3),
    "sqrt(x**3)": (lambda x: np.sqrt(x**3), 1.0, 1.5),
    "sqrt(x x x)": (lambda x: np.sqrt(4 * x * x * x), 2.0, 1.5),
    "sqrt(x**4)": (lambda x: np.sqrt(x**4), 1.0, 2.0),
    "sqrt(x)**4": (lambda x: np.sqrt(x) ** 4, 1.0, 2.0),
    "sqrt(x) x sqrt(x)": (lambda x: np.sqrt(x) * x * np.sqrt(x), 1.0, 2.0),
    "x**2 sqrt(x)": (lambda x: np.square(x) * np.sqrt(x), 1.0, 2.5),
    "x**1.25 squared": (lambda x: x**1.25 * x**1.25, 1.0, 2.5),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("way", WAYS)
def test_flat_at_0(way, dtype):
    f, c, p = WAYS[way]
    x = np.array([0.0, 4.0], dtype)
    rtol = 1e-5 if dtype == np.float32 else 1e-12
    for made in (grad, lambda f: compiled(grad(f))):
        found = made(lambda x: np.sum(f(x)))(x)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, c * p * x ** (p - 1), rtol=rtol)
    for made in (hessian, lambda f: compiled(hessian(f))):
        second = np.diagonal(made(lambda x: np.sum(f(x)))(x))
        np.testing.assert_allclose(second[1], (c * p * (p - 1) * x ** (p - 2))[1], rtol=rtol)
        if p < 2:
            assert not np.isfinite(second[0])  # there is none
        else:
            np.testing.assert_allclose(second[0], 2.0 * (p == 2))


def test_through_other_functions_at_both_orders():
    x = np.array([0.0, 2.0])
    for f, plain in (
        (lambda x: np.sum(np.sin(x * np.sqrt(x))), lambda x: np.sin(x[1] ** 1.5)),
        (lambda x: np.sum(np.where(x < 3, x * np.sqrt(x), 0.0)) + x[0], lambda x: x[1] ** 1.5 + x[0]),
        (
            lambda x: np.sum(x * np.sqrt(x) + np.array([0.0, 1.0]) * np.sqrt(x)),
            lambda x: x[1] ** 1.5 + x[1] ** 0.5,
        ),
        (lambda x: np.sum((3 * x) ** 2 * np.sqrt(3 * x)), lambda x: (3 * x[1]) ** 2.5),
    ):
        np.testing.assert_allclose(grad(f)(x), grad(plain)(x), rtol=1e-12)


def test_where_there_is_no_slope_there_is_no_number():
    zero = np.float64(0.0)
    for f in (
        lambda x: np.sqrt(x) * np.sqrt(np.sqrt(x)),
        lambda x: np.sqrt(x**2) * np.sqrt(np.sqrt(x)),
        np.cbrt,
        lambda x: x * x**-0.25,
    ):
        for made in (grad(f), compiled(grad(f))):
            assert not np.isfinite(made(zero))
    # x |x| and |x|**3 have other derivatives on the left
    for f in (lambda x: x * np.sqrt(x**2), lambda x: np.sqrt(x**6)):
        for made in (grad(grad(f)), compiled(grad(grad(f)))):
            assert made(zero) == 0.0 or np.isnan(made(zero))
    z = np.zeros(2)
    assert np.isnan(grad(lambda y: y[0] * np.sqrt(y[1]))(z)[1])
    assert np.isnan(grad(lambda y: np.sum(y * np.sqrt(y[::-1])))(z)).all()
