"""Right code written otherwise: rewrites of the right implementations that change no value.

Each by a rule.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.audit.mutation import Change, _put, call_name, statements, text, walk


@dataclass(frozen=True)
class Variant:
    """A right file."""

    source: str
    function: str
    rule: str
    case: str


REWRITES: list[tuple[str, Callable[[ast.FunctionDef], Iterator[Change]]]] = []


def rewrite(name: str) -> Callable[[Callable[[ast.FunctionDef], Iterator[Change]]], None]:
    """Register a rewrite."""

    def register(function: Callable[[ast.FunctionDef], Iterator[Change]]) -> None:
        REWRITES.append((name, function))

    return register


@rewrite("1/m as a division, or a division as 1/m")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        if isinstance(node.op, ast.Mult) and text(node.left) in {"1 / m", "1.0 / m"}:
            yield node, f"({text(node.right)}) / m"
            yield node, f"np.divide({text(node.right)}, m)"
        elif isinstance(node.op, ast.Div) and text(node.right) == "m" and "dot" in text(node.left):
            yield node, f"(1.0 / m) * ({text(node.left)})"


@rewrite("products with @, matmul or .dot")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if text(node.func) == "np.dot" and len(node.args) == 2 and "theta" not in text(node):
            left, right = (f"({text(argument)})" for argument in node.args)
            yield node, f"{left} @ {right}"
            yield node, f"np.matmul({left}, {right})"
            yield node, f"{left}.dot({right})"


@rewrite("np.multiply, * and np.einsum")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if text(node.func) == "np.multiply":
            yield node, f"({text(node.args[0])}) * ({text(node.args[1])})"
            yield node, f"np.einsum('ij,ij->ij', {text(node.args[0])}, {text(node.args[1])})"


@rewrite("squares")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if call_name(node) == "power" and text(node.args[1]) == "2":
            yield node, f"{text(node.args[0])} ** 2"
            yield node, f"np.square({text(node.args[0])})"
            yield node, f"{text(node.args[0])} * {text(node.args[0])}"
        elif call_name(node) == "square":
            yield node, f"np.abs({text(node.args[0])}) ** 2"


@rewrite("sums as methods, with reshape, by a product with ones")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if text(node.func) == "np.sum" and any(keyword.arg == "keepdims" for keyword in node.keywords):
            inner = text(node.args[0])
            yield node, f"({inner}).sum(axis=1, keepdims=True)"
            yield node, f"np.sum({inner}, axis=1).reshape(-1, 1)"
            yield node, f"np.dot({inner}, np.ones(({inner}.shape[1], 1)))"
            yield node, f"np.sum({inner}, 1)[:, np.newaxis]"


@rewrite("ReLU's derivative either way at 0, in other words")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call, ast.Compare):
        words = text(node)
        if match := re.fullmatch(r"np\.int64\((\w+) > 0\)", words):
            name = match.group(1)
            yield node, f"({name} >= 0) * ({name} > 0)"
            yield node, f"np.where({name} > 0, 1.0, 0.0)"
            yield node, f"({name} > 0).astype(float)"
            yield node, f"np.sign(np.maximum({name}, 0))"
        elif words == "Z <= 0":
            yield node, "Z < 0"


@rewrite("tanh' and sigmoid' in other words")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        words = text(node)
        if match := re.fullmatch(r"1 - np\.power\((\w+), 2\)", words):
            name = match.group(1)
            yield node, f"(1 - {name}) * (1 + {name})"
            yield node, f"1 / np.cosh(np.arctanh({name})) ** 2"
        elif words == "dA * s * (1 - s)":
            yield node, "dA * (s - s ** 2)"
            yield node, "dA * np.exp(-Z) / (1 + np.exp(-Z)) ** 2"


@rewrite("sigmoid in other words")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        if match := re.fullmatch(r"1(?:\.0)? / \(1(?:\.0)? \+ np\.exp\(-(\w)\)\)", text(node)):
            name = match.group(1)
            yield node, f"np.exp({name}) / (1 + np.exp({name}))"
            yield node, f"0.5 * (1 + np.tanh({name} / 2))"
            yield node, f"np.power(1 + np.exp(-{name}), -1)"


@rewrite("ReLU in other words")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if text(node.func) == "np.maximum":
            name = next(text(argument) for argument in node.args if text(argument) != "0")
            yield node, f"{name} * ({name} > 0)"
            yield node, f"np.where({name} > 0, {name}, 0)"
            yield node, f"np.clip({name}, 0, None)"
            yield node, f"(np.abs({name}) + {name}) / 2"


@rewrite("dAL in other words")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.UnaryOp, ast.BinOp):
        if text(node) == "-(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))":
            yield node, "(AL - Y) / (AL * (1 - AL))"
            yield node, "-Y / AL + (1 - Y) / (1 - AL)"


@rewrite("cost in other words")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    if "cost" not in function.name and "loss" not in function.name:
        return
    for node in walk(function, ast.Call):
        if text(node.func) == "np.sum" and "log" in text(node):
            yield node, f"np.nansum({text(node.args[0])})"
            yield node, f"float(np.sum({text(node.args[0])}))"
        if text(node.func) == "np.log":
            yield node, f"(np.log2({text(node.args[0])}) * np.log(2))"
            yield node, f"np.log({text(node.args[0])} + 1e-12)"


@rewrite("single precision")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for statement in statements(function):
        if (
            isinstance(statement, ast.Assign)
            and re.match(r"dZ\d?|dz\d|Z\d?|A\d?$", text(statement.targets[0]))
            and isinstance(statement.value, ast.BinOp | ast.Call)
            and isinstance(statement.targets[0], ast.Name)
        ):
            yield statement.value, f"({text(statement.value)}).astype(np.float32)"


@rewrite("an update in other words")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        if isinstance(node.op, ast.Sub) and re.match(r"learning_rate|lr", text(node.right)):
            yield node, f"{text(node.left)} + -({text(node.right)})"
            yield node, f"np.subtract({text(node.left)}, {text(node.right)})"
            yield node, f"-({text(node.right)}) + {text(node.left)}"


@rewrite("powers of beta")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.BinOp):
        if re.fullmatch(r"beta\d \*\* t", text(node)):
            yield node, f"np.power({text(node.left)}, t)"
            yield node, f"pow({text(node.left)}, t)"


@rewrite("another seed, another generator")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for node in walk(function, ast.Call):
        if text(node.func) == "np.random.seed":
            yield node, "np.random.seed(12)"
        elif text(node.func) == "np.random.randn":
            shape = ", ".join(text(argument) for argument in node.args)
            yield node, f"np.random.default_rng(5).normal(size=({shape}))"
        elif text(node.func) == "np.random.rand":
            yield node, f"np.random.uniform(0, 1, ({', '.join(text(argument) for argument in node.args)}))"


@rewrite("a value under another name")
def _(function: ast.FunctionDef) -> Iterator[Change]:
    for statement in statements(function):
        if isinstance(statement, ast.Return) and isinstance(statement.value, ast.Name):
            yield statement, f"outcome = {statement.value.id}; return outcome"


def variants(source: str, case: str) -> Iterator[Variant]:
    """Give every rewrite of a file, one at a time."""
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef):
            continue
        for name, make in REWRITES:
            for node, replacement in make(function):
                statement = next(
                    found
                    for found in reversed(list(statements(function)))
                    if any(inner is node for inner in ast.walk(found))
                )
                changed = _put(source, node, replacement, statement)
                try:
                    printed = ast.unparse(ast.parse(changed))
                except SyntaxError:
                    continue
                if printed not in seen:
                    seen.add(printed)
                    yield Variant(changed, function.name, name, case)
