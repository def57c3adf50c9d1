"""The single edits that undo a likely mistake, each with the name of the mistake that it undoes.

A generator puts an edit into the syntax tree, yields, and takes it out again: what tries it compiles the
function in between. The rules know nothing of a function's meaning; running it decides whether an edit fits.
"""

import ast
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from tinygrad_course.audit.repair.mutations.arithmetic import OPPOSITE, comparisons, operations, tuples
from tinygrad_course.audit.repair.mutations.function_calls import call_edits
from tinygrad_course.audit.repair.mutations.identifiers import (
    attributes,
    columns,
    constants,
    counting,
    derivatives,
    names,
    others_for,
)
from tinygrad_course.audit.repair.mutations.locations import (
    Change,
    Location,
    Scope,
    locations,
    parse,
    swapped,
    text,
)
from tinygrad_course.audit.repair.mutations.naming import (
    factor_kind,
    removed_kind,
)  # fmt: skip
from tinygrad_course.audit.repair.mutations.wrapping import activations, completions, wraps

_OPTIONS = {"axis", "keepdims", "copy", "dtype", "activation"}


@dataclass(frozen=True)
class Edit:
    """What an edit undoes."""

    kind: str
    rank: float
    old: ast.AST | str
    new: ast.AST | str = ""
    line: int | None = None
    """The line of what is changed, within a statement of several lines."""

    @property
    def words(self) -> str:
        """Say what stands there, and what fits."""
        old, new = (part if isinstance(part, str) else f"`{text(part)}`" for part in (self.old, self.new))
        return f"{old} where {new} fits" if new else old


def edits(block: list[ast.stmt], position: int, scope: Scope, label: str) -> Iterator[Edit]:
    """Put each edit of a statement into its block in turn; `label` names what the statement assigns."""
    statement = block[position]
    found = locations(statement)
    for at in found:
        for kind, new, rank in _expression_edits(at, scope, label):
            with _put([at], [new]):
                yield Edit(kind, rank, at.node, new, getattr(at.node, "lineno", None))
    if isinstance(statement, ast.Assign | ast.AugAssign | ast.Return | ast.Expr):
        yield from _throughout(found, scope)
    if isinstance(statement, ast.Assign | ast.Return) and "log" in text(statement):
        yield from _entrywise(found)
    yield from _statement_edits(block, position)


@contextlib.contextmanager
def _put(places: list[Location], made: list[ast.expr]) -> Iterator[None]:
    """Let other expressions stand in some places during the body."""
    for at, new in zip(places, made, strict=True):
        at.put(_located(new, at.node))
    try:
        yield
    finally:
        for at in places:
            at.put(at.node)


def _throughout(found: list[Location], scope: Scope) -> Iterator[Edit]:
    """Put another name wherever one stands more than once: np.log for both np.log10, A1 for both A2."""
    groups: dict[str, list[Location]] = {}
    for at in found:
        if isinstance(at.node, ast.Name | ast.Attribute):
            groups.setdefault(text(at.node), []).append(at)
    for words, places in groups.items():
        if len(places) < 2 or words in {"np", "str", "l"}:
            continue
        for kind, other in others_for(places[0], scope):
            new = [parse(other) for _ in places]
            with _put(places, new):
                yield Edit(kind, 0.7, f"each `{words}`", new[0], places[0].node.lineno)


def _entrywise(found: list[Location]) -> Iterator[Edit]:
    """Put a * b for every np.dot(a.T, b), np.dot(a, b.T), a.T @ b and a @ b.T of a cost."""
    places: list[Location] = []
    made: list[ast.expr] = []
    for at in found:
        node, parts = at.node, list[ast.expr]()
        if isinstance(node, ast.Call) and text(node.func) in {"np.dot", "np.matmul"}:
            parts = node.args
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            parts = [node.left, node.right]
        turned = [part for part in parts if isinstance(part, ast.Attribute) and part.attr == "T"]
        if len(parts) == 2 and len(turned) == 1:
            a, b = (turned[0].value if part is turned[0] else part for part in parts)
            places.append(at)
            made.append(ast.BinOp(a, ast.Mult(), b))
    if places:
        with _put(places, made):
            yield Edit("elementwise", 0.25, "an outer product where the product of the entries belongs")


@contextlib.contextmanager
def standing(block: list[ast.stmt], position: int, *statements: ast.stmt) -> Iterator[None]:
    """Let other statements stand in a block during the body."""
    place = slice(position, position + len(statements))
    before = block[place]
    block[place] = statements
    try:
        yield
    finally:
        block[place] = before


