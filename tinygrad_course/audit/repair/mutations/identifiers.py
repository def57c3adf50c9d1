"""The single edits of a name, a number, a text or an index."""

import ast
import builtins
import difflib
import re
from collections.abc import Iterator

import numpy as np

from tinygrad_course.audit.repair.mutations.function_calls import RELATED, SWAPS
from tinygrad_course.audit.repair.mutations.locations import Change, Location, Scope, called, parse, text
from tinygrad_course.audit.repair.mutations.naming import (
    EXAMPLES,
    is_a,
    mentions,
    name_kind,
    split_name,
)  # fmt: skip


def counting(at: Location, scope: Scope) -> Iterator[Change]:
    """Shift an index, a layer's number, the end of a range."""
    node = at.node
    kind = "index_off_by_one"
    for outer in at.around:
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
    if isinstance(node, ast.Name | ast.BinOp | ast.UnaryOp | ast.Attribute | ast.Subscript) or (
        isinstance(node, ast.Call) and called(node) == "len"
    ):
        for shift in (1, -1, 2):
            operator = ast.Add() if shift > 0 else ast.Sub()
            yield kind, ast.BinOp(node, operator, ast.Constant(abs(shift))), 1
    if isinstance(node, ast.Name) and isinstance(at.parent, ast.Tuple):
        yield "shape", ast.Constant(1), 0.5  # np.zeros((n_y, n_y)) for a bias
    for name, value in scope.numbers.items():
        if value == int(value) and not isinstance(node, ast.Name):
            yield kind, ast.Name(name, ast.Load()), 1
            yield kind, parse(f"{name} + 1"), 1.5
            yield kind, parse(f"{name} - 1"), 1.5


def names(at: Location, scope: Scope) -> Iterator[Change]:
    """Put another variable of the same kind in a variable's place."""
    node = at.node
    if not isinstance(node, ast.Name):
        return
    name = node.id
    yield from _misspelt(name, scope)
    if isinstance(at.parent, ast.Call) and at.name == "func":
        return
    if name not in scope.values and (name in scope.functions or name in RELATED or name in _MODULES):
        kind = "wrong_activation_derivative" if name.endswith("_backward") else "wrong_activation"
        there = [other for other in RELATED.get(name, ()) if other in scope.functions]
        yield from ((kind, ast.Name(other, ast.Load()), 0) for other in there)
        return
    for other in _like(name, scope):
        rank = 0 if name in scope.values or split_name(name)[0] == split_name(other)[0] else 0.4
        yield name_kind(name, other, known=name in scope.values), ast.Name(other, ast.Load()), rank
    for other in _unlike(at, name, scope):
        rank = 1.2 if name in scope.arrays or name in scope.numbers else 0.7
        yield name_kind(name, other, known=True), ast.Name(other, ast.Load()), rank
    if _argument(at):
        yield from (("wrong_operand", parse(donor), 1.5) for donor in scope.donors)
    if name in scope.numbers and "t" in scope.numbers and is_a("beta", name):
        yield "bias_correction", parse(f"{name} ** t"), 0
    if len(scope.arrays.get(name, ())) == 2:
        if isinstance(at.parent, ast.Attribute):
            yield "not_summed", parse(f"np.sum({name}, axis=1)"), 1.5
        yield from _entries(name, scope)
        for order in _orders(scope, scope.arrays[name][1]):
            yield "pairs_broken", parse(f"{name}[:, {order}]"), 1.2
    if name not in scope.values:
        for other in scope.arrays:
            if re.fullmatch(r"(?i)x|a\d*_?prev|a\d*", other):
                yield "wrong_operand", parse(f"{other}.T"), 2


def attributes(node: ast.Attribute, scope: Scope) -> Iterator[Change]:
    """Put another number, or array, of the object in the place of one: self.b2 for self.b1."""
    holder = scope.values.get(node.value.id) if isinstance(node.value, ast.Name) else None
    held = vars(holder) if hasattr(holder, "__dict__") and isinstance(node.ctx, ast.Load) else {}
    for other, value in held.items():
        same = type(value) is type(held.get(node.attr)) and isinstance(value, float | np.ndarray)
        if same and other != node.attr:
            alike = split_name(other)[0] == split_name(node.attr)[0]
            yield (
                name_kind(node.attr, other, known=True),
                ast.Attribute(node.value, other, ast.Load()),
                1 - alike,
            )


