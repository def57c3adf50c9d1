"""What a program can't repeat is an error that says what to do, and never a wrong answer."""

from __future__ import annotations

import argparse
import array
import collections
import contextvars
import functools
import itertools
import os
import pathlib
import random
import sys
import sysconfig
import types

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose
from scipy.special import erf

import tinygrad_course
from tests.compiling.networks import parameters_of, training_step
from tests.compiling.test_equality import assert_equal, wider
from tinygrad_course import CannotCompile, Tensor, compiled, debug, grad, hessian, value_and_grad
from tinygrad_course.engine import trees
from tinygrad_course.rules import einsum

x = np.array([1.0, -2.0, 3.0])


class Matrix(np.ndarray):
    """An array with ideas of its own."""


# ------------------------------------------------------------------ values that would be frozen


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if np.sum(x) > 0 else -x,
        lambda x: x * float(np.sum(x)),
        lambda x: x * int(np.sum(x)),
        lambda x: x[int(np.argmax(x))],
        lambda x: [x for _ in range(np.argmax(x))],
        lambda x: np.asarray(x) * 2,
        lambda x: x * np.array([np.sum(x), 1.0, 2.0]),
        lambda x: x[x > 0],
        lambda x: x[np.nonzero(x)],
        np.unique,
        lambda x: f"{np.sum(x):.3f}",
        lambda x: x.tolist(),
        lambda x: 3.0 in x,
        lambda x: max(x, key=abs),
        lambda x: x if Tensor(x).sum() > 0 else -x,
        value_and_grad(lambda t: t[0] ** 2 if t[0] > 0 else t[1]),
    ],
)
def test_deciding_by_a_value_is_an_error(f):
    with pytest.raises(CannotCompile):
        compiled(f)(x)


def test_the_error_names_the_argument_and_what_to_do():
    @compiled
    def f(x):
        cost = np.sum(x)
        return x if cost > 0 else -x

    with pytest.raises(CannotCompile, match=r"of cost was asked whether it is true.*np\.where"):
        f(x)


def test_what_writes_into_an_array_is_an_error():
    def in_place(x):
        x -= 1
        return x

    def item(x):
        x[0] = 1
        return x

    def out(x):
        y = np.zeros(3)
        np.add(x, 1, out=y)
        return y

    def own(x):
        y = np.zeros(3)
        y += x
        return y

    def at(x):
        np.add.at(x, [0], 1)
        return x

    def put(x):
        np.put(x, 0, 1)
        return x

    def a_view(x):
        y = x.T
        y[0] = 1.0
        return x

    def in_a_dict(d):
        d["x"] += 1
        return 2 * d["x"]

    given = x.copy()
    for f in (in_place, item, out, own, at, put, a_view, in_a_dict):
        with pytest.raises(CannotCompile, match=r"in place|written into a plain array"):
            compiled(f)({"x": x} if f is in_a_dict else x)
    np.testing.assert_array_equal(x, given)


def centred(x):
    y = x - 1.0
    y -= y.mean()
    y /= y.std()
    return y


def softmax_of_rows(x):
    A = np.outer(x, x)
    A -= A.max(axis=1, keepdims=True)
    np.exp(A, out=A)
    A /= A.sum(axis=1, keepdims=True)
    return A


def filled(x):
    y = x.copy()
    y[1:] = y[:-1] * 2
    y[y > 3] = 0.5
    z = y[::2]
    z += 1.0
    return y, z


def scattered(x):
    y = np.outer(x, x)
    np.add.at(y, (np.array([0, 0]), np.array([1, 1])), x[0])
    np.fill_diagonal(y, 3.0)
    np.copyto(y[0], x)
    return {"y": y, "T": y.T}


def inside_a_gradient(x):
    scaled = x.copy()
    scaled *= 2.0
    return value_and_grad(lambda w: np.sum((scaled * w) ** 2))(np.ones(3))


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize("f", [centred, softmax_of_rows, filled, scattered, inside_a_gradient])
def test_what_a_function_has_computed_it_may_write_to(f, engine):
    program = compiled(f, engine=engine)
    for x in (np.array([1.0, -2.0, 0.5]), np.array([3.0, 1.0, -1.0]), np.array([0.25, 4.0, 2.0])):
        given = x.copy()
        assert_equal(program(x), f(x))
        np.testing.assert_array_equal(x, given)
    assert program.source


def test_numbers_change_in_place_as_numbers_do():
    def f(x):
        total = 0.0
        total += np.sum(x)
        total *= 2
        return total

    assert compiled(f)(x) == f(x)


# ------------------------------------------------------------------ random numbers


def test_a_view_at_a_computed_place_sees_the_write_or_is_an_error():
    def f(w):
        w = w * 1.0
        row = w[np.argmax(np.sum(w, axis=1))]
        w[0] += 0.75
        return np.sum(row * np.arange(1.0, 4.0))

    w = np.arange(6.0).reshape(2, 3)
    step = compiled(value_and_grad(f))
    with pytest.raises(CannotCompile, match="is a view or a copy"):
        step(w)


def test_what_runs_on_arrays_and_not_on_tracers_is_no_error_of_numpys():
    def f(w):
        (w * 1.0).reshape(-1)[0] = 0.5
        return np.sum(w**2)

    assert value_and_grad(f)(np.ones((2, 2)))[0] == 4
    with pytest.raises(CannotCompile, match="runs on plain arrays"):
        compiled(value_and_grad(f))(np.ones((2, 2)))


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize(
    "kind", ["csr_array", "csc_matrix", "coo_array", "bsr_array", "dia_matrix", "lil_array"]
)
def test_products_with_sparse_matrices(kind, engine):
    A = np.array([[1.0, 0.0, 2.0], [0.0, -3.0, 0.0]])
    S = getattr(scipy.sparse, kind)(A)
    w, v = np.array([[0.1, 0.2], [0.3, -0.4], [0.5, 0.6]]), np.array([0.7, 0.2])

    def cost(w, v, S):
        return np.sum(np.tanh(S @ w) ** 2) + np.sum((w.T @ S.T) ** 3) + np.sum(S.T @ v) * v[0]

    step = compiled(value_and_grad(lambda w, v: cost(w, v, S), argnums=(0, 1)), engine=engine)
    for _ in range(2):
        J, grads = value_and_grad(lambda w, v: cost(w, v, A), argnums=(0, 1))(w, v)  # noqa: B023
        ours, mine = step(w, v)
        np.testing.assert_allclose(ours, J)
        for a, b in zip(mine, grads, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)
        A = 2 * A
        S *= 2.0  # which the program finds out
    np.testing.assert_array_equal(compiled(lambda w: S @ w, engine=engine)(w), S @ w)
    assert "S @ w" in step.source
    assert "S.T @ v" in step.source


