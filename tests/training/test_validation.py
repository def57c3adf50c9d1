"""Validation data, metrics, early stopping and callbacks in `fit` and `Network`; and saving that fails."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygrad_course import Tensor, files
from tinygrad_course.functions import binary_cross_entropy, linear, sigmoid, tanh
from tinygrad_course.training import (
    Adam,
    EarlyStopping,
    GradientDescent,
    InterruptedRun,
    Network,
    Run,
    fit,
    initialize_parameters,
    load,
    metrics,
    save,
)
from tinygrad_course.training.plots import plot_confusion, plot_history, plot_wrong

RNG = np.random.RandomState(0)
X, X_held = RNG.randn(2, 30), RNG.randn(2, 40)
# A third of the labels is noise: a network learns them by heart, and the held-out cost goes up again.
Y, Y_held = ((x[:1] * x[1:] > 0) ^ (RNG.rand(1, x.shape[1]) < 0.3) for x in (X, X_held))
START = initialize_parameters([2, 12, 1], "he", rng=3)


def forward(p: Any, X: Any) -> Any:
    return sigmoid(linear(p["W2"], tanh(linear(p["W1"], X, p["b1"])), p["b2"]))


def cost(p: Any, X: Any, Y: Any) -> Any:
    return binary_cross_entropy(forward(p, X), Y)


def accuracy(p: Any, X: Any, Y: Any) -> float:
    return float(np.mean((forward(p, X) > 0.5) == Y))


def train(**options: Any) -> Run:
    return fit(cost, START, X, Y, Adam(0.05), **{"epochs": 40, **options})


def same(a: Any, b: Any) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def test_what_is_measured_is_measured_after_each_epoch() -> None:
    seen: list[Any] = []
    run = train(
        validation=(X_held, Y_held),
        metrics={"accuracy": accuracy},
        callbacks=[lambda run: seen.append(run.parameters), lambda run: None],
    )
    plain = train()
    assert same(run.parameters, plain.parameters)  # looking changes nothing
    assert run.history["cost"] == plain.history["cost"]
    for name, values in (
        ("validation_cost", [float(cost(p, X_held, Y_held)) for p in seen]),
        ("accuracy", [accuracy(p, X, Y) for p in seen]),
        ("validation_accuracy", [accuracy(p, X_held, Y_held) for p in seen]),
    ):
        np.testing.assert_allclose(run.history[name], values, rtol=1e-13)
    assert list(run.history) == ["cost", "last_batch", "validation_cost", "accuracy", "validation_accuracy"]


def test_the_cost_of_validation_data_is_finite_where_the_network_is_sure() -> None:
    run = fit(
        lambda p, X, Y: binary_cross_entropy(sigmoid(p["w"] * X), Y),
        {"w": np.array([[1.0]])},
        np.array([[1.0, 2.0]]),
        np.array([[1, 1]]),
        GradientDescent(0.1),
        epochs=2,
        validation=(np.array([[1e4]]), np.array([[0]])),
    )
    assert all(1e3 < J < 1e5 for J in run.history["validation_cost"])


@pytest.mark.long
@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("patience", [1, 5, 20])
def test_it_stops_early_with_the_best_parameters(patience: int, batch_size: int | None) -> None:
    seen: list[Any] = []
    options: dict[str, Any] = {"validation": (X_held, Y_held), "batch_size": batch_size, "epochs": 300}
    whole = train(**options, callbacks=lambda run: seen.append(run.parameters))
    run = train(**options, early_stopping=patience)
    held = whole.history["validation_cost"]
    # by hand: the first epoch after which `patience` epochs brought nothing below the lowest
    end = next((e for e in range(patience, 300) if min(held[: e + 1]) == min(held[: e + 1 - patience])), 299)
    best = int(np.argmin(held[: end + 1]))
    assert run.epoch == end + 1 < 300
    assert run.best_epoch == best + 1
    assert run.history["validation_cost"] == held[: end + 1]
    assert same(run.parameters, seen[best])
    assert repr(run).startswith(f"<Run: {end + 1} epochs, best after {best + 1}, cost ")


def test_without_an_early_end_the_best_parameters_come_back_too() -> None:
    seen: list[Any] = []
    run = train(
        epochs=60,
        validation=(X_held, Y_held),
        early_stopping=1000,
        callbacks=lambda run: seen.append(run.parameters),
    )
    assert run.best_epoch is not None
    assert run.best_epoch < run.epoch == 60
    assert same(run.parameters, seen[run.best_epoch - 1])


def test_another_column_can_be_watched() -> None:
    how = EarlyStopping(5, monitor="validation_accuracy", largest=True, smallest_change=0.01)
    run = train(epochs=300, validation=(X_held, Y_held), metrics={"accuracy": accuracy}, early_stopping=how)
    shares = run.history["validation_accuracy"]
    assert run.best_epoch is not None
    assert shares[run.best_epoch - 1] >= max(shares) - 0.01
    assert run.epoch - run.best_epoch == 5
    with pytest.raises(ValueError, match="monitor is 'score', and the history has 'cost', 'last_batch'"):
        train(early_stopping=EarlyStopping(5, "score"))
    with pytest.raises(ValueError, match="patience is 0"):
        train(early_stopping=0)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("midway", [1, 4, 9, 30])
def test_a_run_that_stops_early_is_resumed(tmp_path: Path, midway: int) -> None:
    options: dict[str, Any] = {"validation": (X_held, Y_held), "early_stopping": 6, "batch_size": 8}
    whole = train(**options, epochs=300)
    train(**options, epochs=midway, checkpoint=tmp_path / "run.h5")
    for _ in range(2):  # the second time there is nothing left to do
        run = train(**options, epochs=300, checkpoint=tmp_path / "run.h5")
        assert run.history == whole.history
        assert run.best_epoch == whole.best_epoch
        assert same(run.parameters, whole.parameters)


def test_a_nan_is_never_the_best() -> None:
    values = iter([np.nan, 3.0, np.nan, 2.0, 5.0, np.nan, np.nan])
    run = train(metrics={"odd": lambda p, X, Y: next(values)}, early_stopping=EarlyStopping(3, "odd"))
    assert (run.best_epoch, run.epoch) == (4, 7)


def test_fresh_numbers_for_a_compiled_cost() -> None:
    """Noise that is drawn outside the cost: the compiled run is the recorded one, to the last bit or so."""

    def noisy(p: Any, X: Any, Y: Any, noise: Any) -> Any:
        return cost(p, X + noise, Y)

    def run(compile: bool) -> Run:
        rng = np.random.RandomState(5)
        options: dict[str, Any] = {"draw": lambda m: (0.1 * rng.randn(2, m),), "evaluate": cost}
        return fit(noisy, START, X, Y, "adam", epochs=5, batch_size=9, compile=compile, **options)

    np.testing.assert_allclose(run(True).history["cost"], run(False).history["cost"], rtol=1e-12)


# ------------------------------------------------------------------ the network


def test_a_network_with_validation_stops_early() -> None:
    net = Network([2, 12, 1], "tanh", optimizer="adam", seed=1, keep_prob=0.9)
    net.optimizer = Adam(0.05)
    net.fit(X, Y, epochs=400, validation=(X_held, Y_held), early_stopping=15)
    held = net.history["validation_cost"]
    assert len(held) == net.epoch < 400
    assert net.cost(X_held, Y_held) == pytest.approx(min(held), rel=1e-12)
    assert net.score(X_held, Y_held) == net.history["validation_score"][int(np.argmin(held))]
    assert len(net.history["score"]) == net.epoch


def test_a_network_with_dropout_compiles() -> None:
    def run(compile: bool) -> Network:
        net = Network([2, 6, 5, 1], "relu", optimizer=Adam(0.01), keep_prob=[0.5, 1.0], lambd=0.1, seed=2)
        return net.fit(X, Y, epochs=6, batch_size=16, compile=compile)

    plain, fast = run(False), run(True)
    np.testing.assert_allclose(fast.history["cost"], plain.history["cost"], rtol=1e-11)


def test_a_regression() -> None:
    line = np.array([[2.0, -1.0], [0.5, 0.0], [1.0, 1.0]])
    target = line @ X + 3
    net = Network([2, 3], ["identity"], optimizer=GradientDescent(0.3), seed=1)
    net.fit(X, target, epochs=400)
    np.testing.assert_allclose(net.parameters["W1"], line, atol=1e-6)
    np.testing.assert_allclose(net.predict(X), target, atol=1e-5)
    assert net.score(X, target) == pytest.approx(1.0)
    assert net.cost(X, target) == pytest.approx(np.mean((net.predict(X) - target) ** 2), abs=1e-15)
    assert Network([2, 3], ["identity"], lambd=0.5, seed=1).cost(X, target) > 0
    with pytest.raises(ValueError, match=r"Y is \(30, 3\); expected \(3, 30\).*Y\.T"):
        net.fit(X, target.T)
    with pytest.raises(ValueError, match="has no classes"):
        net.confusion_matrix(X, target)


def test_a_regression_of_unsigned_integers() -> None:
    """-Y of a uint8 1 is 255."""
    counts = np.arange(30, dtype=np.uint8).reshape(1, 30)
    net = Network([2, 1], ["identity"], seed=1).fit(X, counts, epochs=3)
    other = Network([2, 1], ["identity"], seed=1).fit(X, counts.astype(float), epochs=3)
    assert same(net.parameters, other.parameters)


def test_a_confusion_matrix_counts() -> None:
    classes = RNG.randint(0, 3, (1, 30))
    net = Network([2, 8, 3], "relu", optimizer=Adam(0.05), seed=2).fit(X, classes, epochs=30)
    matrix = net.confusion_matrix(X, classes)
    for i, j in np.ndindex(3, 3):
        assert matrix[i, j] == np.sum((classes == i) & (net.predict(X) == j))
    assert np.trace(matrix) / 30 == net.score(X, classes)
    two = Network([2, 1]).confusion_matrix(X, np.zeros((1, 30)))
    assert two.shape == (2, 2)
    assert two[1].tolist() == [0, 0]
    sklearn_metrics = pytest.importorskip("sklearn.metrics")
    np.testing.assert_array_equal(matrix, sklearn_metrics.confusion_matrix(classes[0], net.predict(X)[0]))
    target, given = RNG.randn(1, 30), RNG.randn(1, 30)
    assert metrics.r2(target, given) == pytest.approx(sklearn_metrics.r2_score(target[0], given[0]))
    with pytest.raises(ValueError, match=r"\(1, 30\).*\(30,\)"):
        metrics.accuracy(classes, classes[0])
    with pytest.raises(ValueError, match="there are 2 classes, 0 to 1, and a label is 2"):
        metrics.confusion_matrix([0, 2], [0, 1], 2)
    with pytest.raises(ValueError, match=r"whole numbers, and not 0\.25; is it a probability"):
        metrics.confusion_matrix([0, 1], [0.25, 0.75])


def test_histories_of_two_fits_are_one() -> None:
    net = Network([2, 4, 1], seed=1).fit(X, Y, epochs=3)
    net.fit(X, Y, epochs=2, validation=(X_held, Y_held))
    assert len(net.history["cost"]) == net.epoch == 5
    assert np.isnan(net.history["validation_cost"]).tolist() == [True, True, True, False, False]
    net.fit(X, Y, epochs=1)
    assert np.isnan(net.history["validation_cost"]).tolist() == [True] * 3 + [False] * 2 + [True]


# ------------------------------------------------------------------ pictures


def test_pictures_of_a_training(tmp_path: Path) -> None:
    run = train(validation=(X_held, Y_held), metrics={"accuracy": accuracy}, early_stopping=5)
    figure = run.plot(tmp_path / "history.png")
    assert [axes.get_ylabel() for axes in figure.axes] == ["cost", "accuracy"]
    assert len(figure.axes[0].get_lines()[0].get_xdata()) == run.epoch  # an epoch a point
    assert (tmp_path / "history.png").read_bytes().startswith(b"\x89PNG")
    plot_history({"cost": [0.5]})
    plot_confusion([[3, 1], [0, 4]], tmp_path / "confusion.svg", classes=["no cat", "cat"])
    pictures = RNG.rand(12, 20)
    labels, predicted = RNG.randint(0, 2, (1, 20)), RNG.randint(0, 2, (1, 20))
    figure = plot_wrong(pictures, labels, predicted, (2, 2, 3), tmp_path / "wrong.png", most=50)
    wrong = np.flatnonzero(labels != predicted)
    assert [int(axes.get_title().split(":")[0]) for axes in figure.axes] == wrong.tolist()
    shown = figure.axes[0].images[0].get_array()
    np.testing.assert_array_equal(shown, pictures[:, wrong[0]].reshape(2, 2, 3))
    with pytest.raises(ValueError, match=r"X is \(12, 20\) and a picture \(2, 2\), 4 numbers"):
        plot_wrong(pictures, labels, predicted, (2, 2))
    assert not plot_wrong(pictures, labels, labels, (2, 2, 3)).axes


# ------------------------------------------------------------------ saving that fails


def full_disk(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let nothing be written into a folder any more."""
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").resolve().is_relative_to(folder):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(files.os, "fsync", fsync)