def _misspelt(name: str, scope: Scope) -> Iterator[Change]:
    """Put a name that exists in the place of one that does not: True for true, range for rang."""
    if name in scope.values or name in {*scope.functions, *_BUILTINS, *_MODULES}:
        return
    words = [*scope.values, *scope.functions, *_BUILTINS]
    near = [word for word in words if word.lower() == name.lower()]
    for other in dict.fromkeys([*near, *difflib.get_close_matches(name, words, 3)]):
        yield "not_defined", parse(other), 0


def _entries(name: str, scope: Scope) -> Iterator[Change]:
    """Put one example's entry, or one column, in the place of a whole array, in a loop that counts them."""
    rows, columns = scope.arrays[name]
    for counter, value in scope.numbers.items():
        if counter in {"i", "j", "k", "n", "idx", "index"} and value == int(value) and value < columns:
            yield "not_indexed", parse(f"{name}[0, {counter}]" if rows == 1 else f"{name}[:, {counter}]"), 1.3
            yield "not_indexed", parse(f"{name}[:, {counter} : {counter} + 1]"), 1.4


def columns(node: ast.Subscript, scope: Scope) -> Iterator[Change]:
    """Put a column in the place of a row: X[:, i] for X[i], and X[j, i] for X[j]."""
    if not isinstance(node.value, ast.Name) or len(scope.arrays.get(node.value.id, ())) != 2:
        return
    name, index = node.value.id, text(node.slice)
    if isinstance(node.slice, ast.Tuple | ast.Slice | ast.Constant):
        return
    yield "row_for_column", parse(f"{name}[:, {index}]"), 0.5
    yield "row_for_column", parse(f"{name}[:, {index} : {index} + 1]"), 0.6
    for counter in scope.numbers:
        if counter in {"i", "j", "k"} and counter != index:
            yield "row_for_column", parse(f"{name}[{index}, {counter}]"), 0.7
            yield "row_for_column", parse(f"{name}[{counter}, {index}]"), 0.7


def derivatives(node: ast.Subscript, scope: Scope) -> Iterator[Change]:
    """Put the derivative in the place of a parameter: grads["dW1"] for parameters["W1"]."""
    if not isinstance(node.value, ast.Name) or not isinstance(scope.values.get(node.value.id), dict):
        return
    mine, key = set(scope.values[node.value.id]), text(node.slice)
    for name, value in scope.values.items():
        if name == node.value.id or not isinstance(value, dict):
            continue
        if any(f"d{entry}" in value for entry in mine):
            match = re.match(r"(f?)(['\"])", key)
            inside = f"{match.group()}d{key[match.end() :]}" if match else f"'d' + {key}"
            yield "wrong_operand", parse(f"{name}[{inside}]"), 0.5
        if any(f"d{entry}" in mine for entry in value) and re.match(r"f?['\"]d", key):
            yield "wrong_operand", parse(f"{name}[{re.sub('d', '', key, count=1)}]"), 0.6


_BUILTINS = [
    name for name in dir(builtins) if not name.startswith("_") and not name.endswith(("Error", "Warning"))
]
_MODULES = {"np", "math", "numpy", "str", "int", "float", "True", "False"}


def others_for(at: Location, scope: Scope) -> Iterator[tuple[str, str]]:
    """Give what may stand in the place of a name throughout a statement, with the mistake's name."""
    words = text(at.node)
    if isinstance(at.node, ast.Attribute):
        stem, _, last = words.rpartition(".")
        yield from ((kind, f"{stem}.{other}") for other, kind, rank in SWAPS.get(last, []) if rank < 2)
    elif words in scope.values:
        for other in _like(words, scope):
            if scope.arrays.get(words) is not None or words in scope.numbers:
                yield name_kind(words, other, known=True), other


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


def _unlike(at: Location, name: str, scope: Scope) -> list[str]:
    """Return the variables of another kind that may stand here: a number for an array, say."""
    if name not in scope.values:
        return []
    dictionaries = [other for other, value in scope.values.items() if isinstance(value, dict | list | tuple)]
    call = called(at.parent) if isinstance(at.parent, ast.Call) else ""
    if isinstance(at.parent, ast.Subscript) and at.name == "value":
        others = [*dictionaries, *scope.arrays]
    elif call == "len":
        others = list(scope.values)
    elif at.counting:
        others = list(scope.numbers)
    else:
        others = [*scope.arrays, *scope.numbers]
        if isinstance(at.parent, ast.Call | ast.Tuple | ast.Return | ast.Dict):
            others += dictionaries
    alike = {name, *_like(name, scope)}
    return [other for other in dict.fromkeys(others) if other not in alike]


