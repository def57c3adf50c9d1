"""A program reads like the course's, and runs when it is pasted into a file."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from scipy.special import expit

from tests.compiling import networks
from tests.compiling.test_equality import assert_equal, wider
from tinygrad_course import Tensor, compiled, value_and_grad
from tinygrad_course.functions import binary_cross_entropy, relu, sigmoid
from tinygrad_course.optimizers import Adam, GradientDescent, Momentum

rng = np.random.default_rng(0)


def pasted(program):
    """The function that the source defines in a file that says ``import numpy as np``."""
    space = {"np": np}
    exec(program.source, space)  # noqa: S102  (the library's own text)
    return next(
        v for k, v in space.items() if callable(v) and k != "np" and k in program.source.split("def ")[-1]
    )


def data(n, m):
    return rng.normal(size=(n, m)), (rng.random((1, m)) > 0.5) * 1.0


def flower(parameters, X, Y):
    def cost(p):
        m = X.shape[1]
        Z1 = np.dot(p["W1"], X) + p["b1"]
        A1 = np.tanh(Z1)
        Z2 = np.dot(p["W2"], A1) + p["b2"]
        A2 = 1 / (1 + np.exp(-Z2))
        return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m

    J, grads = value_and_grad(cost)(parameters)
    return {k: parameters[k] - 1.2 * grads[k] for k in parameters}, J


def test_the_flower_network_is_the_courses_backward_pass():
    X, Y = data(2, 400)
    parameters = networks.parameters_of(rng, [2, 4, 1])
    step = compiled(flower)
    step(parameters, X, Y)
    for line in (
        "Z1 = W1 @ X + b1  # (4, 400)",
        "A1 = np.tanh(Z1)  # (4, 400)",
        "A2 = 1 / (1 + np.exp(-Z2))  # (1, 400)",
        "dZ2 = A2 - Y  # (1, 400)",
        "dW2 = dZ2 @ A1.T / m  # (1, 4)",
        "db2 = np.sum(dZ2, axis=1, keepdims=True) / m  # (1, 1)",
        "dZ1 = W2.T @ dZ2 * (1 - A1**2)  # (4, 400)",
        "dW1 = dZ1 @ X.T / m  # (4, 2)",
        "db1 = np.sum(dZ1, axis=1, keepdims=True) / m  # (4, 1)",
    ):
        assert f"    {line}\n" in step.source
    assert_equal(pasted(step)(parameters, X, Y), flower(parameters, X, Y))


def deep(activation, lambd=0.0):
    """The course's L-layer network, with its helpers, its cost and its L2 term."""

    def linear_activation_forward(A_prev, W, b, g):
        Z = np.dot(W, A_prev) + b
        A = g(Z)
        return A, Z

    def cost(parameters, X, Y):
        A, L = X, len(parameters) // 2
        for l in range(1, L):
            A, _ = linear_activation_forward(A, parameters[f"W{l}"], parameters[f"b{l}"], activation)
        AL, _ = linear_activation_forward(A, parameters[f"W{L}"], parameters[f"b{L}"], sigmoid)
        m = Y.shape[1]
        J = np.squeeze((1.0 / m) * (-np.dot(Y, np.log(AL).T) - np.dot(1 - Y, np.log(1 - AL).T)))
        if lambd:
            J = J + lambd / (2 * m) * sum(np.sum(parameters[f"W{l}"] ** 2) for l in range(1, L + 1))
        return J

    def step(parameters, X, Y):
        J, grads = value_and_grad(cost)(parameters, X, Y)
        return {k: parameters[k] - 0.0075 * grads[k] for k in parameters}, J

    return step


@pytest.mark.parametrize(
    ("activation", "dZ1"),
    [
        (lambda Z: np.maximum(0, Z), "np.where(Z1 > 0, W2.T @ dZ2, 0)"),
        (np.tanh, "W2.T @ dZ2 * (1 - A1**2)"),
        (relu, "np.where(A1 > 0, W2.T @ dZ2, 0)"),
    ],
)
@pytest.mark.parametrize("lambd", [0.0, 0.7])
def test_the_l_layer_network(activation, dZ1, lambd):
    X, Y = data(5, 30)
    parameters = networks.parameters_of(rng, [5, 4, 3, 1])
    step = compiled(deep(activation, lambd))
    step(parameters, X, Y)
    source = step.source
    assert "dZ3 = A3 - Y" in source or "dZ3 = AL - Y" in source
    assert f"dZ1 = {dZ1}" in source
    sums = ("dW1 = (0.7 * W1 + dZ1 @ X.T) / m", "dW1 = (dZ1 @ X.T + 0.7 * W1) / m")  # of two paths
    assert any(line in source for line in (sums if lambd else ["dW1 = dZ1 @ X.T / m"]))
    assert "db1 = np.sum(dZ1, axis=1, keepdims=True) / m" in source
    exact = step.function(wider(parameters), wider(X), wider(Y))
    assert_equal(pasted(step)(parameters, X, Y), step.function(parameters, X, Y), exact)