def test_random_draws_are_an_error():
    generator, state = np.random.default_rng(1), np.random.RandomState(1)
    holder = types.SimpleNamespace(rng=np.random.default_rng(2))
    functions = [
        lambda x: x * np.random.rand(3),  # noqa: NPY002  (the global generator is what is tested)
        lambda x: x * (np.random.rand() < 2),  # noqa: NPY002  (always True: the draw itself is the mistake)
        lambda x: x * generator.random(3),
        lambda x: x * (state.rand(3) < 0.5),
        lambda x: x * holder.rng.random(),
        lambda x: x * random.random(),
        lambda x: x * np.random.default_rng().random(3),
    ]
    for f in functions:
        with pytest.raises(CannotCompile, match="random"):
            compiled(f)(x)
    with pytest.raises(CannotCompile, match="random generator"):
        compiled(lambda x, rng: x * rng.random(3))(x, generator)


def test_what_changes_from_run_to_run_is_an_error():
    count = iter(range(100))

    def later(x):  # one number, one option, one call more in each run
        return x * float(next(count))

    def reordered(x):
        return np.moveaxis(x, 0, next(count) % 2)

    def longer(x):
        for _ in range(next(count)):
            x = x + 1
        return x

    def dead(x):
        np.tanh(x) if next(count) % 2 else np.exp(x)
        return x * 2

    def constant(x):
        return x, np.full(2, next(count))

    for f in (later, reordered, longer, dead, constant):
        with pytest.raises(CannotCompile, match=r"each time it is run|different each time"):
            compiled(f)(np.ones((2, 2)))


def test_a_call_that_fails_and_is_caught_is_none_of_the_program():
    def product(a, b):
        try:
            return np.dot(a, b)
        except ValueError:
            return np.dot(a, b.T) + len(np.split(a, 2)) * np.linalg.slogdet(a @ a.T).logabsdet

    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 3)), rng.normal(size=(4, 3))
    f = compiled(product)
    for _ in range(2):
        assert np.allclose(f(a, b), product(a, b), rtol=1e-12)


GOOD, INDEFINITE = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[1.0, 2.0], [2.0, 1.0]])


def with_jitter(K):
    try:
        return np.linalg.cholesky(K)
    except np.linalg.LinAlgError:
        return np.linalg.cholesky(K + 10 * np.eye(2))


def is_definite(K):
    try:
        np.linalg.cholesky(K)
    except np.linalg.LinAlgError:
        return np.sum(K)
    return -np.sum(K)


def least_squares(A):
    try:
        return np.linalg.solve(A, np.ones(2))
    except np.linalg.LinAlgError:
        return np.linalg.lstsq(A, np.ones(2), rcond=None)[0]


def careful_exp(x):
    with np.errstate(over="raise"):
        try:
            return np.exp(x)
        except FloatingPointError:
            return np.full_like(x, 1e300)


def inverse(x):
    try:
        return 1 / x
    except ZeroDivisionError:
        return -1.0


def entries(i):
    try:
        return np.arange(4.0) * i[i]
    except IndexError:
        return -i


@pytest.mark.parametrize(
    ("f", "calls"),
    [
        (with_jitter, [GOOD, INDEFINITE]),
        (value_and_grad(lambda K: np.sum(np.log(np.diag(with_jitter(K))))), [GOOD, INDEFINITE]),
        (is_definite, [GOOD, INDEFINITE]),
        (least_squares, [np.eye(2), np.ones((2, 2))]),
        (careful_exp, [np.ones(2), np.full(2, 1e3)]),
        (inverse, [1, 2, 0, 3, 0]),
        (entries, [np.array([0, 1, 2, 3]), np.array([0, 1, 2, 9])]),
    ],
)
@pytest.mark.parametrize("engine", ["numpy", "machine"])
def test_an_error_that_depends_on_values_is_the_functions_to_catch(f, calls, engine):
    for order in (calls, calls[::-1]):
        program = compiled(f, engine=engine)
        for x in (*order, *order):
            assert_equal(program(x), f(x))


def test_a_seed_inside_draws_the_same_each_time():
    def f(x):
        return x * np.random.RandomState(3).rand(3)

    program = compiled(f)
    assert np.array_equal(program(x), f(x))
    assert np.array_equal(program(2 * x), f(2 * x))


def test_masks_are_arguments():
    def f(x, mask):
        return x * mask / 0.5

    program = compiled(f)
    for _ in range(4):
        mask = np.random.default_rng(0).random(3) < 0.5
        assert np.array_equal(program(x, mask), f(x, mask))


# ------------------------------------------------------------------ what lies outside

scale = np.array([1.0, 2.0, 3.0])
settings = {"rate": 0.5}


def helper(x):
    return x * settings["rate"]


def test_a_global_array_that_changes_is_seen():
    global scale  # noqa: PLW0603

    @compiled
    def f(x):
        return x * scale + np.where(scale > 1.5, 1.0, 0.0)

    before = scale.copy()
    try:
        assert np.array_equal(f(x), x * scale + (scale > 1.5))
        scale[0] = 10.0
        assert np.array_equal(f(x), x * scale + (scale > 1.5))
        scale = np.array([0.0, 1.0, 5.0])
        assert np.array_equal(f(x), x * scale + (scale > 1.5))
        scale = np.array([0.0])
        assert np.array_equal(f(x), x * scale + (scale > 1.5))
    finally:
        scale = before


