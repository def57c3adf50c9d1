"""From the text of a function to machine code."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.compiling.machine import code_cache
from tinygrad_course.compiling.passes.fuse import FusedCall

#: What the texts may call, of `vector_math`.
SPOKEN = ("exp", "expm1", "log", "log1p", "tanh", "expit", "softplus", "select", "accumulate", "widely")


class MachineCall(FusedCall):
    """A function of machine code as a part of a program."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source

    @property
    def function(self) -> Callable[..., Any]:
        """The compiled function."""
        return compile_source(self.source)


def compile_source(source: str) -> Callable[..., Any]:
    """Return the function of machine code called ``compute`` that `source` defines.

    Raises
    ------
    ImportError
        Without numba.
    """
    try:
        from numba import njit

        from tinygrad_course.compiling.machine import vector_math
    except ImportError:
        raise ImportError(
            "machine code is made by numba, which is not installed: pip install 'tinygrad-course[fast]'"
        ) from None
    space: dict[str, Any] = {"__name__": vector_math.__name__}
    space |= {name: getattr(vector_math, name) for name in SPOKEN}
    if "tile(" in source:
        from tinygrad_course.compiling.machine.register_tiles import plainly, tile

        space |= {"tile": tile, "plainly": plainly}
    space |= {"math": math, "f8": np.float64, "f4": np.float32, "np": np}
    file = code_cache.source_file(source)
    name = "<machine code of tinygrad_course>" if file is None else str(file)
    exec(compile(source, name, "exec"), space)  # noqa: S102  (our own words)
    compiled: Any = njit(fastmath=vector_math.CAREFUL, error_model="numpy")(space["compute"])
    if file is not None:
        code_cache.keep(compiled)
    return compiled  # type: ignore[no-any-return]
