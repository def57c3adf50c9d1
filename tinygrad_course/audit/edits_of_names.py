"""The single edits of a name, a number, a text or an index."""

import ast
import re
from collections.abc import Iterator

import numpy as np

from tinygrad_course.audit.edits_of_calls import RELATED
from tinygrad_course.audit.slots import Scope, Slot, called, parse, text
from tinygrad_course.audit.vocabulary import (
    EXAMPLES,
    is_beta,
    is_lambda,
    mentions,
    name_kind,
)  # fmt: skip

Change = tuple[str, ast.expr, float]
"""(the mistake, the expression to put, how far-fetched it is)."""


def counting(slot: Slot, scope: Scope) -> Iterator[Change]:
    """Shift an index, a layer's number, the end of a range."""
    node = slot.node
    kind = "index_off_by_one"
    for outer in slot.around:
        words = text(outer) if isinstance(outer, ast.expr) else ""
        if isinstance(outer, ast.Subscript) and "cache" in text(outer.value).lower():
            kind = "stale_cache"
        elif "dA" in words and isinstance(outer, ast.Subscript):
            kind = "dA_index"
    if isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
        for shift in (1, -1, 2, -2):
            yield kind, ast.Constant(node.value + shift), 0
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield kind, node.left, 0
    if isinstance(node, ast.Name | ast.BinOp | ast.Attribute | ast.Subscript) or (
        isinstance(node, ast.Call) and called(node) == "len"
    ):
        for shift in (1, -1, 2):
            operator = ast.Add() if shift > 0 else ast.Sub()
            yield kind, ast.BinOp(node, operator, ast.Constant(abs(shift))), 1
    for name, value in scope.numbers.items():
        if value == int(value) and not isinstance(node, ast.Name):
            yield kind, ast.Name(name, ast.Load()), 1
            yield kind, parse(f"{name} + 1"), 1.5
            yield kind, parse(f"{name} - 1"), 1.5


def names(slot: Slot, scope: Scope) -> Iterator[Change]:
    """Put another variable of the same kind in a variable's place."""
    node = slot.node
    if not isinstance(node, ast.Name) or (isinstance(slot.parent, ast.Call) and slot.name == "func"):
        return
    name = node.id
    if name not in scope.values and (name in scope.functions or name in RELATED or name in _MODULES):
        kind = "wrong_activation_derivative" if name.endswith("_backward") else "wrong_activation"
        yield from (
            (kind, ast.Name(other, ast.Load()), 0)
            for other in RELATED.get(name, ())
            if other in scope.functions
        )
        return
    for other in _like(name, scope):
        yield name_kind(name, other, known=name in scope.values), ast.Name(other, ast.Load()), 0
    if _argument(slot):
        yield from (("wrong_operand", parse(donor), 1.5) for donor in scope.donors)
    if name in scope.numbers and "t" in scope.numbers and is_beta(name):
        yield "bias_correction", parse(f"{name} ** t"), 0
    if len(scope.arrays.get(name, ())) == 2:
        if isinstance(slot.parent, ast.Attribute):
            yield "not_summed", parse(f"np.sum({name}, axis=1)"), 1.5
        for order in _orders(scope, scope.arrays[name][1]):
            yield "pairs_broken", parse(f"{name}[:, {order}]"), 1.2
    if name not in scope.values:
        for other in scope.arrays:
            if re.fullmatch(r"(?i)x|a\d*_?prev|a\d*", other):
                yield "wrong_operand", parse(f"{other}.T"), 2


_MODULES = {"np", "math", "numpy", "str", "int", "float", "True", "False"}


def _like(name: str, scope: Scope) -> list[str]:
    """Return the other variables of a variable's kind; all of them for a name that is not defined."""
    if name in scope.arrays:
        others = list(scope.arrays)
    elif name in scope.numbers:
        others = list(scope.numbers)
    elif name in scope.values:
        others = [other for other, value in scope.values.items() if type(value) is type(scope.values[name])]
    else:
        others = list(scope.values)
    return [other for other in others if other != name]