def test_closures_defaults_attributes_and_helpers_are_seen():
    factor = 2.0
    weights = [np.ones(3)]

    class Model:
        rate = 1.0

        def __init__(self):
            self.shift = 0.5

        def __call__(self, x):
            return x + self.shift

    model = Model()

    def f(x, *, more=weights):
        return helper(x) * factor * more[0] + model(x)

    program = compiled(f)
    assert np.array_equal(program(x), f(x))
    factor = 3.0
    assert np.array_equal(program(x), f(x))
    weights[0][1] = 7.0
    assert np.array_equal(program(x), f(x))
    weights[0] = np.array([1.0, 0.0, 1.0])
    assert np.array_equal(program(x), f(x))
    model.shift = 9.0
    assert np.array_equal(program(x), f(x))
    settings["rate"] = 0.25
    assert np.array_equal(program(x), f(x))
    settings["rate"] = 0.5
    assert np.array_equal(program(x), f(x))


def test_changing_something_outside_is_an_error():
    history, box, model = [], {}, types.SimpleNamespace(t=0)

    def append(x):
        history.append(np.sum(x))
        return x

    def keep(x):
        box["x"] = x
        return x

    def count(x):
        model.t += 1
        return x * model.t

    for f in (append, keep, count):
        with pytest.raises(CannotCompile, match="outside"):
            compiled(f)(x)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: types.SimpleNamespace(x=2 * x),
        lambda x: {"x": 2 * x}.values(),
        lambda x: [collections.deque([2 * x])],
        lambda x: map(np.sin, x),
        lambda x: lambda: 2 * x,
        lambda x: (x, f"{np.sum(x)}"),
        lambda x: {"log": "J = " + str(np.sum(x))},
        lambda x: {f"{np.sum(x)!r}": x},
        lambda x: {np.sum(x): x},
        lambda x: print(x) or x,
    ],
)
def test_a_result_that_no_program_can_make_is_an_error(f):
    with pytest.raises(CannotCompile, match=r"of its own making|was printed|looked up"):
        compiled(f)(x)


def test_text_made_of_a_number_and_things_from_outside_are_returned():
    def f(x, n):
        return f"W{n}", x * n, GOOD, range(3), types, "a", None

    program = compiled(f)
    for n in (1, 2, 3, 4):
        assert program(x, n)[0] == f"W{n}"
        assert program(x, n)[3:] == (range(3), types, "a", None)


def test_asking_for_the_type_of_an_argument_is_answered_as_it_is_without():
    def f(x, s):
        return (x if isinstance(x, np.ndarray) else 2.01 * x) * (s if isinstance(s, np.generic) else 3)

    assert_equal(compiled(f)(x, np.float64(2)), f(x, np.float64(2)), f(wider(x), np.longdouble(2)))
    with pytest.raises(CannotCompile, match="Python number"):
        compiled(lambda y, s: y * (float(s) if isinstance(s, np.generic) else s))(x, np.float64(2))


def test_what_counts_the_letters_of_a_type_is_held_against_the_function_where_a_nan_could_get_lost():
    def f(x):
        def cost(t):  # the sign of a power's slope is asked for, behind a mask
            powers = np.power(np.abs(t) + 0.2, t)
            return np.sum(powers) + np.sum(np.where(t > 0.4, np.exp(-(t**2)), 0.0))

        J, g = value_and_grad(cost)(x)
        return len(type(x).__name__) * J, g

    with pytest.raises(CannotCompile, match="something else for plain arrays"):
        compiled(f)(np.array([0.3, 0.5]))


def test_a_refusal_is_not_swallowed_by_the_functions_own_try():
    def f(x):
        try:
            big = float(np.max(x)) > 100
        except Exception:  # noqa: BLE001
            big = False
        return x * (2.0 if big else 1.0)

    with pytest.raises(CannotCompile, match="Python number"):
        compiled(f)(x)


@pytest.mark.parametrize("difference", [1e-2, 1e-4, 1e-7])
def test_a_result_that_differs_a_little_at_the_first_call_is_an_error(difference):
    calls = []

    def f(x):
        calls.append(len(calls))
        return x * (1 + difference * (len(calls) > 2))

    with pytest.raises(CannotCompile):
        compiled(f)(x)


class Settings:
    rate = 1.0


class Slotted:
    __slots__ = ("rate",)

    def __init__(self):
        self.rate = 1.0


class Model(Settings):
    def cost(self, w):
        return RATE * np.sum(w)

    @staticmethod
    def fixed(w):
        return RATE * np.sum(w)

    @property
    def strength(self):
        return RATE


RATE = 1.0


def set_rate(value):
    globals()["RATE"] = value


def set_item(thing, key, value):
    thing[key] = value


def read_by_name(w):
    return globals()["RATE"] * np.sum(w)


def read_by_import(w):
    from tests.compiling import test_faithful

    return test_faithful.RATE * np.sum(w)


def with_attribute(w):
    return with_attribute.rate * np.sum(w)


with_attribute.rate = 1.0


def with_default(w, *, rate=1.0):
    return rate * np.sum(w)


def read_if_defined():
    try:
        return LATER
    except NameError:
        return 1.0


@pytest.mark.parametrize(
    "read",
    [
        lambda w: globals()[f"RATE{w.size - 3 or ''}"] * w,
        lambda w: [globals()[name] * w for name in ("RATE",)],
        lambda w: globals().get("RA" + "TE"[w.ndim - 1 :]) * w,
    ],
)
def test_globals_by_computed_names_are_an_error(read):
    with pytest.raises(CannotCompile, match="globals"):
        compiled(read)(x)
    assert compiled(lambda w: globals()["RATE"] * w + globals().get("NONE", 2))(1.0) == 3
    with pytest.raises(CannotCompile, match="names in a text"):
        compiled(lambda w: w * eval("RATE"))(x)  # noqa: S307


def test_iterators_are_an_error():
    schedule, box = itertools.repeat(1.0), types.SimpleNamespace(rates=(1.0 for _ in range(9)))
    unused = types.SimpleNamespace(batches=iter([1.0]), rate=2.0)
    assert compiled(lambda w: w * unused.rate)(1.0) == 2
    for f in (lambda w: w * next(schedule), lambda w: w * next(box.rates)):
        with pytest.raises(CannotCompile, match="is an iterator"):
            compiled(f)(x)
    with pytest.raises(CannotCompile, match="rates is an iterator"):
        compiled(lambda w, rates: w * next(rates))(x, iter([1.0]))


