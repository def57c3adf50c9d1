"""What has to be settled before NumPy is imported, and what a reader has to know of the machine."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

#: Read by the libraries when they are loaded, never later.
ONE_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NPROC": "1",  # how many threads XLA makes
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}

#: What a contestant's family has to import, and the distribution whose version is told.
PEERS = {"torch": "torch", "jax": "jax", "mygrad": "mygrad", "autograd": "autograd", "micrograd": "micrograd"}


def set_threads(threads: str) -> None:
    """Set the environment for one thread ("1") or for as many as the libraries like ("all")."""
    for name, value in ONE_THREAD.items():
        if threads == "1":
            os.environ[name] = value
        else:
            os.environ.pop(name, None)


def installed(families: Iterable[str] = PEERS) -> list[str]:
    """Return the peers that can be imported, without importing them."""
    return [name for name in families if find_spec(name) is not None]


def missing() -> list[str]:
    """Return the peers that are not installed."""
    return [name for name in PEERS if find_spec(name) is None]


def processor() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def describe(threads: str) -> dict[str, str]:
    """Return the machine, the threads and the versions, for the heading of a table."""
    found = {
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "threads": threads,
        "system": platform.system(),
        "python": sys.version.split()[0],
    }
    for name in ("numpy", "scipy", "llvmlite", *PEERS):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    for name in ("OPENBLAS_CORETYPE", "NVPL_BLAS_DEBUG_CPU_TYPE"):
        if name.startswith("OPENBLAS") and name in os.environ:
            found[name] = os.environ[name]
    return found
