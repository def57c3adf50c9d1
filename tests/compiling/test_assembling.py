"""Arrays that machine code puts together: rolled, padded, beside each other, and the gradients of slices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compiling.test_equality import assert_equal
from tests.compiling.test_reductions import calls
from tinygrad_course import compiled, value_and_grad

pytest.importorskip("llvmlite.binding")


@st.composite
def forms(draw, n):
    """A slice forwards or a number, for an axis of length n, and nothing of it now and then."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.integers(-n, n - 1))
    start = draw(st.one_of(st.none(), st.integers(-n, n)))
    return slice(start, draw(st.one_of(st.none(), st.integers(-n, n))), draw(st.sampled_from([None, 1, 2])))


@st.composite
def programs(draw):
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    shift, widths = draw(st.integers(-6, 6)), draw(st.lists(st.integers(0, 2), min_size=2, max_size=2))
    indices = []
    for _ in range(draw(st.integers(1, 10))):
        index = tuple(draw(forms(n)) for n in shape[: draw(st.integers(1, len(shape)))])
        indices.append((..., index[0]) if len(index) == 1 and shape[-1] == shape[0] else index)

    def f(x, y):
        parts = [np.sum(x[i] ** 2 * (k + 1.0)) for k, i in enumerate(indices)]
        beside = np.concatenate([x, np.roll(y, shift, axis), x[:1] if axis % x.ndim == 0 else y], axis=axis)
        together = np.stack([x, y * 2.0, x], axis=axis)
        return sum(parts), np.pad(x * y, tuple(widths)), beside, np.tanh(together)

    return shape, f


@given(programs(), st.sampled_from(["f8", "f4"]), st.integers(0, 2**32 - 1))
def test_what_is_put_together_is_numpys(program, dtype, seed):
    shape, f = program
    rng = np.random.default_rng(seed)
    x, y = (rng.normal(size=shape).astype(dtype) for _ in "xy")
    weights = [rng.normal(size=np.shape(z)) for z in f(x, y)]

    def cost(x, y):
        return sum(np.sum(z * w.astype(dtype)) for z, w in zip(f(x, y), weights, strict=True))

    wide = x.astype(float), y.astype(float)
    assert_equal(compiled(f, engine="machine")(x, y), f(x, y), f(*wide))
    step = value_and_grad(cost, argnums=(0, 1))
    assert_equal(compiled(step, engine="machine")(x, y), step(x, y), step(*wide))


def test_a_stencil_and_its_gradient_are_machine_code():
    def cost(u):
        for _ in range(3):
            near = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
            u = np.pad(u[1:-1, 1:-1] + 0.1 * near, 1)
        return np.sum(np.concatenate([u, np.roll(u, 1, 1)], axis=1) ** 2)

    u = np.random.default_rng(0).normal(size=(12, 9))
    program = compiled(value_and_grad(cost), engine="machine")
    assert_equal(program(u), value_and_grad(cost)(u))
    assert not calls(program)
