"""Matrix functions, signals, roots and differential equations against SciPy and central differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import scipy.optimize
import scipy.signal
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from tests.functions.differences import check_derivatives
from tinygrad_course import Tensor, grad
from tinygrad_course.functions import (
    attention,
    conv_transpose,
    distributions,
    logsumexp,
    matrices,
    mean_squared_error,
    negative_log_likelihood,
    signals,
)
from tinygrad_course.functions.differential_equations import odeint, solve_ivp
from tinygrad_course.functions.gammas import multigammaln, polygamma
from tinygrad_course.functions.implicit import fixed_point, root

rng = np.random.default_rng(0)


def regular(n: int = 3) -> Any:
    return rng.normal(size=(n, n)) + n * np.eye(n)


# ------------------------------------------------------------------ matrices


def test_matrix_functions() -> None:
    A, B, b, S = regular(), regular(2), rng.normal(size=3), regular()
    S = S @ S.T
    np.testing.assert_allclose(matrices.expm(A), scipy.linalg.expm(A))
    check_derivatives(matrices.expm, A / 2)
    np.testing.assert_allclose(matrices.sqrtm(S), scipy.linalg.sqrtm(S))
    check_derivatives(matrices.sqrtm, S)
    check_derivatives(matrices.sqrtm, A)
    q = rng.normal(size=(3, 2))
    np.testing.assert_allclose(matrices.solve_sylvester(A, B, q), scipy.linalg.solve_sylvester(A, B, q))
    check_derivatives(matrices.solve_sylvester, A, B, q)
    for lower in (False, True):
        np.testing.assert_allclose(matrices.cholesky(S, lower), scipy.linalg.cholesky(S, lower))
        check_derivatives(lambda A, lower=lower: matrices.cholesky(A @ A.T + np.eye(3), lower), A)
        for assume_a in ("gen", "sym", "pos"):
            M = S if assume_a == "pos" else A
            got = matrices.solve(M, b, lower, assume_a)
            np.testing.assert_allclose(got, scipy.linalg.solve(M, b, lower=lower, assume_a=assume_a))
            check_derivatives(lambda A, b, l=lower, a=assume_a: matrices.solve(A, b, l, a), M, b)
    np.testing.assert_allclose(matrices.solve(A, b, transposed=True), np.linalg.solve(A.T, b))


@pytest.mark.parametrize(("l", "u"), [(0, 0), (1, 0), (1, 2), (3, 1)])
def test_solve_banded(l: int, u: int) -> None:
    ab, b = rng.normal(size=(l + u + 1, 5)), rng.normal(size=(5, 2))
    ab[u] += 4
    np.testing.assert_allclose(matrices.solve_banded((l, u), ab, b), scipy.linalg.solve_banded((l, u), ab, b))
    check_derivatives(lambda ab, b: matrices.solve_banded((l, u), ab, b), ab, b)
    with pytest.raises(ValueError, match="rows for l="):
        matrices.solve_banded((l, u + 1), ab, b)


@pytest.mark.sampled(6)
@pytest.mark.parametrize("trans", [0, 1, "N", "T"])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("unit_diagonal", [False, True])
@pytest.mark.parametrize("shape", [(3,), (3, 2)])
def test_solve_triangular(trans: Any, lower: bool, unit_diagonal: bool, shape: tuple[int, ...]) -> None:
    A, b = regular(), rng.normal(size=shape)
    options = {"trans": trans, "lower": lower, "unit_diagonal": unit_diagonal}
    np.testing.assert_allclose(
        matrices.solve_triangular(A, b, **options), scipy.linalg.solve_triangular(A, b, **options)
    )
    check_derivatives(lambda A, b: matrices.solve_triangular(A, b, **options), A, b)


def test_gammas_and_the_weighted_logsumexp() -> None:
    a = rng.uniform(2, 5, size=(2, 3))
    np.testing.assert_allclose(multigammaln(a, 3), scipy.special.multigammaln(a, 3))
    check_derivatives(lambda a: multigammaln(a, 3), a)
    np.testing.assert_allclose(polygamma(2, a), scipy.special.polygamma(2, a))
    check_derivatives(lambda a: polygamma(1, a), a)
    Z = 3 * rng.normal(size=(3, 4))
    for b in (
        rng.uniform(0.1, 2, size=(3, 4)),
        rng.uniform(0.1, 2, size=(3, 1)),
        rng.uniform(0.1, 2, size=4),
    ):
        for axis in (0, 1, -1, None, (0, 1)):
            np.testing.assert_allclose(
                logsumexp(Z, axis=axis, b=b), scipy.special.logsumexp(Z, axis=axis, b=b), rtol=1e-12
            )
            check_derivatives(lambda Z, b, a=axis: logsumexp(Z, axis=a, b=b), Z, b)
            check_derivatives(lambda Z, b, a=axis: logsumexp(Z, axis=a, b=b, keepdims=True), Z, b)
    signs = np.array([[1.0], [0.0], [-0.01]])
    np.testing.assert_allclose(logsumexp(Z, b=signs), scipy.special.logsumexp(Z, axis=0, b=signs), rtol=1e-12)


# ------------------------------------------------------------------ signals


@given(st.integers(1, 3), st.data(), st.sampled_from(["full", "same", "valid"]))
def test_convolve_and_correlate_are_scipys(axes: int, data: Any, mode: str) -> None:
    first = data.draw(st.tuples(*[st.integers(1, 5)] * axes))
    second = data.draw(st.tuples(*[st.integers(1, 5)] * axes))
    x, y = rng.normal(size=first), rng.normal(size=second)
    for name in ("convolve", "correlate"):
        try:
            expected = getattr(scipy.signal, name)(x, y, mode, method="direct")
        except ValueError:
            with pytest.raises(ValueError, match="one array within the other"):
                getattr(signals, name)(x, y, mode)
            continue
        np.testing.assert_allclose(getattr(signals, name)(x, y, mode), expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("shapes", [((5,), (3,)), ((3,), (5,)), ((4, 5), (2, 3))])
def test_derivatives_of_convolve_and_correlate(mode: str, shapes: Any) -> None:
    x, y = (rng.normal(size=s) for s in shapes)
    check_derivatives(lambda x, y: signals.convolve(x, y, mode), x, y)
    check_derivatives(lambda x, y: signals.correlate(x, y, mode), x, y)


# ------------------------------------------------------------------ implicit


def test_roots_and_fixed_points() -> None:
    A, b = regular() / 12, rng.normal(size=3)
    cosine = lambda x, p: np.cos(p["A"] @ x) + p["b"]  # noqa: E731
    expected = scipy.optimize.fixed_point(cosine, np.zeros(3), ({"A": A, "b": b},), xtol=1e-13)
    f = lambda A, b: fixed_point(cosine, np.zeros(3), ({"A": A, "b": b},), xtol=1e-13)  # noqa: E731
    np.testing.assert_allclose(f(A, b), expected, rtol=1e-10)
    check_derivatives(f, A, b)
    g = lambda A, b: root(lambda x, p: x - cosine(x, p), np.zeros(3), ({"A": A, "b": b},), tol=1e-13).x  # noqa: E731
    np.testing.assert_allclose(g(A, b), expected, rtol=1e-10)
    check_derivatives(g, A, b)
    third = grad(grad(grad(lambda a: root(lambda x, a: x**2 - a, 1.0, (a,), tol=1e-11).x)))
    np.testing.assert_allclose(third(2.0), 3 / 8 * 2**-2.5, rtol=1e-8)


def test_a_root_of_any_shape() -> None:
    a = np.array([[1.0, 4.0], [9.0, 16.0]])
    for search in (
        lambda a: root(lambda x, a: x @ x - a @ a, a + 0.1, (a,)).x,
        lambda a: fixed_point(np.cos, a) * a,
    ):
        assert search(a).shape == (2, 2)
        check_derivatives(search, a, rtol=1e-5)


def test_a_root_that_is_not_found_is_told() -> None:
    with pytest.raises(RuntimeError, match="no solution was found"):
        root(lambda x, a: x**2 + a, 1.0, (1.0,))


# ------------------------------------------------------------------ differential equations

TIGHT = {"rtol": 1e-11, "atol": 1e-12}


def pendulum(y: Any, t: Any, p: Any, drag: Any) -> Any:
    return np.stack([y[1], -p["g"] * np.sin(y[0]) - drag * y[1] + 0.1 * np.sin(2 * t)])


@pytest.mark.long
def test_odeint_and_its_derivatives_of_order_one_and_two() -> None:
    y0, t, g, drag = np.array([0.5, 0.0]), np.array([0.0, 0.4, 0.7, 1.5]), 2.0, 0.3
    expected = scipy.integrate.odeint(pendulum, y0, t, ({"g": g}, drag), **TIGHT)
    f = lambda y0, t, g, drag: odeint(pendulum, y0, t, ({"g": g}, drag), **TIGHT)  # noqa: E731
    np.testing.assert_allclose(f(y0, t, g, drag), expected)
    check_derivatives(f, y0, t, g, drag, rtol=1e-5, atol=1e-6)


@pytest.mark.long
@pytest.mark.parametrize("method", ["RK45", "DOP853", "LSODA"])
def test_solve_ivp(method: str) -> None:
    y0, drag = np.array([0.5, 0.0]), 0.3
    fun = lambda t, y, drag: [y[1], -2.0 * np.sin(y[0]) - drag * y[1]]  # noqa: E731
    for t_eval in (None, np.array([0.0, 1.0]), np.array([0.3, 1.0])):
        options = {"method": method, "t_eval": t_eval, **TIGHT}
        expected = scipy.integrate.solve_ivp(fun, (0, 1), y0, args=(drag,), **options)
        ours = solve_ivp(fun, (0, 1), y0, args=(drag,), **options)
        np.testing.assert_allclose(ours.t, expected.t)
        np.testing.assert_allclose(ours.y, expected.y, rtol=1e-8)
    f = lambda y0, d: solve_ivp(fun, (0, 1), y0, args=(d,), **options).y  # noqa: E731
    check_derivatives(f, y0, drag, rtol=1e-5, atol=1e-6)


def test_a_tensor_that_is_not_passed_on_is_refused_and_back_in_time_is_a_way_too() -> None:
    at_end = lambda y0, T: odeint(lambda y, t: -y, y0, np.stack([0.0 * T, T]))[1, 0]  # noqa: E731
    by_start, by_time = grad(at_end, (0, 1))(np.ones(1), 1.0)
    np.testing.assert_allclose([by_start[0], by_time], [np.exp(-1), -np.exp(-1)], rtol=1e-6)
    k = Tensor(2.0)
    with pytest.raises(TypeError, match="not among its args"):
        odeint(lambda y, t: -k * y, Tensor(np.ones(1)), np.array([0.0, 1.0]))
    back = grad(lambda k: odeint(lambda y, t, k: -k * y, np.ones(1), np.array([1.0, 0.0]), (k,))[1, 0])
    np.testing.assert_allclose(back(2.0), np.exp(2), rtol=1e-6)
    with pytest.raises(ValueError, match=r"expected \(n,\) and \(T,\)"):
        odeint(lambda y, t: y, 1.0, np.array([0.0, 1.0]))


# ------------------------------------------------------------------ what SciPy's own functions say


@pytest.mark.parametrize(
    ("call", "ours"),
    [
        (scipy.special.logsumexp, "tinygrad_course.functions has a recorded"),
        (scipy.special.softmax, "tinygrad_course.functions has a recorded"),
        (lambda M: scipy.special.polygamma(1, M), "functions.gammas has a recorded"),
        (scipy.linalg.expm, "functions.matrices has a recorded"),
        (scipy.linalg.cholesky, "functions.matrices has a recorded"),
        (lambda M: scipy.linalg.solve_triangular(M, M), "functions.matrices has a recorded"),
        (lambda M: scipy.signal.convolve(M, M), "functions.signals has a recorded"),
        (scipy.stats.norm.logpdf, "functions.distributions.norm has a recorded logpdf"),
        (
            lambda M: scipy.integrate.odeint(lambda y, t: -y, M, [0.0, 1.0]),
            "functions.differential_equations has a recorded",
        ),
    ],
)
def test_scipys_own_functions_name_ours(call: Any, ours: str) -> None:
    with pytest.raises(TypeError, match=ours):
        call(Tensor(np.eye(2)))


TWO = np.ones((2, 2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: attention(TWO, TWO, TWO, mask=TWO), TypeError, "mask is float64; expected bool"),
        (lambda: conv_transpose(np.ones((1, 2, 3)), np.ones((2, 1, 2))), ValueError, "for 2 channels"),
        (lambda: distributions.dirichlet.logpdf(np.ones(2), np.ones(3)), ValueError, "expected .n,. or"),
        (lambda: multigammaln(3.0, 0), ValueError, "a whole number from 1 on"),
        (lambda: negative_log_likelihood(np.ones(3), [0]), ValueError, "one row a class"),
        (lambda: mean_squared_error(np.ones((1, 0)), np.ones((1, 0))), ValueError, "there are none"),
        (lambda: matrices.solve(TWO, TWO, assume_a="her"), ValueError, "assume_a is 'her'"),
        (lambda: signals.convolve(TWO, TWO, "middle"), ValueError, "mode is 'middle'"),
        (lambda: signals.correlate(TWO, np.ones(2)), ValueError, "expected as many axes"),
        (
            lambda: signals.correlate(np.ones((1, 3)), np.ones((3, 1)), "valid"),
            ValueError,
            "within the other",
        ),
    ],
)
def test_what_does_not_fit_is_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