class Meta(type):
    rate = 1.0


class Kind(metaclass=Meta):
    pass


def captured():
    slotted, queue, space = Slotted(), collections.deque([1.0]), argparse.Namespace(rate=1.0)
    plain, numbers, setting = types.SimpleNamespace(rate=1.0), array.array("d", [1.0]), Settings()
    variable, model = contextvars.ContextVar("rate", default=1.0), Model()
    zero = np.array([0.0])
    sparse, layers, polynomial = scipy.sparse.csr_array(np.eye(2)), {"a": np.ones(2)}, np.poly1d([1.0, 1.0])
    fitted, made, objects = (
        np.polynomial.Polynomial([1.0, 1.0]),
        types.ModuleType("made"),
        np.array([None, 1.0]),
    )
    loaded = types.ModuleType("loaded")  # not in sys.modules, as what is loaded by its path
    exec("rate = 1.0\nclass Model:\n rate = 1.0\n def get(self): return rate", vars(loaded))  # noqa: S102
    made.rate, values, items, inner = 1.0, layers.values(), layers.items(), loaded.Model()
    fixed, changed = functools.partial(with_default, rate=1.0), functools.partial(with_default, rate=1.0)
    sys.modules["made_at_run_time"] = made
    os.environ["TINYGRAD_COURSE_RATE"] = "1.0"
    getenv = os.getenv
    return {
        "sparse": (lambda w: np.sum(sparse @ np.ones(2) * w), lambda v: set_item(sparse.data, 0, v)),
        "dict.values": (lambda w: sum(np.sum(v * w) for v in values), lambda v: set_item(layers["a"], 0, v)),
        "dict.items": (lambda w: sum(np.sum(v * w) for _, v in items), lambda v: set_item(layers["a"], 0, v)),
        "poly1d": (lambda w: np.sum(polynomial(w)), lambda v: set_item(polynomial, 0, v)),
        "Polynomial": (lambda w: fitted.coef[1] * np.sum(w), lambda v: set_item(fitted.coef, 1, v)),
        "getenv": (
            lambda w: float(getenv("TINYGRAD_COURSE_RATE")) * np.sum(w),
            lambda v: set_item(os.environ, "TINYGRAD_COURSE_RATE", str(v)),
        ),
        "module made at run time": (lambda w: made.rate * np.sum(w), lambda v: setattr(made, "rate", v)),
        "computed name": (
            lambda w: getattr(made, "ra" + "te"[:]) * np.sum(w),
            lambda v: setattr(made, "rate", v),
        ),
        "class loaded by path": (
            lambda w: inner.rate * np.sum(w),
            lambda v: setattr(loaded.Model, "rate", v),
        ),
        "global of its module": (lambda w: inner.get() * np.sum(w), lambda v: setattr(loaded, "rate", v)),
        "defined later": (
            lambda w: read_if_defined() * np.sum(w),
            lambda v: globals().update(LATER=v) if v != 1.0 else globals().pop("LATER", None),
        ),
        "a partial's arguments": (
            changed,
            lambda v: changed.__setstate__((with_default, (), {"rate": v}, None)),
        ),
        "of a class's class": (lambda w: Kind.rate * np.sum(w), lambda v: setattr(Meta, "rate", v)),
        "a module by its name": (
            lambda w: sys.modules["made_at_run_time"].rate * np.sum(w),
            lambda v: setattr(made, "rate", v),
        ),
        "keywords of a partial": (fixed, lambda v: set_item(fixed.keywords, "rate", v)),
        "keyword default": (
            with_default,
            lambda v: set_item(with_default.__kwdefaults__, "rate", v),
        ),
        "defaults": (with_defaults, lambda v: setattr(with_defaults, "__defaults__", (v,))),
        "keyword defaults": (with_keyword, lambda v: setattr(with_keyword, "__kwdefaults__", {"rate": v})),
        "code": (
            with_defaults,
            lambda v: setattr(with_defaults, "__code__", (times_rate if v == 1.0 else plus_rate).__code__),
        ),
        "a name of Python's own": (
            lambda w: sum((1.0, 2.0)) * np.sum(w),
            lambda v: globals().pop("sum", None) if v == 1.0 else globals().update(sum=max),
        ),
        "array of objects": (lambda w: objects[1] * np.sum(w), lambda v: set_item(objects, 1, v)),
        "class attribute": (lambda w: Settings.rate * np.sum(w), lambda v: setattr(Settings, "rate", v)),
        "of the instance's class": (
            lambda w: setting.rate * np.sum(w),
            lambda v: setattr(Settings, "rate", v),
        ),
        "of a base class": (lambda w: model.rate * np.sum(w), lambda v: setattr(Settings, "rate", v)),
        "slots": (lambda w: slotted.rate * np.sum(w), lambda v: setattr(slotted, "rate", v)),
        "deque": (lambda w: queue[0] * np.sum(w), lambda v: set_item(queue, 0, v)),
        "array": (lambda w: numbers[0] * np.sum(w), lambda v: set_item(numbers, 0, v)),
        "argparse": (lambda w: space.rate * np.sum(w), lambda v: setattr(space, "rate", v)),
        "simple namespace": (lambda w: plain.rate * np.sum(w), lambda v: setattr(plain, "rate", v)),
        "context": (lambda w: variable.get() * np.sum(w), variable.set),
        "method": (model.cost, set_rate),
        "static method": (Model.fixed, set_rate),
        "property": (lambda w: model.strength * np.sum(w), set_rate),
        "by name": (read_by_name, set_rate),
        "by import": (read_by_import, set_rate),
        "attribute of a function": (with_attribute, lambda v: setattr(with_attribute, "rate", v)),
        "partial": (
            functools.partial(lambda space, w: space.rate * np.sum(w), plain),
            lambda v: setattr(plain, "rate", v),
        ),
        "a zero's sign": (
            lambda w: w + 1 / (zero + RATE - 1.0),
            lambda v: set_item(zero, 0, -0.0 if v == 5.0 else 0.0),
        ),
    }


def times_rate(w, rate=1.0):
    return rate * np.sum(w)


def plus_rate(w, rate=1.0):
    return rate + np.sum(w)


def with_defaults(w, rate=1.0):
    return rate * np.sum(w)


