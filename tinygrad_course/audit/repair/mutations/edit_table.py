"""The table of single edits: what stands there, what fits instead, and the name of the mistake.

A line reads ``pattern if where -> what fits, mistake, how far-fetched; more``. In a pattern a, b, c, d are
expressions, k a constant, x none, n a name, f a function; ``_`` is the whole, ``*_, **_`` further arguments;
``dot(a, b)`` is np.dot, A.dot and dot alike; ``{+ -}`` is one operator after another. Where: of `marks`, "-"
for not. Capitals stand for each thing of a kind that the scope has (`KINDS`), and ``has(a)`` is a mistake
named after what a is (`MISTAKES`).
"""

import ast
import itertools
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tinygrad_course.audit.repair.mutations.scope import (
    KINDS,
    MISTAKES,
    Change,
    Location,
    Scope,
    examples_count,
    is_a,
    parse,
    text,
    things,
)
from tinygrad_course.audit.source.syntax import called, names_in, nodes

TABLES = {
    "anywhere": """
a + b -> a - b wrong_sign 0; a * b wrong_function 2
a - b -> a + b wrong_sign 0; b - a wrong_sign 0.3
x - b -> b without(x) 2; -b without(x) 2
k - b -> b inverted(b) 0.4
a * b -> a / b lacks(b) 0; a + b wrong_function 2; a @ b elementwise 0
a * b if arrays -> np.dot(a, b) elementwise 1; np.dot(b, a) elementwise 1
a / b -> a * b has(b) 0; a // b wrong_function 2; 1 / b without(a) 2
a @ b -> a * b elementwise 0
a // b -> a / b wrong_function 2; a * b wrong_function 2
a ** b -> a * b wrong_function 2
a % b -> a // b wrong_function 2
a {/ @ // **} b -> b {/ @ // **} a wrong_order 0.3
a {+ - * / @ // ** %} b -> a without(b) 1
a {+ * @ // %} b -> b without(a) 1
a / b * c -> a / (b * c) wrong_factor 2
a / (b {+ -} c) * d -> a / (b {+ -} c * d) wrong_factor 1.5
a {* /} (b {+ -} c) -> a {* /} b {+ -} c wrong_factor 2
a / (b {* /} c) -> a / b {* /} c wrong_factor 2
a {* /} b {+ -} c -> a {* /} (b {+ -} c) wrong_order 2
(a {+ -} b) {* /} c -> a {+ -} b {* /} c wrong_order 2
-a -> a wrong_sign 0
a.T -> a transposed 0
a.size -> a.shape[0] wrong_operand 0.5
a.transpose(b, c, *_) -> a transposed 0
swapaxes(a, b, c) -> a transposed 0
a {< <=} b -> a > b turned 0
a {> >=} b -> a < b turned 0
a == b -> a != b turned 0
a != b -> a == b turned 0
a[b] if column -> a[:, b] row_for_column 0.5; a[:, b : b + 1] row_for_column 0.6
    a[b, COUNTER] row_for_column 0.7; a[COUNTER, b] row_for_column 0.7
sqrt(a) + b -> sqrt(a + b) epsilon_in_root 1
sqrt(a + b) -> sqrt(a) + b epsilon_in_root 0
f(a) -> a undone 2
f(a, b, **_) -> f(b, a, **_) swapped 0
(multiply | dot | matmul | add)(a, b, **_) -> a without(b) 1; b without(a) 1
(divide | subtract | power)(a, b, **_) -> a without(b) 1
(dot | matmul)(a, b, **_) -> a * b elementwise 1
(dot | matmul)(a{.T }, b, **_) -> np.sum(a, axis=1, keepdims=True) product_for_sum 1.4
    np.sum(a) product_for_sum 1.5
(dot | matmul)(a, b{.T }, **_) -> np.sum(b, axis=1, keepdims=True) product_for_sum 1.4
    np.sum(b) product_for_sum 1.5
(sum | mean | average | max | nansum)(a, *_, **_) -> a summed_early 0.9
    np.dot(MATRIX, a.T) sum_for_product 0.8; np.dot(a, MATRIX.T) sum_for_product 0.8
    np.dot(MATRIX.T, a) sum_for_product 0.8
a.tanh(*_, **_) -> ACTIVATION(*_, **_) wrong_activation 1
a.zeros((b, c), **_) -> a.random.randn(b, c) initial_symmetry 1
(zeros | ones | empty)(a, b, **_) -> f((a, b), **_) shape 0
(rand | randn)((a, b)) -> f(a, b) shape 0
(rand | randn)((a, b, c, d)) -> f(a, b, c, d) shape 0
(rand | randn | normal | standard_normal)(*_, **_) -> _ * 0.01 initial_scale 0.5
(rand | randn)(a, b) -> _ / np.sqrt(b) initial_scale 0.6; _ * np.sqrt(2 / b) initial_scale 0.6
range(a) -> range(1, a + 1) index_off_by_one 0.5; range(1, a) index_off_by_one 0.5
range(a, b) -> range(b) index_off_by_one 0.5; range(a, b + 1) index_off_by_one 0.5
range(a, b + 1) -> range(b) index_off_by_one 0.5
(shape | T | size)(**_) -> f shape 0
float(a) -> np.squeeze(a) removed_api 0
""",
    "around": """
x if root -unary -count -> -x wrong_sign 0.5
x if -root -unary -> -x wrong_sign 1
_ if named -indexed -> _.T transposed 0
_ if named indexed -> _.T transposed 0.9
_ if tensor -> np.swapaxes(_, -1, -2) transposed 0.3
_ if operation multiplied -> _.T transposed 0.2
_ if variable operand -> 1 - _ complement 1; np.square(_) wrong_power 1.2; np.sqrt(_) wrong_power 1.2
_ if computed operand -> np.sqrt(_) wrong_power 2; np.log(_) wrong_function 3
n if summed -> np.square(n) wrong_power 0.55
_ if slope -> SLOPE wrong_activation_derivative 1.05
a * b * (1 - b) -> a * SLOPE wrong_activation_derivative 1
a * (1 - b) * b -> a * SLOPE wrong_activation_derivative 1
_ if matrix -> np.sum(_, axis={1 0}{,keepdims=True }) not_summed 1.5
_ if matrix used -> np.dot(TALL.T, _) product_missing 1.8; np.dot(_, WIDE.T) product_missing 1.8
_ if whole -> -_ / COUNT wrong_sign+missing_1_over_m 1.5; _ * SLOPE derivative_missing 2
    _ / NUMBER lacks(NUMBER) 1; _ * NUMBER has(NUMBER) 1; _ * FACTOR wrong_operand 3
    _ / np.sqrt(NUMBER) lacks(NUMBER) 1.4
_ if part -> _ / NUMBER lacks(NUMBER) 1.4; _ * NUMBER has(NUMBER) 1.4
_ if multiple -> (1 - BETA) * _ wrong_factor 1; _ / (1 - BETA ** STEP) bias_correction_missing 1
    _ * 2 wrong_factor 2; _ / 2 wrong_factor 2; _ * MASK mask_missing 1
a @ b if given -> _ + BIAS bias_missing 1
(dot | matmul)(*_, **_) if given -> _ + BIAS bias_missing 1
_ if root -> 1 - _ wrong_operand 2; _ + BIAS bias_missing 1; _ + TERM term_missing 2; _ - LABEL term_missing 2
    _ + LAMBDA / M * WEIGHT l2_missing 1; _ + LAMBDA / (2 * M) * np.sum(np.square(WEIGHT)) l2_missing 2
    _ + (1 - BETA) * READ term_missing 1.5; _ + (1 - BETA) * np.square(READ) term_missing 1.5
_ if root lambda -sum -> _ + np.sum(np.square(WEIGHT)) l2_missing 3
f(n, **_) if root -> _ + f(VARIABLE, **_) term_missing 2
a * log(x) -> _ + (1 - a) * log(1 - x) term_missing 0.6
log(x) * a -> _ + (1 - a) * log(1 - x) term_missing 0.6
multiply(a, log(x)) -> _ + (1 - a) * log(1 - x) term_missing 0.6
multiply(log(x), a) -> _ + (1 - a) * log(1 - x) term_missing 0.6
_ if used named -indexed -> _ * ALIKE derivative_missing 1.7
k if root -> VARIABLE wrong_operand 2
_ if rate -> _ * GRADIENT gradient_missing 0.8
_ if linear -> SIGMOID(_) activation_missing 1.2; 1 / (1 + np.exp(-_)) activation_missing 1.25
    SIGMOID(_ + BIAS) activation_missing 1.3; 1 / (1 + np.exp(-(_ + BIAS))) activation_missing 1.35
""",
    "counted": """
a {+ -} b -> a shifted 0
_ if countable -> _ + 1 shifted 1; _ - 1 shifted 1; _ + 2 shifted 1
n if entry -> 1 shape 0.5
_ if -name -> INTEGER shifted 1; INTEGER + 1 shifted 1.5; INTEGER - 1 shifted 1.5
""",
    "entrywise": """
(dot | matmul)(a.T, b) -> a * b elementwise 0.25
(dot | matmul)(a, b.T) -> a * b elementwise 0.25
a.T @ b -> a * b elementwise 0.25
a @ b.T -> a * b elementwise 0.25
""",
    "names": """
_ if beta -> _ ** STEP bias_correction 0
_ if row -> _[0, INDEX] not_indexed 1.3
_ if matrix -row -> _[:, INDEX] not_indexed 1.3
_ if matrix -> _[:, INDEX : INDEX + 1] not_indexed 1.4; _[:, ORDER] pairs_broken 1.2
_ if undefined -> INPUT.T wrong_operand 2
""",
}

