"""The arrays inside dictionaries, lists and objects of a homework: each with its path and its name."""

import copy
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.namespace import snapshot
from tinygrad_course.audit.source.conventions import canonical

Path = tuple[Any, ...]
_OWN = "homework"
_GRADIENT = re.compile(
    r"^(?:grads?|gradients?|delta|nabla|partial|der|d[lj]d|d)(?=.)|(?:grads?|gradients?|der)$"
)


def own_object(value: Any) -> bool:
    """Tell whether a value is an object of a class that the homework defines."""
    return type(value).__module__ == _OWN and hasattr(value, "__dict__")


def has_fields(cls: Any) -> bool:
    """Tell whether a class is one that has fields alone: a dataclass or a named tuple."""
    return hasattr(cls, "__dataclass_fields__") or (hasattr(cls, "_fields") and issubclass(cls, tuple))


def fields_of(value: Any) -> dict[str, Any] | None:
    """Return what a dictionary, a named tuple or an object of the homework holds by name; None for others."""
    if isinstance(value, dict):
        return value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return dict(zip(value._fields, value, strict=True))
    return vars(value) if own_object(value) else None


def duplicate(value: Any) -> Any:
    """Copy arrays, containers and the homework's objects; what two of them share, their copies share."""
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    if own_object(value) or any(map(own_object, held)):
        try:
            return copy.deepcopy(value)
        except Exception:  # noqa: BLE001 - an object that holds what cannot be copied
            if own_object(value):
                return value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(duplicate, value))
    return snapshot(value, duplicate)


def arrays(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    """Give the arrays in dictionaries, lists and tuples."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from arrays(item)


def leaves(value: Any, path: Path = (), depth: int = 5) -> Iterator[tuple[Path, Any]]:
    """Give the numbers and arrays of numbers that a value holds."""
    if isinstance(value, np.ndarray | np.floating | float):
        if np.asarray(value).dtype.kind == "f":
            yield path, value
    elif depth:
        named = fields_of(value)
        short = isinstance(value, list | tuple) and len(value) < 40
        for key, item in named.items() if named is not None else enumerate(value if short else ()):
            yield from leaves(item, (*path, key), depth - 1)


def at(root: Any, path: Path) -> Any:
    """Return what lies at a path, None where there is nothing."""
    for key in path:
        try:
            inner = fields_of(root)
            root = root[key] if inner is None else inner[key]
        except (KeyError, IndexError, TypeError):
            return None
    return root


def put(root: Any, path: Path, value: Any) -> Any:
    """Return a root with another value of a leaf, in place where it can be: for all who share it."""
    if not path:
        if not isinstance(root, np.ndarray) or root.shape != np.shape(value) or root.dtype != np.float64:
            return value
        root[...] = value
        return root
    key, rest = path[0], path[1:]
    if isinstance(root, dict | list):
        root[key] = put(root[key], rest, value)
        return root
    if isinstance(root, tuple) and hasattr(root, "_fields"):
        held = {**(fields_of(root) or {}), key: put(getattr(root, key), rest, value)}
        return type(root)(**held)
    if isinstance(root, tuple):
        return tuple(put(item, rest, value) if place == key else item for place, item in enumerate(root))
    object.__setattr__(root, key, put(getattr(root, key), rest, value))  # a frozen one too
    return root


def unshared(found: Mapping[Path, Any], values: Mapping[Path, Any]) -> dict[str, Any]:
    """Return what is known of leaves by label: of a shared array once, of two with one label nothing."""
    first: dict[int, Path] = {}
    for path in sorted(found, key=len):
        first.setdefault(id(values[path]), path)
    kept = set(first.values())
    labels = Counter(label(path) for path in kept)
    return {label(path): value for path, value in found.items() if path in kept and labels[label(path)] == 1}


def label(path: Path) -> str:
    """Name a leaf: parameters["W1"] is W1, net.layers[0].W and net.layers[0].W.data are W@0.

    Examples
    --------
    >>> label(("parameters", "W1")), label(("net", "layers", 0, "W")), label(("weights", 1))
    ('W1', 'W@0', 'weights@1')
    """
    words = [str(part) for part in path if isinstance(part, str)]
    if words[-1:] in (["data"], ["value"]) and words[-2:-1] not in ([], ["self"]):
        words.pop()
    numbers = [str(part) for part in path if isinstance(part, int | np.integer)]
    return "@".join([words[-1] if words else "", *numbers])


def plain(path: Path) -> str:
    """Bring the name of a leaf to one form: W_1 and w1 are w1."""
    return "@".join(canonical(part) if part else "" for part in label(path).split("@"))


def derivative_of(path: Path) -> list[str]:
    """Return the plain names of what a leaf may be the derivative of: w1 for dW1, W1.grad, grads["W1"]."""
    name = plain(path)
    stem, at, number = name.partition("@")
    found = [_GRADIENT.sub("", stem, count=1) + at + number] if _GRADIENT.search(stem) else []
    if any(isinstance(part, str) and re.search(r"(?i)grad|delta|nabla", part) for part in path[:-1]):
        found.append(name)
    return found + [plain(path[:-1])] * (len(path) > 1 and path[-1] in {"grad", "gradient"})


def pairs(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[Path, Path]]:
    """Return (the path of a parameter, the path of its derivative), by their names and shapes."""
    known: dict[str, list[tuple[Path, Any]]] = {}
    for path, value in leaves(dict(before)):
        known.setdefault(plain(path), []).append((path, value))
    found: list[tuple[Path, Path]] = []
    for path, value in leaves(dict(after)):
        for name in derivative_of(path):
            for parameter, present in known.get(name, []):
                if np.shape(present) == np.shape(value) or np.size(present) == np.size(value):
                    found.append((parameter, path))
    return found
