"""Norms, log(sum(exp(x))) and sums over few neighbours in compiled functions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compiling.test_equality import assert_equal
from tinygrad_course import compiled, value_and_grad
from tinygrad_course.compiling.dataflow import is_view
from tinygrad_course.compiling.passes.fuse import FusedCall, part


@pytest.fixture(params=["numpy", "machine"])
def engine(request):
    if request.param == "machine":
        pytest.importorskip("llvmlite.binding")
    return request.param


def summed(x):
    return np.logaddexp.reduce(x, axis=-1), np.logaddexp.reduce(x, axis=0, keepdims=True)


@pytest.mark.parametrize("shape", [(300,), (40, 8), (2, 200, 3)])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_log_sums_of_exponentials_far_out(engine, shape, dtype):
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    program = compiled(summed, engine=engine)
    for change in (0.0, 2000.0, -2000.0, np.inf, -np.inf):
        x[..., -1] += dtype == "f8" and change
        eps = 1e-12 if dtype == "f8" else 1e-5  # of 1 too: the logarithm of about 1 is a difference
        for ours, axis, keepdims in zip(program(x), (-1, 0), (False, True), strict=True):
            right = np.logaddexp.reduce(x, axis=axis, keepdims=keepdims)
            np.testing.assert_allclose(ours, right, rtol=eps, atol=eps)
            assert (type(ours), ours.dtype, np.shape(ours)) == (type(right), right.dtype, np.shape(right))
        x[..., -1] = 0.5
    x[:] = -np.inf
    assert np.all(program(x)[0] == -np.inf)


def norms(x):
    n = np.linalg.norm
    return n(x), n(x, axis=0), n(x, axis=-1, keepdims=True), n(x, 2, -1), n(x, 1, axis=0), n(x, axis=(0, 1))


@pytest.mark.parametrize("shape", [(300, 2), (3, 7, 20)])
def test_norms_are_those_of_numpy(engine, shape):
    x = np.random.default_rng(1).normal(size=shape)
    if len(shape) == 2:
        assert_equal(compiled(norms, engine=engine)(x), norms(x))

    def cost(x):
        return np.sum(np.linalg.norm(x, axis=-1) ** 3) + np.linalg.norm(x)

    x[0] = 0.0  # the slope at the tip is 0
    step = value_and_grad(cost)
    assert_equal(compiled(step, engine=engine)(x), step(x))


@given(
    st.lists(st.sampled_from([1, 2, 3, 4, 5, 30]), min_size=2, max_size=4), st.sampled_from(["f8", "f4"]),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_sums_over_few_neighbours_are_those_of_numpy(shape, dtype, seed):
    pytest.importorskip("llvmlite.binding")
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape).astype(dtype)
    y = rng.normal(size=shape[1:]).astype(dtype)
    axes = [tuple(np.flatnonzero(rng.random(x.ndim) < 0.5).tolist()) for _ in range(3)]

    def sums(x, y):
        z = np.exp(x - y) * x
        found = [np.sum(z, axis=a, keepdims=True) + np.max(x, axis=a, keepdims=True) for a in axes if a]
        return *found, np.sum(x[:, None] * x, axis=0), z

    exact = sums(x.astype("f8"), y.astype("f8"))
    assert_equal(compiled(sums, engine="machine")(x, y), sums(x, y), exact)


def calls(program):
    """The functions that a compiled function's latest program calls beside machine code and views."""
    ((_, made),) = program.programs.values()
    values = [v for v in made.body.program.values() if v.function is not None and not is_view(v)]
    return {v.function for v in values if v.function is not part and type(v.function) is not FusedCall}


def test_logaddexp_truths_as_numbers_and_extremes_with_a_start_are_machine_code():
    pytest.importorskip("llvmlite.binding")
    special = [0.0, -0.0, 1.0, 700.0, 1e-300, -800.0, np.inf, -np.inf, np.nan]
    a, b = (x.copy() for x in np.meshgrid(special, special))

    def f(a, b):
        y = np.logaddexp(a, b) + (a > b).astype(float)
        return y, np.max(y, axis=1, initial=-np.inf), np.min(y, axis=0, keepdims=True, initial=np.inf)

    program = compiled(f, engine="machine")
    for x, y in ((a, b), (np.nan_to_num(a), np.nan_to_num(b))):
        with np.errstate(all="ignore"):
            assert_equal(program(x, y), f(x, y))
    assert not calls(program)
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 1000)) * 10
    assert_equal(program(a[None], b[None]), f(a[None], b[None]), f(*map(np.longdouble, (a[None], b[None]))))
    start = compiled(lambda a: np.max(a, axis=0, initial=0.0), engine="machine")
    assert np.array_equal(start(-np.abs(a[:, None])), [0.0])
