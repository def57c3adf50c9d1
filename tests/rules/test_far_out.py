"""Far out and where a formula is 0 / 0: derivatives keep the digits that the formula has lost."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import special
from scipy.special import expit

from tinygrad_course import Tensor, grad, hessian

Z = np.concatenate([np.linspace(-700.0, 700.0, 141), np.linspace(-20.0, 20.0, 81)])


def of_sigmoid(z: float) -> float:
    e = math.exp(-abs(z))
    return e / (1.0 + e) ** 2


def of_tanh(z: float) -> float:
    e = math.exp(-2.0 * abs(z))
    return 4.0 * e / (1.0 + e) ** 2


@pytest.mark.parametrize(("function", "slope"), [(expit, of_sigmoid), (np.tanh, of_tanh)])
def test_slopes_keep_their_digits(function: Any, slope: Any) -> None:
    expected = np.array([slope(float(z)) for z in Z])
    tiny = np.finfo(float).tiny
    np.testing.assert_allclose(grad(lambda z: np.sum(function(z)))(Z), expected, rtol=5e-14, atol=tiny)
    np.testing.assert_allclose([grad(function)(z) for z in Z], expected, rtol=5e-14, atol=tiny)
    t = Tensor(Z.astype(np.float32))
    np.sum(function(t)).backward()
    assert t.grad.dtype == np.float32
    np.testing.assert_allclose(t.grad, expected, rtol=5e-5, atol=float(np.finfo(np.float32).tiny))


@pytest.mark.parametrize("function", [expit, np.tanh])
def test_nan_and_infinities(function: Any) -> None:
    z = np.array([np.nan, np.inf, -np.inf, 0.0])
    g = grad(lambda z: np.sum(function(z)))(z)
    assert np.isnan(g[0])
    np.testing.assert_array_equal(g[1:3], [0.0, 0.0])


def test_expm1_and_its_like_keep_the_digits_that_1_plus_y_has_lost() -> None:
    z = np.linspace(-700.0, 5.0, 300)
    for f in (np.expm1, special.expm1):
        np.testing.assert_allclose(grad(lambda z, f=f: np.sum(f(z)))(z), np.exp(z), rtol=1e-15)
        np.testing.assert_allclose(grad(grad(f))(-40.0), math.exp(-40.0), rtol=1e-15)
    slope = grad(lambda x: special.inv_boxcox1p(x, 0.0))(-50.0)
    np.testing.assert_allclose(slope, math.exp(-50.0), rtol=1e-14)
    np.testing.assert_allclose(grad(lambda b: special.powm1(1e-9, b))(3.0), 1e-27 * math.log(1e-9))


@pytest.mark.parametrize("z", [-1e9, -1e4, -150.0, -99.0, -5.0, 0.0, 5.0, 40.0, 1e9])
def test_the_curvature_of_log_ndtr(z: float) -> None:
    """-1 + 1 / z^2 - 6 / z^4 on the left, 0 on the right, and -h (z + h) between, h the density over ndtr."""
    density = math.exp(-0.5 * z * z) / math.sqrt(math.tau) if abs(z) < 30 else 0.0
    h = density / special.ndtr(z) if density else 0.0
    expected = -h * (z + h) if z > -30 else -1 + z**-2.0 - 6 * z**-4.0 + 50 * z**-6.0
    np.testing.assert_allclose(grad(grad(special.log_ndtr))(z), expected, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize("z", [-1e9, -300.0, -3.0, 3.0, 101.0, 300.0, 1e9])
def test_erfcx_and_dawsn_far_out(z: float) -> None:
    """By their series: erfcx' = 2 z erfcx - 2 / sqrt(pi) and dawsn' = 1 - 2 z dawsn cancel."""
    t = 0.5 / (z * z)
    if z > 50:
        series = -2.0 / math.sqrt(math.pi) * t * (1.0 - 3.0 * t + 15.0 * t**2 - 105.0 * t**3)
        np.testing.assert_allclose(grad(special.erfcx)(z), series, rtol=1e-10)
        np.testing.assert_allclose(grad(grad(special.erfcx))(z), 4 / math.sqrt(math.pi) * t / z, rtol=1e-3)
    if abs(z) > 50:
        series = -t * (1.0 + 3.0 * t + 15.0 * t**2 + 105.0 * t**3)
        np.testing.assert_allclose(grad(special.dawsn)(z), series, rtol=1e-10)
        np.testing.assert_allclose(grad(grad(special.dawsn))(z), 2 * t / z, rtol=1e-3)
    else:
        h = 1e-4
        for f in (special.erfcx, special.dawsn):
            np.testing.assert_allclose(grad(f)(z), (f(z + h) - f(z - h)) / (2 * h), rtol=1e-6)


SINGULAR = {
    "huber at 0": (lambda r: special.huber(1.0, r), 0.0, 2),
    "ellipk at 0": (special.ellipk, 0.0, 3),
    "ellipk near 0": (special.ellipk, 1e-10, 2),
    "ellipkm1 at 1": (special.ellipkm1, 1.0, 2),
    "ellipe at 0": (special.ellipe, 0.0, 3),
    "ellipkinc at 0": (lambda m: special.ellipkinc(0.7, m), 0.0, 3),
    "ellipkinc near 0": (lambda m: special.ellipkinc(2.9, m), 1e-9, 3),
    "ellipeinc at 0": (lambda m: special.ellipeinc(-4.0, m), 0.0, 3),
    "ellipeinc near 0.05": (lambda m: special.ellipeinc(10.0, m), 0.05, 3),
    "ellipeinc": (lambda m: special.ellipeinc(-4.0, m), 0.3, 2),
    "ellipkinc": (lambda m: special.ellipkinc(7.0, m), -0.3, 2),
    "spence at 1": (special.spence, 1.0, 3),
    "sici at 0": (lambda x: special.sici(x)[0], 0.0, 3),
    "shichi at 0": (lambda x: special.shichi(x)[0], 0.0, 3),
    "rgamma at 0": (special.rgamma, 0.0, 3),
    "rgamma at -2": (special.rgamma, -2.0, 2),
    "rgamma": (special.rgamma, -1.3, 2),
    "binom at n = k - 1": (lambda n: special.binom(n, 2.0), 1.0, 2),
    "binom at n = k - 2": (lambda n: special.binom(n, 2.0), 0.0, 2),
    "binom in k": (lambda k: special.binom(2.5, k), -1.0, 1),
    "binom in k, beyond n": (lambda k: special.binom(2.0, k), 4.0, 2),
    "poch at 0": (lambda z: special.poch(z, 2.5), 0.0, 2),
    "beta": (lambda a: special.beta(a, -0.5), 0.5, 2),
    "legendre": (lambda x: special.eval_legendre(1, x), -1.0, 2),
    "jacobi": (lambda x: special.eval_jacobi(1, 0.5, 0.5, x), -1.0, 2),
    "laguerre": (lambda x: special.eval_laguerre(1, x), 0.0, 2),
    "beip at 0": (special.beip, 0.0, 1),
    "berp at 0": (special.berp, 0.0, 1),
    "bei at 0": (special.bei, 0.0, 2),
    "struve at 0": (lambda x: special.struve(2, x), 0.0, 3),
    "struve of order 0": (lambda x: special.struve(0, x), 0.0, 3),
    "struve near 0": (lambda x: special.struve(1, x), 1e-9, 3),
    "modstruve": (lambda x: special.modstruve(1, x), 2.0, 3),
    "beta at whole numbers": (lambda a: special.beta(a, 2.0), -3.0, 2),
    "poch at whole numbers": (lambda z: special.poch(z, 2.0), -3.0, 2),
    "poch down at whole numbers": (lambda z: special.poch(z, -1.0), -3.0, 2),
    "betaln at whole numbers": (lambda a: special.betaln(a, 1.0), -2.0, 2),
    "iti0k0 at 0": (lambda x: special.iti0k0(x)[0], 0.0, 2),
    "itj0y0 left of 0": (lambda x: special.itj0y0(x)[0], -1.5, 2),
    "it2i0k0 at 0": (lambda x: special.it2i0k0(x)[0], 0.0, 3),
    "it2j0y0 near 0": (lambda x: special.it2j0y0(x)[0], 1e-6, 3),
    "kn of 1.5": (lambda x: special.kn(np.array(1.5), x), 1.0, 2),
    "yn of 0.5": (lambda x: special.yn(np.array(0.5), x), 1.0, 2),
    "expn of 1.5": (lambda x: special.expn(np.array(1.5), x), 1.0, 2),
}


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(("function", "slope"), [(expit, of_sigmoid), (np.tanh, of_tanh)])
def test_slopes_of_large_arrays_keep_their_digits(function: Any, slope: Any, order: Any) -> None:
    z = np.resize(Z, (37, 222)).copy(order)
    expected = np.vectorize(slope)(z)
    np.testing.assert_allclose(grad(lambda z: np.sum(function(z)))(z), expected, rtol=5e-14, atol=1e-300)


@pytest.mark.filterwarnings("ignore:floating point number truncated")
@pytest.mark.parametrize("name", SINGULAR)
def test_derivatives_where_a_formula_is_0_over_0(name: str) -> None:
    f, x, order = SINGULAR[name]
    for _ in range(order):
        slope, h = grad(f), 2e-3
        steps = [f(x + k * h) for k in (1, -1, 2, -2)]
        if not np.all(np.isfinite(steps)):  # the function ends here
            steps = []
        found = slope(x)
        if steps:
            numeric = (8.0 * (steps[0] - steps[1]) - (steps[2] - steps[3])) / (12.0 * h)
            np.testing.assert_allclose(found, numeric, rtol=1e-7, atol=1e-9)
        assert np.isfinite(found)
        f = slope


def test_the_slope_of_i0_in_long_double():
    x = np.array([0.5, -2.0, 30.0], dtype=np.longdouble)
    slope = grad(lambda x: np.sum(np.i0(x)))(x)
    assert slope.dtype == x.dtype
    np.testing.assert_allclose(slope.astype(float), special.i1(x.astype(float)))


NODES, WEIGHTS = np.polynomial.legendre.leggauss(100)


def of_integral(kind: str, n: float, x: float) -> float:
    """The slope of exp(-x) I(n, x) or exp(x) K(n, x) under the integral sign (DLMF 10.32.3, 10.32.9)."""
    end = min(math.pi if kind == "i" else 50.0, 14.0 / math.sqrt(x))
    t = 0.5 * end * (NODES + 1.0)
    away = -2.0 * np.sin(t / 2) ** 2 if kind == "i" else -2.0 * np.sinh(t / 2) ** 2
    wave = np.cos(n * t) / math.pi if kind == "i" else np.cosh(n * t)
    return float(0.5 * end * np.sum(WEIGHTS * away * np.exp(x * away) * wave))


@pytest.mark.parametrize("x", [0.8, 12.0, 39.0, 41.0, 250.0, 1e4, 1e6, 1e9])
def test_scaled_bessel_functions_far_out(x: float) -> None:
    """The difference of neighbouring orders has no digits there, in single precision from 1e6 on."""
    for kind, n, f in (
        ("i", 0, special.i0e), ("i", 1, special.i1e), ("k", 0, special.k0e), ("k", 1, special.k1e),
        ("i", 3, lambda x: special.ive(3, x)), ("k", 2.5, lambda x: special.kve(2.5, x)),
    ):  # fmt: skip
        expected = of_integral(kind, n, x)
        np.testing.assert_allclose(grad(f)(x), expected, rtol=1e-12)
        np.testing.assert_allclose(grad(f)(np.float32(x)), expected, rtol=1e-5)
        if kind == "i":  # even and odd functions
            np.testing.assert_allclose(grad(f)(-x), (-1) ** (n + 1) * expected, rtol=1e-12)
        h = 1e-4 * x
        slopes = [of_integral(kind, n, x + k * h) for k in (-2, -1, 1, 2)]
        second = float(np.dot([1, -8, 8, -1], slopes)) / (12 * h)
        np.testing.assert_allclose(grad(grad(f))(x), second, rtol=1e-8)
    half = grad(lambda x: special.ive(0.5, x))(x)
    exact = (math.exp(-2 * x) * (4 * x + 1) - 1) / (2 * x * math.sqrt(math.tau * x))
    np.testing.assert_allclose(half, exact, rtol=1e-13)


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1.0, 1e200, 1e300])
def test_angles_whose_squares_leave_the_range(scale: float) -> None:
    def angle(x: Any, scale: float = 1.0) -> Any:
        return np.arctan2(x[0] * scale, x[1] * scale)

    x = np.array([0.6, 0.8])
    np.testing.assert_allclose(grad(lambda x: angle(x, scale))(x), [0.8, -0.6], rtol=1e-14)
    np.testing.assert_allclose(hessian(lambda x: angle(x, scale))(x), hessian(angle)(x), rtol=1e-13)
    if 1e-160 < scale < 1e160:
        return
    np.testing.assert_allclose(grad(angle)(x * scale) * scale, [0.8, -0.6], rtol=1e-13)


def test_a_result_that_is_not_asked_for_may_be_infinite() -> None:
    assert grad(lambda x: special.airy(x)[0])(120.0) == 0.0
    assert grad(lambda x: special.iti0k0(x)[1])(800.0) == 0.0
    np.testing.assert_allclose(grad(lambda x: special.iti0k0(x)[0])(-2.0), special.i0(2.0))
    np.testing.assert_allclose(grad(grad(lambda x: special.airy(x)[2]))(1.2), 1.2 * special.airy(1.2)[2])


def test_lambertw():
    """The inverse of w e^w, by its definition, on two branches; complex below -1/e."""
    z = np.array([0.3, -0.2, 20.0, 0.0])
    for k, at in ((0, z), (-1, np.array([-0.3, -0.1])), (0, np.array([-0.5, -3.0]))):
        w = special.lambertw(at, k)
        for part in (np.real, np.imag):
            found = grad(lambda z, k=k, part=part: np.sum(part(special.lambertw(z, k))))(at)
            np.testing.assert_allclose(found, part(np.exp(-w) / (1 + w)), rtol=1e-12, atol=1e-15)
    second = hessian(lambda z: np.real(special.lambertw(z)))(np.float64(0.3))
    w = special.lambertw(0.3).real
    np.testing.assert_allclose(second, -np.exp(-2 * w) * (w + 2) / (1 + w) ** 3, rtol=1e-12)
