"""The same program in the NumPy calls that cost least."""

from __future__ import annotations

import numpy as np
from scipy import special

from tinygrad_course.compiling.builder import Builder, rewritten
from tinygrad_course.compiling.dataflow import Program, Value
from tinygrad_course.engine.mending import link


def lower(program: Program) -> Program:
    """Return a program that computes the same by quicker calls."""
    small = {id(z) for z in map(_exponential, program.values()) if z is not None}

    def change(builder: Builder, value: Value, new: dict[int, Value]) -> Value | None:
        if value.kind != "array" or value.dtype.kind != "f":
            return None
        z = _logit(value)
        if z is not None and id(z) in small and z.dtype == value.dtype and z.shape == value.shape:
            return _sigmoid(builder, new[id(z)])
        return _lowered(builder, value, new)

    return rewritten(program, change)


def lower_for_machine(program: Program) -> Program:
    """Return a program that says sigmoid(z) where it computes 1 / (1 + exp(-z)).

    That shares its exponential with softplus(z), and does not overflow.
    """

    def change(builder: Builder, value: Value, new: dict[int, Value]) -> Value | None:
        z = _logit(value)
        return None if z is None else builder.ufunc(special.expit, new[id(z)])

    return rewritten(program, change)


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
    """Return z of a value that exp(-|z|) belongs to: the exponential itself, or softplus(z)."""
    if value.kind != "array":
        return None
    if value.function is np.logaddexp and value.args[0] == 0 and value.args[1].dtype == value.dtype:
        z: Value = value.args[1]
        return z
    if value.function is np.exp and value.args[0].function is np.negative:
        inner = value.args[0].args[0]
        if isinstance(inner, Value) and inner.function is np.absolute:
            return inner.args[0] if isinstance(inner.args[0], Value) else None
    return None


def _exp_of_minus_abs(builder: Builder, z: Value) -> Value:
    return builder.ufunc(np.exp, builder.ufunc(np.negative, builder.ufunc(np.absolute, z)))
