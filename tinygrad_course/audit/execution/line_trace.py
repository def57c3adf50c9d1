"""Which line gave which variable which value: a function run statement by statement.

The function's syntax tree is given a call before and after each statement, and the calls record the local
variables. Unlike a trace function of the interpreter's, this sees `grads["dW1"] = ...` and the entries of a
returned dictionary.
"""

import ast
import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tinygrad_course.audit.execution.namespace import snapshot
from tinygrad_course.audit.source.syntax import elements, names_of, targets

Block = list[ast.stmt]
BEFORE, AFTER, RESULT = "__tinygrad_before__", "__tinygrad_after__", "__tinygrad_result__"


@dataclass(frozen=True)
class Site:
    """One statement of a function: where it stands in the tree, so that another can be put in its place."""

    function: str
    index: int
    block: Block
    position: int

    @property
    def place(self) -> tuple[str, int]:
        """The function and the number of the statement."""
        return self.function, self.index

    @property
    def statement(self) -> ast.stmt:
        """The statement that stands there."""
        return self.block[self.position]


@dataclass
class Event:
    """One execution of one statement."""

    site: int
    before: dict[str, Any]
    values: dict[str, Any] = field(default_factory=dict)
    """What it assigned, by label; empty while it has not ended."""
    ended: bool = False


def sites(node: ast.FunctionDef) -> list[Site]:
    """Return the statements, outer before inner, a function inside as one: numbered alike in copies."""
    found: list[Site] = []

    def walk(block: Block) -> None:
        for position, statement in enumerate(block):
            found.append(Site(node.name, len(found), block, position))
            if not isinstance(statement, ast.FunctionDef | ast.ClassDef):
                for name in ("body", "orelse", "finalbody"):
                    walk(getattr(statement, name, []))
                for handler in getattr(statement, "handlers", []):
                    walk(handler.body)

    walk(node.body)
    return found


_STATE = re.compile(r"(v|s|velocity)(_?corr\w*|_?hat|_?c)?$", re.IGNORECASE)


def entry_label(base: str, key: str) -> str:
    """Name the entry of a dictionary: grads["dW1"] is dW1, v["dW1"] is v_dW1."""
    match = _STATE.match(base)
    if match:
        first = "v" if match.group(1).lower() in {"v", "velocity"} else "s"
        return f"{first}_corrected_{key}" if match.group(2) else f"{first}_{key}"
    return key


