"""Small programs as loops over the examples: what is summed before a further loop, and what that reads."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.compiling.interpreted import interpreted
from tinygrad_course import compiled, compiled_loop, value_and_grad
from tinygrad_course.compiling.machine import fusion, jit
from tinygrad_course.engine.trees import leaves

pytest.importorskip("llvmlite.binding")

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(2, 10)), rng.normal(size=(1, 10))
PARAMETERS = {"W": rng.normal(size=(2, 2)), "b": rng.normal(size=(2, 1)), "c": rng.normal(size=(1, 1))}

CALLS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / (1 + b * b),
    "tanh": lambda a, _: np.tanh(a),
    "@": lambda a, b: a @ b,
    "@T": lambda a, b: a @ b.T,
    "mean of examples": lambda a, _: np.mean(a, axis=1, keepdims=True),
    "mean of units": lambda a, _: np.mean(a, axis=0, keepdims=True),
    "sum": lambda a, _: np.sum(a) * 0.01,
    "max of units": lambda a, _: np.max(a, axis=0, keepdims=True),
}
STEPS = st.tuples(st.sampled_from(sorted(CALLS)), st.integers(0, 15), st.integers(0, 15))


def program(steps):
    """A function that makes these calls of what there is so far, as far as the shapes fit."""

    def made(p, X, Y):
        values = [X, Y, *p.values()]
        for name, i, j in steps:
            a, b = values[i % len(values)], values[j % len(values)]
            try:
                y = CALLS[name](a, b)
            except (ValueError, IndexError, TypeError):  # of shapes and axes, and @ of two numbers
                continue
            if np.size(y) <= 50:
                values.append(y)
        return tuple(values[5:][-3:])

    return made


def assert_same(ours, theirs):
    """Equal to rounding, in every array of a nest."""
    for (path, x), (other, y) in zip(leaves(ours), leaves(theirs), strict=True):
        assert path == other
        np.testing.assert_allclose(x, y, rtol=1e-8, atol=1e-9, err_msg=path)


#: D = tanh(X s), where s is a mean over the examples, and D @ X.T.
SCALED = [("mean of examples", 0, 0), ("sum", 5, 0), ("*", 0, 6), ("tanh", 7, 0), ("@T", 8, 0)]


@given(st.lists(STEPS, min_size=2, max_size=10))
@example(SCALED)
@example([("mean of examples", 0, 0), ("-", 0, 5), ("tanh", 6, 0), ("@", 2, 7), ("max of units", 8, 0)])
def test_random_programs_over_the_examples(steps):
    f = program(steps)
    gradients = value_and_grad(lambda p, X, Y: sum(np.sum(np.tanh(0.3 * v)) for v in (p["W"], *f(p, X, Y))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jit, "compile_source", interpreted)
        for function in (f, gradients):
            theirs = function(PARAMETERS, X, Y)
            assert_same(compiled(function, engine="machine")(PARAMETERS, X, Y), theirs)


def test_examples_are_read_again_in_a_later_loop(monkeypatch):
    made = []
    monkeypatch.setattr(fusion, "step_text", lambda *a: made.append(source(*a)) or made[-1])
    f = program(SCALED)
    assert_same(compiled(f, engine="machine")(PARAMETERS, X, Y), f(PARAMETERS, X, Y))
    assert sum(line.startswith("for j in ") for line in made[0][1]) == 2


def test_a_cost_that_squeeze_has_left_without_axes_is_made_in_the_loop():
    def cost(p, X, Y):  # the course's: a row times a column
        A = 1 / (1 + np.exp(-(p["w"] @ X + p["c"])))
        return np.squeeze(-(np.dot(Y, np.log(A).T) + np.dot(1 - Y, np.log(1 - A).T)) / X.shape[1])

    p = {"w": PARAMETERS["W"][:1], "c": PARAMETERS["c"]}
    step, labels = compiled(value_and_grad(cost), engine="machine"), (Y > 0) * 1.0
    for numbers in (X, X[:, ::-1].copy()):
        ours, theirs = step(p, numbers, labels), value_and_grad(cost)(p, numbers, labels)
        assert_same(ours, theirs)
        assert type(ours[0]) is type(theirs[0]) is np.ndarray
    ((_, made),) = step.programs.values()
    assert not any(isinstance(f, np.ufunc) for f in made.body.bound.values())


source = fusion.step_text


def softmax_step(p, X, Y, rate):
    def cost(p):
        Z = p["V"] @ np.tanh(p["W"] @ X + p["b"])
        E = np.exp(Z - np.max(Z, axis=0, keepdims=True))
        return -np.sum(Y * np.log(E / np.sum(E, axis=0, keepdims=True))) / X.shape[1]

    J, grads = value_and_grad(cost)(p)
    return {name: W - rate * grads[name] for name, W in p.items()}, J


def moving_step(state, X):
    W, V = state
    A = np.tanh(W @ X + V)
    return (W - 0.1 * (A @ X.T), 0.9 * V), np.mean(A)


def still_step(state, X):
    W, V = state
    A = np.tanh(W @ X)
    return (W - 0.1 * (A @ X.T), V), np.mean(A)


@pytest.mark.parametrize(
    ("step", "state", "data"),
    [
        (  # a learning rate among the data
            softmax_step,
            {"V": rng.normal(size=(3, 2)), "W": PARAMETERS["W"], "b": PARAMETERS["b"]},
            (X, np.eye(3)[rng.integers(0, 3, 10)].T, np.array([0.1])),
        ),
        (moving_step, (PARAMETERS["W"], rng.normal(size=(2, 10))), (X,)),  # a number for each example
        (still_step, (PARAMETERS["W"], rng.normal(size=(2, 10))), (X,)),
    ],
)
def test_a_loop_takes_states_and_data_with_and_without_the_examples(step, state, data):
    ours, costs = compiled_loop(step)(state, *data, iterations=3)
    for J in costs:
        state, theirs = step(state, *data)
        np.testing.assert_allclose(J, theirs, rtol=1e-12)
    assert_same(ours, state)
