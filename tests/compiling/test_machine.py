"""Engine two computes what the function computes; its mathematics holds over the whole range."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import special

from tests.compiling import networks
from tests.compiling.interpreted import interpreted
from tests.compiling.test_equality import assert_equal, wider
from tinygrad_course import CannotCompile, compiled, compiled_loop, grad, value_and_grad
from tinygrad_course.compiling import blas, code_cache
from tinygrad_course.compiling.machine import (
    jit,
    products,
    python_entry,
    register_tiles,
    vector_math,
)

llvm = pytest.importorskip("llvmlite.binding")


@pytest.fixture
def no_compiler(monkeypatch):
    monkeypatch.setattr(jit, "compile_source", interpreted)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYGRAD_COURSE_CACHE", str(tmp_path / "cache"))


@given(networks.networks())
def test_texts_of_random_networks(case):
    step, parameters, X, Y = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jit, "compile_source", interpreted)
        program = compiled(step, engine="machine")
        for _ in range(2):
            result = program(parameters, X, Y)
            assert_equal(result, step(parameters, X, Y), step(wider(parameters), wider(X), wider(Y)))
            parameters = result[0]


@given(networks.recipes, st.integers(1, 3), st.sampled_from([2, 9]), st.integers(0, 2**32 - 1))
def test_texts_of_random_expressions(recipe, n, m, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(n, m)), rng.normal(size=(n, m))
    f = value_and_grad(networks.expression(recipe), argnums=(0, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jit, "compile_source", interpreted)
        assert_equal(compiled(f, engine="machine")(a, b), f(a, b), f(wider(a), wider(b)))


@pytest.mark.long
@pytest.mark.parametrize("sizes", [[2, 4, 1], [3, 40, 2]])
def test_machine_code_of_a_network(sizes):
    rng = np.random.default_rng(3)
    parameters, X = networks.parameters_of(rng, sizes), rng.normal(size=(sizes[0], 37))
    Y = (rng.random((sizes[-1], 37)) > 0.5) * 1.0
    step = networks.training_step(["tanh", "sigmoid"], "cross entropy", 0.7, 0.5)
    program = compiled(step, engine="machine")
    for _ in range(3):
        result = program(parameters, X, Y)
        assert_equal(result, step(parameters, X, Y), step(wider(parameters), wider(X), wider(Y)))
        parameters = result[0]
    for bad in (np.nan, np.inf):
        X[0, 3] = bad
        with np.errstate(all="ignore"):
            ours, theirs = program(parameters, X, Y), step(parameters, X, Y)
        assert np.isfinite(ours[1]) == np.isfinite(theirs[1])


# ------------------------------------------------------------------ the functions


def arguments():
    rng = np.random.default_rng(0)
    small = 10.0 ** rng.uniform(-323, 2, 2000)
    ends = [np.inf, -np.inf, np.nan, 0.0, -0.0, 1.0, -1.0, 5e-324, -5e-324, 1e308, -1e308, 709.782, -745.13]
    return np.concatenate([rng.uniform(-750, 710, 4000), rng.normal(size=4000), small, -small, ends])


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "tanh"])
def test_functions_are_within_two_ulp_over_the_whole_range(name):
    each = "for i in range(x.shape[0]):\n        y[i] = "
    source = f"def compute(x, y):\n    {each}{name}(x[i])\n    return None\n"
    x = arguments()
    if name == "log":
        x = np.concatenate([np.abs(x), 1 + x[np.abs(x) < 0.5], [-1.0, -np.inf]])
    ours = np.empty_like(x)
    jit.compile_source(source, ("f8 1", "f8 1"))(x, ours)
    with np.errstate(all="ignore"):
        exact = getattr(np, name)(x.astype(np.longdouble))  # 11 bits more
        rounded = exact.astype(np.float64)
        special_case = ~np.isfinite(rounded)
        error = np.abs(ours - exact) / np.spacing(np.abs(rounded))
    assert np.array_equal(ours[special_case], rounded[special_case], equal_nan=True)
    assert np.max(error[~special_case]) <= 2
    # it is the text that is computed, and the text run as Python gives the same but for fused additions
    plain = [getattr(vector_math, name)(float(u)) for u in x[:200]]
    assert np.allclose(plain, ours[:200], rtol=1e-15, atol=0, equal_nan=True)


@pytest.mark.parametrize("wave", [np.sin, np.cos])
@pytest.mark.parametrize("far", [[], [1e300, np.inf, -np.inf, np.nan, 123456.7]])
def test_waves_are_within_two_ulp_far_out_and_where_they_are_nothing(wave, far):
    rng = np.random.default_rng(0)
    turns = rng.integers(-63_000, 63_000, 2000) * (np.pi / 2)
    beside = np.nextafter(turns, np.inf)
    x = np.concatenate([rng.normal(size=2000) * 10.0 ** rng.uniform(-300, 4, 2000), turns, beside, far])
    with np.errstate(invalid="ignore"):
        ours = compiled(lambda x: 2.0 * wave(x), engine="machine")(x) / 2.0
        exact = wave(x.astype(np.longdouble))
    if not far:  # by the fast path, so not all bits are the C library's
        assert not np.array_equal(ours, wave(x))
    assert np.array_equal(np.isnan(ours), np.isnan(exact))
    with np.errstate(invalid="ignore"):
        error = np.abs(ours - exact) / np.spacing(np.abs(exact.astype(np.float64)))
    assert np.nanmax(error) <= 2


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize("axis", [0, 1, -1, None, (0, 2)])
@pytest.mark.parametrize("shift", [0, 1, -2, 7, np.int64(2)])
def test_rolls(engine, axis, shift):
    x, weights = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    shift = (shift, 1) if isinstance(axis, tuple) else shift
    ours = compiled(value_and_grad(lambda x: np.sum(np.roll(x, shift, axis) * weights)), engine=engine)(x)
    back = np.negative(shift) if isinstance(axis, tuple) else -shift
    assert np.isclose(ours[0], np.sum(np.roll(x, shift, axis) * weights), rtol=1e-14)
    assert np.array_equal(ours[1], np.roll(weights, back, axis))


@pytest.mark.parametrize("engine", ["numpy", "machine"])
def test_outer_products_are_turned_and_arrays_padded(engine):
    rng = np.random.default_rng(0)
    u, v, W = rng.normal(size=4), rng.normal(size=5), rng.normal(size=(5, 4))

    def f(u, v):
        turned = np.sum((u[:, None] * v).T * W) + np.sum((v[:, None] * np.ones(4)).T @ W)
        padded = np.pad(np.outer(u, v).T, ((1, 2), (0, 3)), constant_values=0.5)
        return turned + np.sum(padded**2) + np.sum(u / np.sqrt(np.sum(u**2)))

    J, gradients = compiled(value_and_grad(f, (0, 1)), engine=engine)(u, v)
    assert np.isclose(J, f(u, v), rtol=1e-13)
    for i, found in enumerate(gradients):
        for k in range(found.size):
            moved = [u.astype(complex), v.astype(complex)]
            moved[i][k] += 1e-30j
            assert np.isclose(found[k], f(*moved).imag / 1e-30, rtol=1e-12)


PARTS = [
    np.s_[1:-1, 1:-1], np.s_[2:, 1:-1], np.s_[1:-1, ::-1][:1] + np.s_[2:,], np.s_[:-2, :-2], np.s_[::2, 3:],
    np.s_[1:2, 2:], np.s_[:, 1:2], np.s_[::-1, 1:], np.s_[:, ::-1], np.s_[:, ::2], np.s_[1:],
]  # fmt: skip


@pytest.mark.parametrize("shape", [(9, 8), (9, 8, 5)])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_parts_of_matrices_are_read_where_they_lie(shape, order, dtype):
    rng = np.random.default_rng(0)
    u = np.asarray(rng.normal(size=shape), dtype, order=order)

    def f(u):
        inner = np.tanh(u) * 2.0
        J = np.sum(u[1:-1, 1:-1] * (inner[2:, 1:-1] + inner[:-2, 1:-1] - 4.0 * u[1:-1, :-2]))
        for part in PARTS:
            J = J + np.sum(np.exp(inner[part]) * u[part] - u[part][:1]) + np.sum(np.sum(inner[part] ** 3, 0))
        return J + np.max(np.max(inner[2:, 1:-1] * u[2:, 2:], axis=1))

    J, du = compiled(value_and_grad(f), engine="machine")(u)
    right, slope = value_and_grad(f)(u.astype(float))
    assert np.isclose(J, right, rtol=100 * np.finfo(dtype).eps)
    assert np.allclose(du, slope, rtol=0, atol=100 * np.finfo(dtype).eps * np.max(np.abs(slope)))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("width", [(), (3,), (2, 5)])
@pytest.mark.parametrize("named", [(4,), (20,), (6, 5), (0,)])
def test_rows_are_added_to_a_table(dtype, width, named):
    rng = np.random.default_rng(0)
    E, rows = rng.normal(size=(7, *width)).astype(dtype), rng.integers(-7, 7, named)
    weights = rng.normal(size=(*named, *width)).astype(dtype)
    program = compiled(
        grad(lambda E, i: np.sum(E[i] * weights) + np.sum(E[i[:2]] ** 2) + np.sum(E)), engine="machine"
    )
    expected = np.ones(E.shape)
    np.add.at(expected, rows, weights)
    np.add.at(expected, rows[:2], 2.0 * E[rows[:2]])
    tolerance = 20 * np.finfo(dtype).eps
    assert np.allclose(program(E, rows), expected, rtol=tolerance, atol=tolerance)
    assert program(E, rows).dtype == E.dtype


@pytest.mark.parametrize("wrong", [7, -8, 2**62])
def test_rows_that_a_table_lacks_are_the_functions_own_error(wrong):
    program = compiled(grad(lambda E, i: np.sum(E[i])), engine="machine")
    E = np.ones((7, 3))
    for rows in ([0, -1], [0, wrong], [0, -1]):
        if wrong in rows:
            with pytest.raises(IndexError, match=f"index {wrong} is out of bounds"):
                program(E, np.array(rows))
        else:
            assert np.array_equal(program(E, np.array(rows))[:, 0], [1, 0, 0, 0, 0, 0, 1])


@pytest.mark.parametrize("n", [-4, -3, -2.5, -2, -1.5, -1, -0.5, 0.5, 1.5, 2.5, 3, 3.5, 4])
@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_powers_are_products_and_roots(n, engine, dtype):
    x = np.concatenate([np.geomspace(1e-8, 1e8, 400), [0.0, -0.0, np.inf, -np.inf, np.nan, -1.5]]).astype(
        dtype
    )
    with np.errstate(all="ignore"):
        ours = compiled(lambda x: 2.0 * x**n, engine=engine)(x) / 2.0
        exact = np.where(x == -np.inf, np.power(x, n), x.astype(np.longdouble) ** n)
    tolerance = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(ours, exact.astype(dtype), rtol=tolerance, atol=0)
    assert ours.dtype == x.dtype


@pytest.mark.parametrize(
    ("name", "ulp"), [("exp", 2), ("log", 2), ("tanh", 2), ("expit", 2.5), ("softplus", 2)]
)
def test_functions_in_single_precision(name, ulp):
    source = (
        f"def compute(x, y):\n    for i in range(x.shape[0]):\n        y[i] = {name}(x[i])\n    return None\n"
    )
    x = arguments()
    x = np.concatenate([x[np.abs(x) < 120], [np.inf, -np.inf, np.nan, 88.72, -87.4, -103.9, 1e-45, -1e-45]])
    x = (np.abs(x) if name == "log" else x).astype(np.float32)
    ours = np.empty_like(x)
    jit.compile_source(source, ("f4 1", "f4 1"))(x, ours)
    exactly = {"expit": special.expit, "softplus": lambda z: np.logaddexp(0, z)}
    with np.errstate(all="ignore"):
        exact = exactly.get(name, getattr(np, name, None))(x.astype(np.float64))
        rounded = exact.astype(np.float32)
        special_case = ~np.isfinite(rounded)
        error = np.abs(ours - exact) / np.spacing(np.abs(rounded))
    assert np.array_equal(ours[special_case], rounded[special_case], equal_nan=True)
    assert np.max(error[~special_case]) <= ulp
    # rounded at each operation or not, the text run as Python gives the same
    with np.errstate(over="ignore"):
        plain = np.float32([getattr(vector_math, f"{name}4")(float(u)) for u in x[:200]])
    assert np.allclose(plain, ours[:200], rtol=1e-6, atol=1e-44, equal_nan=True)


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "tanh", "expit", "softplus"])
def test_functions_are_done_on_several_numbers_at_once(name):
    each = "for i in range(x.shape[0]):\n        y[i] = "
    source = f"def compute(x, y):\n    {each}{name}(x[i])\n    return None\n"
    engine = jit._engine()
    text = engine.optimised(python_entry.module_text(source, ("f8 1", "f8 1"), "function"))
    lanes = register_tiles.vector_bytes() // 8
    assert re.search(rf"fmul contract <{min(lanes, 4)} x double>|fmul contract <{lanes} x double>", str(text))
    if f"{name}4" in vars(vector_math):
        text = engine.optimised(python_entry.module_text(source, ("f4 1", "f4 1"), "function"))
        wide = f"{min(2 * lanes, 8)}|{2 * lanes}"  # LLVM takes whole registers, or halves of the widest
        assert re.search(rf"fmul contract <({wide}) x float>", str(text))


# ------------------------------------------------------------------ products


def product(left, right, run):
    out = np.full((left.shape[0], right.shape[1]), np.nan, left.dtype)
    run(*products.product_source(left.shape, right.shape, left.dtype))(left, right, out)
    return out


def bound(left, right):
    return 4 * left.shape[1] * np.finfo(left.dtype).eps * (np.abs(left) @ np.abs(right) + 1e-300)


@given(
    st.integers(1, 30), st.integers(1, 40), st.integers(1, 70), st.sampled_from("CF"),
    st.sampled_from(["f4", "f8"]), st.sampled_from([16, 32, 64]), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_texts_of_products(m, k, n, order, dtype, wide, seed):
    rng = np.random.default_rng(seed)
    left, right = rng.normal(size=(m, k)).astype(dtype), rng.normal(size=(k, n)).astype(dtype, order=order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(register_tiles, "vector_bytes", lambda: wide)
        for name, small in (("ALONG", 16), ("ACROSS", 8), ("COLUMNS", 32)):
            patch.setattr(products, name, small)
        ours = product(left, right, interpreted)
    assert (np.abs(ours - left @ right) <= bound(left, right)).all()


@pytest.mark.long
@pytest.mark.parametrize(
    ("shape", "dtype"), [((20, 700, 33), "f8"), ((30, 209, 300), "f4"), ((6, 90, 40), "f4")]
)
def test_machine_code_of_products(shape, dtype):
    m, k, n = shape
    rng = np.random.default_rng(1)
    left = rng.normal(size=(m, k)).astype(dtype)
    run = jit.compile_source
    for right in (rng.normal(size=(k, n)).astype(dtype), rng.normal(size=(n, k)).astype(dtype).T):
        expected, error = left @ right, bound(left, right)
        assert (np.abs(product(left, right, run) - expected) <= error).all()
        assert (np.abs(product(left[:, ::-1], right[::-1], run) - expected) <= error).all()
    left[0, 1], left[1, 2] = np.nan, np.inf
    with np.errstate(all="ignore"):
        assert np.array_equal(np.isnan(product(left, right, run)), np.isnan(left @ right))


@given(
    st.integers(1, 30), st.integers(8, 40), st.integers(8, 40), st.sampled_from(["f4", "f8"]),
    st.sampled_from([16, 32, 64]), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_texts_of_steps_that_pass_once(m, k, n, dtype, wide, seed):
    rng = np.random.default_rng(seed)
    W, D, X = (rng.normal(size=shape).astype(dtype) for shape in ((m, k), (m, n), (k, n)))
    new, Z = np.empty_like(W), np.empty_like(D)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(register_tiles, "vector_bytes", lambda: wide)
        patch.setattr(products, "ACROSS", 8)
        panels = products.in_panels(W)
        interpreted(*products.single_pass_source(m, X.shape, dtype))(D, X, panels, Z)
        products.out_of_panels(panels, new)
    assert (np.abs(new - (W - D @ X.T)) <= bound(D, X.T) + np.abs(W) * np.finfo(dtype).eps).all()
    assert (np.abs(Z - new @ X) <= bound(new, X)).all()


@pytest.mark.long
@pytest.mark.parametrize("units", [None, 20])
def test_a_loop_over_a_large_matrix_reads_it_once_a_step(units, monkeypatch):
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(5000, 203)), (rng.random((1, 203)) > 0.5) * 1.0
    if units is None:
        state = {"w": rng.normal(size=(5000, 1)) / 70, "b": np.zeros((1, 1))}

        def step(p, X, Y):
            J, grads = value_and_grad(
                lambda p: networks.cross_entropy(special.expit(np.dot(p["w"].T, X) + p["b"]), Y)
            )(p)
            return {k: p[k] - 1e-3 * grads[k] for k in p}, J
    else:
        state = networks.parameters_of(rng, [5000, units, 1])
        state["W1"], state["W2"] = state["W1"] / 70, state["W2"] / 5
        step = networks.training_step(["relu", "sigmoid"], "cross entropy", 0.0, 1e-3)
    before = {k: v.copy() for k, v in state.items()}
    expected, costs = by_python(step, state, X, Y, 5)
    loop = compiled_loop(step)
    for given_X in (X, np.asfortranarray(X)):
        ours, J = loop(state, given_X, Y, iterations=5)
        assert np.allclose(J, costs, rtol=1e-12)
        for name, value in expected.items():
            assert np.allclose(ours[name], value, rtol=1e-10, atol=1e-13)
            assert ours[name].shape == value.shape
            assert np.array_equal(state[name], before[name])
    assert [type(r).__name__ for r in loop._runners.values()] == ["InPlace"]
    at = []
    _, J = loop(state, X, Y, iterations=5, progress=lambda done, total, cost: at.append(done))
    assert np.allclose(J, costs, rtol=1e-12)  # the same after having stopped in between
    assert at[-1] == 5
    half, _ = loop(state, X, Y, iterations=2)
    ours, J = loop(half, X, Y, iterations=3)  # its own results come back
    assert np.allclose(J, costs[2:], rtol=1e-12)
    assert not any(np.shares_memory(a, b) for a, b in zip(half.values(), ours.values(), strict=True))
    monkeypatch.setattr("tinygrad_course.compiling.compiled_iteration.LOOK", 0)

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # after the first step
        loop(state, X, Y, iterations=5, progress=stop)
    reached, J = loop.reached
    assert np.allclose(J, costs[:1], rtol=1e-12)
    for name, value in step(state, X, Y)[0].items():
        assert np.allclose(reached[name], value, rtol=1e-10, atol=1e-13)


@pytest.mark.long
def test_a_loop_whose_state_tells_of_the_large_weights_goes_step_by_step():
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(5000, 203)), (rng.random((1, 203)) > 0.5) * 1.0
    parameters = networks.parameters_of(rng, [5000, 20, 1])
    parameters["W1"] /= 70
    plain = networks.training_step(["relu", "sigmoid"], "cross entropy", 0.0, 1e-3)

    def step(state, X, Y):
        new, J = plain(state[0], X, Y)
        return (new, np.sum(np.abs(state[0]["W1"]), keepdims=True)), J

    state = parameters, np.zeros((1, 1))
    expected, costs = by_python(step, state, X, Y, 3)
    ours, J = compiled_loop(step)(state, X, Y, iterations=3)
    assert np.allclose(J, costs, rtol=1e-12)
    assert np.allclose(ours[1], expected[1], rtol=1e-12)


# ------------------------------------------------------------------ weights that change where they lie


@given(
    st.integers(1, 9), st.integers(1, 9), st.integers(0, 9), st.sampled_from(["f4", "f8"]),
    st.tuples(*[st.sampled_from(["C", "F", "gaps"])] * 2), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_a_product_is_taken_from_a_matrix_where_it_lies(m, n, k, dtype, orders, seed):
    assume(blas.routine("gemm", dtype) is not None)
    rng = np.random.default_rng(seed)

    def laid(x, order):
        return np.repeat(x, 2, axis=1)[:, ::2] if order == "gaps" else np.asarray(x, order=order)

    W, D, B = (rng.normal(size=size).astype(dtype) for size in ((m, n), (m, k), (k, n)))
    ours = W.copy()
    blas.subtract_product(ours, laid(D, orders[0]), laid(B, orders[1]))
    assert (np.abs(ours - (W - D @ B)) <= bound(D, B) + np.abs(W) * 2 * np.finfo(dtype).eps).all()


def wide_network(dtype):
    rng = np.random.default_rng(3)
    parameters = networks.parameters_of(rng, [300, 256, 260, 1])
    for l in (1, 2, 3):
        parameters[f"W{l}"] /= 16
    X, Y = rng.normal(size=(300, 50)), (rng.random((1, 50)) > 0.5) * 1.0
    step = networks.training_step(["relu", "tanh", "sigmoid"], "cross entropy", 0.0, 0.1)
    return step, {k: w.astype(dtype) for k, w in parameters.items()}, X.astype(dtype), Y.astype(dtype)


@pytest.mark.parametrize(("dtype", "error"), [("f4", 1e-4), ("f8", 1e-11)])
def test_a_loop_changes_large_weights_where_they_lie(dtype, error, monkeypatch):
    step, state, X, Y = wide_network(dtype)
    before = {k: w.copy() for k, w in state.items()}
    expected, costs = by_python(step, state, X, Y, 4)
    loop = compiled_loop(step)
    ours, J = loop(state, X, Y, iterations=4)
    assert [type(r).__name__ for r in loop._runners.values()] == [
        "InPlace" if blas.routine("gemm", dtype) else "_StepByStep"
    ]
    assert np.allclose(J, costs, rtol=error)
    for name, value in expected.items():
        assert np.allclose(ours[name], value, rtol=error, atol=error)
        assert (ours[name].dtype, ours[name].shape) == (value.dtype, value.shape)
        assert np.array_equal(state[name], before[name])  # the caller's stay

    def order(i):
        return np.random.RandomState(i).permutation(50)

    expected, costs = by_hand(step, state, X, Y, 2, 20, order)  # with a short batch
    ours, J = loop(state, X, Y, iterations=2, batch_size=20, shuffle=order)
    assert np.allclose(J, costs, rtol=error)
    assert all(np.allclose(ours[k], value, rtol=error, atol=error) for k, value in expected.items())
    monkeypatch.setattr("tinygrad_course.compiling.compiled_iteration.LOOK", 0)

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # after the first step
        loop(state, X, Y, iterations=5, progress=stop)
    for name, value in step(state, X, Y)[0].items():
        assert np.allclose(loop.reached[0][name], value, rtol=error, atol=error)


@pytest.mark.parametrize("told", ["itself", "turned", "in a row"])
def test_a_loop_whose_state_holds_the_weights_before_makes_new_ones(told):
    plain, parameters, X, Y = wide_network("f8")

    def step(state, X, Y):
        new, J = plain(state[0], X, Y)
        W = state[0]["W1"]
        return (new, {"itself": W, "turned": W.T, "in a row": np.squeeze(W[None])}[told]), J

    W = parameters["W1"]
    state = parameters, {"itself": W, "turned": W.T, "in a row": W}[told]
    (_, expected), costs = by_python(step, state, X, Y, 3)
    (_, ours), J = compiled_loop(step)(state, X, Y, iterations=3)
    assert np.allclose(J, costs, rtol=1e-11)
    assert np.allclose(ours, expected, rtol=1e-11)


def by_python(step, state, X, Y, count):
    costs = []
    for _ in range(count):
        state, J = step(state, X, Y)
        costs.append(J)
    return state, costs


@pytest.mark.long
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_network_of_few_units_on_a_large_matrix(order, monkeypatch):
    made = []
    source = products.product_source
    monkeypatch.setattr(products, "product_source", lambda *a: made.append(a) or source(*a))
    rng = np.random.default_rng(2)
    parameters = networks.parameters_of(rng, [5000, 20, 1])
    parameters["W1"] /= 70
    X, Y = np.asarray(rng.normal(size=(5000, 201)), order=order), (rng.random((1, 201)) > 0.5) * 1.0
    step = networks.training_step(["relu", "sigmoid"], "cross entropy", 0.0, 0.1)
    program = compiled(step, engine="machine")
    for _ in range(2):
        result = program(parameters, X, Y)
        assert_equal(result, step(parameters, X, Y))
        parameters = result[0]
    assert len(made) == 2


@pytest.mark.parametrize(
    "shapes", [((8, 4, 9), (8, 9, 16)), ((8, 9), (8, 9, 16)), ((9,), (9, 16)), ((8, 9), (9,))]
)
def test_stacks_and_vectors_are_no_narrow_matrices(shapes, monkeypatch):
    monkeypatch.setattr(products, "LARGE", 8)
    monkeypatch.setattr(jit, "compile_source", interpreted)
    rng = np.random.default_rng(0)
    left, right = (rng.normal(size=n) for n in shapes)
    step = compiled(lambda a, b: np.tanh(a @ b), engine="machine")
    assert_equal(step(left, right), np.tanh(left @ right))


# ------------------------------------------------------------------ whole loops


def adam(state, X, Y):
    parameters, v, s, t = state
    step = value_and_grad(lambda p: networks.cross_entropy(networks.forward(p, X, ["relu", "sigmoid"]), Y))
    J, grads = step(parameters)
    t = t + 1
    v = {k: 0.9 * v[k] + 0.1 * grads[k] for k in v}
    s = {k: 0.999 * s[k] + 0.001 * grads[k] ** 2 for k in s}
    new = {
        k: parameters[k] - 0.01 * (v[k] / (1 - 0.9**t)) / (np.sqrt(s[k] / (1 - 0.999**t)) + 1e-8) for k in v
    }
    return (new, v, s, t), J


def adam_case():
    rng = np.random.default_rng(5)
    parameters, X = networks.parameters_of(rng, [2, 3, 1]), rng.normal(size=(2, 50))
    zeros = {k: np.zeros_like(w) for k, w in parameters.items()}
    return (parameters, zeros, zeros, 0), X, (rng.random((1, 50)) > 0.5) * 1.0


def by_hand(step, state, X, Y, passes, size, shuffle):
    costs = []
    for i in range(passes):
        order = shuffle(i)
        for start in range(0, X.shape[1], size):
            at = order[start : start + size]
            state, J = step(state, X[:, at], Y[:, at])
            costs.append(J)
    return state, np.array(costs)


@pytest.mark.long
@pytest.mark.parametrize("size", [50, 21, 16])  # no short batch, a short one, and one too short for a loop
def test_a_loop_makes_the_steps_that_python_makes(size):
    state, X, Y = adam_case()

    def shuffle(i):
        return np.random.RandomState(i).permutation(50)

    loop = compiled_loop(adam)
    ours, costs = loop(state, X, Y, iterations=4, batch_size=size, shuffle=shuffle)
    theirs, expected = by_hand(adam, state, X, Y, 4, size, shuffle)
    assert np.allclose(costs, expected, rtol=1e-11)
    assert ours[3] == theirs[3]
    assert type(ours[3]) is int
    for mine, yours in zip(ours[:3], theirs[:3], strict=True):
        assert all(np.allclose(mine[k], yours[k], rtol=1e-9, atol=1e-12) for k in mine)


@pytest.mark.long
def test_a_loop_reports_and_stops_at_nan_and_at_an_interrupt():
    seen = []

    def step(w, x):
        return w * 1.0e60, np.sum(w * x)

    loop = compiled_loop(step)
    with pytest.raises(FloatingPointError, match="inf at step 7 of 20"):
        loop(np.ones((1, 1)), np.ones((1, 20)), iterations=20)
    assert np.isfinite(loop.reached[1][:6]).all()

    state, X, Y = adam_case()

    def stop(done, total, cost):
        seen.append((done, total, cost))
        raise KeyboardInterrupt

    loop = compiled_loop(adam)
    with pytest.raises(KeyboardInterrupt):
        loop(state, X, Y, iterations=50, progress=stop)
    assert seen[0][1] == 50
    assert loop.reached[0][3] > 0


def test_a_loop_that_is_no_loop_over_columns_runs_step_by_step():
    def step(W, X):
        J, dW = value_and_grad(lambda W: np.sum(np.dot(W, X) ** 2))(W)
        return W - 1e-4 * dW, J

    W, X = np.ones((60, 60), np.float32), np.ones((60, 5), np.float32)
    ours, costs = compiled_loop(step)(W, X, iterations=3)
    for i in range(3):
        W, J = step(W, X)
        assert np.isclose(costs[i], J, rtol=1e-5)
    assert np.allclose(ours, W, rtol=1e-5)


def test_a_loop_says_what_its_options_are():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2, 12))

    def step(w, X):
        J, dw = value_and_grad(lambda w: np.mean((w @ X) ** 2))(w)
        return w - 0.1 * dw, J

    loop = compiled_loop(compiled(step))
    w = np.ones((1, 2))
    state, costs = loop(w, X, iterations=0)
    assert state is w
    assert costs.shape == (0,)
    for options in ({"iterations": -1}, {"iterations": 1, "batch_size": 0}):
        with pytest.raises(ValueError, match=r"passes over the data"):
            loop(w, X, **options)
    for order in (np.arange(11), np.zeros(12, int), 3):
        with pytest.raises(ValueError, match=r"rng.permutation\(12\)"):
            loop(w, X, iterations=1, batch_size=5, shuffle=lambda _, order=order: order)
    with pytest.raises(TypeError, match="return parameters, J"):
        compiled_loop(lambda w, X: step(w, X)[::-1])(w, X, iterations=2)


RATE, BOX = 0.1, np.array([0.5])


def outside(w, X):
    J, dw = value_and_grad(lambda w: np.mean(np.tanh(w @ X) ** 2))(w)
    return w - RATE * BOX * dw, J


def test_a_loop_sees_what_the_step_reads_from_outside(monkeypatch):
    w, X = np.ones((1, 2)), np.random.RandomState(0).randn(2, 30)
    monkeypatch.setitem(globals(), "BOX", BOX.copy())
    loop = compiled_loop(outside)

    def check():
        expected, state = [], w
        for _ in range(5):
            state, J = outside(state, X)
            expected.append(J)
        assert np.allclose(loop(w, X, iterations=5)[1], expected, rtol=1e-12)

    check()
    monkeypatch.setitem(globals(), "RATE", 5.0)
    check()
    BOX[0] = 4.0
    check()

    def shuffle(i):
        BOX[0] = i
        return np.arange(30)

    with pytest.raises(CannotCompile, match="has changed BOX"):
        loop(w, X, iterations=3, shuffle=shuffle)


def test_a_loops_data_may_have_different_columns_unless_some_are_taken():
    rng = np.random.default_rng(0)
    X, K = rng.normal(size=(2, 50)), rng.normal(size=(2, 100))

    def step(w, X, K):
        J, dw = value_and_grad(lambda w: np.mean((w @ X) ** 2) + np.sum(w @ K))(w)
        return w - 0.01 * dw, J

    loop, w = compiled_loop(step), np.ones((1, 2))
    for data in ((X, K), (K, X), (X, K[:, :30]), (X, K[:, :20])):
        (ours, costs), (theirs, J) = loop(w, *data, iterations=1), step(w, *data)
        np.testing.assert_allclose(ours, theirs)
        np.testing.assert_allclose(costs, [J])
    for options in ({"batch_size": 20}, {"shuffle": lambda _: np.arange(50)}):
        with pytest.raises(ValueError, match="50 and 100 columns"):
            loop(w, X, K, iterations=1, **options)


def test_a_number_of_the_state_that_becomes_a_float():
    def step(state, X):
        w, rate = state
        J, dw = value_and_grad(lambda w: np.mean((w @ X) ** 2))(w)
        return (w - rate * dw, rate * 0.9), J

    X = np.random.default_rng(0).normal(size=(2, 30))
    state, _ = compiled_loop(step)((np.full((1, 2), 0.1), 1), X, iterations=3)
    assert state[1] == 0.9 * 0.9 * 0.9


# ------------------------------------------------------------------ the cache


SOURCE, TYPES = "def compute(x0):\n    return (x0[0] + 1.0,)\n", ("f8 1",)


def made_anew():
    """Whether machine code was made, and not found."""
    jit.compile_source.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        made = []
        compile = jit._Engine.compile
        patch.setattr(jit._Engine, "compile", lambda self, text: made.append(text) or compile(self, text))
        assert jit.compile_source(SOURCE, TYPES)(np.ones(1)) == (2.0,)
    return bool(made)


def test_kept_code_is_used_again_where_nobody_else_can_have_written_it():
    assert made_anew()
    assert not made_anew()
    folder = code_cache.directory()
    before = folder.stat().st_mode
    folder.chmod(0o777)
    assert made_anew()
    folder.chmod(before)
    assert not made_anew()
    folder.symlink_to(folder.rename(folder.with_name("elsewhere")))
    assert made_anew()


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:40], lambda b: b"", lambda b: b"x" * len(b)]
)
def test_damaged_code_is_made_anew(damage):
    assert made_anew()
    (kept,) = code_cache.directory().iterdir()
    kept.write_bytes(damage(kept.read_bytes()))
    assert made_anew()
    assert not made_anew()


@pytest.mark.long
def test_a_second_process_uses_the_first_ones_code():
    program = (
        "import numpy as np\n"
        "from tinygrad_course.compiling.machine import jit\n"
        f"f = jit.compile_source({SOURCE!r}, {TYPES!r})\n"
        "assert f(np.ones(1)) == (2.0,)\n"
    )
    command = [sys.executable, "-c", program]
    subprocess.run(command, check=True, timeout=120)
    ((kept, before),) = [(p, p.stat().st_mtime_ns) for p in code_cache.directory().iterdir()]
    subprocess.run(command, check=True, timeout=120)
    assert kept.stat().st_mtime_ns == before
    assert not made_anew()


@pytest.mark.long
def test_functions_outlive_all_else_when_python_ends():
    """Python deletes what is left in any order: a function's code and definition are there longer than it."""
    program = (
        "import gc\n"
        "from tinygrad_course.compiling.machine import jit\n"
        "text = 'def compute(x):\\n    return x * {}.0\\n'\n"
        "made = [jit.compile_source(text.format(i), ('f8',)) for i in range(50)]\n"
        "jit.compile_source.cache_clear()\n"
        "jit._engine.cache_clear()\n"
        "gc.collect()\n"
        "filled = [bytes(n) for n in range(200) for _ in range(200)]\n"
        "assert sum(f(1.0)[0] for f in made) == 1225.0\n"
        "del made\n"
        "gc.collect()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


# ------------------------------------------------------------------ the language


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 6), st.booleans())
@settings(max_examples=settings.default.max_examples // 3)
def test_statements_mean_what_they_do_in_python(seed, n, m, strided):
    source = (
        "def compute(x, y, n, k, b, w, out):\n"
        "    low, high = min(n, 3), f8(k) - -0.5\n"
        "    total = 0.0\n"
        "    for j in range(out.shape[0]):\n"
        "        out[j] = 0.0\n"
        "    for i in range(1, x.shape[0], 2):\n"
        "        for j in range(x.shape[1]):\n"
        "            if (y[j] & (x[i, j] > 0)) or i == 3:\n"
        "                total += x[i, j] ** 2.0\n"
        "                out[j] += w[i % 3] * i\n"
        "            else:\n"
        "                total -= high / (w[j // 4] + 1)\n"
        "                out[x.shape[1] - 1 - j] = select(b, math.sin(k), x[i, j])\n"
        "    return (total, low, f8(not b), math.copysign(low * high, -1))\n"
    )
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2 * n, 2 * m))
    x = x[::2, ::2] if strided else x[:n, :m].copy()
    y, w = rng.random(m) > 0.5, rng.integers(0, 100, 3).astype("i4")
    ours, theirs = np.full(m, np.nan, "f4"), np.full(m, np.nan, "f4")
    types = ("f8 2 strided" if strided else "f8 2", "b1 1", "i8", "f4", "b1", "i4 1", "f4 1")
    given_ = x, y, n, np.float32(0.7), bool(seed % 2), w
    found = jit.compile_source(source, types)(*given_, ours)
    expected = interpreted(source)(*given_, theirs)
    assert np.allclose(found, expected, rtol=1e-6)
    assert np.allclose(ours, theirs, rtol=1e-5)


def test_products_that_wait_for_each_other_are_not_stacked():
    U, V, W = np.random.default_rng(0).normal(size=(3, 2, 2))

    def f(W):
        left, right = W @ U, np.tanh(W) @ V
        return np.sum((np.tanh(right) @ U) * (np.tanh(left) @ V))

    np.testing.assert_allclose(compiled(f, engine="machine")(W), f(W))


def test_an_argument_that_is_no_number_is_an_error_of_pythons():
    f = jit.compile_source("def compute(x):\n    return (x + 1.0,)\n", ("f8",))
    with pytest.raises(TypeError, match="real number"):
        f("one")


@pytest.mark.parametrize("n", [4, 8, 64])
@pytest.mark.parametrize(
    "f", [lambda x: x @ x, lambda x: x @ x @ x + x.T @ x, value_and_grad(lambda x: np.sum(np.sin(x @ x)))]
)
def test_a_matrix_times_itself(f, n):
    x = np.random.default_rng(0).normal(size=(n, n)) / n
    assert_equal(compiled(f, engine="machine")(x), f(x))
