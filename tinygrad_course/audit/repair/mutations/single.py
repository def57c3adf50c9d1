"""The single edits that undo a likely mistake, each with the name of the mistake that it undoes.

A generator puts an edit into the syntax tree, yields, and takes it out again: what tries it compiles the
function in between. The rules know nothing of a function's meaning; running it decides whether an edit fits.
"""

import ast
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tinygrad_course.audit.repair.mutations.edit_table import changes, marks
from tinygrad_course.audit.repair.mutations.operands import operand_edits
from tinygrad_course.audit.repair.mutations.scope import (
    Change,
    Location,
    Scope,
    locations,
    parse,
    removed_kind,
    text,
)
from tinygrad_course.audit.source.syntax import called

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
        yield from _throughout(found, scope, label)
    if isinstance(statement, ast.Assign | ast.Return) and "log" in text(statement):
        yield from _entrywise(found, scope)
    yield from _statement_edits(block, position, scope, label)


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


def _throughout(found: list[Location], scope: Scope, label: str) -> Iterator[Edit]:
    """Put another name wherever one stands more than once: np.log for both np.log10, A1 for both A2."""
    groups: dict[str, list[Location]] = {}
    for at in found:
        if isinstance(at.node, ast.Name | ast.Attribute):
            groups.setdefault(text(at.node), []).append(at)
    for words, places in groups.items():
        if len(places) < 2 or words in {"np", "str", "l"}:
            continue
        for kind, other, rank in _expression_edits(places[0], scope, label):
            # What is more far-fetched than a variable of the same kind takes trials from others.
            if rank <= {ast.Name: 0.4, ast.Attribute: 1}.get(type(other), -1):
                with _put(places, [parse(text(other)) for _ in places]):
                    yield Edit(kind, 0.7, f"each `{words}`", other, places[0].node.lineno)


def _entrywise(found: list[Location], scope: Scope) -> Iterator[Edit]:
    """Put a * b for every np.dot(a.T, b), np.dot(a, b.T), a.T @ b and a @ b.T of a cost."""
    made = [(at, new) for at in found for _, new, _ in changes("entrywise", at, scope, "", set())]
    if made:
        with _put([at for at, _ in made], [new for _, new in made]):
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
    node, told, around = at.node, marks(at, scope, label), not _only_called(at)
    if at.counting and around:
        yield from changes("counted", at, scope, label, told)
    yield from changes("anywhere", at, scope, label, told)
    yield from operand_edits(at, scope, label, told)
    if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load):
        yield from _tuples(at, node)
    if around and not at.counting:
        yield from changes("around", at, scope, label, told)


def _tuples(at: Location, node: ast.Tuple) -> Iterator[Change]:
    """Swap two entries of a tuple: of what is returned, of a shape."""
    kind = "wrong_order"
    if called(at.parent) in {"zeros", "ones", "empty", "full"}:
        kind = "transposed"
    yield from ((kind, ast.Tuple(parts, ast.Load()), 1) for parts in _swapped(node.elts))
    if len(node.elts) == 3:
        yield kind, ast.Tuple([node.elts[2], node.elts[1], node.elts[0]], ast.Load()), 2


def _swapped(parts: Sequence[ast.expr]) -> Iterator[list[ast.expr]]:
    """Give the expressions with each pair of neighbours swapped."""
    for first in range(len(parts) - 1):
        yield [*parts[:first], parts[first + 1], parts[first], *parts[first + 2 :]]


def _only_called(at: Location) -> bool:
    """Whether the expression is the np of np.sum, the function of a call, or text."""
    if isinstance(at.parent, ast.Attribute) and at.parent.attr != "T":
        return True
    if isinstance(at.parent, ast.keyword) and at.parent.arg in _OPTIONS:
        return True
    return (isinstance(at.parent, ast.Call) and at.name == "func") or (
        isinstance(at.node, ast.Constant) and not isinstance(at.node.value, int | float)
    )


def _statement_edits(block: list[ast.stmt], position: int, scope: Scope, label: str) -> Iterator[Edit]:
    statement = block[position]
    for kind, new, words, rank in _other_statements(statement, scope, label):
        with standing(block, position, ast.fix_missing_locations(ast.copy_location(new, statement))):
            yield Edit(kind, rank, words)
    if position + 1 < len(block) and not isinstance(block[position + 1], ast.Return):
        with standing(block, position, block[position + 1], statement):
            yield Edit("wrong_order", 3, "the line where the one after it belongs")


def _other_statements(
    statement: ast.stmt, scope: Scope, label: str
) -> Iterator[tuple[str, ast.stmt, str, float]]:
    if isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr):
        removed = isinstance(statement, ast.Expr) or removed_kind(text(statement.value), statement, label)
        twice = removed in {"mask_twice", "keep_prob_twice", "double_1_over_m", "l2_on_bias"}
        yield str(removed) if twice else "statement_extra", ast.Pass(), "a line too much", 3
    if isinstance(statement, ast.AugAssign):
        plain = parse(text(statement.target))
        words = f"`{text(statement)}` changes the caller's array in place"
        value = ast.BinOp(plain, statement.op, statement.value)
        yield "in_place", ast.Assign([statement.target], value), words, 0
        at = Location(statement, "value", None, value, ())
        for kind, new, rank in changes("anywhere", at, scope, label, set()):
            if isinstance(new, ast.BinOp) and new.left is plain:
                made = ast.AugAssign(statement.target, new.op, new.right)
                yield kind, made, f"`{text(statement)}` where `{text(made)}` fits", rank
        words = f"`{text(statement)}` adds where it should set"
        yield "extra_term", ast.Assign([statement.target], statement.value), words, 2
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name | ast.Subscript):
            added = ast.AugAssign(target, ast.Add(), statement.value)
            grows = isinstance(getattr(target, "slice", None), ast.Tuple)  # dx[:, rows, columns], of windows
            yield "term_missing", added, "the value is set where it should be added", 0.5 if grows else 2
        if isinstance(statement.value, ast.Name | ast.Subscript):
            copied = parse(f"np.array({text(statement.value)}, copy=True)")
            yield "in_place", ast.Assign([target], copied), f"`{text(statement.value)}` is not copied", 0
        if isinstance(target, ast.Tuple):
            for parts in _swapped(target.elts):
                unpacked = ast.Assign([ast.Tuple(parts, ast.Store())], statement.value)
                yield "wrong_order", unpacked, "the values are unpacked in a wrong order", 1
