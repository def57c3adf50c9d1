"""`Network(batch_norm=True)`: the course's formulas, PyTorch's numbers, and what is saved of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special

from tinygrad_course import functions, graph, stop_gradient
from tinygrad_course.optimizers import Adam, GradientDescent
from tinygrad_course.training import EarlyStopping, InterruptedRun, Network, fit

RNG = np.random.RandomState(0)
X = 3 * RNG.randn(2, 40) + 1
Y = ((X[:1] - 1) * (X[1:] - 1) > 0).astype(int)


def network(**changes: Any) -> Network:
    settings = {"activations": "tanh", "optimizer": Adam(0.05), "seed": 1, "batch_norm": True}
    return Network(**{"layers": [2, 6, 5, 1], **settings, **changes})


def by_hand(p: Any, X: Any, statistics: Any) -> Any:
    """The forward pass of course 2, week 3; `statistics` gives mean and variance of layer l and its Z."""
    A = X
    for l in (1, 2):
        Z = np.dot(p[f"W{l}"], A)
        mu, sigma2 = statistics(l, Z)
        Z_norm = (Z - mu) / np.sqrt(sigma2 + 1e-5)
        A = np.tanh(p[f"gamma{l}"] * Z_norm + p[f"beta{l}"])
    return special.expit(np.dot(p["W3"], A) + p["b3"])


def of_the_batch(_: int, Z: Any) -> Any:
    return np.mean(Z, axis=1, keepdims=True), np.var(Z, axis=1, keepdims=True)


def test_its_parameters_are_the_courses() -> None:
    net, plain = network(), network(batch_norm=False)
    names = [f"{kind}{l}" for l in (1, 2) for kind in ("W", "gamma", "beta", "mean", "variance")]
    assert list(net.parameters) == [*names, "W3", "b3"]
    for name in ("W1", "W2", "W3"):
        np.testing.assert_array_equal(net.parameters[name], plain.parameters[name])
    assert list(network(batch_norm=[False, True]).parameters)[:4] == ["W1", "b1", "W2", "gamma2"]
    assert {v.dtype for v in network(dtype=np.float32).fit(X, Y, epochs=3).parameters.values()} == {
        np.dtype(np.float32)
    }


def test_training_normalises_by_the_batch_and_prediction_by_the_running_mean() -> None:
    net = network(optimizer=GradientDescent(0.1)).fit(X, Y, epochs=7)
    p = net.parameters
    running = lambda l, _: (p[f"mean{l}"], p[f"variance{l}"])  # noqa: E731
    np.testing.assert_allclose(net.predict_proba(X), by_hand(p, X, running), rtol=1e-13)
    A = by_hand(p, X, of_the_batch)
    J = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    assert net.record(X, Y).item() == pytest.approx(J, rel=1e-13)
    assert net.cost(X, Y) != net.record(X, Y).item()
    names = {node.name for node in graph(net.record(X, Y))}
    assert {"Z1", "Z_tilde1", "A1", "gamma1", "beta2"} <= names


@pytest.mark.parametrize("batch_size", [None, 16])
def test_the_running_mean_is_that_of_the_batches_in_turn(batch_size: int | None) -> None:
    """Its first value is the first batch's own; then 0.9 of it stays."""
    seen: list[Any] = []

    def cost(p: Any, X: Any, Y: Any) -> Any:
        Z1 = np.dot(stop_gradient(p["W1"]), X)
        seen.append((np.mean(Z1, axis=1, keepdims=True), np.var(Z1, axis=1, keepdims=True)))
        A, running = net._computes.train(p, X)
        return functions.binary_cross_entropy(A, Y), running

    net = network(keep_prob=1.0, optimizer=GradientDescent(0.1))
    start = net._computes.begun(net.parameters, X[:, :batch_size])
    run = fit(cost, start, X, Y, GradientDescent(0.1), epochs=4, batch_size=batch_size, rng=5)
    mean, variance = start["mean1"], start["variance1"]
    for one, other in seen:
        mean, variance = 0.9 * mean + 0.1 * one, 0.9 * variance + 0.1 * other
    assert len(seen) == 4 * (3 if batch_size else 1)
    np.testing.assert_allclose(run.parameters["mean1"], mean, rtol=1e-12)
    np.testing.assert_allclose(run.parameters["variance1"], variance, rtol=1e-12)


def torch_model(net: Network) -> Any:
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(
        torch.nn.Linear(2, 6), torch.nn.BatchNorm1d(6), torch.nn.Tanh(),
        torch.nn.Linear(6, 5, bias=False), torch.nn.BatchNorm1d(5), torch.nn.Tanh(), torch.nn.Linear(5, 1),
    ).double()  # fmt: skip
    p = net.parameters
    with torch.no_grad():
        for place, kind, name in (
            (0, "weight", "W1"), (1, "weight", "gamma1"), (1, "bias", "beta1"), (3, "weight", "W2"),
            (4, "weight", "gamma2"), (4, "bias", "beta2"), (6, "weight", "W3"), (6, "bias", "b3"),
        ):  # fmt: skip
            value = getattr(model[place], kind)
            value.copy_(torch.from_numpy(p[name].reshape(value.shape)))
    return model