def test_a_full_disk_loses_no_finished_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full_disk(monkeypatch, tmp_path)
    aside = tmp_path.parent / f"{tmp_path.name}-aside"
    aside.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(aside))
    with pytest.warns(RuntimeWarning, match=r"run\.h5 could not be written .*No space left.*saved as") as w:
        run = train(checkpoint=tmp_path / "run.h5")
    assert same(run.parameters, train().parameters)
    (rescued,) = aside.iterdir()
    assert str(rescued) in str(w[0].message)
    assert same(load(rescued).parameters, train().parameters)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_everywhere_returns_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.warns(RuntimeWarning, match=r"and save\(path, run\.parameters, state=run\.state\)"):
        run = train(checkpoint=tmp_path / "run.h5", early_stopping=3)
    monkeypatch.undo()
    assert same(load(save(tmp_path / "other.h5", run.parameters, state=run.state)).parameters, run.parameters)
    assert same(run.parameters, train(early_stopping=3).parameters)


def test_a_save_midway_that_fails_does_not_end_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = iter([True, True, False, False])
    real = os.fsync

    def sometimes(descriptor: int) -> None:
        if next(fails):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(files.os, "fsync", sometimes)
    with pytest.warns(RuntimeWarning, match=r"after epoch (10|20) the run was not saved .*run\.h5.*goes on"):
        run = train(checkpoint=tmp_path / "run.h5", every=10)
    assert same(run.parameters, train().parameters)
    assert load(tmp_path / "run.h5").epoch == 40


