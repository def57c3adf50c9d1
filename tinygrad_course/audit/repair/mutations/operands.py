"""The single edits that no line of the table says: of a name, a number, a text, of a call's arguments."""

import ast
import builtins
import difflib
import re
from collections.abc import Iterator

import numpy as np

from tinygrad_course.audit.repair.mutations.edit_table import changes
from tinygrad_course.audit.repair.mutations.scope import (
    EXAMPLES,
    Change,
    Location,
    Scope,
    counted_kind,
    mentions,
    name_kind,
    parse,
    split_name,
    text,
)
from tinygrad_course.audit.source.signatures import defaults_of, needed_names
from tinygrad_course.audit.source.syntax import called

SWAPS: dict[str, list[tuple[str, str, int]]] = {}
for _kind, _rank, _pairs in (
    ("mean_for_sum", 0, "mean>sum average>sum"),
    ("sum_for_mean", 3, "sum>mean"),
    ("log_base", 0, "log10>log log2>log"),
    ("comparison_reversed", 0, "maximum>minimum minimum>maximum"),
    ("uniform_for_normal", 0, "rand>randn random>randn"),
    ("elementwise", 0, "dot>multiply matmul>multiply multiply>dot"),
    ("wrong_sign", 0, "add>subtract subtract>add"),
    ("wrong_power", 0, "abs>square"),
    ("wrong_power", 1, "sqrt>square square>sqrt"),
    ("wrong_function", 0, "ones>zeros ones_like>zeros_like floor>ceil ceil>floor"),
    ("wrong_function", 1, "max>sum log1p>log randn>rand multiply>divide divide>multiply round>floor"),
    ("wrong_function", 1, "zeros>ones zeros_like>ones_like"),
    ("wrong_function", 2, "log>exp exp>log"),
):
    for _pair in _pairs.split():
        SWAPS.setdefault(_pair.partition(">")[0], []).append((_pair.partition(">")[2], _kind, _rank))
_REDUCTIONS = {"sum", "mean", "average", "max", "nansum"}
RELATED = {
    "sigmoid": ("relu", "np.tanh", "tanh"),
    "relu": ("sigmoid", "np.tanh", "tanh"),
    "tanh": ("sigmoid", "relu"),
    "sigmoid_backward": ("relu_backward", "tanh_backward"),
    "relu_backward": ("sigmoid_backward", "tanh_backward"),
    "tanh_backward": ("relu_backward", "sigmoid_backward"),
}


def operand_edits(at: Location, scope: Scope, label: str, told: set[str]) -> Iterator[Change]:
    """Give the edits of an expression that depend on what kind of operand it is."""
    match at.node:
        case ast.Name():
            yield from _names(at, scope, label, told)
        case ast.Constant():
            yield from _constants(at, scope, label)
        case ast.Subscript() as node:
            yield from _derivatives(node, scope)
        case ast.Call() as node:
            yield from _call_edits(node, scope)
        case ast.Attribute() as node:
            yield from _attributes(at, node, scope)


def _names(at: Location, scope: Scope, label: str, told: set[str]) -> Iterator[Change]:
    """Put another variable of the same kind in a variable's place."""
    name = text(at.node)
    yield from _misspelt(name, scope)
    kind = "wrong_activation_derivative" if name.endswith("_backward") else "wrong_activation"
    related = [] if name in scope.values else RELATED.get(name, ())
    there = [other for other in related if other in scope.functions or other.startswith("np.")]
    yield from ((kind, parse(other), 0) for other in there)
    if at.name == "func" or (name not in scope.values and name in {*scope.functions, *RELATED, *_MODULES}):
        return
    for other in _like(name, scope):
        rank = 0 if name in scope.values or split_name(name)[0] == split_name(other)[0] else 0.4
        yield name_kind(name, other, known=name in scope.values), ast.Name(other, ast.Load()), rank
    for other in _unlike(at, name, scope):
        rank = 1.2 if name in scope.arrays or name in scope.numbers else 0.7
        yield name_kind(name, other, known=True), ast.Name(other, ast.Load()), rank
    if _argument(at):
        yield from (("wrong_operand", parse(donor), 1.5) for donor in scope.donors)
    yield from changes("names", at, scope, label, told)


