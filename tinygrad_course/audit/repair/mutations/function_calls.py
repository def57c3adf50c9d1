"""The single edits of a call: another function, another axis, another order of arguments."""

import ast
from collections.abc import Iterator

from tinygrad_course.audit.repair.mutations.locations import Change, Scope, called, parse, text
from tinygrad_course.audit.repair.mutations.naming import removed_kind

SWAPS: dict[str, list[tuple[str, str, int]]] = {
    "mean": [("sum", "mean_for_sum", 0)],
    "average": [("sum", "mean_for_sum", 0)],
    "sum": [("mean", "sum_for_mean", 3)],
    "max": [("sum", "wrong_function", 1)],
    "log10": [("log", "log_base", 0)],
    "log2": [("log", "log_base", 0)],
    "log1p": [("log", "wrong_function", 1)],
    "log": [("exp", "wrong_function", 2)],
    "exp": [("log", "wrong_function", 2)],
    "tanh": [("sigmoid", "wrong_activation", 1), ("relu", "wrong_activation", 1)],
    "maximum": [("minimum", "comparison_reversed", 0)],
    "minimum": [("maximum", "comparison_reversed", 0)],
    "rand": [("randn", "uniform_for_normal", 0)],
    "randn": [("rand", "wrong_function", 1)],
    "random": [("randn", "uniform_for_normal", 0)],
    "dot": [("multiply", "elementwise", 0)],
    "matmul": [("multiply", "elementwise", 0)],
    "multiply": [("dot", "elementwise", 0), ("divide", "wrong_function", 1)],
    "divide": [("multiply", "wrong_function", 1)],
    "add": [("subtract", "wrong_sign", 0)],
    "subtract": [("add", "wrong_sign", 0)],
    "zeros": [("ones", "wrong_function", 1), ("random.randn", "initial_symmetry", 1)],
    "ones": [("zeros", "wrong_function", 0)],
    "abs": [("square", "wrong_power", 0)],
    "sqrt": [("square", "wrong_power", 1)],
    "square": [("sqrt", "wrong_power", 1)],
    "floor": [("ceil", "wrong_function", 0)],
    "ceil": [("floor", "wrong_function", 0)],
    "zeros_like": [("ones_like", "wrong_function", 1)],
    "ones_like": [("zeros_like", "wrong_function", 0)],
    "round": [("floor", "wrong_function", 1)],
}
_REDUCTIONS = {"sum", "mean", "average", "max", "nansum"}
RELATED = {
    "sigmoid": ("relu", "np.tanh", "tanh"),
    "relu": ("sigmoid", "np.tanh", "tanh"),
    "tanh": ("sigmoid", "relu"),
    "sigmoid_backward": ("relu_backward", "tanh_backward"),
    "relu_backward": ("sigmoid_backward", "tanh_backward"),
    "tanh_backward": ("relu_backward", "sigmoid_backward"),
}


def call_edits(node: ast.Call, scope: Scope) -> Iterator[Change]:
    """Give the edits of a call, function and arguments."""
    name = called(node)
    yield from _other_function(node, name, scope)
    if name in _REDUCTIONS:
        yield from _axes(node)
        yield from _products(node, scope)
    for position, keyword in enumerate(node.keywords):
        yield from _keyword(node, position, keyword)
    for flag in scope.flags.get(name, []):
        if len(node.args) == 1 and not node.keywords:
            given = ast.keyword(flag, ast.Constant(True))
            kind = "wrong_activation_derivative" if flag.startswith("d") else "wrong_function"
            yield kind, ast.Call(node.func, node.args, [given]), 0
    if len(node.args) == 2:
        kind = "transposed" if name in {"zeros", "ones", "rand", "randn", "empty"} else "wrong_order"
        yield kind, ast.Call(node.func, [node.args[1], node.args[0]], node.keywords), 0
        if name in {"multiply", "dot", "matmul", "divide", "add", "subtract", "power"}:
            yield from _dropped_argument(node, name)
    if name in {"dot", "matmul"} and len(node.args) == 2:
        yield "elementwise", ast.BinOp(node.args[0], ast.Mult(), node.args[1]), 1
        for argument in node.args:
            bare = argument.value if isinstance(argument, ast.Attribute) else argument
            yield "product_for_sum", parse(f"np.sum({text(bare)}, axis=1, keepdims=True)"), 1.4
            yield "product_for_sum", parse(f"np.sum({text(bare)})"), 1.5
    if len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred):
        kind = "wrong_power" if name in {"square", "sqrt", "abs"} else "wrong_function"
        yield kind, node.args[0], 2
    if name in _REDUCTIONS and node.args:
        yield "summed_early", node.args[0], 0.9
    yield from _missing_arguments(node, scope)
    yield from _repairs(node, name)


