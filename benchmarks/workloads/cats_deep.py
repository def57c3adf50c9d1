"""W3: the cats' deep network, 12288-20-7-5-1, m = 209, in double and in single precision."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from benchmarks.workloads import deep
from benchmarks.workloads.base import Network, Row, initial


def make(small: bool, dtype: Any) -> Network:
    """Return the work: random pixels, for the arithmetic takes as long on them."""
    stream = np.random.RandomState(1)
    n_x, m = (48, 20) if small else (12288, 209)
    X, Y = stream.rand(n_x, m).astype(dtype), (stream.rand(1, m) > 0.65).astype(dtype)
    return Network(initial([n_x, 20, 7, 5, 1], dtype), X, Y, "relu", "sigmoid", 0.0075)


DOUBLE = Row(
    "W3",
    "cats 12288-20-7-5-1, m = 209, float64",
    functools.partial(make, dtype=np.float64),
    deep.course,
    deep.tuned,
    deep.products,
)
SINGLE = Row(
    "W3s",
    "the same in float32",
    functools.partial(make, dtype=np.float32),
    deep.course,
    deep.tuned,
    deep.products,
)


def layers(small: bool) -> Network:
    """Return a network of 100 layers."""
    stream = np.random.RandomState(1)
    n, m = (4, 5) if small else (100, 500)
    X, Y = stream.rand(n, m), (stream.rand(1, m) > 0.5).astype(np.float64)
    return Network(initial([n] * 100 + [1]), X, Y, "tanh", "sigmoid", 0.01)


LAYERS = Row("100 layers", "100 layers of 100 units, m = 500, float64", layers, deep.course)
