"""Which of the values that code returns or keeps are gradients, and of what."""

import ast
import math
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import chain, permutations
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.paths import (
    arrays,
    derivative_of,
    fields_of,
    label,
    leaves,
    own_object,
    plain,
)
from tinygrad_course.audit.reference.comparison import Named, as_array, both
from tinygrad_course.audit.source.argument_kinds import category
from tinygrad_course.audit.source.conventions import canonical
from tinygrad_course.audit.source.signatures import defaults_of, role_of
from tinygrad_course.audit.source.syntax import names_of, returned

GRADIENT = re.compile(r"(?i)^(d_?[a-z]\w*|\w*(grad|nabla|delta)\w*)$")
_LIST = re.compile(r"(?i)^(grads?|gradients?|nabla|delta|d)_?(?=[wbp]|$)|_?(grads?|gradients?|deltas?)$")


def parts_of(result: Any) -> list[Any]:
    """Return what a function returns, one value after the other."""
    return list(result) if type(result) in (tuple, list) else [result]


def unnested(result: Any, expression: ast.expr | None) -> tuple[Any, ast.expr | None]:
    """Return a result and its expression without the lists that are written in it: dX, [dW, db]."""
    if not isinstance(result, tuple) or not isinstance(expression, ast.Tuple):
        return result, expression
    lists, parts = ast.List | ast.Tuple, expression.elts
    values = [one if isinstance(part, lists) else [one] for one, part in zip(result, parts, strict=False)]
    inner = [part.elts if isinstance(part, lists) else [part] for part in parts]
    return tuple(chain.from_iterable(values)), ast.Tuple([*chain.from_iterable(inner)], ast.Load())


def numeric(part: Any) -> bool:
    """Tell whether a value is finite numbers."""
    number = isinstance(part, np.ndarray | float | np.floating) and np.asarray(part).dtype.kind == "f"
    return number and bool(np.all(np.isfinite(part)))


def cost_place(node: ast.FunctionDef, parts: list[Any]) -> int | None:
    """Return the place of the cost among what a function returns with its gradients."""
    names = names_of(returned(node), len(parts))
    numbers = [place for place, part in enumerate(parts) if numeric(part) and np.size(part) == 1]
    numbers = [place for place in numbers if not GRADIENT.match(names[place])]  # db of one unit
    numbers.sort(key=lambda place: np.ndim(parts[place]) > 0)
    named = [place for place in numbers if re.search(r"(?i)cost|loss|^j$", names[place])]
    return next(iter([*named, *numbers]), None)


def of_its_own(path: tuple[Any, ...]) -> bool:
    """Tell whether a leaf is a value of its own, and no gradient or average that an object keeps."""
    return re.search(r"(?i)grad|^d[A-Zw]|mean|var$|running|veloc|moment", label(path)) is None


def same(value: Any, want: Any) -> bool:
    """Tell whether a gradient is right, as far as difference quotients can tell."""
    if np.size(value) != np.size(want):
        return False
    mine, right = both(value, want)
    size = max(1.0, float(np.max(np.abs(right), initial=0.0)))
    return bool(np.allclose(mine, right, rtol=1e-4, atol=1e-6 * size))


def find(
    node: ast.FunctionDef,
    result: Any,
    before: Named,
    after: Named,
    expected: Named,
    but: Collection[str] = (),
) -> dict[str, Any]:
    """Return the gradients that a function returned, kept in its object or took away, by names or shapes."""
    fields = {key: one for key, one in (fields_of(after.get("self")) or {}).items() if key not in but}
    held = {key: one for key, one in fields.items() if not own_object(one) or "grad" in vars(one)}
    given = {id(one) for one in after.values()}
    found = match(held, None, expected, by_shape=False)
    # What is passed on is kept as dA, of A that this layer gives: none of A that it takes.
    found = {key: one for key, one in found.items() if id(one) not in given or category(key[1:]) != "data"}
    result, expression = unnested(result, returned(node))
    parts = parts_of(result)
    with_cost = len(parts) == 2 and isinstance(parts[1], dict) and type(parts[0]) not in {list, tuple, dict}
    with_cost = with_cost and np.ndim(parts[0]) == 0
    named = parts[1] if with_cost else fields_of(result)
    if named is not None:
        found |= {key: value for key, value in match(named, None, expected).items() if key not in found}
    names = names_of(expression, len(parts))
    kept = [(name, value) for name, value in held.items() if _LIST.search(name)]
    for listed in _parallel([*zip(names, parts, strict=True), *kept], expected):
        found |= listed
    told = match(result, expression, expected, by_shape=False)
    found |= told
    taken = [id(value) for value in found.values()]
    loose = [
        part
        for name, part in zip(names, parts, strict=True)
        if isinstance(part, np.ndarray) and id(part) not in taken and (not told or GRADIENT.match(name))
    ]
    for part in loose:
        left = {key: want for key, want in expected.items() if key not in found}
        alike = [key for key, want in left.items() if np.shape(want) == part.shape]
        alike = alike or [
            key for key, want in left.items() if np.squeeze(want).shape == np.squeeze(part).shape
        ]
        if len(alike) == 1 and sum(other.shape == part.shape for other in loose) == 1:
            found[alike[0]] = part
    if not found and len(expected) == 1:  # dinputs, of a cost
        ((key, want),) = expected.items()
        kept_one = [
            one for name, one in held.items() if GRADIENT.match(name) and np.shape(one) == np.shape(want)
        ]
        found = {key: kept_one[0]} if len(kept_one) == 1 else {}
    away = _taken_away({**defaults_of(node), **before}, after, expected)
    return (away if away and "clip" not in ast.unparse(node) else {}) | found


