"""Dask: sizes that are not known yet, and training from HDF5 over processes, full and in mini-batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tinygrad_course import value_and_grad
from tinygrad_course.training import GradientDescent, Network, fit

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

X = np.random.RandomState(0).rand(3, 100)
Y = (X[:1] > X[1:2]) * 1.0
START = {"w": 0.1 * np.ones((3, 1)), "b": np.zeros(())}


def cost(p: Any, X: Any, Y: Any) -> Any:
    Z = np.dot(p["w"].T, X) + p["b"]
    return np.mean(np.logaddexp(0, Z) - Y * Z)


COSTS = {
    "sum": lambda w, X: np.sum(np.dot(w.T, X)),
    "mean": lambda w, X: np.mean(np.tanh(np.dot(w.T, X))),
    "max": lambda w, X: np.max(np.dot(w.T, X)),
    "variance": lambda w, X: np.var(np.dot(w.T, X)),
    "by hand": lambda w, X: np.sum((w.T @ X) ** 2) / 7,
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", COSTS)
@pytest.mark.parametrize("chunks", [(3, 25), (3, 100), (1, 50)])
def test_sizes_that_are_not_known_yet(name: str, chunks: Any) -> None:
    """The error says what to write, and with that it is right."""
    lazy, w = da.from_array(X, chunks=chunks), START["w"]
    f = COSTS[name]
    chosen = lazy[:, lazy[0] > 0.5]
    with pytest.raises(ValueError, match=r"compute_chunk_sizes\(\)"):
        dask.compute(value_and_grad(lambda w: f(w, chosen))(w))
    chosen.compute_chunk_sizes()
    expected = value_and_grad(lambda w: f(w, X[:, X[0] > 0.5]))(w)
    found = dask.compute(value_and_grad(lambda w: f(w, chosen))(w))[0]
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-10)


@pytest.mark.parametrize("batch_size", [None, 32])
def test_fit_takes_dask_arrays(batch_size: int | None) -> None:
    lazy, labels = da.from_array(X, chunks=(3, 25)), da.from_array(Y, chunks=(1, 25))
    run = fit(cost, START, lazy, labels, GradientDescent(0.5), epochs=3, batch_size=batch_size)
    expected = fit(cost, START, X, Y, GradientDescent(0.5), epochs=3, batch_size=batch_size)
    np.testing.assert_allclose(run.parameters["w"], expected.parameters["w"], rtol=1e-12)
    with pytest.raises(ValueError, match=r"X is \(3, nan\).*X\.compute_chunk_sizes\(\)"):
        fit(cost, START, lazy[:, lazy[0] > 0.5], labels, GradientDescent(0.5), epochs=1)
    net = Network([3, 4, 1], seed=1).fit(lazy, labels, epochs=2, batch_size=batch_size)
    assert len(net.history["cost"]) == 2


@pytest.mark.long
def test_over_processes_that_read_hdf5(tmp_path: Path) -> None:
    """Each process opens the file itself: an open one does not travel."""
    distributed = pytest.importorskip("distributed")
    path = str(tmp_path / "data.h5")
    with h5py.File(path, "w") as file:
        file["X"], file["Y"] = X, Y

    def block(name: str, start: int) -> Any:
        with h5py.File(path, "r") as file:
            return file[name][:, start : start + 25]

    def lazy(name: str, rows: int) -> Any:
        parts = [dask.delayed(block)(name, start) for start in range(0, 100, 25)]
        return da.concatenate([da.from_delayed(p, (rows, 25), float) for p in parts], axis=1)

    expected = fit(cost, START, X, Y, GradientDescent(0.5), epochs=3)
    with (
        dask.config.set({"distributed.admin.system-monitor.gil.enabled": False}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster),
    ):
        parameters: Any = START
        for _ in range(3):  # full batch, out of core: the sums are made where the blocks are
            J, grads = dask.compute(*value_and_grad(cost)(parameters, lazy("X", 3), lazy("Y", 1)))
            parameters = {name: W - 0.5 * grads[name] for name, W in parameters.items()}
        assert float(J) == pytest.approx(expected.history["cost"][2], rel=1e-12)
        np.testing.assert_allclose(parameters["w"], expected.parameters["w"], rtol=1e-12)
        run = fit(cost, START, lazy("X", 3), lazy("Y", 1), GradientDescent(0.5), epochs=2, batch_size=30)
    small = fit(cost, START, X, Y, GradientDescent(0.5), epochs=2, batch_size=30)
    np.testing.assert_allclose(run.parameters["w"], small.parameters["w"], rtol=1e-12)
