"""A program is the function it was made of: NumPy's types, infinities and NaN on the way, what is asked."""

from __future__ import annotations

import array
import collections
import concurrent.futures
import copy
import functools
import gc
import numbers
import pickle
import threading
import time
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from tests.compiling.test_equality import assert_equal
from tinygrad_course import CannotCompile, Tensor, compiled, compiled_loop, grad, hessian, value_and_grad
from tinygrad_course.compiling import compiled_function
from tinygrad_course.compiling.passes.lower import lower
from tinygrad_course.compiling.tracing.tracer import Tracer
from tinygrad_course.engine import trees

ENGINES = ["numpy", "machine"]
x = np.array([0.5, -1.0, 2.0])


def pasted(step):
    """Return the function that a program's source defines."""
    space = {"np": np}
    exec(step.source, space)  # noqa: S102
    return space["step"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("f", "arg"),
    [
        (lambda n: 2.0**n, np.int64(64)),
        (lambda n: 10.0 ** -np.sum(n), np.array([True, True])),
        (lambda n: n * 2.0, np.uint8(200)),
        (lambda n: n * 2.0, np.array([200], np.uint8)),
        (lambda n: np.full(3, 2.0) ** -n, np.arange(3)),
        (lambda m: np.where(m, 1.0, 2.0), np.array([1.0, 0.0])),
        (lambda m: (m[()], m), np.array(True)),
    ],
)
def test_a_float_that_is_whole_stays_a_float(f, arg, engine):
    step = compiled(f, engine=engine)
    assert_equal(step(arg), f(arg))
    assert_equal(pasted(step)(arg), f(arg))


@pytest.mark.sampled(7)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", [3, 5000])
@pytest.mark.parametrize("dtype", [int, np.float64, np.float32, np.uint8])
@pytest.mark.parametrize(
    "f",
    [
        lambda m, x: np.sum(np.where(m, x, 0) ** 2),
        lambda m, x: np.where(m, 1.0, 2.0) + x,
        value_and_grad(lambda m, x: np.sum(np.exp(np.where(m, x, -1e9))), argnums=1),
        lambda m, x: np.where([1, 0, 2], x[:3], [0, 1, 2]) + m[0],
    ],
)
def test_a_condition_may_be_numbers(f, dtype, size, engine):
    rng = np.random.default_rng(0)
    m, x = rng.integers(0, 3, size).astype(dtype), rng.normal(size=size)
    assert_equal(compiled(f, engine=engine)(m, x), f(m, x))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shape", [np.ravel, np.transpose, np.copy, np.squeeze, lambda m: m[()], np.real])
@pytest.mark.parametrize("m", [np.array([[True, False]]), np.array([3, 4], np.int8), np.bool_(True)])
def test_an_argument_in_another_shape_is_a_new_array(shape, m, engine):
    result = compiled(shape, engine=engine)(m)
    assert_equal(result, shape(m))
    assert not np.shares_memory(result, m) or np.shares_memory(shape(m), m)


class Model:
    @compiled
    def step(self, w):
        return w * 2


def test_a_compiled_method_shows_its_program():
    model = Model()
    assert_equal(model.step(x), x * 2)
    assert "def step" in model.step.source


# ------------------------------------------------------------------ what is infinite or NaN on the way


def sinc(w):
    return np.sum(np.where(np.abs(w) < 1e-6, 1 - w**2 / 6, np.sin(w) / w))


def pieces(w):
    return np.sum(np.select([w > 0, w == 0], [np.log(w), w * 5], -w))


def root(w):
    return np.sum(np.where(w > 0, np.sqrt(w), 0))


def tanh(w):
    return np.sum((np.exp(w) - np.exp(-w)) / (np.exp(w) + np.exp(-w)))