def with_keyword(w, *, rate=1.0):
    return rate * np.sum(w)


@pytest.mark.parametrize("name", captured())
def test_what_is_read_from_outside_is_watched(name):
    f, change = captured()[name]
    both = value_and_grad(f) if name != "a zero's sign" else f
    step = compiled(both)
    try:
        with np.errstate(divide="ignore"):
            for value in (1.0, 5.0, 1.0):
                change(value)
                assert str(step(np.array([1.0, 2.0]))) == str(both(np.array([1.0, 2.0])))
    finally:
        change(1.0)


def test_a_zero_among_the_arguments_has_its_sign():
    step = compiled(np.copysign)
    for s in (0.0, -0.0, 0.0):
        assert np.array_equal(step(np.ones(2), s), np.copysign(np.ones(2), s))


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: 1 / (x + 0), lambda x: 1 / (0 + x), lambda x: 1 / (x - 0), lambda x: 1 / (0 - x),
        lambda x: np.arctan2(x + 0.0, -1.0), lambda x: 1 / (x * x[0] + 0), lambda x: 1 / (3 * (x + 0)),
        lambda x: 1 / (0 * -x + 0), lambda x: 1 / sum([x, x]), lambda x: 1 / (np.sum(x) + 0),
        lambda x: 1 / (0 + x**2), lambda x: 1 / (x + np.zeros(1)), lambda x: np.copysign(2, x.mean() + 0),
    ],
)  # fmt: skip
def test_a_zero_that_is_added_takes_the_sign_of_zero(f, engine):
    program = compiled(f, engine=engine)
    with np.errstate(all="ignore"):
        for x in (2.0, -0.0, 0.0, 1.0):
            np.testing.assert_array_equal(program(np.array([x])), f(np.array([x])))


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "i1", "i2", "f2"])
def test_narrow_numbers(dtype, engine):
    x = np.array([1, 2, 3]).astype(dtype)
    for f in (
        lambda x: x * 0.5 + np.sum(x),
        lambda x: np.tanh(x / 255.0),
        lambda x: np.sum(np.exp(x * 0.1) * x),
        lambda x: np.where(x > 1, x, 0.5),
        lambda x: (x @ x) + x.mean(),
    ):
        assert_equal(compiled(f, engine=engine)(x), f(x))


@pytest.mark.parametrize("where", ["beside", "installed"])
def test_a_users_file_is_the_users_wherever_it_lies(where, tmp_path, monkeypatch):
    import tinygrad_course

    library = pathlib.Path(tinygrad_course.__file__).parent
    name = f"{library}_mine/user.py" if where == "beside" else f"{sysconfig.get_path('purelib')}/user/user.py"
    module = types.ModuleType("user")
    exec(compile("LR = 1.0\ndef f(x):\n    return x * LR\n", name, "exec"), vars(module))  # noqa: S102
    step = compiled(module.f)
    for value in (1.0, 5.0):
        module.LR = value
        assert step(np.ones(1)) == value


def test_a_stand_in_that_escapes_says_so():
    escaped = []
    with pytest.raises(CannotCompile):
        compiled(lambda x: escaped.append(x) or x)(x)
    with pytest.raises(CannotCompile, match="after the function was recorded"):
        escaped[0] + 1


# ------------------------------------------------------------------ arguments


def test_shapes_dtypes_and_structures_may_change_between_calls():
    def f(p, x):
        return {k: v * 2 for k, v in p.items()}, np.sum(x) + sum(np.sum(v) for v in p.values())

    program = compiled(f)
    for p, y in [
        ({"a": np.ones(3)}, x),
        ({"a": np.ones((2, 2), np.float32)}, x),
        ({"b": np.ones(3), "a": np.zeros(1)}, x),
        ({"a": np.zeros(1), "b": np.ones(3)}, x.astype(np.float32)),
        ({"a": np.arange(3)}, x),
        ({"a": np.ones(3)}, x[:0]),
        ({"a": np.ones(3, ">f8")}, x),
        ({"a": np.float64(3.0)}, x),
        ({}, x),
    ]:
        ours, theirs = program(p, y), f(p, y)
        assert list(ours[0]) == list(theirs[0])
        assert_equal(ours, theirs)


def test_the_same_array_twice_and_views_of_one_memory():
    def f(a, b):
        return a * 2 + b, np.dot(a, b), a.T

    program = compiled(f)
    memory = np.arange(16.0)
    a = memory[:4].reshape(2, 2)
    for pair in [(a, a), (a, memory[2:6].reshape(2, 2)), (a, a.T), (memory[::4].reshape(2, 2), a)]:
        assert_equal(program(*pair), f(*pair))


def test_results_are_not_overwritten_and_arguments_not_changed():
    step = training_step(["tanh", "sigmoid"], "cross entropy", 0.7, 0.1)
    rng = np.random.default_rng(1)
    parameters, X = parameters_of(rng, [3, 40, 1]), rng.normal(size=(3, 3000))
    Y = (rng.random((1, 3000)) > 0.5) * 1.0
    program = compiled(step)
    first = program(parameters, X, Y)
    kept = {k: v.copy() for k, v in first[0].items()}
    given = {k: v.copy() for k, v in parameters.items()}
    for _ in range(3):
        again = program(first[0], X, Y)
        program(again[0], X, Y)
    assert all(np.array_equal(first[0][k], kept[k]) for k in kept)
    assert all(np.array_equal(parameters[k], given[k]) for k in given)
    assert not any(np.shares_memory(a, b) for a in first[0].values() for b in again[0].values())


