"""The optimisers against the course's published cases, their formulas written out, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_course import Tensor, grad
from tinygrad_course.optimizers import (
    Adam,
    ExponentialDecay,
    GradientDescent,
    InverseTimeDecay,
    Momentum,
    Optimizer,
)

EVERY: list[Any] = [
    GradientDescent(0.1),
    Momentum(0.1, 0.8),
    Adam(0.1),
    Adam(0.1, epsilon_inside=True),
    Adam(0.1, epsilon_inside=True, correct_s=False),
    Adam(InverseTimeDecay(0.1, 0.5)),
    GradientDescent(ExponentialDecay(0.1, 0.9, every=2)),
]


def published_case() -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and gradients of the unit cases of assignment 2.2."""
    rng = np.random.RandomState(1)
    shapes = {"W1": (2, 3), "b1": (2, 1), "W2": (3, 3), "b2": (3, 1)}
    parameters = {name: rng.randn(*shape) for name, shape in shapes.items()}
    return parameters, {name: rng.randn(*shape) for name, shape in shapes.items()}


def test_gradient_descent_as_published() -> None:
    parameters, grads = published_case()
    optimizer = GradientDescent(0.01)
    after, _ = optimizer.update(parameters, grads, optimizer.init(parameters))
    assert after["W1"].round(8).tolist() == [
        [1.63535156, -0.62320365, -0.53718766],
        [-1.07799357, 0.85639907, -2.29470142],
    ]
    assert after["b2"].round(8).ravel().tolist() == [-0.88020257, 0.02561572, 0.57539477]


def test_momentum_as_published() -> None:
    parameters, grads = published_case()
    optimizer = Momentum(0.01, beta=0.9)
    after, state = optimizer.update(parameters, grads, optimizer.init(parameters))
    assert after["W1"].round(8).tolist() == [
        [1.62544598, -0.61290114, -0.52907334],
        [-1.07347112, 0.86450677, -2.30085497],
    ]
    assert state["v"]["b2"].round(8).ravel().tolist() == [0.02344157, 0.16598022, 0.07420442]


@pytest.mark.parametrize(
    ("optimizer", "row"),
    [
        (Adam(0.01, epsilon_inside=True), [1.63178673, -0.61919778, -0.53561312]),
        (Adam(0.01, epsilon_inside=True, correct_s=False), [1.79078034, -0.77819144, -0.69460639]),
    ],
)
def test_adam_as_published(optimizer: Adam, row: list[float]) -> None:
    """The case updates once, from v = s = 0, and calls it t = 2."""
    parameters, grads = published_case()
    state = {**optimizer.init(parameters), "t": np.float64(1.0)}
    after, state = optimizer.update(parameters, grads, state)
    assert after["W1"][0].round(8).tolist() == row
    assert state["v"]["W1"][0].round(8).tolist() == [-0.11006192, 0.11447237, 0.09015907]
    assert state["s"]["W1"][0].round(8).tolist() == [0.00121136, 0.00131039, 0.00081287]


def by_the_book(kind: Any, W: float, gradients: list[float]) -> float:
    """The updates on one number, in Python's own arithmetic, from the published formulas."""
    v = s = 0.0
    for t, dW in enumerate(gradients, start=1):
        alpha = kind.learning_rate(t - 1) if callable(kind.learning_rate) else kind.learning_rate
        if isinstance(kind, GradientDescent):
            W -= alpha * dW
        elif isinstance(kind, Momentum):
            v = kind.beta * v + (1 - kind.beta) * dW
            W -= alpha * v
        else:
            v = kind.beta1 * v + (1 - kind.beta1) * dW
            s = kind.beta2 * s + (1 - kind.beta2) * dW**2
            corrected = s / (1 - kind.beta2**t) if kind.correct_s else s
            if kind.epsilon_inside:
                root = (corrected + kind.epsilon) ** 0.5
            else:
                root = corrected**0.5 + kind.epsilon
            W -= alpha * (v / (1 - kind.beta1**t)) / root
    return W


@pytest.mark.parametrize("optimizer", EVERY, ids=str)
@given(st.lists(st.floats(-5, 5, allow_subnormal=False), min_size=1, max_size=12), st.floats(-3, 3))
def test_many_updates_follow_the_formula(optimizer: Any, gradients: list[float], start: float) -> None:
    parameters = {"W": np.array([[start]]), "deep": [np.array([start]), {"b": np.array(start)}]}
    state = optimizer.init(parameters)
    for dW in gradients:
        grads = {"W": np.array([[dW]]), "deep": [np.array([dW]), {"b": np.array(dW)}]}
        parameters, state = optimizer.update(parameters, grads, state)
    expected = by_the_book(optimizer, start, gradients)
    for value in (parameters["W"][0, 0], parameters["deep"][0][0], parameters["deep"][1]["b"]):
        assert value == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert state["t"] == len(gradients)