def _attributes(at: Location, node: ast.Attribute, scope: Scope) -> Iterator[Change]:
    """Put another array, or number, of the object in the place of one: self.b2; another function: np.log."""
    holder = scope.values.get(node.value.id) if isinstance(node.value, ast.Name) else None
    held = vars(holder) if hasattr(holder, "__dict__") and isinstance(node.ctx, ast.Load) else {}
    for other, value in held.items():
        same = type(value) is type(held.get(node.attr)) and isinstance(value, float | np.ndarray)
        if same and other != node.attr:
            rank = 1 - (split_name(other)[0] == split_name(node.attr)[0])
            kind, new = name_kind(node.attr, other, known=True), ast.Attribute(node.value, other, ast.Load())
            yield kind, new, rank
    if isinstance(at.parent, ast.Call) and at.name == "func":
        for other, kind, far in SWAPS.get(node.attr, []):
            pair = other != "multiply" or len(at.parent.args) == 2
            if pair and (node.attr != "random" or text(node.value) == "np.random"):
                yield kind, ast.Attribute(node.value, other, ast.Load()), far


def _misspelt(name: str, scope: Scope) -> Iterator[Change]:
    """Put a name that exists in the place of one that does not: True for true, range for rang."""
    if name in scope.values or name in {*scope.functions, *_BUILTINS, *_MODULES}:
        return
    words = [*scope.values, *scope.functions, *_BUILTINS]
    near = [word for word in words if word.lower() == name.lower()]
    for other in dict.fromkeys([*near, *difflib.get_close_matches(name, words, 3)]):
        yield "not_defined", parse(other), 0


def _derivatives(node: ast.Subscript, scope: Scope) -> Iterator[Change]:
    """Put the derivative in the place of a parameter: grads["dW1"] for parameters["W1"]."""
    if not isinstance(node.value, ast.Name) or not isinstance(scope.values.get(node.value.id), dict):
        return
    mine, key = set(scope.values[node.value.id]), text(node.slice)
    for name, value in scope.values.items():
        if name == node.value.id or not isinstance(value, dict):
            continue
        if any(f"d{entry}" in value for entry in mine):
            match = re.match(r"(f?)(['\"])", key)
            inside = f"{match.group()}d{key[match.end() :]}" if match else f"'d' + {key}"
            yield "wrong_operand", parse(f"{name}[{inside}]"), 0.5
        if any(f"d{entry}" in mine for entry in value) and re.match(r"f?['\"]d", key):
            yield "wrong_operand", parse(f"{name}[{re.sub('d', '', key, count=1)}]"), 0.6


_BUILTINS = [name for name in dir(builtins) if not re.search("^_|Error$|Warning$", name)]
_MODULES = {"np", "math", "numpy", "str", "int", "float", "True", "False"}


def _like(name: str, scope: Scope) -> list[str]:
    """Return the other variables of a variable's kind; all of them for a name that is not defined."""
    if name in scope.numbers:
        others = list(scope.numbers)
    elif name in scope.values:
        others = [other for other, value in scope.values.items() if type(value) is type(scope.values[name])]
    else:
        others = list(scope.values)
    return [other for other in others if other != name]


def _unlike(at: Location, name: str, scope: Scope) -> list[str]:
    """Return the variables of another kind that may stand here: a number for an array, say."""
    if name not in scope.values:
        return []
    dictionaries = [other for other, value in scope.values.items() if isinstance(value, dict | list | tuple)]
    call = called(at.parent)
    if isinstance(at.parent, ast.Subscript) and at.name == "value":
        others = [*dictionaries, *scope.arrays]
    elif call == "len":
        others = list(scope.values)
    elif at.counting:
        others = list(scope.numbers)
    else:
        others = [*scope.arrays, *scope.numbers]
        if isinstance(at.parent, ast.Call | ast.Tuple | ast.Return | ast.Dict):
            others += dictionaries
    alike = {name, *_like(name, scope)}
    return [other for other in dict.fromkeys(others) if other not in alike]


