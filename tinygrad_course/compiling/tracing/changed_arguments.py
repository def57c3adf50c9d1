"""Dicts and lists among the arguments that the function itself changes: ``parameters["W1"] = W1 - dW1``."""

import copy
from collections.abc import Callable
from typing import Any


class Kept(str):
    """Stands for a dict or a list among the arguments, by its path."""

    __slots__ = ()


def place_of(path: str, key: Any) -> str:
    """Return the path of what a dict, a list or a tuple has under a key; no two have the same.

    Examples
    --------
    >>> place_of("p", "W1"), place_of("p", "fc.weight"), place_of("p", 1)
    ('p.W1', "p['fc.weight']", 'p[1]')
    """
    return f"{path}.{key}" if type(key) is str and key.isidentifier() else f"{path}[{key!r}]"


def parts_of(tree: Any, path: str) -> list[tuple[str, Any]]:
    """Return a nest of dicts, lists and tuples and everything in it, each with its path."""
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, (list, tuple)) else ()
    return [(path, tree), *(part for key in keys for part in parts_of(tree[key], place_of(path, key)))]


def containers(tree: Any, path: str) -> list[tuple[str, Any]]:
    """Return the dicts and lists in an argument, each with its path.

    Examples
    --------
    >>> containers({"layers": [{}, 1.0]}, "p")
    [('p', {'layers': [{}, 1.0]}), ('p.layers', [{}, 1.0]), ('p.layers[0]', {})]
    """
    return [(place, x) for place, x in parts_of(tree, path) if isinstance(x, (dict, list))]


class Contents:
    """What the dicts and lists among some arguments hold, by the arguments' names."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        found = [one for name, x in arguments.items() for one in containers(x, name)]
        self.before = [(path, x, _items(x)) for path, x in found]
        self.kept = {id(x): Kept(path) for path, x in found}

    def changes(self, leaf: Callable[[str, Any], Any]) -> dict[str, Any]:
        """Return what those hold that have changed, by their paths; `leaf` makes what stands for an entry."""
        return {path: self._after(path, x, leaf) for path, x, before in self.before if not _same(x, before)}

    def _after(self, path: str, x: Any, leaf: Callable[[str, Any], Any]) -> Any:
        def entry(place: str, inner: Any) -> Any:
            return self.kept.get(id(inner)) or self._after(place, inner, leaf)

        if isinstance(x, dict):
            built = {} if type(x) is dict or id(x) in self.kept else copy.copy(x)
            for key, inner in x.items():
                built[key] = entry(place_of(path, key), inner)
            return built
        if isinstance(x, (list, tuple)):
            after = [entry(place_of(path, i), inner) for i, inner in enumerate(x)]
            if isinstance(x, list):
                return after
            return type(x)(*after) if hasattr(x, "_fields") else tuple(after)
        return None if x is None else leaf(path, x)


def _items(x: Any) -> list[Any]:
    return [part for pair in x.items() for part in pair] if isinstance(x, dict) else list(x)


def _same(x: Any, before: list[Any]) -> bool:
    after = _items(x)
    return len(after) == len(before) and all(a is b for a, b in zip(after, before, strict=True))
