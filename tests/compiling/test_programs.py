"""Programs from everywhere through both engines: what they compute is what the recorder computes."""

from __future__ import annotations

import importlib.util
import os
import sys
import time

import numpy as np
import pytest

from tests.compiling.interpreted import interpreted
from tests.compiling.test_equality import assert_equal
from tinygrad_course import CannotCompile, compiled, hvp, value_and_grad
from tinygrad_course.compiling.machine import fusion, jit, small_products
from tinygrad_course.engine import trees

rng = np.random.default_rng(0)
Z, Y = rng.normal(size=(3, 5)), np.eye(3)[:, [0, 1, 2, 0, 1]]
E, labels, rows = rng.normal(size=(7, 3)), rng.integers(0, 3, 5), rng.integers(0, 7, 5)
S = rng.normal(size=(2, 4, 3))


def euler(w):
    y, s = w[0], 0.0
    for t in np.linspace(0, 1, 50):
        y = y + 0.02 * (w[1] - y * t)
        s = s + y**2
    return s


def lstm(p, X):
    a, c = np.zeros((3, 2)), np.zeros((3, 2))
    for t in range(X.shape[0]):
        both = np.concatenate([a, X[t]])
        f, i, o = (1 / (1 + np.exp(-(p[k] @ both))) for k in ("f", "i", "o"))
        c = f * c + i * np.tanh(p["c"] @ both)
        a = o * np.tanh(c)
    return np.mean(a**2)


def attention(q, k, v):
    s = q @ np.swapaxes(k, -1, -2) / 3 + np.triu(np.full((4, 4), -np.inf), 1)
    e = np.exp(s - np.max(s, axis=-1, keepdims=True))
    return np.sum((e / np.sum(e, axis=-1, keepdims=True)) @ v * S)


def layer_norm(x, g, W):
    y = (x - np.mean(x, axis=-1, keepdims=True)) / np.sqrt(np.var(x, axis=-1, keepdims=True) + 1e-5) * g
    return np.sum(np.maximum(0, y @ W) ** 2)