def _argument(at: Location) -> bool:
    call = at.parent
    return isinstance(call, ast.Call) and at.name == "args" and called(call) not in {"str", "range", "len"}


def _constants(at: Location, scope: Scope, label: str) -> Iterator[Change]:
    """Put another truth value, text or number in the place of one."""
    value = at.node.value if isinstance(at.node, ast.Constant) else None
    if isinstance(value, bool):
        kind = at.parent.arg if isinstance(at.parent, ast.keyword) else ""
        mistake = {"keepdims": "keepdims_missing", "copy": "in_place"}.get(str(kind), "wrong_constant")
        yield mistake, ast.Constant(not value), 0
    elif isinstance(value, str):
        key = isinstance(at.parent, ast.Subscript | ast.Dict | ast.BinOp)
        entries = _ENTRIES if key and value.lower() in {entry.lower() for entry in _ENTRIES} else []
        near = [*_neighbours(value), *entries]
        for other in dict.fromkeys([*near, *scope.strings]):
            if other == value:
                continue
            kind = "wrong_operand" if key else "wrong_function"
            if value in {"relu", "sigmoid", "tanh"}:
                calls = [called(outer) for outer in at.around if isinstance(outer, ast.Call)]
                back = any("backward" in name for name in calls)
                kind = "wrong_activation_derivative" if back else "wrong_activation"
            elif key and (value.startswith("dA") or other.startswith("dA")):
                kind = "dA_index"
            yield kind, ast.Constant(other), 0.5 if other in near else 1.2
    elif isinstance(value, int) and at.counting:
        yield from ((counted_kind(at), ast.Constant(value + shift), 0) for shift in (1, -1, 2, -2))
    elif isinstance(value, int | float) and not at.counting:
        yield from _numbers(at, value, scope, label)


_ENTRIES = ["W", "b", "dW", "db", "dA"]


def _neighbours(value: str) -> list[str]:
    match = re.fullmatch(r"(d?[A-Za-z_]+?)(\d+)", value)
    if match:
        stem, number = match.group(1), int(match.group(2))
        return [f"{stem}{number + shift}" for shift in (1, -1) if number + shift > 0]
    twins = {"W": "b", "b": "W", "dW": "db", "db": "dW", "w": "b", "dw": "db"}
    twins |= {"relu": "sigmoid", "sigmoid": "relu"}
    return [twins[value]] if value in twins else []


def _numbers(at: Location, value: float, scope: Scope, label: str) -> Iterator[Change]:
    axis = isinstance(at.parent, ast.keyword) and at.parent.arg == "axis"
    around = " ".join(text(outer) for outer in at.around if isinstance(outer, ast.expr))
    operator = at.parent.op if isinstance(at.parent, ast.BinOp) else None
    power = called(at.parent) == "power" and at.position == 1
    exponent = power or (isinstance(operator, ast.Pow) and at.name == "right")
    kind = "wrong_factor" if isinstance(operator, ast.Mult | ast.Div) else "wrong_constant"
    kind = "l2_factor" if mentions(around, "lambda") else kind
    kind = "threshold" if isinstance(at.parent, ast.Compare) else kind
    kind = "wrong_axis" if axis else "wrong_power" if exponent else kind
    for other in (0, 1, 2, 0.5, -value, value + 1, value - 1, 0.01, 0.05, 3):
        if other != value:
            rank = 0 if kind == "wrong_axis" else 0.5 if kind == "threshold" and other == 0.5 else 2
            yield kind if other != -value else "wrong_sign", ast.Constant(other), rank
    for name in scope.numbers:
        corrected = exponent and (mentions(around, "beta") or "correct" in label)
        if name == "t" and exponent:
            yield "bias_correction" if corrected else kind, ast.Name(name, ast.Load()), 0
        elif not exponent and not axis:
            yield kind if name not in EXAMPLES else "missing_1_over_m", ast.Name(name, ast.Load()), 2


