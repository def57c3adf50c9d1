"""Derivatives of functions: what goes in and out, of what order, and through what."""

import math
from collections import namedtuple
from math import tanh

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_course import (
    Tensor,
    custom_rule,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    register_rule,
    stop_gradient,
    value_and_grad,
    vjp,
)

rng = np.random.default_rng(3)


def differences(f, x, h=1e-6):
    """Central differences of a function of one array."""
    slopes = [
        (f(x + h * e.reshape(x.shape)) - f(x - h * e.reshape(x.shape))) / (2 * h) for e in np.eye(x.size)
    ]
    return np.reshape(np.moveaxis(np.array(slopes), 0, -1), np.shape(f(x)) + x.shape)


def test_an_array_in_an_array_out():
    X = rng.standard_normal((2, 5))
    w = rng.standard_normal((2, 1))
    dw = grad(lambda w: np.sum(np.dot(w.T, X) ** 2))(w)
    assert type(dw) is np.ndarray
    np.testing.assert_allclose(dw, 2 * X @ X.T @ w)
    assert type(grad(lambda x: x**2)(3.0)) is np.float64
    assert grad(lambda x: x**2)(3) == 6.0


Pair = namedtuple("Pair", "left right")  # noqa: PYI024


@pytest.mark.parametrize(
    "parameters",
    [
        {"W1": np.ones((2, 2)), "b1": 2.0},
        [np.ones(2), (3.0, np.ones((1, 2)))],
        {"layers": [{"W": np.ones(2)}, {"W": 1.0}], "none": None},
        Pair(np.ones(3), 4.0),
        np.float32(2.0),
    ],
)
def test_gradients_have_the_structure_of_their_parameters(parameters):
    from tinygrad_course.engine.trees import leaves, tree_map

    J, g = value_and_grad(lambda p: sum(np.sum(v * v) for _, v in leaves(p)))(parameters)
    assert type(g) is type(parameters)
    tree_map(lambda v, dv: np.testing.assert_array_equal(dv, 2 * v), parameters, g)
    assert all(
        np.shape(v) == np.shape(dv) for (_, v), (_, dv) in zip(leaves(parameters), leaves(g), strict=True)
    )
    assert sum(np.sum(v * v) for _, v in leaves(parameters)) == J


def test_argnums():
    def f(a, b, c):
        return np.sum(a * b) * c

    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    np.testing.assert_array_equal(grad(f, argnums=1)(a, b, 2.0), 2 * a)
    da, dc = grad(f, argnums=(0, 2))(a, b, 2.0)
    np.testing.assert_array_equal(da, 2 * b)
    assert dc == 11
    assert grad(f, argnums=-1)(a, b, 2.0) == 11
    with pytest.raises(ValueError, match="by position"):
        grad(f, argnums=5)(a, b, 2.0)
    with pytest.raises(TypeError, match="argnums"):
        grad(f, argnums="a")


def test_has_aux():
    def f(w):
        A = np.tanh(w)
        return np.sum(A), {"A": A, "note": "kept"}

    (_J, aux), dw = value_and_grad(f, has_aux=True)(np.ones(2))
    assert type(aux["A"]) is np.ndarray
    assert aux["note"] == "kept"
    g, aux = grad(f, has_aux=True)(np.ones(2))
    np.testing.assert_array_equal(g, dw)
    with pytest.raises(TypeError, match="has_aux"):
        grad(np.sum, has_aux=True)(np.ones(2))


@pytest.mark.parametrize(
    ("f", "says"),
    [
        (lambda w: w, r"scalar cost.*shape \(2,\)"),
        (lambda w: None, "return the cost"),
        (lambda w: (np.sum(w), w), "has_aux"),
        (lambda w: {"cost": np.sum(w)}, "dict"),
    ],
)
def test_a_cost_is_a_scalar(f, says):
    with pytest.raises(ValueError, match=says):
        grad(f)(np.ones(2))


def test_misuse_is_explained():
    with pytest.raises(TypeError, match=r"J\.backward"):
        grad(Tensor(1.0) * 2)
    with pytest.raises(TypeError, match=r"argument 0.*complex"):
        grad(np.sum)(np.ones(2, complex))
    with pytest.raises(TypeError, match=r"W1 of.*text"):
        grad(lambda p: np.sum(p["W1"]))({"W1": "weights"})


