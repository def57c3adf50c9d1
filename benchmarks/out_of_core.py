"""Train the course's deep network full-batch on pictures that are read chunk by chunk from an HDF5 file.

The forward code is the one that runs on NumPy arrays; only X is a Dask array. Prints, as JSON, how far cost
and gradients are from an in-memory run, the size of the data and the peak memory that the run took beyond it.

    python benchmarks/out_of_core.py --examples 3000
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import h5py
import numpy as np

from tinygrad_course import functions, value_and_grad

LAYERS = (12288, 20, 7, 5, 1)


def write(path: Path, examples: int, chunk: int) -> None:
    """Write random pictures and labels, never holding more than one chunk of them."""
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        X = file.create_dataset("X", (LAYERS[0], examples), "f8", chunks=(LAYERS[0], chunk))
        Y = file.create_dataset("Y", (1, examples), "f8")
        for start in range(0, examples, chunk):
            n = min(chunk, examples - start)
            X[:, start : start + n] = rng.random((LAYERS[0], n))
            Y[:, start : start + n] = rng.random((1, n)) > 0.5


def initial_parameters() -> dict[str, Any]:
    """Draw the parameters as the course does for its deep network."""
    stream = np.random.RandomState(1)
    parameters = {}
    for layer, (before, units) in enumerate(itertools.pairwise(LAYERS), 1):
        parameters[f"W{layer}"] = stream.randn(units, before) / np.sqrt(before)
        parameters[f"b{layer}"] = np.zeros((units, 1))
    return parameters


def cost(parameters: dict[str, Any], X: Any, Y: Any) -> Any:
    """Compute the cost of the deep network: relu, relu, relu, sigmoid."""
    A = X
    for layer in range(1, len(LAYERS)):
        Z = np.dot(parameters[f"W{layer}"], A) + parameters[f"b{layer}"]
        A = np.maximum(0, Z) if layer < len(LAYERS) - 1 else functions.sigmoid(Z)
    return functions.binary_cross_entropy(A, Y)


def resident(key: str) -> int:
    """Return this process's resident memory in bytes: ``VmRSS`` at present, ``VmHWM`` at its peak."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(key))


def main() -> None:
    """Run, compare, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=3000)
    parser.add_argument("--chunk", type=int, default=100, help="examples read at a time")
    parser.add_argument("--steps", type=int, default=2, help="steps of gradient descent")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pictures.h5"
        write(path, args.examples, args.chunk)
        os.sync()
        train = value_and_grad(cost)
        parameters = initial_parameters()
        before = resident("VmRSS")
        start = time.perf_counter()
        results = []
        with h5py.File(path) as file, dask.config.set(scheduler="threads", num_workers=2):
            X = da.from_array(file["X"], chunks=(LAYERS[0], args.chunk))
            Y = da.from_array(file["Y"], chunks=(1, args.chunk))
            for _ in range(args.steps):
                J, grads = dask.compute(*train(parameters, X, Y))
                results.append((J, grads))
                parameters = {name: W - 0.0075 * grads[name] for name, W in parameters.items()}
        seconds = time.perf_counter() - start
        peak = resident("VmHWM") - before
        with h5py.File(path) as file:  # and the same in memory
            X, Y = file["X"][:], file["Y"][:]
        parameters = initial_parameters()
        difference = 0.0
        for J, grads in results:
            J0, grads0 = train(parameters, X, Y)
            difference = max(
                abs(J - J0) / abs(J0),
                difference,
                *(float(np.linalg.norm(grads[k] - g) / np.linalg.norm(g)) for k, g in grads0.items()),
            )
            parameters = {name: W - 0.0075 * grads0[name] for name, W in parameters.items()}
    print(
        json.dumps(
            {
                "data_bytes": X.nbytes + Y.nbytes,
                "peak_bytes": peak,
                "fraction": round(peak / (X.nbytes + Y.nbytes), 3),
                "relative_difference": difference,
                "dtype": str(X.dtype),
                "seconds": round(seconds, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