PROGRAMS = {
    "an entry": (lambda w: w[0] ** 2, (np.array([0.5, 2.0]),)),
    "entries": (lambda w: np.prod(next(map(np.tanh, w)) * w), (np.array([0.5, 2.0]),)),
    "Euler": (euler, (np.array([0.5, 2.0]),)),
    "LSTM": (
        lstm,
        ({k: rng.normal(size=(3, 5)) for k in "fioc"}, rng.normal(size=(4, 2, 2))),
    ),
    "embedding": (lambda E, i: np.sum(np.tanh(E[i])), (E, rows)),
    "take": (lambda E, i: np.sum(np.tanh(np.take(E, i, axis=0))), (E, rows)),
    "one-hot": (lambda Z, y: np.sum(np.tanh(Z.T) * (y[:, None] == np.arange(3))), (Z, labels)),
    "one-hot of an argument": (lambda Z, y, I: np.sum(Z.T**2 * I[y]), (Z, labels, np.eye(3))),
    "cross-entropy of labels": (
        lambda Z, y: -np.mean((Z - np.log(np.sum(np.exp(Z), axis=0)))[y, np.arange(5)]),
        (Z, labels),
    ),
    "mini-batch": (lambda w, X, i: np.mean((X[i] @ w) ** 2), (E[0], E, rows)),
    "softmax": (lambda z: -np.sum(Y * np.log(np.exp(z) / np.sum(np.exp(z), axis=0, keepdims=True))), (Z,)),
    "centred": (lambda z: np.sum(np.tanh(z - np.mean(z, axis=0, keepdims=True))), (Z,)),
    "batch normalisation": (
        lambda z: np.sum(
            ((z - np.mean(z, axis=1, keepdims=True)) / np.sqrt(np.var(z, axis=1, keepdims=True) + 1e-5)) ** 3
        ),
        (Z,),
    ),
    "sums along axes": (lambda s: np.sum(np.sum(s**2, axis=1) * np.sum(np.exp(s), axis=(1,))), (S,)),
    "a sum of two axes": (lambda s: np.sum(np.tanh(np.sum(s * 3, axis=(0, 2), keepdims=True)) * s), (S,)),
    "a sum from": (lambda z: np.sum(2 * z, initial=0.5) * np.sum(z, axis=0, initial=1.5)[0], (Z,)),
    "a transpose reshaped": (lambda z: np.sum(np.reshape(np.tanh(z).T, -1) * np.arange(15.0)), (Z,)),
    "Fortran's order": (lambda z: np.sum(np.ravel(z, order="F") ** 2 * np.arange(15.0)), (Z,)),
    "backwards": (lambda z: np.sum(np.tanh((z / 2)[:-3:-1, ::2])), (Z,)),
    "covariance": (lambda z: np.sum(np.cov(z) ** 2), (Z,)),
    "attention": (attention, (S, S + 1, S * 2)),
    "layer norm": (layer_norm, (S, np.ones(3), rng.normal(size=(3, 6)))),
    "products with one matrix": (
        lambda A, B, C, X: (
            np.sum(np.tanh(A @ X) * (B @ X)) + np.sum((C @ X) ** 2) + np.sum(np.exp(A @ X @ X.T))
        ),
        (rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), rng.normal(size=(4, 3)), rng.normal(size=(3, 5))),
    ),
    "products of products": (  # the second matrix is computed from the first product
        lambda A, B, X: np.sum(((np.tanh(A @ X) @ B) @ X * (B[:2] @ X) + (A @ X)[:2]) ** 2),
        (rng.normal(size=(2, 3)), rng.normal(size=(5, 3)), rng.normal(size=(3, 5))),
    ),
    "a vector times a small matrix": (
        lambda z, c, X: np.sum(c @ np.log1p(z**2)) * np.sum(np.tanh(X)),
        (np.outer(np.arange(3.0), np.ones(3)), np.arange(3.0), rng.normal(size=(2, 9))),
    ),
    "variances": (
        lambda a: (
            np.sum(np.var(a, axis=0) * np.var(a, 1, keepdims=True)) + np.var(a) + np.sum(np.var(a, (0, 1)))
        ),
        (S,),
    ),
    "variances of other kinds": (
        lambda a: np.sum(np.var(a, axis=0, ddof=1)) + np.sum(np.var(a, axis=-2)),
        (S,),
    ),
    "parts of an array": (
        lambda a: np.sum(np.tanh(a[0]) * a[1] + a[2] * a[0] ** 2 + a[3] * a[4]),
        (rng.normal(size=(5, 3)),),
    ),
    "parts of an array, not all": (
        lambda a: np.sum(np.tanh(a[0]) * a[-1] + a[1] ** 2 * a[1:3]),
        (rng.normal(size=(4, 3)),),
    ),
    "extremes": (
        lambda a: (
            np.sum(np.max(a, axis=(0, 2)) * np.min(a, axis=1)[:, :1])
            + np.max(a, axis=0, keepdims=True)[0, 1, 2] * np.min(a)
            + np.sum(np.tanh(a - np.amax(a, axis=-1, keepdims=True)) * np.max(a))
        ),
        (rng.normal(size=(3, 4, 5)),),
    ),
    "extremes with a tie": (
        lambda a: np.sum(np.max(np.maximum(a, 0), axis=0) * a[0]) * np.sum(np.min(np.sign(a) * a[0], axis=1)),
        (rng.normal(size=(4, 5)),),
    ),
    "what is true is counted": (
        lambda a: np.sum(a / np.sum(a > 0.1, axis=1, keepdims=True, dtype=a.dtype)) * np.mean(a < 0),
        (1 + rng.normal(size=(4, 5)) ** 2,),
    ),
    "pooling by two": (
        lambda a: np.sum(np.tanh(np.max(np.reshape(a[:, :8, :6], (2, 4, 2, 3, 2)), axis=(2, 4))) ** 2),
        (rng.normal(size=(2, 9, 7)),),
    ),
    "pooling by three": (
        lambda a: (
            np.sum(np.sin(np.min(np.reshape(a, (5, 3, 4, 3)), axis=(1, 3))))
            + np.sum(
                np.mean(np.reshape(a, (5, 3, 4, 3)), axis=(1, 3)) * np.max(np.reshape(a, (60, 3)), axis=0)[0]
            )
        ),
        (rng.normal(size=(15, 12)),),
    ),
    "a few neighbours with weights of their own": (
        lambda a, w: np.sum(np.tanh(a * w) * np.sum(a * w, axis=0)) + np.sum(np.sum(a**2 * w, (0, 1)) ** 3),
        (rng.normal(size=(5, 4, 3)), rng.normal(size=3)),
    ),
    "joined": (
        lambda a, b: np.sum(
            np.tanh(np.concatenate([a * 2, b[None]]) @ np.concatenate([b[:, None], a.T], axis=1))
            * np.stack([b, a[0] * b, a[1]])[:, :1]
        ),
        (rng.normal(size=(2, 3)), rng.normal(size=3)),
    ),
    "gradients through several layers": (
        lambda p, x: np.sum(
            np.tanh(p["V"] @ x) * (p["W"] @ np.concatenate([x * x, x]) + p["U"] @ x) * (p["w"] @ x)
        ),
        (
            {k: rng.normal(size=s) for k, s in {"V": (4, 3), "W": (4, 6), "U": (4, 3), "w": (1, 3)}.items()},
            rng.normal(size=(3, 5)),
        ),
    ),
    "stacks of products": (
        lambda a, b: np.sum(np.sin(np.tanh(a) @ b @ np.swapaxes(np.tanh(a), 1, 2)) @ a),
        (rng.normal(size=(4, 3, 5)), rng.normal(size=(4, 5, 5))),
    ),
    "all of it": (lambda a: np.sum((a[:, 0:4] * a[..., :])[...] ** 2 * a[::1]), (rng.normal(size=(3, 4)),)),
    "numbers without axes": (lambda a, b, z: np.sum(a * z) * b, (np.array(2.0), np.float64(3.0), Z)),
    "branches with an infinite derivative": (
        lambda z: np.sum(np.sqrt(np.where(z > 0, z, 0.0)) * (z > 0)),
        (Z,),
    ),
}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_both_engines_compute_what_the_recorder_does(name, engine, dtype, monkeypatch):
    if engine == "machine":
        monkeypatch.setattr(jit, "compile_source", interpreted)
    f, args = PROGRAMS[name]

    def cast(x):
        if isinstance(x, dict):
            return {k: cast(v) for k, v in x.items()}
        return x.astype(dtype) if x.dtype.kind == "f" else x

    args = tuple(cast(a) for a in args)
    both = value_and_grad(f)
    step = compiled(both, engine=engine)
    with np.errstate(all="ignore"):
        for arguments in (args, tuple(a[::-1].copy() if getattr(a, "ndim", 0) else a for a in args)):
            try:
                result = step(*arguments)
            except CannotCompile as error:
                pytest.fail(str(error))
            if dtype is np.float64:
                assert_equal(result, both(*arguments))
            else:  # with constants in double precision: their sums are rounded in another order
                for (_, x), (_, y) in zip(trees.leaves(result), trees.leaves(both(*arguments)), strict=True):
                    assert type(x) is type(y)
                    assert x.dtype == y.dtype
                    assert np.allclose(x, y, rtol=1e-4, atol=1e-5 * max(1, np.max(np.abs(y))))
    assert len(step.programs) == 1
    assert step.source


