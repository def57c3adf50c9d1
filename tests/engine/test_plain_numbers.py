"""Numbers that leave the graph: whoever would lose a gradient by it is told so."""

import contextlib
import math
import re
import sys

import numpy as np
import pytest
import scipy.sparse.linalg  # noqa: F401
from scipy import integrate, optimize, sparse

from tinygrad_course import (
    CannotCompile,
    Tensor,
    compiled,
    grad,
    jacobian,
    jvp,
    stop_gradient,
    value_and_grad,
    vjp,
)
from tinygrad_course.engine import plain_numbers

X = np.array([1.0, 2.0, 3.0])


class Layer:
    act = staticmethod(math.tanh)


TABLE = {"tanh": math.tanh}
NUMBERS = {
    "float": lambda x: float(x[0]),
    "item": lambda x: x[0].item(),
    "tolist": lambda x: sum(x.tolist()),
    "data": lambda x: x.data[0],
    "np.float64": lambda x: np.float64(x[0]),
    "math.sin": lambda x: math.sin(x[0]),
    "math.fsum": lambda x: math.fsum(list(x)),
    "a table": lambda x: TABLE["tanh"](x[0]),
    "a class": lambda x: Layer().act(x[0]),
    "a string": eval("lambda x: math.sin(x[0])"),  # noqa: S307
    "int": lambda x: int(x[0]),
    "round": lambda x: round(x[0]),
    "round to digits": lambda x: round(x[0], 2),
    "range": lambda x: len(range(x[0])),
    "an index": lambda x: [1, 2, 3][x[0]],
    "trunc": lambda x: math.trunc(x[0]),
    "floor": lambda x: math.floor(x[0]),
    "ceil": lambda x: math.ceil(x[0]),
    "complex": lambda x: complex(x[0]).real,
    "an array": lambda x: np.array([x[0], x[1]])[0],
    "a mean of a list": lambda x: np.mean([x[0], x[1]]),
    "r_": lambda x: np.r_[x[0], x[1]][0],
    "c_": lambda x: np.c_[x, x][0, 0],
    "%x": lambda x: len("%x" % x[0]),  # noqa: UP031
    "item of an index": lambda x: x.item(1),
}
STYLES = {
    "grad": grad,
    "value_and_grad": value_and_grad,
    "vjp": lambda f: lambda x: vjp(f, x),
    "jvp": lambda f: lambda x: jvp(f, (x,), (x,)),
    "jacobian": jacobian,
    "second order": lambda f: grad(lambda x: np.sum(grad(f)(x))),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("leave", NUMBERS)
def test_inside_a_differentiated_function(leave, style):
    f = NUMBERS[leave]
    with pytest.raises((TypeError, ValueError)) as caught:
        STYLES[style](lambda x: np.sum(x) * f(x))(X)
    told = str(caught.value)
    assert "stop_gradient" in told or "tinygrad_course.array" in told
    assert not plain_numbers.active


@pytest.mark.parametrize("style", STYLES)
def test_numpys_words_do_not_stand_before_ours(style):
    def euler(x):
        y = np.zeros(3)
        for i in range(3):
            y[i] = x[i] ** 2
        return np.sum(y) + 0.1 * np.sum(x**2)

    with pytest.raises(TypeError, match=r"written into a plain array.*\n  at .*y\[i\] = x\[i\]"):
        STYLES[style](euler)(X)


def euler(x):
    y = np.zeros(3)
    y[0] = x[0] ** 2
    return np.sum(y)


def of_flat(x):
    y = np.zeros(3)
    y.flat[0] = x[0] ** 2
    return np.sum(y)


def filled_with(x):
    y = np.zeros(3)
    y.fill(x[0])
    return np.sum(y)


def set_by_name(x):
    y = np.zeros(3)
    y.flat.__setitem__(0, x[0])
    return np.sum(y)


@pytest.fixture
def untraced():
    """Without what measures the coverage."""
    before = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(before)


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("f", [euler, of_flat, filled_with, set_by_name])
@pytest.mark.parametrize(
    "style", [grad, lambda f: lambda x: f(Tensor(x)), lambda f: compiled(value_and_grad(f))]
)
def test_the_last_word_is_ours_in_every_style(f, style):
    with pytest.raises(
        plain_numbers.PlainArrayError, match=r"(?s)np\.stack.*\.zeros.*\n  at .*y.*x\[0\]"
    ) as last:
        style(f)(X)
    assert last.value.__cause__ is None
    assert sys.gettrace() is None
    assert isinstance(last.value, ValueError)  # as NumPy's


@pytest.mark.parametrize("f", [euler, of_flat])
def test_a_compiled_function_has_the_same_words(f):
    with pytest.raises(CannotCompile, match=r"(?s)np\.stack.*\.zeros.*\n  at .*y.*x\[0\]"):
        compiled(f)(X)


def test_a_debugger_goes_on_tracing():
    seen = []

    def tracer(frame, event, _):
        seen.append((frame.f_code.co_name, event))
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        with pytest.raises(ValueError, match="setting an array element") as caught:
            euler(Tensor(X))
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)
    assert isinstance(caught.value.__cause__, plain_numbers.PlainArrayError)
    assert ("euler", "call") in seen


