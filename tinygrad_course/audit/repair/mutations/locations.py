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
    functions: set[str] = field(default_factory=set)
    strings: list[str] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)
    """Local scalars (m, keep_prob, lambd, beta1, t, ...)."""
    arrays: dict[str, tuple[int, ...]] = field(default_factory=dict)
    entries: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """The arrays, and those in dictionaries, as they are written: A1, cache['A1']."""
    read: list[str] = field(default_factory=list)
    """The entries of dictionaries that the function reads, as they are written: grads['dW' + str(l)]."""
    flags: dict[str, list[str]] = field(default_factory=dict)
    """The arguments of the file's functions that are False unless they are given: deriv of nonlin."""
    wanted: dict[str, list[str]] = field(default_factory=dict)
    """The arguments without a default of the functions that the file can call."""
    donors: list[str] = field(default_factory=list)
    """Entries of dictionaries that may stand where a call has another argument."""
    found: dict[tuple[str, tuple[int, ...]], list[str]] = field(default_factory=dict)
    """What there is of each kind of the table of edits, once it was looked for."""

    @classmethod
    def of(cls, values: dict[str, Any], functions: set[str], strings: list[str]) -> "Scope":
        """Sort the variables into numbers and arrays."""
        numbers = {
            name: float(value)
            for name, value in values.items()
            if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
        }
        arrays = {name: value.shape for name, value in values.items() if isinstance(value, np.ndarray)}
        entries = {
            f"{name}[{key!r}]": item.shape
            for name, value in values.items() if isinstance(value, dict) and len(value) < 16
            for key, item in value.items() if isinstance(key, str) and isinstance(item, np.ndarray)
        }  # fmt: skip
        held = {
            f"{name}.{key}": item.shape
            for name, value in values.items() if name == "self" and hasattr(value, "__dict__")
            for key, item in vars(value).items() if isinstance(item, np.ndarray)
        }  # fmt: skip
        return cls(values, functions, strings, numbers, arrays, {**arrays, **entries, **held})


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
    return ast.parse(text, mode="eval").body


def text(node: ast.AST) -> str:
    """Return an expression as Python text."""
    return ast.unparse(node)
