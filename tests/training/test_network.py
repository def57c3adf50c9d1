"""`Network`: what it computes, how it is trained and saved, and what it says of wrong input."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy import special

from tinygrad_course import Tensor, graph
from tinygrad_course.functions import one_hot
from tinygrad_course.optimizers import (
    Adam,
    ExponentialDecay,
    GradientDescent,
    InverseTimeDecay,
    Momentum,
)
from tinygrad_course.training import InterruptedRun, Run, checkpoints, fit
from tinygrad_course.training.checkpoints import CheckpointError
from tinygrad_course.training.initialization import initialize_parameters
from tinygrad_course.training.network import Network

X = np.random.RandomState(0).randn(2, 40)
Y = (X[:1] * X[1:] > 0).astype(int)
CLASSES = (Y + (X[:1] > 1)).astype(int)


def network(**changes: Any) -> Network:
    return Network(
        **{"layers": [2, 6, 1], "activations": "tanh", "optimizer": Adam(0.05), "seed": 1, **changes}
    )


def same(a: Network, b: Network) -> bool:
    return all(np.array_equal(value, b.parameters[name]) for name, value in a.parameters.items())


# ------------------------------------------------------------------ what it computes


def test_the_first_parameters_are_the_courses() -> None:
    for init in ("he", "xavier", "small", "zeros"):
        expected = initialize_parameters([2, 6, 1], init, rng=np.random.RandomState(5))
        for seed in (5, np.random.RandomState(5)):
            parameters = network(init=init, seed=seed).parameters
            assert all(np.array_equal(parameters[name], expected[name]) for name in expected)


def test_prediction_is_the_forward_pass_written_out() -> None:
    net = network(activations=["tanh", "sigmoid"])
    p = net.parameters
    A1 = np.tanh(np.dot(p["W1"], X) + p["b1"])
    A2 = special.expit(np.dot(p["W2"], A1) + p["b2"])
    np.testing.assert_array_equal(net.predict_proba(X), A2)
    assert net.predict(X).tolist() == (A2 > 0.5).astype(int).tolist()
    assert net.score(X, Y) == np.mean((A2 > 0.5) == Y)
    squares = np.sum(p["W1"] ** 2) + np.sum(p["W2"] ** 2)
    J = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / 40
    assert net.cost(X, Y) == pytest.approx(J, rel=1e-14)
    assert network(lambd=0.7).cost(X, Y) == pytest.approx(J + 0.7 / 80 * squares, rel=1e-14)
    assert network(keep_prob=0.5).cost(X, Y) == net.cost(X, Y)  # dropout is for training
    assert isinstance(net.cost(X, Y), float)
    assert isinstance(net.predict_proba(X), np.ndarray)


def test_the_cost_of_a_sure_network_is_finite() -> None:
    net = Network([1, 1])
    net.parameters = {"W1": np.array([[1.0]]), "b1": np.array([[0.0]])}
    assert net.cost([[1e4, -1e4]], [[0, 0]]) == 5000.0


def test_a_softmax_takes_classes_and_one_hot_columns() -> None:
    net = Network([2, 8, 3], "relu", optimizer=Adam(0.05), seed=2)
    assert net.activations == ("relu", "softmax")
    other = Network([2, 8, 3], "relu", optimizer=Adam(0.05), seed=2)
    net.fit(X, CLASSES, epochs=150)
    other.fit(X, one_hot(CLASSES, 3), epochs=150)
    assert same(net, other)
    A = net.predict_proba(X)
    np.testing.assert_allclose(np.sum(A, axis=0), 1.0, rtol=1e-14)
    assert net.predict(X).shape == (1, 40)
    assert (
        net.score(X, CLASSES)
        == net.score(X, one_hot(CLASSES, 3))
        == np.mean(net.predict(X) == CLASSES)
        > 0.95
    )
    assert net.cost(X, CLASSES) == pytest.approx(-np.mean(np.log(A[CLASSES[0], np.arange(40)])), rel=1e-13)


def test_several_sigmoids_at_the_end_are_several_questions() -> None:
    both = np.concatenate([Y, X[:1] > 0])
    net = Network([2, 8, 2], ["tanh", "sigmoid"], optimizer=Adam(0.05), seed=2).fit(X, both, epochs=300)
    assert net.predict(X).shape == (2, 40)
    assert net.score(X, both) > 0.95


def test_the_recording_has_the_courses_names() -> None:
    J = network(keep_prob=0.5, lambd=0.1).record(X, Y)
    names = {node.name for node in graph(J) if node.tensor is not None}
    assert {"W1", "b1", "Z1", "A1", "W2", "b2", "Z2", "A2", "J"} <= names
    assert J.item() == network(lambd=0.1).cost(X, Y)
    J.backward()
    assert graph(J)["W1"].gradient.shape == (6, 2)
    assert network(activations=["identity", "sigmoid"]).record(X, Y).name == "J"


def test_the_readme_length() -> None:
    """Three lines: make it, train it, ask it."""
    net = Network([2, 4, 1], "tanh", optimizer=GradientDescent(1.2), seed=3)
    net.fit(X, Y, epochs=2000)
    assert net.score(X, Y) > 0.9


# ------------------------------------------------------------------ training


def test_fit_trains_the_recorded_cost() -> None:
    net = network(lambd=0.3)
    start = dict(net.parameters)
    net.fit(X, Y, epochs=5)

    def cost(p: Any, X: Any, Y: Any) -> Any:
        A1 = np.tanh(np.dot(p["W1"], X) + p["b1"])
        Z2 = np.dot(p["W2"], A1) + p["b2"]
        squares = np.sum(p["W1"] ** 2) + np.sum(p["W2"] ** 2)
        return np.sum(np.logaddexp(0, Z2) - Y * Z2) / 40 + 0.3 / 80 * squares

    expected = fit(cost, start, X, Y, Adam(0.05), epochs=5)
    for name, value in expected.parameters.items():
        np.testing.assert_allclose(net.parameters[name], value, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(net.history["cost"], expected.history["cost"], rtol=1e-12)


@pytest.mark.parametrize("settings", [{}, {"batch_size": 16}])
def test_training_in_two_parts_is_training_in_one(settings: Any) -> None:
    whole = network(keep_prob=0.9).fit(X, Y, epochs=9, **settings)
    parts = network(keep_prob=0.9).fit(X, Y, epochs=4, **settings).fit(X, Y, epochs=5, **settings)
    assert same(whole, parts)
    assert whole.history == parts.history
    assert (whole.epoch, parts.epoch) == (9, 9)
    assert len(whole.history["cost"]) == 9


def test_dropout_layer_by_layer() -> None:
    shared = Network([2, 5, 4, 1], keep_prob=0.8, seed=1).fit(X, Y, epochs=3)
    listed = Network([2, 5, 4, 1], keep_prob=[0.8, 0.8], seed=1).fit(X, Y, epochs=3)
    first = Network([2, 5, 4, 1], keep_prob=[0.8, 1.0], seed=1).fit(X, Y, epochs=3)
    assert same(shared, listed)
    assert not same(shared, first)


@pytest.mark.parametrize("seed", [3, np.random.default_rng(3)])
def test_float32_stays_float32(seed: Any) -> None:
    net = network(dtype=np.float32, seed=seed, lambd=0.1, keep_prob=0.9).fit(X, Y, epochs=3, batch_size=16)
    assert {value.dtype for value in net.parameters.values()} == {np.dtype(np.float32)}
    assert net.predict_proba(X).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool, np.float32])
def test_labels_of_any_kind(dtype: Any) -> None:
    assert same(network().fit(X, Y.astype(dtype), epochs=3), network().fit(X, Y * 1.0, epochs=3))
    assert same(network().fit(X.tolist(), Y.tolist(), epochs=3), network().fit(X, Y, epochs=3))


def test_hdf5_datasets(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["X"], file["Y"], file["classes"] = X, Y, CLASSES
        file["bad"] = Y * 2
        for size in (None, 16):
            read = network().fit(file["X"], file["Y"], epochs=3, batch_size=size)
            expected = network().fit(X, Y, epochs=3, batch_size=size)
            for name, value in expected.parameters.items():
                np.testing.assert_allclose(read.parameters[name], value, rtol=1e-12)
        Network([2, 4, 3]).fit(file["X"], file["classes"], epochs=2, batch_size=16)
        with pytest.raises(ValueError, match=r"Y holds 2 at \[0, \d+\]; labels are 0 and 1"):
            network().fit(file["X"], file["bad"], epochs=1, batch_size=16)


def test_one_example_and_one_class_are_right() -> None:
    alone = network().fit(X[:, :1], Y[:, :1], epochs=50)
    assert alone.predict(X[:, :1]).tolist() == Y[:, :1].tolist()
    assert alone.history["cost"][-1] < alone.history["cost"][0]
    ones = network().fit(X, np.ones((1, 40)), epochs=300)
    assert ones.score(X, np.ones((1, 40))) == 1.0
    assert np.isfinite(ones.history["cost"]).all()
    three = Network([2, 4, 3], optimizer=Adam(0.05)).fit(X, np.zeros((1, 40), int), epochs=300)
    assert three.score(X, np.zeros((1, 40), int)) == 1.0


def test_logistic_regression_is_a_network_without_hidden_layers() -> None:
    net = Network([2, 1], init="zeros", optimizer=GradientDescent(0.5)).fit(X, X[:1] > 0, epochs=500)
    assert net.cost(X, X[:1] > 0) < np.log(2) / 3
    assert net.predict_proba(np.zeros((2, 1))).shape == (1, 1)


def test_ctrl_c_leaves_the_last_whole_epoch(tmp_path: Path) -> None:
    def stop(run: Run) -> None:
        if run.epoch == 3:
            raise KeyboardInterrupt

    net = network()
    with pytest.raises(InterruptedRun, match=r"after epoch 3 of 9.*run\.h5 holds the run"):
        net.fit(X, Y, epochs=9, checkpoint=tmp_path / "run.h5", callbacks=stop)
    assert net.epoch == 3
    assert same(net, network().fit(X, Y, epochs=3))
    assert same(network().fit(X, Y, epochs=9, checkpoint=tmp_path / "run.h5"), network().fit(X, Y, epochs=9))


@pytest.mark.long
def test_ctrl_c_from_the_keyboard(tmp_path: Path) -> None:
    """A process of its own gets SIGINT; it saves, says so, and ends as Ctrl-C ends a program."""
    program = """