def _argument(at: Location) -> bool:
    call = at.parent
    return isinstance(call, ast.Call) and at.name == "args" and called(call) not in {"str", "range", "len"}


def constants(at: Location, scope: Scope, label: str) -> Iterator[Change]:
    """Put another truth value, text or number in the place of one."""
    node = at.node
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        kind = at.parent.arg if isinstance(at.parent, ast.keyword) else ""
        mistake = {"keepdims": "keepdims_missing", "copy": "in_place"}.get(str(kind), "wrong_constant")
        yield mistake, ast.Constant(not value), 0
    elif isinstance(value, str):
        key = isinstance(at.parent, ast.Subscript | ast.Dict | ast.BinOp)
        near = _neighbours(value) + (
            _ENTRIES if key and value.lower() in {entry.lower() for entry in _ENTRIES} else []
        )
        for other in dict.fromkeys([*near, *scope.strings]):
            if other == value:
                continue
            kind = "wrong_operand" if key else "wrong_function"
            if value in {"relu", "sigmoid", "tanh"}:
                kind = "wrong_activation_derivative" if at.backward else "wrong_activation"
            elif key and (value.startswith("dA") or other.startswith("dA")):
                kind = "dA_index"
            yield kind, ast.Constant(other), 0.5 if other in near else 1.2
    elif isinstance(value, int | float) and not at.counting:
        yield from _numbers(at, value, scope, label)


_ENTRIES = ["W", "b", "dW", "db", "dA"]


def _neighbours(value: str) -> list[str]:
    match = re.fullmatch(r"(d?[A-Za-z_]+?)(\d+)", value)
    if match:
        stem, number = match.group(1), int(match.group(2))
        return [f"{stem}{number + shift}" for shift in (1, -1) if number + shift > 0]
    twins = (("W", "b"), ("b", "W"), ("dW", "db"), ("db", "dW"), ("w", "b"), ("dw", "db"))
    swap = {**dict(twins), "relu": "sigmoid", "sigmoid": "relu"}
    return [swap[value]] if value in swap else []


def _numbers(at: Location, value: float, scope: Scope, label: str) -> Iterator[Change]:
    axis = isinstance(at.parent, ast.keyword) and at.parent.arg == "axis"
    around = " ".join(text(outer) for outer in at.around if isinstance(outer, ast.expr))
    exponent = isinstance(at.parent, ast.BinOp) and isinstance(at.parent.op, ast.Pow) and at.name == "right"
    exponent = exponent or (
        isinstance(at.parent, ast.Call) and called(at.parent) == "power" and at.position == 1
    )
    kind = "wrong_axis" if axis else "wrong_power" if exponent else "wrong_constant"
    if kind == "wrong_constant":
        if isinstance(at.parent, ast.Compare):
            kind = "threshold"
        elif mentions(around, "lambda"):
            kind = "l2_factor"
        elif isinstance(at.parent, ast.BinOp) and isinstance(at.parent.op, ast.Mult | ast.Div):
            kind = "wrong_factor"
    for other in (0, 1, 2, 0.5, -value, value + 1, value - 1, 0.01, 0.05, 3):
        if other != value:
            rank = 0 if kind == "wrong_axis" else 0.5 if kind == "threshold" and other == 0.5 else 2
            yield kind if other != -value else "wrong_sign", ast.Constant(other), rank
    for name in scope.numbers:
        corrected = exponent and (mentions(around, "beta") or "correct" in label)
        if name == "t" and exponent:
            yield "bias_correction" if corrected else kind, ast.Name(name, ast.Load()), 0
        elif not exponent and not axis:
            yield kind if name not in EXAMPLES else "missing_1_over_m", ast.Name(name, ast.Load()), 2


def _orders(scope: Scope, count: int) -> list[str]:
    """Return the variables that hold an order of so many columns."""
    lists = [name for name, value in scope.values.items() if isinstance(value, list)]
    rows = {*lists, *(name for name, shape in scope.arrays.items() if len(shape) == 1)}
    named = [(name, value) for name, value in scope.values.items() if name in rows and len(value) == count]
    return [name for name, value in named if all(isinstance(part, int | np.integer) for part in value)]
