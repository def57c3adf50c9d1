"""`np.einsum`: the gradient of one operand is an einsum of the others with the output's gradient.

Several operands are contracted two at a time. A contraction of two large ones is one matrix product, as a
convolution of windows is. Small ones are left to NumPy.
"""

import functools
import itertools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_course.rules.diagonals import on_diagonal
from tinygrad_course.rules.shapes import spread, transposed
from tinygrad_course.rules.table import rule

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: Fewer multiplications than this are not worth the arrangement as a matrix product.
FEW = 10_000
#: Of so many multiplications on it is worth the calls to take two of several arrays at a time.
PAIRED = 1_000


def parsed(args: tuple[Any, ...]) -> tuple[list[str], str, list[Any]]:
    """The subscripts of each operand and of the output, without ellipses, and the operands."""
    if isinstance(args[0], str):
        inputs, arrow, output = args[0].replace(" ", "").partition("->")
        terms, operands = inputs.split(","), list(args[1:])
    else:  # einsum(op0, [0, 1], op1, [1, 2], [0, 2])
        operands, lists = list(args[: len(args) // 2 * 2 : 2]), list(args[1::2])
        terms = [subscripts(x) for x in lists]
        arrow, output = ("->", subscripts(args[-1])) if len(args) % 2 else ("", "")
    if not arrow:
        named = "".join(terms).replace(".", "")
        output = ("..." if any("." in t for t in terms) else "") + "".join(
            sorted(c for c in set(named) if named.count(c) == 1)
        )
    if "." not in "".join((*terms, output)):
        return terms, output, operands
    # letters of their own for the axes that an ellipsis stands for, aligned at the right
    free = [c for c in LETTERS if c not in "".join(terms)]
    hidden = [np.ndim(x) - len(t.replace("...", "")) for t, x in zip(terms, operands, strict=True)]
    width = max([n for t, n in zip(terms, hidden, strict=True) if "." in t], default=0)
    terms = [
        t.replace("...", "".join(free[width - n : width] if n else []))
        for t, n in zip(terms, hidden, strict=True)
    ]
    return terms, output.replace("...", "".join(free[:width])), operands


def subscripts(axes: Any) -> str:
    return "".join("..." if axis is Ellipsis else LETTERS[axis] for axis in axes)


# ------------------------------------------------------------------ two operands at a time


def contract(*args: Any, **kwargs: Any) -> Any:
    """`np.einsum`, two of several arrays at a time, by one matrix product where two are large."""
    text, *given = args
    plain = isinstance(text, str) and kwargs.keys() <= {"optimize"} and len(given) > 1
    if plain and all(isinstance(a, (np.ndarray, np.generic)) and a.dtype.kind in "fc" for a in given):
        if len(given) == 2:
            large = given[0].size * given[1].size >= FEW
            plan = planned(text, *map(lying, given)) if large else None
            if plan is not None:
                factors, shape, order = plan
                matrices = [given[i].transpose(axes).reshape(rows) for i, axes, rows, _ in factors]
                left, right = [transposed(m) if f[-1] else m for m, f in zip(matrices, factors, strict=True)]
                return np.matmul(left, right).reshape(shape).transpose(order)
        elif len({a.dtype for a in given}) == 1 and (pair := paired(text, *[a.shape for a in given])):
            i, j, first, rest = pair
            one, other = given.pop(j), given.pop(i)
            return contract(rest, *given, contract(first, other, one))
    if not all(np.size(a) for a in given):
        same_lengths(args)
    return np.einsum(*args, **kwargs)


@functools.lru_cache(512)
def paired(text: str, *shapes: tuple[int, ...]) -> Any:
    """Which two arrays of several to contract first, how, and the einsum of the rest with what that gives.

    None where it is as cheap at once, or an axis is broadcast or a diagonal.
    """
    terms, output, _ = parsed((text, *[np.broadcast_to(0, shape) for shape in shapes]))
    if (sizes := lengths(terms, shapes)) is None:
        return None

    def steps(letters: Any) -> int:
        return math.prod(sizes[c] for c in {*letters})

    pairs = itertools.combinations(range(len(terms)), 2)
    fewest, i, j = min((steps(terms[i] + terms[j]), i, j) for i, j in pairs)
    if 2 * fewest > steps(sizes) or steps(sizes) < PAIRED:
        return None
    others = [term for k, term in enumerate(terms) if k not in (i, j)]
    left = "".join(c for c in dict.fromkeys(terms[i] + terms[j]) if c in "".join((*others, output)))
    return i, j, f"{terms[i]},{terms[j]}->{left}", f"{','.join((*others, left))}->{output}"


def same_lengths(args: tuple[Any, ...]) -> None:
    """Raise if a letter stands for axes of different lengths in one array, whatever these are."""
    terms, _, operands = parsed(args)
    for term, x in zip(terms, operands, strict=True):
        shape = np.shape(x)
        for c, n in zip(term, shape, strict=True):
            if n != shape[term.index(c)]:
                raise ValueError(
                    f"np.einsum: {c!r} in {term!r} stands for axes of different lengths: {shape}"
                )


def lengths(terms: list[str], shapes: Iterable[tuple[int, ...]]) -> dict[str, int] | None:
    """The length of each letter; None where an axis is broadcast, or a diagonal is taken."""
    named = [one for term, shape in zip(terms, shapes, strict=True) for one in zip(term, shape, strict=True)]
    sizes = dict(named)
    plain = all(sizes[c] == n for c, n in named) and all(len({*term}) == len(term) for term in terms)
    return sizes if plain else None


def lying(a: Any) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """An array's shape, and along which axes its entries lie one after the other."""
    return a.shape, tuple([step == a.itemsize for step in a.strides])


@functools.lru_cache(512)
def planned(text: str, a: Any, b: Any) -> Any:
    """How an einsum of two arrays that are `lying` so is a product of matrices; None if it is not worth it.

    The plan has for either factor which array it is, the order of its axes, the shape then, and whether that
    is turned; the shape of the product and the order of its axes.
    """
    (shape_a, close_a), (shape_b, close_b) = a, b
    (of_a, of_b), output, _ = parsed((text, np.broadcast_to(0, shape_a), np.broadcast_to(0, shape_b)))
    sizes = lengths([of_a, of_b], [shape_a, shape_b])
    if sizes is None or len({*output}) < len(output):
        return None
    both = [c for c in of_a if c in of_b]
    shared, summed = [c for c in both if c in output], [c for c in both if c not in output]
    rows, columns = [c for c in of_a if c not in of_b], [c for c in of_b if c not in of_a]
    if not summed or not set(rows + columns) <= set(output) or math.prod(sizes.values()) < FEW:
        return None
    factors = [(0, of_a, close_a, rows), (1, of_b, close_b, columns)]
    if math.prod(sizes[c] for c in rows) > math.prod(sizes[c] for c in columns):
        factors.reverse()  # long rows in memory
    matrices = []
    for second, (i, term, together, free) in enumerate(factors):
        close = dict(zip(term, together, strict=True))
        runs = [sizes[group[-1]] if group and close[group[-1]] else 0 for group in (free, summed)]
        parts = (free, summed) if runs[0] <= runs[1] else (summed, free)  # copied along the longest axis
        shape = *(sizes[c] for c in shared), *(math.prod(sizes[c] for c in part) for part in parts)
        axes = [term.index(c) for c in (*shared, *parts[0], *parts[1])]
        matrices.append((i, axes, shape, (parts[0] is free) == bool(second)))
    letters = shared + factors[0][-1] + factors[1][-1]
    return matrices, [sizes[c] for c in letters], [letters.index(c) for c in output]


def einsum_vjp(
    g: Any,
    y: Any,
    *args: Any,
    optimize: Any = False,
    dtype: Any = None,
    order: str = "K",
    casting: str = "safe",
    argnum: int = 0,
) -> Any:
    terms, output, operands = parsed(args)
    i = argnum - 1 if isinstance(args[0], str) else argnum // 2
    x, term = operands[i], terms[i]
    others = [(t, a) for j, (t, a) in enumerate(zip(terms, operands, strict=True)) if j != i]
    given = set(output).union(*(t for t, _ in others))
    # an axis of length 1 broadcasts against longer ones of its letter: it is summed, and comes back below
    sizes = dict(zip(output, g.shape, strict=True))
    for t, a in others:
        for c, n in zip(t, np.shape(a), strict=True):
            sizes[c] = n if sizes.get(c, 1) == 1 else sizes[c]
    once = "".join(dict.fromkeys(term))
    wanted = "".join(c for c in once if c in given and x.shape[term.index(c)] == sizes[c])
    terms_of_others = ",".join([output, *(t for t, _ in others)])
    result = contract(f"{terms_of_others}->{wanted}", g, *(a for _, a in others), optimize=optimize)
    # letters that only this operand has were summed: its gradient is repeated along them
    result = result.reshape(tuple(x.shape[term.index(c)] if c in wanted else 1 for c in once))
    result = spread(result, tuple(x.shape[term.index(c)] for c in once))
    if len(once) == len(term):
        return result
    # a letter repeated in the operand took a diagonal: the gradient lies on it
    letters = list(once)
    for k, c in enumerate(term):
        if c in term[:k]:
            at = letters.index(c)
            result = np.moveaxis(result, at, -1)
            result = on_diagonal(result, (*result.shape, result.shape[-1]), 0, -2, -1)
            letters = [*letters[:at], *letters[at + 1 :], c, f"{c}{k}"]
    places = [letters.index(c if c not in term[:k] else f"{c}{k}") for k, c in enumerate(term)]
    return np.transpose(result, places)


def takes_diagonal(*args: Any, **_: Any) -> bool:
    return any(len({*term}) < len(term) for term in parsed(args)[0])


rule(np.einsum, einsum_vjp, variadic=True, product="sums", compute=contract, chooses=takes_diagonal)
