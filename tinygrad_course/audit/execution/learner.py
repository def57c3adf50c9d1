"""One function under test, with what else its file holds."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from tinygrad_course.audit.execution.namespace import Function, Outcome, Program, snapshot
from tinygrad_course.audit.execution.paths import duplicate
from tinygrad_course.audit.reference.comparison import Named
from tinygrad_course.audit.source.conventions import canonical
from tinygrad_course.audit.source.signatures import EXTRAS, Binding, bare
from tinygrad_course.audit.source.syntax import nodes, returned, tuple_of_names


class Learner:
    """What a kind of function may ask about the file that it judges."""

    def __init__(self, program: Program, node: ast.FunctionDef, binding: Binding, repaired: Named) -> None:
        self.program, self.node, self.binding = program, node, binding
        self.repaired = dict(repaired)
        """The file's functions that were found wrong: each as repaired, or None where no repair was found."""
        self.partner: Callable[[Learner], list[str]] | None = None
        self.against: set[str] = set()
        self.graphs = 0
        """How many cases the graph of the file's forward pass was asked for."""
        self.packed = False
        """Whether the file's forward function packs the cache as the course does."""
        self.result = returned(node)
        """The expression that the function under test returns."""
        self._texts: dict[tuple[str, ...], str] = {}

    @property
    def name(self) -> str:
        """The name of the function under test."""
        return self.node.name

    def own(self, *names: str) -> Function | None:
        """Return the file's function of such a name, repaired where it was wrong, None if there is none."""
        known = {**self.program.namespace, **self.repaired}
        return next((known[name] for name in self._known_as(*names) if callable(known.get(name))), None)

    def own_name(self, *names: str) -> str | None:
        """Return the name by which the file knows such a function."""
        return next(self._known_as(*names), None)

    def _known_as(self, *names: str) -> Iterator[str]:
        known = self.program.at_hand.items()
        return (node.name for wanted in names for name, node in known if bare(name) == wanted)

    @property
    def arguments(self) -> list[tuple[str, str]]:
        """The arguments of the function under test, each with its role."""
        return list(zip(self.binding.names, self.binding.roles, strict=True))

    def try_call(self, function: Function, *args: Any) -> Any:
        """Call a helper of the file on copies; None where it raises."""
        given = tuple(self.program.convention.outward(snapshot(arg)) for arg in args)
        with self.program.bound(self.replacements()):
            outcome = self.program.call(function, given, {})
        return None if outcome.error is not None else outcome.result

    def replacements(self) -> dict[str, Function]:
        """Return what stands in for the functions that this one calls and that were found wrong."""
        return {name: one for name, one in self.repaired.items() if one is not None and name != self.name}

    def call(
        self, function: Function, values: Named, bindings: Named, seconds: float | None = None
    ) -> Outcome:
        """Call the function under test with the values of its roles."""
        given = {**EXTRAS, **values}
        for role in given.keys() & {"parameters", "grads", "v", "s"}:
            given[role] = self.program.convention.outward(given[role])
        args = {name: given[role] for name, role in self.arguments if role in given}
        with self.program.bound({**self.replacements(), **duplicate(dict(bindings))}):
            return self.program.call(function, (), args, seconds)

    def has(self, role: str) -> bool:
        """Tell whether the function takes an argument of this role."""
        return role in self.binding.roles

    @cached_property
    def partner_hidden(self) -> list[str]:
        """The hidden activations that the file's backward pass is right for, [] if none is told."""
        return self.partner(self) if self.partner is not None else []

    def text(self, *names: str) -> str:
        """Return the source of functions, by default of the one under test and those that it calls."""
        chosen = names or (self.name, *self.program.callees(self.name))
        if chosen not in self._texts:
            nodes = [self.program.functions[name] for name in chosen if name in self.program.functions]
            self._texts[chosen] = "\n".join(map(ast.unparse, nodes))
        return self._texts[chosen]

    def depth(self, *names: str) -> int | None:
        """Return how many layers the names W1, dW2, Z3, ... speak of, None where the source counts them."""
        return depth_told(self.text(*names))

    def depth_of_passes(self) -> int:
        """Return how many layers the file's own passes speak of, 0 where they do not agree."""
        passes = [name for name in self.program.own if re.search("forward|back", bare(name))]
        told = set(filter(None, map(self.depth, passes)))
        return told.pop() if len(told) == 1 else 0

    def cache_from_names(self, values: Named, default: list[str], *, as_dict: bool) -> Any:
        """Build the cache that the function's own unpacking asks for: by the names in a tuple, or by keys."""
        parameter = next((name for name, bound in self.arguments if bound == "cache"), "")
        lookup = {canonical(name): value for name, value in values.items()}
        for node in nodes(self.node, ast.Assign):
            names = tuple_of_names(node.targets[0]) if _is(node.value, parameter) else []
            if names:
                return tuple(lookup.get(canonical(name)) for name in names)
        keys = [part.slice for part in nodes(self.node, ast.Subscript) if _is(part.value, parameter)]
        if as_dict or any(isinstance(key, ast.Constant) and isinstance(key.value, str) for key in keys):
            return dict(values)
        return tuple(values[name] for name in default)


def depth_told(text: str) -> int | None:
    """Return how many layers the names in a text speak of, None where there are none."""
    found = re.findall(r"(?i)(?<![A-Za-z])d?[wzab]_?(\d)(?!\d)", text)
    return max(map(int, found), default=None)


def _is(expression: ast.expr, name: str) -> bool:
    return isinstance(expression, ast.Name) and expression.id == name
