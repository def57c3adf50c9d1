"""The programs beyond the course: their parts, and what the short run of each says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models import characters, gpt, heat, lenet, oscillator
from models.course import convolution, recurrent
from tests.compiling.interpreted import interpreted
from tests.functions.differences import check_derivatives
from tinygrad_course import CannotCompile, compiled, value_and_grad, vjp
from tinygrad_course.autodiff import flatten
from tinygrad_course.compiling.machine import jit


def test_the_loops_over_windows_are_the_matrix_product() -> None:
    rng = np.random.RandomState(0)
    A_prev, W, b = rng.randn(2, 5, 6, 3), rng.randn(3, 3, 3, 4), rng.randn(1, 1, 1, 4)
    for stride, pad in ((1, 0), (2, 1), (3, 2)):
        sizes = {"stride": stride, "pad": pad}
        Z, cache = convolution.conv_forward(A_prev, W, b, sizes)
        np.testing.assert_allclose(Z, convolution.conv(A_prev, W, b, stride, pad), rtol=1e-12, atol=1e-12)
        dZ = rng.randn(*Z.shape)
        dA_prev, dW, db = convolution.conv_backward(dZ, cache)
        np.testing.assert_allclose(db.ravel(), dZ.sum(axis=(0, 1, 2)))
        h = 1e-6
        direction = rng.randn(*W.shape)
        up, down = (convolution.conv_forward(A_prev, W + s * h * direction, b, sizes)[0] for s in (1, -1))
        np.testing.assert_allclose(np.sum(dW * direction), np.sum(dZ * (up - down)) / (2 * h), rtol=1e-6)
        assert dA_prev.shape == A_prev.shape
    for mode in ("max", "average"):
        A, cache = convolution.pool_forward(A_prev, {"f": 2, "stride": 2}, mode)
        dA = rng.randn(*A.shape)
        dA_prev = convolution.pool_backward(dA, cache, mode)
        np.testing.assert_allclose(dA_prev.sum(), dA.sum())
        if mode == "max":
            assert np.count_nonzero(dA_prev) == dA.size


def test_the_course_s_rnn_backward_formula() -> None:
    """Course 5, week 1: dtanh = (1 - a_next^2) da_next, and the five products."""
    rng = np.random.RandomState(1)
    p = {"Wax": rng.randn(5, 3), "Waa": rng.randn(5, 5), "Wya": rng.randn(2, 5)}
    p |= {"ba": rng.randn(5, 1), "by": rng.randn(2, 1)}
    x, a0 = rng.randn(3, 10, 4), rng.randn(5, 10)
    a, y, (caches, _) = recurrent.rnn_forward(x, a0, p)
    assert a.shape == (5, 10, 4)
    np.testing.assert_allclose(y.sum(axis=0), 1)
    da_next = rng.randn(5, 10)
    found = recurrent.rnn_cell_backward(da_next, caches[2])
    dtanh = (1 - caches[2][0] ** 2) * da_next
    expected = {
        "dxt": p["Wax"].T @ dtanh,
        "dWax": dtanh @ x[:, :, 2].T,
        "da_prev": p["Waa"].T @ dtanh,
        "dWaa": dtanh @ caches[2][1].T,
        "dba": dtanh.sum(axis=1, keepdims=True),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-14)


def test_the_course_s_lstm_over_time() -> None:
    rng = np.random.RandomState(1)
    x, a0, p = rng.randn(3, 10, 7), rng.randn(5, 10), {}
    for gate in ("f", "i", "o", "c"):
        p |= {"W" + gate: rng.randn(5, 8), "b" + gate: rng.randn(5, 1)}
    p |= {"Wy": rng.randn(2, 5), "by": rng.randn(2, 1)}
    a, y, c, _ = recurrent.lstm_forward(x, a0, p)
    assert a.shape == c.shape == (5, 10, 7)
    assert y.shape == (2, 10, 7)
    assert np.all(np.abs(a) <= 1)


def test_attention_backward_by_hand_is_the_graph_s() -> None:
    rng = np.random.RandomState(0)
    for T, d in ((1, 2), (4, 3), (7, 8)):
        Q, K, V, dC = (rng.randn(T, d) for _ in range(4))
        _, cache = gpt.attention_forward(Q, K, V)
        _, pullback = vjp(lambda *x: gpt.attention_forward(*x)[0], Q, K, V)
        for ours, graphs in zip(gpt.attention_backward(dC, cache), pullback(dC), strict=True):
            np.testing.assert_allclose(ours, graphs, rtol=1e-10, atol=1e-12)


COSTS: dict[str, Any] = {
    "characters rnn": lambda: (characters.cost, characters.initialize("rnn", 3), *pieces()),
    "characters lstm": lambda: (characters.cost, characters.initialize("lstm", 3), *pieces()),
    "gpt": lambda: (
        gpt.cost,
        gpt.initialize(T=5, n=4, blocks=1),
        np.array([[1, 2, 3]]),
        np.array([[2, 3, 4]]),
    ),
}


def pieces() -> Any:
    return characters.batch(characters.encode(characters.text(3)), 2, 3, np.random.RandomState(0))


@pytest.mark.parametrize("name", list(COSTS))
def test_gradients_of_the_networks(name: str) -> None:
    cost, p, X, Y = COSTS[name]()
    vector, unflatten = flatten(p)
    check_derivatives(lambda v: cost(unflatten(v), X, Y), vector)


def small_pictures() -> Any:
    X, Y, _, _ = lenet.load()
    return X[:3].astype(float), Y[:3]


def small_rods() -> Any:
    rng = np.random.RandomState(0)
    return rng.rand(heat.POINTS, 2), rng.rand(heat.POINTS, 2)


PROGRAMS: dict[str, Any] = COSTS | {
    "lenet": lambda: (lenet.cost, as_double(lenet.initialize()), *small_pictures()),
    "lenet, residual": lambda: (lenet.cost, as_double(lenet.initialize(residual=True)), *small_pictures()),
    "heat": lambda: (heat.cost, np.random.RandomState(1).randn(heat.POINTS + 1, 1), *small_rods()),
}


def as_double(p: Any) -> Any:
    return {name: value.astype(float) for name, value in p.items()}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("engine", ["numpy", "text", pytest.param("machine", marks=pytest.mark.long)])
@pytest.mark.parametrize("name", list(PROGRAMS))
def test_each_cost_compiles(name: str, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With both engines; `text` is that of the machine code, as Python."""
    if engine == "text":
        monkeypatch.setattr(jit, "compile_source", interpreted)
    elif engine == "machine":
        pytest.importorskip("llvmlite")
    cost, *arguments = PROGRAMS[name]()
    both = value_and_grad(cost)
    program = compiled(both, engine="numpy" if engine == "numpy" else "machine")
    with np.errstate(all="ignore"):
        J, gradient = program(*arguments)
    expected, recorded = both(*arguments)
    np.testing.assert_allclose(J, expected, rtol=1e-11)
    np.testing.assert_allclose(flatten(gradient)[0], flatten(recorded)[0], rtol=1e-8, atol=1e-12)


