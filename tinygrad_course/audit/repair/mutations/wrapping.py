"""What is put around an expression: a minus, a transpose, a sum, a factor, a term, a derivative."""

import ast
import re
from collections.abc import Iterator

from tinygrad_course.audit.repair.mutations.locations import (
    Change,
    Location,
    Scope,
    called,
    core,
    parse,
    text,
)
from tinygrad_course.audit.repair.mutations.naming import (
    EXAMPLES,
    examples_count,
    factor_kind,
    is_a,
)  # fmt: skip
from tinygrad_course.audit.source.syntax import nodes


def completions(at: Location, scope: Scope) -> Iterator[Change]:
    """Complete what is half there: a derivative, the term of the other label, a step without its gradient."""
    node = at.node
    yield from _split_slopes(node, scope)
    yield from _other_label(node)
    taken = isinstance(at.parent, ast.BinOp) and isinstance(at.parent.op, ast.Sub) and at.name == "right"
    if taken and text(node) in scope.numbers and is_a("rate", text(node)):
        for name in [name for name in scope.entries if core(name)[:1] == "d"]:
            yield "gradient_missing", parse(f"{text(node)} * {name}"), 0.8


def wraps(at: Location, scope: Scope) -> Iterator[Change]:
    """Put something around an expression: a minus, a transpose, a factor, a term."""
    node = at.node
    root = isinstance(at.parent, ast.stmt | ast.Dict | ast.Tuple)
    operand = isinstance(at.parent, ast.BinOp | ast.Call | ast.UnaryOp)
    if not isinstance(node, ast.UnaryOp) and not isinstance(node, ast.Constant):
        yield "wrong_sign", ast.UnaryOp(ast.USub(), node), 0.5 if root else 1
    named = isinstance(node, ast.Name | ast.Subscript | ast.Call) or text(node).startswith("self.")
    if named and not text(node).endswith(".T") and not isinstance(at.parent, ast.Attribute):
        indexed = isinstance(at.parent, ast.Subscript) and at.name == "value"
        yield "transposed", ast.Attribute(node, "T", ast.Load()), 0.9 * indexed
    multiplied = isinstance(at.parent, ast.Call) and called(at.parent) in {"dot", "matmul"}
    if isinstance(node, ast.BinOp) and multiplied:
        yield "transposed", ast.Attribute(node, "T", ast.Load()), 0.2
    if isinstance(node, ast.Name | ast.Subscript) and operand:
        yield "wrong_factor" if is_a("beta", text(node)) else "wrong_operand", parse(f"1 - {text(node)}"), 1
        yield "wrong_power", parse(f"np.square({text(node)})"), 1.2
        yield "wrong_power", parse(f"np.sqrt({text(node)})"), 1.2
    if isinstance(node, ast.Call | ast.BinOp) and operand:
        yield "wrong_power", parse(f"np.sqrt({text(node)})"), 2
        yield "wrong_function", parse(f"np.log({text(node)})"), 3
    if isinstance(at.parent, ast.BinOp | ast.Call | ast.Return | ast.Assign):
        yield from _slopes(at, scope)
    sum_term = isinstance(at.parent, ast.BinOp) and isinstance(at.parent.op, ast.Add | ast.Sub)
    if isinstance(node, ast.Name) and len(scope.arrays.get(node.id, ())) == 2:
        yield "not_summed", parse(f"np.sum({node.id}, axis=1, keepdims=True)"), 1.5
        yield "not_summed", parse(f"np.sum({node.id}, axis=1)"), 1.5
        if operand or root:
            yield from _missing_products(node.id, scope)
    argument = isinstance(at.parent, ast.UnaryOp | ast.Call) and not isinstance(node, ast.Constant)
    if root or sum_term or argument:
        # A value that is only taken out of a dictionary is seldom the one to be multiplied.
        handed = isinstance(at.parent, ast.Tuple) and isinstance(node, ast.Name | ast.Subscript)
        for kind, new, rank in factors_around(node, scope, root=root):
            yield kind, new, rank + 2 * handed
    if isinstance(node, ast.Call | ast.BinOp) and isinstance(at.parent, ast.Call):
        yield from _biases(node, scope)
    if isinstance(at.parent, ast.Call) and called(at.parent) == "sum" and isinstance(node, ast.Name):
        yield "wrong_power", parse(f"np.square({node.id})"), 0.55
    if root:
        yield from additions(node, scope)
        yield "wrong_operand", ast.BinOp(ast.Constant(1), ast.Sub(), node), 2


