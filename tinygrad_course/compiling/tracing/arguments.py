"""What a function is given: the arrays and numbers in its arguments, by name, and what is known of each."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.compiling.tracing.captured_values import ITERATOR, is_iterator
from tinygrad_course.compiling.tracing.changed_arguments import parts_of
from tinygrad_course.compiling.tracing.refusals import CannotCompile
from tinygrad_course.engine import other_arrays
from tinygrad_course.engine.inputs import parameters


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """Return names for the first `count` positional arguments of `f`."""
    names = [p.name for p in parameters(f) if p.kind <= p.POSITIONAL_OR_KEYWORD]
    return names[:count] + [f"argument{i + 1}" for i in range(len(names), count)]


def named_arguments(f: Callable[..., Any], args: Any) -> list[tuple[str, Any]]:
    """Return every leaf of the arguments with its path: the parameter's name, then the place inside it."""
    names = argument_names(f, len(args))
    found = [part for name, arg in zip(names, args, strict=True) for part in parts_of(arg, name)]
    return [(path, x) for path, x in found if x is not None and not isinstance(x, (dict, list, tuple))]


def is_dynamic(x: Any, path: str, moving: Any) -> bool:
    """Whether an argument is an input of the program; others are part of it, or an error."""
    if type(x).__module__.partition(".")[0] != "scipy":  # whose products are known
        try:
            other_arrays.admitted(x)
        except TypeError as error:
            raise CannotCompile(str(error).replace("X", path)) from None
    if isinstance(x, np.ndarray):
        if x.dtype.kind not in "fiub":
            raise CannotCompile(
                f"{path} has dtype {x.dtype}; a compiled function takes arrays of real numbers"
            )
        return True
    if isinstance(x, np.generic):
        return x.dtype.kind in "fiub"
    if isinstance(x, (np.random.RandomState, np.random.Generator)):
        raise CannotCompile(
            f"{path} is a random generator; a program would repeat one call's numbers. Draw them outside, "
            "and pass them as an argument"
        )
    if is_iterator(x):
        raise CannotCompile(ITERATOR.format(path))
    return path in moving


def is_foreign(x: Any) -> bool:
    """Whether it is an array of another library's, which speaks NumPy's protocols."""
    return hasattr(type(x), "__array_function__") and not isinstance(x, (np.ndarray, np.generic))


def native(x: Any) -> Any:
    """Return an array of another byte order, or whose dtype is a twin of NumPy's, as NumPy's own."""
    if type(x) is np.ndarray and x.dtype.kind in "fiub" and x.dtype is not np.dtype(x.dtype.char):
        return x.astype(x.dtype.char)
    return x


def signature(x: Any, path: str, moving: set[str]) -> tuple[Any, ...]:
    """Return what a program is made for: type, shape and dtype of an input, the value of anything else.

    An object that is not looked into stands for itself: its id.
    """
    if is_dynamic(x, path, moving):
        return (type(x), np.shape(x), getattr(x, "dtype", None))
    if isinstance(x, (bool, int, float, str, bytes, type(None), np.generic)):
        return type(x), repr(x)
    return type(x), id(x)