def _call_edits(node: ast.Call, scope: Scope) -> Iterator[Change]:
    """Give the edits of a call's arguments."""
    name = called(node)
    if name in _REDUCTIONS:
        yield from _axes(node)
    for position, keyword in enumerate(node.keywords):
        yield from _keyword(node, position, keyword)
    defined = scope.defined.get(name) if len(node.args) == 1 and not node.keywords else None
    for flag, value in defaults_of(defined).items() if defined is not None else ():
        if value is False:  # deriv of nonlin(x, deriv=False)
            given = ast.keyword(flag, ast.Constant(True))
            kind = "wrong_activation_derivative" if flag.startswith("d") else "wrong_function"
            yield kind, ast.Call(node.func, node.args, [given]), 0
    yield from _missing_arguments(node, scope)


def _missing_arguments(node: ast.Call, scope: Scope) -> Iterator[Change]:
    """Add what a call of one of the file's functions lacks: a variable of the argument's name, a text."""
    if not isinstance(node.func, ast.Name) or any(isinstance(part, ast.Starred) for part in node.args):
        return
    wanted = needed_names(scope.defined[node.func.id]) if node.func.id in scope.defined else []
    given = {keyword.arg for keyword in node.keywords}
    missing = [name for name in wanted[len(node.args) :] if name not in given]
    if len(missing) != 1:
        return
    usual = ["relu", "sigmoid"] if missing[0].startswith("act") else []
    options = [name for name in missing if name in scope.values]
    options += [*map(repr, [*usual, *scope.strings]), *scope.values]
    for place, option in enumerate(dict.fromkeys(options)):
        keyword = ast.keyword(missing[0], parse(option))
        yield "argument_missing", ast.Call(node.func, node.args, [*node.keywords, keyword]), 0.2 + place / 50


_AXES: list[tuple[str | None, bool]] = [("1", True), ("1", False), ("0", True), ("0", False), (None, False)]
_AXES += [("-1", True), ("(0, 2, 3)", False), ("(0, 1, 2)", False), ("(0, 1)", False)]
"""The axes over which is summed, and whether they are kept."""


def _axes(node: ast.Call) -> Iterator[Change]:
    given = {keyword.arg: text(keyword.value) for keyword in node.keywords}
    others = [keyword for keyword in node.keywords if keyword.arg not in {"axis", "keepdims"}]
    axis = given.get("axis", text(node.args[1]) if len(node.args) > 1 else None)
    for wanted, kept in _AXES:
        if (axis, given.get("keepdims") == "True") == (wanted, kept):
            continue
        other = "keepdims_missing" if axis == wanted else "wrong_axis"
        more = {"axis": parse(wanted)} if wanted is not None else {}
        more |= {"keepdims": ast.Constant(True)} if kept else {}
        keywords = [*others, *(ast.keyword(name, value) for name, value in more.items())]
        # A sum over the units of a layer is seldom meant.
        rank = 1 if wanted == "0" else 0.5 * (wanted is not None and wanted != "1")
        yield "axis_missing" if axis is None else other, ast.Call(node.func, node.args[:1], keywords), rank


def _keyword(node: ast.Call, position: int, keyword: ast.keyword) -> Iterator[Change]:
    if keyword.arg is None:
        return
    rest = [other for index, other in enumerate(node.keywords) if index != position]
    if keyword.arg not in {"axis", "keepdims"}:
        yield "wrong_constant", ast.Call(node.func, node.args, rest), 2
    for name, like in (("keepdims", r"ke\w*"), ("axis", r"ax\w*|anis")):
        if keyword.arg != name and re.fullmatch(like, keyword.arg):
            value = ast.Constant(value=True) if text(keyword.value) == "true" else keyword.value
            yield "wrong_keyword", ast.Call(node.func, node.args, [*rest, ast.keyword(name, value)]), 0
