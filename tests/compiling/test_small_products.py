"""Small products in registers, and what a loop over time comes to as machine code."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_course import compiled, grad, value_and_grad
from tinygrad_course.compiling.machine import small_products
from tinygrad_course.compiling.machine.small_products import tiled
from tinygrad_course.compiling.passes.fuse import MOST, FusedCall

pytest.importorskip("llvmlite.binding")


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize(
    ("m", "k", "n"), [(1, 1, 16), (3, 5, 17), (6, 4, 16), (7, 1, 17), (10, 32, 32), (13, 2, 40)]
)
def test_small_products_are_those_of_numpy(m, k, n, dtype):
    rng = np.random.default_rng(m * k * n)
    A, B = rng.normal(size=(m, 2 * k)).astype(dtype), rng.normal(size=(n, 3 * k)).astype(dtype)
    for left in (A[:, ::2], A[:, :k], np.asfortranarray(A[:, k:])):
        for right in (B[:, :k].T, np.ascontiguousarray(B[:, ::3].T)):
            out = np.full((m, n), np.nan, dtype)
            tiled(m, n, dtype, in_order=right.flags.c_contiguous)(left, right, out)
            assert_close(out, left @ right, dtype)


def assert_close(ours, theirs, dtype):
    np.testing.assert_allclose(
        ours, theirs, rtol=0, atol=np.abs(theirs).max() * {"f8": 1e-13, "f4": 1e-5}[dtype]
    )


def recurrent(p, x):
    a = np.zeros((8, x.shape[1]), x.dtype)
    J = 0.0
    for t in range(x.shape[2]):
        a = np.tanh(p["W"] @ a + p["U"] @ x[:, :, t] + p["b"])
        J = J + np.sum((p["V"] @ a) ** 2)
    return J


@pytest.mark.sampled(2)
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_a_loop_over_time_has_few_functions(dtype, monkeypatch):
    monkeypatch.setattr(small_products, "vector_bytes", lambda: 32)  # also where registers hold more
    rng = np.random.default_rng(3)
    p = {"W": (8, 8), "U": (8, 8), "V": (16, 8), "b": (8, 1)}
    p = {name: rng.normal(0, 0.3, shape).astype(dtype) for name, shape in p.items()}
    x = rng.normal(size=(8, 8, 40)).astype(dtype)
    step = compiled(value_and_grad(recurrent), engine="machine")
    (J, grads), (J2, grads2) = step(p, x), value_and_grad(recurrent)(p, x)
    assert np.allclose(J, J2, rtol=1e-5 if dtype == "f4" else 1e-12)
    for name, dW in grads.items():
        assert_close(dW, grads2[name], dtype)
    ((_, program),) = step.programs.values()
    functions = [v.function for v in program.body.layout.order]
    fused = [f.function for f in functions if isinstance(f, FusedCall)]
    assert len(fused) > 120
    assert len(set(fused)) < 20
    assert not {np.tanh, np.matmul} & set(functions)


def sine(p, x):
    return x + 0.01 * np.sin(p["w"] * x)


def runge_kutta(p, x, h=0.01):
    def slope(y):
        return np.sin(y) - p["w"] * y

    a = slope(x)
    b = slope(x + h / 2 * a)
    c = slope(x + h / 2 * b)
    return x + h / 6 * (a + 2 * b + 2 * c + slope(x + h * c))


@pytest.mark.parametrize(("step", "m"), [pytest.param(sine, 1500, marks=pytest.mark.long), (runge_kutta, 3)])
def test_a_long_loop_over_one_shape_is_made_in_pieces_that_are_alike(step, m):
    def f(p, x):
        for _ in range(200 if step is sine else 40):
            x = step(p, x)
        return np.sum(x**2)

    rng = np.random.default_rng(1)
    args = {"w": rng.normal(size=m)}, rng.normal(size=m)
    made = compiled(value_and_grad(f), engine="machine")
    (J, grads), (J2, grads2) = made(*args), value_and_grad(f)(*args)
    assert np.allclose(J, J2)
    assert_close(grads["w"], grads2["w"], "f8")
    ((_, program),) = made.programs.values()
    calls = [v.function for v in program.body.layout.order]
    assert np.sin not in calls
    fused = [f.function for f in calls if isinstance(f, FusedCall)]
    assert len(fused) > 1400 // MOST
    assert len(set(fused)) < (12 if step is sine else 20)


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize("dtype", ["f8", "i8", "?"])
def test_what_is_taken_along_another_axis_at_many_places_is_what_it_was(engine, dtype):
    def f(w, x):
        return sum(np.sum(w * x[:, t] + x[:, :, t] * w) for t in range(5)), x[:, 3], x[2, 1]

    w, x = np.linspace(-1, 1, 5), np.arange(125).reshape(5, 5, 5).astype(dtype)
    step = compiled(f, engine=engine)
    for ours, theirs in zip(step(w, x), f(w, x), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13)
    assert np.shares_memory(step(w, x)[1], x)  # as the function's own result does


@pytest.mark.parametrize(("left", "right"), [((20, 20, 3), (3,)), ((3,), (20, 3, 20)), ((9, 12, 3), (3,))])
def test_stacks_of_small_matrices_times_a_vector(left, right):
    """They have two axes, as products of matrices have, and are none."""
    rng = np.random.RandomState(0)
    A, b, c = rng.randn(*left), rng.randn(*right), rng.randn(*right)
    for f in (
        lambda A, b, c: (A @ b) * 2.0,
        lambda A, b, c: (A @ b) * (A @ c),
        lambda A, b, c: (A @ b) * ((A + 1) @ b),
        lambda A, b, c: grad(lambda A: np.sum((A @ b) ** 2 * (A @ c)))(A),
    ):
        g = compiled(f, "machine")
        np.testing.assert_allclose(g(A, b, c), f(A, b, c), rtol=1e-12, atol=1e-13)
        assert len(g.programs) == 1