def _missing_arguments(node: ast.Call, scope: Scope) -> Iterator[Change]:
    """Add what a call of one of the file's functions lacks: a variable of the argument's name, a text."""
    if not isinstance(node.func, ast.Name) or any(isinstance(part, ast.Starred) for part in node.args):
        return
    wanted = scope.wanted.get(node.func.id, [])
    given = {keyword.arg for keyword in node.keywords}
    missing = [name for name in wanted[len(node.args) :] if name not in given]
    if len(missing) != 1:
        return
    options = [missing[0]] if missing[0] in scope.values else []
    usual = ["relu", "sigmoid"] if missing[0].startswith("act") else []
    texts = dict.fromkeys([*usual, *scope.strings])
    for place, option in enumerate(
        [*options, *map(repr, texts), *(name for name in scope.values if name not in options)]
    ):
        keyword = ast.keyword(missing[0], parse(option))
        yield "argument_missing", ast.Call(node.func, node.args, [*node.keywords, keyword]), 0.2 + place / 50


def _other_function(node: ast.Call, name: str, scope: Scope) -> Iterator[Change]:
    for other, kind, rank in SWAPS.get(name, []):
        if isinstance(node.func, ast.Attribute):
            stem = text(node.func.value)
            stem = stem.removesuffix(".random") if other.startswith("random.") else stem
            if name == "random" and stem != "np.random":
                continue
            if other in {"sigmoid", "relu"}:
                if other in scope.functions:
                    yield kind, ast.Call(ast.Name(other, ast.Load()), node.args, node.keywords), rank
                continue
            if other == "multiply" and len(node.args) != 2:
                continue
            args = node.args
            if other == "random.randn" and len(args) == 1 and isinstance(args[0], ast.Tuple):
                args = args[0].elts
            held = node.func.value if stem == text(node.func.value) else parse(stem)
            called = ast.Attribute(held, other, ast.Load()) if "." not in other else parse(f"{stem}.{other}")
            yield kind, ast.Call(called, args, node.keywords), rank
    if isinstance(node.func, ast.Name):
        for other in RELATED.get(name, ()):
            if other in scope.functions or other.startswith("np."):
                kind = "wrong_activation_derivative" if name.endswith("_backward") else "wrong_activation"
                yield kind, ast.Call(parse(other), node.args, node.keywords), 0


def _axes(node: ast.Call) -> Iterator[Change]:
    given = {keyword.arg: text(keyword.value) for keyword in node.keywords}
    others = [keyword for keyword in node.keywords if keyword.arg not in {"axis", "keepdims"}]
    args = node.args[:1]
    axis = given.get("axis", text(node.args[1]) if len(node.args) > 1 else None)
    for wanted, kept in (("1", True), ("1", False), ("0", True), ("0", False), (None, False)):
        if (axis, given.get("keepdims") == "True") == (wanted, kept):
            continue
        if axis is None:
            kind = "axis_missing"
        elif axis == wanted:
            kind = "keepdims_missing"
        else:
            kind = "wrong_axis"
        keywords = list(others)
        if wanted is not None:
            keywords.append(ast.keyword("axis", ast.Constant(int(wanted))))
        if kept:
            keywords.append(ast.keyword("keepdims", ast.Constant(value=True)))
        # A sum over the units of a layer is seldom meant.
        yield kind, ast.Call(node.func, args, keywords), 1 if wanted == "0" else 0