import os, signal
import numpy as np
from tinygrad_course.training.network import Network

signal.signal(signal.SIGINT, signal.default_int_handler)  # which background jobs ignore
X = np.random.RandomState(0).randn(2, 40)
def press(run):
    if run.epoch == 5:
        os.kill(os.getpid(), signal.SIGINT)
Network([2, 4, 1]).fit(X, X[:1] > 0, epochs=100000, checkpoint="run.h5", callbacks=press)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode != 0
    assert "run.h5 holds the run up to there. Run the same program again" in done.stderr
    assert checkpoints.load(tmp_path / "run.h5").epoch in {4, 5, 6}


# ------------------------------------------------------------------ files


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "optimizer",
    [
        GradientDescent(0.1),
        Momentum(InverseTimeDecay(0.1, 0.5, every=2)),
        Adam(ExponentialDecay(0.1, 0.9), epsilon_inside=True, correct_s=False),
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", [4, np.random.default_rng(4)])
def test_a_saved_network_goes_on_where_it_was(tmp_path: Path, optimizer: Any, seed: Any) -> None:
    settings = {"lambd": 0.1, "keep_prob": [0.8, 1.0], "optimizer": optimizer, "activations": "leaky_relu"}
    net = Network([2, 5, 4, 1], seed=seed, **settings).fit(X, Y, epochs=5, batch_size=16)
    read = Network.load(net.save(tmp_path / "net.h5"))
    assert (read.layers, read.activations, read.lambd, read.keep_prob) == (
        (2, 5, 4, 1),
        net.activations,
        0.1,
        (0.8, 1.0),
    )
    assert read.optimizer == optimizer
    assert (read.epoch, read.history) == (5, net.history)
    assert same(read, net)
    net.fit(X, Y, epochs=4, batch_size=16)
    read.fit(X, Y, epochs=4, batch_size=16)
    assert same(read, net)
    assert read.history == net.history


def test_a_checkpoint_of_fit_is_a_saved_network(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    net = network(keep_prob=0.8).fit(X, Y, epochs=5, checkpoint=path)
    read = Network.load(path)
    assert same(read, net)
    assert repr(read) == "<Network 2-6-1, tanh, sigmoid, trained for 5 epochs>"
    assert same(read.fit(X, Y, epochs=3), net.fit(X, Y, epochs=3))


def test_a_network_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    whole = network(keep_prob=0.8).fit(X, Y, epochs=11, batch_size=16)
    path = tmp_path / "run.h5"
    network(keep_prob=0.8).fit(X, Y, epochs=4, batch_size=16, checkpoint=path)
    again = network(keep_prob=0.8).fit(X, Y, epochs=11, batch_size=16, checkpoint=path)
    assert same(again, whole)
    assert (again.epoch, again.history) == (11, whole.history)
    again.fit(X, Y, epochs=11, batch_size=16, checkpoint=path)  # at its end already
    assert same(again, whole)
    again.fit(X, Y, epochs=12, batch_size=16, checkpoint=path)
    assert same(again, network(keep_prob=0.8).fit(X, Y, epochs=12, batch_size=16))
    assert (again.epoch, len(again.history["cost"])) == (12, 12)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": [2, 7, 1]}, r"layers is \[2, 6, 1\] there and \[2, 7, 1\] here"),
        (
            {"activations": "relu"},
            r"activations is \['tanh', 'sigmoid'\] there and \['relu', 'sigmoid'\] here",
        ),
        ({"lambd": 0.7}, r"lambd is 0\.0 there and 0\.7 here"),
        ({"keep_prob": 0.5}, r"keep_prob is \[1\.0\] there and \[0\.5\] here"),
        ({"seed": 2}, "seed is 1 there and 2 here"),
        ({"init": "xavier"}, "init is he there and xavier here"),
        ({"optimizer": Adam(0.1)}, "optimizer is .*0.05.* there and .*0.1.* here"),
    ],
)
def test_the_checkpoint_of_another_network_is_refused(tmp_path: Path, changes: Any, message: str) -> None:
    network().fit(X, Y, epochs=2, checkpoint=tmp_path / "run.h5")
    with pytest.raises(CheckpointError, match=message) as caught:
        network(**changes).fit(X, Y, epochs=4, checkpoint=tmp_path / "run.h5")
    assert "run.h5 is the checkpoint of another run" in str(caught.value)
    assert "Give this run a file of its own, or remove that one to start over" in str(caught.value)


