"""Systems of equations in compiled functions: triangles, and matrices of several systems."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from tests.compiling.test_equality import assert_equal
from tinygrad_course import compiled, value_and_grad
from tinygrad_course.compiling import blas
from tinygrad_course.compiling.passes.lower import lower
from tinygrad_course.compiling.passes.simplify import simplify
from tinygrad_course.compiling.passes.systems import LEAST

pytestmark = pytest.mark.skipif(blas.routine("getrs", "f8") is None, reason="another BLAS than NumPy's own")


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("shape", [(), (1,), (5,), (40,)])
@pytest.mark.parametrize("n", [1, 7, 33])
def test_solutions_are_those_of_scipy(n, shape, dtype):
    rng = np.random.default_rng(n)
    a = (rng.normal(size=(n, n)) + 3 * np.sqrt(n) * np.eye(n)).astype(dtype)
    b = rng.normal(size=(n, *shape)).astype(dtype)
    near = {"rtol": 0, "atol": 1e-12 if dtype == "f8" else 1e-5}
    for turned in (False, True):
        for laid in (a, np.asfortranarray(a), np.repeat(a, 2, axis=1)[:, ::2]):
            for given in (b, np.asfortranarray(b)):
                whole = blas.solve_factored(blas.factors(laid), given, turned)
                np.testing.assert_allclose(whole, scipy.linalg.solve(a, b, transposed=turned), **near)
                assert whole.flags.c_contiguous
                assert whole.dtype == dtype
                for low in (False, True):
                    x = blas.solve_triangle(laid, given, low, turned)
                    right = scipy.linalg.solve_triangular(a, b, lower=low, trans=int(turned))
                    np.testing.assert_allclose(x, right, **near)
    assert np.array_equal(a, np.ascontiguousarray(laid))


def process(p, x, y):
    K = np.exp(-((x[:, None] - x) ** 2) * p["rate"]) + 0.3 * np.eye(len(x))
    L = np.linalg.cholesky(K)
    white = np.linalg.solve(L, y)
    upper = np.linalg.solve(np.triu(K, 0), y)
    both = np.linalg.solve(K.T, y * p["rate"]) + np.linalg.solve(K, y)
    return white @ white + np.sum(np.log(np.diag(L))) + np.sum(upper**2) + np.sum(both * y)


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize("n", [LEAST - 1, LEAST, 70])
def test_programs_factor_no_more_than_they_need(n, engine):
    if engine == "machine":
        pytest.importorskip("llvmlite.binding")
    rng = np.random.default_rng(0)
    x, y, p = np.sort(rng.normal(size=n)), rng.normal(size=n), {"rate": np.float64(0.7)}
    step = value_and_grad(process)
    program = compiled(step, engine=engine)
    for _ in range(2):
        assert_equal(program(p, x, y), step(p, x, y))
    calls = [v.function for v in lower(simplify(program._recording().run.program)).values()]
    if n >= LEAST:
        assert calls.count(blas.factors) == 1  # of K, in four systems
        assert calls.count(blas.solve_triangle) == 6
    assert calls.count(np.linalg.solve) == (0 if n >= LEAST else 10)


@pytest.mark.parametrize("form", [np.tril, np.positive])
def test_a_singular_matrix_raises_as_numpy_does(form):
    def both(a, b):
        return np.sum(np.linalg.solve(form(a), b) + np.linalg.solve(form(a), 2 * b * b))

    a, b = np.eye(LEAST) + np.ones((LEAST, LEAST)), np.ones(LEAST)
    step = compiled(both)
    assert_equal(step(a, b), both(a, b))
    a[:, 3] = 0.0
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        step(a, b)


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize("k", [-2, 0, 1])
def test_triangles_are_taken_where_the_rest_is_infinite(k, engine):
    if engine == "machine":
        pytest.importorskip("llvmlite.binding")
    x = np.arange(24.0).reshape(2, 3, 4)
    x[:, np.tri(3, 4, k) == 0] = np.inf

    def halves(x):
        return np.tril(x, k) * 2, np.triu(x, k=k + 1) / 3

    for ours, plain in zip(compiled(halves, engine=engine)(x), halves(x), strict=True):
        assert np.array_equal(ours, plain, equal_nan=True)


def test_triangles_from_diagonals_that_numpys_numbers_name():
    a, b = np.arange(9.0).reshape(3, 3) + np.eye(3), np.ones(3)
    program = compiled(lambda a, k: np.tril(a, k) + np.triu(a, k=np.int64(1)))
    for k in np.int64(0), np.int64(-1), np.int64(1):
        assert np.array_equal(program(a, k), np.tril(a, k) + np.triu(a, 1))
    solve = lambda a: np.sum(np.linalg.solve(np.tril(a, np.int64(0)), b))  # noqa: E731
    assert_equal(compiled(value_and_grad(solve))(a), value_and_grad(solve)(a))