def odds(w):
    return np.sum((np.exp(w) - 1) / (np.exp(w) + 3))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("f", "later"),
    [
        (lambda w: w - 0.1 * np.where(grad(sinc)(w) > -1, 1.0, -1.0), [0.0, 1.0, -1.0]),
        (lambda w: w - np.fmax(np.fmin(grad(sinc)(w), 1), -1), [0.0, 1.0, -1.0]),
        (lambda w: np.argmax(grad(sinc)(w)), [0.0, 1.0, -1.0]),
        (lambda w: np.nan_to_num(grad(pieces)(w)), [0.0, 1.0, -1.0]),
        (lambda w: np.nansum(grad(pieces)(w)), [0.0, 1.0, -1.0]),
        (lambda w: grad(pieces)(w) > 0, [0.0, 1.0, -1.0]),
        (lambda w: np.sort(grad(pieces)(w))[:2], [0.0, 1.0, -1.0]),
        (lambda w: np.where(grad(root)(w) < 0.1, 1.0, 2.0), [0.0, 1.0, 2.0]),
        (lambda w: np.copysign(1.0, grad(root)(w)), [0.0, 1.0, 2.0]),
        (lambda w: np.linalg.norm(grad(root)(w), 0), [0.0, 1.0, 2.0]),
        (lambda w: np.searchsorted([0.1, 1.0], grad(root)(w)), [0.0, 1.0, 2.0]),
        (lambda w: value_and_grad(tanh)(w)[0] < 1, [800.0, -800.0, 0.0]),
        (lambda w: np.where(grad(odds)(w) >= 0, 1.0, -1.0), [800.0, -800.0, 0.0]),
    ],
)
def test_a_nan_that_no_result_shows_is_none(f, later, engine):
    step, later = compiled(f, engine=engine), np.array(later)
    with np.errstate(all="ignore"):
        step(np.array([1.0, 2.0, 4.0]))
        assert_equal(step(later), f(later))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("f", "later"),
    [
        (lambda x: np.sum(x / 1000), np.full(100, 1e37, np.float32)),
        (lambda x: np.sum((x / 1000) ** 2), np.full(3, 1e20, np.float32)),
        (lambda x: np.sum((x * 1e4) ** 2), np.full(3, 1e-23, np.float32)),
        (lambda x: (x / 1e4) ** 3, np.full(3, 1e15, np.float32)),
        (lambda x: (x / 1e4) * (np.exp(x * 0) * x / 1e4), np.full(3, 1e155)),
        (lambda x: (x / 1e4) @ (x.T / 1e4), np.full((2, 2), 1e155)),
        (lambda x: np.mean((x / 1e4 + 1) * 1e-4, axis=0), np.full((9, 9), 1e308)),
    ],
)
def test_numbers_stay_where_the_function_needs_them(f, later, engine):
    step = compiled(f, engine=engine)
    step(np.ones_like(later))
    assert np.allclose(step(later), f(later), rtol=1e-5, atol=0)


@pytest.mark.parametrize("f", [lambda w: np.max(np.sqrt(w)), lambda w: np.sqrt(w)[1], sinc])
@pytest.mark.parametrize("engine", ENGINES)
def test_warnings_are_the_recorders(f, engine):
    both = value_and_grad(f)
    step = compiled(both, engine=engine)
    step(np.array([1.0, 2.0, 3.0]))
    for w in np.array([[0.0, 1.0, 2.0], [3.0, 1.0, 2.0]]):
        with np.errstate(all="ignore" if f is sinc else "raise"):
            assert_equal(step(w), both(w))
        assert_equal(step(w + 1), both(w + 1))  # (warnings are errors)


# ------------------------------------------------------------------ who looks, and when


@pytest.mark.parametrize(
    "show",
    [
        print,
        str,
        repr,
        lambda J: f"{J}",
        lambda J: f"{J!r}",
        lambda J: f"{J:.3f}",
    ],
)
def test_showing_a_value_is_an_error(show):
    def of_arrays(x):
        J = np.sum(x)
        show(J)
        return J

    def of_tensors(x):
        return value_and_grad(of_arrays)(x)

    for f in (of_arrays, of_tensors):
        with pytest.raises(CannotCompile, match="return what you want to look at"):
            compiled(f)(x)


def test_another_thread_may_change_what_is_read():
    box, stop = {"k": 1.0}, threading.Event()
    step = compiled(lambda w: np.sum(w**2) * box["k"])

    def change():
        while not stop.is_set():
            box["k"] = box["k"] % 3 + 1
            time.sleep(0.0005)

    def work():
        return {step(np.ones(3)) for _ in range(300)}

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        pool.submit(change)
        try:
            found = [pool.submit(work) for _ in range(2)]
            assert set().union(*(f.result() for f in found)) <= {3.0, 6.0, 9.0}
        finally:
            stop.set()


