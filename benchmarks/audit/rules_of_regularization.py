"""Mistakes with L2, dropout and gradient checking."""
# ruff: noqa: SIM102 - a rule reads best as one condition after another

import ast
import re
from collections.abc import Iterator

from benchmarks.audit.mutation import Change, call_name, rule, statements, text, walk


@rule("L2 missing", "l2_missing", "term_missing")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        if isinstance(node.op, ast.Add) and ("lambd" in text(node.right) or "L2" in text(node.right)):
            yield node, text(node.left)


@rule("a weight left out of L2", "l2_missing", "term_missing")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        if isinstance(node.op, ast.Add) and re.fullmatch(r"np\.sum\(np\.square\(W\d\)\)", text(node.right)):
            yield node, text(node.left)


@rule("L2 on the bias", "l2_on_bias")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for statement in statements(function):
        if isinstance(statement, ast.Assign) and (
            match := re.fullmatch(r"db(\d)", text(statement.targets[0]))
        ):
            if "lambd" in [argument.arg for argument in function.args.args] and "cache" not in text(
                statement.value
            ):
                names = {node.id for node in walk(function, ast.Name)}
                if f"b{match.group(1)}" in names:
                    yield statement.value, f"{text(statement.value)} + lambd / m * b{match.group(1)}"


@rule("L2 factor", "l2_factor", "missing_1_over_m", "wrong_factor", "double_1_over_m")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        words = text(node)
        if words == "lambd / m":
            yield node, "lambd"
            yield node, "lambd / (2 * m)"
        elif words == "lambd / (2 * m)":
            yield node, "lambd / m"
            yield node, "lambd / 2"


@rule("square missing in L2", "wrong_power", "wrong_function")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if call_name(node) == "square":
            yield node, text(node.args[0])


@rule("mask not applied", "mask_missing")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for statement in statements(function):
        if isinstance(statement, ast.Assign) and re.fullmatch(r"d?A(\d) \* D\1", text(statement.value)):
            yield statement.value, text(statement.targets[0])
        if isinstance(statement, ast.AugAssign) and re.search(r"\*= (cache\[')?D1", text(statement)):
            yield statement, f"{text(statement.target)} = {text(statement.target)}"


@rule("mask and scaling twice", "mask_twice", "keep_prob_twice", "statement_extra", "comparison_reversed")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for statement in statements(function):
        if isinstance(statement, ast.Assign) and (
            match := re.fullmatch(r"(d?A(\d)) / keep_prob", text(statement.value))
        ):
            # Twice the mask alone changes nothing: the mask with its scaling, twice.
            yield statement.value, f"{match.group(1)} / keep_prob * D{match.group(2)} / keep_prob"


@rule("not divided by keep_prob", "keep_prob_missing")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for statement in statements(function):
        if isinstance(statement, ast.Assign) and re.fullmatch(r"d?A\d / keep_prob", text(statement.value)):
            yield statement.value, text(statement.targets[0])
        if isinstance(statement, ast.AugAssign) and re.search(r"/= keep_prob", text(statement)):
            yield statement, f"{text(statement.target)} = {text(statement.target)}"


@rule("multiplied by keep_prob", "keep_prob_missing", "keep_prob_twice")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        if isinstance(node.op, ast.Div) and text(node.right) == "keep_prob":
            yield node, f"{text(node.left)} * keep_prob"


@rule("mask of 1 - D", "mask_inverted", "wrong_operand")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for statement in statements(function):
        if isinstance(statement, ast.Assign) and (
            match := re.fullmatch(r"(d?A\d) \* (D\d)", text(statement.value))
        ):
            yield statement.value, f"{match.group(1)} * (1 - {match.group(2)})"


@rule("J_minus from thetaplus", "j_minus_from_thetaplus")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Name):
        parents = [
            s
            for s in statements(function)
            if isinstance(s, ast.Assign) and any(inner is node for inner in ast.walk(s.value))
        ]
        if node.id == "thetaminus" and parents and "forward" in text(parents[0]):
            yield node, "thetaplus"


@rule(
    "difference quotient",
    "term_missing",
    "wrong_factor",
    "wrong_sign",
    "extra_term",
    "wrong_constant",
    "wrong_operand",
)
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        words = text(node)
        if words == "2 * epsilon":
            yield node, "epsilon"
        elif re.fullmatch(r"J_plus(\[i\])? - J_minus(\[i\])?", words) or re.fullmatch(
            r"(theta|thetaminus\[i\]\[0\]) - epsilon", words
        ):
            yield node, words.replace("-", "+")
        elif words == "grad - gradapprox":
            yield node, "grad + gradapprox"
        elif re.fullmatch(r"np\.linalg\.norm\(grad\) \+ .*", words):
            yield node, text(node.left)


@rule("no copy", "in_place")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if text(node) == "np.copy(parameters_values)":
            yield node, "parameters_values"
