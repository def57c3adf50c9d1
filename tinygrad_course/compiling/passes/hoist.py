"""Numbers put where they cost least: into the gradient that all the others come from."""

import operator

import numpy as np

from tinygrad_course.compiling.builder import Builder, rewritten
from tinygrad_course.compiling.dataflow import Program, Value, linear_in

#: What a call costs, in entries that it could have multiplied instead.
CALL = 1500


def hoist_scale(program: Program) -> Program:
    """Multiply the first gradient by the number that all its consequences are multiplied by in the end.

    A step lowers W by (learning_rate / m) * dZ @ A.T for every layer: with dZ = (learning_rate / m) * (A - Y)
    at the top, none of these multiplications is left.
    """
    users, results = program.users(), {id(v) for v in program.results}
    taken: set[int] = set()  # what a number has been taken out of
    scaled: dict[int, float] = {}
    gone: set[int] = set()
    for value in _promising(program.values(), users, results):
        touched, ends = ({}, []) if id(value) in taken else _reached(value, users, taken)
        if sum(CALL + e.size for e in ends) > CALL + value.size:
            taken |= touched.keys()
            scaled[id(value)] = _number(ends[0])
            gone |= {id(e) for e in ends}

    def change(builder: Builder, value: Value, new: dict[int, Value]) -> Value | None:
        if id(value) in scaled:
            return builder.ufunc(np.multiply, builder.again(value, new), scaled[id(value)])
        if id(value) not in gone:
            return None
        x = new[id(value.args[0])]  # an array of no axes times a number is a number
        if x.kind == value.kind:
            return x
        return builder.call(operator.getitem, (x, ()), {}, (), x.dtype, value.kind)

    return rewritten(program, change) if scaled else program


def _promising(order: list[Value], users: dict[int, list[Value]], results: set[int]) -> list[Value]:
    """Return the values whose consequences are each multiplied by one number, as far as each call shows.

    Those with the most consequences come first.
    """
    numbers: dict[int, float | None] = {}  # by a value's id, that number; None if there is none
    ways: dict[int, float] = {}  # in how many ways it leads to such a multiplication
    for value in reversed(order):
        found: set[float | None] = {None} if id(value) in results else set()
        ways[id(value)] = 0.0
        for user in users[id(value)]:
            if _is_scaling(user):
                found.add(_number(user))
                ways[id(value)] += 1
            else:
                found.add(numbers[id(user)] if _is_linear(user) else None)
                ways[id(value)] += ways[id(user)]
        numbers[id(value)] = found.pop() if len(found) == 1 else None
    seeds = {np.subtract, np.multiply, np.divide}
    promising = [
        v
        for v in order
        if v.function in seeds
        and v.kind == "array"
        and numbers[id(v)] not in {None, 1.0, -1.0}
        and ways[id(v)] > 1
    ]
    return sorted(promising, key=lambda v: -ways[id(v)])


def _is_linear(value: Value) -> bool:
    if value.function is np.sum and value.kind != "array":
        return False
    return bool(linear_in(value)) or (value.function is np.multiply and not value.kwargs)


def _number(end: Value) -> float:
    return float(end.args[1])


def _reached(
    seed: Value, users: dict[int, list[Value]], taken: set[int]
) -> tuple[dict[int, Value], list[Value]]:
    """Return what a promising value leads to, and the multiplications by a number that it all ends in.

    Nothing, if some of it is not linear in the value, or taken.
    """
    ends: list[Value] = []
    touched = {id(seed): seed}
    waiting = [seed]
    while waiting:
        for user in users[id(waiting.pop())]:
            if id(user) in taken:
                return {}, []
            if _is_scaling(user):
                ends.append(user)
            elif id(user) not in touched:
                touched[id(user)] = user
                waiting.append(user)
    # a product of two things that both come from the seed is not linear in it
    if any(sum(id(v) in touched for v in t.inputs) > 1 for t in touched.values()):
        return {}, []
    return touched, ends


def _is_scaling(value: Value) -> bool:
    return value.function is np.multiply and len(value.args) == 2 and type(value.args[1]) in {int, float}
