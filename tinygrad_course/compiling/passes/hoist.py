"""Numbers put where they cost least: into the gradient that all the others come from."""

from __future__ import annotations

import numpy as np

from tinygrad_course.compiling.builder import Builder
from tinygrad_course.compiling.dataflow import Program, Value, chosen, is_sum

#: So many places are compared; the first ones have the most consequences.
TRIED = 8
#: What a call costs, in entries that it could have multiplied instead.
CALL = 1500
_LINEAR = {np.transpose, np.reshape, np.sum, np.broadcast_to}


def hoist_scale(program: Program) -> Program:
    """Multiply the first gradient by the number that all its consequences are multiplied by in the end.

    A step lowers W by (learning_rate / m) * dZ @ A.T for every layer: with dZ = (learning_rate / m) * (A - Y)
    at the top, none of these multiplications is left.
    """
    users: dict[int, list[Value]] = {}
    order = program.values()
    for value in order:
        for v in {id(u): u for u in value.inputs}.values():
            users.setdefault(id(v), []).append(value)
    results = {id(v) for v in program.results}
    found: list[tuple[int, Value, list[Value]]] = []
    for value in _promising(order, users, results):
        if len(found) < TRIED:
            ends = _ends(value, users, results)
            if ends is not None and len(ends) > 1 and _number(ends[0]) not in {1.0, -1.0}:
                saved = sum(CALL + e.size for e in ends) - (CALL + value.size)
                found.append((saved, value, ends))
    saved, seed, ends = max(found, key=lambda f: f[0], default=(0, None, []))
    if seed is None or saved <= 0:
        return program
    return hoist_scale(_scaled(program, order, seed, ends))


def _promising(order: list[Value], users: dict[int, list[Value]], results: set[int]) -> list[Value]:
    """Return the values of whose consequences each is multiplied by one number, as far as each call shows."""
    numbers: dict[int, float | None] = {}  # by a value's id, that number; None if there is none
    for value in reversed(order):
        found: set[float | None] = {None} if id(value) in results else set()
        for user in users.get(id(value), ()):
            if _is_scaling(user):
                found.add(_number(user))
            elif _is_linear(user):
                found.add(numbers[id(user)])
            else:
                found.add(None)
        numbers[id(value)] = found.pop() if len(found) == 1 else None
    seeds = {np.subtract, np.multiply, np.divide}
    return [v for v in order if v.function in seeds and v.kind == "array" and numbers[id(v)] is not None]


def _is_linear(value: Value) -> bool:
    if value.function is np.sum:
        return is_sum(value) and value.kind == "array"
    if value.function in _LINEAR or value.function in {np.matmul, np.multiply}:
        return not value.kwargs
    return bool(chosen(value))


def _number(end: Value) -> float:
    return float(end.args[1])


def _ends(seed: Value, users: dict[int, list[Value]], results: set[int]) -> list[Value] | None:
    """Return the multiplications by a number that everything computed from `seed` ends in, if that is so."""
    ends: list[Value] = []
    touched = {id(seed)}
    waiting = [seed]
    while waiting:
        value = waiting.pop()
        if id(value) in results:
            return None
        for user in users.get(id(value), ()):
            if _is_scaling(user):
                ends.append(user)
                continue
            dependent = [v for v in user.inputs if id(v) in touched]
            linear = user.function in _LINEAR or user.function in {np.matmul, np.multiply}
            linear = linear and (not user.kwargs or is_sum(user))
            linear = linear or any(user.args[i] in dependent for i in chosen(user))
            if not linear or len(dependent) != 1 or (user.function is np.sum and user.kind != "array"):
                return None
            if id(user) not in touched:
                touched.add(id(user))
                waiting.append(user)
    if len({_number(e) for e in ends}) != 1:
        return None
    # a product of two things that both come from the seed is not linear in it
    for user in (u for t in touched for u in users.get(t, ())):
        if sum(id(v) in touched for v in user.inputs) > 1:
            return None
    return ends


def _is_scaling(value: Value) -> bool:
    return value.function is np.multiply and len(value.args) == 2 and type(value.args[1]) in {int, float}


def _scaled(program: Program, order: list[Value], seed: Value, ends: list[Value]) -> Program:
    builder = Builder()
    new: dict[int, Value] = {}
    gone = {id(e) for e in ends}
    for value in order:
        if value.function is None:
            new[id(value)] = value
            continue
        if id(value) in gone:
            new[id(value)] = new[id(value.args[0])]
            continue
        made = builder.again(value, new)
        if value is seed:
            made = builder.ufunc(np.multiply, made, _number(ends[0]))
            made.born = value.born
        new[id(value)] = made
    return Program(program.inputs, [new[id(v)] for v in program.results])
