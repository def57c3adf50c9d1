"""Mistakes with optimizers, initial values and mini-batches."""
# ruff: noqa: SIM102 - a rule reads best as one condition after another

import ast
import re
from collections.abc import Iterator

from benchmarks.audit.mutation import Change, call_name, rule, statements, text, walk


@rule("beta1 ** 2", "bias_correction", "wrong_power")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp, ast.Call):
        words = text(node)
        if re.fullmatch(r"beta\d \*\* t|np\.power\(beta\d, t\)", words):
            yield node, words.replace("t)", "2)") if "power" in words else words.replace("** t", "** 2")
            yield node, re.search(r"beta\d", words).group()  # type: ignore[union-attr]


@rule("no bias correction", "bias_correction_missing", "bias_correction")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        if isinstance(node.op, ast.Div) and re.fullmatch(
            r"1 - (beta\d \*\* t|np\.power\(beta\d, t\))", text(node.right)
        ):
            yield node, text(node.left)


@rule("beta1 for beta2", "beta_swapped", "wrong_operand")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Name):
        if node.id in {"beta1", "beta2"} and isinstance(node.ctx, ast.Load):
            yield node, {"beta1": "beta2", "beta2": "beta1"}[node.id]


@rule("epsilon in the root", "epsilon_in_root")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        if isinstance(node.op, ast.Add) and call_name(node.left) == "sqrt" and text(node.right) == "epsilon":
            yield node, f"np.sqrt({text(node.left.args[0])} + epsilon)"


@rule("root missing", "wrong_power", "wrong_function", "initial_scale")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if call_name(node) == "sqrt":
            yield node, text(node.args[0])


@rule("square missing", "wrong_power", "wrong_function", "wrong_factor")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call, ast.BinOp):
        words = text(node)
        if re.fullmatch(r"np\.power\(grads\[.*\], 2\)", words):
            yield node, text(node.args[0])
        elif words == "g ** 2":
            yield node, "g"


@rule("1 - beta missing", "wrong_factor", "beta_swapped", "wrong_constant")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        if isinstance(node.op, ast.Mult) and re.fullmatch(r"1 - beta\d?", text(node.left)):
            yield node, text(node.right)
            yield node.left, text(node.left.right)


@rule("uncorrected v or s", "moments_confused", "wrong_operand", "bias_correction_missing")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Name):
        if (
            node.id in {"v_corrected", "s_corrected"}
            and isinstance(node.ctx, ast.Load)
            and "sqrt" in text(function)
        ):
            parents = [
                s
                for s in statements(function)
                if isinstance(s, ast.Assign) and any(inner is node for inner in ast.walk(s.value))
            ]
            if parents:
                yield node, {"v_corrected": "v", "s_corrected": "s"}[node.id]


@rule("uncorrected moment", "moments_confused", "wrong_operand", "bias_correction_missing")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Name):
        if node.id in {"m1_hat", "m2_hat"} and isinstance(node.ctx, ast.Load):
            yield node, node.id.removesuffix("_hat")


@rule("learning rate missing", "learning_rate")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        if isinstance(node.op, ast.Mult) and re.fullmatch(r"learning_rate|lr", text(node.left)):
            yield node, text(node.right)


@rule("uniform for normal", "uniform_for_normal")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Attribute):
        if text(node) == "np.random.randn":
            yield node, "np.random.rand"


@rule("shape swapped", "transposed", "wrong_order", "index_off_by_one", "shape")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if call_name(node) == "randn" and len(node.args) == 2:
            yield node, f"{text(node.func)}({text(node.args[1])}, {text(node.args[0])})"


@rule("np.zeros(n, 1)", "shape")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if (
            text(node.func) == "np.zeros"
            and len(node.args) == 1
            and isinstance(node.args[0], ast.Tuple)
            and "initialize" in function.name
        ):
            yield node, f"np.zeros({', '.join(text(part) for part in node.args[0].elts)})"


@rule("scale missing", "initial_scale", "wrong_factor", "wrong_power", "wrong_function", "wrong_constant")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        if (
            isinstance(node.op, ast.Mult)
            and call_name(node.left) == "randn"
            and "random" not in function.name
        ):
            yield node, text(node.left)
        elif (
            isinstance(node.op, ast.Mult)
            and call_name(node.left) == "randn"
            and call_name(node.right) == "sqrt"
        ):
            yield node.right, text(node.right.args[0])


@rule("zeros for weights", "initial_symmetry", "wrong_function")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        if isinstance(node.op, ast.Mult) and call_name(node.left) == "randn":
            yield node.left, f"np.zeros(({', '.join(text(part) for part in node.left.args)}))"


@rule("biases of ones", "wrong_function")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for statement in statements(function):
        if (
            isinstance(statement, ast.Assign)
            and re.match(r"b\d|parameters\['b'", text(statement.targets[0]))
            and "zeros" in text(statement.value)
        ):
            if "initialize" in function.name:
                yield statement.value, text(statement.value).replace("zeros", "ones")


@rule("Y not shuffled with X", "pairs_broken", "wrong_operand", "shape", "wrong_order")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Subscript):
        if text(node) == "Y[:, permutation]":
            yield node, "Y"


@rule(
    "last mini-batch",
    "examples_lost",
    "index_off_by_one",
    "batch_size",
    "wrong_factor",
    "wrong_function",
    "comparison_reversed",
    "wrong_operand",
)
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp, ast.Compare, ast.Attribute):
        words = text(node)
        if words == "(k + 1) * mini_batch_size":
            yield node, "k * mini_batch_size + 1"
        elif words == "m % mini_batch_size != 0":
            yield node, "m % mini_batch_size == 0"
        elif words == "math.floor":
            yield node, "math.ceil"


@rule("threshold", "threshold", "wrong_constant")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Constant):
        if node.value == 0.5 and "predict" in function.name:
            yield node, "0.05"
