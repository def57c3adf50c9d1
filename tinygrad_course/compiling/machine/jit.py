"""From the text of a function to machine code."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import Value
from tinygrad_course.compiling.machine import code_cache
from tinygrad_course.compiling.passes.fuse import FusedCall, NotFused

#: What the texts may call, of `vector_math`.
SPOKEN = ("exp", "expm1", "log", "log1p", "tanh", "expit", "softplus", "select", "accumulate", "widely")


class MachineCall(FusedCall):
    """A function of machine code as a part of a program.

    Parameters
    ----------
    source : str
    types : list of str
        Of its arguments: ``"f8"``, or ``"f8 2"`` for an array of two axes.
    numbers, views
        See `FusedCall`.

    Raises
    ------
    NotFused
        If numba makes no machine code of it.
    """

    def __init__(
        self, source: str, types: list[str], numbers: list[float], views: list[tuple[int, ...]]
    ) -> None:
        super().__init__()
        self.source = source
        self.numbers = numbers
        self.views = views
        self.compute = compile_source(source, tuple(types))

    @property
    def function(self) -> Callable[..., Any]:
        """The compiled function."""
        return self.compute


def types_of(values: Iterable[Value], views: list[tuple[int, ...]]) -> list[str]:
    """Return the types of values as arguments, arrays in the shapes that they are given as."""
    shapes = iter(views)
    return [f"{v.dtype.str[1:]} {len(next(shapes))}" if v.shape != () else v.dtype.str[1:] for v in values]


@functools.lru_cache(maxsize=512)
def compile_source(source: str, types: tuple[str, ...] | None = None) -> Callable[..., Any]:
    """Return the function of machine code called ``compute`` that `source` defines.

    Parameters
    ----------
    source : str
    types : tuple of str, optional
        See `MachineCall`; without them it is compiled when it is called.

    Raises
    ------
    ImportError
        Without numba.
    NotFused
        If numba makes no machine code of it.
    """
    try:
        import numba

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
    compiled: Any = numba.njit(fastmath=vector_math.CAREFUL, error_model="numpy")(space["compute"])
    if file is not None:
        code_cache.keep(compiled)
    try:
        if types is not None:
            compiled.compile(tuple(_type(t) for t in types))
    except numba.errors.NumbaError as error:
        raise NotFused(str(error)) from error
    return compiled  # type: ignore[no-any-return]


def _type(name: str) -> Any:
    from numba import types

    kind, *axes = name.split()
    number = types.boolean if kind == "b1" else getattr(types, np.dtype(kind).name)
    return types.Array(number, int(axes[0]), "C") if axes else number
