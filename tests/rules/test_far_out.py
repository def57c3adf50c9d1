"""Sigmoid and tanh far from 0: their slopes keep their digits where 1 - y has lost them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from tinygrad_course import Tensor, grad

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
