"""The graph's gradients are the course's: dW and db of random networks against the formulas of the notes.

    dZ[L] = A[L] - Y                     dZ[l] = W[l+1]^T dZ[l+1] * D[l+1] / keep_prob * g'(Z[l])
    dW[l] = 1/m dZ[l] A[l-1]^T + lambd/m W[l]            db[l] = 1/m sum of the columns of dZ[l]

Three ways agree: the graph, these formulas written by hand, and differences of the cost. The costs that the
differences are taken of are computed by hand as well, on plain arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import special

from tinygrad_course import Tensor, value_and_grad
from tinygrad_course.functions import (
    binary_cross_entropy,
    categorical_cross_entropy,
    drop,
    l2_term,
    leaky_relu,
    linear,
    relu,
    sigmoid,
    softmax,
    tanh,
)
from tinygrad_course.optimizers import GradientDescent
from tinygrad_course.training.initialization import initialize_parameters
from tinygrad_course.training.network import Network

Parameters = dict[str, Any]


def by_hand_sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def by_hand_softmax(z: Any) -> Any:
    e = np.exp(z - np.max(z, axis=0, keepdims=True))
    return e / np.sum(e, axis=0, keepdims=True)


# name: the library's function, the function by hand, its derivative by the course's table
HIDDEN: dict[str, tuple[Any, Any, Any]] = {
    "sigmoid": (sigmoid, by_hand_sigmoid, lambda z: by_hand_sigmoid(z) * by_hand_sigmoid(-z)),
    "tanh": (tanh, np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "relu": (relu, lambda z: np.where(z > 0, z, 0.0), lambda z: np.where(z > 0, 1.0, 0.0)),
    "leaky_relu": (
        leaky_relu,
        lambda z: np.where(z > 0, z, 0.01 * z),
        lambda z: np.where(z > 0, 1.0, 0.01),
    ),
    "identity": (lambda z: z, lambda z: z, np.ones_like),
}


@dataclass
class Case:
    layers: list[int]
    activations: list[str]  # of the hidden layers
    output: str
    lambd: float
    keep_prob: float
    seed: int
    m: int

    def draw(self) -> tuple[Parameters, Any, Any, list[Any]]:
        """Parameters, X, Y, and a dropout mask for each hidden layer."""
        rng = np.random.RandomState(self.seed)
        how = ["he", "xavier", "small"][self.seed % 3]
        parameters = initialize_parameters(self.layers, how, rng)
        for l in range(1, len(self.layers)):  # biases that show
            parameters[f"b{l}"] = 0.3 * rng.randn(self.layers[l], 1)
        X = rng.randn(self.layers[0], self.m)
        if self.output == "softmax":
            Y = (np.arange(self.layers[-1])[:, None] == rng.randint(self.layers[-1], size=self.m)) * 1.0
        else:
            Y = (rng.rand(self.layers[-1], self.m) > 0.5) * 1.0
        masks = [rng.rand(n, self.m) < self.keep_prob for n in self.layers[1:-1]]
        return parameters, X, Y, masks


@st.composite
def cases(draw: Any) -> Case:
    hidden = draw(st.lists(st.integers(1, 6), max_size=4))
    output = draw(st.sampled_from(["sigmoid", "softmax"]))
    last = draw(st.integers(2, 4) if output == "softmax" else st.integers(1, 2))
    return Case(
        layers=[draw(st.integers(1, 6)), *hidden, last],
        activations=draw(
            st.lists(st.sampled_from(sorted(HIDDEN)), min_size=len(hidden), max_size=len(hidden))
        ),
        output=output,
        lambd=draw(st.sampled_from([0.0, 0.1, 0.7, 5.0])),
        keep_prob=draw(st.sampled_from([1.0, 0.86, 0.5])),
        seed=draw(st.integers(0, 2**32 - 1)),
        m=draw(st.integers(1, 9)),
    )


def recorded_cost(case: Case, p: Any, X: Any, Y: Any, masks: list[Any]) -> Any:
    """J, in the operations of `functions`."""
    A = X
    for l, name in enumerate(case.activations, start=1):
        A = HIDDEN[name][0](linear(p[f"W{l}"], A, p[f"b{l}"]))
        if case.keep_prob < 1:
            A = drop(A, masks[l - 1], case.keep_prob)
    L = len(case.layers) - 1
    Z = linear(p[f"W{L}"], A, p[f"b{L}"])
    J = (
        binary_cross_entropy(sigmoid(Z), Y)
        if case.output == "sigmoid"
        else categorical_cross_entropy(softmax(Z), Y)
    )
    return J + l2_term(p, case.lambd, case.m) if case.lambd else J


def forward_by_hand(case: Case, p: Parameters, X: Any, masks: list[Any]) -> tuple[list[Any], list[Any]]:
    """Z[0..L] (the first is none) and A[0..L]."""
    Zs, As = [None], [X]
    for l, name in enumerate(case.activations, start=1):
        Z = np.dot(p[f"W{l}"], As[-1]) + p[f"b{l}"]
        A = HIDDEN[name][1](Z)
        Zs.append(Z)
        As.append(A * masks[l - 1] / case.keep_prob)
    L = len(case.layers) - 1
    Zs.append(np.dot(p[f"W{L}"], As[-1]) + p[f"b{L}"])
    As.append((by_hand_sigmoid if case.output == "sigmoid" else by_hand_softmax)(Zs[-1]))
    return Zs, As


def cost_by_hand(case: Case, p: Parameters, X: Any, Y: Any, masks: list[Any]) -> Any:
    AL = forward_by_hand(case, p, X, masks)[1][-1]
    losses = Y * np.log(AL)
    if case.output == "sigmoid":
        losses = losses + (1 - Y) * np.log(1 - AL)
    squares = sum(np.sum(p[f"W{l}"] ** 2) for l in range(1, len(case.layers)))
    return -np.sum(losses) / case.m + case.lambd / (2 * case.m) * squares


def cost_by_scipy(case: Case, p: Parameters, X: Any, Y: Any, masks: list[Any]) -> Any:
    """The same, where 1 - A would round: SciPy's logarithms of sigmoid and softmax."""
    Z = forward_by_hand(case, p, X, masks)[0][-1]
    if case.output == "sigmoid":
        losses = Y * special.log_expit(Z) + (1 - Y) * special.log_expit(-Z)
    else:
        losses = Y * special.log_softmax(Z, axis=0)
    squares = sum(np.sum(p[f"W{l}"] ** 2) for l in range(1, len(case.layers)))
    return -np.sum(losses) / case.m + case.lambd / (2 * case.m) * squares


