"""The single edits that undo a likely mistake, each with the name of the mistake that it undoes.

A generator puts an edit into the syntax tree, yields, and takes it out again: what tries it compiles the function in
between. The rules know nothing of a function's meaning; whether an edit repairs it is decided by running it.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tinygrad_course.audit.edits_of_calls import RELATED, call_edits
from tinygrad_course.audit.slots import Scope, Slot, called, core, parse, slots, terms, text
from tinygrad_course.audit.vocabulary import (
    EXAMPLES, examples_count, factor_kind, is_beta, is_bias, is_keep_prob, is_lambda, is_mask, mentions, name_kind, removed_kind,
)  # fmt: skip


@dataclass(frozen=True)
class Edit:
    """What an edit undoes."""

    kind: str
    rank: float
    old: ast.AST | str
    new: ast.AST | str = ""
    line: int | None = None
    """The line of what is changed, within a statement of several lines."""

    @property
    def words(self) -> str:
        """Say what stands there, and what fits."""
        old, new = (part if isinstance(part, str) else f"`{text(part)}`" for part in (self.old, self.new))
        return f"{old} where {new} fits" if new else old


Change = tuple[str, ast.expr, float]
"""(the mistake, the expression to put, how far-fetched it is)."""

_OPPOSITE: dict[type[ast.operator], list[type[ast.operator]]] = {
    ast.Add: [ast.Sub, ast.Mult],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div, ast.Add, ast.MatMult],
    ast.Div: [ast.Mult],
    ast.MatMult: [ast.Mult],
    ast.FloorDiv: [ast.Mult],
    ast.Pow: [ast.Mult],
    ast.Mod: [ast.FloorDiv],
}


def edits(block: list[ast.stmt], position: int, scope: Scope, label: str) -> Iterator[Edit]:
    """Put each edit of a statement into its block in turn; `label` names what the statement assigns."""
    statement = block[position]
    for slot in slots(statement):
        for kind, new, rank in _expression_edits(slot, scope, label):
            slot.put(_located(new, slot.node))
            try:
                yield Edit(kind, rank, slot.node, new, getattr(slot.node, "lineno", None))
            finally:
                slot.put(slot.node)
    yield from _statement_edits(block, position)


def _located(new: ast.expr, like: ast.expr) -> ast.expr:
    """Give the nodes that are new the place of the one that they replace; the others have theirs."""
    waiting: list[ast.AST] = [new]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.expr | ast.keyword):
            if hasattr(node, "lineno") and node is not new:
                continue
            ast.copy_location(node, like)
        waiting.extend(ast.iter_child_nodes(node))
    return new


def _expression_edits(slot: Slot, scope: Scope, label: str) -> Iterator[Change]:
    node = slot.node
    if slot.counting:
        yield from _counting(slot, scope)
    if isinstance(node, ast.Name):
        yield from _names(slot, scope)
    elif isinstance(node, ast.Constant):
        yield from _constants(slot, scope, label)
    elif isinstance(node, ast.BinOp):
        yield from _operations(slot, node, scope, label)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "wrong_sign", node.operand, 0
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield from _comparisons(node)
    elif isinstance(node, ast.Call):
        yield from call_edits(slot, node, scope)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield "transposed", node.value, 0
    elif isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load):
        yield from _tuples(slot, node)
    if not slot.counting and not _only_called(slot):
        yield from _wraps(slot, scope, label)


def _only_called(slot: Slot) -> bool:
    """Whether the expression is the np of np.sum, the function of a call, or text."""
    if isinstance(slot.parent, ast.Attribute) and slot.parent.attr != "T":
        return True
    if isinstance(slot.parent, ast.keyword) and slot.parent.arg in {"axis", "keepdims", "copy", "dtype", "activation"}:
        return True
    return (isinstance(slot.parent, ast.Call) and slot.name == "func") or (
        isinstance(slot.node, ast.Constant) and not isinstance(slot.node.value, int | float)
    )


def _counting(slot: Slot, scope: Scope) -> Iterator[Change]:
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


def _names(slot: Slot, scope: Scope) -> Iterator[Change]:
    node = slot.node
    if not isinstance(node, ast.Name) or (isinstance(slot.parent, ast.Call) and slot.name == "func"):
        return
    name = node.id
    if name in scope.arrays:
        others = list(scope.arrays)
    elif name in scope.numbers:
        others = list(scope.numbers)
    elif name in scope.values:
        others = [other for other, value in scope.values.items() if type(value) is type(scope.values[name])]
    elif name in RELATED:
        for other in RELATED[name]:
            if other in scope.functions:
                yield "wrong_activation_derivative" if name.endswith("_backward") else "wrong_activation", ast.Name(other, ast.Load()), 0
        return
    elif name in scope.functions or name in {"np", "math", "numpy", "str", "int", "float", "True", "False"}:
        return
    else:
        others = list(scope.values)
    for other in others:
        if other != name:
            yield name_kind(name, other, known=name in scope.values), ast.Name(other, ast.Load()), 0
    if isinstance(slot.parent, ast.Call) and slot.name == "args" and called(slot.parent) not in {"str", "range", "len"}:
        for donor in scope.donors:
            yield "wrong_operand", parse(donor), 1.5
    if name in scope.numbers and "t" in scope.numbers and is_beta(name):
        yield "bias_correction", parse(f"{name} ** t"), 0
    if len(scope.arrays.get(name, ())) == 2 and isinstance(slot.parent, ast.Attribute):
        yield "not_summed", parse(f"np.sum({name}, axis=1)"), 1.5
    if len(scope.arrays.get(name, ())) == 2:
        for order in _orders(scope, scope.arrays[name][1]):
            yield "pairs_broken", parse(f"{name}[:, {order}]"), 1.2
    if name in scope.arrays or name not in scope.values:
        for other in scope.arrays:
            if re.fullmatch(r"(?i)x|a\d*_?prev|a\d*", other) and name not in scope.values:
                yield "wrong_operand", parse(f"{other}.T"), 2


def _constants(slot: Slot, scope: Scope, label: str) -> Iterator[Change]:
    node = slot.node
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        kind = slot.parent.arg if isinstance(slot.parent, ast.keyword) else ""
        yield {"keepdims": "keepdims_missing", "copy": "in_place"}.get(str(kind), "wrong_constant"), ast.Constant(not value), 0
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
    swap = {"W": "b", "b": "W", "dW": "db", "db": "dW", "w": "b", "dw": "db", "relu": "sigmoid", "sigmoid": "relu"}
    return [swap[value]] if value in swap else []


def _numbers(slot: Slot, value: float, scope: Scope, label: str) -> Iterator[Change]:
    axis = isinstance(slot.parent, ast.keyword) and slot.parent.arg == "axis"
    around = " ".join(text(outer) for outer in slot.around if isinstance(outer, ast.expr))
    exponent = isinstance(slot.parent, ast.BinOp) and isinstance(slot.parent.op, ast.Pow) and slot.name == "right"
    exponent = exponent or (isinstance(slot.parent, ast.Call) and called(slot.parent) == "power" and slot.position == 1)
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


def _operations(slot: Slot, node: ast.BinOp, scope: Scope, label: str) -> Iterator[Change]:
    left, right = node.left, node.right
    for operator in _OPPOSITE.get(type(node.op), []):
        rank = 0 if {type(node.op), operator} in ({ast.Add, ast.Sub}, {ast.Mult, ast.Div}, {ast.Mult, ast.MatMult}) else 2
        yield _operator_kind(node, operator), ast.BinOp(left, operator(), right), rank
    if isinstance(node.op, ast.Sub | ast.Div | ast.MatMult | ast.Pow | ast.FloorDiv):
        kind = "wrong_sign" if isinstance(node.op, ast.Sub) else "wrong_order"
        yield kind, ast.BinOp(right, node.op, left), 0.3
    if isinstance(node.op, ast.Mult) and _array_like(left, scope) and _array_like(right, scope):
        for first, second in ((left, right), (right, left)):
            yield "elementwise", parse(f"np.dot({text(first)}, {text(second)})"), 1
    for kept, dropped in ((left, right), (right, left)):
        if isinstance(node.op, ast.Div | ast.Pow) and kept is right:
            if isinstance(node.op, ast.Div) and not (isinstance(left, ast.Constant) and left.value == 1):
                yield removed_kind(dropped, node.op, scope, label), ast.BinOp(ast.Constant(1), ast.Div(), right), 2
            continue
        if isinstance(node.op, ast.Sub) and kept is right and isinstance(left, ast.Constant):
            yield "mask_inverted" if is_mask(text(right)) else "wrong_operand", right, 0.4
            continue
        if isinstance(node.op, ast.Sub) and kept is right:
            yield removed_kind(dropped, node.op, scope, label), right, 2
            yield removed_kind(dropped, node.op, scope, label), ast.UnaryOp(ast.USub(), right), 2
            continue
        yield removed_kind(dropped, node.op, scope, label), kept, 1
    if isinstance(node.op, ast.Add) and isinstance(left, ast.Call) and called(left) == "sqrt" and left.args:
        inside = f"{text(left.func)}({text(left.args[0])} + {text(right)})"
        yield "epsilon_in_root", parse(inside), 1
    if isinstance(node.op, ast.Mult | ast.Div) and isinstance(right, ast.BinOp):
        # a / b * c for a / (b * c), and the other way round: brackets that were forgotten.
        yield "wrong_factor", parse(f"{text(left)} {'*' if isinstance(node.op, ast.Mult) else '/'} {text(right)}"), 2
    if isinstance(node.op, ast.Mult) and isinstance(left, ast.BinOp) and isinstance(left.op, ast.Div):
        yield "wrong_factor", ast.BinOp(left.left, ast.Div(), ast.BinOp(left.right, ast.Mult(), right)), 2
    if isinstance(node.op, ast.Add | ast.Sub) and isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mult | ast.Div):
        inner = ast.BinOp(left.right, node.op, right)
        yield "wrong_order", ast.BinOp(left.left, left.op, inner), 2
    if isinstance(node.op, ast.Mult | ast.Div) and isinstance(left, ast.BinOp) and isinstance(left.op, ast.Add | ast.Sub):
        yield "wrong_order", ast.BinOp(left.left, left.op, ast.BinOp(left.right, node.op, right)), 2


def _operator_kind(node: ast.BinOp, operator: type[ast.operator]) -> str:
    words = text(node.right)
    if isinstance(node.op, ast.Add | ast.Sub) and operator in (ast.Add, ast.Sub):
        return "wrong_sign"
    if {type(node.op), operator} & {ast.MatMult}:
        return "elementwise"
    if {type(node.op), operator} == {ast.Mult, ast.Div}:
        return factor_kind(words, operator is ast.Div)
    return "wrong_function"


def _array_like(node: ast.expr, scope: Scope) -> bool:
    return any(isinstance(inner, ast.Name) and inner.id in scope.arrays for inner in ast.walk(node))


def _comparisons(node: ast.Compare) -> Iterator[Change]:
    flipped: dict[type[ast.cmpop], ast.cmpop] = {
        ast.Lt: ast.Gt(), ast.Gt: ast.Lt(), ast.LtE: ast.Gt(), ast.GtE: ast.Lt(), ast.Eq: ast.NotEq(), ast.NotEq: ast.Eq(),
    }  # fmt: skip
    operator = flipped.get(type(node.ops[0]))
    if operator is not None:
        kind = "mask_inverted" if mentions(text(node), is_keep_prob) else "comparison_reversed"
        yield kind, ast.Compare(node.left, [operator], node.comparators), 0


def _tuples(slot: Slot, node: ast.Tuple) -> Iterator[Change]:
    kind = "wrong_order"
    if isinstance(slot.parent, ast.Call) and called(slot.parent) in {"zeros", "ones", "empty", "full"}:
        kind = "transposed"
    for first in range(len(node.elts) - 1):
        swapped = list(node.elts)
        swapped[first], swapped[first + 1] = swapped[first + 1], swapped[first]
        yield kind, ast.Tuple(swapped, ast.Load()), 1
    if len(node.elts) == 3:
        yield kind, ast.Tuple([node.elts[2], node.elts[1], node.elts[0]], ast.Load()), 2


def _wraps(slot: Slot, scope: Scope, label: str) -> Iterator[Change]:
    """Put something around an expression: a minus, a transpose, a factor, a term."""
    node = slot.node
    root = isinstance(slot.parent, ast.stmt) or isinstance(slot.parent, ast.Dict | ast.Tuple)
    operand = isinstance(slot.parent, ast.BinOp | ast.Call | ast.UnaryOp)
    if not isinstance(node, ast.UnaryOp) and not isinstance(node, ast.Constant):
        yield "wrong_sign", ast.UnaryOp(ast.USub(), node), 0.5 if root else 1
    if isinstance(node, ast.Name | ast.Subscript | ast.Call) and not isinstance(slot.parent, ast.Attribute):
        yield "transposed", ast.Attribute(node, "T", ast.Load()), 0
    if isinstance(node, ast.BinOp) and isinstance(slot.parent, ast.Call) and called(slot.parent) in {"dot", "matmul"}:
        yield "transposed", ast.Attribute(node, "T", ast.Load()), 0.2
    if isinstance(node, ast.Name | ast.Subscript) and operand:
        yield "wrong_factor" if is_beta(text(node)) else "wrong_operand", parse(f"1 - {text(node)}"), 1
        yield "wrong_power", parse(f"np.square({text(node)})"), 1.2
        yield "wrong_power", parse(f"np.sqrt({text(node)})"), 1.2
    if isinstance(node, ast.Call | ast.BinOp) and operand:
        yield "wrong_power", parse(f"np.sqrt({text(node)})"), 2
        yield "wrong_function", parse(f"np.log({text(node)})"), 3
    if isinstance(slot.parent, ast.BinOp | ast.Call | ast.Return | ast.Assign):
        yield from _slopes(slot, scope)
    sum_term = isinstance(slot.parent, ast.BinOp) and isinstance(slot.parent.op, ast.Add | ast.Sub)
    if isinstance(node, ast.Name) and len(scope.arrays.get(node.id, ())) == 2:
        yield "not_summed", parse(f"np.sum({node.id}, axis=1, keepdims=True)"), 1.5
        yield "not_summed", parse(f"np.sum({node.id}, axis=1)"), 1.5
    if root or sum_term or (isinstance(slot.parent, ast.UnaryOp | ast.Call) and not isinstance(node, ast.Constant)):
        yield from _factors(node, scope, root=root)
    if root:
        yield from _additions(node, scope, label)
        yield "wrong_operand", ast.BinOp(ast.Constant(1), ast.Sub(), node), 2


def _orders(scope: Scope, count: int) -> list[str]:
    """Return the variables that hold an order of so many columns."""
    return [
        name for name, value in scope.values.items()
        if isinstance(value, list | np.ndarray) and len(value) == count and all(isinstance(part, int | np.integer) for part in value)
    ]  # fmt: skip


def _slopes(slot: Slot, scope: Scope) -> Iterator[Change]:
    """Put the derivative of another activation in the place of a factor."""
    node = slot.node
    if isinstance(slot.parent, ast.Call):
        if called(slot.parent) != "multiply":
            return
    elif isinstance(slot.parent, ast.Return | ast.Assign):
        if not isinstance(node, ast.BinOp | ast.Compare) or len(text(node)) > 40:
            return
    elif not isinstance(slot.parent, ast.BinOp) or not isinstance(slot.parent.op, ast.Mult):
        return
    if isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and not re.match(r"[aszASZ]\d?$", node.id)):
        return
    for slope in slopes(scope):
        if slope.strip("()") != text(node):
            yield "wrong_activation_derivative", parse(slope), 1


def slopes(scope: Scope) -> list[str]:
    """Return the derivatives of the activations, of every variable that may be an activation."""
    names = [name for name in scope.entries if re.match(r"(?i)(a|z|s|cache|activation)", core(name))]
    found: list[str] = []
    for name in names[:8]:
        found += [f"(1 - np.power({name}, 2))", f"({name} * (1 - {name}))", f"({name} > 0)", f"(1 - np.tanh({name}) ** 2)"]
        found.append(f"(1 / (1 + np.exp(-{name})) * (1 - 1 / (1 + np.exp(-{name}))))")
    return found


def _factors(node: ast.expr, scope: Scope, *, root: bool) -> Iterator[Change]:
    inner = 0 if root else 0.4
    for name in [*scope.numbers, *examples_count(scope)]:
        if name in {"l", "L", "i", "j", "k"}:
            continue
        count = name in EXAMPLES or ".shape" in name
        yield "missing_1_over_m" if count else factor_kind(name, True), ast.BinOp(node, ast.Div(), parse(name)), 1 + inner
        yield "double_1_over_m" if count else factor_kind(name, False), ast.BinOp(node, ast.Mult(), parse(name)), 1 + inner
        if is_beta(name):
            yield "wrong_factor", parse(f"(1 - {name}) * ({text(node)})"), 1
            if "t" in scope.numbers:
                yield "bias_correction_missing", parse(f"({text(node)}) / (1 - {name} ** t)"), 1
    yield "wrong_factor", ast.BinOp(node, ast.Mult(), ast.Constant(2)), 2
    yield "wrong_factor", ast.BinOp(node, ast.Div(), ast.Constant(2)), 2
    for name, shape in scope.entries.items():
        if len(shape) == 2 and is_mask(core(name)) and not _names_it(node, name):
            yield "mask_missing", ast.BinOp(node, ast.Mult(), parse(name)), 1
    if root:
        for slope in slopes(scope):
            yield "derivative_missing", ast.BinOp(node, ast.Mult(), parse(slope)), 2
        for name in scope.arrays:
            if re.match(r"(?i)d[az]|w|x|a", name):
                yield "wrong_operand", ast.BinOp(node, ast.Mult(), ast.Name(name, ast.Load())), 3


def _names_it(node: ast.expr, name: str) -> bool:
    return any(isinstance(inner, ast.Name | ast.Subscript) and text(inner) == name for inner in ast.walk(node))


def _additions(node: ast.expr, scope: Scope, label: str) -> Iterator[Change]:
    lambdas = [name for name in scope.numbers if is_lambda(name)]
    counts = [name for name in scope.numbers if name in EXAMPLES] or examples_count(scope)
    weights = [name for name in scope.entries if re.fullmatch(r"(?i)w\d*", core(name))]
    for lambd in lambdas:
        for m in counts[:1]:
            for weight in weights:
                yield "l2_missing", parse(f"{text(node)} + {lambd} / {m} * {weight}"), 1
                yield "l2_missing", parse(f"{text(node)} + {lambd} / (2 * {m}) * np.sum(np.square({weight}))"), 2
                if len(list(terms(node))) == 1:
                    yield "l2_missing", parse(f"{text(node)} + np.sum(np.square({weight}))"), 3
    for name in [*scope.entries, *scope.numbers]:
        if name in {"l", "L", "i", "j", "k"} or _names_it(node, name):
            continue
        bias = is_bias(core(name))
        yield "bias_missing" if bias else "term_missing", ast.BinOp(node, ast.Add(), parse(name)), 1 if bias else 2
    if isinstance(node, ast.Call) and len(node.args) == 1 and isinstance(node.args[0], ast.Name):
        for name in [*scope.arrays, *scope.numbers]:
            if name != node.args[0].id:
                again = ast.Call(node.func, [ast.Name(name, ast.Load())], node.keywords)
                yield "term_missing", ast.BinOp(node, ast.Add(), again), 2
    for name in scope.arrays:
        if re.fullmatch(r"(?i)y", name):
            yield "term_missing", ast.BinOp(node, ast.Sub(), ast.Name(name, ast.Load())), 2


def _statement_edits(block: list[ast.stmt], position: int) -> Iterator[Edit]:
    statement = block[position]
    for kind, new, words, rank in _other_statements(statement):
        block[position] = ast.fix_missing_locations(ast.copy_location(new, statement))
        try:
            yield Edit(kind, rank, words)
        finally:
            block[position] = statement
    if position + 1 < len(block) and not isinstance(block[position + 1], ast.Return):
        follower = block[position + 1]
        block[position], block[position + 1] = follower, statement
        try:
            yield Edit("wrong_order", 3, "the line where the one after it belongs")
        finally:
            block[position], block[position + 1] = statement, follower


def _other_statements(statement: ast.stmt) -> Iterator[tuple[str, ast.stmt, str, int]]:
    if isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr):
        kind = removed_kind(statement.value, ast.Mult(), Scope({}), "") if not isinstance(statement, ast.Expr) else ""
        kind = kind if kind in {"mask_twice", "keep_prob_twice", "double_1_over_m"} else "statement_extra"
        yield kind, ast.Pass(), "a line too much", 3
    if isinstance(statement, ast.AugAssign):
        plain = ast.parse(text(statement.target)).body[0]
        if isinstance(plain, ast.Expr):
            value = ast.BinOp(plain.value, statement.op, statement.value)
            yield "in_place", ast.Assign([statement.target], value), f"`{text(statement)}` changes the caller's array in place", 0
        for operator in _OPPOSITE.get(type(statement.op), []):
            made = ast.AugAssign(statement.target, operator(), statement.value)
            kind = "wrong_sign" if isinstance(statement.op, ast.Add | ast.Sub) else factor_kind(
                text(statement.value), operator is ast.Div
            )  # fmt: skip
            yield kind, made, f"`{text(statement)}` where `{text(made)}` fits", 0
        yield "extra_term", ast.Assign([statement.target], statement.value), f"`{text(statement)}` adds where it should set", 2
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name | ast.Subscript):
            yield "term_missing", ast.AugAssign(target, ast.Add(), statement.value), "the value is set where it should be added", 2
        if isinstance(statement.value, ast.Name | ast.Subscript):
            copied = parse(f"np.array({text(statement.value)}, copy=True)")
            yield "in_place", ast.Assign([target], copied), f"`{text(statement.value)}` is not copied", 0
        if isinstance(target, ast.Tuple):
            for first in range(len(target.elts) - 1):
                swapped = list(target.elts)
                swapped[first], swapped[first + 1] = swapped[first + 1], swapped[first]
                made_target = ast.Tuple(swapped, ast.Store())
                yield "wrong_order", ast.Assign([made_target], statement.value), "the values are unpacked in a wrong order", 1