class Recorder:
    """Collects the events of the functions instrumented for it."""

    def __init__(self) -> None:
        self.log: list[tuple[str, Event]] = []
        """Every event with its function's name, in the order of time."""
        self._open: list[tuple[str, Event]] = []
        self._targets: dict[str, dict[int, list[ast.expr]]] = {}

    @property
    def unended(self) -> list[tuple[str, Event]]:
        """The statements that had not ended when recording stopped, the one that raised first."""
        return [(name, event) for name, event in reversed(self._open) if not event.ended]

    def instrument(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Return a copy of a function that reports each of its statements here."""
        made = copy.deepcopy(node)
        self._targets[node.name] = {}
        for site in reversed(sites(made)):
            self._wrap(site)
        return ast.fix_missing_locations(made)

    def _wrap(self, site: Site) -> None:
        statement = site.statement
        silent = ast.FunctionDef | ast.ClassDef | ast.Global | ast.Nonlocal | ast.Import | ast.ImportFrom
        if isinstance(statement, silent):
            return
        before, after = _report(BEFORE, site), _report(AFTER, site)
        made: list[ast.stmt] = [before, statement, after]
        written = self._targets[site.function]
        if isinstance(statement, ast.Return):
            result = ast.Assign([ast.Name(RESULT, ast.Store())], statement.value or ast.Constant(None))
            back = ast.Return(ast.Name(RESULT, ast.Load()))
            made = [before, ast.copy_location(result, statement), after, ast.copy_location(back, statement)]
            written[site.index] = [statement.value] if statement.value is not None else []
        elif isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign):
            written[site.index] = [leaf for target in targets(statement) for leaf in elements(target)]
        elif isinstance(statement, ast.If | ast.For | ast.While | ast.With | ast.Try):
            made = [before, statement]
        site.block[site.position : site.position + 1] = made

    def hooks(self, globals_of: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the instrumented functions call, to be bound in their namespace."""

        def before(function: str, index: int, local: dict[str, Any]) -> None:
            event = Event(index, {name: snapshot(value) for name, value in local.items() if name != RESULT})
            if self._open and self._open[-1][0] == function and not self._open[-1][1].ended:
                # The header of a compound statement: its body has begun.
                self._open[-1][1].ended = True
            self._open.append((function, event))
            self.log.append((function, event))

        def after(function: str, index: int, local: dict[str, Any]) -> None:
            while self._open:
                name, event = self._open.pop()
                if name == function and event.site == index:
                    event.ended = True
                    event.values = self._values(function, index, local, globals_of)
                    break

        return {BEFORE: before, AFTER: after}

    def _values(
        self, function: str, index: int, local: dict[str, Any], outer: Mapping[str, Any]
    ) -> dict[str, Any]:
        written = self._targets[function].get(index, [])
        if RESULT in local:
            return result_values(written[0] if written else None, local[RESULT])
        found: dict[str, Any] = {}
        for target in written:
            label, value = _read(target, local, outer)
            if label:
                found[label] = snapshot(value)
                if isinstance(value, dict) and not isinstance(target, ast.Subscript):
                    found |= _entries(label, value)
        return found


def _entries(label: str, value: dict[Any, Any]) -> dict[str, Any]:
    return {entry_label(label, key): snapshot(item) for key, item in value.items() if isinstance(key, str)}


def result_values(expression: ast.expr | None, result: Any) -> dict[str, Any]:
    """Label what a function returns: by a dictionary's keys, else by the names in its return statement."""
    found: dict[str, Any] = {}
    parts = len(expression.elts) if isinstance(expression, ast.Tuple) else 1
    values = result if isinstance(expression, ast.Tuple) and isinstance(result, tuple) else [result]
    for label, value in zip(names_of(expression, parts), values, strict=False):
        if isinstance(value, dict):
            found |= _entries(label, value)
        elif label:
            found[label] = snapshot(value)
    return found


def _report(hook: str, site: Site) -> ast.Expr:
    call = ast.parse(f"{hook}({site.function!r}, {site.index}, locals())", mode="eval").body
    return ast.copy_location(ast.Expr(call), site.statement)


def target_label(target: ast.expr, scope: dict[str, Any]) -> str:
    """Name what a target assigns: the variable, or the entry of a dictionary."""
    return _read(target, scope, scope)[0]


def _read(target: ast.expr, local: Mapping[str, Any], outer: Mapping[str, Any]) -> tuple[str, Any]:
    match target:
        case ast.Name(id=name):
            return name, local.get(name)
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            return name, getattr(local.get(owner), name, None)
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name)):
            named, scope = isinstance(target.value, ast.Name), {**outer, **local}
            key = evaluate(target.slice, scope)
            holder = local.get(name) if named else evaluate(target.value, scope)
            if isinstance(key, str) and isinstance(holder, dict):
                return entry_label(name, key), holder.get(key)
            return (name, holder) if named else ("", None)
    return "", None


def evaluate(expression: ast.expr, scope: dict[str, Any]) -> Any:
    """Return the value of an expression of the homework, None where it raises."""
    if isinstance(expression, ast.Slice | ast.Tuple):
        return None
    copied = ast.Expression(copy.deepcopy(expression))
    try:
        return eval(compile(ast.fix_missing_locations(copied), "<key>", "eval"), scope)  # noqa: S307 - the homework's own
    except Exception:  # noqa: BLE001 - whatever the homework's expression raises
        return None