def test_ctrl_c_on_a_full_disk_keeps_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full_disk(monkeypatch, tmp_path)

    def stop(run: Run) -> None:
        if run.epoch == 7:
            raise KeyboardInterrupt

    with pytest.raises(InterruptedRun, match=r"could not be saved .*No space left.* \.run") as caught:
        train(checkpoint=tmp_path / "run.h5", callbacks=stop)
    assert caught.value.run.epoch == 7


@pytest.mark.parametrize("fresh", [True, False])
def test_a_read_only_folder_is_noticed_before_the_first_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: bool
) -> None:
    if not fresh:
        train(epochs=3, checkpoint=tmp_path / "run.h5")
    real = Path.open

    def read_only(self: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if "x" in mode:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))
        return real(self, mode, *rest, **more)

    monkeypatch.setattr(Path, "open", read_only)

    def forbidden(p: Any, X: Any, Y: Any) -> Any:
        raise AssertionError("an epoch was begun")

    with pytest.raises(OSError, match=r"Read-only file system.*run\.h5"):
        fit(forbidden, START, X, Y, Adam(0.05), epochs=40, checkpoint=tmp_path / "run.h5")


def test_what_can_not_be_saved_is_noticed_before_the_first_epoch(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"setup holds .*object.*JSON"):
        train(checkpoint=tmp_path / "run.h5", setup={"what": object()})
    assert list(tmp_path.iterdir()) == []