_MULTIPLES = {"whole", "part", "multiple"}
_STANDS = {"TERM", "MASK", "BIAS"}
"""What is not put beside an expression in which it stands already."""


class Rule(NamedTuple):
    """A line of the table."""

    pattern: ast.expr
    wanted: frozenset[str]
    refused: frozenset[str]
    made: ast.expr
    mistake: str
    rank: float
    ranges: list[str]


def _read(table: str) -> Iterator[Rule]:
    for line in _expanded(table.strip().replace("\n    ", "; ")):
        before, _, after = line.partition(" -> ")
        pattern, _, where = before.partition(" if ")
        refused = frozenset(word[1:] for word in where.split() if word[0] == "-")
        wanted = frozenset(word for word in where.split() if word[0] != "-")
        for told in after.split("; "):
            made, mistake, rank = told.rsplit(None, 2)
            template = parse(made)
            ranges = sorted(names_in(template) & {*KINDS, "SLOPE"})
            yield Rule(parse(pattern), wanted, refused, template, mistake, float(rank), ranges)


def _expanded(table: str) -> Iterator[str]:
    """Give the lines of a table, one for each of the operators in {+ -}."""
    for line in table.splitlines():
        choice = re.search(r"\{(.*?)\}", line)
        if choice is None:
            yield line
        else:
            options = choice[1].split(" ")
            yield from _expanded("\n".join(line.replace(choice[0], option) for option in options))


