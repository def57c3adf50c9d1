"""Mini-batches and the training loop: order, history, resuming, Ctrl-C, and the first NaN."""

from __future__ import annotations

import math
import re
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_course import debug
from tinygrad_course.compiling import CannotCompile
from tinygrad_course.functions import binary_cross_entropy, dropout, linear, sigmoid, tanh
from tinygrad_course.optimizers import Adam, GradientDescent, InverseTimeDecay, Momentum, Optimizer
from tinygrad_course.training import InterruptedRun, NotFiniteError, Run, fit, loop, mini_batches
from tinygrad_course.training.checkpoints import CheckpointError, load
from tinygrad_course.training.epochs import Epochs
from tinygrad_course.training.initialization import initialize_parameters

# ------------------------------------------------------------------ mini-batches


def courses_batches(X: Any, Y: Any, size: int, seed: int) -> list[tuple[Any, Any]]:
    """random_mini_batches as in the assignment: shuffle, then partition, then the short rest."""
    np.random.seed(seed)  # noqa: NPY002  (the course's own way)
    m = X.shape[1]
    permutation = list(np.random.permutation(m))  # noqa: NPY002
    X, Y = X[:, permutation], Y[:, permutation].reshape((1, m))
    whole = math.floor(m / size)
    batches = [(X[:, k * size : (k + 1) * size], Y[:, k * size : (k + 1) * size]) for k in range(whole)]
    if m % size != 0:
        batches.append((X[:, whole * size :], Y[:, whole * size :]))
    return batches


@given(st.integers(1, 40), st.integers(1, 45), st.integers(0, 2**32 - 1))
def test_the_batches_are_the_courses(m: int, size: int, seed: int) -> None:
    X, Y = np.arange(3.0 * m).reshape(3, m), np.arange(m).reshape(1, m)
    ours = list(mini_batches(X, Y, size, seed))
    expected = courses_batches(X, Y, size, seed)
    assert len(ours) == len(expected)
    for (x, y), (cx, cy) in zip(ours, expected, strict=True):
        np.testing.assert_array_equal(x, cx)
        np.testing.assert_array_equal(y, cy)
        assert x.strides == cx.strides  # sums in products are taken in the same order


def test_the_published_case() -> None:
    rng = np.random.RandomState(1)
    X, Y = rng.randn(64 * 64 * 3, 148), rng.randn(1, 148) < 0.5
    batches = list(mini_batches(X, Y, 64, rng=0))
    assert [x.shape for x, _ in batches] == [(12288, 64), (12288, 64), (12288, 20)]
    assert [y.shape for _, y in batches] == [(1, 64), (1, 64), (1, 20)]
    assert batches[0][0][0][:3].round(8).tolist() == [0.90085595, -0.7612069, 0.2344157]


def test_a_stream_goes_on_and_a_generator_will_do() -> None:
    X, Y = np.arange(20.0).reshape(1, 20), np.zeros((1, 20))
    rng = np.random.RandomState(0)
    first, second = ([x.tolist() for x, _ in mini_batches(X, Y, 7, rng)] for _ in range(2))
    assert first != second
    order = np.random.default_rng(3).permutation(20)
    drawn = np.concatenate([x for x, _ in mini_batches(X, Y, 7, np.random.default_rng(3))], axis=1)
    assert drawn[0].tolist() == order.tolist()


@pytest.mark.parametrize("size", [1, 7, 20, 64])
def test_an_hdf5_dataset_gives_the_same_batches(tmp_path: Path, size: int) -> None:
    rng = np.random.RandomState(1)
    X, Y = rng.randn(3, 20), (rng.rand(1, 20) > 0.5) * 1.0
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["X"], file["Y"] = X, Y
        file["pictures"] = X.T.reshape(20, 1, 3, 1)
        file["labels"] = Y.ravel().astype(np.uint8)
        expected = list(mini_batches(X, Y, size, 5))
        read = list(mini_batches(file["X"], file["Y"], size, 5))
        rows = list(mini_batches(file["pictures"], file["labels"], size, 5, axis=0))
        mixed = list(mini_batches(file["X"], Y, size, 5))
    for others in (read, rows, mixed):
        assert len(others) == len(expected)
        for (x, y), (ox, oy) in zip(expected, others, strict=True):
            np.testing.assert_array_equal(x, ox)
            np.testing.assert_array_equal(y, oy)
    assert rows[0][1].dtype == np.uint8


