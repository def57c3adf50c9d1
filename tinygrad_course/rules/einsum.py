"""`np.einsum`: the gradient of one operand is an einsum of the others with the output's gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_course.rules.diagonals import on_diagonal
from tinygrad_course.rules.shapes import spread
from tinygrad_course.rules.table import rule

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


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
            sizes[c] = max(n, sizes.get(c, 1))
    once = "".join(dict.fromkeys(term))
    wanted = "".join(c for c in once if c in given and x.shape[term.index(c)] == sizes[c])
    result = np.einsum(
        ",".join([output, *(t for t, _ in others)]) + "->" + wanted,
        g,
        *(a for _, a in others),
        optimize=optimize,
    )
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


rule(np.einsum, einsum_vjp, variadic=True, product="sums")