MOVES = {
    "concatenate": lambda s: np.concatenate([s[1:], s[:1]]),
    "of results": lambda s: np.concatenate([s[2:] * 2, s[:2]]),
    "of matrices": lambda s: np.concatenate([s[:2, None], s[2:, None] * 2]).ravel(),
    "hstack": lambda s: np.hstack([s[1:] * 2, s[:1] - 1]),
    "append": lambda s: np.append(s[1:], s[0]),
    "roll": lambda s: np.roll(s, 1),
    "stack": lambda s: np.stack([s[:2], s[2:] * 2]).ravel(),
    "tile": lambda s: np.tile(s[:2] * 2, 2),
    "diff": lambda s: np.diff(s, append=0.0),
    "insert": lambda s: np.insert(s[1:], 0, s[0] * 2),
    "assignment": grad(lambda s: np.sum(np.concatenate([s[1:] ** 2, s[:1]]))),
}


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize("name", MOVES)
def test_results_of_joined_parts_are_the_users(name, engine):
    f = MOVES[name]
    program, state, expected = compiled(f, engine=engine), np.arange(4.0), np.arange(4.0)
    given = []
    for _ in range(4):
        state, expected = program(state), f(expected)
        given.append((state, expected))
    for a, b in given:
        np.testing.assert_array_equal(a, b)
    several = compiled(lambda s: {"all": (a := f(s)), "rows": a.reshape(2, 2), "two": [a[:2]]}, engine=engine)
    first, _ = several(np.arange(4.0)), several(np.ones(4))
    for result, right in zip(first.values(), (f(np.arange(4.0)),) * 3, strict=True):
        np.testing.assert_array_equal(np.ravel(result), right[: np.size(result)])


def test_large_results_keep_their_memory_while_anyone_looks_at_it():
    program = compiled(lambda x: x * 2.0)
    big = np.ones(100_000)
    first = program(big)
    view = first[10:20]
    del first
    for i in range(5):
        program(big * i)
    assert np.array_equal(view, np.full(10, 2.0))


def test_arguments_changed_between_calls():
    program = compiled(lambda x: np.tanh(x) * 2)
    y = x.copy()
    assert np.array_equal(program(y), np.tanh(y) * 2)
    y[0] = 100.0
    assert np.array_equal(program(y), np.tanh(y) * 2)


def test_a_result_that_is_an_argument_comes_back_as_it_is():
    def f(x, y):
        return x, x * 1.0, y, [x, (y,)]

    ours = compiled(f)(x, 2.0)
    assert ours[0] is x
    assert ours[1] is not x
    assert np.array_equal(ours[1], x)
    assert ours[2:] == (2.0, [x, (2.0,)])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.copy(),
        lambda x: {"W": x.copy()},
        lambda x: x.flatten(),
        lambda x: x.T.copy(),
        np.copy,
        lambda x: (1 * x).T,
        lambda x: (x + 0)[:1],
        lambda x: np.ravel(x.copy("F")),
    ],
)
@pytest.mark.parametrize("x", [np.ones((2, 2)), np.ones((2, 2), int), np.ones((2, 2), bool)])
def test_a_copy_of_an_argument_is_not_the_argument(f, x):
    x = x.copy()
    [(_, ours)] = trees.leaves(compiled(f)(x))
    before = ours.copy()
    x[...] = 0
    assert np.array_equal(ours, before)


def test_numbers_of_python_become_inputs_when_they_change():
    def f(x, t, name="a"):
        return x * 0.9**t, t + 1, 1 / t if name == "a" else t

    program = compiled(f)
    for t in (1, 2, 3, 4, 5):
        ours, theirs = program(x, t), f(x, t)
        assert np.allclose(ours[0], theirs[0], rtol=1e-15)
        assert ours[1:] == theirs[1:]
        assert [type(v) for v in ours] == [type(v) for v in theirs]
    assert len(program.programs) == 2
    assert program(x, 5, name="b")[2] == 5
    assert program(x, 2.5)[1] == 3.5


def test_numbers_that_decide_are_part_of_the_program():
    def f(x, n):
        for _ in range(n):
            x = x * 2
        return x

    program = compiled(f)
    for n in (1, 2, 3, 2):
        assert np.array_equal(program(x, n), f(x, n))


@pytest.mark.parametrize(
    ("f", "numbers"),
    [
        (lambda x, n: np.sum(x[:n] ** 2), (1, 2, 3, 1)),
        (value_and_grad(lambda x, n: np.sum(x[-n:] ** 2)), (1, 2, 3, 1)),
        (np.repeat, (1, 2, 3, 1)),
        (lambda x, n: np.sum(np.diff(x, n)), (1, 2, 0, 1)),
        (lambda x, n: [v.sum() for v in np.array_split(x, n)], (1, 2, 3, 1)),
        (lambda x, n: np.concatenate([x] * n), (1, 2, 3, 1)),
        (lambda x, n: x * ([1.0, 2.0] * n)[1], (1, 2, 3, 1)),
        (lambda x, n: x * sum((0.5,) * n), (1, 2, 3, 1)),
        (lambda x, n: x * (0.01 if n in {3, 5} else 0.1), (1, 2, 3, 5, 4)),
        (lambda x, n: x * {3: 0.1}.get(n, 1.0), (1, 2, 3, 4)),
        (lambda x, p: x * {0.5: 3.0}.get(p, 1.0), (0.1, 0.2, 0.5)),
        (lambda x, n: x * {3: 0.1}.get(n, 1.0), (np.int64(1), np.int64(3))),
    ],
)
def test_numbers_that_count_or_are_looked_up(f, numbers):
    x, program = np.array([1.0, -2.0, 3.0]), compiled(f)
    for n in numbers:
        try:
            ours = program(x, n)
        except CannotCompile:  # of NumPy's numbers, which are inputs
            assert isinstance(n, np.generic)
        else:
            assert_equal(ours, f(x, n))


def test_float32_stays_float32():
    def f(x, t):
        return x * (0.5 * t), x * (1 / np.float64(3.0)).item()

    program, y = compiled(f), x.astype(np.float32)
    for t in (1.0, 2.0, 3.0):
        assert_equal(program(y, t), f(y, t))


def test_many_signatures_bring_a_warning():
    program = compiled(lambda x, name: x * len(name))
    for i in range(32):
        program(x, "a" * i)
    with pytest.warns(RuntimeWarning, match="recorded for 32 signatures"):
        program(x, "a" * 32)


def test_tensors_pass_through_and_are_differentiated():
    program = compiled(lambda x: np.sum(x**2))
    t = Tensor(x)
    program(t).backward()
    assert np.array_equal(t.grad, 2 * x)


def test_debug_runs_the_function_itself():
    program = compiled(value_and_grad(lambda w: np.sum(np.log(w))))
    program(np.ones(3))
    with debug(), pytest.raises(FloatingPointError, match="log"), np.errstate(divide="ignore"):
        program(np.zeros(3))


