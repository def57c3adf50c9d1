"""Normalisation, attention, recurrent cells, and the costs and activations beyond the course's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from tests.functions.differences import check_derivatives
from tinygrad_course import Tensor, grad, graph, hvp, value_and_grad
from tinygrad_course import functions as F  # noqa: N812

rng = np.random.default_rng(0)


def normal(*shape: int) -> Any:
    return rng.normal(size=shape)


# ------------------------------------------------------------------ normalisation


@pytest.mark.parametrize("axis", [-1, 0, (0, 1)])
def test_normalisation(axis: Any) -> None:
    Z, gamma, beta = normal(4, 5), normal(4, 1), normal(4, 1)
    mean, variance = Z.mean(axis=axis, keepdims=True), Z.var(axis=axis, keepdims=True)
    expected = gamma * (Z - mean) / np.sqrt(variance + 1e-5) + beta
    np.testing.assert_allclose(F.layer_norm(Z, gamma, beta, axis), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(F.batch_norm(Z, gamma, beta, axis=axis)[0], expected, rtol=1e-12, atol=1e-12)
    root = np.sqrt(np.mean(Z**2, axis=axis, keepdims=True) + 1e-5)
    np.testing.assert_allclose(F.rms_norm(Z, gamma, axis), gamma * Z / root, rtol=1e-12)
    check_derivatives(lambda Z, g, b: F.layer_norm(Z, g, b, axis), Z, gamma, beta)
    check_derivatives(lambda Z, g, b: F.batch_norm(Z, g, b, axis=axis)[0], Z, gamma, beta)
    check_derivatives(lambda Z, g: F.rms_norm(Z, g, axis), Z, gamma)


def summed(gamma: Any, Z: Any, state: Any) -> Any:
    y, state = F.batch_norm(Z, gamma, 0.0, state)
    return np.sum(y), state


def test_the_running_state_comes_to_the_mean_and_variance_and_is_used_to_predict() -> None:
    gamma, beta, state = np.ones((2, 1)), np.zeros((2, 1)), None
    for _ in range(300):
        Z = 3 + 2 * normal(2, 500)
        (_, state), _ = value_and_grad(summed, has_aux=True)(gamma, Z, state)
    assert all(type(v) is np.ndarray for v in state.values())
    np.testing.assert_allclose(state["mean"], 3, atol=0.1)
    np.testing.assert_allclose(state["variance"], 4, atol=0.2)
    one, same = F.batch_norm(np.full((2, 1), 5.0), gamma, beta, state, training=False)
    np.testing.assert_allclose(one, 1, atol=0.1)
    assert same == state
    with pytest.raises(ValueError, match="needs the state"):
        F.batch_norm(Z, gamma, beta, training=False)


# ------------------------------------------------------------------ attention


def by_hand(Q: Any, K: Any, V: Any, mask: Any) -> Any:
    scores = np.where(mask, Q @ np.swapaxes(K, -1, -2) / np.sqrt(Q.shape[-1]), -1e300)
    return special.softmax(scores, axis=-1) @ V


def test_attention_is_its_formula_and_heads_are_parts() -> None:
    Q, K, V = normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 6)
    causal = F.causal_mask(3, 5)
    np.testing.assert_allclose(F.attention(Q, K, V), by_hand(Q, K, V, True), rtol=1e-12)
    np.testing.assert_allclose(F.attention(Q, K, V, causal=True), by_hand(Q, K, V, causal), rtol=1e-12)
    parts = [
        by_hand(Q[..., 2 * h : 2 * h + 2], K[..., 2 * h : 2 * h + 2], V[..., 3 * h : 3 * h + 3], True)
        for h in (0, 1)
    ]
    np.testing.assert_allclose(F.attention(Q, K, V, heads=2), np.concatenate(parts, -1), rtol=1e-12)
    for settings in ({}, {"causal": True}, {"heads": 2, "mask": rng.random((3, 5)) < 0.7}, {"scale": 1.0}):
        check_derivatives(lambda Q, K, V, s=settings: F.attention(Q, K, V, **s), Q, K, V)


def test_a_query_that_sees_nothing_has_the_result_0_and_a_finite_gradient() -> None:
    Q, K, V = normal(3, 4), normal(5, 4), normal(5, 2)
    mask = np.ones((3, 5), bool)
    mask[1] = False
    assert not np.any(F.attention(Q, K, V, mask)[1])
    check_derivatives(lambda Q, K, V: F.attention(Q, K, V, mask), Q, K, V)
    huge = grad(lambda Q: np.sum(F.attention(1e200 * Q, K, V, mask)))(Q)
    assert np.all(np.isfinite(huge))


def test_later_positions_do_not_reach_earlier_ones() -> None:
    x = normal(6, 4)
    g = grad(lambda x: np.sum(F.attention(x, x, x, causal=True)[2]))(x)
    assert np.any(g[:3])
    assert not np.any(g[3:])


def test_embedding_adds_up_where_a_row_is_used_twice() -> None:
    E, i = normal(4, 3), np.array([[1, 1], [0, 3]])
    np.testing.assert_array_equal(F.embedding(E, i), E[i])
    g = grad(lambda E: np.sum(F.embedding(E, i)))(E)
    np.testing.assert_array_equal(g[:, 0], [1, 2, 0, 1])
    check_derivatives(lambda E: F.embedding(E, i), E)
    with pytest.raises(IndexError, match="from 0 to 4"):
        F.embedding(E, [0, 4])
    with pytest.raises(TypeError, match="whole numbers"):
        F.embedding(E, [0.5])


def test_layer_norms_of_several_arrays_at_once() -> None:
    """What one has found on its way forward is no other's on the way back, and a second way back finds it."""
    xs, g = [normal(3, 40, 64) * size for size in (1e-3, 1.0, 1e3)], normal(3, 40, 64)

    def typed(x: Any) -> Any:
        return (x - np.mean(x, -1, keepdims=True)) / np.sqrt(np.var(x, -1, keepdims=True) + 1e-5)

    tensors = [Tensor(x) for x in xs]
    normed = [F.layer_norm(t, axis=-1) for t in tensors]
    F.layer_norm(xs[1], axis=-1)  # of which nobody goes back
    J = sum(np.sum(g * y) for y in normed)
    del normed
    J.backward(retain_graph=True)
    J.backward()
    for t, x in zip(tensors, xs, strict=True):
        expected = 2 * grad(lambda x: np.sum(g * typed(x)))(x)
        np.testing.assert_allclose(t.grad, expected, rtol=1e-9, atol=1e-9 * np.max(np.abs(expected)))