def backward_by_hand(
    case: Case, p: Parameters, X: Any, Y: Any, masks: list[Any]
) -> tuple[Parameters, Parameters]:
    """The course's dW and db; and, for each, the sum of its terms' sizes, which rounding is relative to."""
    Zs, As = forward_by_hand(case, p, X, masks)
    grads, sizes = {}, {}
    dZ, size = As[-1] - Y, np.abs(As[-1]) + np.abs(Y)
    for l in range(len(case.layers) - 1, 0, -1):
        W = p[f"W{l}"]
        grads[f"W{l}"] = 1 / case.m * np.dot(dZ, As[l - 1].T) + case.lambd / case.m * W
        grads[f"b{l}"] = 1 / case.m * np.sum(dZ, axis=1, keepdims=True)
        sizes[f"W{l}"] = 1 / case.m * np.dot(size, np.abs(As[l - 1]).T) + case.lambd / case.m * np.abs(W)
        sizes[f"b{l}"] = 1 / case.m * np.sum(size, axis=1, keepdims=True)
        if l > 1:
            slope = HIDDEN[case.activations[l - 2]][2](Zs[l - 1]) * masks[l - 2] / case.keep_prob
            dZ, size = np.dot(W.T, dZ) * slope, np.dot(np.abs(W).T, size) * np.abs(slope)
    return grads, sizes


@given(cases())
def test_the_graphs_gradients_are_the_courses(case: Case) -> None:
    parameters, X, Y, masks = case.draw()
    J, grads = value_and_grad(lambda p: recorded_cost(case, p, X, Y, masks))(parameters)
    expected, sizes = backward_by_hand(case, parameters, X, Y, masks)
    np.testing.assert_allclose(J, cost_by_scipy(case, parameters, X, Y, masks), rtol=1e-12, atol=1e-15)
    for name, value in expected.items():
        assert grads[name].shape == parameters[name].shape
        # 1e-12 of what was added up: where terms cancel, no way of computing does better
        assert np.all(np.abs(grads[name] - value) <= 1e-12 * sizes[name]), name


@given(cases())
def test_backward_of_tensors_leaves_the_same_gradients(case: Case) -> None:
    parameters, X, Y, masks = case.draw()
    tensors = {name: Tensor(value, name=name) for name, value in parameters.items()}
    recorded_cost(case, tensors, X, Y, masks).backward()
    grads = value_and_grad(lambda p: recorded_cost(case, p, X, Y, masks))(parameters)[1]
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(tensor.grad, grads[name])


def away_from_kinks(case: Case, p: Parameters, X: Any, masks: list[Any]) -> bool:
    Zs, _ = forward_by_hand(case, p, X, masks)
    return all(
        np.min(np.abs(Z)) > 1e-3
        for name, Z in zip(case.activations, Zs[1:-1], strict=True)
        if name in {"relu", "leaky_relu"}
    )


