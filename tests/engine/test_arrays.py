"""Arrays that are not NumPy's: Dask's, in pieces and over a cluster, and CuPy's, on a GPU."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import dask
import dask.array as da
import h5py
import numpy as np
import pytest

from tinygrad_course import Tensor, functions, grad, value_and_grad

ROOT = Path(__file__).resolve().parents[2]
LAYERS = (12, 20, 7, 5, 1)


def raw_cost(p, X, Y):
    """The course's forward code, as a student writes it."""
    A, m = X, X.shape[1]
    for layer in range(1, len(LAYERS) - 1):
        A = np.maximum(0, np.dot(p[f"W{layer}"], A) + p[f"b{layer}"])
    AL = 1 / (1 + np.exp(-(np.dot(p["W4"], A) + p["b4"])))
    return -np.sum(np.multiply(Y, np.log(AL)) + np.multiply(1 - Y, np.log(1 - AL))) / m


def library_cost(p, X, Y):
    """The same with the library's functions."""
    A = X
    for layer in range(1, len(LAYERS) - 1):
        A = functions.relu(functions.linear(p[f"W{layer}"], A, p[f"b{layer}"]))
    return functions.binary_cross_entropy(functions.sigmoid(functions.linear(p["W4"], A, p["b4"])), Y)


def problem(dtype="f8", examples=200):
    rng = np.random.default_rng(1)
    parameters = {}
    for layer, (before, units) in enumerate(itertools.pairwise(LAYERS), 1):
        parameters[f"W{layer}"] = (rng.standard_normal((units, before)) / np.sqrt(before)).astype(dtype)
        parameters[f"b{layer}"] = np.zeros((units, 1), dtype)
    X = rng.random((LAYERS[0], examples)).astype(dtype)
    return parameters, X, (rng.random((1, examples)) > 0.5).astype(dtype)


def assert_close(ours, theirs, rtol):
    assert abs(ours[0] - theirs[0]) <= rtol * abs(theirs[0])
    for name, g in theirs[1].items():
        assert ours[1][name].shape == g.shape
        assert ours[1][name].dtype == g.dtype
        assert np.linalg.norm(ours[1][name] - g) <= rtol * np.linalg.norm(g), name


@pytest.mark.parametrize("cost", [raw_cost, library_cost])
def test_a_deep_network_on_dask_arrays(cost):
    parameters, X, Y = problem()
    J, grads = value_and_grad(cost)(
        parameters, da.from_array(X, chunks=(LAYERS[0], 30)), da.from_array(Y, chunks=(1, 30))
    )
    assert isinstance(J, da.Array)  # nothing is computed yet
    with dask.config.set(scheduler="threads", num_workers=2):
        result = dask.compute(J, grads)
    assert_close(result, value_and_grad(cost)(parameters, X, Y), 1e-12)


def test_parameters_may_be_dask_arrays_too():
    x = da.from_array(np.arange(6.0).reshape(2, 3), chunks=(1, 3))
    t = Tensor(x)
    J = np.sum(np.tanh(t) * t.T.T)
    J.backward()
    assert isinstance(t.grad, da.Array)
    plain = grad(lambda t: np.sum(np.tanh(t) * t.T.T))(np.arange(6.0).reshape(2, 3))
    np.testing.assert_allclose(t.grad.compute(), plain, rtol=1e-12)
    second = grad(lambda t: np.sum(grad(lambda t: np.sum(t**3))(t)))(x)
    np.testing.assert_allclose(second.compute(), 6 * np.arange(6.0).reshape(2, 3))


def test_over_a_cluster_from_hdf5(tmp_path):
    """Two workers of dask.distributed, in this process so that they can share the open file."""
    distributed = pytest.importorskip("distributed", reason="the extra dask brings dask.distributed")
    parameters, X, Y = problem(examples=400)
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["X"], file["Y"] = X, Y
    settings = {"distributed.admin.system-monitor.gil.enabled": False}
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster, timeout="30s"),
        h5py.File(tmp_path / "data.h5") as file,
    ):
        lazy_X = da.from_array(file["X"], chunks=(LAYERS[0], 100), lock=True)
        lazy_Y = da.from_array(file["Y"], chunks=(1, 100), lock=True)
        result = dask.compute(*value_and_grad(raw_cost)(parameters, lazy_X, lazy_Y))
    assert_close(result, value_and_grad(raw_cost)(parameters, X, Y), 1e-12)


@pytest.mark.long
def test_more_data_than_memory_is_given_to():
    """A quarter of a gigabyte of pictures, read chunk by chunk: the peak stays well below that."""
    done = subprocess.run(
        [
            sys.executable, "-W", "error", ROOT / "benchmarks" / "out_of_core.py",
            "--examples", "2600", "--chunk", "65", "--steps", "1",
        ],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["data_bytes"] > 250e6
    assert figures["relative_difference"] < 1e-12
    assert figures["fraction"] < 0.5


def test_a_deep_network_on_a_gpu():
    """float32 on the device, equal to 1e-6 to the same in memory."""
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed: nothing to run on a GPU with")
    if not cupy.cuda.is_available():
        pytest.skip("no GPU that CuPy can use")
    parameters, X, Y = problem("f4")
    on_device = {name: cupy.asarray(value) for name, value in parameters.items()}
    J, grads = value_and_grad(raw_cost)(on_device, cupy.asarray(X), cupy.asarray(Y))
    assert all(isinstance(g, cupy.ndarray) and g.dtype == np.float32 for g in grads.values())
    result = (float(J), {name: cupy.asnumpy(g) for name, g in grads.items()})
    assert_close(result, value_and_grad(raw_cost)(parameters, X, Y), 1e-6)
