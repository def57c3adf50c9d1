"""Mistakes with signs, operands, activations and layers."""

import ast
import re
from collections.abc import Iterator

from benchmarks.audit.mutation import FLIPPED, Change, call_name, rule, statements, text, walk


@rule("wrong sign", "wrong_sign")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp, ast.UnaryOp):
        if (
            isinstance(node, ast.UnaryOp)
            and isinstance(node.op, ast.USub)
            and not isinstance(node.operand, ast.Constant)
        ):
            yield (
                node,
                f"({text(node.operand)})" if isinstance(node.operand, ast.BinOp) else text(node.operand),
            )
        elif isinstance(node, ast.BinOp) and text(node) in {
            "A2 - Y",
            "A3 - Y",
            "a2 - Y",
            "a3 - Y",
            "A - Y",
            "cache['A2'] - Y",
        }:
            yield node, f"{text(node.right)} - {text(node.left)}"
        elif (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Sub)
            and re.match(r"learning_rate|lr", text(node.right))
        ) or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and "divide" in text(node.left)):
            yield node, f"{text(node.left)} + {text(node.right)}"


@rule("a (a - 1)", "wrong_sign")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        if re.fullmatch(r"1 - (s|A|a)", text(node)):
            yield node, f"{text(node.right)} - 1"


@rule("operand of another layer", "wrong_operand", "wrong_mask", "dA_index", "beta_swapped")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    names = {node.id for node in walk(function, ast.Name)}
    for statement in statements(function):
        if (
            not isinstance(statement, ast.Assign)
            or isinstance(statement.targets[0], ast.Tuple)
            or isinstance(statement.value, ast.Dict)
        ):
            continue
        if re.match(r"parameters|cache|_", text(statement.value)):
            continue
        for node in ast.walk(statement.value):
            if isinstance(node, ast.Name) and (match := re.fullmatch(r"([A-Za-z]+)([123])", node.id)):
                for other in ("1", "2", "3"):
                    name = match.group(1) + other
                    if other != match.group(2) and name in names and name != text(statement.targets[0]):
                        yield node, name
                        break


@rule("derivative of another activation", "wrong_activation_derivative", "wrong_power", "wrong_factor")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp, ast.Compare, ast.Call):
        words = text(node)
        if match := re.fullmatch(
            r"1 - np\.power\((\w+), 2\)|1 - (\w+) \*\* 2|1 - (cache\['A1'\]) \*\* 2", words
        ):
            name = next(group for group in match.groups() if group)
            yield node, f"{name} * (1 - {name})"
            yield node, f"({name} > 0)"
            yield node, f"1 - {name}"
        elif match := re.fullmatch(r"np\.int64\((\w+) > 0\)|(\w+) > 0", words):
            name = next(group for group in match.groups() if group)
            if name in {"A1", "A2", "a1", "a2", "z1"} and not isinstance(node, ast.Compare):
                yield node, f"(1 - np.power({name}, 2))"
                yield node, f"{name} * (1 - {name})"
        elif words == "dA * s * (1 - s)":
            yield node, "dA * (1 - s ** 2)"
            yield node, "dA * s"


@rule("derivative missing", "derivative_missing", "wrong_activation_derivative", "wrong_factor")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp, ast.Call):
        words = text(node)
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Mult)
            and re.search(r"1 - np.power|\*\* 2\)$|> 0", text(node.right))
        ):
            yield node, text(node.left)
        elif re.fullmatch(r"np\.multiply\((\w+), np\.int64\(.*\)\)", words) and isinstance(node, ast.Call):
            yield node, text(node.args[0])


@rule("other backward function", "wrong_activation_derivative")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Name):
        if node.id in {"relu_backward", "sigmoid_backward"} and isinstance(node.ctx, ast.Load):
            yield node, {"relu_backward": "sigmoid_backward", "sigmoid_backward": "relu_backward"}[node.id]


