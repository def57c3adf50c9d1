"""Densities and distribution functions against `scipy.stats`, their derivatives against differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from tests.functions.differences import check_derivatives
from tinygrad_course import grad
from tinygrad_course.functions import distributions as ours

rng = np.random.default_rng(0)
CONTINUOUS = {
    "norm": (), "t": (3.5,), "cauchy": (), "laplace": (), "logistic": (), "gumbel_r": (), "uniform": (),
    "expon": (), "halfnorm": (), "gamma": (2.3,), "invgamma": (2.3,), "chi2": (3.1,), "beta": (2.2, 1.7),
    "lognorm": (0.8,), "weibull_min": (1.6,), "pareto": (2.4,),
}  # fmt: skip
DISCRETE = {"poisson": (2.3,), "bernoulli": (0.3,), "binom": (5, 0.3), "geom": (0.3,), "nbinom": (3.0, 0.4)}
CLOSED = {
    "norm",
    "cauchy",
    "laplace",
    "logistic",
    "gumbel_r",
    "uniform",
    "expon",
    "halfnorm",
    "lognorm",
    "weibull_min",
    "pareto",
}


def inside(name: str, n: int = 8) -> Any:
    """Places within the support, not at its edges."""
    family = getattr(stats, name)(*CONTINUOUS[name], loc=0.3, scale=1.7)
    return family.ppf(np.linspace(0.07, 0.93, n))


@pytest.mark.parametrize("name", list(CONTINUOUS))
@pytest.mark.parametrize("method", ["logpdf", "pdf", "cdf", "logcdf", "sf", "logsf"])
def test_values_are_scipys_inside_and_outside(name: str, method: str) -> None:
    shapes = CONTINUOUS[name]
    x = np.concatenate([np.linspace(-3.1, 5.3, 41), [0.3, 2.0]])
    for arguments in ((0.3, 1.7), (0.0, 1.0)):
        got = getattr(getattr(ours, name), method)(x, *shapes, *arguments)
        with np.errstate(all="ignore"):
            expected = getattr(getattr(stats, name), method)(x, *shapes, *arguments)
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-13)
    assert np.isnan(getattr(getattr(ours, name), method)(1.0, *shapes, scale=-1.0))
    if shapes:
        assert np.isnan(getattr(getattr(ours, name), method)(1.0, *[-s for s in shapes]))


@pytest.mark.parametrize("name", list(CONTINUOUS))
def test_derivatives_of_densities_by_everything(name: str) -> None:
    family, shapes = getattr(ours, name), CONTINUOUS[name]
    for method in ("logpdf", "pdf"):
        check_derivatives(getattr(family, method), inside(name), *shapes, 0.3, 1.7, rtol=1e-5)


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", list(CONTINUOUS))
def test_derivatives_of_distribution_functions(name: str) -> None:
    family, shapes = getattr(ours, name), CONTINUOUS[name]
    for method in ("cdf", "logcdf", "sf", "logsf"):
        f = getattr(family, method)
        check_derivatives(
            lambda x, loc, scale, f=f: f(x, *shapes, loc, scale), inside(name), 0.3, 1.7, rtol=1e-5
        )
        if name in CLOSED:
            check_derivatives(f, inside(name), *shapes, 0.3, 1.7, rtol=1e-5)
        elif shapes:
            with pytest.raises(TypeError, match="no derivative here with respect to"):
                grad(lambda s, f=f: np.sum(f(inside(name), s, *shapes[1:])))(shapes[0])


@pytest.mark.parametrize("name", list(DISCRETE))
def test_probabilities_are_scipys(name: str) -> None:
    shapes = DISCRETE[name]
    k = np.array([-1.0, 0, 1, 2, 3, 5, 6, 1.5, 9])
    for method in ("logpmf", "pmf", "cdf", "logcdf"):
        for loc in (0, 1):
            with np.errstate(divide="ignore"):
                expected = getattr(getattr(stats, name), method)(k, *shapes, loc)
            got = getattr(getattr(ours, name), method)(k, *shapes, loc)
            np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-13)
    p, rest = shapes[-1], shapes[:-1]
    whole = np.array([1.0, 2, 3] if name != "bernoulli" else [0.0, 1.0])
    check_derivatives(lambda p: getattr(ours, name).logpmf(whole, *rest, p), p)
    check_derivatives(lambda p: getattr(ours, name).cdf(whole, *rest, p), p)
    assert np.isnan(getattr(ours, name).logpmf(1, *rest, -0.1))


def test_far_in_the_tail_the_logarithm_and_its_gradient_are_right() -> None:
    np.testing.assert_allclose(grad(ours.norm.logcdf)(-40.0), 40.0249, rtol=1e-5)
    assert np.isfinite(grad(ours.logistic.logpdf)(900.0))
    assert grad(ours.gamma.logpdf)(-1.0, 2.0) == 0


def test_dirichlet_and_multivariate_normal() -> None:
    x, alpha = rng.dirichlet(np.ones(4), 5).T, np.array([1.5, 2.0, 0.7, 3.0])
    np.testing.assert_allclose(ours.dirichlet.logpdf(x, alpha), stats.dirichlet.logpdf(x, alpha), rtol=1e-11)
    np.testing.assert_allclose(
        ours.dirichlet.pdf(x[:, 0], alpha), stats.dirichlet.pdf(x[:, 0], alpha), rtol=1e-11
    )
    check_derivatives(lambda a: ours.dirichlet.logpdf(x, a), alpha)
    for shares in (x + 1, np.array([-0.5, 0.5, 0.5, 0.5])):  # none: outside the support
        assert np.all(ours.dirichlet.logpdf(shares, alpha) == -np.inf)
        assert np.all(grad(lambda a, s=shares: np.sum(ours.dirichlet.pdf(s, a)))(alpha) == 0)
    assert np.all(np.isnan(ours.dirichlet.logpdf(x, -alpha)))

    A, mean, points = rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=(2, 4, 3))
    cov = A @ A.T + np.eye(3)
    mvn = ours.multivariate_normal
    for where in (points, points[0, 0]):
        np.testing.assert_allclose(
            mvn.logpdf(where, mean, cov), stats.multivariate_normal.logpdf(where, mean, cov), rtol=1e-12
        )
    np.testing.assert_allclose(mvn.pdf(0.3, 0.1, 2.0), stats.norm.pdf(0.3, 0.1, np.sqrt(2)))
    np.testing.assert_allclose(mvn.entropy(mean, cov), stats.multivariate_normal.entropy(mean, cov))
    check_derivatives(lambda x, m, B: mvn.logpdf(x, m, B @ B.T + np.eye(3)), points, mean, A)
    check_derivatives(lambda B: mvn.entropy(cov=B @ B.T + np.eye(3)), A)
    flat = A[:, :2] @ A[:, :2].T  # of rank 2
    for x in (mean + flat[0], np.stack([mean, mean + flat[1]]), mean + 1):
        expected = stats.multivariate_normal.logpdf(x, mean, flat, allow_singular=True)
        np.testing.assert_allclose(mvn.logpdf(x, mean, flat, allow_singular=True), expected, rtol=1e-9)
    check_derivatives(lambda a, B: mvn.logpdf(mean + B @ B.T @ a, mean, B @ B.T, True), mean, A[:, :2])


def test_arguments_that_are_none_are_told() -> None:
    with pytest.raises(TypeError, match="the shape df is missing"):
        ours.t.logpdf(1.0)
    with pytest.raises(TypeError, match="expected x and df, loc, scale"):
        ours.t.logpdf(1.0, 2.0, sigma=1.0)


def test_shapes_broadcast_as_scipys_do() -> None:
    x, a, scale = rng.uniform(0.1, 0.9, (4, 1)), np.array([0.5, 1.0, 3.0]), np.array([1.0, 2.0, -1.0])
    for method in ("logpdf", "cdf"):
        got = getattr(ours.beta, method)(x, a, 2.0, scale=scale)
        np.testing.assert_allclose(got, getattr(stats.beta, method)(x, a, 2.0, scale=scale), rtol=1e-10)
    check_derivatives(lambda x, a: ours.beta.logpdf(x, a, 2.0, 0.0, np.array([1.0, 2.0, 1.5])), x, a)