def test_what_is_no_array_of_numbers_is_refused():
    known = Tensor(x)
    with pytest.raises(CannotCompile, match="Matrix"):
        compiled(lambda m: m * 2)(np.ones((2, 2)).view(Matrix))
    with pytest.raises(CannotCompile, match="complex"):
        compiled(lambda m: m * 2)(np.array([1j]))
    with pytest.raises(CannotCompile, match="Tensor"):
        compiled(lambda _: known)(x)
    with pytest.raises(TypeError, match="takes a function"):
        compiled(3)
    with pytest.raises(ValueError, match="engine"):
        compiled(abs, engine="steam")


def test_nan_infinities_and_nothing_at_all():
    def f(a, b):
        return (
            a / b - np.maximum(a, b),
            np.sum(a * b, axis=1, keepdims=True),
            np.dot(a, b.T),
            np.log1p(np.abs(a)),
        )

    program = compiled(f)
    special = np.array([[np.nan, np.inf, -np.inf], [0.0, -0.0, 1.0]])
    with np.errstate(all="ignore"):
        for a, b in [
            (special, special[:, ::-1]),
            (special, np.ones((2, 3))),
            (np.ones((0, 3)), np.ones((2, 3))[:0]),
        ]:
            assert_equal(program(a, b), f(a, b))


def test_an_error_of_numpys_stays_one():
    program = compiled(np.linalg.inv)
    assert np.array_equal(program(np.eye(2)), np.eye(2))
    with pytest.raises(np.linalg.LinAlgError):
        program(np.zeros((2, 2)))
    assert np.array_equal(program(np.eye(2)), np.eye(2))


def test_methods_keywords_and_wrapped_functions():
    class Model:
        def __init__(self):
            self.rate = 0.5

        @compiled
        def step(self, x):
            return x * self.rate

    model = Model()
    assert np.array_equal(model.step(x), x * 0.5)
    model.rate = 0.25
    assert np.array_equal(model.step(x), x * 0.25)
    program = compiled(lambda x, y=2.0: x * y)
    assert np.array_equal(program(x=x), x * 2)
    assert np.array_equal(program(x, y=3.0), x * 3)
    with pytest.raises(TypeError):
        program()


@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("size", [3, 100_000])  # of the second, blocks are made
def test_numbers_of_the_function_that_are_not_finite(number, size):
    def f(x):
        J, dx = value_and_grad(lambda x: np.sum(np.tanh(x) ** 2))(x)
        return J, np.exp(x - number * dx)

    start = np.linspace(-1.0, 1.0, size)
    with np.errstate(all="ignore"):
        for ours, theirs in zip(compiled(f)(start), f(start), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)