def test_what_plays_no_part_has_gradient_zero():
    g = grad(lambda p: np.sum(p["W"]))({"W": np.ones(2), "unused": np.ones((2, 3))})
    np.testing.assert_array_equal(g["unused"], np.zeros((2, 3)))
    np.testing.assert_array_equal(grad(np.argmax)(np.ones(3)), np.zeros(3))


@pytest.mark.parametrize(
    ("f", "x", "derivatives"),
    [
        (lambda x: x**5, 2.0, [80.0, 160.0, 240.0, 240.0]),
        (lambda x: np.exp(2 * x), 0.3, [2 ** (k + 1) * np.exp(0.6) for k in range(4)]),
        (np.sin, 0.7, [np.cos(0.7), -np.sin(0.7), -np.cos(0.7), np.sin(0.7)]),
        (lambda x: 1 / x, 2.0, [-1 / 4, 2 / 8, -6 / 16, 24 / 32]),
        (lambda x: np.log(x) * x, 2.0, [np.log(2) + 1, 1 / 2, -1 / 4, 2 / 8]),
    ],
)
def test_derivatives_to_the_fourth_order(f, x, derivatives):
    for expected in derivatives:
        f = grad(f)
        assert f(x) == pytest.approx(expected, rel=1e-12)


def test_tanh_to_the_fourth_order_against_its_polynomial():
    f, x = np.tanh, 0.4
    t = np.tanh(x)
    polynomial = np.polynomial.Polynomial([0, 1])
    for _ in range(4):
        f = grad(f)
        polynomial = polynomial.deriv() * np.polynomial.Polynomial([1, 0, -1])
        assert f(x) == pytest.approx(polynomial(t), rel=1e-12)


def test_nested_functions_do_not_confuse_their_variables():
    """d/dx (x * d/dy (x + y)) is 1, not 2 (Siskind and Pearlmutter, 2005)."""
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(1.0))(3.0) == 6.0
    # x in both places
    assert grad(lambda x: grad(lambda y: y**3 * x)(x))(2.0) == pytest.approx(9 * 4)


def test_a_tensor_from_outside_makes_the_result_a_tensor():
    w = Tensor(3.0)
    dx = grad(lambda x: w * x**2)(2.0)
    assert isinstance(dx, Tensor)
    assert dx.item() == 12
    dx.backward()
    assert w.grad == 4
    assert type(grad(lambda x: x * Tensor(2.0))(1.0)) is np.float64  # made inside: nobody else's


def test_gradients_of_tensors_are_recorded():
    w = Tensor([1.0, 2.0])
    _J, dw = value_and_grad(lambda v: np.sum(v**3))(w)
    np.sum(dw * dw).backward()  # 9 w^4
    np.testing.assert_allclose(w.grad, 36 * np.array([1.0, 8.0]))
    _J2, dw2 = value_and_grad(lambda p: np.sum(p["v"] ** 3))({"v": w})
    assert isinstance(dw2["v"], Tensor)


def test_vjp_and_jvp():
    x = rng.standard_normal(3)
    A = rng.standard_normal((2, 3))

    def f(x):
        return np.tanh(A @ x)

    J = differences(f, x)
    y, pullback = vjp(f, x)
    g, v = rng.standard_normal(2), rng.standard_normal(3)
    np.testing.assert_allclose(pullback(g)[0], g @ J, rtol=1e-6)
    np.testing.assert_allclose(pullback(2 * g)[0], 2 * g @ J, rtol=1e-6)
    y2, dy = jvp(f, (x,), (v,))
    np.testing.assert_allclose(dy, J @ v, rtol=1e-6)
    np.testing.assert_array_equal(y, y2)
    assert type(y) is type(dy) is np.ndarray
    with pytest.raises(ValueError, match="must be equal"):
        pullback(np.ones(3))
    with pytest.raises(ValueError, match="tangents"):
        jvp(f, (x,), (np.ones(4),))


def test_vjp_of_several_outputs_and_arguments():
    _y, pullback = vjp(lambda p, s: {"a": p["w"] * s, "b": np.sum(p["w"])}, {"w": np.array([1.0, 2.0])}, 3.0)
    dp, ds = pullback({"a": np.array([1.0, 10.0]), "b": 100.0})
    np.testing.assert_array_equal(dp["w"], [103, 130])
    assert ds == 21