@rule(
    "other activation", "wrong_activation", "wrong_activation_derivative", "wrong_function", "wrong_operand"
)
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Name):
        if node.id in {"sigmoid", "relu"} and isinstance(node.ctx, ast.Load) and "forward" in function.name:
            yield node, "np.tanh" if node.id == "sigmoid" and "linear" not in function.name else node.id
    for node in walk(function, ast.Constant):
        if node.value in {"relu", "sigmoid"} and "model" in function.name:
            yield node, {"relu": "'sigmoid'", "sigmoid": "'relu'"}[node.value]


@rule("comparison reversed", "comparison_reversed", "mask_inverted", "threshold")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Compare):
        words = text(node)
        if re.search(r"[<>]=? (0|0\.5|keep_prob)$", words):
            yield node, re.sub(r"<=|>=|<|>", lambda match: FLIPPED[match.group()], words, count=1)


@rule("max for min", "comparison_reversed", "wrong_function")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Attribute):
        if text(node) == "np.maximum":
            yield node, "np.minimum"


@rule("A where Z belongs", "a_for_z", "z_for_a", "wrong_operand", "wrong_activation_derivative")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    names = {node.id for node in walk(function, ast.Name)}
    for statement in statements(function):
        if (
            isinstance(statement, ast.Assign)
            and not isinstance(statement.value, ast.Tuple | ast.Dict)
            and "shape" not in text(statement)
        ):
            for node in ast.walk(statement.value):
                if (
                    isinstance(node, ast.Name)
                    and isinstance(node.ctx, ast.Load)
                    and (match := re.fullmatch(r"([AZaz])(\d?)", node.id))
                ):
                    other = {"A": "Z", "Z": "A", "a": "z", "z": "a"}[match.group(1)] + match.group(2)
                    relu = "> 0" in text(statement)
                    if other in names and not relu and other != text(statement.targets[0]):
                        yield node, other


@rule("index off by one", "index_off_by_one", "dA_index", "stale_cache")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if (
            call_name(node) == "str"
            and node.args
            and isinstance(node.args[0], ast.BinOp)
            and isinstance(node.args[0].op, ast.Add)
        ):
            inner = node.args[0]
            yield inner, text(inner.left)
        elif call_name(node) == "str" and node.args and text(node.args[0]) in {"l", "L"}:
            yield node.args[0], f"{text(node.args[0])} + 1"


@rule("stale cache", "stale_cache")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Subscript):
        if text(node.value) == "caches" and isinstance(node.ctx, ast.Load):
            yield node.slice, {"l": "L - 1", "L - 1": "0", "l - 1": "0", "-1": "0"}.get(text(node.slice), "0")


@rule("log10", "log_base")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Attribute):
        if text(node) == "np.log":
            yield node, "np.log10"


@rule("in place", "in_place")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if text(node) == "np.array(dA, copy=True)":
            yield node, "dA"


@rule("dAL in every layer", "wrong_operand", "dA_index")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Subscript):
        if re.match(r"grads\['dA'", text(node)) and isinstance(node.ctx, ast.Load):
            yield node, "dAL"


@rule("1 - Y missing", "wrong_operand", "extra_term", "wrong_sign")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        if text(node) in {"1 - Y", "1 - AL", "1 - A2", "1 - A"} and (
            "cost" in function.name or function.name in {"propagate", "L_model_backward"}
        ):
            yield node, text(node.right)


@rule("a term left out", "term_missing", "bias_missing", "extra_term")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        words = text(node)
        if isinstance(node.op, ast.Add) and re.fullmatch(
            r"b\d?|parameters\['b\d'\]|params\['b\d'\]", text(node.right)
        ):
            yield node, text(node.left)
        del words


@rule("one iteration too few", "index_off_by_one")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if (
            call_name(node) == "range"
            and len(node.args) == 1
            and text(node.args[0]) == "L"
            and "adam" not in function.name
        ):
            yield node.args[0], "L - 1"
        elif (
            call_name(node) == "range"
            and text(node) in {"range(1, L)", "range(1, L + 1)"}
            and "initialize" in function.name
        ):
            yield node.args[1], "L - 1"
