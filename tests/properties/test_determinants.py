"""The determinant's derivatives are polynomials: right at singular matrices of any rank, at every order."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tinygrad_course import Tensor, compiled, grad, hessian, jacobian


def differences(f, x, h=1e-5):
    slope = np.zeros(np.shape(f(x)) + x.shape)
    for i in np.ndindex(x.shape):
        e = np.zeros(x.shape)
        e[i] = h
        slope[(..., *i)] = (f(x + e) - f(x - e)) / (2 * h)
    return slope


def of_rank(n, rank, seed=0):
    rng = np.random.RandomState(seed + 10 * n + rank)
    return rng.randn(n, rank) @ rng.randn(rank, n) if rank else np.zeros((n, n))


RANKS = [(n, rank) for n in (1, 2, 3, 4, 5) for rank in range(n + 1)]


@pytest.mark.sampled(12)
@pytest.mark.parametrize(("n", "rank"), RANKS)
def test_every_rank(n, rank):
    a = of_rank(n, rank)
    assert_allclose(grad(np.linalg.det)(a), differences(np.linalg.det, a), atol=1e-7)
    if n < 5:
        second = hessian(np.linalg.det)(a)
        assert_allclose(second, differences(grad(np.linalg.det), a), atol=1e-7)
    if n < 4:
        third = jacobian(hessian(np.linalg.det))(a)
        assert_allclose(third, differences(hessian(np.linalg.det), a), atol=1e-7)


def test_cofactors_of_integers():
    a = np.array([[1.0, 2], [2, 4]])
    t = Tensor(a)
    np.linalg.det(t).backward()
    assert_allclose(t.grad, [[4, -2], [-2, 1]], atol=1e-14)
    assert_allclose(compiled(grad(np.linalg.det))(a), [[4, -2], [-2, 1]], atol=1e-14)


def test_a_stack_of_several_ranks():
    a = np.stack([[of_rank(3, r) for r in (0, 1)], [of_rank(3, r) for r in (2, 3)]])
    weights = np.array([[1.0, 2.0], [3.0, 4.0]])
    g = grad(lambda a: np.sum(weights * np.linalg.det(a)))(a)
    for i in np.ndindex(2, 2):
        assert_allclose(g[i], weights[i] * grad(np.linalg.det)(a[i]), atol=1e-12)
    h = hessian(lambda a: np.sum(np.linalg.det(a)))(a)
    assert_allclose(h[1, 0, :, :, 1, 0], hessian(np.linalg.det)(a[1, 0]), atol=1e-12)


def test_dtypes_and_the_empty_matrix():
    assert grad(np.linalg.det)(np.eye(2, dtype=np.float32)).dtype == np.float32
    assert grad(np.linalg.det)(np.zeros((0, 0))).shape == (0, 0)