# ------------------------------------------------------------------ what computes a call


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_convolution_is_as_many_matrix_products_as_the_recorder_makes(dtype, monkeypatch):
    made = []

    def counted(*args, planned=einsum.planned):
        made.append(planned(*args))
        return made[-1]

    monkeypatch.setattr(einsum, "planned", counted)
    rng = np.random.default_rng(0)
    K, images = rng.normal(size=(5, 3, 3, 2)).astype(dtype), rng.normal(size=(6, 3, 12, 11)).astype(dtype)

    def cost(K, x):
        windows = np.lib.stride_tricks.sliding_window_view(x, K.shape[2:], axis=(2, 3))
        return np.sum(np.tanh(np.einsum("mchwij,ocij->mohw", windows, K)))

    step = value_and_grad(cost, argnums=(0, 1))
    program = compiled(step)
    program(K, images)
    made.clear()
    ours = program(K, images)
    assert len(made) == 3  # forward, and one for each operand on the way back
    assert all(y is not None for y in made)
    assert_equal(ours, step(K, images), step(wider(K), wider(images)))
    assert "np.einsum('mchwij,ocij->mohw'" in program.source
    space = {"np": np}
    exec(program.source, space)  # noqa: S102  (the library's own text)
    assert_equal(space["cost"](K, images), ours)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: np.einsum("ijk,ijk->", x, y),
        lambda x, y: np.einsum("ijk,ilk->jl", x, y),
        lambda x, y: np.einsum("ijk,ilk", x, y),
        lambda x, y: np.einsum("ijk,ilk->jl", x, y, optimize=True),
        lambda x, y: np.einsum("...jk,...lk->...jl", x, y),
        lambda x, y: np.einsum(x, [0, 1, 2], y, [0, 3, 2], [3, 1]),
        lambda x, y: np.einsum("ijk,ilk,m->jl", x, y, y[0, 0]),
        lambda x, y: np.einsum("ijk->kji", x) + y[0, 0, 0],
        lambda x, y: np.max(x, 2) - np.min(y, axis=(1, 2), keepdims=True)[0],
        lambda x, y: np.max(x, 2, None, True) * y,
        lambda x, y: np.max(x, axis=2, initial=0.5) + np.amin(y, axis=-1, keepdims=True)[..., 0],
        lambda x, y: np.max(x) + np.min(y),
    ],
)
def test_quicker_calls_compute_the_same(f):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 30, 50, 6))
    for engine in ("numpy", "machine"):
        program = compiled(f, engine)
        for a, b in ((x, y), (y, x)):
            assert_equal(program(a, b), f(a, b))


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize(
    "square",
    [
        lambda w: np.linalg.norm(w) ** 2,
        lambda w: np.sum(np.abs(w) ** 2),
        lambda w: np.sum(np.square(np.hypot(w, 0))),
        lambda w: np.sum(np.multiply(*[np.abs(w)] * 2)),
    ],
)
def test_a_square_that_vanishes_after_the_first_call_has_its_second_derivative(square, engine):
    if engine == "machine":
        pytest.importorskip("llvmlite", reason="the extra fast brings llvmlite")
    program = compiled(hessian(square), engine=engine)
    with np.errstate(all="ignore"):
        for w in (np.array([0.3, -2.0]), np.array([0.0, 1.0]), np.zeros(2)):
            np.testing.assert_allclose(program(w), 2 * np.eye(2), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("engine", ["numpy", "machine"])
def test_a_reshape_of_a_reshape_by_columns(engine):
    weights = np.arange(6.0)

    def cost(x):
        by_columns = np.reshape(x, (-1, 1), order="F")
        return np.sum(by_columns.reshape(1, -1) * weights) + np.sum(np.ravel(by_columns) * weights[::-1] ** 2)

    x = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
    fast = compiled(value_and_grad(cost), engine=engine)
    for _ in range(2):
        J, dx = fast(x)
        np.testing.assert_allclose(J, cost(x), rtol=1e-13)
        np.testing.assert_allclose(dx.ravel("F"), weights + weights[::-1] ** 2, rtol=1e-13)


@pytest.mark.parametrize("x", [0.25, np.float64(0.25), np.array(0.25), np.array([0.25, 4.0])])
@pytest.mark.parametrize(
    "f", [lambda x: x + 2.0, lambda x: np.sqrt(x) ** 2, lambda x: 3 * x, lambda x: x - 1]
)
def test_a_gradient_that_does_not_depend_on_its_argument(f, x):
    slope = grad(lambda x: np.sum(f(x)) if np.ndim(x) else f(x))
    ours, theirs = compiled(slope)(x), slope(x)
    assert type(ours) is type(theirs)
    np.testing.assert_allclose(ours, theirs, rtol=1e-15)


@pytest.mark.parametrize("cost", [lambda w: np.sum(w**3), lambda w: np.sum(np.exp(-np.exp(-w)) * w[::-1])])
def test_a_hessian_of_several_rows_is_a_program(cost):
    step = compiled(hessian(cost))
    for w in (np.array([1.0, 0.1]), np.array([-750.0, 2.0])):
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(step(w), hessian(cost)(w), rtol=1e-12)
    assert step.programs


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_the_first_row_and_the_last_may_be_one(rows):
    def J(x):
        return np.sum(x[0] * x[-1]) + np.sum(np.sin(x[-rows]))

    x = np.arange(1.0, 3 * rows + 1).reshape(rows, 3)
    np.testing.assert_allclose(compiled(grad(J))(x), grad(J)(x), rtol=1e-12)


@pytest.mark.parametrize("engine", ["numpy", "machine"])
def test_what_is_made_of_a_number_is_no_view_of_it(engine):
    def f(x):
        v, w = np.exp(np.squeeze(x) * 2), np.sin(x[0])
        v[None][::-1] = x[0] * 5
        np.reshape(w, (1,))[0] = 7.0
        np.atleast_1d(w)[...] = 3.0
        w.ravel()[0] = 9.0
        return v * 2 + w

    x = np.array([0.7])
    J, g = compiled(value_and_grad(f), engine=engine)(x)
    assert np.isclose(J, f(x), rtol=1e-14)
    assert np.isclose(g[0], 4 * np.exp(1.4) + np.cos(0.7), rtol=1e-14)


@pytest.mark.parametrize("engine", ["numpy", "machine"])
def test_the_gradient_of_a_number_is_a_number_when_its_factor_is_put_elsewhere(engine):
    J = value_and_grad(lambda x, c, s: np.sum(np.cos(x) * erf((x - c) / s)), argnums=(0, 1, 2))
    step = compiled(J, engine=engine)
    for x in (np.ones(3), np.array([0.3, -1.2, 2.0])):
        (value, slopes), (right, rights) = step(x, 1.0, 1.0), J(x, 1.0, 1.0)
        assert [type(a) for a in (value, *slopes)] == [type(a) for a in (right, *rights)]
        for a, b in zip((value, *slopes), (right, *rights), strict=True):
            assert_allclose(a, b, rtol=1e-12)


def filled(make):
    def f(x):
        y = make(x)
        for i in range(3):
            y[i] = x[i] ** 2 * y[i - 1] if i else x[0]
        return y * 2

    return f


BUFFERS = {
    "zeros": filled(lambda _: tinygrad_course.zeros(3)),
    "zeros_like": filled(tinygrad_course.zeros_like),
    "a Tensor": filled(lambda _: Tensor(np.ones(3))),
    "array": lambda x: tinygrad_course.array([[x[0], 2.0], [x[1] * x[2], x[2]]]) * 2,
    "several": lambda x: {"y": filled(tinygrad_course.zeros_like)(x), "x": [x * 1, tinygrad_course.zeros(2)]},
}


@pytest.mark.parametrize("engine", ["numpy", "machine"])
@pytest.mark.parametrize("name", BUFFERS)
def test_what_errors_advise_for_buffers_is_compiled(name, engine):
    f = BUFFERS[name]
    x, z = np.array([1.0, 2.0, 3.0]), np.array([-2.0, 0.5, 4.0])
    values = lambda y: y.data if type(y) is Tensor else y  # noqa: E731
    program = compiled(f, engine=engine)
    for point in (x, z):
        for (_, ours), (_, plain) in zip(trees.leaves(program(point)), trees.leaves(f(point)), strict=True):
            assert type(ours) is np.ndarray
            assert_allclose(ours, values(plain))
    with debug():  # no program is used, and nothing else is returned
        for _, ours in trees.leaves(program(x)):
            assert type(ours) is np.ndarray
    if name != "several":
        cost = lambda x: np.sum(f(x) ** 2)  # noqa: E731
        assert_allclose(compiled(grad(cost), engine=engine)(z), grad(cost)(z))


@pytest.mark.parametrize("engine", ["numpy", "machine"])
def test_a_tensor_that_depends_on_a_leaf_outside_is_no_result(engine):
    w = Tensor([1.0, 2.0])
    with pytest.raises(CannotCompile, match="returns a Tensor"):
        compiled(lambda x: w * x, engine=engine)(np.ones(2))
    with pytest.raises(CannotCompile, match="returns a Tensor"):
        compiled(lambda x: [x, w], engine=engine)(np.ones(2))


@pytest.mark.parametrize("engine", ["numpy", "machine"])
def test_zeros_of_both_signs_are_not_one_number(engine):
    y = np.array([-0.0, 0.0, 0.0, -0.0])
    step = compiled(lambda x: np.arctan2(y, x), engine)
    for x in (np.ones(4), -np.ones(4)):  # at the first call the results are equal
        np.testing.assert_array_equal(step(x), np.arctan2(y, x))
    assert "full" not in step.source
