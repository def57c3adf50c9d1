"""The same program in the NumPy calls that cost least."""

import functools
import operator
from typing import Any

import numpy as np
from scipy import special

from tinygrad_course.compiling.builder import Builder, rewritten
from tinygrad_course.compiling.dataflow import Program, Value, accumulated, is_view
from tinygrad_course.compiling.passes.systems import quicker_systems
from tinygrad_course.engine.stable_forms import link
from tinygrad_course.rules.indexing import assign, scatter
from tinygrad_course.rules.padding import pad_constant

#: So many parts of an array are worth a copy of it in which each lies together.
OFTEN = 4
#: What is read of an array that is written to is copied if it is this part at most.
PART = 4
#: Triangles of no more entries are taken by masks that are kept.
MASKED = 1_000_000
#: In arrays of so many entries the products that a power amounts to are worth their calls.
LONG = 256


def lower(program: Program, *, machine: bool = False) -> Program:
    """Return a program that computes the same by quicker calls.

    Those of the `machine` say sigmoid(z) where the program computes 1 / (1 + exp(-z)): that shares its
    exponential with softplus(z), and does not overflow.
    """
    program = quicker_systems(program)
    often, shown, uses = _often_indexed(program), _shown(program), program.uses()
    small = set() if machine else {id(z) for z in map(_exponential, program.values()) if z is not None}

    def change(builder: Builder, value: Value, new: dict[int, Value]) -> Value | None:
        z = _logit(value)
        if machine and z is not None:
            return builder.ufunc(special.expit, new[id(z)])
        if value.function is np.power and not value.kwargs and (machine or value.size >= LONG):
            return _power(builder, value, new, machine)
        if not machine and value.kind == "array" and value.dtype.kind == "f":
            if z is not None and id(z) in small and z.dtype == value.dtype and z.shape == value.shape:
                return _sigmoid(builder, new[id(z)])
            if (made := _lowered(builder, value, new)) is not None:
                return made
        if value.function is np.pad and value.kwargs.keys() == {"constant_values"}:
            return _padded(builder, value, new)
        if machine and _is_norm(value):
            return _norm(builder, value, new[id(value.args[0])])
        if value.function in {np.tril, np.triu} and value.dtype.kind == "f" and value.size <= MASKED:
            return _masked(builder, value, new)
        if id(value) not in shown and (id(value.args[0]) if value.args else 0, _axis(value)) in often:
            return _part(builder, value, new)
        if id(value) not in shown and _is_read_of_written(value):
            own: np.ufunc = np.positive  # so that the next write need not copy the whole
            return builder.ufunc(own, builder.again(value, new))
        if value.function is np.add and value.kind == "array":
            return _accumulated(builder, value, new, uses)
        return None if machine else _joined(builder, value, new)

    return rewritten(program, change)


def _power(builder: Builder, value: Value, new: dict[int, Value], machine: bool) -> Value | None:
    """Return x**n of a small n, or one and a half, by products and a root."""
    u, (base, n) = builder.ufunc, value.args
    if not isinstance(n, (int, float)) or value.kind != "array" or not 0 < abs(n) <= 4 or 2 * n % 1:
        return None
    x = new[id(base)]
    if x.dtype != value.dtype or x.dtype.kind != "f":
        return None
    if n == 0.5:
        return u(np.sqrt, x)
    if n % 1:
        if not machine:  # as many calls as would be saved
            return None
        args = u(np.equal, x, -np.inf), np.inf, u(np.add, x, 0.0)  # -0.0**1.5 is 0.0, -inf**1.5 is inf
        x = builder.call(np.where, args, {}, x.shape, x.dtype)
    whole, square = int(abs(n)), u(np.square, x)
    parts = {1: [x], 2: [square], 3: [square, x], 4: [u(np.square, square)]}.get(whole, [])
    parts += [u(np.sqrt, x)] if n % 1 else []
    made = functools.reduce(lambda a, b: u(np.multiply, a, b), parts)
    return u(np.divide, 1.0, made) if n < 0 else made