def _located(new: ast.expr, like: ast.expr) -> ast.expr:
    """Give the nodes that are new the place of the one that they replace; the others have theirs."""
    waiting: list[ast.AST] = [new]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.expr | ast.keyword):
            if hasattr(node, "lineno") and node is not new:
                continue
            ast.copy_location(node, like)
        waiting.extend(ast.iter_child_nodes(node))
    return new


def _expression_edits(at: Location, scope: Scope, label: str) -> Iterator[Change]:
    node = at.node
    if at.counting and not _only_called(at):
        yield from counting(at, scope)
    if isinstance(node, ast.Name):
        yield from names(at, scope)
    elif isinstance(node, ast.Constant):
        yield from constants(at, scope, label)
    elif isinstance(node, ast.BinOp):
        yield from operations(node, scope, label)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "wrong_sign", node.operand, 0
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield from comparisons(node)
    elif isinstance(node, ast.Subscript):
        yield from columns(node, scope)
        yield from derivatives(node, scope)
    elif isinstance(node, ast.Call):
        yield from call_edits(node, scope)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield "transposed", node.value, 0
    elif isinstance(node, ast.Attribute):
        yield from attributes(node, scope)
    elif isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load):
        yield from tuples(at, node)
    if not at.counting and not _only_called(at):
        yield from wraps(at, scope)
        yield from completions(at, scope)
        if isinstance(at.parent, ast.Assign):
            yield from activations(node, scope, label)


def _only_called(at: Location) -> bool:
    """Whether the expression is the np of np.sum, the function of a call, or text."""
    if isinstance(at.parent, ast.Attribute) and at.parent.attr != "T":
        return True
    if isinstance(at.parent, ast.keyword) and at.parent.arg in _OPTIONS:
        return True
    return (isinstance(at.parent, ast.Call) and at.name == "func") or (
        isinstance(at.node, ast.Constant) and not isinstance(at.node.value, int | float)
    )


def _statement_edits(block: list[ast.stmt], position: int) -> Iterator[Edit]:
    statement = block[position]
    for kind, new, words, rank in _other_statements(statement):
        with standing(block, position, ast.fix_missing_locations(ast.copy_location(new, statement))):
            yield Edit(kind, rank, words)
    if position + 1 < len(block) and not isinstance(block[position + 1], ast.Return):
        with standing(block, position, block[position + 1], statement):
            yield Edit("wrong_order", 3, "the line where the one after it belongs")


def _other_statements(statement: ast.stmt) -> Iterator[tuple[str, ast.stmt, str, int]]:
    if isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr):
        kind = removed_kind(statement.value, ast.Mult(), "") if not isinstance(statement, ast.Expr) else ""
        kind = kind if kind in {"mask_twice", "keep_prob_twice", "double_1_over_m"} else "statement_extra"
        yield kind, ast.Pass(), "a line too much", 3
    if isinstance(statement, ast.AugAssign):
        plain = ast.parse(text(statement.target)).body[0]
        if isinstance(plain, ast.Expr):
            value = ast.BinOp(plain.value, statement.op, statement.value)
            words = f"`{text(statement)}` changes the caller's array in place"
            yield "in_place", ast.Assign([statement.target], value), words, 0
        for operator in OPPOSITE.get(type(statement.op), []):
            made = ast.AugAssign(statement.target, operator(), statement.value)
            kind = "wrong_sign" if isinstance(statement.op, ast.Add | ast.Sub) else factor_kind(
                text(statement.value), operator is ast.Div
            )  # fmt: skip
            yield kind, made, f"`{text(statement)}` where `{text(made)}` fits", 0
        words = f"`{text(statement)}` adds where it should set"
        yield "extra_term", ast.Assign([statement.target], statement.value), words, 2
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name | ast.Subscript):
            added = ast.AugAssign(target, ast.Add(), statement.value)
            yield "term_missing", added, "the value is set where it should be added", 2
        if isinstance(statement.value, ast.Name | ast.Subscript):
            copied = parse(f"np.array({text(statement.value)}, copy=True)")
            yield "in_place", ast.Assign([target], copied), f"`{text(statement.value)}` is not copied", 0
        if isinstance(target, ast.Tuple):
            for parts in swapped(target.elts):
                unpacked = ast.Assign([ast.Tuple(parts, ast.Store())], statement.value)
                yield "wrong_order", unpacked, "the values are unpacked in a wrong order", 1