# ------------------------------------------------------------------ recurrent cells

CELLS: dict[str, tuple[Any, Any]] = {
    "rnn": (F.rnn_cell, {"Wax": normal(3, 2), "Waa": normal(3, 3), "ba": normal(3, 1), "Wya": normal(2, 3)}),
    "gru": (F.gru_cell, {"W" + k: normal(3, 5) for k in "ruc"} | {"b" + k: normal(3, 1) for k in "ruc"}),
    "lstm": (F.lstm_cell, {"W" + k: normal(3, 5) for k in "fico"} | {"b" + k: normal(3, 1) for k in "fico"}),
}
for name, (_, p) in CELLS.items():
    p["by"] = normal(2, 1)
    if name != "rnn":
        p["Wy"] = normal(2, 3)


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", list(CELLS))
@pytest.mark.parametrize("every", [0, 2, 3])
def test_a_cell_over_time(name: str, every: int) -> None:
    cell, parameters = CELLS[name]
    a0, x, names = normal(3, 4), normal(2, 4, 5), list(parameters)

    def through_time(a0: Any, x: Any, *values: Any) -> Any:
        p = dict(zip(names, values, strict=True))
        _, y = F.scan(cell, (a0, 0.5 * a0) if name == "lstm" else a0, x, p, every=every)
        return y

    assert through_time(a0, x, *parameters.values()).shape == (2, 4, 5)
    check_derivatives(through_time, a0, x, *parameters.values())


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_an_lstm_over_time_is_its_cell_over_time(axis: int) -> None:
    parameters = CELLS["lstm"][1]
    a0, c0, x, names = normal(3, 4), normal(3, 4), np.moveaxis(normal(2, 4, 5), -1, axis), list(parameters)

    def by_cells(s: Any, x_t: Any, p: Any) -> Any:
        s, _, _ = F.lstm_cell(s, x_t, p)
        return s, s[0]

    def at_once(a0: Any, c0: Any, x: Any, *values: Any) -> Any:
        (a, c), y = F.lstm(x, dict(zip(names, values, strict=True)), (a0, c0), axis)
        return np.concatenate([np.moveaxis(y, axis, 0), np.stack([a * c, np.sin(c)])])

    (a, c), y = F.scan(by_cells, (a0, c0), x, parameters, axis=axis)
    found = F.lstm(x, parameters, (a0, c0), axis)
    for ours, theirs in zip((*found[0], found[1]), (a, c, y), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    check_derivatives(at_once, a0, c0, x, *parameters.values())
    zeros = np.zeros((3, 4))
    np.testing.assert_array_equal(
        F.lstm(x, parameters, axis=axis)[1], F.lstm(x, parameters, (zeros, zeros), axis)[1]
    )
    near_1 = {name: value + 9.0 * (name[0] == "b") for name, value in parameters.items()}  # the gates
    expected = grad(lambda p: np.sum(F.scan(by_cells, (a0, c0), x, p, axis=axis)[1] ** 2))(near_1)
    slopes = grad(lambda p: np.sum(F.lstm(x, p, (a0, c0), axis)[1] ** 2))(near_1)
    for name in near_1:
        np.testing.assert_allclose(slopes[name], expected[name], rtol=1e-12)
    single = {name: value.astype("f4") for name, value in parameters.items()}
    assert F.lstm(x.astype("f4") * 300, single, axis=axis)[1].dtype == np.float32  # exp overflows in silence
    with pytest.raises(ValueError, match="no time to go through along axis"):
        F.lstm(np.zeros((2, 4, 0)), parameters)
    with pytest.raises(ValueError, match=r"and b \(3, 1\), not a \(3, 4\), c \(3, 4\), Wo \(3, 5\)"):
        F.lstm(
            x.take([0], 1 if axis == 0 else 0), parameters, axis=axis
        )  # of one feature, which would broadcast
    with pytest.raises(ValueError, match=r"x is \(2, 4\); missing: Wo$"):
        F.lstm(np.zeros((2, 4)), {key: value for key, value in parameters.items() if key != "Wo"})


def test_the_course_s_rnn_cell_and_lstm_cell() -> None:
    """Course 5, week 1, the assignment's own figures: rnn_cell_forward, lstm_cell_forward."""
    random = np.random.RandomState(1)
    x, a = random.randn(3, 10), random.randn(5, 10)
    p = {"Waa": random.randn(5, 5), "Wax": random.randn(5, 3), "Wya": random.randn(2, 5)}
    p |= {"ba": random.randn(5, 1), "by": random.randn(2, 1)}
    a_next, y, _ = F.rnn_cell(a, x, p)
    expected = [0.59584544, 0.18141802, 0.61311866, 0.99808218, 0.85016201]
    np.testing.assert_allclose(a_next[4, :5], expected, rtol=1e-6)
    np.testing.assert_allclose(y[1, :3], [0.9888161, 0.01682021, 0.21140899], rtol=1e-6)
    random = np.random.RandomState(1)
    x, a, c = random.randn(3, 10), random.randn(5, 10), random.randn(5, 10)
    p = {}
    for k in ("f", "i", "o", "c"):
        p |= {"W" + k: random.randn(5, 8), "b" + k: random.randn(5, 1)}
    p |= {"Wy": random.randn(2, 5), "by": random.randn(2, 1)}
    (a_next, c_next), y, cache = F.lstm_cell((a, c), x, p)
    np.testing.assert_allclose(a_next[4, :3], [-0.66408471, 0.0036921, 0.02088357], rtol=1e-5)
    np.testing.assert_allclose(c_next[2, :3], [0.63267805, 1.00570849, 0.35504474], rtol=1e-6)
    np.testing.assert_allclose(y[1, :3], [0.79913913, 0.15986619, 0.22412122], rtol=1e-6)
    assert len(cache) == 10


def test_a_state_is_kept_only_now_and_then() -> None:
    """With `every`, what lies between is no part of the graph: it holds few nodes, whatever T."""
    cell, p = CELLS["lstm"]
    a0, x = Tensor(normal(3, 1)), normal(2, 1, 64)
    step = lambda s, x_t, p: (cell(s, x_t, p)[0], None)  # noqa: E731
    sizes = [len(list(graph(F.scan(step, (a0, a0), x, p, every=n)[0][0]))) for n in (0, 8)]
    assert sizes[1] < sizes[0] / 10


# ------------------------------------------------------------------ activations and costs

UNITS = {
    "elu": (F.elu, lambda z: np.where(z > 0, z, np.expm1(z))),
    "selu": (F.selu, lambda z: 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(z))),
    "gelu": (F.gelu, lambda z: z * stats.norm.cdf(z)),
    "gelu, tanh": (
        lambda z: F.gelu(z, approximate=True),
        lambda z: z / (1 + np.exp(-2 * np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))),
    ),
    "silu": (F.silu, lambda z: z / (1 + np.exp(-z))),
    "softplus": (F.softplus, lambda z: np.log1p(np.exp(z))),
    "hard_tanh": (F.hard_tanh, lambda z: np.clip(z, -1, 1)),
    "soft_sign": (F.soft_sign, lambda z: z / (1 + abs(z))),
    "glu": (F.glu, lambda z: z[:2] / (1 + np.exp(-z[2:]))),
}