@pytest.mark.parametrize("optimizer", EVERY, ids=str)
def test_the_first_update_of_adam_is_as_large_as_the_learning_rate(optimizer: Optimizer) -> None:
    """Corrected for its start at 0 by 1 - beta**t: a wrong power shows at t = 1 or at t = 3."""
    if not isinstance(optimizer, Adam) or not optimizer.correct_s or callable(optimizer.learning_rate):
        return
    parameters: Any = {"W": np.zeros((1, 2))}
    grads = {"W": np.array([[3.0, -0.2]])}
    state = optimizer.init(parameters)
    for t in (1, 2, 3):  # a constant gradient: v_corrected is dW and s_corrected dW**2, for every t
        parameters, state = optimizer.update(parameters, grads, state)
        np.testing.assert_allclose(parameters["W"], [[-0.1 * t, 0.1 * t]], rtol=1e-6)


@pytest.mark.parametrize("optimizer", EVERY, ids=str)
def test_nothing_is_changed_in_place(optimizer: Optimizer) -> None:
    parameters, grads = published_case()
    state = optimizer.init(parameters)
    for nest in (parameters, grads, *(value for key, value in state.items() if key != "t")):
        for array in nest.values():
            array.setflags(write=False)
    before = {name: value.copy() for name, value in parameters.items()}
    after, later = optimizer.update(parameters, grads, state)
    optimizer.update(after, grads, later)
    for name, value in before.items():
        np.testing.assert_array_equal(parameters[name], value)
        assert not np.shares_memory(after[name], parameters[name])


@pytest.mark.parametrize("optimizer", EVERY, ids=str)
def test_float32_stays_float32(optimizer: Optimizer) -> None:
    parameters: Any = {"W": np.ones((2, 2), np.float32)}
    grads = {"W": np.full((2, 2), 0.5, np.float32)}
    state = optimizer.init(parameters)
    for _ in range(2):
        parameters, state = optimizer.update(parameters, grads, state)
    assert parameters["W"].dtype == np.float32
    assert all(state[key]["W"].dtype == np.float32 for key in state if key != "t")


@pytest.mark.parametrize("optimizer", EVERY[:5], ids=str)
def test_an_update_can_be_recorded(optimizer: Optimizer) -> None:
    """The gradient of the parameters after the update with respect to those before."""
    dW, h = np.array([0.3, -0.7]), 1e-6
    state = optimizer.init({"W": dW})

    def after(W: Any) -> Any:
        return np.sum(optimizer.update({"W": W}, {"W": W * dW}, state)[0]["W"] ** 2)

    W = np.array([1.0, 2.0])
    numerical = [(after(W + h * e) - after(W - h * e)) / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(grad(after)(W), numerical, rtol=1e-6)
    assert isinstance(optimizer.update({"W": Tensor(W)}, {"W": dW}, state)[0]["W"], Tensor)


def test_decays() -> None:
    inverse = InverseTimeDecay(0.2, rate=1.0, every=3)
    assert [inverse(t) for t in (0, 2, 3, 5, 6)] == [0.2, 0.2, 0.1, 0.1, 0.2 / 3]
    exponential = ExponentialDecay(0.2, factor=0.95)
    assert [exponential(t) for t in (0, 1, 2)] == [0.2, 0.2 * 0.95, 0.2 * 0.95**2]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GradientDescent(0.0), "learning_rate is 0.0"),
        (lambda: Momentum(-1.0), "learning_rate is -1.0"),
        (lambda: Adam(float("nan")), "learning_rate is nan"),
        (lambda: Momentum(0.1, beta=1.0), "beta is 1.0"),
        (lambda: Adam(0.1, beta1=-0.1), "beta1 is -0.1"),
        (lambda: Adam(0.1, beta2=1.5), "beta2 is 1.5"),
        (lambda: Adam(0.1, epsilon=0.0), "epsilon is 0.0"),
        (lambda: InverseTimeDecay(0.0, 1.0), "initial is 0.0"),
        (lambda: ExponentialDecay(0.1, 0.9, every=0), "every is 0"),
    ],
)
def test_settings_that_make_no_sense(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        make()


@pytest.mark.parametrize("optimizer", EVERY[:3], ids=str)
def test_gradients_that_do_not_fit(optimizer: Optimizer) -> None:
    parameters, grads = published_case()
    state = optimizer.init(parameters)
    with pytest.raises(ValueError, match=r"the gradients \['dW1'\]; the gradient of W1 goes by the name W1"):
        optimizer.update({"W1": parameters["W1"]}, {"dW1": grads["W1"]}, state)
    with pytest.raises(ValueError, match=r"W1 is \(2, 3\) and its gradient \(2, 1\)"):
        optimizer.update(parameters, {**grads, "W1": grads["b1"]}, state)
    with pytest.raises(ValueError, match=r"\[0\] is \(2,\) and its gradient \(1,\)"):
        optimizer.update([np.ones(2)], [np.ones(1)], {"t": 0.0})
