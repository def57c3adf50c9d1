"""The single edits of an operation: another operator, another order, an operand less."""

import ast
from collections.abc import Iterator

from tinygrad_course.audit.repair.mutations.locations import (
    Change,
    Location,
    Scope,
    called,
    parse,
    swapped,
    text,
)
from tinygrad_course.audit.repair.mutations.naming import (
    factor_kind,
    is_a,
    mentions,
    removed_kind,
)  # fmt: skip
from tinygrad_course.audit.source.syntax import names_in

OPPOSITE: dict[type[ast.operator], list[type[ast.operator]]] = {
    ast.Add: [ast.Sub, ast.Mult],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div, ast.Add, ast.MatMult],
    ast.Div: [ast.Mult, ast.FloorDiv],
    ast.MatMult: [ast.Mult],
    ast.FloorDiv: [ast.Div, ast.Mult],
    ast.Pow: [ast.Mult],
    ast.Mod: [ast.FloorDiv],
}
_NEAR = ({ast.Add, ast.Sub}, {ast.Mult, ast.Div}, {ast.Mult, ast.MatMult})


_FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.Gt,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


def operations(node: ast.BinOp, scope: Scope, label: str) -> Iterator[Change]:
    """Give an operation another operator, its operands another order, or one of them alone."""
    left, right = node.left, node.right
    for operator in OPPOSITE.get(type(node.op), []):
        pair = {type(node.op), operator}
        kind = (
            "wrong_sign" if pair == _NEAR[0] else "elementwise" if ast.MatMult in pair else "wrong_function"
        )
        kind = factor_kind(text(right), operator is ast.Div) if pair == _NEAR[1] else kind
        yield kind, ast.BinOp(left, operator(), right), 0 if pair in _NEAR else 2
    if isinstance(node.op, ast.Sub | ast.Div | ast.MatMult | ast.Pow | ast.FloorDiv):
        kind = "wrong_sign" if isinstance(node.op, ast.Sub) else "wrong_order"
        yield kind, ast.BinOp(right, node.op, left), 0.3
    if isinstance(node.op, ast.Mult) and _array_like(left, scope) and _array_like(right, scope):
        for first, second in ((left, right), (right, left)):
            yield "elementwise", parse(f"np.dot({text(first)}, {text(second)})"), 1
    for kept, dropped in ((left, right), (right, left)):
        if isinstance(node.op, ast.Div | ast.Pow) and kept is right:
            if isinstance(node.op, ast.Div) and not (isinstance(left, ast.Constant) and left.value == 1):
                inverse = ast.BinOp(ast.Constant(1), ast.Div(), right)
                yield removed_kind(dropped, node.op, label), inverse, 2
            continue
        if isinstance(node.op, ast.Sub) and kept is right and isinstance(left, ast.Constant):
            yield "mask_inverted" if is_a("mask", text(right)) else "wrong_operand", right, 0.4
            continue
        if isinstance(node.op, ast.Sub) and kept is right:
            yield removed_kind(dropped, node.op, label), right, 2
            yield removed_kind(dropped, node.op, label), ast.UnaryOp(ast.USub(), right), 2
            continue
        # 1 for 1 / m is the same as no factor, and reads worse.
        plain = 1.1 if isinstance(kept, ast.Constant) else 1.0
        yield removed_kind(dropped, node.op, label), kept, plain
    yield from _bracketed(node)


def _bracketed(node: ast.BinOp) -> Iterator[Change]:
    """Move a bracket: epsilon into the root, a factor out of a sum or a quotient."""
    left, right = node.left, node.right
    if isinstance(node.op, ast.Add) and isinstance(left, ast.Call) and called(left) == "sqrt" and left.args:
        inside = f"{text(left.func)}({text(left.args[0])} + {text(right)})"
        yield "epsilon_in_root", parse(inside), 1
    if isinstance(node.op, ast.Mult | ast.Div) and isinstance(right, ast.BinOp):
        # a / b * c for a / (b * c), and the other way round: brackets that were forgotten.
        sign = "*" if isinstance(node.op, ast.Mult) else "/"
        yield "wrong_factor", parse(f"{text(left)} {sign} {text(right)}"), 2
    if isinstance(node.op, ast.Mult) and isinstance(left, ast.BinOp) and isinstance(left.op, ast.Div):
        if isinstance(left.right, ast.BinOp) and isinstance(left.right.op, ast.Add | ast.Sub):
            # a / (1 + b) * c for a / (1 + b * c)
            product = ast.BinOp(left.right.right, ast.Mult(), right)
            below = ast.BinOp(left.right.left, left.right.op, product)
            yield "wrong_factor", ast.BinOp(left.left, ast.Div(), below), 1.5
        yield "wrong_factor", ast.BinOp(left.left, ast.Div(), ast.BinOp(left.right, ast.Mult(), right)), 2
    sums, products = (ast.Add, ast.Sub), (ast.Mult, ast.Div)
    for outer, inner in ((sums, products), (products, sums)):
        if isinstance(node.op, outer) and isinstance(left, ast.BinOp) and isinstance(left.op, inner):
            yield "wrong_order", ast.BinOp(left.left, left.op, ast.BinOp(left.right, node.op, right)), 2


def _array_like(node: ast.expr, scope: Scope) -> bool:
    return not names_in(node).isdisjoint(scope.arrays)


def comparisons(node: ast.Compare) -> Iterator[Change]:
    """Turn a comparison round."""
    operator = _FLIPPED.get(type(node.ops[0]))
    if operator is not None:
        kind = "mask_inverted" if mentions(text(node), "keep_prob") else "comparison_reversed"
        yield kind, ast.Compare(node.left, [operator()], node.comparators), 0


def tuples(at: Location, node: ast.Tuple) -> Iterator[Change]:
    """Swap two entries of a tuple: of what is returned, of a shape."""
    kind = "wrong_order"
    if isinstance(at.parent, ast.Call) and called(at.parent) in {"zeros", "ones", "empty", "full"}:
        kind = "transposed"
    yield from ((kind, ast.Tuple(parts, ast.Load()), 1) for parts in swapped(node.elts))
    if len(node.elts) == 3:
        yield kind, ast.Tuple([node.elts[2], node.elts[1], node.elts[0]], ast.Load()), 2