@pytest.mark.long
def test_machine_code_of_programs_from_everywhere():
    pytest.importorskip("llvmlite")
    for name in (
        "batch normalisation",
        "attention",
        "layer norm",
        "cross-entropy of labels",
        "sums along axes",
    ):
        f, args = PROGRAMS[name]
        both = value_and_grad(f)
        assert_equal(compiled(both, engine="machine")(*args), both(*args))


@pytest.mark.parametrize(
    "f", [lambda Z, y: np.sum(Z.T * np.eye(3)[y]), lambda Z, y: np.sum(Z.T * np.take(np.eye(3), y, axis=0))]
)
def test_an_index_of_what_is_no_argument_is_an_error_that_says_what_to_write(f):
    with pytest.raises(CannotCompile, match=r"np.arange\(k\)"):
        compiled(value_and_grad(f))(Z, labels)


def shifted(z, axis):
    return np.exp(z - np.max(z, axis=axis, keepdims=True))


def cross_entropy(z, T, axis):
    e = shifted(z, axis)
    return -np.sum(T * np.log(e / np.sum(e, axis=axis, keepdims=True)))


def by_labels(z, T):
    z = z - np.max(z, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - z[np.arange(3), labels[:3] % 5])


def weighted(z, T, axis, more=0.0, of=None):
    e = shifted(z, axis)
    return np.sum(T * e / (np.sum(e, axis=axis if of is None else of, keepdims=True) + more))


#: A distribution for each of the first three columns, and none for the others.
PADDED = np.where(np.arange(5) < 3, 1 / 3, 0) * np.ones((3, 1))


def padded(z, T):
    z = z - np.max(z, axis=0, keepdims=True)
    return np.sum(np.log(np.sum(np.exp(z), axis=0, keepdims=True))) - np.sum(PADDED * z)


def course(z, T):
    t = np.exp(z - np.max(z, axis=0))
    return -np.sum(T * np.log(t / np.sum(t, axis=0)))