def test_logistic_regression():
    def step(w, b, X, Y):
        def cost(w, b):
            A = sigmoid(np.dot(w.T, X) + b)
            return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / X.shape[1]

        J, (dw, db) = value_and_grad(cost, argnums=(0, 1))(w, b)
        return w - 0.5 * dw, b - 0.5 * db, J

    X, Y = data(7, 20)
    w, b = rng.normal(size=(7, 1)), 0.1
    program = compiled(step)
    assert_equal(program(w, np.float64(b), X, Y), step(w, np.float64(b), X, Y))
    assert "dZ = A - Y" in program.source or "- Y" in program.source
    assert_equal(pasted(program)(w, np.float64(b), X, Y), step(w, np.float64(b), X, Y))


@pytest.mark.parametrize("optimizer", [GradientDescent(0.1), Momentum(0.1), Adam(0.1)])
def test_the_librarys_functions_and_optimisers(optimizer):
    def step(parameters, state, X, Y):
        def cost(p):
            A1 = relu(np.dot(p["W1"], X) + p["b1"])
            return binary_cross_entropy(sigmoid(np.dot(p["W2"], A1) + p["b2"]), Y)

        J, grads = value_and_grad(cost)(parameters)
        parameters, state = optimizer.update(parameters, grads, state)
        return parameters, state, J

    for dtype in (np.float64, np.float32):
        X, Y = (a.astype(dtype) for a in data(2, 64))
        parameters = networks.parameters_of(rng, [2, 5, 1], dtype)
        state = optimizer.init(parameters)
        program = compiled(step)
        for _ in range(3):
            ours, theirs = program(parameters, state, X, Y), step(parameters, state, X, Y)
            assert_equal(ours, theirs)
            parameters, state, _ = ours
        assert len(program.programs) == 1
        assert_equal(pasted(program)(parameters, state, X, Y), step(parameters, state, X, Y))


@given(networks.networks())
def test_pasted_sources_of_random_networks(case):
    step, parameters, X, Y = case
    program = compiled(step)
    program(parameters, X, Y)
    assert not program.constants
    ours = pasted(program)(parameters, X, Y)
    assert_equal(ours, step(parameters, X, Y), step(wider(parameters), wider(X), wider(Y)))


def test_a_network_that_is_sure_of_itself_has_a_right_gradient():
    X, Y = np.full((2, 10), 500.0), np.zeros((1, 10))
    parameters = {
        "W1": np.ones((4, 2)),
        "b1": np.ones((4, 1)),
        "W2": 300 * np.ones((1, 4)),
        "b2": np.ones((1, 1)),
    }
    with np.errstate(all="ignore"):
        ours, J = compiled(flower)(parameters, X, Y)
    assert np.isclose(J, 1201.0)
    assert np.allclose(parameters["b2"] - ours["b2"], 1.2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("z", [5.0, 10.0, 15.0, 25.0, 30.0, 35.0, 50.0])
def test_a_network_that_is_nearly_sure_compiles(z, dtype):
    """The last digits of log(1 - A) are lost on the way; what the program gives is nearer to A - Y."""

    def cost(w, X, Y):
        A = 1 / (1 + np.exp(-np.dot(w, X)))
        return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / X.shape[1]

    X, Y, w = np.array([[z, 1.0]], dtype), np.zeros((1, 2), dtype), np.ones((1, 1), dtype)
    with np.errstate(all="ignore"):
        _, dw = compiled(value_and_grad(cost))(w, X, Y)
    assert np.allclose(dw, (expit(X) @ X.T) / 2, rtol=2 * np.finfo(dtype).eps, atol=0)


def test_what_is_too_large_to_print_is_an_argument():
    table = rng.normal(size=(10, 10))
    program = compiled(lambda x: np.dot(x, table))
    x = rng.normal(size=(3, 10))
    program(x)
    assert list(program.constants) == ["constant1"]
    assert np.array_equal(pasted(program)(x, **program.constants), np.dot(x, table))


def test_the_graph_before_and_after(tmp_path):
    X, Y = data(2, 400)
    step = compiled(flower)
    with pytest.raises(RuntimeError, match="first call"):
        _ = step.graph
    step(networks.parameters_of(rng, [2, 4, 1]), X, Y)
    before, after = step.recorded, step.graph
    assert len(after) < len(before)
    assert after["dZ2"].op == "subtract"
    assert [after[i].name for i in after["dZ2"].inputs] == ["A2", "Y"]
    after.render(str(tmp_path / "after.dot"))
    assert "dZ2" in (tmp_path / "after.dot").read_text()


def test_backward_of_tensors_inside():
    def step(w, X):
        W = Tensor(w, name="W")
        J = np.sum(np.tanh(np.dot(W, X)))
        J.backward()
        return w - 0.1 * W.grad, J.data

    w, X = rng.normal(size=(2, 3)), rng.normal(size=(3, 5))
    program = compiled(step)
    assert_equal(program(w, X), step(w, X))
    assert_equal(program(2 * w, X), step(2 * w, X))


@pytest.mark.parametrize("key", ["fc.weight", "fc 1", "it's", 1, (1, "a]")])
def test_parameters_are_looked_up_by_any_key(key):
    def step(p, q):
        p[key]["x"] = 3 * p[key]["x"]
        return {key: p[key]["x"] * 2, "q": q["fc"]["weight"] + q["fc.weight"]}

    def arguments():
        return {key: {"x": np.ones(2)}}, {"fc": {"weight": np.ones(3)}, "fc.weight": 2 * np.ones(3)}

    program = compiled(step)
    program(*arguments())
    ours, theirs = arguments(), arguments()
    assert_equal(pasted(program)(*ours), step(*theirs))
    assert_equal(ours, theirs)