def test_jacobian_hessian_hvp():
    x = rng.standard_normal((2, 3))

    def f(x):
        return np.sin(x) @ x.T

    np.testing.assert_allclose(jacobian(f)(x), differences(f, x), atol=1e-8)

    def cost(x):
        return np.sum(np.exp(x) * x[::-1] ** 2)

    H = hessian(cost)(x)
    np.testing.assert_allclose(H, differences(grad(cost), x), atol=1e-7)
    np.testing.assert_allclose(H, np.transpose(H, (2, 3, 0, 1)), atol=1e-12)
    v = rng.standard_normal((2, 3))
    np.testing.assert_allclose(hvp(cost)(x, v), np.tensordot(H, v, 2), atol=1e-12)
    np.testing.assert_array_equal(
        jacobian(lambda x: np.concatenate([x, 2 * x]))(np.ones(2)), np.vstack([np.eye(2), 2 * np.eye(2)])
    )


def test_the_hessian_of_the_courses_network():
    """A two-layer network, second derivatives against central differences of the gradient."""
    X, Y = rng.standard_normal((2, 6)), (rng.random((1, 6)) > 0.5).astype(float)
    sizes = [(3, 2), (3, 1), (1, 3), (1, 1)]

    def unpack(theta):
        parts, at = [], 0
        for shape in sizes:
            n = shape[0] * shape[1]
            parts.append(np.reshape(theta[at : at + n], shape))
            at += n
        return parts

    def cost(theta):
        W1, b1, W2, b2 = unpack(theta)
        A2 = 1 / (1 + np.exp(-(np.dot(W2, np.tanh(np.dot(W1, X) + b1)) + b2)))
        return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / 6

    theta = rng.standard_normal(13)
    np.testing.assert_allclose(hessian(cost)(theta), differences(grad(cost), theta), atol=1e-8)


def test_stop_gradient():
    assert grad(lambda x: stop_gradient(x) * x)(3.0) == 3.0


def test_a_rule_of_ones_own():
    slow = custom_rule(lambda x, k=1: k * x**3, lambda g, y, x, k=1: g * (3 * k * x**2))
    assert grad(slow)(2.0) == 12
    assert grad(lambda x: slow(x, k=2))(2.0) == 24
    assert grad(grad(slow))(2.0) == 12
    assert slow(2.0) == 8.0
    with pytest.raises(TypeError, match="keyword m="):
        grad(lambda x: slow(x, m=2))(1.0)
    wrong = custom_rule(lambda x: x * 2, lambda g, y, x: np.ones(7))
    with pytest.raises(ValueError, match=r"shape \(7,\)"):
        grad(lambda x: np.sum(wrong(x)))(np.ones(3))
    with pytest.raises(ValueError, match="one vjp for each"):
        custom_rule(lambda x: x)
    with pytest.raises(ValueError, match="has a rule already"):
        register_rule(np.tanh, lambda g, y, x: g)
    cube = register_rule(np.frompyfunc(lambda x: x, 1, 1), lambda g, y, x: g * 5)
    assert cube(Tensor(2.0)).item() == 2.0


@given(st.integers(0, 2**32 - 1))
def test_item_assignment_in_functions(seed):
    """Random programs of reads and writes, against differences of the same program on arrays."""
    random = np.random.default_rng(seed)
    program = [
        (random.integers(5), tuple(random.integers(0, 3, 2)), tuple(random.integers(0, 3, 2)))
        for _ in range(8)
    ]

    def f(x):
        x = x * 1.0
        total = 0.0
        for kind, i, j in program:
            if kind == 0:
                x[i] = x[j] * 2.0
            elif kind == 1:
                x[i[0]] = x[:, j[0]] * x[j[1]]
            elif kind == 2:
                total = total + np.sum(x * x[i])
            elif kind == 3:
                x[i] = 0.5
            else:
                x += np.tanh(x[j])
        return total + np.sum(np.tanh(x))

    x = random.uniform(-1, 1, (3, 3))
    np.testing.assert_allclose(grad(f)(x), differences(f, x), atol=1e-5, rtol=1e-5)


