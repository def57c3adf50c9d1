"""Elements in the order in which an array lies in memory: ``order="K"`` and ``"A"``, at every layout."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tinygrad_course import CannotCompile, compiled, grad, hessian

LAYOUTS = {
    "rows": lambda x: x * 2,
    "columns": lambda x: (x * 2).T,
    "steps": lambda x: (x * 2)[::-1, :, ::2],
    "swapped": lambda x: np.swapaxes(x * 2, 0, 1),
    "turned columns": lambda x: (x * 2).T[:, ::-1],
    "an input": lambda x: x.T,
    "mixed": lambda x: x.T + x.reshape(4, 3, 2),
}
CALLS = {
    "ravel": lambda y, order: np.ravel(y, order=order),
    "ravel by position": lambda y, order: y.ravel(order),
    "flatten": lambda y, order: y.flatten(order),
    "reshape": lambda y, order: y.reshape((-1, 2), order="C" if order == "K" else order)[:, 1],
    "copy": lambda y, order: np.ravel(np.copy(y, order=order), order="K"),
    "method copy": lambda y, order: y.copy(order).ravel("A"),
    "astype": lambda y, order: y.astype(np.float32, order=order).astype(float).ravel("K"),
}
WEIGHTS = np.random.RandomState(1).randn(24)


@pytest.mark.parametrize("lies", "CF")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("call", CALLS)
def test_every_order(call, layout, lies):
    x = np.asarray(np.random.RandomState(0).randn(2, 3, 4), order=lies)
    for order in "CFAK":

        def J(x, order=order):
            y = CALLS[call](LAYOUTS[layout](x), order)
            return np.sum(y * y * WEIGHTS[: len(y)])

        slopes = []
        for i in range(24):
            step = np.zeros_like(x)
            step.flat[i] = 0.5  # J is a parabola
            slopes.append(J(x + step) - J(x - step))
        assert_allclose(grad(J)(x), np.reshape(slopes, x.shape), rtol=1e-4, atol=1e-4)


def test_second_derivatives_and_programs():
    f = lambda x: np.sum(np.ravel(x.T * x.T, order="K") ** 2 * WEIGHTS[:6])  # noqa: E731
    x = np.arange(1.0, 7.0).reshape(2, 3)
    assert_allclose(np.diag(hessian(f)(x).reshape(6, 6)), 12 * x.ravel() ** 2 * WEIGHTS[:6])
    with pytest.raises(CannotCompile, match="depends on how the array lies in memory"):
        compiled(grad(f))(x)