def _taken_away(before: Named, after: Named, expected: Named) -> dict[str, Any]:
    """Return what was taken away from an object's arrays, over a rate with which some of it is right."""
    ends = dict(leaves({"self": after.get("self")}))
    numbers = [(path, value) for path, value in leaves(dict(before)) if np.ndim(value) == 0 and value > 0]
    starts = [one for one in leaves({"self": before.get("self")}) if one[0] in ends and np.ndim(ends[one[0]])]
    # A number that becomes an array (beta = 0, then one for each channel) has the sum of its steps.
    alike = [one for one in starts if np.shape(one[1]) in {(), np.shape(ends[one[0]])}]
    largest = max((array.size for array in arrays(before)), default=0)
    alike = [one for one in alike if np.ndim(one[1]) or np.size(ends[one[0]]) < largest]
    held = {"d" + label(path): value for path, value in alike}
    moved = {"d" + label(path): value - ends[path] for path, value in alike}
    steps = {key: step if np.ndim(held[key]) else np.sum(step) for key, step in moved.items()}
    steps = {key: step for key, step in steps.items() if key in expected and np.any(step)}
    for rate in (value for path, value in numbers if role_of(label(path), ["learning_rate"])):
        found = {key: step / rate for key, step in steps.items()}
        if any(same(value, expected[key]) for key, value in found.items()):
            # A penalty on the weights is none of the gradient.
            more = {key: value - np.reshape(expected[key], np.shape(value)) for key, value in found.items()}
            several = [key for key in more if np.ndim(held[key])]
            penalized = {key for key in several if ratio_of({"": more[key]}, {"": held[key]}) is not None}
            return {key: value for key, value in found.items() if key not in penalized}
    return {}


def _parallel(values: list[tuple[str, Any]], expected: Named) -> Iterator[dict[str, Any]]:
    """Give the gradients in lists that go along with a list of parameters: nabla_w with weights."""
    left = list(dict.fromkeys(key.partition("@")[0] for key in expected if "@" in key))
    for name, value in values:
        if not isinstance(value, list | tuple) or not value:
            continue
        for stem in left:
            pairs = [(f"{stem}@{number}", part) for number, part in enumerate(value)]
            told = canonical(_LIST.sub("", name)) == canonical(stem[1:])
            fits = all(key in expected and np.shape(expected[key]) == np.shape(part) for key, part in pairs)
            if told or fits:
                left.remove(stem)
                yield {key: part for key, part in pairs if key in expected}
                break


