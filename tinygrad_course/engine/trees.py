"""Nests of dicts, lists and tuples: parameters come as ``{"W1": ..., "b1": ...}`` or any nesting of these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# (numpy.typing, whose NDArray this is, takes long to import)
Array = np.ndarray[tuple[Any, ...], np.dtype[Any]]
Nest = Any  #: an array, or a dict, list or tuple of nests
_ARRAYS = {np.ndarray, np.float64, np.float32, float, int}


def leaves(tree: Any, path: str = "") -> list[tuple[str, Any]]:
    """Return the arrays of a nest, each with its path: the key of a dict, ``"layers[0].W"`` deeper down.

    Examples
    --------
    >>> leaves({"W1": 1.0, "deep": [2.0, {"b": 3.0}]})
    [('W1', 1.0), ('deep[0]', 2.0), ('deep[1].b', 3.0)]
    """
    if not path and _is_flat(tree):
        return [(str(key), value) for key, value in tree.items()]
    if isinstance(tree, dict):
        return [leaf for key, value in tree.items() for leaf in leaves(value, path_of(path, key))]
    if isinstance(tree, (list, tuple)):
        return [leaf for i, value in enumerate(tree) for leaf in leaves(value, f"{path}[{i}]")]
    return [] if tree is None else [(path, tree)]


def _is_flat(tree: Any) -> bool:
    """Whether a nest is one dict of arrays, as parameters mostly are."""
    return type(tree) is dict and _ARRAYS.issuperset(map(type, tree.values()))


def path_of(path: str, key: Any) -> str:
    """Return the path of a dict's entry.

    Examples
    --------
    >>> path_of("layers", "W1"), path_of("layers", 1)
    ('layers.W1', 'layers[1]')
    """
    if not path:
        return str(key)
    return f"{path}.{key}" if isinstance(key, str) else f"{path}[{key!r}]"


def rebuild(tree: Any, values: Any) -> Any:
    """Return a nest like `tree` with the next of `values` (an iterator) in each array's place.

    Examples
    --------
    >>> rebuild({"W": 1.0, "b": (2.0, 3.0)}, iter("xyz"))
    {'W': 'x', 'b': ('y', 'z')}
    """
    if isinstance(tree, dict):
        import copy

        built = {} if type(tree) is dict else copy.copy(tree)  # a defaultdict, a class of the user's own
        for key, value in tree.items():
            built[key] = rebuild(value, values)
        return built
    if isinstance(tree, list):
        return [rebuild(value, values) for value in tree]
    if isinstance(tree, tuple):
        items = [rebuild(value, values) for value in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else tuple(items)
    return None if tree is None else next(values)


def tree_map(f: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Apply `f` to the arrays of one or more nests of the same structure.

    Examples
    --------
    >>> tree_map(lambda w, dw: w - 0.1 * dw, {"W": 1.0}, {"W": 2.0})
    {'W': 0.8}
    """
    if _is_flat(tree) and all([_is_flat(t) and t.keys() == tree.keys() for t in others]):  # noqa: C419  (faster)
        return {name: f(value, *[t[name] for t in others]) for name, value in tree.items()}
    columns = [leaves(t) for t in (tree, *others)]
    for column in columns[1:]:
        if [path for path, _ in column] != [path for path, _ in columns[0]]:
            ours, theirs = [p for p, _ in columns[0]], [p for p, _ in column]
            raise ValueError(f"the nests differ: {ours} and {theirs}")
    return rebuild(tree, iter([f(*(leaf for _, leaf in row)) for row in zip(*columns, strict=True)]))


def tree_maps(f: Callable[..., tuple[Any, ...]], tree: Any, *others: Any) -> list[Any]:
    """Apply `f`, which returns a tuple, and return a nest of each of its values; of no arrays none.

    Examples
    --------
    >>> tree_maps(lambda w, v: (w + v, -v), {"W": 1.0}, {"W": 2.0})
    [{'W': 3.0}, {'W': -2.0}]
    """
    rows: list[tuple[Any, ...]] = []
    found = tree_map(lambda *given: rows.append(f(*given)), tree, *others)
    columns = zip(*rows, strict=True)
    if type(found) is dict and [*found.values()].count(None) == len(found) == len(rows):  # arrays by names
        return [dict(zip(found, column, strict=True)) for column in columns]
    return [rebuild(tree, iter(column)) for column in columns]
