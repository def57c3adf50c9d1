"""Activations, costs, the L2 term and dropout: values, gradients, and what they say of wrong input."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy import special

from tinygrad_course import Tensor, debug, grad, graph, hessian, jacobian, value_and_grad, vjp
from tinygrad_course import functions as F  # noqa: N812
from tinygrad_course.functions import (
    binary_cross_entropy,
    categorical_cross_entropy,
    drop,
    dropout,
    dropout_mask,
    l2_term,
    leaky_relu,
    linear,
    log_softmax,
    logsumexp,
    one_hot,
    relu,
    sigmoid,
    sigmoid_cross_entropy,
    softmax,
    softmax_cross_entropy,
    tanh,
)

rng = np.random.RandomState(0)


def central(f: Any, x: np.ndarray, h: float = 1e-6) -> np.ndarray:
    """The gradient of a scalar function by central differences."""
    g = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i] += h
        down[i] -= h
        g[i] = (f(up) - f(down)) / (2 * h)
    return g


def complex_step(f: Any, x: np.ndarray) -> np.ndarray:
    """The gradient of an analytic scalar function, to machine precision."""
    g = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        z = x.astype(complex)
        z[i] += 1e-30j
        g[i] = f(z).imag / 1e-30
    return g


# ------------------------------------------------------------------ activations

Z = np.array([[-2.0, -0.5, 0.3, 4.0], [1.0, 0.7, -3.0, 0.2]])
W = rng.randn(*Z.shape)


@pytest.mark.parametrize(
    ("ours", "formula"),
    [
        (sigmoid, lambda z: 1 / (1 + np.exp(-z))),
        (tanh, np.tanh),
        (softmax, lambda z: np.exp(z) / np.sum(np.exp(z), axis=0, keepdims=True)),
        (log_softmax, lambda z: z - np.log(np.sum(np.exp(z), axis=0, keepdims=True))),
    ],
)
def test_smooth_activations_against_their_formula_and_the_complex_step(ours: Any, formula: Any) -> None:
    # some entries are differences of terms about 1: what rounding leaves of them is absolute
    np.testing.assert_allclose(ours(Z), formula(Z), rtol=1e-14, atol=1e-15)
    got = grad(lambda z: np.sum(W * ours(z)))(Z)
    np.testing.assert_allclose(got, complex_step(lambda z: np.sum(W * formula(z)), Z), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("axis", [0, 1, -1, None])
@pytest.mark.parametrize("keepdims", [False, True])
def test_logsumexp_is_scipys(axis: Any, keepdims: bool) -> None:
    expected = special.logsumexp(Z, axis=axis, keepdims=keepdims)
    got = logsumexp(Z, axis=axis, keepdims=keepdims)
    np.testing.assert_allclose(got, expected, rtol=1e-15)
    assert np.shape(got) == np.shape(expected)
    weights = rng.randn(*np.shape(expected))
    np.testing.assert_allclose(
        grad(lambda z: np.sum(weights * logsumexp(z, axis=axis, keepdims=keepdims)))(Z),
        complex_step(lambda z: np.sum(weights * np.log(np.sum(np.exp(z), axis=axis, keepdims=keepdims))), Z),
        rtol=1e-13,
    )


@pytest.mark.parametrize("function", [softmax, log_softmax])
@pytest.mark.parametrize("axis", [1, -1])
def test_softmax_along_another_axis(function: Any, axis: int) -> None:
    expected = getattr(special, function.__name__)(Z, axis=axis)
    np.testing.assert_allclose(function(Z, axis=axis), expected, rtol=1e-14)
    np.testing.assert_allclose(
        grad(lambda z: np.sum(W * function(z, axis)))(Z),
        grad(lambda z: np.sum(W * function(z.T).T))(Z),
        rtol=1e-13,
        atol=1e-15,
    )


@pytest.mark.parametrize("function", [sigmoid, tanh, softmax, log_softmax, logsumexp])
def test_second_derivatives(function: Any) -> None:
    z = rng.randn(3, 2)
    weights = rng.randn(*np.shape(function(z)))

    def f(z: Any) -> Any:
        return np.sum(weights * function(z) ** 2)

    got = hessian(f)(z)
    numerical = np.stack([central(lambda v, i=i: grad(f)(v)[i], z) for i in np.ndindex(z.shape)]).reshape(
        z.shape + z.shape
    )
    np.testing.assert_allclose(got, numerical, rtol=1e-6, atol=1e-8)


def test_relu_and_its_derivative_at_zero() -> None:
    z = np.array([[-1.0, -0.0, 0.0, 2.0]])
    assert relu(z).tolist() == [[0, 0, 0, 2]]
    assert grad(lambda z: np.sum(relu(z)))(z).tolist() == [[0, 0, 0, 1]]
    assert leaky_relu(z, 0.2).tolist() == [[-0.2, 0, 0, 2]]
    assert grad(lambda z: np.sum(leaky_relu(z, 0.2)))(z).tolist() == [[0.2, 0.2, 0.2, 1]]
    assert grad(lambda z: np.sum(leaky_relu(z, slope=0.5)))(z).tolist() == [[0.5, 0.5, 0.5, 1]]
    assert grad(lambda z: np.sum(leaky_relu(z)))(z).tolist() == [[0.01, 0.01, 0.01, 1]]


def test_a_dead_unit_passes_no_infinity() -> None:
    _, pullback = vjp(relu, np.array([-1.0, 1.0]))
    assert pullback(np.array([np.inf, 3.0]))[0].tolist() == [0, 3]


@pytest.mark.parametrize("function", [relu, leaky_relu])
def test_piecewise_activations_can_be_differentiated_twice(function: Any) -> None:
    z = np.array([-1.5, -0.2, 0.4, 3.0])
    got = hessian(lambda z: np.sum(function(z) ** 3))(z)
    slope = 0.01 if function is leaky_relu else 0.0
    np.testing.assert_allclose(got, np.diag(np.where(z > 0, 6 * z, 6 * slope**3 * z)), rtol=1e-13)


@pytest.mark.parametrize("function", [sigmoid, tanh, relu, leaky_relu, softmax, log_softmax, logsumexp])
def test_float32_stays_float32(function: Any) -> None:
    z = Z.astype(np.float32)
    assert function(z).dtype == np.float32
    assert grad(lambda z: np.sum(function(z) * function(z)))(z).dtype == np.float32


@pytest.mark.parametrize("function", [sigmoid, tanh, relu, leaky_relu, softmax, log_softmax, logsumexp])
def test_large_arguments_neither_overflow_nor_warn(function: Any) -> None:
    z = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, 1e4]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.all(np.isfinite(function(z)))
        assert np.all(np.isfinite(grad(lambda z: np.sum(function(z)))(z)))


def test_logsumexp_of_infinities() -> None:
    z = np.array([[-np.inf, np.inf, -np.inf], [-np.inf, 0.0, 2.0]])
    assert logsumexp(z).tolist() == [-np.inf, np.inf, 2.0]


def test_linear_is_the_courses_layer() -> None:
    W, A, b = rng.randn(3, 2), rng.randn(2, 5), rng.randn(3, 1)
    g = rng.randn(3, 5)
    np.testing.assert_array_equal(linear(W, A, b), np.dot(W, A) + b)
    dW, dA, db = grad(lambda W, A, b: np.sum(g * linear(W, A, b)), (0, 1, 2))(W, A, b)
    np.testing.assert_allclose(dW, g @ A.T, rtol=1e-15)
    np.testing.assert_allclose(dA, W.T @ g, rtol=1e-15)
    np.testing.assert_allclose(db, np.sum(g, axis=1, keepdims=True), rtol=1e-15)


@pytest.mark.parametrize("b", [0.5, np.float64(0.5), np.zeros((1, 1)), np.zeros((3, 5)), np.zeros(1)])
def test_linear_takes_any_bias_that_broadcasts(b: Any) -> None:
    W, A = rng.randn(3, 2), rng.randn(2, 5)
    got = grad(lambda b: np.sum(linear(W, A, b) ** 2))(b)
    expected = grad(lambda b: np.sum((np.dot(W, A) + b) ** 2))(b)
    np.testing.assert_allclose(got, expected, rtol=1e-14)
    assert np.shape(got) == np.shape(b)


@pytest.mark.parametrize(
    ("W", "A", "b", "message"),
    [
        (np.ones((3, 2)), np.ones(2), np.ones((3, 1)), r"A is \(2,\).*X\[:, j:j\+1\]"),
        (np.ones((3, 2)), np.ones((2, 3)), np.ones(3), r"b is \(3,\).*b\.reshape\(-1, 1\)"),
        (np.ones((3, 2)), np.ones((2, 4)), np.ones(3), r"b is \(3,\) beside W A of shape \(3, 4\).*\(3, 1\)"),
        (np.ones((3, 2)), np.ones((2, 4)), np.ones((2, 1)), r"b is \(2, 1\).*expected a column, \(3, 1\)"),
        (np.ones((3, 2)), np.ones((2, 1)), np.ones((3, 4)), r"b is \(3, 4\) beside W A of shape \(3, 1\)"),
        (np.ones(2), np.ones((2, 3)), np.ones((3, 1)), r"W A is \(3,\); expected \(n, m\)"),
    ],
)
def test_linear_refuses_what_only_broadcasting_makes_fit(W: Any, A: Any, b: Any, message: str) -> None:
    for given in (W, Tensor(W, name="W1")):
        with pytest.raises(ValueError, match=message):
            linear(given, A, b)


def test_linear_is_differentiated_twice() -> None:
    A = rng.randn(2, 3)

    def f(p: Any) -> Any:
        return np.sum(np.tanh(linear(p[0:2].reshape(1, 2), A, p[2].reshape(1, 1))) ** 2)

    p = rng.randn(3)
    numerical = np.stack([central(lambda v, i=i: grad(f)(v)[i], p) for i in range(3)])
    np.testing.assert_allclose(hessian(f)(p), numerical, rtol=1e-6, atol=1e-8)


def test_each_operation_is_one_node() -> None:
    W1, b1 = Tensor(rng.randn(1, 2), name="W1"), Tensor(np.zeros((1, 1)), name="b1")
    Z1 = linear(W1, np.ones((2, 3)), b1).named("Z1")
    A1 = sigmoid(Z1).named("A1")
    J = binary_cross_entropy(A1, np.array([[1.0, 0.0, 1.0]]))
    operations = [node.op for node in graph(J) if node.op is not None]
    assert operations == ["linear", "expit", "binary_cross_entropy"]
    assert [node.name for node in graph(J) if node.tensor is not None] == ["W1", "b1", "Z1", "A1", None]


def test_a_shape_that_does_not_fit_is_told_by_name() -> None:
    W1, X = Tensor(np.ones((4, 3)), name="W1"), np.ones((2, 400))
    with pytest.raises(ValueError, match=r"W1 is \(4, 3\).*X is \(2, 400\)"):
        linear(W1, X, 0.0)


# ------------------------------------------------------------------ binary cross-entropy

z = np.array([[-3.0, 0.2, 1.5, -0.4]])
Y = np.array([[0.0, 1.0, 0.0, 1.0]])


def course_cost(z: Any, Y: Any) -> Any:
    A = 1 / (1 + np.exp(-z))
    return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / z.shape[-1]


SIGMOIDS = {
    "sigmoid": sigmoid,
    "expit": special.expit,
    "1 / (1 + exp(-z))": lambda z: 1 / (1 + np.exp(-z)),
    "1.0 / (exp(-z) + 1.0)": lambda z: 1.0 / (np.exp(-z) + 1.0),
    "np.divide": lambda z: np.divide(1, np.add(1, np.exp(np.negative(z)))),
    "reciprocal": lambda z: np.reciprocal(1.0 + np.exp(-z)),
}


@pytest.mark.parametrize("how", SIGMOIDS)
def test_the_cost_of_a_recorded_sigmoid(how: str) -> None:
    cost, dz = value_and_grad(lambda z: binary_cross_entropy(SIGMOIDS[how](z), Y))(z)
    np.testing.assert_allclose(cost, course_cost(z, Y), rtol=1e-14)
    np.testing.assert_allclose(dz, (special.expit(z) - Y) / 4, rtol=1e-14)
    np.testing.assert_allclose(dz, complex_step(lambda z: course_cost(z, Y), z), rtol=1e-13)


@pytest.mark.parametrize("how", SIGMOIDS)
def test_a_network_that_is_sure_of_itself_has_a_finite_cost_and_a_right_gradient(how: str) -> None:
    z = np.array([[1e4, 1e4, -1e4, -1e4, 800.0, -40.0]])
    Y = np.array([[1, 0, 1, 0, 0, 1]], dtype=np.uint8)  # whose negation would wrap
    with np.errstate(over="ignore"):  # exp(1e4), where the user's own sigmoid takes it
        cost, dz = value_and_grad(lambda z: binary_cross_entropy(SIGMOIDS[how](z), Y))(z)
    np.testing.assert_allclose(cost, (1e4 + 1e4 + 800 + 40) / 6, rtol=1e-15)
    np.testing.assert_allclose(dz * 6, [[0, 1, -1, 0, 1, -1]], atol=1e-15)


@pytest.mark.parametrize(
    "other",
    [
        lambda z: 1 / (1 + np.exp(z)),
        lambda z: 1 / (2 + np.exp(-z)),
        lambda z: 0.5 / (1 + np.exp(-z)),
        lambda z: 1 / (1 + np.exp2(-z)),
        lambda z: 1 / (1 + np.exp(-2 * z)),
        lambda z: special.expit(z) * 0.9,
        lambda z: 0.5 * (1 + np.tanh(z / 2)),
        lambda z: np.reciprocal(1.5 + np.exp(-z)),
        lambda z: np.clip(special.expit(z), 0.1, 0.9),
    ],
)
def test_what_looks_like_a_sigmoid_is_taken_for_what_it_is(other: Any) -> None:
    def formula(z: Any) -> Any:
        A = other(z)
        return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / 4

    cost, dz = value_and_grad(lambda z: binary_cross_entropy(other(z), Y))(z)
    np.testing.assert_allclose(cost, formula(z), rtol=1e-14)
    np.testing.assert_allclose(dz, central(formula, z), rtol=1e-7, atol=1e-9)


def test_the_cost_of_probabilities_alone() -> None:
    A = np.array([[0.8, 0.9, 0.4]])
    Y = np.array([[1, 1, 1]])
    assert binary_cross_entropy(A, Y) == pytest.approx(0.41493159961539694, rel=1e-15)  # published with 1.4
    dA = grad(lambda A: binary_cross_entropy(A, Y))(A)
    np.testing.assert_allclose(dA, -(Y / A) / 3, rtol=1e-15)
    assert binary_cross_entropy([[0.5]], [[1]]) == np.log(2)


def test_certain_probabilities_cost_nothing_where_they_are_right() -> None:
    A = np.array([[0.0, 1.0, 0.5]])
    assert binary_cross_entropy(A, np.array([[0, 1, 1]])) == pytest.approx(np.log(2) / 3, rel=1e-15)
    assert binary_cross_entropy(A, np.array([[1, 1, 1]])) == np.inf
    assert binary_cross_entropy(np.array([[1e-300]]), np.array([[1]])) == pytest.approx(300 * np.log(10))
    tiny = binary_cross_entropy(np.array([[1e-20]]), np.array([[0]]))
    assert tiny == pytest.approx(1e-20, rel=1e-12)  # 1 - A rounds to 1
    dA = grad(lambda A: binary_cross_entropy(A, np.array([[0, 1, 1]])))(A)
    np.testing.assert_allclose(dA * 3, [[1, -1, -2]])


def test_the_cost_of_logits_alone() -> None:
    np.testing.assert_allclose(sigmoid_cross_entropy(z, Y), course_cost(z, Y), rtol=1e-14)
    np.testing.assert_allclose(
        grad(lambda z: sigmoid_cross_entropy(z, Y))(z), (special.expit(z) - Y) / 4, rtol=1e-14
    )
    assert sigmoid_cross_entropy(np.array([[-1e4, 40.0]]), np.array([[1, 1]])) == 5000.0
    assert sigmoid_cross_entropy(np.array([[50.0]]), np.array([[1]])) == pytest.approx(np.exp(-50), rel=1e-14)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 4), (5,), ()])
def test_costs_of_any_shape_are_means_over_the_last_axis(shape: tuple[int, ...]) -> None:
    z, Y = np.asarray(rng.randn(*shape)), np.asarray(rng.rand(*shape) > 0.5).astype(float)
    m = shape[-1] if shape else 1
    formula = -np.sum(Y * np.log(special.expit(z)) + (1 - Y) * np.log(special.expit(-z))) / m
    cost, dz = value_and_grad(lambda z: binary_cross_entropy(sigmoid(z), Y))(z)
    np.testing.assert_allclose(cost, formula, rtol=1e-13)
    np.testing.assert_allclose(dz, (special.expit(z) - Y) / m, rtol=1e-13, atol=1e-16)
    assert np.shape(dz) == shape


def test_the_courses_dZ_is_the_gradient_of_m_times_the_cost() -> None:
    """Bit for bit: published figures of 16 digits need A - Y itself, not (A - Y) / m times m."""
    dZ = grad(lambda z: 4 * binary_cross_entropy(sigmoid(z), Y))(z)
    np.testing.assert_array_equal(dZ, special.expit(z) - Y)


def test_second_derivative_of_the_cost() -> None:
    A = special.expit(z)
    got = hessian(lambda z: binary_cross_entropy(sigmoid(z), Y))(z).reshape(4, 4)
    np.testing.assert_allclose(got, np.diag((A * (1 - A)).ravel()) / 4, rtol=1e-13, atol=1e-17)
    own = hessian(lambda z: binary_cross_entropy(1 / (1 + np.exp(-z)), Y))(z).reshape(4, 4)
    np.testing.assert_allclose(own, np.diag((A * (1 - A)).ravel()) / 4, rtol=1e-13, atol=1e-17)


def test_soft_labels_and_labels_that_are_tensors() -> None:
    soft = np.array([[0.1, 0.7, 0.5, 1.0]])
    cost, (dz, dY) = value_and_grad(lambda z, Y: binary_cross_entropy(sigmoid(z), Y), (0, 1))(z, soft)
    np.testing.assert_allclose(cost, course_cost(z, soft), rtol=1e-14)
    np.testing.assert_allclose(dz, (special.expit(z) - soft) / 4, rtol=1e-12)
    np.testing.assert_allclose(dY, -z / 4, rtol=1e-12)  # log(1 - A) - log(A) = -z
    np.testing.assert_allclose(
        grad(lambda z: binary_cross_entropy(sigmoid(z), soft))(z), (special.expit(z) - soft) / 4, rtol=1e-14
    )


def test_the_gradient_passes_by_A_whatever_else_uses_it() -> None:
    got = grad(lambda z: binary_cross_entropy(A := sigmoid(z), Y) + np.sum(A**2))(z)
    A = special.expit(z)
    np.testing.assert_allclose(got, (A - Y) / 4 + 2 * A * A * (1 - A), rtol=1e-13)


def test_the_labels_of_a_recording_can_not_be_changed_under_it() -> None:
    labels = Y.copy()
    zt = Tensor(z)
    J = binary_cross_entropy(sigmoid(zt), labels)
    try:
        labels[:] = 1 - labels
    except ValueError:  # read-only for as long as the recording needs it
        np.testing.assert_array_equal(labels, Y)
    J.backward()
    np.testing.assert_allclose(zt.grad, (special.expit(z) - Y) / 4, rtol=1e-14)
    labels[:] = 0.0  # it may be written to again


def test_a_leaf_that_is_given_new_data_leaves_the_recorded_cost_as_it_was() -> None:
    zt = Tensor(z)
    A = sigmoid(zt)
    zt.data = z + 1
    J = binary_cross_entropy(A, Y)
    np.testing.assert_allclose(J.item(), course_cost(z, Y), rtol=1e-14)
    J.backward()
    np.testing.assert_allclose(zt.grad, (special.expit(z) - Y) / 4, rtol=1e-14)


def test_items_assigned_to_after_the_sigmoid_do_not_reach_the_cost() -> None:
    for how in ("sigmoid", "1 / (1 + exp(-z))"):
        leaf = Tensor(z)
        zt = leaf * 1.0
        A = SIGMOIDS[how](zt)
        zt[0, 0] = 100.0
        J = binary_cross_entropy(A, Y)
        np.testing.assert_allclose(J.item(), course_cost(z, Y), rtol=1e-14)
        J.backward()
        np.testing.assert_allclose(leaf.grad, (special.expit(z) - Y) / 4, rtol=1e-14)
        B = sigmoid(Tensor(z))
        B[0, 0] = 0.5  # no sigmoid of anything any more
        np.testing.assert_allclose(
            binary_cross_entropy(B, Y).item(),
            course_cost(np.array([[0.0, *z[0, 1:]]]), Y),
            rtol=1e-14,
        )


def test_the_cost_twice_needs_the_graph_twice() -> None:
    A = sigmoid(Tensor(z) * 1.0)
    binary_cross_entropy(A, Y).backward()
    with pytest.raises(RuntimeError, match="freed"):
        binary_cross_entropy(A, Y).backward()


def test_costs_are_looked_at_under_debug() -> None:
    with debug(), pytest.raises(FloatingPointError, match="binary_cross_entropy"):
        binary_cross_entropy(sigmoid(Tensor([[1.0]])), np.array([[np.nan]]))


@pytest.mark.parametrize(
    ("A", "Y", "message"),
    [
        (np.ones((1, 3)), np.ones((3, 1)), r"A is \(1, 3\) and Y is \(3, 1\).*did you mean Y\.T"),
        (np.ones((1, 3)), np.ones(3), r"Y is \(3,\).*Y\.reshape\(1, -1\)"),
        (np.ones((4, 3)), np.ones(3), r"A is \(4, 3\) and Y is \(3,\).*one_hot\(Y, 4\) makes columns"),
        (np.ones((4, 3)), np.ones((1, 3)), r"Y is \(1, 3\).*one_hot\(Y, 4\) makes columns"),
        (np.ones((1, 3)), np.ones((1, 4)), r"A is \(1, 3\) and Y is \(1, 4\)"),
        (np.ones((1, 0)), np.ones((1, 0)), r"no.*A is \(1, 0\)|there are none: A is \(1, 0\)"),
    ],
)
def test_wrong_shapes_are_told(A: Any, Y: Any, message: str) -> None:
    for given in (A, Tensor(A), sigmoid(Tensor(A))):
        for cost in (binary_cross_entropy, categorical_cross_entropy):
            with pytest.raises(ValueError, match=message):
                cost(given, Y)


def test_costs_in_float32_stay_float32() -> None:
    z32 = z.astype(np.float32)
    for labels in (Y, Y.astype(np.int64), Y.astype(np.float32), Y.astype(bool)):
        cost, dz = value_and_grad(lambda z, Y=labels: binary_cross_entropy(sigmoid(z), Y))(z32)
        assert (cost.dtype, dz.dtype) == (np.float32, np.float32)
        assert binary_cross_entropy(sigmoid(z32), labels).dtype == np.float32


# ------------------------------------------------------------------ categorical cross-entropy

logits = rng.randn(3, 5)
classes = one_hot([0, 2, 1, 1, 0], 3)


def test_the_cost_of_a_recorded_softmax() -> None:
    def formula(z: Any) -> Any:
        return -np.sum(classes * np.log(np.exp(z) / np.sum(np.exp(z), axis=0, keepdims=True))) / 5

    for recorded in (softmax, lambda z: softmax(z, axis=-2), lambda z: softmax(z, 0)):
        cost, dz = value_and_grad(lambda z, f=recorded: categorical_cross_entropy(f(z), classes))(logits)
        np.testing.assert_allclose(cost, formula(logits), rtol=1e-14)
        np.testing.assert_allclose(dz, (softmax(logits) - classes) / 5, rtol=1e-13, atol=1e-16)
        np.testing.assert_allclose(dz, complex_step(formula, logits), rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(softmax_cross_entropy(logits, classes), formula(logits), rtol=1e-14)
    np.testing.assert_allclose(
        categorical_cross_entropy(softmax(logits), classes), formula(logits), rtol=1e-14
    )


def test_a_softmax_along_the_examples_is_no_softmax_over_the_classes() -> None:
    def formula(z: Any) -> Any:
        return -np.sum(classes * np.log(np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True))) / 5

    cost, dz = value_and_grad(lambda z: categorical_cross_entropy(softmax(z, axis=1), classes))(logits)
    np.testing.assert_allclose(cost, formula(logits), rtol=1e-14)
    np.testing.assert_allclose(dz, complex_step(formula, logits), rtol=1e-12, atol=1e-15)


def test_a_sure_softmax_has_a_finite_cost_and_a_right_gradient() -> None:
    z = np.array([[1e4, 0.0], [0.0, 0.0], [-1e4, -1e4]])
    Y = np.array([[0, 0], [0, 1], [1, 0]])
    cost, dz = value_and_grad(lambda z: categorical_cross_entropy(softmax(z), Y))(z)
    assert cost == pytest.approx((2e4 + np.log(2)) / 2, rel=1e-15)
    np.testing.assert_allclose(dz * 2, [[1, 0.5], [0, -0.5], [-1, 0]], atol=1e-15)


def test_columns_of_labels_need_not_add_up_to_one() -> None:
    weights = np.array([[2.0, 0.0, 0.5, 0.0, 0.0], [0.0, 1.0, 0.5, 0.3, 0.0], [0.0, 0.0, 0.0, 0.3, 0.0]])

    def formula(z: Any) -> Any:
        return -np.sum(weights * np.log(np.exp(z) / np.sum(np.exp(z), axis=0, keepdims=True))) / 5

    dz = grad(lambda z: categorical_cross_entropy(softmax(z), weights))(logits)
    np.testing.assert_allclose(dz, complex_step(formula, logits), rtol=1e-12, atol=1e-16)


def test_second_derivative_of_the_categorical_cost() -> None:
    z = logits[:, :2]
    f = lambda z: categorical_cross_entropy(softmax(z), classes[:, :2])  # noqa: E731
    expected = np.zeros((3, 2, 3, 2))
    A = softmax(z)
    for j in range(2):
        expected[:, j, :, j] = (np.diag(A[:, j]) - np.outer(A[:, j], A[:, j])) / 2
    np.testing.assert_allclose(hessian(f)(z), expected, rtol=1e-12, atol=1e-16)


def test_one_hot() -> None:
    assert one_hot(np.array([[1, 0, 2]]), 3).tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    with pytest.raises(ValueError, match="3 classes, 0 to 2, and a label is 3"):
        one_hot([0, 3], 3)
    with pytest.raises(ValueError, match=r"a label is 0\.5"):
        one_hot([0.5], 3)


# ------------------------------------------------------------------ the L2 term


def test_l2_term_and_its_gradient() -> None:
    parameters = {"W1": rng.randn(2, 3), "b1": rng.randn(2, 1), "W2": rng.randn(1, 2), "b2": rng.randn(1, 1)}
    total = np.sum(parameters["W1"] ** 2) + np.sum(parameters["W2"] ** 2)
    value, grads = value_and_grad(lambda p: l2_term(p, 0.7, 5))(parameters)
    assert value == pytest.approx(0.7 / 10 * total, rel=1e-15)
    for name in ("W1", "W2"):
        np.testing.assert_allclose(grads[name], 0.7 / 5 * parameters[name], rtol=1e-15)
    for name in ("b1", "b2"):
        assert not grads[name].any()


def test_l2_term_looks_into_nests() -> None:
    W = np.array([[2.0]])
    assert l2_term([{"W": W, "b": W}, {"W": W, "b": W}], 1.0, 1) == 4.0
    assert l2_term({"w": W, "b": 3.0}, 1.0, 2) == 1.0
    assert l2_term({"layers": [{"W1": W}], "bias": W}, 1.0, 2) == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({"b": np.ones(1)}, 0.1, 3), r"no weights to sum.*\['b'\]"),
        (({"W1": np.ones(1)}, -0.1, 3), "lambd is -0.1"),
        (({"W1": np.ones(1)}, float("nan"), 3), "lambd is nan"),
        (({"W1": np.ones(1)}, 0.1, 0), "m is 0"),
    ],
)
def test_l2_term_says_what_is_wrong(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        l2_term(*arguments)


# ------------------------------------------------------------------ dropout


def test_dropout_draws_the_courses_mask() -> None:
    np.random.seed(1)  # noqa: NPY002  (the course's own way)
    D = np.random.rand(4, 5) < 0.7  # noqa: NPY002
    A = rng.randn(4, 5)
    stream = np.random.RandomState(1)
    np.testing.assert_array_equal(dropout(A, 0.7, stream), A * D / 0.7)
    np.testing.assert_array_equal(dropout_mask((4, 5), 0.7, np.random.RandomState(1)), D)
    assert not np.array_equal(dropout(A, 0.7, stream) != 0, D)  # the stream goes on


def test_dropout_with_a_generator() -> None:
    A = np.ones((200, 50))
    D = np.random.default_rng(5).random(A.shape) < 0.86
    np.testing.assert_array_equal(dropout(A, 0.86, np.random.default_rng(5)), D / 0.86)


def test_the_gradient_passes_where_the_mask_keeps() -> None:
    A, g = rng.randn(4, 5), rng.randn(4, 5)
    D = dropout_mask(A.shape, 0.6, np.random.RandomState(2))
    dA = grad(lambda A: np.sum(g * dropout(A, 0.6, np.random.RandomState(2))))(A)
    np.testing.assert_array_equal(dA, g * D / 0.6)
    np.testing.assert_array_equal(grad(lambda A: np.sum(g * drop(A, D, 0.6)))(A), g * D / 0.6)
    second = jacobian(grad(lambda A: np.sum(drop(A, D, 0.6) ** 3)))(A).reshape(20, 20)
    np.testing.assert_allclose(second, np.diag((6 * A * D / 0.6**3).ravel()), rtol=1e-13)


def test_dropout_keeps_the_expectation() -> None:
    kept = dropout(np.ones((1, 100_000)), 0.86, np.random.RandomState(0))
    assert np.mean(kept) == pytest.approx(1.0, abs=0.005)
    assert np.mean(kept != 0) == pytest.approx(0.86, abs=0.005)


def test_keeping_all_draws_nothing() -> None:
    A, stream = np.ones((2, 2)), np.random.RandomState(3)
    assert dropout(A, 1.0, stream) is A
    assert stream.rand() == np.random.RandomState(3).rand()


def test_dropout_in_float32_stays_float32() -> None:
    A = np.ones((2, 2), np.float32)
    assert dropout(A, 0.5, np.random.default_rng(0)).dtype == np.float32
    assert grad(lambda A: np.sum(dropout(A, 0.5, np.random.RandomState(0))))(A).dtype == np.float32


@pytest.mark.parametrize("keep_prob", [0.0, -0.1, 1.1, float("nan")])
def test_a_share_that_is_none(keep_prob: float) -> None:
    with pytest.raises(ValueError, match="keep_prob is"):
        dropout(np.ones((2, 2)), keep_prob, np.random.RandomState(0))


@pytest.mark.parametrize("seed", [0, None, np.random])
def test_dropout_wants_a_stream_and_no_seed(seed: Any) -> None:
    with pytest.raises(TypeError, match=r"np\.random\.RandomState\(1\)"):
        dropout(np.ones((2, 2)), 0.5, seed)


def _of_bytes():
    Z = np.array([[3, 0, 200], [7, 1, 255], [16, 130, 2]], dtype=np.uint8)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3)).astype(np.uint8)
    W, labels = np.random.default_rng(1).normal(size=(3, 3, 3, 2)), [1, 0, 2]
    yield from (
        ("softmax", F.softmax, Z),
        ("log_softmax", F.log_softmax, Z),
        ("logsumexp", F.logsumexp, Z),
        ("softplus", F.softplus, Z),
        ("soft_sign", F.soft_sign, Z),
        ("rms_norm", F.rms_norm, Z),
        ("layer_norm", F.layer_norm, Z),
        ("hinge", lambda Z: F.hinge(Z, labels), Z),
        ("mean_squared_error", lambda Z: F.mean_squared_error(Z, Z[::-1]), Z),
        ("huber", lambda Z: F.huber(Z, Z[::-1]), Z),
        ("sigmoid_cross_entropy", lambda Z: F.sigmoid_cross_entropy(Z, Z[::-1] > 2), Z),
        ("margin_ranking", lambda Z: F.margin_ranking(Z, Z[::-1], 1), Z),
        ("average_pool", F.average_pool, pictures),
        ("average_pool, padded", lambda X: F.average_pool(X, 3, 1, "same"), pictures),
        ("max_pool", F.max_pool, pictures),
        ("conv", lambda X: F.conv(X, W), pictures),
        ("conv_transpose", lambda X: F.conv_transpose(X[..., :2], W, stride=2), pictures),
    )


@pytest.mark.parametrize(("f", "x"), [(f, x) for _, f, x in _of_bytes()], ids=[n for n, *_ in _of_bytes()])
def test_bytes_are_numbers_that_do_not_wrap(f, x):
    """Pictures and counts of uint8: 200 + 200 is 400."""
    np.testing.assert_allclose(f(x), f(x.astype(float)), rtol=1e-12)