def test_an_entry_as_a_number():
    t, x = Tensor(X.reshape(1, 3)), X.reshape(1, 3)
    for index in [(1,), (0, 2), ((0, 1),), (-1,)]:
        assert t.item(*index) == x.item(*index)
        assert compiled(lambda x, i=index: np.sum(x) * x.item(*i))(x) == np.sum(x) * x.item(*index)
    with pytest.raises(IndexError):
        t.item(3)


@pytest.mark.parametrize("style", ["recorded", "differentiated"])
@pytest.mark.parametrize("function", [int, math.floor, math.ceil, math.trunc, round, math.exp, math.sin])
def test_what_is_advised_runs(style, function):
    """The code that an error names for a number that is to leave."""

    def told(t):
        with pytest.raises(TypeError) as caught:
            function(t)
        return re.findall(r"[\w.]+\((?:t\.item\(\)|stop_gradient\(t\))\)", str(caught.value))[-1]

    def run(t):
        found.append(eval(told(t), {"math": math, "stop_gradient": stop_gradient, "t": t}))  # noqa: S307
        return t * 1.0

    found = []
    if style == "recorded":
        run(Tensor(2.5))
    else:
        with pytest.raises(TypeError):  # again, as what was refused may not be caught
            grad(run)(2.5)
    assert found == [function(2.5)]


def test_printing_and_formatting_go_on(capsys):
    def cost(x):
        J = np.sum(x**2)
        print(J, f"{J:.4f}", "%.2f" % J, "{:.1f}".format(J), f"{J}")  # noqa: UP031, UP032
        print("Cost after iteration %i: %f, about %d" % (3, J, J))  # noqa: UP031
        print(np.format_float_positional(J), np.format_float_scientific(J, precision=1), np.array2string(x))
        return J

    expected = (
        "Tensor(14.0) 14.0000 14.00 14.0 Tensor(14.0)\nCost after iteration 3: 14.000000, about 14\n"
        "14. 1.4e+01 [1. 2. 3.]\n"
    )
    np.testing.assert_array_equal(grad(cost)(X), 2 * X)
    assert capsys.readouterr().out == expected
    cost(Tensor(X))
    assert capsys.readouterr().out == expected


def test_what_does_not_depend_on_the_inputs_may_leave():
    w = Tensor([1.0, 2.0])

    def f(x):
        J = np.sum(w**2)
        J.backward()
        return np.sum(x) * float(J) * w.grad[0] * stop_gradient(x)[0]

    np.testing.assert_array_equal(grad(f)(X), np.full(3, 10.0))


def test_a_value_that_escaped_is_free_afterwards():
    kept = []
    grad(lambda x: kept.append(np.sum(x)) or np.sum(x))(X)
    assert float(kept[0]) == kept[0].item() == 6.0


def test_float_is_the_way_out_of_backwards_style():
    J = np.sum(Tensor(X) ** 2)
    costs = [J, J * 2]
    assert float(J) == 14.0
    assert [float(c) for c in costs] == list(map(float, costs)) == [14.0, 28.0]
    assert float(J) + math.sqrt(4.0) == 16.0
    for lost in (math.sin, math.exp, math.erf, math.gamma, np.float64):
        with pytest.raises(TypeError, match=r"los(e|ing) its gradient"):
            lost(J)
    with pytest.raises((TypeError, ValueError)):
        np.fromiter((c for c in costs), float)


@pytest.mark.parametrize("name", ["erf", "fsum", "gamma", "lgamma"])
def test_no_advice_to_write_what_numpy_lacks(name):
    f = getattr(math, name)
    with pytest.raises(TypeError) as caught:
        grad(lambda x: x * (f([x]) if name == "fsum" else f(x)))(3.0)
    assert f"np.{name}" not in str(caught.value)


def test_numbers_of_numpys_that_fit():
    with pytest.raises(TypeError, match=r"math\.sin takes a float.*np\.sin"):
        grad(math.sin)(1.0)