@pytest.mark.parametrize("name", list(UNITS))
def test_units(name: str) -> None:
    ours, formula = UNITS[name]
    Z = 2 * normal(4, 5)
    np.testing.assert_allclose(ours(Z), formula(Z), rtol=1e-12, atol=1e-14)
    check_derivatives(ours, Z)
    assert ours(Z.astype("f4")).dtype == np.float32
    assert np.all(np.isfinite(grad(lambda Z: np.sum(ours(Z)))(Z * 1000)))


labels = np.array([2, 0, 1, 1])
one_hot = F.one_hot(labels, 3)


def others_of(Z: Any) -> Any:
    return sum(np.maximum(0, np.delete(z - z[y] + 1, y)).sum() for z, y in zip(Z.T, labels, strict=True)) / 4


def p_of(Z: Any) -> Any:
    return special.softmax(Z, axis=0)[labels, np.arange(4)]


COSTS = {
    "cross_entropy": (lambda Z: F.cross_entropy(Z, labels), lambda Z: -np.mean(np.log(p_of(Z)))),
    "one-hot": (lambda Z: F.cross_entropy(Z, one_hot), lambda Z: -np.mean(np.log(p_of(Z)))),
    "focal": (lambda Z: F.focal(Z, labels), lambda Z: -np.mean((1 - p_of(Z)) ** 2 * np.log(p_of(Z)))),
    "hinge": (lambda Z: F.hinge(Z, labels), others_of),
    "nll": (lambda Z: F.negative_log_likelihood(Z, labels), lambda Z: -np.mean(Z[labels, np.arange(4)])),
    "mse": (lambda Z: F.mean_squared_error(Z, one_hot), lambda Z: np.mean((Z - one_hot) ** 2)),
    "huber": (lambda Z: F.huber(Z, one_hot, 0.7), lambda Z: np.mean(special.huber(0.7, Z - one_hot))),
    "margin": (
        lambda Z: F.margin_ranking(Z[0], Z[1], np.array([1, -1, 1, 1]), 0.5),
        lambda Z: np.mean(np.maximum(0, 0.5 - np.array([1, -1, 1, 1]) * (Z[0] - Z[1]))),
    ),
}