@settings(max_examples=settings.default.max_examples // 2)
@given(cases())
def test_so_are_differences_of_the_cost(case: Case) -> None:
    parameters, X, Y, masks = case.draw()
    grads = value_and_grad(lambda p: recorded_cost(case, p, X, Y, masks))(parameters)[1]
    assume(away_from_kinks(case, parameters, X, masks))
    h = 1e-5
    for name, value in parameters.items():
        for index in np.ndindex(value.shape):
            ends = []
            for step in (h, -h):
                moved = value.copy()
                moved[index] += step
                ends.append(cost_by_scipy(case, {**parameters, name: moved}, X, Y, masks))
            np.testing.assert_allclose(
                grads[name][index], (ends[0] - ends[1]) / (2 * h), rtol=2e-6, atol=2e-8
            )


@given(cases())
def test_the_raw_formula_of_the_course_gives_the_same(case: Case) -> None:
    """Written out in NumPy, with np.dot, + and np.log, as in the assignments."""
    parameters, X, Y, masks = case.draw()
    Zs, As = forward_by_hand(case, parameters, X, masks)
    sigmoids = [by_hand_sigmoid(Z) for n, Z in zip(case.activations, Zs[1:-1], strict=True) if n == "sigmoid"]
    slopes = [1 - np.tanh(Z) ** 2 for n, Z in zip(case.activations, Zs[1:-1], strict=True) if n == "tanh"]
    # 1 - A is rounded, by eps / (1 - A) of its size, and log(1 - A), A (1 - A) and tanh's 1 - A**2 with it
    smallest = min(float(np.min(a)) for A in [As[-1], *sigmoids] for a in (A, 1 - A))
    smallest = min([smallest, *(float(np.min(slope)) for slope in slopes)])
    assume(smallest > 1e-9)
    J, grads = value_and_grad(lambda p: cost_by_hand(case, p, X, Y, masks))(parameters)
    expected, sizes = backward_by_hand(case, parameters, X, Y, masks)
    assert cost_by_hand(case, parameters, X, Y, masks) == J
    for name, value in expected.items():
        assert np.all(np.abs(grads[name] - value) <= 1e-14 / smallest * sizes[name]), name


@given(cases(), st.sampled_from([1e4, -1e4, 700.0, -40.0]))
def test_costs_and_gradients_are_finite_however_sure_the_network_is(case: Case, logit: float) -> None:
    parameters, X, Y, masks = case.draw()
    L = len(case.layers) - 1
    parameters[f"b{L}"] = np.full_like(parameters[f"b{L}"], logit)
    parameters[f"b{L}"][0] = -logit
    with np.errstate(all="raise", under="ignore"):
        J, grads = value_and_grad(lambda p: recorded_cost(case, p, X, Y, masks))(parameters)
    assert np.isfinite(J)
    assert all(np.all(np.isfinite(g)) for g in grads.values())
    dZ = forward_stable(case, parameters, X, masks) - Y
    np.testing.assert_allclose(
        grads[f"b{L}"], np.sum(dZ, axis=1, keepdims=True) / case.m, rtol=1e-12, atol=1e-12
    )


def forward_stable(case: Case, p: Parameters, X: Any, masks: list[Any]) -> Any:
    Z = (
        forward_by_hand(case, {**p, f"b{len(case.layers) - 1}": 0.0}, X, masks)[0][-1]
        + p[f"b{len(case.layers) - 1}"]
    )
    if case.output == "softmax":
        return by_hand_softmax(Z)
    e = np.exp(-np.abs(Z))
    return np.where(Z > 0, 1, e) / (1 + e)


@given(cases())
def test_a_step_of_a_network_is_the_courses_step(case: Case) -> None:
    """`Network.fit` for one epoch: W - learning_rate * dW, with the masks that its stream draws."""
    parameters, X, Y, _ = case.draw()
    network = Network(
        case.layers,
        [*case.activations, case.output],
        lambd=case.lambd,
        keep_prob=case.keep_prob,
        optimizer=GradientDescent(0.1),
        seed=case.seed,
    )
    network.parameters = parameters
    stream = np.random.RandomState(case.seed)
    initialize_parameters(case.layers, "he", stream)  # what the network drew first
    masks = [
        stream.rand(n, case.m) < case.keep_prob if case.keep_prob < 1 else 1.0 for n in case.layers[1:-1]
    ]
    expected, sizes = backward_by_hand(case, parameters, X, Y, masks)
    network.fit(X, Y, epochs=1)
    for name, value in network.parameters.items():
        bound = 1e-12 * sizes[name] + 1e-15 * np.abs(parameters[name])
        assert np.all(np.abs(value - (parameters[name] - 0.1 * expected[name])) <= bound), name
    np.testing.assert_allclose(
        network.history["cost"], [cost_by_scipy(case, parameters, X, Y, masks)], rtol=1e-12, atol=1e-15
    )