def _padded(builder: Builder, value: Value, new: dict[int, Value]) -> Value | None:
    widths = value.args[1]
    if value.inputs[1:] or isinstance(widths, dict):
        return None
    widths = tuple(map(tuple, np.broadcast_to(widths, (len(value.shape), 2)).tolist()))
    args = new[id(value.args[0])], widths, value.kwargs["constant_values"]
    return builder.call(pad_constant, args, {}, value.shape, value.dtype)


def _is_norm(value: Value) -> bool:
    """Whether a call is a Euclidean norm along one axis or all: quicker in parts."""
    if value.function is not np.linalg.norm or value.dtype.kind != "f" or len(value.args) != 1:
        return False
    x, axis = value.args[0], value.kwargs.get("axis")
    plain = isinstance(x, Value) and x.kind == "array" and x.shape and x.size and x.dtype == value.dtype
    one = axis is None or type(axis) is int
    return bool(plain and one and not value.kwargs.keys() - {"axis", "keepdims"})


def _norm(builder: Builder, value: Value, x: Value) -> Value:
    axis = value.kwargs.get("axis")
    axes = None if axis is None else (axis % len(x.shape),)
    given = {"axis": axes, "keepdims": value.kwargs.get("keepdims", False)}
    total = builder.call(np.sum, (builder.ufunc(np.square, x),), given, value.shape, x.dtype, value.kind)
    return builder.ufunc(np.sqrt, total)


def _masked(builder: Builder, value: Value, new: dict[int, Value]) -> Value | None:
    """Return a triangle as np.where of a constant."""
    offset = value.args[1] if len(value.args) > 1 else value.kwargs.get("k", 0)
    if isinstance(offset, Value):  # NumPy's whole numbers, which may be others in the next call
        return None
    rows, columns = value.shape[-2:]
    mask = np.tri(rows, columns, offset if value.function is np.tril else offset - 1, dtype=bool)
    zero, x, inside = 0.0, new[id(value.args[0])], builder.constant(mask)
    args = (inside, x, zero) if value.function is np.tril else (inside, zero, x)
    return builder.call(np.where, args, {}, value.shape, value.dtype)


def _axis(value: Value) -> int | None:
    """Return k where a call is x[:, ..., i] with k colons and the number i, as x[:, :, t] is with 2."""
    index = value.args[1] if value.function is operator.getitem and value.kind == "array" else None
    if type(index) is not tuple or type(index[-1]) is not int or any(i != slice(None) for i in index[:-1]):
        return None
    return len(index) - 1


def _often_indexed(program: Program) -> set[tuple[int, int | None]]:
    """Return the ids of arrays most of whose parts along an axis but the first are taken, and that axis."""
    count: dict[tuple[int, int], int] = {}
    whole: dict[tuple[int, int], int] = {}
    for value in program.values():
        k = _axis(value)
        if k and value.args[0].kind == "array" and value.dtype.kind in "fiu":
            key = id(value.args[0]), k
            count[key], whole[key] = count.get(key, 0) + 1, value.args[0].shape[k]
    return {key for key, n in count.items() if n >= OFTEN and 2 * n >= whole[key]}


def _shown(program: Program) -> set[int]:
    """Return the ids of what results are views of: they stay views of the caller's arrays."""
    shown: set[int] = set()
    for value in program.results:
        while is_view(value):
            shown.add(id(value))
            value = value.args[0]
    return shown


def _part(builder: Builder, value: Value, new: dict[int, Value]) -> Value:
    """Return x[:, :, t] as y[t], where y has that axis first, so that what is taken lies together."""
    x, t = new[id(value.args[0])], value.args[1][-1]
    k = len(value.args[1]) - 1
    turned = builder.transpose(x, (k, *(i for i in range(len(x.shape)) if i != k)))
    own: np.ufunc = np.positive
    together = builder.ufunc(own, turned)
    return builder.call(operator.getitem, (together, t), {}, value.shape, x.dtype)