@pytest.mark.parametrize("name", list(COSTS))
def test_costs(name: str) -> None:
    ours, formula = COSTS[name]
    Z = 2 * normal(3, 4)
    np.testing.assert_allclose(ours(Z), formula(Z), rtol=1e-12)
    check_derivatives(ours, Z)


def half_focal(Z: Any, y: Any) -> Any:
    return F.focal(Z, y, gamma=0.5)


@pytest.mark.parametrize("cost", [F.cross_entropy, F.focal, half_focal])
def test_a_cost_of_logits_is_finite_where_the_network_is_sure(cost: Any) -> None:
    for Z in (np.array([[800.0], [-800.0]]), np.array([[-800.0], [800.0]])):
        J, g = value_and_grad(lambda Z: cost(Z, [0]))(Z)
        assert np.isfinite(J)
        assert np.all(np.isfinite(g))
        assert np.all(np.isfinite(hvp(lambda Z: cost(Z, [0]))(Z, np.ones((2, 1)))))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda Z: F.cross_entropy(Z, [0, 1, 3, 0]), "from 0 to 3"),
        (lambda Z: F.cross_entropy(Z, [0, 1]), r"\(4,\) or \(1, 4\)"),
        (lambda Z: F.cross_entropy(Z, [0.5, 1, 2, 0]), "whole numbers"),
        (lambda Z: F.mean_squared_error(Z, Z[:1]), "expected one shape"),
        (lambda Z: F.margin_ranking(Z, Z, 2), "1 or -1"),
        (F.glu, "no halves"),
        (lambda Z: F.attention(Z, Z, Z, heads=3), "heads=3"),
        (lambda Z: F.attention(Z, Z[:, :2], Z), r"\(\.\.\., T_q, n\)"),
        (lambda Z: F.focal(Z, labels, gamma=-1), "gamma is -1"),
        (lambda Z: F.scan(lambda s, x, p: (s, x), 0, Z[:, :0]), "no time"),
    ],
)
def test_what_does_not_fit_is_told(call: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        call(normal(3, 4))
