"""Derivatives of any function held against central differences, at orders one and two."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_course import grad, hvp
from tinygrad_course.autodiff import flatten

__all__ = ["check_derivatives"]


def check_derivatives(f: Any, *args: Any, rtol: float = 1e-6, atol: float = 1e-7, h: float = 1e-6) -> None:
    """Check the gradient of sum(y + 0.3 y^2), y = weights * f(*args), and its product with the Hessian.

    The rounding of the sum is divided by the step `h`: a large and smooth function wants a longer one.
    """
    rng = np.random.default_rng(1)
    weights = rng.normal(size=np.shape(f(*args)))
    point, unflatten = flatten(list(args))

    def total(v: Any) -> Any:
        y = weights * f(*unflatten(v))
        return np.sum(y + 0.3 * y * y)

    gradient = grad(total)
    first = gradient(point)
    for i in rng.permutation(point.size)[:60]:
        step = np.zeros_like(point)
        step[i] = h
        numerical = (total(point + step) - total(point - step)) / (2 * h)
        np.testing.assert_allclose(first[i], numerical, rtol=rtol * 10, atol=atol * 10)
    direction = rng.normal(size=point.shape)
    numerical = (gradient(point + h * direction) - gradient(point - h * direction)) / (2 * h)
    np.testing.assert_allclose(hvp(total)(point, direction), numerical, rtol=rtol * 10, atol=atol * 10)