def test_numpys_numbers_in_a_setup(tmp_path: Path) -> None:
    setup = {"n": np.int64(3), "rate": np.float32(0.5), "on": np.True_, "sizes": np.array([2, 3])}
    path = save(tmp_path / "run.h5", START, setup={**setup, "path": tmp_path})
    assert load(path).setup == {"n": 3, "rate": 0.5, "on": True, "sizes": [2, 3], "path": str(tmp_path)}
    train(epochs=2, checkpoint=tmp_path / "other.h5", setup=setup)
    assert train(epochs=4, checkpoint=tmp_path / "other.h5", setup=setup).epoch == 4


def test_what_a_file_would_change_is_refused(tmp_path: Path) -> None:
    masked = np.ma.array([[1.0, 2.0]], mask=[[False, True]])
    with pytest.raises(TypeError, match=r"parameters/W1 is a masked array.*filled"):
        save(tmp_path / "run.h5", {"W1": masked})
    with pytest.raises(TypeError, match=r"parameters/W1 is a Tensor, and a checkpoint .*: write its \.data$"):
        save(tmp_path / "run.h5", {"W1": Tensor([1.0])})
    with pytest.raises(TypeError, match=r"history/cost is a masked array"):
        save(tmp_path / "run.h5", START, history={"cost": np.ma.array([1.0])})
    for epoch in (1.5, "3", np.float64(2)):
        with pytest.raises(TypeError, match="expected how many epochs were done, a whole number"):
            save(tmp_path / "run.h5", START, epoch=epoch)
    with pytest.raises(ValueError, match="epoch is -1"):
        save(tmp_path / "run.h5", START, epoch=-1)
    assert load(save(tmp_path / "run.h5", START, epoch=np.int64(7))).epoch == 7