def marks(at: Location, scope: Scope, label: str) -> set[str]:
    """Return what the table says of a place: what stands there, and where it stands."""
    node, parent, words = at.node, at.parent, text(at.node)
    own, above = (one.op if isinstance(one, ast.BinOp) else None for one in (node, parent))
    function, outer = map(called, (node, parent))
    root, given = isinstance(parent, ast.stmt | ast.Dict | ast.Tuple), isinstance(parent, ast.Call)
    operand = given or isinstance(parent, ast.BinOp | ast.UnaryOp)
    argument = isinstance(parent, ast.UnaryOp | ast.Call) and not isinstance(node, ast.Constant)
    variable, computed = isinstance(node, ast.Name | ast.Subscript), isinstance(node, ast.Call | ast.BinOp)
    named = variable or isinstance(node, ast.Call) or words.startswith("self.")
    countable = variable or isinstance(node, ast.BinOp | ast.UnaryOp | ast.Attribute) or function == "len"
    number, subtracted = words in scope.numbers, isinstance(above, ast.Sub) and at.name == "right"
    sides = [node.left, node.right] if isinstance(node, ast.BinOp) else []
    shape = scope.arrays.get(words, ())
    told = {
        "root": root,
        "operand": operand,
        "used": operand or root,
        "given": given,
        "multiplied": outer in {"dot", "matmul"},
        "summed": outer == "sum",
        "indexed": isinstance(parent, ast.Subscript) and at.name == "value",
        "entry": isinstance(parent, ast.Tuple),
        "whole": root and not isinstance(node, ast.Tuple),
        "part": not root and (isinstance(above, ast.Add | ast.Sub) or argument),
        "multiple": root or isinstance(above, ast.Add | ast.Sub) or argument,
        "handed": isinstance(parent, ast.Tuple) and variable,
        "unary": isinstance(node, ast.UnaryOp),
        "count": words.startswith("len(") or ".shape" in words or words.endswith(".size"),
        "operation": own is not None,
        "sum": isinstance(own, ast.Add | ast.Sub),
        "arrays": all(not names_in(side).isdisjoint(scope.arrays) for side in sides),
        "computed": computed,
        "variable": variable,
        "name": isinstance(node, ast.Name),
        "named": named and not words.endswith(".T") and not isinstance(parent, ast.Attribute),
        "matrix": len(shape) == 2,
        "tensor": len(scope.entries.get(words, ())) > 2,
        "row": len(shape) == 2 and shape[0] == 1,
        "column": isinstance(node, ast.Subscript) and _is_column(node, scope),
        "undefined": words not in scope.values,
        "countable": countable,
        "beta": number and is_a("beta", words),
        "rate": number and is_a("rate", words) and subtracted,
        "lambda": any(is_a("lambda", name) for name in scope.numbers) and bool(examples_count(scope)),
        "slope": _is_slope(at, words),
        "linear": isinstance(parent, ast.Assign) and computed and _ACTIVE.fullmatch(label) is not None,
    }
    return {mark for mark, so in told.items() if so}