def test_a_cost_through_a_solver_says_what_to_compile() -> None:
    t, guess = np.linspace(0, 1, 3), {"omega": 1.4, "drag": 0.2}
    with pytest.raises(CannotCompile, match="compile what comes before and after"):
        compiled(value_and_grad(oscillator.cost))(guess, t, np.ones(3))


@pytest.mark.long
def test_a_short_training_lowers_each_cost() -> None:
    X, Y, X_test, Y_test = lenet.load()
    assert (len(X), len(X_test)) == (1437, 360)
    p, costs = lenet.train(lenet.initialize(residual=True), X[:300], Y[:300], epochs=4)
    assert costs[-1] < 0.6 * costs[0]
    assert lenet.accuracy(p, X_test, Y_test) > 50
    written = characters.text(50)
    for cell in ("rnn", "lstm"):
        p, costs = characters.train(characters.initialize(cell, 16), written, iterations=15, m=8, T=12)
        assert costs[-1] < 0.9 * costs[0]
        assert len(characters.sample(p, "the ", 10, np.random.RandomState(0))) == 14
    p, costs = gpt.train(gpt.initialize(T=12, n=16, blocks=1), written, iterations=40, m=8)
    assert np.mean(costs[-5:]) < 0.92 * costs[0]
    assert len(gpt.sample(p, "the ", 15, np.random.RandomState(0))) == 19


@pytest.mark.long
def test_the_oscillator_s_parameters_are_found_again() -> None:
    t, true = np.linspace(0, 3, 4), {"omega": 1.5, "drag": 0.3}
    x = oscillator.places(true, t)
    p, _ = oscillator.find(t, x, {"omega": 1.4, "drag": 0.2})
    np.testing.assert_allclose([p["omega"], p["drag"]], [1.5, 0.3], atol=1e-4)


def test_heat_flows_out_at_the_ends_and_its_conductivity_has_a_gradient() -> None:
    rng = np.random.RandomState(0)
    u, k = rng.rand(heat.POINTS, 3), np.ones((heat.POINTS + 1, 1))
    assert np.all(heat.temperatures(k, u).sum(axis=0) < u.sum(axis=0))
    insulated = np.concatenate([[[0.0]], k[1:-1], [[0.0]]])
    np.testing.assert_allclose(heat.temperatures(insulated, u).sum(axis=0), u.sum(axis=0))
    after = heat.temperatures(0.5 * k, u, 5)
    check_derivatives(lambda k: np.mean((heat.temperatures(k, u, 5) - after) ** 2), 0.7 * k)


@pytest.mark.long
@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        (lenet, ["--epochs", "1", "--residual"]),
        (characters, ["--iterations", "1", "--cell", "rnn"]),
        (gpt, ["--iterations", "1"]),
        (heat, ["--iterations", "1"]),
    ],
)
def test_each_program_runs_and_tells_what_is_wrong(program: Any, arguments: list[str], capsys: Any) -> None:
    assert program.main([*arguments, "--no-graph"]) == 0
    assert "processor time" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        program.main(["--help"])
    assert ended.value.code == 0
    assert "--no-graph" in capsys.readouterr().out


def test_numbers_that_are_none(capsys: Any) -> None:
    for program in (characters, gpt):
        assert program.main(["--iterations", "0"]) == 1
        assert "expected 1 or more" in capsys.readouterr().err
    assert value_and_grad(lenet.cost)(lenet.initialize(), *(a[:2] for a in lenet.load()[:2]))[0] > 0