def up_to_a_factor(
    found: Named, expected: dict[str, Any], *, descends: bool, penalty: bool
) -> dict[str, Any]:
    """Return the derivatives times the factor that most gradients have: an implied cost has any.

    Half of them are enough where there is no penalty, which has a part in the weights' alone.
    """
    ratios = [ratio_of(found, {key: expected[key]}) for key in found if np.size(expected[key]) > 1]
    told = sorted(ratio for ratio in ratios if ratio is not None)
    alike = len(told) > 1 and told[-1] - told[0] <= 1e-3 * abs(told[0]) and not penalty
    if not told or 2 * len(told) + alike <= len(ratios):
        return expected
    middle = told[len(told) // 2]
    middle = abs(middle) if descends else middle
    return {key: value * middle for key, value in expected.items()}


def penalized(node: ast.FunctionDef) -> bool:
    """Tell whether a backward function may have a term of a penalty on the weights."""
    return re.search(r"(?i)reg|lam|l2|decay|penal|alpha|beta|wd", ast.unparse(node)) is not None


def penalties(node: ast.FunctionDef, found: Named, expected: Named, parameters: Named) -> dict[str, Any]:
    """Return what gradients have of a penalty on their own parameter: multiples of it and of its signs."""
    added: dict[str, Any] = {}
    for key in found.keys() & expected.keys() if penalized(node) else ():
        own, want, have = parameters.get(key[1:], 0.0), expected[key], found[key]
        alike = np.size(own) == np.size(want) == np.size(have) > 2
        if not alike or ratio_of({"": have}, {"": want}) is not None:
            continue
        want, own, have = (np.ravel(np.asarray(one, dtype=float)) for one in (want, own, have))
        for terms in ([own], [np.sign(own)], [own, np.sign(own)]):
            columns = np.stack([want, *terms], axis=1)
            times, *rest = np.linalg.lstsq(columns, have, rcond=None)[0]
            fits = len(have) > len(columns[0]) and same(columns @ [times, *rest], have)
            if fits and min(rest) * times > 0:
                added[key] = np.reshape(columns[:, 1:] @ rest / times, np.shape(expected[key]))
                break
    return added


def with_activation(found: Named, given: list[Any]) -> bool:
    """Tell whether a cost gives A - Y: its derivative taken together with the activation."""
    known = [one for one in map(as_array, given) if one is not None]
    arrays = [one.astype(float) for one in known]
    tables = {one.shape[1] for one in arrays if one.ndim == 2}
    classes = [one for one in known if one.ndim == 1 and one.dtype.kind == "i"]
    arrays += [np.eye(width)[one] for one in classes for width in tables if np.max(one) < width]
    pairs = [(a, y) for a, y in permutations(arrays, 2) if _broadcast(a, y)]
    return any(ratio_of({"": one}, {"": a - y}) is not None for one in found.values() for a, y in pairs)


def _broadcast(a: Any, y: Any) -> bool:
    sides = zip(a.shape[::-1], y.shape[::-1], strict=False)
    return all(m == n or 1 in (m, n) for m, n in sides)


def bias_once(found: Named, expected: dict[str, Any], added: int) -> bool:
    """Allow for a convolution that adds its bias for each number under the filter; say whether it does."""
    ratio = ratio_of(found, {"db": expected["db"]}) if "db" in expected and "db" in found else None
    if ratio is None or added < 2 or abs(ratio * added - 1) > 1e-3:
        return False
    expected["db"] = expected["db"] / added
    return True


def ratio_of(found: Mapping[Any, Any], expected: Mapping[Any, Any]) -> float | None:
    """Return the one factor by which all gradients differ from the right ones, if there is one."""
    ratios: list[float] = []
    for key, right in expected.items():
        if key not in found or np.size(found[key]) != np.size(right):
            return None
        mine, want = both(found[key], right)
        top = int(np.argmax(np.abs(want)))
        if abs(want[top]) < 1e-7:
            if np.max(np.abs(mine)) > 1e-6:
                return None
            continue
        ratio = mine[top] / want[top]
        if not np.isfinite(ratio) or not np.allclose(
            mine, ratio * want, rtol=2e-3, atol=2e-5 * max(1.0, abs(ratio))
        ):
            return None
        ratios.append(float(ratio))
    if not ratios or max(ratios) - min(ratios) > 2e-3 * abs(ratios[0]) or abs(ratios[0]) < 1e-6:
        return None
    return ratios[0]


def match(
    result: Any, expression: ast.expr | None, expected: Named, *, by_shape: bool = True
) -> dict[str, Any]:
    """Return which part of a result is which gradient."""
    named: dict[str, Any] = {"": result}
    if isinstance(result, tuple) and isinstance(expression, ast.Tuple):
        parts = zip(names_of(expression, len(expression.elts)), result, strict=False)
        named = {name or str(place): value for place, (name, value) in enumerate(parts)}
    wanted = {plain((key[1:],)): key for key in expected}
    found: dict[str, Any] = {}
    items = list(leaves(named))
    for path, value in items:
        keys = [*derivative_of(path), *([plain(path)] if fields_of(result) is not None and by_shape else [])]
        for name in keys:
            key, told = wanted.get(name), label(path).replace("_", "").lower()
            if key is None or key in found:
                continue
            # Weights are W where nothing speaks against it.
            if key[1:].replace("_", "").lower() in told or np.size(value) == np.size(expected[key]):
                found[key] = value
    if not found and by_shape:
        found = _by_shape([value for _, value in items], expected)
    return found


def _by_shape(values: list[Any], expected: Named) -> dict[str, Any]:
    for order in (list(expected), list(expected)[::-1]):
        shapes = [np.shape(expected[key]) for key in order]
        rows = [value for value in values if np.shape(value) in shapes]
        if [np.shape(value) for value in rows] == shapes:
            return dict(zip(order, rows, strict=True))
    return {}


def as_updated(value: Any, shape: tuple[int, ...]) -> Any:
    """Return a gradient as an update takes it: one number for one unit, (n,) for a bias of shape (1, n)."""
    row = np.ndim(value) == 1 and shape == (1, np.size(value))
    return np.reshape(value, shape) if row or np.size(value) == math.prod(shape) == 1 else value