def test_another_thread_may_draw_random_numbers():
    stop = threading.Event()

    def draw():
        while not stop.wait(0.0002):
            np.random.rand(3)  # noqa: NPY002  (the generator that everybody shares)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(draw)
        try:
            for _ in range(20):
                assert compiled(lambda w: np.sum(w**2))(np.ones(3)) == 3.0
        finally:
            stop.set()


@functools.singledispatch
def unit(x):
    return x * 1.0


@unit.register
def _(x: np.ndarray):
    return x / np.linalg.norm(x)


@pytest.mark.parametrize(
    ("f", "arg"),
    [
        (lambda x: np.clip(x, 0, 1) if type(x) is np.ndarray else x, x / 4 + 0.5),
        (lambda x: x * 2 if np.isscalar(x) else x + x, np.float64(1.0)),
        (lambda x: x * 2 if isinstance(x, numbers.Number) else x + x, np.float64(1.0)),
        (unit, np.array([0.6, 0.8])),
        (lambda x: {np.ndarray: lambda: x + x}.get(type(x), lambda: 2 * x)(), x),
    ],
)
def test_asking_for_the_type_is_an_error_where_it_is_answered_for_the_tracer(f, arg):
    for _ in range(2):
        with pytest.raises(CannotCompile, match=r"type of an argument|outside"):
            compiled(f)(arg)


def test_asking_for_types_is_none_where_the_answer_is_the_arrays():
    def f(x, name):
        y = np.sum(x) if type(name) is str else x
        return y * 2 if np.isscalar(name) else y.__class__ is np.float64

    assert_equal(compiled(f)(x, "a"), f(x, "a"))


# ------------------------------------------------------------------ arguments of all kinds


def cost(w):
    return np.sum(w**2)


@compiled
def decorated(w):
    return w * 2


class Trained:
    def __init__(self):
        self.step = compiled(cost)


def test_compiled_functions_are_pickled_and_copied():
    assert pickle.loads(pickle.dumps(compiled(cost, engine="machine"))).engine == "machine"  # noqa: S301
    assert pickle.loads(pickle.dumps(decorated)) is decorated  # noqa: S301
    model = Trained()
    model.step(x)
    assert copy.deepcopy(model).step(x) == cost(x)


def test_keys_that_look_alike_are_different_ones():
    p = {1: x, "1": 3 * x, 2: {1: x, "1": x}}
    f = compiled(lambda p: p[1] - p["1"] + p[2][1] * p[2]["1"])
    g = compiled(lambda p: p[0][1] - p[0]["1"])
    assert_equal(f(p), p[1] - p["1"] + x * x)
    assert_equal(g([p]), p[1] - p["1"])


def test_numbers_beyond_the_machines_are_the_functions():
    many, power = (
        compiled(f, engine="machine") for f in (lambda x, n: x * (n * n), lambda x, n: x * (-1.5) ** n)
    )
    for n in (2, 3, 10**10, 10**30):
        assert_equal(many(x, n), x * (n * n))
    for n in (1.0, 2.0, 0.5):
        assert_equal(power(x, n), x * (-1.5) ** n)


def test_options_of_python_do_not_stop_a_program():
    def f(x, scale=1.0, *, power=2):
        return np.sum(copy.deepcopy({"x": x})["x"] ** power) * scale

    assert_equal(compiled(f)(x, scale=2.0), f(x, scale=2.0))
    with pytest.raises(CannotCompile, match="by keyword only"):
        compiled(f)(x, power=3)


def test_objects_of_one_call_are_not_kept_for_ever():
    step = compiled(lambda p, x: np.sum(p.W * x))
    for i in range(12):
        assert step(types.SimpleNamespace(W=i), x) == np.sum(i * x)
    assert len(step.programs) <= 8


def test_a_sparse_matrix_and_a_loops_numbers_are_named():
    S = scipy.sparse.csr_array(np.eye(3))
    with pytest.raises(CannotCompile, match=r"scipy\.sparse"):
        compiled(S.multiply)(x)
    with pytest.raises(CannotCompile, match=r"scipy\.sparse .* W @ S and S @ W"):
        compiled(lambda x: x + S)(x)
    with pytest.raises(CannotCompile, match="examples in their columns"):
        compiled_loop(lambda s, X, lr: (s, np.sum(X) * lr))(x, np.ones((2, 3)), 0.1, iterations=1)


