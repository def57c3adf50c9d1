"""What can't be compiled, and what to write in its place."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from tinygrad_course.compiling.tracing.library_code import of_library
from tinygrad_course.engine.recording import dispatch
from tinygrad_course.rules.table import as_written

_raised: ContextVar[list[CannotCompile] | None] = ContextVar(
    "refusals of the trace in progress", default=None
)


#: Why some functions are refused whatever they meet, and what to write in their place.
INSTEAD: dict[str | None, str] = {
    "np.piecewise": (
        "np.piecewise gives each function the entries x[condition], as many as the values decide, and a "
        "program is made for fixed shapes: where the functions compute entry by entry, "
        "np.where(condition, f(x), g(x)) is the same, or np.select for more of them"
    ),
}


class CannotCompile(TypeError):  # noqa: N818  (it says what can't be done)
    """The function does something that a recording can't repeat faithfully.

    Attributes
    ----------
    outside : bool
        Something outside the function changed while it was recorded, perhaps by another thread.
    writes : bool
        It writes into an array: recorded with Tensors, whose writes are followed, it may compile.
    """

    outside = False

    def __init__(self, message: str, *, writes: bool = False) -> None:
        self.writes = writes
        call = users_call()
        message = INSTEAD.get(call, message)
        super().__init__(message if call is None or call in message else f"{call}: {message}")
        noted = _raised.get()
        if noted is not None:
            noted.append(self)


def users_call() -> str | None:
    """Return the function of NumPy's that the user has called, where the library is at work on that."""
    found, frame = None, inspect.currentframe()
    while frame is not None and of_library(frame.f_code.co_filename):
        if frame.f_code is dispatch.__code__:
            found = as_written(frame.f_locals["function"])
        frame = frame.f_back
    return found


class DecidedByError(CannotCompile):
    """What the function does depends on whether a call raises: it runs as it is, and not as a program."""


@contextmanager
def none_swallowed() -> Iterator[None]:
    """Raise what was refused inside, the first, also where the function's own ``try`` has caught it."""
    noted: list[CannotCompile] = []
    token = _raised.set(noted)
    try:
        yield
    finally:
        _raised.reset(token)
    if noted:
        raise noted[0]


def note_error(name: str, error: Exception) -> None:
    """Note that a call fails by its values, which `none_swallowed` raises if the function goes on."""
    DecidedByError(
        f"{name} raised {type(error).__name__} while the function was recorded, and a try caught it: the "
        "program would take the same way in every call to come. Catch it outside the compiled function, or "
        "compute what needs no try, such as K + jitter * np.eye(n)"
    )


@contextmanager
def allowed_to_fail() -> Iterator[None]:
    """Let what is refused inside be caught by the library itself."""
    token = _raised.set(None)
    try:
        yield
    finally:
        _raised.reset(token)


#: Functions that look at shapes and dtypes alone: they are answered at once, with plain values.
OF_SHAPES = {
    *(np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.common_type, np.min_scalar_type),
    *(np.iscomplexobj, np.isrealobj, np.zeros_like, np.ones_like, np.einsum_path),
    *(np.diag_indices_from, np.tril_indices_from, np.triu_indices_from),
}
#: Functions whose results have a shape that depends on values.
OF_VALUES = {
    *(np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.extract, np.compress, np.trim_zeros, np.union1d),
    *(np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values),
    *(np.intersect1d, np.setdiff1d, np.setxor1d, np.histogram, np.histogram_bin_edges),
}
#: Errors that depend on values: a singular matrix, np.errstate(over="raise"), an index out of range.
BY_VALUES = (np.linalg.LinAlgError, ArithmeticError, IndexError)
#: What is called to see whether it raises, too.
RAISING = {np.linalg.cholesky, np.linalg.inv, np.linalg.solve, np.average, np.geomspace}
WRITING = {np.copyto, np.place, np.put, np.putmask, np.put_along_axis, np.fill_diagonal}
BY_MEMORY = {np.ravel, np.reshape}
TEXT = {
    *(np.array2string, np.array_repr, np.array_str, np.save, np.savetxt, np.savez, np.savez_compressed),
}

IN_PLACE = (
    "{} was changed in place (x -= y, out=), which a recording can't follow: write x = x - y. A compiled "
    "function reuses memory by itself."
)


def refuse_call(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise if a call of this function can't be part of a program, and say what to write in its place.

    A `DecidedByError` inside ``np.errstate(over="raise")``: no program looks for floating-point errors.
    """
    if "raise" in np.geterr().values():
        raise DecidedByError(
            "np.errstate(...='raise') inside the function: a program looks for no floating-point errors. Set "
            "it around the call, or compute what needs none"
        )
    if "out" in kwargs:
        raise CannotCompile(IN_PLACE.format(f"the out= of {as_written(function)}"), writes=True)
    if function in WRITING:
        raise CannotCompile(IN_PLACE.format(f"an argument of {as_written(function)}"), writes=True)
    if function in OF_VALUES or (function is np.where and len(args) + len(kwargs) == 1):
        raise CannotCompile(
            f"the shape of what {as_written(function)} returns depends on values, and a program is made for "
            "fixed shapes: use np.where(condition, x, y), or select outside the compiled function"
        )
    order = kwargs.get("order", args[-1] if args else None)
    if function in BY_MEMORY and type(order) is str and order in "KAka" and len(np.shape(args[0])) > 1:
        raise CannotCompile(
            f"{as_written(function)} with order='K' or 'A' depends on how the array lies in memory, which a "
            "program chooses for itself: give order 'C' or 'F'"
        )
    if function in TEXT:
        raise CannotCompile(
            f"{as_written(function)} writes numbers, and a compiled function would write them once only: "
            "return what you want to look at"
        )
