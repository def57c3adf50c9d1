"""Every function of the vocabulary that takes complex numbers: its gradients with respect to real ones.

The variables of a call become c x + d with complex constants, and the cost is a real part: the gradient and the
second derivative with respect to x are held against differences.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.test_vocabulary import assert_close, differences, evaluate, outputs, variables
from tests.properties.vocabulary import CASES, Call, Case
from tinygrad_course import Tensor, grad, jacobian, jvp, vjp
from tinygrad_course.rules.table import RULES

#: Not to be had for complex numbers, with what the error says.
REFUSED: dict[str, str] = {}
#: Its complex result jumps with the argument, or depends on the factors that vectors are determined up to.
UNDETERMINED: set[str] = set()


def takes_complex(case: Case, call: Call, values: list[Any]) -> bool:
    """Whether NumPy itself computes it, as numbers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ys = outputs(evaluate(case, call, values))
    except Exception:  # noqa: BLE001  (whatever NumPy says)
        return False
    return all(np.all(np.isfinite(y)) for y in ys if hasattr(y, "dtype") and y.dtype.kind in "fc")


def turned(values: list[Any], dtype: Any = np.complex128) -> list[tuple[Any, Any]]:
    """Complex factors and terms that leave the numbers in the neighbourhood of real ones."""
    rng = np.random.default_rng(len(values))
    return [
        (
            np.exp(1j * rng.uniform(0.1, 0.4, v.shape)).astype(dtype),
            (0.2j * rng.uniform(-1.0, 1.0, v.shape)).astype(dtype),
        )
        for v in values
    ]


def cost(case: Case, call: Call, of: list[tuple[Any, Any]], plain: list[Any]) -> Any:
    rng = np.random.default_rng(1)
    weights = [rng.uniform(0.5, 1.5, np.shape(y)) * np.exp(1j * rng.uniform(0, 6, np.shape(y))) for y in plain]

    def J(values: list[Any]) -> Any:
        ys = outputs(evaluate(case, call, [c * v + d for v, (c, d) in zip(values, of, strict=True)]))
        return sum(
            np.sum(np.real(w * y))
            for y, w in zip(ys, weights, strict=True)
            if hasattr(y, "dtype") and y.dtype.kind in "fc"
        )

    return J


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=settings.default.max_examples // 6)
@given(data=st.data())
def test_gradients_through_complex_numbers(name: str, data: Any) -> None:
    case = CASES[name]
    call = data.draw(case.calls)
    values = variables(call)
    of = turned(values)
    at = [c * v + d for v, (c, d) in zip(values, of, strict=True)]
    if not values or not takes_complex(case, call, at):
        return
    plain = outputs(evaluate(case, call, at))
    if not any(getattr(y, "dtype", np.dtype(bool)).kind in "fc" for y in plain):
        return
    J = cost(case, call, of, plain)
    tensors = [Tensor(v) for v in values]
    ours = outputs(evaluate(case, call, [c * t + d for t, (c, d) in zip(tensors, of, strict=True)]))
    for y, theirs in zip(ours, plain, strict=True):
        got = y.data if isinstance(y, Tensor) else y
        assert np.shape(got) == np.shape(theirs)
        if case.function in RULES:
            np.testing.assert_array_equal(got, theirs)
        else:
            np.testing.assert_allclose(got, theirs, rtol=1e-11, atol=1e-11)
    slope = grad(J)(values)
    for i, g in enumerate(slope):
        assert g.dtype == values[i].dtype
        assert_close(g, differences(J, values, i), 1e-6)
    if not case.twice:
        return
    rng = np.random.default_rng(2)
    u = [rng.uniform(0.5, 1.5, v.shape) for v in values]
    square = grad(lambda v: J(v) ** 2 / 2.0)

    def along(v: list[Any]) -> Any:
        return sum(np.sum(g * a) for g, a in zip(square(v), u, strict=True))

    for i, g in enumerate(grad(along)(values)):
        assert_close(g, differences(along, values, i), 1e-5)