def test_files_that_hold_no_network(tmp_path: Path) -> None:
    checkpoints.save(tmp_path / "other.h5", {"W1": np.zeros(1)}, setup={"a": 1})
    with pytest.raises(CheckpointError, match=r"other\.h5 holds no Network"):
        Network.load(tmp_path / "other.h5")


def test_what_was_the_users_own_has_to_be_passed_again(tmp_path: Path) -> None:
    def half(n: int, n_prev: int, rng: Any) -> Any:
        return np.full((n, n_prev), 0.5)

    def slower(t: Any) -> Any:
        return 0.1 / (1 + t)

    class Steps:
        learning_rate = 0.1

        def init(self, _: Any) -> Any:
            return {}

        def update(self, parameters: Any, grads: Any, state: Any) -> Any:
            return {name: value - 0.1 * grads[name] for name, value in parameters.items()}, state

    for optimizer in (GradientDescent(slower), Steps()):
        net = network(init=half, optimizer=optimizer).fit(X, Y, epochs=2)
        path = net.save(tmp_path / "net.h5")
        with pytest.raises(CheckpointError, match=r"Network\.load\(path, optimizer=\.\.\.\)"):
            Network.load(path)
        read = Network.load(path, init=half, optimizer=optimizer)
        assert same(read.fit(X, Y, epochs=2), net.fit(X, Y, epochs=2))


