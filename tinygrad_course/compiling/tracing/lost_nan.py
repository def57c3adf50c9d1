"""A NaN on the way that no result shows: where something is compared with it, or takes its place."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import Program
from tinygrad_course.compiling.tracing.refusals import name_of
from tinygrad_course.compiling.tracing.trace import Trace
from tinygrad_course.rules.indexing import astype

#: Functions of numbers that may give a finite one for NaN.
_WITHOUT_NAN = {np.fmin, np.fmax, np.nan_to_num, np.power, operator.pow, np.sort, np.partition, np.hypot}
#: Functions whose results have a NaN if an argument has one.
_WITH_NAN: set[Any] = {
    *(np.add, np.subtract, np.multiply, np.divide, np.negative, np.positive, np.square, np.sqrt),
    *(np.exp, np.expm1, np.log, np.log1p, np.tanh, np.sin, np.cos, np.absolute, np.maximum, np.minimum),
    *(np.matmul, np.dot, np.sum, np.mean, np.var, np.max, np.min, np.transpose, np.reshape, np.broadcast_to),
    *(np.swapaxes, np.moveaxis, np.squeeze, np.expand_dims, np.concatenate, np.stack, np.copy, astype),
    *(np.add.reduce, np.logaddexp, np.logaddexp.reduce),
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.neg),
}


def _shown(program: Program) -> set[int]:
    """Return the values, by their ids, that can't hold a NaN without a result having one."""
    shown = {id(v) for v in program.results if v.kind != "tuple" and v.dtype.kind in "fc"}
    for v in reversed(program.values()):
        if id(v) in shown and v.function in _WITH_NAN and v.size and "where" not in v.kwargs:
            shown |= {id(u) for u in v.inputs}
    return shown


def loses_nan(trace: Trace, program: Program, since: int) -> bool:
    """Whether a NaN that is computed after so many calls may reach no result: its sign is asked for, say."""
    if since >= len(trace.calls):
        return False
    begin, shown = trace.calls[since][0].born, _shown(program)
    for v in program.values():
        inputs = [a for a in v.inputs if a.function is not None and a.born >= begin and id(a) not in shown]
        if v.kind == "tuple" or not inputs:
            continue
        floats = any(a.dtype is not None and a.dtype.kind in "fc" for a in inputs)
        lost = v.function in _WITHOUT_NAN or name_of(v.function).startswith("np.nan")
        if lost or (floats and v.dtype.kind not in "fc"):
            return True
    return False
