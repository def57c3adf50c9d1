"""How a right function is made wrong: single realistic edits of its syntax tree, each by a rule.

A rule knows what a learner does wrong and nothing of the audit. It gives expressions to be put in the
place of others; `mutants` writes them into the source so that no line moves.
"""

from __future__ import annotations

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