def _other_label(node: ast.expr) -> Iterator[Change]:
    """Add (1 - Y) log(1 - A) to Y log(A)."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        factors = [node.left, node.right]
    elif isinstance(node, ast.Call) and called(node) == "multiply" and len(node.args) == 2:
        factors = node.args
    else:
        return
    logs = [part for part in factors if isinstance(part, ast.Call) and called(part) == "log" and part.args]
    if len(logs) == 1:
        other = next(part for part in factors if part is not logs[0])
        function = text(logs[0].func)
        term = f"(1 - {text(other)}) * {function}(1 - {text(logs[0].args[0])})"
        yield "term_missing", parse(f"{text(node)} + {term}"), 0.6


def activations(node: ast.expr, scope: Scope, label: str) -> Iterator[Change]:
    """Take the sigmoid of what is linear, with the bias or without: A = sigmoid(np.dot(w.T, X) + b)."""
    if not re.fullmatch(r"(?i)a\d*|al|y_?hat|y_?pred\w*|prob\w*|h|p", label) or not isinstance(
        node, ast.Call | ast.BinOp
    ):
        return
    biases = [name for name in [*scope.entries, *scope.numbers] if is_a("bias", core(name))]
    for place, inner in enumerate([text(node), *(f"{text(node)} + {name}" for name in biases)]):
        if "sigmoid" in scope.functions:
            yield "activation_missing", parse(f"sigmoid({inner})"), 1.2 + place / 10
        yield "activation_missing", parse(f"1 / (1 + np.exp(-({inner})))"), 1.25 + place / 10


def _biases(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """Add the bias to a product that an activation is taken of."""
    product = called(node) in {"dot", "matmul"} if isinstance(node, ast.Call) else (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)
    )  # fmt: skip
    if product:
        for name in [*scope.entries, *scope.numbers]:
            if is_a("bias", core(name)):
                yield "bias_missing", ast.BinOp(node, ast.Add(), parse(name)), 1


def _missing_products(name: str, scope: Scope) -> Iterator[Change]:
    """Multiply an array with another that fits: np.dot(W2.T, dZ2) for dZ2, np.dot(dZ1, X.T) for dZ1."""
    rows, columns = scope.arrays[name]
    for other, shape in scope.entries.items():
        if len(shape) != 2 or other == name:
            continue
        if shape[0] == rows:
            yield "product_missing", parse(f"np.dot({other}.T, {name})"), 1.8
        if shape[1] == columns:
            yield "product_missing", parse(f"np.dot({name}, {other}.T)"), 1.8


def _slopes(at: Location, scope: Scope) -> Iterator[Change]:
    """Put the derivative of another activation in the place of a factor."""
    node = at.node
    if isinstance(at.parent, ast.Call):
        if called(at.parent) != "multiply":
            return
    elif isinstance(at.parent, ast.Return | ast.Assign):
        if not isinstance(node, ast.BinOp | ast.Compare) or len(text(node)) > 40:
            return
    elif not isinstance(at.parent, ast.BinOp) or not isinstance(at.parent.op, ast.Mult):
        return
    if isinstance(node, ast.Constant) or (
        isinstance(node, ast.Name) and not re.match(r"[aszASZ]\d?$", node.id)
    ):
        return
    for slope in slopes(scope):
        if slope.strip("()") != text(node):
            yield "wrong_activation_derivative", parse(slope), 1.05


def _split_slopes(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """Put another derivative where two factors are one: dA * A * (1 - A)."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult):
        return
    left = node.left
    if isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mult):
        factors = {text(left.right), text(node.right)}
        name = min(factors, key=len)
        if factors == {name, f"1 - {name}"}:
            for slope in slopes(scope):
                yield "wrong_activation_derivative", ast.BinOp(left.left, ast.Mult(), parse(slope)), 1.0


_SLOPES = (
    "(1 - np.power(_, 2))",
    "(_ * (1 - _))",
    "(_ > 0)",
    "(1 - np.tanh(_) ** 2)",
    "(1 / (1 + np.exp(-_)) * (1 - 1 / (1 + np.exp(-_))))",
)


def slopes(scope: Scope) -> list[str]:
    """Return the derivatives of the activations, of every variable that may be an activation."""
    names = [name for name in scope.entries if re.match(r"(?i)(a|z|s|h|o|cache|activation)", core(name))]
    return [slope.replace("_", name) for name in names[:8] for slope in _SLOPES]


