"""The course's functions that the audit knows."""

import ast
import difflib
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

from tinygrad_course.audit.kinds.base import Kind, words
from tinygrad_course.audit.source.signatures import Binding, bare, bind

# Of two modules that know a name the first is asked first: logistic regression has initial values too.
_MODULES = words(
    "layer_functions gradient_checkers forward_passes backward_passes logistic_regression "
    "random_functions optimizer_steps basic_functions"
)


def _kinds(module: ModuleType) -> Iterator[Kind]:
    """Give the kinds that a module defines and that have a name, in its order."""
    for value in vars(module).values():
        if isinstance(value, Kind):
            yield value
        own = isinstance(value, type) and value.__module__ == module.__name__
        if own and issubclass(value, Kind) and value.names:
            yield value()


KINDS = tuple(kind for name in _MODULES for kind in _kinds(import_module(f"{__name__}.{name}")))


def kind_of(node: ast.FunctionDef) -> tuple[Kind, Binding] | None:
    """Return what a function is by its name and arguments, None where it is none of the course's."""
    return _kind_named(node, bare(node.name)) or _kind_named(node, _near(bare(node.name)))


def _near(name: str) -> str:
    """Return the course's function that a misspelt name means: update_parameters_with_momentun."""
    if len(name) < 12:
        return ""
    known = sorted({other for kind in KINDS for other in kind.names})
    return next(iter(difflib.get_close_matches(name, known, 1, 0.93)), "")


def _kind_named(node: ast.FunctionDef, name: str) -> tuple[Kind, Binding] | None:
    found: list[tuple[tuple[int, int], Kind, Binding]] = []
    for kind in KINDS:
        if name not in kind.names or not kind.fits(node):
            continue
        for signature in kind.signatures:
            binding = bind(node, signature)
            if binding is None:
                continue
            # The fewest arguments by their places, then the signature that says most of them.
            missing = len(set(signature) - set(binding.roles))
            found.append(((len(binding.guessed), missing), kind, binding))
        if found:
            break
    best = min(found, key=lambda option: option[0], default=None)
    return (best[1], best[2]) if best is not None else None


def known_name(node: ast.FunctionDef) -> bool:
    """Tell whether the course has a function of this name, with whatever arguments."""
    return any(bare(node.name) in kind.names for kind in KINDS)


__all__ = ["KINDS", "Kind", "kind_of", "known_name"]