_ACTIVE = re.compile(r"(?i)a\d*|al|y_?hat|y_?pred\w*|prob\w*|h|p")


def _is_column(node: ast.Subscript, scope: Scope) -> bool:
    """Tell whether a matrix has one index."""
    matrix = len(scope.arrays.get(text(node.value), ())) == 2
    return matrix and not isinstance(node.slice, ast.Tuple | ast.Slice | ast.Constant)


def _is_slope(at: Location, words: str) -> bool:
    """Tell whether the derivative of an activation may belong in a place: as a factor, or alone."""
    node, parent = at.node, at.parent
    multiplied = called(parent) == "multiply"
    multiplied = multiplied or (isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult))
    alone = isinstance(node, ast.BinOp | ast.Compare) and isinstance(parent, ast.Return | ast.Assign)
    fits = not isinstance(node, ast.Constant | ast.Name) or re.match(r"[aszASZ]\d?$", words)
    return (multiplied or (alone and len(words) <= 40)) and bool(fits)


RULES = {part: [*_read(table)] for part, table in TABLES.items()}


def changes(part: str, at: Location, scope: Scope, label: str, told: set[str]) -> Iterator[Change]:
    """Give the edits of an expression with these marks by the rules of one part of the table."""
    node = at.node
    shape = scope.arrays.get(node.id, ()) if isinstance(node, ast.Name) else ()
    for rule in [rule for rule in RULES[part] if type(rule.pattern) in {ast.Name, type(node)}]:
        bound: dict[str, Any] = {"_": node}
        if not rule.wanted <= told or rule.refused & told or not _fits(rule.pattern, node, bound):
            continue
        # A value that is only taken out of a dictionary is seldom the one to be multiplied.
        far = 2 if "handed" in told and rule.wanted & _MULTIPLES else 0
        options = []
        for name in rule.ranges:
            if (name, shape) not in scope.found:
                scope.found[name, shape] = things(name, scope, shape)
            stands = nodes(node, ast.Name, ast.Subscript) if name in _STANDS else bound.values()
            there = scope.found[name, shape]
            here = {text(held) for held in stands if isinstance(held, ast.AST)} if there else set[str]()
            options.append([word for word in there if word not in here])
        for words in itertools.product(*options):
            bound |= zip(rule.ranges, map(parse, words), strict=True)
            made = _filled(rule.made, bound)
            # 1 for 1 / m is the same as no factor, and reads worse.
            plain = rule.mistake.startswith("without") and isinstance(made, ast.Constant)
            mistake, _, word = rule.mistake.rstrip(")").partition("(")
            if mistake in MISTAKES:  # called after what one of the parts is
                mistake = MISTAKES[mistake](text(bound[word or "_"]), at, label)
            yield mistake, made, rule.rank + far + plain / 10