def factors_around(node: ast.expr, scope: Scope, *, root: bool) -> Iterator[Change]:
    """Multiply or divide an expression by what the scope holds: m, keep_prob, a mask, a derivative."""
    inner = 0 if root else 0.4
    for name in [*scope.numbers, *examples_count(scope)]:
        if name in {"l", "L", "i", "j", "k"}:
            continue
        count = name in EXAMPLES or ".shape" in name
        if root and count:
            yield "wrong_sign+missing_1_over_m", parse(f"-({text(node)}) / {name}"), 1.5
        lacks = "missing_1_over_m" if count else factor_kind(name, missing=True)
        has = "double_1_over_m" if count else factor_kind(name, missing=False)
        yield lacks, ast.BinOp(node, ast.Div(), parse(name)), 1 + inner
        yield has, ast.BinOp(node, ast.Mult(), parse(name)), 1 + inner
        if is_a("beta", name):
            yield "wrong_factor", parse(f"(1 - {name}) * ({text(node)})"), 1
            if "t" in scope.numbers:
                yield "bias_correction_missing", parse(f"({text(node)}) / (1 - {name} ** t)"), 1
    yield "wrong_factor", ast.BinOp(node, ast.Mult(), ast.Constant(2)), 2
    yield "wrong_factor", ast.BinOp(node, ast.Div(), ast.Constant(2)), 2
    for name, shape in scope.entries.items():
        if len(shape) == 2 and is_a("mask", core(name)) and not _names_it(node, name):
            yield "mask_missing", ast.BinOp(node, ast.Mult(), parse(name)), 1
    if root:
        for slope in slopes(scope):
            yield "derivative_missing", ast.BinOp(node, ast.Mult(), parse(slope)), 2
        for name in scope.arrays:
            if re.match(r"(?i)d[az]|w|x|a", name):
                yield "wrong_operand", ast.BinOp(node, ast.Mult(), ast.Name(name, ast.Load())), 3


def _names_it(node: ast.expr, name: str) -> bool:
    return any(text(inner) == name for inner in nodes(node, ast.Name, ast.Subscript))


def _l2_terms(node: ast.expr, scope: Scope) -> Iterator[Change]:
    lambdas = [name for name in scope.numbers if is_a("lambda", name)]
    counts = [name for name in scope.numbers if name in EXAMPLES] or examples_count(scope)
    weights = [name for name in scope.entries if re.fullmatch(r"(?i)w\d*", core(name))]
    for lambd in lambdas:
        for m in counts[:1]:
            for weight in weights:
                half = f"{lambd} / (2 * {m}) * np.sum(np.square({weight}))"
                yield "l2_missing", parse(f"{text(node)} + {lambd} / {m} * {weight}"), 1
                yield "l2_missing", parse(f"{text(node)} + {half}"), 2
                if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)):
                    yield "l2_missing", parse(f"{text(node)} + np.sum(np.square({weight}))"), 3


def additions(node: ast.expr, scope: Scope) -> Iterator[Change]:
    """Add a term: the L2 term, a bias, another variable."""
    yield from _l2_terms(node, scope)
    for name in [*scope.entries, *scope.numbers]:
        if name in {"l", "L", "i", "j", "k"} or _names_it(node, name):
            continue
        kind, rank = ("bias_missing", 1) if is_a("bias", core(name)) else ("term_missing", 2)
        yield kind, ast.BinOp(node, ast.Add(), parse(name)), rank
    for beta in [name for name in scope.numbers if is_a("beta", name)]:
        for entry in scope.read:
            for power in (entry, f"np.square({entry})"):
                yield "term_missing", parse(f"{text(node)} + (1 - {beta}) * {power}"), 1.5
    if isinstance(node, ast.Call) and len(node.args) == 1 and isinstance(node.args[0], ast.Name):
        for name in [*scope.arrays, *scope.numbers]:
            if name != node.args[0].id:
                again = ast.Call(node.func, [ast.Name(name, ast.Load())], node.keywords)
                yield "term_missing", ast.BinOp(node, ast.Add(), again), 2
    for name in scope.arrays:
        if re.fullmatch(r"(?i)y", name):
            yield "term_missing", ast.BinOp(node, ast.Sub(), ast.Name(name, ast.Load())), 2
