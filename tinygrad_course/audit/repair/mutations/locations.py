"""The expressions of a statement as places where another expression can be put, and taken out again."""

import ast
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_BODIES = {"body", "orelse", "finalbody", "handlers"}
_CLOSED = ast.Slice | ast.Lambda | ast.ListComp | ast.DictComp | ast.GeneratorExp | ast.SetComp
_COUNTED = {"range", "str", "reversed", "len", "format", "zeros", "ones"}
Change = tuple[str, ast.expr, float]
"""(the mistake, the expression to put, how far-fetched it is)."""


@dataclass
class Location:
    """One expression of a statement, with what stands around it."""

    parent: ast.AST
    name: str
    position: int | None
    node: ast.expr
    around: tuple[ast.AST, ...]
    """From the statement inwards."""

    def put(self, node: ast.expr) -> None:
        """Put an expression here (the location's own node to undo it)."""
        if self.position is None:
            setattr(self.parent, self.name, node)
        else:
            getattr(self.parent, self.name)[self.position] = node

    @property
    def counting(self) -> bool:
        """Whether the expression counts layers or columns: an index, a key, a range."""
        inner: ast.AST = self.node
        for outer in reversed(self.around):
            if isinstance(outer, ast.Subscript) and outer.slice is inner:
                return True
            if isinstance(outer, ast.Slice | ast.JoinedStr | ast.FormattedValue):
                return True
            if isinstance(outer, ast.Call) and called(outer) in _COUNTED:
                return True
            inner = outer
        return False


@dataclass
class Scope:
    """What a statement can see: the local variables before it, the functions, the function's strings."""

    values: dict[str, Any]
    functions: set[str]
    strings: list[str]
    defined: dict[str, ast.FunctionDef] = field(default_factory=dict)
    """The file's functions."""
    read: list[str] = field(default_factory=list)
    """The entries of dictionaries that the function reads, as they are written: grads['dW' + str(l)]."""
    donors: list[str] = field(default_factory=list)
    """Entries of dictionaries that may stand where a call has another argument."""
    found: dict[tuple[str, tuple[int, ...]], list[str]] = field(default_factory=dict)
    """What there is of each kind of the table of edits, once it was looked for."""

    def __post_init__(self) -> None:
        values = self.values.items()
        self.numbers: dict[str, float] = {
            name: float(value)
            for name, value in values
            if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
        }
        """Local scalars (m, keep_prob, lambd, beta1, t, ...)."""
        self.arrays = {name: value.shape for name, value in values if isinstance(value, np.ndarray)}
        self.entries: dict[str, tuple[int, ...]] = dict(self.arrays)
        """The arrays, and those in dictionaries, as they are written: A1, cache['A1']."""
        for name, held in values:
            own = name == "self" and hasattr(held, "__dict__")
            items = vars(held) if own else held if isinstance(held, dict) and len(held) < 16 else {}
            for key, item in items.items():
                if isinstance(key, str) and isinstance(item, np.ndarray):
                    self.entries[f"self.{key}" if own else f"{name}[{key!r}]"] = item.shape


def called(call: ast.Call) -> str:
    """Return the last name of what is called: np.sum and sum are both sum."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def locations(statement: ast.stmt) -> list[Location]:
    """Return the locations of a statement, of a compound statement those of its header."""
    found: list[Location] = []

    def visit(node: ast.AST, around: tuple[ast.AST, ...]) -> None:
        inside = (*around, node)
        for name, value in ast.iter_fields(node):
            if isinstance(node, ast.stmt) and name in _BODIES:
                continue
            # Of a text in braces the value alone is code.
            in_text = isinstance(node, ast.JoinedStr) or (
                isinstance(node, ast.FormattedValue) and name != "value"
            )
            for position, child in enumerate(value if isinstance(value, list) else [value]):
                stored = isinstance(getattr(child, "ctx", None), ast.Store | ast.Del)
                if (
                    isinstance(child, ast.expr)
                    and not isinstance(child, _CLOSED)
                    and not stored
                    and not in_text
                ):
                    found.append(
                        Location(node, name, position if isinstance(value, list) else None, child, inside)
                    )
                if isinstance(child, ast.AST):
                    visit(child, inside)

    visit(statement, ())
    return found


def parse(text: str) -> ast.expr:
    """Return the tree of an expression."""
    if text.isidentifier() and text not in {"True", "False", "None"}:
        return ast.Name(text, ast.Load())  # most are names, and this is quicker
    return ast.parse(text, mode="eval").body


def text(node: ast.AST) -> str:
    """Return an expression as Python text."""
    return ast.unparse(node)