def test_a_dataset_is_read_batch_by_batch() -> None:
    """Never the whole of it: that is what files are for."""

    class Watched:
        def __init__(self, data: Any) -> None:
            self.data, self.shape, self.dtype, self.most = data, data.shape, data.dtype, 0

        def __getitem__(self, index: Any) -> Any:
            part = self.data[index]
            assert np.all(np.diff(index[-1]) > 0)  # in order, as HDF5 wants it
            self.most = max(self.most, part.shape[1])
            return part

    X = Watched(np.arange(40.0).reshape(2, 20))
    assert sum(x.shape[1] for x, _ in mini_batches(X, np.zeros((1, 20)), 6)) == 20
    assert X.most == 6


@pytest.mark.parametrize(
    ("X", "Y", "size", "error", "message"),
    [
        (
            np.ones((2, 5)),
            np.ones((5, 1)),
            2,
            ValueError,
            r"X \(2, 5\) has 5 examples and Y \(5, 1\) has 1.*Y\.T",
        ),
        (np.ones((5, 2)), np.ones((1, 5)), 2, ValueError, r"X \(5, 2\) has 2 examples.*X\.T"),
        (np.ones((5, 2)), np.ones((5, 1)), 2, ValueError, r"examples are columns: .* X\.T and Y\.T\?"),
        (np.ones((2, 5)), np.ones((1, 4)), 2, ValueError, "has 5 examples and .* has 4"),
        (np.ones((2, 0)), np.ones((1, 0)), 2, ValueError, "no examples"),
        (np.ones((2, 5)), np.ones((1, 5)), 0, ValueError, "size is 0"),
        (np.ones((2, 5)), np.ones((1, 5)), 2.5, ValueError, "size is 2.5"),
        ([[1.0]], np.ones((1, 1)), 1, TypeError, r"X is a list.* write np\.asarray\(X\)"),
        (SimpleNamespace(shape=(1, 1)), np.ones((1, 1)), 1, TypeError, r"write np\.asarray"),
    ],
)
def test_what_mini_batches_refuse(X: Any, Y: Any, size: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        mini_batches(X, Y, size)


# ------------------------------------------------------------------ the loop

X = np.random.RandomState(0).randn(2, 30)
Y = (X[:1] * X[1:] > 0) * 1.0
START = initialize_parameters([2, 4, 1], "he", rng=3)


def cost(p: Any, X: Any, Y: Any) -> Any:
    A1 = tanh(linear(p["W1"], X, p["b1"]))
    return binary_cross_entropy(sigmoid(linear(p["W2"], A1, p["b2"])), Y)


def test_what_is_wrong_with_a_cost_is_told_by_its_name() -> None:
    def forgets(p: Any, X: Any, Y: Any) -> None:
        cost(p, X, Y)

    with pytest.raises(ValueError, match=r"and forgets returned None; did it forget to return"):
        fit(forgets, START, X, Y, "adam", epochs=1, show=False)
    with pytest.raises(ValueError, match="epochs='3' and every=100; expected whole numbers"):
        fit(cost, START, X, Y, "adam", epochs="3", show=False)  # type: ignore[arg-type]


def same(a: Any, b: Any) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def by_hand(
    optimizer: Any, epochs: int, size: int | None, seed: int = 0
) -> tuple[Any, list[float], list[float]]:
    """The course's loop, written out."""
    from tinygrad_course import value_and_grad

    parameters, rng = START, np.random.RandomState(seed)
    state = optimizer.init(parameters)
    costs, last = [], []
    for _ in range(epochs):
        total = 0.0
        for x, y in [(X, Y)] if size is None else mini_batches(X, Y, size, rng):
            J, grads = value_and_grad(cost)(parameters, x, y)
            parameters, state = optimizer.update(parameters, grads, state)
            total += float(J) * x.shape[1]
        costs.append(total / 30)
        last.append(float(J))
    return parameters, costs, last


@pytest.mark.parametrize("size", [None, 1, 7, 30, 64])
@pytest.mark.parametrize("optimizer", [GradientDescent(0.5), Momentum(0.5), Adam(0.05)], ids=str)
def test_fit_is_the_loop_written_out(optimizer: Optimizer, size: int | None) -> None:
    run = fit(cost, START, X, Y, optimizer, epochs=4, batch_size=size)
    parameters, costs, last = by_hand(optimizer, 4, size)
    assert same(run.parameters, parameters)
    np.testing.assert_allclose(run.history["cost"], costs, rtol=1e-14)
    assert run.history["last_batch"] == last
    assert run.epoch == 4
    assert same(START, initialize_parameters([2, 4, 1], "he", rng=3))


@pytest.mark.long
@pytest.mark.parametrize("optimizer", [GradientDescent(0.1), Momentum(0.1), Adam(0.01)], ids=str)
@pytest.mark.parametrize("size", [None, 16])
def test_a_compiled_run_is_the_recorded_one(optimizer: Optimizer, size: int | None, tmp_path: Path) -> None:
    start = initialize_parameters([2, 5, 1], rng=2)

    def run(**options: Any) -> Any:
        return fit(cost, start, X, Y, optimizer, batch_size=size, **options)

    recorded, whole = run(epochs=9), run(epochs=9, compile=True)
    np.testing.assert_allclose(whole.history["cost"], recorded.history["cost"], rtol=1e-12)
    for name, W in recorded.parameters.items():
        np.testing.assert_allclose(whole.parameters[name], W, rtol=1e-10, atol=1e-13)
    run(epochs=4, compile=True, checkpoint=tmp_path / "run.h5")
    resumed = run(epochs=9, compile=True, checkpoint=tmp_path / "run.h5")
    assert resumed.history["cost"] == whole.history["cost"]
    assert same(resumed.parameters, whole.parameters)


def test_a_compiled_run_refuses_a_cost_that_draws() -> None:
    rng = np.random.RandomState(0)

    def noisy(p: Any, x: Any, y: Any) -> Any:
        return cost(p, x + rng.randn(*x.shape), y)

    with pytest.raises(CannotCompile, match="draw"):
        fit(noisy, initialize_parameters([2, 5, 1], rng=2), X, Y, Adam(0.01), epochs=2, compile=True)


def test_a_compiled_run_stops_at_a_cost_that_is_not_finite() -> None:
    with np.errstate(all="ignore"), pytest.raises(NotFiniteError, match="iteration"):
        fit(lambda p, x, y: np.log(p["w"]) + 0 * np.sum(x), {"w": np.array(0.5)}, X, Y,
            GradientDescent(1.0), epochs=20, compile=True)  # fmt: skip


def test_training_lowers_the_cost() -> None:
    history = fit(cost, START, X, Y, GradientDescent(0.5), epochs=60).history["cost"]
    assert all(later < earlier for earlier, later in pairwise(history))


def test_a_run_in_two_parts_is_the_run_in_one() -> None:
    rng = np.random.RandomState(4)
    first = fit(cost, START, X, Y, Adam(0.05), epochs=3, batch_size=8, rng=rng)
    second = fit(cost, first.parameters, X, Y, Adam(0.05), epochs=2, batch_size=8, rng=rng, state=first.state)
    whole = fit(cost, START, X, Y, Adam(0.05), epochs=5, batch_size=8, rng=4)
    assert same(second.parameters, whole.parameters)
    assert first.history["cost"] + second.history["cost"] == whole.history["cost"]


def test_a_stream_for_each_epoch_as_in_the_course() -> None:
    ours = fit(
        cost,
        START,
        X,
        Y,
        GradientDescent(0.5),
        epochs=3,
        batch_size=8,
        rng=lambda epoch: np.random.RandomState(11 + epoch),
    )
    parameters = START
    for seed in (11, 12, 13):
        parameters, _, _ = _one_epoch(parameters, seed)
    assert same(ours.parameters, parameters)


def _one_epoch(parameters: Any, seed: int) -> tuple[Any, Any, Any]:
    run = fit(cost, parameters, X, Y, GradientDescent(0.5), epochs=1, batch_size=8, rng=seed)
    return run.parameters, run.state, run.history


def test_hdf5_datasets_train_to_the_same_parameters(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["X"], file["Y"] = X, Y
        file["rows"], file["labels"] = X.T, Y.ravel()
        for size in (None, 7):
            expected = fit(cost, START, X, Y, GradientDescent(0.5), epochs=3, batch_size=size)
            read = fit(cost, START, file["X"], file["Y"], GradientDescent(0.5), epochs=3, batch_size=size)
            rows = fit(
                cost,
                START,
                file["rows"],
                file["labels"],
                GradientDescent(0.5),
                epochs=3,
                batch_size=size,
                axis=0,
            )
            for run in (read, rows):
                assert same(
                    {k: v.round(12) for k, v in run.parameters.items()},
                    {k: v.round(12) for k, v in expected.parameters.items()},
                )


def test_a_run_can_be_watched_and_ended() -> None:
    seen = []

    def watch(run: Run) -> bool:
        seen.append((run.epoch, run.history["cost"][-1], run.parameters["W1"].copy()))
        return run.epoch == 3

    run = fit(cost, START, X, Y, GradientDescent(0.5), epochs=100, callbacks=watch)
    assert [epoch for epoch, _, _ in seen] == [1, 2, 3]
    assert [J for _, J, _ in seen] == run.history["cost"]
    np.testing.assert_array_equal(seen[-1][2], run.parameters["W1"])
    assert run.epoch == 3


def test_no_epochs_leave_everything_as_it_was(tmp_path: Path) -> None:
    run = fit(cost, START, X, Y, GradientDescent(0.5), epochs=0, checkpoint=tmp_path / "run.h5")
    assert same(run.parameters, START)
    assert run.history == {"cost": [], "last_batch": []}


@pytest.mark.parametrize("arguments", [{"epochs": -1}, {"epochs": 1, "every": 0}])
def test_counts_that_make_no_sense(arguments: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(f"epochs={arguments['epochs']}")):
        fit(cost, START, X, Y, GradientDescent(0.5), **arguments)


# ------------------------------------------------------------------ the first NaN


def test_the_first_cost_that_is_not_finite_stops_the_run() -> None:
    def bad(p: Any, X: Any, Y: Any) -> Any:
        return np.sum(np.log(p["W"]))  # W[0] is 1, 0.6, -0.07

    with np.errstate(invalid="ignore"), pytest.raises(NotFiniteError) as caught:
        fit(bad, {"W": np.array([1.0, 2.0])}, X, Y, GradientDescent(0.4), epochs=50)
    message = str(caught.value)
    assert "the cost is nan at iteration 2 (counted from 0)" in message
    assert "learning rate" in message
    assert "tinygrad_course.debug()" in message
    assert isinstance(caught.value, FloatingPointError)


def test_under_debug_the_operation_is_named() -> None:
    def bad(p: Any, X: Any, Y: Any) -> Any:
        return np.sum(np.log(p["W"]))

    with (
        debug(),
        np.errstate(invalid="ignore"),
        pytest.raises(NotFiniteError, match=r"iteration 2: log made nan at \[0\]"),
    ):
        fit(bad, {"W": np.array([1.0, 2.0])}, X, Y, GradientDescent(0.4), epochs=50)


def test_in_mini_batches_the_epoch_and_the_batch_are_named() -> None:
    spoilt = X.copy()
    spoilt[0, 5] = np.nan
    where = next(
        i
        for i, (x, _) in enumerate(mini_batches(spoilt, Y, 4, np.random.RandomState(2)))
        if np.isnan(x).any()
    )
    with pytest.raises(NotFiniteError, match=f"the cost is nan at epoch 0, mini-batch {where} "):
        fit(cost, START, spoilt, Y, GradientDescent(0.4), epochs=3, batch_size=4, rng=2)


def test_parameters_that_are_not_finite_are_named() -> None:
    with pytest.raises(NotFiniteError, match="NaN or infinity is in W1 by then"):
        fit(cost, {**START, "W1": START["W1"] * np.nan}, X, Y, GradientDescent(0.4), epochs=3)


def test_a_run_that_diverges_leaves_its_last_checkpoint(tmp_path: Path) -> None:
    def bad(p: Any, X: Any, Y: Any) -> Any:
        return np.sum(np.log(p["W"]))

    with np.errstate(invalid="ignore"), pytest.raises(NotFiniteError):
        fit(
            bad,
            {"W": np.array([1.0, 2.0])},
            X,
            Y,
            GradientDescent(0.4),
            epochs=50,
            checkpoint=tmp_path / "run.h5",
            every=1,
        )
    assert load(tmp_path / "run.h5").epoch == 2


# ------------------------------------------------------------------ stopping and going on

Arguments = dict[str, Any]


def arguments(seed: int = 4) -> Arguments:
    """A run with everything that has a state: Adam, decay, shuffling, dropout."""
    masks = np.random.default_rng(seed)

    def cost(p: Any, X: Any, Y: Any) -> Any:
        A1 = dropout(tanh(linear(p["W1"], X, p["b1"])), 0.8, masks)
        return binary_cross_entropy(sigmoid(linear(p["W2"], A1, p["b2"])), Y)

    return {
        "cost": cost,
        "parameters": START,
        "X": X,
        "Y": Y,
        "optimizer": Adam(InverseTimeDecay(0.05, 0.01)),
        "batch_size": 8,
        "rng": np.random.RandomState(seed),
        "streams": {"dropout": masks},
    }


@pytest.mark.parametrize("stop", [1, 2, 5, 6])
def test_a_run_that_is_cut_and_goes_on_ends_in_the_same_bits(tmp_path: Path, stop: int) -> None:
    whole = fit(**arguments(), epochs=7)
    path = tmp_path / "run.h5"
    fit(**arguments(), epochs=stop, checkpoint=path, every=2)
    run = fit(**arguments(), epochs=7, checkpoint=path, every=2)
    assert same(run.parameters, whole.parameters)
    assert same(run.state["v"], whole.state["v"])
    assert run.history == whole.history
    assert run.epoch == 7
    found = load(path)
    assert same(found.parameters, whole.parameters)
    assert found.epoch == 7
    again = fit(**arguments(), epochs=7, checkpoint=path)
    assert same(again.parameters, whole.parameters)


def test_columns_laid_out_the_other_way_stay_so(tmp_path: Path) -> None:
    """A parameter in Fortran's order is multiplied in another order, and its last bits differ."""
    start = {
        name: np.asfortranarray(value) for name, value in initialize_parameters([2, 9, 1], rng=1).items()
    }
    whole = fit(cost, start, X, Y, GradientDescent(0.5), epochs=40)
    fit(cost, start, X, Y, GradientDescent(0.5), epochs=13, checkpoint=tmp_path / "run.h5")
    run = fit(cost, start, X, Y, GradientDescent(0.5), epochs=40, checkpoint=tmp_path / "run.h5")
    assert same(run.parameters, whole.parameters)


@pytest.mark.parametrize("when", [0, 1, 7, 8, 11])
def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path: Path, when: int) -> None:
    """Pressed while the cost is computed for the `when`-th time; an epoch has four batches."""
    path = tmp_path / "run.h5"
    given = arguments()
    inner, calls = given["cost"], iter(range(10_000))

    def interrupted(p: Any, X: Any, Y: Any) -> Any:
        if next(calls) == when:
            raise KeyboardInterrupt
        return inner(p, X, Y)

    with pytest.raises(KeyboardInterrupt) as caught:
        fit(**{**given, "cost": interrupted}, epochs=6, checkpoint=path, every=100)
    assert isinstance(caught.value, InterruptedRun)
    assert f"after epoch {when // 4} of 6" in str(caught.value)
    assert f"{path} holds the run up to there. Run the same program again" in str(caught.value)
    assert caught.value.run.epoch == load(path).epoch == when // 4
    assert len(caught.value.run.history["cost"]) == when // 4
    run = fit(**arguments(), epochs=6, checkpoint=path, every=100)
    assert same(run.parameters, fit(**arguments(), epochs=6).parameters)


def test_ctrl_c_between_two_epochs(tmp_path: Path) -> None:
    def stop(run: Run) -> None:
        if run.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(InterruptedRun) as caught:
        fit(**arguments(), epochs=6, checkpoint=tmp_path / "run.h5", callbacks=stop)
    assert caught.value.run.epoch == load(tmp_path / "run.h5").epoch == 2


def test_ctrl_c_without_a_checkpoint_says_what_would_have_saved() -> None:
    def stop(run: Run) -> None:
        raise KeyboardInterrupt

    with pytest.raises(
        InterruptedRun, match=r"nothing was saved: fit\(\.\.\., checkpoint='run\.h5'\)"
    ) as caught:
        fit(cost, START, X, Y, GradientDescent(0.1), epochs=6, callbacks=stop)
    assert caught.value.run.epoch == 1


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": Adam(0.05)}, "optimizer is .*InverseTimeDecay.* there and .*0.05.* here"),
        ({"batch_size": 9}, "batch_size is 8 there and 9 here"),
        ({"setup": {"layers": [2, 4, 1]}}, r"layers is None there and \[2, 4, 1\] here"),
        ({"X": X + 1e-9}, "the examples X have other values"),
        ({"Y": 1 - Y}, "the labels Y have other values"),
        ({"X": X[:, :9], "Y": Y[:, :9]}, r"the examples X are .*\[2, 30\].* there and .*\[2, 9\].* here"),
        (
            {"parameters": initialize_parameters([2, 5, 1])},
            r"parameters is .*\[4, 2\].* there and .*\[5, 2\].* here",
        ),
        (
            {"parameters": initialize_parameters([2, 4, 1], rng=9)},
            "the parameters at the start have other values",
        ),
        ({"streams": {}}, None),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(
    tmp_path: Path, change: Arguments, message: str | None
) -> None:
    path = tmp_path / "run.h5"
    fit(**arguments(), epochs=2, checkpoint=path)
    before = path.read_bytes()
    if message is None:  # the other way round: the file lacks the dropout's stream
        path.unlink()
        fit(**{**arguments(), **change}, epochs=2, checkpoint=path)
        before, change, message = path.read_bytes(), {}, "holds no random stream 'dropout'"
    with pytest.raises(CheckpointError, match=message) as caught:
        fit(**{**arguments(), **change}, epochs=4, checkpoint=path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_a_stream_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    fit(**arguments(), epochs=2, checkpoint=path)
    with pytest.raises(ValueError, match="the saved stream is a RandomState on MT19937"):
        fit(**{**arguments(), "rng": np.random.default_rng(4)}, epochs=4, checkpoint=path)


def test_going_on_with_the_parameters_that_were_saved(tmp_path: Path) -> None:
    """As in a session where fit is called again with what it returned."""
    path = tmp_path / "run.h5"
    first = fit(**arguments(), epochs=2, checkpoint=path)
    run = fit(**{**arguments(), "parameters": first.parameters}, epochs=5, checkpoint=path)
    assert same(run.parameters, fit(**arguments(), epochs=5).parameters)


# ------------------------------------------------------------------ progress


def test_progress_is_drawn_where_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    run = fit(cost, START, X, Y, GradientDescent(0.5), epochs=40, show=True)
    told = capsys.readouterr().err
    assert "40/40" in told
    assert f"{run.history['cost'][-1]:.6f}" in told
    fit(cost, START, X, Y, GradientDescent(0.5), epochs=40)  # no terminal
    fit(cost, START, X, Y, GradientDescent(0.5), epochs=40, show=False)
    assert capsys.readouterr().err == ""


def test_without_rich_there_is_no_progress_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("rich", "rich.console", "rich.progress"):
        monkeypatch.setitem(sys.modules, name, None)
    assert fit(cost, START, X, Y, GradientDescent(0.5), epochs=2).epoch == 2
    with pytest.raises(ModuleNotFoundError, match="pip install rich"):
        fit(cost, START, X, Y, GradientDescent(0.5), epochs=2, show=True)


@pytest.mark.parametrize(
    ("sizes", "m", "batch", "epochs", "engine"),
    [
        ([2, 4, 1], 400, None, 100, None),
        ([2, 4, 1], 400, None, 10_000, "numpy"),
        ([784, 128, 10], 60_000, 128, 50, "machine"),
        ([12288, 20, 7, 5, 1], 209, None, 2500, "machine"),
    ],
)
def test_what_takes_long_is_compiled_by_itself(
    monkeypatch: pytest.MonkeyPatch, sizes: Any, m: int, batch: Any, epochs: int, engine: Any
) -> None:
    """The engine follows from sizes and steps alone; without llvmlite there is no machine code."""
    pytest.importorskip("llvmlite", reason="the extra fast brings llvmlite")
    chosen: list[Any] = []

    class StopError(Exception):
        pass

    def compiling(step: Any, engine: str) -> Any:
        chosen.append(engine)
        raise StopError

    def stop(*_: Any) -> Any:
        chosen.append(None)
        raise StopError

    monkeypatch.setattr(loop, "compiled", compiling)
    monkeypatch.setattr(Epochs, "run", stop)
    start = initialize_parameters(sizes, "zeros")
    X, Y = np.broadcast_to(0.0, (sizes[0], m)), np.broadcast_to(0.0, (1, m))
    for expected in (engine, "numpy" if engine == "machine" else engine):
        with pytest.raises(StopError):
            fit(lambda p, X, Y: 0.0, start, X, Y, "adam", epochs=epochs, batch_size=batch, compile="auto")
        assert chosen.pop() == expected
        monkeypatch.setattr(loop.importlib.util, "find_spec", lambda name: None)