SOFTMAXES = {
    "rows": lambda z, T: weighted(z, T, 1),
    "columns": lambda z, T: weighted(z, T, 0),
    "all": lambda z, T: weighted(z, T, (0, 1)),
    "cross-entropy": lambda z, T: cross_entropy(z, T, 0),
    "cross-entropy of rows": lambda z, T: cross_entropy(z, T, 1),
    "labels": by_labels,
    "the course's": course,
}
SHIFTED = {
    "not normalised": lambda z, T: np.sum(shifted(z, 1) * T),
    "too large a sum": lambda z, T: weighted(z, T, 1, more=1.0),
    "labels that some columns lack": padded,
    "the sum of others": lambda z, T: weighted(z, T, 1, of=0),
    "of another's maximum": lambda z, T: np.sum(np.exp(z - np.max(z**2, axis=1, keepdims=True)) * T),
    "squares": lambda z, T: np.sum(T * (e := shifted(z, 1)) ** 2 / np.sum(e, axis=1, keepdims=True)),
}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize("name", [*SOFTMAXES, *SHIFTED])
def test_the_shift_of_a_softmax_has_no_gradient(name, engine):
    f = {**SOFTMAXES, **SHIFTED}[name]
    step = compiled(value_and_grad(f), engine=engine)
    for z in (Z, 3.0 * Z[::-1], 300.0 * Z):
        T = rng.random((3, 5))
        with np.errstate(divide="ignore"):  # NumPy's own log(0)
            results = step(z, T), value_and_grad(f)(z, T)
        for ours, recorded in zip(*results, strict=True):
            np.testing.assert_allclose(ours, recorded, rtol=1e-12, atol=1e-14)
    assert (" == " in step.source) == (name in SHIFTED), step.source


def test_products_with_one_matrix_are_one_product(monkeypatch):
    f, args = PROGRAMS["products with one matrix"]
    monkeypatch.setattr(jit, "compile_source", interpreted)
    monkeypatch.setattr(small_products, "vector_bytes", lambda: 32)  # also where registers hold more
    step = compiled(lambda A, B, C, X: f(A, B, C, X) * 1.0, engine="machine")
    step(*args)
    ((_, program),) = step.programs.values()
    assert program.body.code.count("[...] = ") == 3  # three matrices, brought together
    step = compiled(PROGRAMS["products of products"][0], engine="machine")
    args = PROGRAMS["products of products"][1]
    assert_equal(step(*args), PROGRAMS["products of products"][0](*args))


def _is_tiled(value):
    return bool(getattr(value.function, "strided", ()))  # it takes matrices as they lie


def test_newtons_method_is_no_longer_than_it_was_recorded():
    def root(w, x):
        for _ in range(20):
            x = 0.5 * (x + w / x)
        return np.sum(x)

    step = compiled(value_and_grad(root, argnums=(0, 1)))
    w, x = np.linspace(1, 2, 5), np.linspace(1, 3, 5)
    J, (dw, dx) = step(w, x)
    np.testing.assert_allclose(J, np.sum(np.sqrt(w)), rtol=1e-15)
    np.testing.assert_allclose(dw, 0.5 / np.sqrt(w), rtol=1e-14)
    np.testing.assert_allclose(dx, 0, atol=1e-200)
    ((_, program),) = step.programs.values()
    assert len(program.body.layout.order) < 1.1 * len(step.recorded)


def test_an_extreme_with_a_nan_is_one(monkeypatch):
    monkeypatch.setattr(jit, "compile_source", interpreted)
    z = Z.copy()
    z[1, 2] = np.nan
    for f in (lambda z: np.max(z, axis=0), lambda z: np.min(z * 2, axis=1, keepdims=True), np.max):
        step = compiled(lambda z, f=f: f(z) + 1, engine="machine")
        assert np.array_equal(step(z), f(z) + 1, equal_nan=True)


def test_large_results_are_added_up_where_they_are_made(monkeypatch):
    """A gradient that is not finite without masks is made with them, whoever adds it up."""
    monkeypatch.setattr(jit, "compile_source", interpreted)
    monkeypatch.setattr(fusion, "LARGE", 0)
    f = value_and_grad(lambda z: np.sum(np.where(z > 0, np.sqrt(z), 0.0) * 3))
    step = compiled(f, engine="machine")
    z = np.abs(Z)
    for _ in range(2):
        assert_equal(step(z), f(z))
        ((_, program),) = step.programs.values()
        assert not {getattr(x, "__name__", "") for x in program.bound.values()} & {"reduce", "vdot"}
    z[1, 1] = 0.0
    with np.errstate(all="ignore"):
        assert_equal(step(z), f(z))
        assert np.isfinite(step(z)[1]).all()


