"""What the audit asks of a piece of code: its nodes of a kind, its names, what it assigns and returns."""

import ast
from collections.abc import Iterator
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)
_NAMED = ast.Name | ast.Attribute


def nodes(tree: ast.AST, *kinds: type[Node]) -> Iterator[Node]:
    """Give the nodes of some kinds in a piece of code, outer before inner."""
    return (node for node in ast.walk(tree) if isinstance(node, kinds))


def called(node: ast.AST) -> str:
    """Return the last name of what is called: np.sum and sum are both sum; "" where nothing is."""
    function = getattr(node, "func", None)
    return str(getattr(function, "attr", getattr(function, "id", "")))


def loops(tree: ast.AST) -> list[ast.For | ast.While]:
    """Return the loops in a piece of code, outer before inner."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.While)]


def names_in(tree: ast.AST) -> set[str]:
    """Return the names that stand in a piece of code."""
    return {node.id for node in nodes(tree, ast.Name)}


def stored_names(tree: ast.AST) -> list[str]:
    """Return the names that are assigned in a piece of code."""
    return [node.id for node in nodes(tree, ast.Name) if isinstance(node.ctx, ast.Store)]


def targets(statement: ast.AST) -> list[ast.expr]:
    """Return what a statement assigns to."""
    if isinstance(statement, ast.Assign):
        return statement.targets
    target = getattr(statement, "target", None)
    return [target] if isinstance(target, ast.expr) else []


def elements(target: ast.expr) -> Iterator[ast.expr]:
    """Give what a target or a value is made of: the entries of a tuple, a list, a dictionary, and inside."""
    if isinstance(target, ast.Tuple | ast.List | ast.Dict):
        for inner in target.values if isinstance(target, ast.Dict) else target.elts:
            yield from elements(inner)
    elif isinstance(target, ast.Starred):
        yield from elements(target.value)
    else:
        yield target


def names_of(expression: ast.expr | None, count: int) -> list[str]:
    """Return the names that a return statement has for the parts of a result, "" where it has none.

    Examples
    --------
    >>> names_of(ast.parse("A2, self.cache, 1, dW / m, db[0]").body[0].value, 5)
    ['A2', 'cache', '', 'dW', 'db']
    """
    parts = expression.elts if isinstance(expression, ast.Tuple) else [expression]
    if len(parts) != count:
        return [""] * count
    parts = [*map(_named, parts)]
    return [ast.unparse(part).removeprefix("self.") if isinstance(part, _NAMED) else "" for part in parts]


def _named(part: ast.expr | None) -> ast.expr | None:
    """Return what is named in dW / m and db[0]."""
    match part:
        case ast.BinOp(left=inner, op=ast.Div()):
            return inner
        case ast.Subscript(value=inner, slice=ast.Constant(value=int())):
            return inner
    return part


def tuple_of_names(expression: ast.expr) -> list[str]:
    """Return the names in a tuple that holds nothing else."""
    parts = expression.elts if isinstance(expression, ast.Tuple) else []
    names = [part.id for part in parts if isinstance(part, ast.Name)]
    return names if len(names) == len(parts) else []


def returned(node: ast.FunctionDef) -> ast.expr | None:
    """Return the expression of a function's last return statement with a value."""
    found: list[ast.Return] = []
    parts: list[ast.AST] = [node]
    for part in parts:  # statements alone: a function is asked again and again
        if isinstance(part, ast.Return) and part.value is not None:
            found.append(part)
        for block in ("body", "handlers", "orelse", "finalbody", "cases"):
            parts += getattr(part, block, ())
    return max(found, key=lambda inner: inner.lineno).value if found else None


def definition(text: str) -> ast.FunctionDef:
    """Return the function that a text of our own defines."""
    made = ast.parse(text).body[0]
    if not isinstance(made, ast.FunctionDef):
        raise TypeError(text)
    return made
