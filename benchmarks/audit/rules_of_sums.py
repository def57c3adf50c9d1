"""Mistakes with 1/m, with transposes and with sums."""
# ruff: noqa: SIM102 - a rule reads best as one condition after another

import ast
import re
from collections.abc import Iterator

from benchmarks.audit.mutation import Change, call_name, rule, statements, text, walk


@rule("1/m missing", "missing_1_over_m")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        if isinstance(node.op, ast.Mult) and text(node.left) in {"1 / m", "1.0 / m"}:
            yield node, text(node.right)
        elif isinstance(node.op, ast.Mult) and text(node.left) == "-1 / m":
            yield node, f"-{text(node.right)}"
        elif (
            isinstance(node.op, ast.Div)
            and text(node.right) == "m"
            and not isinstance(node.left, ast.Constant)
        ):
            if "lambd" not in text(node.left) and text(node.left) != "-1":
                yield node, text(node.left)


@rule("1/m twice", "double_1_over_m", "mean_for_sum")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        if isinstance(node.op, ast.Mult) and text(node.left) in {"1 / m", "1.0 / m"}:
            yield node, f"{text(node)} / m"
        elif (
            isinstance(node.op, ast.Div)
            and text(node.right) == "m"
            and not isinstance(node.left, ast.Constant | ast.UnaryOp)
        ):
            if "lambd" not in text(node.left):
                yield node, f"{text(node)} / m"


@rule("transpose missing", "transposed")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Attribute):
        if node.attr == "T":
            yield node, text(node.value)


@rule("transpose too much", "transposed")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if call_name(node) == "dot" and len(node.args) == 2:
            for argument in node.args:
                if isinstance(argument, ast.Name) and argument.id not in {"x", "theta"}:
                    yield argument, f"{argument.id}.T"


@rule("result transposed", "transposed")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for statement in statements(function):
        if (
            isinstance(statement, ast.Assign)
            and re.match(r"dW\d?|dw\d?", text(statement.targets[0]))
            and "dot" in text(statement.value)
        ):
            yield statement.value, f"({text(statement.value)}).T"


@rule("axis 0 for axis 1", "wrong_axis")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.keyword):
        if node.arg == "axis" and text(node.value) == "1":
            yield node.value, "0"


@rule("no axis", "axis_missing", "keepdims_missing", "not_summed", "wrong_axis")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if any(keyword.arg == "axis" for keyword in node.keywords):
            rest = [keyword for keyword in node.keywords if keyword.arg not in {"axis", "keepdims"}]
            yield node, text(ast.Call(node.func, node.args, rest))


@rule("keepdims missing", "keepdims_missing")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if any(keyword.arg == "keepdims" for keyword in node.keywords):
            rest = [keyword for keyword in node.keywords if keyword.arg != "keepdims"]
            yield node, text(ast.Call(node.func, node.args, rest))


@rule("keepdim", "wrong_keyword")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if any(keyword.arg == "keepdims" for keyword in node.keywords):
            rest = [
                ast.keyword("keepdim" if keyword.arg == "keepdims" else keyword.arg, keyword.value)
                for keyword in node.keywords
            ]
            yield node, text(ast.Call(node.func, node.args, rest))


@rule("mean for sum", "mean_for_sum", "double_1_over_m")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if call_name(node) == "sum" and "square" not in text(node):
            yield node.func, text(node.func).replace("sum", "mean")


@rule(
    "not summed",
    "not_summed",
    "wrong_axis",
    "wrong_function",
    "axis_missing",
    "shape",
    "keepdims_missing",
)
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if call_name(node) == "sum" and any(keyword.arg == "axis" for keyword in node.keywords) and node.args:
            yield node, text(node.args[0])


@rule("elementwise for matrix product", "elementwise")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        # The last layer has one unit: there W.T * dZ broadcasts to the very product.
        same = re.fullmatch(r"W(\d)\.T, dZ\1", ", ".join(text(argument) for argument in node.args))
        last = same and f"W{int(same.group(1)) + 1}" not in text(function)
        if text(node.func) == "np.dot" and len(node.args) == 2 and "theta" not in text(node) and not last:
            yield node, f"{text(node.args[0])} * {text(node.args[1])}"


@rule("m of the wrong axis", "index_off_by_one", "wrong_axis", "wrong_operand", "wrong_factor")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Subscript):
        used = len(re.findall(r"\bm\b", text(function))) > 1
        if re.fullmatch(r"\w+\.shape\[1\]", text(node)) and "permutation" not in text(function) and used:
            parents = [s for s in statements(function) if isinstance(s, ast.Assign) and s.value is node]
            if parents:
                yield node, text(node).replace("[1]", "[0]")