@pytest.mark.long
def test_ten_thousand_arrays(tmp_path: Path) -> None:
    nest = {f"W{i}": np.full((3, 2), i) for i in range(10_000)}
    path = save(tmp_path / "run.h5", nest)
    found = load(path).parameters
    assert list(found) == list(nest)
    assert all(np.array_equal(found[name], value) for name, value in nest.items())


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"epochs": 2.5}, ValueError, r"epochs=2\.5 .*whole numbers"),
        ({"validation": 0.2}, TypeError, r"^validation is a float; expected the pair"),
        ({"validation": X}, TypeError, r"^validation is a ndarray; expected the pair"),
        ({"early_stopping": "yes"}, TypeError, r"early_stopping is 'yes'; expected a number of epochs"),
        ({"validation": (X.T, np.zeros((1, X.shape[1])))}, ValueError, r"validation: X is"),
        ({"batch_size": 0}, ValueError, r"batch_size is 0; expected"),
    ],
)
def test_what_is_no_setting_of_a_training_is_told(
    wrong: dict[str, Any], error: type[Exception], message: str
) -> None:
    network = Network([X.shape[0], 1])
    with pytest.raises(error, match=message):
        network.fit(X, np.zeros((1, X.shape[1])), **{"epochs": 2, "show": False, **wrong})


def test_labels_of_text_and_no_callbacks() -> None:
    network, Y = Network([X.shape[0], 1]), np.zeros((1, X.shape[1]))
    with pytest.raises(TypeError, match=r"Y is an array of <U3.*\(Y == 'cat'\) \* 1 has 0 and 1"):
        network.fit(X, np.full(Y.shape, "cat"))
    assert network.fit(X, Y, epochs=1, callbacks=None, show=False).epoch == 1


def test_a_metric_is_a_function() -> None:
    with pytest.raises(TypeError, match=r"metrics\['a'\] is 'accuracy'; expected a function"):
        train(metrics={"a": "accuracy"})
