"""W5: 784-512-512-10 with softmax, m = 128, float32: matrix products."""

from __future__ import annotations

import numpy as np

from benchmarks.workloads import deep
from benchmarks.workloads.base import Network, Row, initial


def make(small: bool) -> Network:
    """Return the work: random pixels and classes."""
    stream = np.random.RandomState(1)
    sizes, m = ([30, 20, 20, 10], 16) if small else ([784, 512, 512, 10], 128)
    X = stream.rand(sizes[0], m).astype(np.float32)
    Y = np.eye(10, dtype=np.float32)[:, stream.randint(0, 10, m)]
    return Network(initial(sizes, np.float32), X, np.ascontiguousarray(Y), "relu", "softmax", 0.1)


ROW = Row("W5", "784-512-512-10 softmax, m = 128, float32", make, deep.course, deep.tuned, deep.products)
