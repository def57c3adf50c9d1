# ruff: noqa: SIM102 - a rule reads best as one condition after another
"""The rules by which a right function is made wrong.

Single realistic edits of its syntax tree, each with its name.

A rule knows what a learner does wrong and nothing of the audit. It gives expressions to be put in the
place of others;
`mutants` writes them into the source so that no line moves.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Change = tuple[ast.AST, str]
"""(the node to replace, the text in its place)."""


@dataclass(frozen=True)
class Mutant:
    """A wrong file."""

    source: str
    function: str
    lines: tuple[int, int]
    """First and last line of the statement that was changed."""
    rule: str
    names: frozenset[str]
    """The diagnoses that name this mistake rightly."""
    before: str
    after: str
    case: str = ""


FLIPPED = {"<=": ">", ">=": "<", "<": ">", ">": "<"}
RULES: list[tuple[str, frozenset[str], Callable[[ast.FunctionDef], Iterator[Change]]]] = []


def rule(name: str, *diagnoses: str) -> Callable[[Callable[[ast.FunctionDef], Iterator[Change]]], None]:
    """Register a rule with the diagnoses that name it rightly."""

    def register(function: Callable[[ast.FunctionDef], Iterator[Change]]) -> None:
        RULES.append((name, frozenset(diagnoses), function))

    return register


def text(node: ast.AST) -> str:
    """Return a node as Python text."""
    return ast.unparse(node)


def walk(function: ast.FunctionDef, *types: type[ast.AST]) -> Iterator[ast.AST]:
    """Give the nodes of some types, asserts and prints aside."""
    skipped = {
        id(inner)
        for statement in ast.walk(function)
        if isinstance(statement, ast.Assert)
        or (isinstance(statement, ast.Expr) and "print" in text(statement)[:6])
        for inner in ast.walk(statement)
    }
    for node in ast.walk(function):
        if isinstance(node, types) and id(node) not in skipped:
            yield node


def call_name(node: ast.AST) -> str:
    """Return the last name of what is called."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def statements(function: ast.FunctionDef) -> Iterator[ast.stmt]:
    """Give the statements of a function."""
    for node in ast.walk(function):
        if isinstance(node, ast.stmt) and node is not function:
            yield node


def is_m(node: ast.AST) -> bool:
    """Whether an expression is m or 1/m."""
    return text(node) in {"m", "1 / m", "1.0 / m", "-1 / m"}


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


@rule("keepdim", "removed_api", "raises")
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
    "unknown",
)
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if call_name(node) == "sum" and any(keyword.arg == "axis" for keyword in node.keywords) and node.args:
            yield node, text(node.args[0])


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


@rule("dAL in every layer", "wrong_operand", "one_layer_only", "dA_index")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Subscript):
        if re.match(r"grads\['dA'", text(node)) and isinstance(node.ctx, ast.Load):
            yield node, "dAL"


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


@rule("no copy", "in_place", "copy_missing")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if text(node) == "np.copy(parameters_values)":
            yield node, "parameters_values"


@rule("m of the wrong axis", "index_off_by_one", "wrong_axis", "wrong_operand", "wrong_factor")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Subscript):
        used = len(re.findall(r"\bm\b", text(function))) > 1
        if re.fullmatch(r"\w+\.shape\[1\]", text(node)) and "permutation" not in text(function) and used:
            parents = [s for s in statements(function) if isinstance(s, ast.Assign) and s.value is node]
            if parents:
                yield node, text(node).replace("[1]", "[0]")


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


@rule("one iteration too few", "index_off_by_one", "one_layer_only")
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


@rule("np.zeros(n, 1)", "shape", "raises")
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


@rule("biases of ones", "wrong_function", "initial_bias")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for statement in statements(function):
        if (
            isinstance(statement, ast.Assign)
            and re.match(r"b\d|parameters\['b'", text(statement.targets[0]))
            and "zeros" in text(statement.value)
        ):
            if "initialize" in function.name:
                yield statement.value, text(statement.value).replace("zeros", "ones")


@rule("Y not shuffled with X", "pairs_broken", "wrong_operand", "shape", "wrong_order", "unknown")
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


@rule("elementwise for matrix product", "elementwise")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        # The last layer has one unit: there W.T * dZ broadcasts to the very product.
        same = re.fullmatch(r"W(\d)\.T, dZ\1", ", ".join(text(argument) for argument in node.args))
        last = same and f"W{int(same.group(1)) + 1}" not in text(function)
        if text(node.func) == "np.dot" and len(node.args) == 2 and "theta" not in text(node) and not last:
            yield node, f"{text(node.args[0])} * {text(node.args[1])}"


@rule("threshold", "threshold", "wrong_constant")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Constant):
        if node.value == 0.5 and "predict" in function.name:
            yield node, "0.05"


def mutants(source: str, case: str = "") -> Iterator[Mutant]:
    """Give every mutant of a file, each with one edit.

    What Python prints the same, or what is no Python, is left out.
    """
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef):
            continue
        for name, diagnoses, make in RULES:
            for node, replacement in make(function):
                statement = next(
                    found
                    for found in reversed(list(statements(function)))
                    if (
                        any(inner is node for inner in ast.walk(found))
                        and not isinstance(found, ast.For | ast.If | ast.While)
                    )
                    or _in_header(found, node)
                )
                changed = _put(source, node, replacement, statement)
                try:
                    printed = ast.unparse(ast.parse(changed))
                except SyntaxError:
                    continue
                if printed in seen:
                    continue
                seen.add(printed)
                lines = (statement.lineno, statement.end_lineno or statement.lineno)
                if isinstance(statement, ast.For | ast.If | ast.While):
                    lines = (statement.lineno, statement.lineno)
                yield Mutant(changed, function.name, lines, name, diagnoses, text(node), replacement, case)


def _in_header(statement: ast.stmt, node: ast.AST) -> bool:
    headers = [getattr(statement, name) for name in ("test", "iter") if hasattr(statement, name)]
    return isinstance(statement, ast.For | ast.If | ast.While) and any(
        inner is node for header in headers for inner in ast.walk(header)
    )


def _put(source: str, node: ast.AST, replacement: str, statement: ast.stmt) -> str:
    lines = source.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def at(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    first, last = at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)
    lost = source[first:last].count("\n")
    if isinstance(
        node, ast.BinOp | ast.Call | ast.Compare | ast.Subscript | ast.Name | ast.UnaryOp
    ) and re.search(r" [-+*/] ", replacement):
        whole = isinstance(statement, ast.Assign) and statement.value is node
        replacement = replacement if whole else f"({replacement})"
    end = at(statement.end_lineno or 1, statement.end_col_offset or 0)
    return source[:first] + replacement + source[last:end] + "\n" * lost + source[end:]
