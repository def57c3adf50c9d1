"""Statements of homework, rewritten before they run: what older versions of NumPy allowed, and precision."""

import ast
import copy
from typing import Any

import numpy as np

from tinygrad_course.audit.source.syntax import nodes

_NUMBERS = {"float": "__tinygrad_float__", "int": "__tinygrad_int__"}
SINGLE = {"float32", "float16", "single", "half"}


def number_in(value: Any) -> Any:
    """Return the number in an array of one entry; older versions of NumPy did so where one is asked for."""
    return value.item() if isinstance(value, np.ndarray) and value.ndim and value.size == 1 else value


def as_once(node: ast.stmt) -> ast.stmt:
    """Let float(b) and Z[i, h, w, c] = z of an array of one entry be its number."""
    made = copy.deepcopy(node)
    for call in nodes(made, ast.Call):
        if isinstance(call.func, ast.Name):
            call.func.id = _NUMBERS.get(call.func.id, call.func.id)
    for one in nodes(made, ast.Assign):
        key = getattr(one.targets[0], "slice", None)
        if isinstance(key, ast.Tuple) and len(key.elts) == 4:
            one.value = ast.Call(ast.Name("__tinygrad_number__", ast.Load()), [one.value], [])
    return ast.fix_missing_locations(made)


_CODES = {*SINGLE, "f", "f4", "<f4", "e", "f2", "<f2"}


def in_double(node: ast.stmt) -> ast.stmt:
    """Let a statement compute in double precision: rounding and a small mistake look alike in single."""
    made = copy.deepcopy(node)
    for dtype in nodes(made, ast.Attribute):
        dtype.attr = "float64" if dtype.attr in SINGLE else dtype.attr
    for call in nodes(made, ast.Call):
        told = [keyword.value for keyword in call.keywords if keyword.arg == "dtype"]
        for code in [*told, *(call.args if getattr(call.func, "attr", "") in {"astype", "dtype"} else [])]:
            if isinstance(code, ast.Constant) and code.value in _CODES:
                code.value = "float64"
    return made