QUANTILES = {
    "median": lambda x: np.sum(np.median(x, axis=0) ** 2),
    "median, keepdims": lambda x: np.sum(np.median(x, axis=1, keepdims=True) * x),
    "percentile": lambda x: np.percentile(x, 30.0) * np.sum(x),
    "quantiles": lambda x: np.sum(np.quantile(x, [0.1, 0.75], axis=0) ** 2),
    "quantile, lower": lambda x: np.quantile(x, 0.4, method="lower") ** 3,
    "nanmedian": lambda x: np.sum(np.nanmedian(x, axis=0) ** 2),
    "nanpercentile": lambda x: np.nanpercentile(x, 30.0) ** 2,
    "nanquantiles": lambda x: np.sum(np.nanquantile(x, (0.2, 0.5), axis=1) ** 2),
}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", QUANTILES)
def test_quantiles_are_followed_inside_gradients(name, engine):
    both = value_and_grad(QUANTILES[name])
    step, rng = compiled(both, engine=engine), np.random.RandomState(3)
    for missing in (0, 3, 0):  # found out at run time
        numbers = rng.randn(5, 3)
        numbers.flat[[0, 4, 14][:missing]] = np.nan
        with np.errstate(invalid="ignore"):
            assert_equal(step(numbers), both(numbers))


def test_a_refusal_names_the_call_that_the_user_wrote():
    refused = {
        "np.polymul: ": lambda x: np.sum(np.polymul(x, x)),
        "np.piecewise gives each function .* np.where": lambda x: np.sum(
            np.piecewise(x, [x < 0], [lambda t: t**2, 0.0])
        ),
        "a result of greater": lambda w: w[0] if w[0] > 0 else w[1],
    }
    for words, f in refused.items():
        with pytest.raises(CannotCompile, match=f"^{words}"):
            compiled(grad(f))(x)
    with pytest.raises(CannotCompile, match=r"^np.apply_along_axis is given a function that is made anew"):
        compiled(lambda x: np.apply_along_axis(lambda t: t**2, 0, x))(x)


@pytest.mark.parametrize("engine", ENGINES)
def test_roots_are_followed_inside_gradients(engine):
    def f(p):
        return np.sum(np.abs(np.roots(p)) ** 2) + np.sum(np.real(np.roots(p)) ** 3)

    step = compiled(value_and_grad(f), engine=engine)
    real, complex_ = [1.0, -6.0, 11.0, -6.0], [2.0, 1.0, 3.0, 4.0]
    for p in (real, complex_, [0.0, 1.0, -3.0, 2.0], [1.0, -3.0, 2.0, 0.0], real):  # found out at run time
        assert_equal(step(np.array(p)), value_and_grad(f)(np.array(p)))
    steps = 1e-6 * np.eye(4)
    differences = [(f(complex_ + h) - f(complex_ - h)) / 2e-6 for h in steps]
    np.testing.assert_allclose(step(np.array(complex_))[1], differences, rtol=1e-6)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: (2 * x.T).ravel("K"),
        lambda x: x.T.copy().ravel("A"),
        lambda x: np.where(x.T > 2, x.T, 0).flatten("A"),
        lambda x: (x.T + 1).reshape(-1, order="A"),
        lambda x: np.reshape(x, 6, order="A"),
        lambda x: np.ravel(x, order="K"),
    ],
)
def test_an_order_that_depends_on_memory_is_an_error(f):
    with pytest.raises(CannotCompile, match="give order 'C' or 'F'"):
        compiled(f)(np.arange(6.0).reshape(2, 3))


@pytest.mark.sampled(7)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "extreme", [np.maximum, np.minimum, np.fmax, np.fmin, lambda x, c: np.clip(x, c, None)]
)
@pytest.mark.parametrize("power", [lambda y: y**2, np.square, lambda y: y, lambda y: y * y])
def test_a_tie_with_what_has_no_gradient(power, extreme, engine):
    f = grad(lambda x, c: np.sum(power(extreme(x, c))))
    step = compiled(f, engine=engine)
    for c in (1.0, 2.0, 0.5, np.array([0.4, 1.0, 3.0]), x, np.array([0.5, 1.0, 2.0]), np.float64(2.0)):
        assert_equal(step(x, c), f(x, c))