def _fits(pattern: ast.AST, node: ast.AST, bound: dict[str, Any]) -> bool:
    """Tell whether a node is as a pattern says, and bind the pattern's letters to its parts."""
    if isinstance(pattern, ast.Name) and isinstance(node, ast.expr):
        name = pattern.id
        held = bound.setdefault(name, node)
        if isinstance(node, ast.Starred) or (held is not node and text(held) != text(node)):
            return False
        plain = {"k": isinstance(node, ast.Constant), "n": isinstance(node, ast.Name)}
        return plain.get(name, name != "x" or not isinstance(node, ast.Constant))
    if type(pattern) is not type(node):
        return False
    if isinstance(pattern, ast.Call) and isinstance(node, ast.Call):
        return _call_fits(pattern, node, bound)
    if isinstance(pattern, ast.Constant | ast.Attribute):
        name = "attr" if isinstance(pattern, ast.Attribute) else "value"
        if getattr(pattern, name) != getattr(node, name):
            return False
    parts = list(ast.iter_child_nodes(pattern)), list(ast.iter_child_nodes(node))
    return len(parts[0]) == len(parts[1]) and all(_fits(a, b, bound) for a, b in zip(*parts, strict=True))


def _call_fits(pattern: ast.Call, node: ast.Call, bound: dict[str, Any]) -> bool:
    bound.setdefault("f", node.func)
    words = names_in(pattern.func) - {"f"}
    if isinstance(pattern.func, ast.Attribute):
        if not _fits(pattern.func, node.func, bound):
            return False
    elif words and called(node) not in words:
        return False
    else:
        bound |= dict.fromkeys(words, node.func)
    args = [part for part in pattern.args if not isinstance(part, ast.Starred)]
    bound["*"], bound["**"] = node.args[len(args) :], node.keywords
    if (bound["*"] and args == pattern.args) or (node.keywords and not pattern.keywords):
        return False
    fitting = zip(args, node.args, strict=False)
    return len(node.args) >= len(args) and all(_fits(a, b, bound) for a, b in fitting)


def _filled(template: ast.AST, bound: dict[str, Any]) -> Any:
    """Return what a template says, with the parts that were bound in the places of its letters."""
    if isinstance(template, ast.Name) and template.id in bound:
        return bound[template.id]
    made = type(template)()
    for name, value in ast.iter_fields(template):
        if isinstance(value, list):
            value = [*itertools.chain(*(_parts(part, bound) for part in value))]
        setattr(made, name, _filled(value, bound) if isinstance(value, ast.expr) else value)
    return made


def _parts(part: ast.AST, bound: dict[str, Any]) -> list[ast.AST]:
    if isinstance(part, ast.Starred):
        return list(bound["*"])
    return list(bound["**"]) if isinstance(part, ast.keyword) and not part.arg else [_filled(part, bound)]