def _is_read_of_written(value: Value) -> bool:
    """Whether a call takes a small part of an array that is written to part by part."""
    if value.function is not operator.getitem or not is_view(value):
        return False
    whole: Value = value.args[0]
    return whole.function is assign and PART * value.size <= whole.size


def _accumulated(builder: Builder, value: Value, new: dict[int, Value], uses: dict[int, int]) -> Value | None:
    """Return a sum with zeros in which a part is filled as an addition to that part."""
    for x, filled in (value.args, reversed(value.args)):
        if isinstance(x, Value) and isinstance(filled, Value) and filled.function is scatter:
            made = new[id(filled)]
            kinds = {(v.kind, v.shape, v.dtype) for v in (x, filled, value)}
            if len(kinds) == 1 and uses[id(filled)] == 1 and made.function is scatter:
                args = new[id(x)], made.args[1], made.args[0]
                return builder.call(accumulated, args, {}, value.shape, value.dtype)
    return None


def _joined(builder: Builder, value: Value, new: dict[int, Value]) -> Value | None:
    """Return arrays one after the other in memory, where each may be computed in its place."""
    if value.function not in {np.concatenate, np.stack} or value.kind != "array":
        return None
    axis = value.kwargs.get("axis", value.args[1] if len(value.args) > 1 else 0)
    parts: list[Any] = [new.get(id(v)) for v in value.args[0]]
    if axis != 0 or value.kwargs.keys() - {"axis"} or len(value.args) > 2 or not value.size:
        return None
    if not all(v is not None and v.kind == "array" and v.dtype == value.dtype for v in parts):
        return None
    return builder.together(parts, value.shape)


def _logit(value: Value) -> Value | None:
    """Return z of a value that is computed as 1 / (1 + exp(-z))."""
    plain = value.kind != "tuple" and value.dtype.kind == "f"
    found = link(value) if plain and value.function is not special.expit else None
    return found.args[0] if isinstance(found, Value) and isinstance(found.args[0], Value) else None


def _lowered(builder: Builder, value: Value, new: dict[int, Value]) -> Value | None:
    u, args = builder.ufunc, value.args
    if value.function is special.expit and args[0].dtype == value.dtype:
        return _sigmoid(builder, new[id(args[0])])
    if value.function is np.logaddexp and args[0] == 0 and args[1].dtype == value.dtype:
        z = new[id(args[1])]
        return u(np.add, u(np.maximum, z, 0.0), u(np.log1p, _exp_of_minus_abs(builder, z)))
    return None


def _sigmoid(builder: Builder, z: Value) -> Value:
    """Return 1 / (1 + e) where z is positive, e / (1 + e) where it is negative, with e = exp(-|z|) up to 1.

    Nothing overflows, and the exponential is softplus's too.
    """
    u, e = builder.ufunc, _exp_of_minus_abs(builder, z)
    return u(np.divide, u(np.maximum, u(np.sign, z), e), u(np.add, 1.0, e))


def _exponential(value: Value) -> Value | None:
    """Return z of a value that exp(-|z|) belongs to: the exponential itself, softplus(z) or sigmoid(z)."""
    if value.kind != "array":
        return None
    inner: Any = value
    if value.function is special.expit or (value.function is np.logaddexp and value.args[0] == 0):
        inner = value.args[-1]
        return _without_sign(inner) if inner.dtype == value.dtype else None
    for function in (np.exp, np.negative, np.absolute):
        if not isinstance(inner, Value) or inner.function is not function:
            return None
        inner = inner.args[0]
    return inner if isinstance(inner, Value) else None


def _exp_of_minus_abs(builder: Builder, z: Value) -> Value:
    return builder.ufunc(np.exp, builder.ufunc(np.negative, builder.ufunc(np.absolute, _without_sign(z))))


def _without_sign(z: Value) -> Value:
    """Return z of -z, which have one exponential."""
    inner = z.args[0] if z.function is np.negative else z
    return inner if isinstance(inner, Value) else z