def _argument(slot: Slot) -> bool:
    call = slot.parent
    return isinstance(call, ast.Call) and slot.name == "args" and called(call) not in {"str", "range", "len"}


def constants(slot: Slot, scope: Scope, label: str) -> Iterator[Change]:
    """Put another truth value, text or number in the place of one."""
    node = slot.node
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        kind = slot.parent.arg if isinstance(slot.parent, ast.keyword) else ""
        yield (
            {"keepdims": "keepdims_missing", "copy": "in_place"}.get(str(kind), "wrong_constant"),
            ast.Constant(not value),
            0,
        )
    elif isinstance(value, str):
        key = isinstance(slot.parent, ast.Subscript | ast.Dict | ast.BinOp)
        near = _neighbours(value)
        for other in dict.fromkeys([*near, *scope.strings]):
            if other == value:
                continue
            kind = "wrong_operand" if key else "wrong_function"
            if value in {"relu", "sigmoid", "tanh"}:
                kind = "wrong_activation_derivative" if slot.backward else "wrong_activation"
            elif key and (value.startswith("dA") or other.startswith("dA")):
                kind = "dA_index"
            yield kind, ast.Constant(other), 0.5 if other in near else 1.2
    elif isinstance(value, int | float) and not slot.counting:
        yield from _numbers(slot, value, scope, label)


def _neighbours(value: str) -> list[str]:
    match = re.fullmatch(r"(d?[A-Za-z_]+?)(\d+)", value)
    if match:
        stem, number = match.group(1), int(match.group(2))
        return [f"{stem}{number + shift}" for shift in (1, -1) if number + shift > 0]
    swap = {
        "W": "b",
        "b": "W",
        "dW": "db",
        "db": "dW",
        "w": "b",
        "dw": "db",
        "relu": "sigmoid",
        "sigmoid": "relu",
    }
    return [swap[value]] if value in swap else []


def _numbers(slot: Slot, value: float, scope: Scope, label: str) -> Iterator[Change]:
    axis = isinstance(slot.parent, ast.keyword) and slot.parent.arg == "axis"
    around = " ".join(text(outer) for outer in slot.around if isinstance(outer, ast.expr))
    exponent = (
        isinstance(slot.parent, ast.BinOp) and isinstance(slot.parent.op, ast.Pow) and slot.name == "right"
    )
    exponent = exponent or (
        isinstance(slot.parent, ast.Call) and called(slot.parent) == "power" and slot.position == 1
    )
    kind = "wrong_axis" if axis else "wrong_power" if exponent else "wrong_constant"
    if kind == "wrong_constant":
        if isinstance(slot.parent, ast.Compare):
            kind = "threshold"
        elif mentions(around, is_lambda):
            kind = "l2_factor"
        elif isinstance(slot.parent, ast.BinOp) and isinstance(slot.parent.op, ast.Mult | ast.Div):
            kind = "wrong_factor"
    for other in (0, 1, 2, 0.5, -value, value + 1, value - 1, 0.01, 0.05, 3):
        if other != value:
            rank = 0 if kind == "wrong_axis" else 0.5 if kind == "threshold" and other == 0.5 else 2
            yield kind if other != -value else "wrong_sign", ast.Constant(other), rank
    for name in scope.numbers:
        corrected = exponent and (mentions(around, is_beta) or "correct" in label)
        if name == "t" and exponent:
            yield "bias_correction" if corrected else kind, ast.Name(name, ast.Load()), 0
        elif not exponent and not axis:
            yield kind if name not in EXAMPLES else "missing_1_over_m", ast.Name(name, ast.Load()), 2


def _orders(scope: Scope, count: int) -> list[str]:
    """Return the variables that hold an order of so many columns."""
    return [
        name
        for name, value in scope.values.items()
        if isinstance(value, list | np.ndarray)
        and len(value) == count
        and all(isinstance(part, int | np.integer) for part in value)
    ]
