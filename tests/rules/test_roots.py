"""The roots of a polynomial whose coefficients at an end are 0: they may move, and so do the roots."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_course import Tensor, grad, hessian

WEIGHTS = np.array([1.0, 2.0, 3.0, 4.0])
POLYNOMIALS = [
    [1.0, -1.0, 0.0],
    [2.0, 1.0, -3.0, 0.0],
    [2.0, 3.0, 0.0],
    [0.0, 1.0, -3.0, 2.0, 0.0],
    [1.0, -3.0, 2.0],
]


def weighted(roots):
    return np.sum(WEIGHTS[: len(roots)] * np.real(roots))


def near(p, q):
    """Return the roots of q in the order of those of p that they are near to."""
    roots = np.roots(q)
    return np.array([roots[np.argmin(np.abs(roots - root))] for root in np.roots(p)])


@pytest.mark.parametrize("p", POLYNOMIALS)
def test_derivatives_of_roots_are_those_of_differences(p):
    p = np.array(p)
    h = 1e-4 * np.eye(p.size)[np.flatnonzero(p)[0] :]  # one more root comes from infinity
    first = [(weighted(near(p, p + a)) - weighted(near(p, p - a))) / 2e-4 for a in h]
    np.testing.assert_allclose(grad(lambda p: weighted(np.roots(p)))(p)[-len(h) :], first, atol=1e-6)
    second = [
        [
            sum(s * t * weighted(near(p, p + s * a + t * b)) for s in (1, -1) for t in (1, -1)) / 4e-8
            for a in h
        ]
        for b in h
    ]
    H = hessian(lambda p: weighted(np.roots(p)))(p)[-len(h) :, -len(h) :]
    np.testing.assert_allclose(H, second, atol=1e-4)


@pytest.mark.parametrize("p", [*POLYNOMIALS, [0.0], [2.0], [2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 2.0]])
def test_roots_are_numpys(p):
    np.testing.assert_allclose(np.roots(Tensor(np.array(p))).data, np.roots(p), atol=1e-14)