# ------------------------------------------------------------------ what it says of wrong input


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"layers": [2, 0, 1]},
            ValueError,
            r"layers=\[2, 0, 1\]: layer 1 has 0 units; it needs at least one",
        ),
        ({"layers": [2]}, ValueError, "at least an input and an output layer"),
        ({"activations": ["tanh"]}, ValueError, r"layers=\[2, 6, 1\] need 2 activations"),
        ({"activations": "gelu"}, ValueError, "'gelu' is none of sigmoid, tanh, relu"),
        ({"activations": ["tanh", "relu"]}, ValueError, "the last must give probabilities"),
        ({"activations": ["tanh", "softmax"]}, ValueError, "a softmax of one unit is always 1"),
        (
            {"layers": [2, 3, 2], "activations": ["softmax", "softmax"]},
            ValueError,
            "'softmax' belongs at the end",
        ),
        ({"layers": [2, 1], "activations": "gelu"}, ValueError, "'gelu' is none of"),
        ({"activations": "rleu"}, ValueError, r"'rleu' is none of .*; did you mean relu\?"),
        ({"optimizer": "adma"}, ValueError, r"optimizer is 'adma' \(did you mean 'Adam'\?\); the names are"),
        ({"lambd": -1}, ValueError, "lambd is -1"),
        ({"keep_prob": 0}, ValueError, "keep_prob is 0;"),
        ({"keep_prob": [0.5, 0.5]}, ValueError, "one for each of the 1 hidden layers"),
        ({"layers": [2, 1], "keep_prob": 2.0}, ValueError, r"keep_prob is 2\.0"),
        ({"init": "ones"}, ValueError, "init is 'ones'; expected"),
        ({"init": "xavierr"}, ValueError, r"init is 'xavierr' \(did you mean 'xavier'\?\)"),
        ({"init": lambda n, n_prev, rng: np.zeros(n)}, ValueError, r"init\(n=\d, n_prev=2, rng\) returned"),
        ({"seed": "3"}, TypeError, "seed is '3'"),
        ({"dtype": int}, TypeError, "dtype is int64"),
        ({"activation": "relu"}, TypeError, r"^Network takes no activation; did you mean activations\?"),
        ({"learning_rate": 0.1}, TypeError, r"did you mean optimizer=GradientDescent\(learning_rate\)\?"),
        ({"batchnorm": True}, TypeError, r"did you mean batch_norm\?"),
        (
            {"verbose": True},
            TypeError,
            r"takes no verbose; it takes layers, activations, init, lambd",
        ),
    ],
)
def test_networks_that_can_not_be(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        network(**arguments)


holed = X.copy()
holed[1, 3] = np.nan


@pytest.mark.parametrize(
    ("X", "Y", "message"),
    [
        (X.T, Y, r"X is \(40, 2\), and the first layer has 2 units: .*did you mean X\.T\?"),
        (X[:1], Y, r"X is \(1, 40\), and the first layer has 2 units: examples are columns$"),
        (X[0], Y, r"X is \(40,\); expected \(2, m\)"),
        (X.reshape(2, 4, 10), Y, r"X is \(2, 4, 10\).*flattens"),
        (np.ones((2, 0)), np.ones((1, 0)), r"X is \(2, 0\): it holds no examples"),
        (holed, Y, r"X holds nan at \[1, 3\]"),
        (X * np.inf, Y, r"X holds -?inf at \[0, 0\]"),
        (X, Y.T, r"Y is \(40, 1\); expected \(1, 40\).*did you mean Y\.T\?"),
        (X, Y[0], r"Y is \(40,\).*Y\.reshape\(1, -1\)"),
        (X, Y[:, :9], r"Y is \(1, 9\); expected \(1, 40\), a label for each column of X$"),
        (X, np.ones((2, 40)), r"Y is \(2, 40\)"),
        (X, Y * 2, r"Y holds 2 at \[0, \d+\]; labels are 0 and 1"),
        (X, Y * 2 - 1, r"Y holds -1 at \[0, \d+\]; labels are 0 and 1"),
        (X, Y * 255, r"Y holds 255 at \[0, \d+\]"),
        (X, Y + 0.5, r"Y holds \d\.5 at \[0, 0\]"),
        (X, Y * np.nan, r"Y holds nan at \[0, 0\]"),
    ],
)
def test_wrong_examples_are_told(X: Any, Y: Any, message: str) -> None:
    net = network()
    start = dict(net.parameters)
    for ask in (net.fit, net.score, net.cost, net.record):
        with pytest.raises(ValueError, match=message):
            ask(X, Y)
    assert all(net.parameters[name] is start[name] for name in start)


def test_other_kinds_of_numbers_are_told() -> None:
    for wrong, kind in (
        (X.astype(complex), "complex128"),
        (X.astype(str), "<U"),
        (np.array([[None], [None]]), "object"),
    ):
        with pytest.raises(TypeError, match=f"X is an array of {kind}"):
            network().predict(wrong)
    with pytest.raises(TypeError, match=r"X is a Tensor; a network takes plain arrays"):
        network().predict(Tensor(X))


@pytest.mark.parametrize(
    ("Y", "message"),
    [
        (CLASSES + 1, "there are 3 classes, 0 to 2, and a label is 3"),
        (CLASSES - 1, "a label is -1"),
        (CLASSES.T, r"Y is \(40, 1\); expected \(3, 40\), or \(1, 40\) of classes.*did you mean Y\.T"),
        (one_hot(CLASSES, 3).T, r"Y is \(40, 3\).*did you mean Y\.T"),
        (np.ones((3, 40)), r"column 0 of Y is \[1\. 1\. 1\.\]; one-hot columns hold a single 1"),
        (one_hot(CLASSES, 3) / 2, "labels are 0 and 1"),
        (CLASSES * np.nan, r"Y holds nan"),
    ],
)
def test_wrong_classes_are_told(Y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Network([2, 4, 3]).fit(X, Y, epochs=1)