def test_a_refusal_that_the_functions_own_try_catches_is_raised_at_its_end():
    def scaled(x):
        try:
            scale = float(x[0])
        except TypeError:
            scale = 0.0
        return x[1] * scale

    def filled(x):
        a = np.zeros(2)
        try:
            a[0] = x[0]
        except (TypeError, ValueError):
            a = x
        return np.sum(a)

    def counted(x):
        try:
            return np.sum(x) * int(x[0])
        except TypeError:
            return np.sum(x)

    for f in (scaled, filled, counted):
        with pytest.raises(TypeError, match=r"gradient|plain array"):
            value_and_grad(f)(np.array([3.0, 2.0]))
    with pytest.raises(TypeError, match="stop_gradient"):
        grad(lambda x: np.sum(np.fromiter((v**2 for v in x), float)))(np.ones(2))


def test_what_numpy_raises_can_be_caught_as_numpys():
    def f(x):
        with np.errstate(all="raise"):
            try:
                return np.sum(np.log(x))
            except FloatingPointError:
                return np.sum(x) * 7

    np.testing.assert_array_equal(grad(f)(np.array([1.0, -1.0])), [7, 7])


# ------------------------------------------------------------------ solvers in C

A = Tensor(8.0, name="a")
SOLVERS = {
    **{
        name: lambda a, name=name: getattr(optimize, name)(lambda z: z**3 - a, 0.0, 5.0)
        for name in ("bisect", "brentq", "brenth", "ridder", "toms748")
    },
    "root_scalar": lambda a: optimize.root_scalar(lambda z: z**3 - a, bracket=(0, 5.0)).root,
    "root": lambda a: optimize.root(lambda z: z**3 - a, [1.5]).x[0],
    "fsolve": lambda a: optimize.fsolve(lambda z: z**3 - a, [1.5])[0],
    "leastsq": lambda a: optimize.leastsq(lambda z: z**3 - a, [1.5])[0][0],
    "least_squares": lambda a: optimize.least_squares(lambda z: z**3 - a, [1.5]).x[0],
    "minimize_scalar": lambda a: optimize.minimize_scalar(lambda z: (z - a) ** 2).x,
    **{
        method: lambda a, m=method: optimize.minimize(lambda z: np.sum((z - a) ** 2), [1.0], method=m).x[0]
        for method in ("BFGS", "Nelder-Mead", "L-BFGS-B", "SLSQP", "COBYLA", "Powell")
    },
    "differential_evolution": lambda a: optimize.differential_evolution(lambda z: z[0] * a, [(0, 1)]).x[0],
    "quad": lambda a: integrate.quad(lambda t: np.exp(-a * t), 0, 1)[0],
    "quad up to": lambda a: integrate.quad(np.exp, 0, a)[0],
    "odeint": lambda a: integrate.odeint(lambda y, t: -a * y, [1.0], [0, 1.0])[-1, 0],
    "solve_ivp": lambda a: integrate.solve_ivp(lambda t, y: -a * y, (0, 1), [1.0]).y[0, -1],
}


@pytest.mark.parametrize("name", SOLVERS)
def test_solvers_of_scipys(name):
    with pytest.raises(TypeError, match=r"lose its gradient|losing its gradient|written into a plain array"):
        grad(SOLVERS[name])(8.0)


@pytest.mark.parametrize("name", [*list(SOLVERS)[:7], "fsolve", "leastsq", "quad"])
def test_solvers_of_scipys_in_backwards_style(name):
    with pytest.raises(TypeError, match=r"functions.root|lose its gradient|losing its gradient"):
        SOLVERS[name](A)


def test_an_error_of_the_users_own_stays():
    def f(x):
        with contextlib.suppress(TypeError):
            np.asarray(x)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        grad(f)(1.0)


@pytest.mark.parametrize(
    "f",
    [
        lambda y: sum(v * v for v in np.nditer(y)),
        lambda y: sparse.coo_matrix((y, (np.arange(3), np.arange(3)))).sum(),
        lambda y: sparse.csr_matrix(np.outer(y, y)).sum(),
        lambda y: sparse.lil_matrix((3, 3)).__setitem__((0, 0), y[0]),
        lambda y: sparse.csr_array(np.eye(3)).multiply(y).sum(),
        lambda y: sparse.linalg.spsolve(sparse.eye_array(3).tocsc(), y).sum(),
    ],
)
def test_who_asks_for_an_array_of_numbers(f):
    with pytest.raises((TypeError, ValueError), match="losing its gradient"):
        grad(lambda x: f(x * 2))(X)