def with_parts(t):
    theta = 0.9 * t
    return {"theta": theta, "W": theta[:4].reshape(2, 2), "b": theta[4:]}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "f",
    [
        with_parts,
        lambda t: (2 * t,) * 2,
        lambda t: [*map(np.copy, (2 * t,) * 2)],
        lambda t: (2 * t, 2 * t, (2 * t)[1:]),
        lambda t: [(s[1:], s, s[::-1]) for s in [2 * t]],
        lambda t: [(s, s.T, s.copy(), np.ravel(s)) for s in [np.outer(t, t)]],
        lambda t: [(t - m, {"m": m, "v": m[:2]}) for m in [0.1 * t]],
        lambda t: value_and_grad(lambda p: np.sum(p["a"] + p["b"]))({"a": t, "b": t}),
    ],
)
def test_results_that_lie_in_one_memory_do_so_compiled(f, engine):
    step, t = compiled(f, engine=engine), np.arange(6.0)
    earlier = copy.deepcopy(step(t)), step(t)
    results = [[array for _, array in trees.leaves(nest)] for nest in (f(t), step(t))]
    expected, actual = [[[np.shares_memory(a, b) for a in arrays] for b in arrays] for arrays in results]
    assert actual == expected
    assert not any(np.shares_memory(a, b) for a in results[1] for _, b in trees.leaves(earlier[1]))
    assert_equal(step(t + 1), f(t + 1))
    assert_equal(earlier[1], earlier[0])


def test_a_power_that_is_a_number_of_numpys():
    f = grad(lambda x, c: np.sum(np.abs(x) ** c))
    step = compiled(f)
    for c in (1.5, 2.5, 3.0):
        assert_equal(step(x, np.float64(c)), f(x, np.float64(c)))


def test_parts_of_complex_numbers():
    def f(x):
        z = np.exp(1j * x)
        return np.sum((z * z.conj()).real * x) + np.sum(z.imag**2) + np.sum(x.real)

    assert_equal(compiled(f)(x), f(x))
    assert_equal(compiled(value_and_grad(f))(x), value_and_grad(f)(x))


class Momentum:
    def __init__(self):
        self.m = np.zeros(3)

    def step(self, w, g):
        self.m = 0.9 * self.m + g
        return w - 0.1 * self.m


def test_what_is_changed_is_named():
    def written(x):
        K = np.zeros(3)
        np.add.at(K, np.array([0, 0, 1]), 2 * x)
        return K

    with pytest.raises(CannotCompile, match=r"written into a plain array(.|\n)*np\.add\.at\(K"):
        compiled(written)(x)
    with pytest.raises(CannotCompile, match="changes a Momentum that it is given"):
        compiled(lambda w, optimizer: optimizer.step(w, 2 * w))(x, Momentum())


@pytest.mark.long
def test_recording_lets_go_of_what_it_has_computed():
    """While a function is recorded nobody collects garbage: nothing large may wait for that."""

    def products(M):
        return functools.reduce(lambda J, i: J + M[i] @ M[i], range(len(M)), 0.0)

    def layers(M):
        for _ in range(5):
            M = np.tanh(M * 1.01) + np.max(M, axis=0) * np.cumprod(M[0])[-1]
        return np.sum(M)

    M = np.random.default_rng(0).normal(size=(12, 1000))
    for f in (products, layers):
        compiled(grad(f))(M[:2])
        gc.collect()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            compiled(grad(f))(M)
            gc.collect()
            assert not [t for t in gc.garbage if type(t) in {Tracer, Tensor}]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()