def _products(node: ast.Call, scope: Scope) -> Iterator[Change]:
    """Put the product with another array in the place of a sum: np.dot(X, dz.T) for np.sum(dz)."""
    if not node.args:
        return
    inner = text(node.args[0])
    transposed = f"{inner}.T" if isinstance(node.args[0], ast.Name | ast.Subscript) else f"({inner}).T"
    for name, shape in scope.entries.items():
        if len(shape) == 2 and name != inner:
            for product in (f"{name}, {transposed}", f"{inner}, {name}.T", f"{name}.T, {inner}"):
                yield "sum_for_product", parse(f"np.dot({product})"), 0.8


def _keyword(node: ast.Call, position: int, keyword: ast.keyword) -> Iterator[Change]:
    if keyword.arg is None:
        return
    rest = [other for index, other in enumerate(node.keywords) if index != position]
    if keyword.arg not in {"axis", "keepdims"}:
        yield "wrong_constant", ast.Call(node.func, node.args, rest), 2
    for name in ("keepdims", "axis"):
        if keyword.arg != name and keyword.arg[:2] == name[:2]:
            value = ast.Constant(value=True) if text(keyword.value) == "true" else keyword.value
            yield "wrong_keyword", ast.Call(node.func, node.args, [*rest, ast.keyword(name, value)]), 0
    if keyword.arg in {"anis", "axes"}:
        yield "wrong_keyword", ast.Call(node.func, node.args, [*rest, ast.keyword("axis", keyword.value)]), 0


def _ranges(node: ast.Call) -> Iterator[Change]:
    """Count from 1 to n for 0 to n - 1, and the other way round."""
    if len(node.args) == 1:
        yield "index_off_by_one", parse(f"range(1, {text(node.args[0])} + 1)"), 0.5
        yield "index_off_by_one", parse(f"range(1, {text(node.args[0])})"), 0.5
    elif len(node.args) == 2:
        start, stop = map(text, node.args)
        yield "index_off_by_one", parse(f"range({stop})"), 0.5
        yield "index_off_by_one", parse(f"range({stop.removesuffix(' + 1')})"), 0.5
        yield "index_off_by_one", parse(f"range({start}, {stop} + 1)"), 0.5


def _dropped_argument(node: ast.Call, name: str) -> Iterator[Change]:
    first, second = node.args
    operator = ast.Add() if name in {"add", "subtract"} else ast.Pow() if name == "power" else ast.Mult()
    yield removed_kind(second, operator, ""), first, 1
    if name not in {"power", "divide", "subtract"}:
        yield removed_kind(first, operator, ""), second, 1
    if name == "divide":
        yield "wrong_function", ast.BinOp(first, ast.Mult(), second), 1


def _repairs(node: ast.Call, name: str) -> Iterator[Change]:
    if name in {"zeros", "ones", "empty"} and len(node.args) == 2:
        shape = ast.Tuple(list(node.args), ast.Load())
        yield "shape", ast.Call(node.func, [shape], node.keywords), 0
    if name in {"rand", "randn"} and len(node.args) == 1 and isinstance(node.args[0], ast.Tuple):
        yield "shape", ast.Call(node.func, list(node.args[0].elts), node.keywords), 0
    if name in {"rand", "randn", "normal", "standard_normal"}:
        yield "initial_scale", ast.BinOp(node, ast.Mult(), ast.Constant(0.01)), 0.5
        if len(node.args) == 2:
            yield "initial_scale", parse(f"{text(node)} / np.sqrt({text(node.args[1])})"), 0.6
            yield "initial_scale", parse(f"{text(node)} * np.sqrt(2 / {text(node.args[1])})"), 0.6
    if name == "range":
        yield from _ranges(node)
    if name in {"shape", "T", "size"} and not node.args:
        yield "shape", node.func, 0
    if name == "float" and node.args:
        yield "removed_api", parse(f"np.squeeze({text(node.args[0])})"), 0
    if (
        name == "sqrt"
        and node.args
        and isinstance(node.args[0], ast.BinOp)
        and isinstance(node.args[0].op, ast.Add)
    ):
        inside = node.args[0]
        yield "epsilon_in_root", parse(f"{text(node.func)}({text(inside.left)}) + {text(inside.right)}"), 0
