"""Functions of machine code as parts of a program."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.compiling.program import Value
from tinygrad_course.compiling.sealed import SealedCache


class Kernel:
    """A function of machine code in a program: called with its inputs and the arrays that it writes into."""

    #: Whether it takes arrays whose entries don't lie one after the other.
    strided = False

    def __init__(self, source: str) -> None:
        self.source = source
        self.__name__ = "kernel"
        self.arrays: list[Value] = []  # what it writes
        self.scalars: list[Value] = []  # what it returns
        self.known: dict[str, Callable[..., Any]] = {}  # by their texts, kernels of the same program

    @property
    def function(self) -> Callable[..., Any]:
        """The compiled function."""
        if self.source not in self.known:
            self.known[self.source] = compile_kernel(self.source)
        return self.known[self.source]

    def __call__(self, *arrays: Any) -> Any:
        """Run."""
        return self.function(*arrays)


def part(kernel: Any, index: int) -> Any:
    """Return one of the numbers that a kernel returns."""
    return kernel[index]


def compile_kernel(source: str) -> Callable[..., Any]:
    """Return the function of machine code that `source` defines.

    Raises
    ------
    ImportError
        Without numba.
    """
    try:
        from numba import njit

        from tinygrad_course.compiling import machine_math
    except ImportError:
        raise ImportError(
            "machine code is made by numba, which is not installed: pip install 'tinygrad-course[fast]'"
        ) from None
    names = ("exp", "expm1", "log", "log1p", "tanh", "expit", "softplus", "select", "accumulate", "widely")
    space: dict[str, Any] = {"__name__": machine_math.__name__}
    space |= {name: getattr(machine_math, name) for name in names}
    if "tile(" in source:
        from tinygrad_course.compiling.machine_tile import plainly, tile

        space |= {"tile": tile, "plainly": plainly}
    space |= {"math": math, "f8": np.float64, "f4": np.float32, "np": np}
    exec(compile(source, "<machine code of tinygrad_course>", "exec"), space)  # noqa: S102  (our own words)
    compiled: Any = njit(fastmath=machine_math.CAREFUL, error_model="numpy")(space["kernel"])
    compiled._cache = SealedCache(source)
    return compiled  # type: ignore[no-any-return]
