"""Einsums of one kind as one: those that are added up, and those that share their first array.

A convolution typed as a loop over the offsets of its kernel is such a sum, and so are its gradients.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_course.compiling.builder import Builder, regrouped, rewritten
from tinygrad_course.compiling.dataflow import Program, Value
from tinygrad_course.rules.einsum import LETTERS, parsed

#: Fewer einsums than this stay as they are,
FEW = 3
#: and those whose arrays have more entries together: each is worth its call then.
MANY = 1 << 18


def stack_einsums(program: Program) -> Program:
    """Return a program in which einsums of one kind are one, of arrays that are stacked."""
    return _sharing(_added(program))


def _text(value: Any) -> str:
    """Return the subscripts of an einsum of two arrays of real numbers, without dots; nothing of others."""
    if not isinstance(value, Value) or value.function is not np.einsum or len(value.args) != 3:
        return ""
    text, *given = value.args
    arrays = all(isinstance(v, Value) and v.kind == "array" and v.dtype.kind == "f" for v in given)
    if not isinstance(text, str) or not arrays or {*value.kwargs} - {"optimize"}:
        return ""
    (of_a, of_b), output, _ = parsed((text, *(np.broadcast_to(0, v.shape) for v in given)))
    diagonal = any(len({*term}) < len(term) for term in (of_a, of_b))
    return "" if diagonal else f"{of_a},{of_b}->{output}"


def _stacked(builder: Builder, arrays: Sequence[Value], term: str, other: str) -> tuple[Value, str]:
    """Return arrays as one, and its letters: those that another array has too first, or last, as they lie."""
    both = [c for c in term if c in other]
    alone = [c for c in term if c not in other]
    letters = both + alone if term[-1] in alone else alone + both
    order = tuple(term.index(c) for c in letters)
    if order != tuple(range(len(order))):
        arrays = [builder.transpose(v, order) for v in arrays]
    shape = (len(arrays), *arrays[0].shape)
    return builder.call(np.stack, (list(arrays),), {}, shape, arrays[0].dtype), "".join(letters)


def _fits(group: list[Value]) -> bool:
    return len(group) >= FEW and sum(v.size for value in group for v in value.inputs) <= MANY


def _added(program: Program) -> Program:
    uses, add = program.uses(), np.add
    sums = {id(v) for v in program.values() if v.function is add and v.kind == "array"}
    inner = {
        id(v)
        for value in program.values()
        if id(value) in sums
        for v in value.args
        if id(v) in sums and uses[id(v)] == 1 and v.shape == value.shape
    }

    def change(builder: Builder, value: Value, new: dict[int, Value]) -> Value | None:
        if id(value) not in sums or id(value) in inner:
            return None
        groups: dict[Any, list[Value]] = {}
        rest: list[Any] = []
        waiting = list(reversed(value.args))  # (a sum over the steps of a loop is deep)
        while waiting:
            term = waiting.pop()
            if id(term) in inner:
                waiting += reversed(term.args)
            elif (text := _text(term)) and uses[id(term)] == 1 and term.shape == value.shape:
                groups.setdefault((text, *((v.shape, v.dtype) for v in term.args[1:])), []).append(term)
            else:
                rest.append(new[id(term)] if isinstance(term, Value) else term)
        if not any(map(_fits, groups.values())):
            return None
        for (text, *_), group in groups.items():
            if not _fits(group):
                rest += [new[id(v)] for v in group]
                continue
            group.sort(key=lambda v: v.args[1].born)
            of_a, of_b, output = text.replace("->", ",").split(",")
            a, of_a = _stacked(builder, [new[id(v.args[1])] for v in group], of_a, of_b)
            b, of_b = _stacked(builder, [new[id(v.args[2])] for v in group], of_b, of_a)
            k = next(c for c in LETTERS if c not in text)
            args = f"{k}{of_a},{k}{of_b}->{output}", a, b
            rest.append(builder.call(np.einsum, args, {}, value.shape, value.dtype))
        total: Value = functools.reduce(lambda x, y: builder.ufunc(add, x, y), rest)
        return total

    return rewritten(program, change)


def _sharing(program: Program) -> Program:
    results = {id(v) for v in program.results}
    groups: dict[Any, list[Value]] = {}
    for value in program.values():
        if id(value) not in results and (text := _text(value)):
            groups.setdefault((id(value.args[1]), text, value.args[2].shape, value.args[2].dtype), []).append(
                value
            )

    def make(builder: Builder, group: list[Value], new: dict[int, Value]) -> None:
        group = sorted(group, key=lambda v: v.args[2].born)  # as in other stacks, which are the same then
        of_a, of_b, output = _text(group[0]).replace("->", ",").split(",")
        b, of_b = _stacked(builder, [new[id(v.args[2])] for v in group], of_b, of_a)
        k = next(c for c in LETTERS if c not in of_a + of_b + output)
        args = f"{of_a},{k}{of_b}->{k}{output}", new[id(group[0].args[1])], b
        shape, dtype = group[0].shape, group[0].dtype
        whole = builder.call(np.einsum, args, {}, (len(group), *shape), dtype)
        for i, v in enumerate(group):
            new[id(v)] = builder.call(operator.getitem, (whole, i), {}, shape, dtype)
            new[id(v)].named_like(v)

    group_of = {id(v): group for group in groups.values() if _fits(group) for v in group}
    return regrouped(program, group_of, make) if group_of else program
