"""Statements of homework, rewritten as they compile: what older versions of NumPy allowed, and precision."""

import ast
import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

_NUMBERS = {"float": "__tinygrad_float__", "int": "__tinygrad_int__"}
SINGLE = {"float32", "float16", "single", "half"}
_CODES = {*SINGLE, "f", "f4", "<f4", "e", "f2", "<f2"}


def number_in(value: Any) -> Any:
    """Return the number in an array of one entry; older versions of NumPy did so where one is asked for."""
    return value.item() if isinstance(value, np.ndarray) and value.ndim and value.size == 1 else value


@contextlib.contextmanager
def rewritten(node: ast.stmt, *, casts: bool, single: bool) -> Iterator[None]:
    """Let a statement stand otherwise during the body, and as it was after it.

    Where it `casts`, float(b) and Z[i, h, w, c] = z of an array of one entry are its number. What is in
    `single` precision is in double: rounding and a small mistake look alike in single.
    """
    made = list(_changes(node, casts=casts, single=single)) if casts or single else []
    before = [getattr(part, name) for part, name, _ in made]
    for part, name, new in made:
        setattr(part, name, new)
    try:
        yield
    finally:
        for (part, name, _), old in zip(made, before, strict=True):
            setattr(part, name, old)


def _changes(node: ast.stmt, *, casts: bool, single: bool) -> Iterator[tuple[ast.AST, str, Any]]:
    for part in ast.walk(node):
        if single and isinstance(part, ast.Attribute) and part.attr in SINGLE:
            yield part, "attr", "float64"
        elif isinstance(part, ast.Call):
            if casts and isinstance(part.func, ast.Name) and part.func.id in _NUMBERS:
                yield part.func, "id", _NUMBERS[part.func.id]
            told = [keyword.value for keyword in part.keywords if keyword.arg == "dtype"]
            told += part.args if getattr(part.func, "attr", "") in {"astype", "dtype"} else []
            for code in told if single else ():
                if isinstance(code, ast.Constant) and code.value in _CODES:
                    yield code, "value", "float64"
        elif casts and isinstance(part, ast.Assign):
            key = getattr(part.targets[0], "slice", None)
            if isinstance(key, ast.Tuple) and len(key.elts) == 4:
                taken = ast.Call(ast.Name("__tinygrad_number__", ast.Load()), [part.value], [])
                yield part, "value", ast.fix_missing_locations(ast.copy_location(taken, part.value))