SYMMETRIC = np.arange(16.0).reshape(4, 4) ** 0.5
SYMMETRIC = SYMMETRIC @ SYMMETRIC.T + np.eye(4)
LOOKING = {
    "nanmax": lambda x: np.nanmax(x) ** 2 - np.nanmin(x, axis=0),
    "average": lambda x: np.average(x, weights=np.exp(x)),
    "lstsq": lambda x: np.sum(np.linalg.lstsq(np.vander(x, 2), np.arange(4.0), rcond=None)[0] ** 2),
    "residuals": lambda x: np.sum(np.linalg.lstsq(np.vander(x, 2), x**3, rcond=None)[1]),
    "eigh": lambda x: np.sum(np.linalg.eigh(SYMMETRIC + np.diag(x))[1][:, 0] ** 2 * x),
    "svd": lambda x: np.sum(np.linalg.svd(SYMMETRIC + np.diag(x))[0][:, 0] ** 2 * x),
    "cond": lambda x: np.linalg.cond(SYMMETRIC + np.diag(x)),
    "geomspace": lambda x: np.sum(np.geomspace(np.exp(x[0]), np.exp(x[1]), 4)),
    "interp": lambda x: np.sum(np.interp(x, [-1.0, 0, 1], [0, 1.0, 5])) + np.interp(0.5, [0.0, 1, 2, 3], x),
    "polyfit": lambda x: np.sum(np.polyfit(x, x**2 + np.arange(4), 2) ** 2),
    "lists": lambda x: np.sum([1, 2, 3, 4] * np.sort(x) * [2.0, 1.0, 1.0, 0.5]),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", LOOKING)
def test_gradients_of_functions_that_look_at_their_numbers(name):
    f, x = LOOKING[name], np.array([0.3, -1.0, 2.0, 0.7])
    for of in (value_and_grad(f), hessian(f)):
        step = compiled(of)
        for point in (x, x[::-1] + 0.1, np.array([1.0, 0.2, 0.4, 3.0])):
            np.testing.assert_allclose(
                np.concatenate([np.ravel(r) for r in step(point)]),
                np.concatenate([np.ravel(r) for r in of(point)]),
                rtol=1e-8,
                atol=1e-9,
            )


def test_what_is_wrong_with_numbers_is_found_by_a_program_too():
    """Of each function the first call is right; at the second there is no derivative."""
    degenerate = lambda x: np.sum(np.linalg.eigh(np.diag(x))[1][:, 0] * np.arange(2.0))  # noqa: E731
    weightless = lambda x: np.average(np.ones(2), weights=x)  # noqa: E731
    for f, error, wrong in (
        (degenerate, np.linalg.LinAlgError, [1.0, 1.0]),
        (weightless, ZeroDivisionError, [1.0, -1.0]),
    ):
        step = compiled(grad(f))
        step(np.array([1.0, 2.0]))
        for each in (grad(f), step):
            with pytest.raises(error), np.errstate(divide="ignore"):
                each(np.array(wrong))


def axes_by(whole: Any) -> Callable[[Any], Any]:
    """A cost that reads axes, sizes and counts, made of whole numbers by `whole`."""

    def cost(x: Any) -> Any:
        y = np.sum(x, axis=whole(0)) + np.mean(np.swapaxes(x, whole(0), whole(1)), axis=whole(1))
        z = np.moveaxis(x[None], whole(0), whole(2)) * np.expand_dims(x, whole(2))
        s = np.concatenate([np.stack([x, x], axis=whole(1)), x[:, None]], axis=whole(1))
        norms = np.linalg.norm(x, axis=whole(1)) + np.cumsum(x, axis=whole(1))[:, 0]
        return np.sum(y**3) + np.sum(z**2) + np.sum(s**2) + np.sum(norms**2) + np.max(x, axis=whole(1))[0]

    return cost


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("whole", [np.int64, np.uint8, np.array])
def test_axes_that_are_numpys_whole_numbers(whole, engine):
    x = np.array([[0.1, -0.7, 0.4], [1.5, 0.3, -0.2], [0.8, -0.9, 1.1]])
    J, dx = value_and_grad(axes_by(int))(x)
    ours = compiled(value_and_grad(axes_by(whole)), engine=engine)(x)
    np.testing.assert_allclose(ours[0], J)
    np.testing.assert_allclose(ours[1], dx)
    np.testing.assert_allclose(compiled(axes_by(whole), engine=engine)(x), J)
    order = np.array([1, 2, 0])
    turned = compiled(grad(lambda x: np.sum(np.transpose(x[None], order)[:, 0] ** 3)), engine=engine)(x)
    np.testing.assert_allclose(turned, np.where(np.arange(3) == 0, 3 * x**2, 0))


class Numbers:
    """What is no array, but makes one."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array([1.0, 2.0, 3.0])


ARRAY_LIKES = [
    [1, 2, 3],
    (1.0, np.float32(2), 3),
    [np.array(1), np.array(2), np.array(3)],
    range(1, 4),
    collections.deque([1.0, 2.0, 3.0]),
    memoryview(np.array([1.0, 2.0, 3.0])),
    array.array("d", [1.0, 2.0, 3.0]),
    Numbers(),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("likes", ARRAY_LIKES, ids=lambda x: type(x).__name__)
def test_what_numpy_makes_arrays_of(likes, engine):
    def cost(x, c):
        y = np.multiply(c, x) + np.maximum(x, c) + np.where(x > 0, x, c) + np.hypot(x, c)
        return np.sum((np.arange(1, 4) @ y) ** 2 + np.matmul(c, y)) + np.sum(np.hypot(x, c) ** 2)

    x = np.array([[0.1, -0.7, 0.4], [1.5, 0.3, -0.2], [0.8, -0.9, 1.1]])
    J, dx = value_and_grad(lambda x: cost(x, np.array([1.0, 2.0, 3.0])))(x)
    ours = compiled(value_and_grad(lambda x: cost(x, likes)), engine=engine)(x)
    np.testing.assert_allclose(ours[0], J)
    np.testing.assert_allclose(ours[1], dx)
    np.testing.assert_allclose(compiled(lambda x: cost(x, likes), engine=engine)(x), J)


@pytest.mark.parametrize("engine", ENGINES)
def test_numpy_makes_arrays_of_lists_that_hold_arguments(engine):
    def f(x, n):
        y = [x[0], 2.0] * x[:2] + np.where(x[:2] > 0, (x[1], 1), [[n[0], 2], [3.0, x[0]]])
        return {"y": y, "rows": x[:2] - [x[:2], [1, 2]]}

    arguments = np.array([0.5, -1.0, 2.0]), np.array([3, 4])
    step = compiled(f, engine=engine)
    step(*arguments)
    assert_equal(step(*arguments), f(*arguments))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("f", "numbers"),
    [
        (lambda x, n: x[:n].sum(), [5, 6, 3, 2]),
        (lambda x, n: x[-n:] @ x, [7, 5, 2]),
        (lambda x, n: np.reshape(x, (n, -1)), [1, 3, 9]),
        (lambda x, n: grad(lambda x: np.sum(x.reshape([n, -1])[0] ** 2))(x), [1, 3, 9]),
        (lambda x, n: np.expand_dims(x, (n, 3)), [0, 1, 2]),
        (lambda x, n: np.transpose(x[None], (n, (n + 1) % 3, (n + 2) % 3)), [0, 1, 2]),
        (lambda x, n: np.moveaxis(x, n, 0) - x.swapaxes(n, 1), [0, 1, -1]),
        (
            lambda x, n: np.max(x, axis=n, keepdims=True) + np.sum(x, axis=(n,)) + np.var(x, axis=n),
            [0, 1, -1],
        ),
        (lambda x, n: np.sum(x, axis=n, keepdims=False) ** 2, [0, 1, -1]),
    ],
)
def test_a_number_that_counts_may_be_another_in_each_call(f, numbers, engine):
    step, x = compiled(f, engine=engine), np.arange(9.0).reshape(3, 3) ** 1.5
    for n in (*numbers, *numbers):
        assert_equal(step(x, n), f(x, n))


def test_an_arrays_number_that_counts_is_none_of_another_call():
    step = compiled(lambda x, n: (x[:n] ** 2).sum())
    assert step(np.ones(3), np.int64(5)) == 3
    assert step(np.ones(3), np.int64(2)) == 2


@pytest.mark.parametrize("engine", ENGINES)
def test_where_a_shape_turns_out_to_depend_on_values_the_function_itself_runs(engine):
    f = value_and_grad(lambda x: np.sum(np.unique(x) ** 3))
    step = compiled(f, engine=engine)
    for x in ([1.0, 2, 3], [1.0, 2, 2], [3.0, 3, 3], [1.0, 2, 3]):
        assert_equal(step(np.array(x)), f(np.array(x)))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "widths", [1, (2,), (1, 2), [[1, 2]], ((1, 0), (2, 1)), np.array([[1, 2], [0, 1]]), {0: 1}]
)
def test_widths_of_padding_as_numpy_takes_them(widths, engine):
    def f(x):
        padded = np.pad(x, widths, constant_values=0) + np.pad(
            x, widths, "constant", constant_values=(1, 2.0)
        )
        return padded, grad(lambda x: np.sum(np.pad(x, widths, constant_values=3.0) ** 2))(x)

    x = np.arange(6.0).reshape(2, 3)
    assert_equal(compiled(f, engine=engine)(x), f(x))


class Tagged(dict):
    """A dict that is made with something else than what it holds."""

    def __init__(self, tag):
        super().__init__()
        self.tag = tag


def test_dicts_of_any_kind_are_returned():
    empty = Tagged("t"), collections.defaultdict(list), collections.OrderedDict()

    def f(x):
        made = copy.deepcopy(empty)
        for one in made:
            one["x"] = 2 * x
        return made

    step, x = compiled(f), np.ones(2)
    for made in (step(x), step(x)):
        assert_equal(made, f(x))
        assert [type(one) for one in made] == [type(one) for one in empty]
        assert made[0].tag == "t"
        assert made[1]["new"] == []


HALVES = {
    "log of a sum": lambda x: np.log(np.sum(np.exp(x))),
    "softmax": lambda x: np.sum((np.exp(x) / np.sum(np.exp(x))) ** 2),
    "mean": lambda x: np.mean((x - x[::-1]) ** 2),
}


@pytest.mark.parametrize("name", HALVES)
def test_programs_of_half_precision(name):
    f, x = HALVES[name], np.cos(np.arange(40.0) ** 2).astype(np.float16)
    J, dx = compiled(value_and_grad(f))(x)
    assert J.dtype == dx.dtype == np.float16
    right, slope = value_and_grad(f)(x.astype(float))
    np.testing.assert_allclose(J, right, rtol=1e-2)
    np.testing.assert_allclose(dx, slope, atol=1e-2 * np.max(np.abs(slope)))


def test_a_key_is_no_global_of_that_name():
    """Of a script, whose W1 at the top is another in every turn, a step is recorded once."""
    script = {"W1": 0.0}
    exec("def step(p):\n    return {'W1': p['W1'] * 0.5}", script)  # noqa: S102
    step = compiled(script["step"])
    parameters = step({"W1": np.ones(3)})
    recording = step._recording()
    for n in range(2, 5):
        script["W1"] = parameters["W1"]
        parameters = step(parameters)
        assert np.array_equal(parameters["W1"], np.full(3, 0.5**n))
    assert step._recording() is recording


@pytest.mark.parametrize("engine", ["numpy", "machine"])
def test_a_program_that_is_another_than_its_function_is_refused(monkeypatch, engine):
    """As if a pass had a mistake: the first call is held against what was recorded."""

    def mistaken(program, *, machine):
        program = lower(program, machine=machine)
        for value in program.values():
            if value.function is np.tanh:
                value.function = np.sin
        return program

    x = np.linspace(-2, 2, 7)
    monkeypatch.setattr(compiled_function, "lower", mistaken)
    with pytest.raises(CannotCompile, match=f"a fault of the engine '{engine}', not of your code"):
        compiled(lambda x: np.tanh(x) * 2, engine)(x)
    np.testing.assert_allclose(compiled(lambda x: np.exp(x) * 2, engine)(x), np.exp(x) * 2)

    def failing(program, *, machine):
        return program.results[99]

    monkeypatch.setattr(compiled_function, "lower", failing)  # as where the function's own index is beyond
    with pytest.raises(CannotCompile, match=f"a fault of the engine '{engine}', not of your code"):
        compiled(lambda x: np.exp(x) * 2, engine)(x)


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize("n", [1, 3])
def test_what_is_rounding_alone_is_held_against_the_rounding(n, engine):
    """A function that is 0 by two orders of computing differs from itself where its arguments are rounded."""

    def zero(a, b):
        return np.linalg.inv(a) @ b - np.linalg.solve(a.T, b)

    rng = np.random.RandomState(n)
    for exponent in np.linspace(-6, 0, 10):
        a, b = rng.randn(n, n) * 10.0**exponent, rng.randn(n, 1)
        for f in (zero, grad(lambda a, b: np.sum(zero(a, b)))):
            noise = 1e-10 * np.abs(np.linalg.inv(a + a.T)).max() ** 2
            np.testing.assert_allclose(compiled(f, engine)(a + a.T, b), f(a + a.T, b), 1e-6, noise)


@pytest.mark.parametrize("engine", ["numpy", "machine"])
def test_compiled_functions_that_were_never_called_are_compiled_in_others(engine):
    if engine == "machine":
        pytest.importorskip("llvmlite.binding")
    scale = np.array([2.0, 3.0])
    inner = compiled(lambda x: np.tanh(x) * scale)
    outer = compiled(lambda x: inner(x) + compiled(grad(lambda x: np.sum(x**3)))(x), engine=engine)
    x = np.array([0.5, -1.0])
    for _ in range(2):
        np.testing.assert_allclose(outer(x), np.tanh(x) * scale + 3 * x**2, rtol=1e-14)
        scale *= 2.0
    np.testing.assert_allclose(compiled(compiled(np.exp))(x), np.exp(x))