def test_arrays_that_are_joined_are_the_callers_own():
    for f in (lambda a, b: np.concatenate([a, b]), lambda a, b: np.stack([a, b * 2]).T):
        for engine in ("numpy", "machine"):
            step, a = compiled(f, engine=engine), np.ones((2, 3))
            before = step(a, a)
            step(5 * a, 5 * a)
            assert_equal(before, f(a, a))


def test_calls_that_numpy_takes_in_its_own_way():
    for f, x in (
        (lambda x: np.ldexp(x, 2), np.ones(3)),
        (lambda x: np.multiply(x, (1.5,)), np.ones(3)),
        (lambda x: np.sum(np.divmod(x, np.array([1.1]))[1]), np.float64(2.0)),
        (lambda x: np.modf(x)[0], np.float64(2.5)),
        (value_and_grad(lambda x: np.linalg.multi_dot([x, np.outer(x, x), x])), np.arange(3.0)),
        (value_and_grad(lambda x: np.linalg.multi_dot([x, np.outer(x, x), np.eye(3)]) @ x), np.arange(3.0)),
        (lambda x: np.add(x, [1, 2, 3]), np.ones(3)),
    ):
        assert_equal(compiled(f)(x), f(x))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x[np.argsort(x)] ** 3,
        lambda x: np.take_along_axis(x, np.argsort(x), 0) ** 3,
        lambda x: x[np.argmax(x)] ** 3,
        lambda x: np.interp([0.1, 0.6], np.sort(x), x),
    ],
)
def test_second_derivatives_where_an_index_is_the_programs(f):
    x, v = np.array([0.3, -1.1, 2.0, 0.7]), np.array([1.0, 2.0, -1.0, 0.5])

    def product(x):
        return hvp(lambda x: np.sum(f(x) * np.arange(1.0, 1 + np.size(f(x)))))(x, v)

    step = compiled(product)
    for at in (x, x[::-1] * 1.5):
        np.testing.assert_allclose(step(at), product(at), rtol=1e-12, atol=1e-12)


def test_an_array_that_is_mapped_into_memory(tmp_path):
    X = np.memmap(tmp_path / "X", np.float64, "w+", shape=(3, 4))
    X[...] = rng.normal(size=(3, 4))
    both = value_and_grad(lambda w, X: np.mean((w @ X) ** 2))
    w = rng.normal(size=(2, 3))
    assert_equal(compiled(both)(w, X), both(w, X))


def test_functions_that_are_gone_take_no_memory():
    pytest.importorskip("llvmlite")
    if not os.path.exists("/proc/self/statm"):  # noqa: PTH110
        pytest.skip("needs /proc")

    def resident():
        with open("/proc/self/statm") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * 4 // 1024

    def make(i):
        compiled(value_and_grad(lambda w: np.sum(np.tanh(w) ** 2) * (i + 0.25)), engine="machine")(np.ones(3))

    make(0)
    before = resident()
    for i in range(1, 11):
        make(i)
    assert resident() - before < 5


def test_the_work_of_compiling_grows_as_the_layers_do():
    def seconds(layers):
        p = {f"W{l}": rng.normal(size=(3, 3)) for l in range(layers)}

        def cost(p):
            A = np.ones((3, 4))
            for l in range(layers):
                A = np.tanh(p[f"W{l}"] @ A)
            return np.mean(A**2)

        start = time.process_time()
        compiled(value_and_grad(cost))(p)
        return time.process_time() - start

    seconds(5)
    assert seconds(80) < 4 * 2.5 * max(seconds(20), 0.05)


def test_a_profiler_of_the_users_goes_on():
    seen = []
    sys.setprofile(lambda frame, event, _: seen.append(frame.f_code.co_name))
    try:
        step = compiled(value_and_grad(lambda w: np.sum(np.tanh(w))))
        J, dw = step(np.ones(3))
        recording = len(seen)
        len(dw)
        step(np.ones(3))
    finally:
        sys.setprofile(None)
    assert "record" in seen[:recording]
    assert "call" in seen[recording:]
    assert np.isclose(J, 3 * np.tanh(1))


@pytest.mark.skipif(importlib.util.find_spec("llvmlite") is not None, reason="llvmlite is installed")
def test_without_llvmlite_machine_code_says_what_to_install():
    with pytest.raises(ImportError, match="fast"):
        compiled(lambda x: np.exp(x), engine="machine")(np.ones(3))  # noqa: PLW0108