def test_a_pullback_called_again_and_again_inside_a_gradient():
    """The rows of a Jacobian are pullbacks of one recording; each must reach the outer variable."""

    def f(x):
        return np.sum(np.sin(jacobian(lambda x: np.outer(x, x) * np.sum(x))(x)))

    x = np.array([0.3, -0.7])
    np.testing.assert_allclose(grad(f)(x), differences(f, x), atol=1e-8)
    _, dy = jvp(f, (x,), (np.ones(2),))
    assert dy == pytest.approx(np.sum(differences(f, x)), rel=1e-7)


def test_the_value_of_a_vjp_is_recorded_too():
    assert grad(lambda x: vjp(np.sin, x)[0] ** 2)(1.0) == pytest.approx(np.sin(2.0))
    assert grad(lambda x: value_and_grad(lambda y: y**3)(x)[0])(2.0) == 12


def test_a_sequence_of_argnums_gives_a_tuple():
    (da,) = grad(lambda a, b: a * b, argnums=(0,))(2.0, 3.0)
    assert da == 3


def test_mixed_third_derivatives():
    """The inner function turns out to depend on the outer variable only midway through its sweep."""

    def f(x, y):
        return np.sin(np.sin(x) + np.sin(y))

    dxxy = grad(grad(grad(f), 0), 1)(0.5, 0.3)
    dyxx = grad(grad(grad(f, 1), 0), 0)(0.5, 0.3)
    assert dxxy == pytest.approx(dyxx, rel=1e-12)
    h = 1e-5
    expected = (grad(grad(f))(0.5, 0.3 + h) - grad(grad(f))(0.5, 0.3 - h)) / (2 * h)
    assert dxxy == pytest.approx(expected, rel=1e-8)
    w = Tensor(2.0)
    dx = grad(lambda x: np.sin(np.exp(x) * 3) * np.sin(w))(1.0)
    dx.backward()
    assert w.grad == pytest.approx(np.cos(2.0) * np.cos(3 * np.e) * 3 * np.e)


def test_functions_of_python_s_math_are_told_apart_from_a_look_at_the_value():
    with pytest.raises(TypeError, match=r"math\.exp takes a float, and x would lose.*np\.exp"):
        grad(lambda p: math.exp(p["x"]))({"x": 1.0})
    with pytest.raises(TypeError, match=r"math\.sqrt"):
        grad(lambda x: np.sum(x) + sum(map(math.sqrt, x)))(np.array([1.0, 2.0]))
    with pytest.raises(TypeError, match=r"math\.tanh"):
        grad(lambda x: x * tanh(x))(1.0)
    with pytest.raises(TypeError, match=r"float\(\) makes a plain number.*stop_gradient"):
        grad(lambda x: float(x) ** 2)(3.0)

    def cost(x):
        J = x * x * math.sqrt(4.0)
        assert f"{J:.1f}" == "%.1f" % J == f"{stop_gradient(J):.1f}" == "18.0"  # noqa: UP031
        assert math.exp(stop_gradient(x).item()) > 20.0
        return J

    assert grad(cost)(3.0) == 12.0


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.round(x).astype(int),
        lambda x: np.round(x).astype(np.int8),
        lambda x: x > 0,
        lambda x: int(np.sum(x)),
        lambda x: bool(np.all(x)),
        lambda x: x.argmax(),
    ],
)
def test_a_rule_of_integers_or_booleans_keeps_the_gradients_dtype(function, dtype):
    x = np.array([0.5, -1.2], dtype)
    through = custom_rule(function, lambda g, y, x: g * np.ones_like(x))
    t = Tensor(x)
    y = through(t)
    np.testing.assert_array_equal(y.data, function(x))
    np.sum(0.25 * y).backward()
    assert t.grad.dtype == dtype
    np.testing.assert_array_equal(t.grad, [0.25, 0.25])
    np.testing.assert_array_equal(
        grad(lambda x: np.sum(through(x) * 0.25) ** 2 * 0.5 + 0.0 * x[0])(x).dtype, dtype
    )
    of_cost = custom_rule(lambda x: int(np.sum(x)), lambda g, y, x: g * x)
    np.testing.assert_array_equal(grad(of_cost)(x), x)