def test_it_trains_as_pytorch_does() -> None:
    """The bias before batch norm has no gradient, so that a model that has one comes to the same."""
    torch = pytest.importorskip("torch")
    net = network(optimizer=GradientDescent(0.5))
    model = torch_model(net)
    descent = torch.optim.SGD(model.parameters(), 0.5)
    inputs, labels = torch.from_numpy(X.T.copy()), torch.from_numpy(Y.T.astype(float))
    costs = []
    for _ in range(20):
        descent.zero_grad()
        J = torch.nn.functional.binary_cross_entropy_with_logits(model(inputs), labels)
        J.backward()
        descent.step()
        costs.append(J.item())
    net.fit(X, Y, epochs=20)
    np.testing.assert_allclose(net.history["cost"], costs, rtol=1e-10)
    np.testing.assert_allclose(net.parameters["W1"], model[0].weight.detach().numpy(), rtol=1e-8)
    np.testing.assert_allclose(net.parameters["gamma2"].ravel(), model[4].weight.detach().numpy(), rtol=1e-8)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("engine", [True, "machine"])
def test_compiled_it_is_the_same(engine: Any) -> None:
    if engine == "machine":
        pytest.importorskip("llvmlite", reason="the extra fast brings llvmlite")
    a, b = network(keep_prob=0.8), network(keep_prob=0.8)
    a.fit(X, Y, epochs=10, batch_size=16)
    b.fit(X, Y, epochs=10, batch_size=16, compile=engine)
    for name, value in a.parameters.items():
        np.testing.assert_allclose(b.parameters[name], value, rtol=1e-7, atol=1e-10)


def test_it_learns_and_is_saved_whole(tmp_path: Path) -> None:
    net = network(lambd=0.01).fit(X, Y, epochs=150, batch_size=20)
    assert net.score(X, Y) > 0.9
    again = Network.load(net.save(tmp_path / "net.h5"))
    assert again.batch_norm == (True, True)
    np.testing.assert_array_equal(again.predict_proba(X), net.predict_proba(X))
    np.testing.assert_array_equal(
        again.fit(X, Y, epochs=5).predict_proba(X), net.fit(X, Y, epochs=5).predict_proba(X)
    )
    other = Network.of(net.parameters, net.activations)
    np.testing.assert_array_equal(other.predict_proba(X), net.predict_proba(X))
    before = other.parameters["mean1"]
    after = other.fit(X, Y, epochs=1).parameters["mean1"]  # it goes on from the means that it was given
    np.testing.assert_allclose(
        after, 0.9 * before + 0.1 * np.mean(net.parameters["W1"] @ X, 1, keepdims=True)
    )


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    def stop(run: Any) -> None:
        if run.epoch == 7:
            raise KeyboardInterrupt

    options = {"epochs": 20, "batch_size": 16, "checkpoint": tmp_path / "run.h5", "every": 5}
    with pytest.raises(InterruptedRun):
        network().fit(X, Y, callbacks=stop, **options)
    there = network().fit(X, Y, **options)
    whole = network().fit(X, Y, epochs=20, batch_size=16)
    for name, value in whole.parameters.items():
        np.testing.assert_array_equal(there.parameters[name], value)


def test_the_best_epochs_running_means_are_kept() -> None:
    held = (X[:, 30:], Y[:, 30:])
    net = network(optimizer=Adam(0.3)).fit(
        X[:, :30], Y[:, :30], epochs=60, validation=held, early_stopping=EarlyStopping(60)
    )
    best = min(net.history["validation_cost"])
    assert net.cost(*held) == best < net.history["validation_cost"][-1]


def test_what_a_cost_may_return() -> None:
    for wrong in (lambda p, X, Y: (np.sum(p["w"]), X), lambda p, X, Y: (np.sum(p["w"]), {}, 1)):
        with pytest.raises(TypeError, match="expected J alone, or J and a dict of parameters"):
            fit(wrong, {"w": np.ones(2)}, X, Y, GradientDescent(0.1), epochs=1)
    with pytest.raises(ValueError, match=r"parameters are called \['W1'\]; expected W1, b1"):
        Network.of({"W1": np.ones((1, 2))}, ["sigmoid"])


def test_onnx_predicts_the_same(tmp_path: Path) -> None:
    ort = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    for dtype, bound in ((np.float64, 1e-12), (np.float32, 1e-6)):
        net = network(layers=[2, 6, 5, 3], dtype=dtype).fit(X, Y, epochs=30)
        path = net.export_onnx(tmp_path / "net.onnx")
        session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
        (found,) = session.run(None, {"X": X.astype(dtype)})
        np.testing.assert_allclose(found, net.predict_proba(X), rtol=0, atol=bound)
