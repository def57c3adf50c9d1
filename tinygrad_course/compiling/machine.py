"""Engine two: the parts of a program that are not BLAS's as machine code, through numba.

Calls are gathered in stages: what can be computed before the next product of large matrices goes into one
function of machine code, the product itself to NumPy's BLAS.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.compiling.build import Builder
from tinygrad_course.compiling.kernel import Kernel, part
from tinygrad_course.compiling.machine_columns import Columns, Unsuited, step_source
from tinygrad_course.compiling.machine_loops import Loops, is_fusable
from tinygrad_course.compiling.machine_products import Product, is_narrow
from tinygrad_course.compiling.program import Program, Value, inputs_of, replace
from tinygrad_course.compiling.scale import seed_scale


class Group:
    """Calls that become one kernel.

    Attributes
    ----------
    calls : list of Value
    inputs, stored, scalars : list of Value
        What the kernel is given, what arrays it writes, and what numbers it returns.
    """

    def __init__(self, calls: list[Value], needed: set[int]) -> None:
        inside = {id(v) for v in calls}
        self.calls = calls
        self.inputs = list({id(u): u for v in calls for u in inputs_of(v) if id(u) not in inside}.values())
        self.scalars = [v for v in calls if v.shape == ()]
        self.stored = [v for v in calls if v.shape != () and id(v) in needed]

    def kernel(self) -> Kernel:
        """Return the function that computes the calls."""
        raise NotImplementedError


class MachineCode(Group):
    """Calls as loops of machine code."""

    def __init__(self, calls: list[Value], needed: set[int]) -> None:
        super().__init__(calls, needed)
        self.loops = Loops(calls, needed)
        self.inputs, self.stored, self.scalars = self.loops.inputs, self.loops.stored, self.loops.scalars

    def kernel(self) -> Kernel:
        """Return the function that computes the calls."""
        return Kernel(self.loops.source)


class Tiled(Group):
    """A product of a few rows with a large matrix."""

    def kernel(self) -> Kernel:
        """Return the function that computes the product."""
        return Product(self.calls[0])


def fuse(
    program: Program,
    fits: Callable[[Value], bool] = is_fusable,
    space: Callable[[Value], Any] = lambda _: None,
    group: Callable[[list[Value], set[int]], Group] = MachineCode,
    least: int = 1,
) -> Program:
    """Return a program in which calls that fit together are kernels.

    Parameters
    ----------
    program : Program
    fits : callable
        Whether a call can be part of a kernel.
    space : callable
        Calls of one kernel have one value of this.
    group : callable
        Returns what makes a kernel of some calls.
    least : int
        Fewer calls than this stay calls.
    """
    order = [v for v in program.values() if v.function is not None]
    stage: dict[int, int] = {}
    inside: dict[int, Any] = {}  # the space of what goes into a kernel
    for value in order:
        mine = (space(value),) if fits(value) else None
        at = 0
        for v in inputs_of(value):
            if v.function is not None:
                ends = inside[id(v)] != mine or (v.shape == () and space(v) is not None)
                at = max(at, stage[id(v)] + (1 if mine and ends else 0))
        stage[id(value)], inside[id(value)] = at, mine
    groups: dict[Any, list[Value]] = {}
    for value in order:
        if inside[id(value)]:
            groups.setdefault((stage[id(value)], inside[id(value)]), []).append(value)
    groups = {key: calls for key, calls in groups.items() if len(calls) >= least}
    return _Fusion(program, order, groups, group).program


class _Fusion:
    def __init__(
        self,
        program: Program,
        order: list[Value],
        groups: dict[Any, list[Value]],
        group: Callable[[list[Value], set[int]], Group],
    ) -> None:
        self.builder = Builder()
        self.new: dict[int, Value] = {}
        self.known: dict[str, Callable[..., Any]] = {}
        self.groups = groups
        self.group = group
        self.group_of = {id(v): key for key, calls in groups.items() for v in calls}
        self.needed = {id(v) for v in program.results}
        for value in order:
            for v in inputs_of(value):
                if self.group_of.get(id(v)) != self.group_of.get(id(value)):
                    self.needed.add(id(v))
        self.program = Program(program.inputs, [self.of(v) for v in program.results])

    def of(self, value: Value) -> Value:
        """Return what computes a value in the new program."""
        waiting = [value]
        while waiting:
            v = waiting[-1]
            if id(v) in self.new:
                waiting.pop()
                continue
            calls = self.groups[self.group_of[id(v)]] if id(v) in self.group_of else [v]
            mine = {id(c) for c in calls}
            missing = [u for c in calls for u in inputs_of(c) if id(u) not in self.new and id(u) not in mine]
            if missing:
                waiting += missing
            elif v.function is None:
                self.new[id(v)] = v
            elif id(v) in self.group_of:
                self._kernel(calls)
            else:
                args, kwargs = (replace(x, lambda u: self.new[id(u)]) for x in (v.args, v.kwargs))
                self.new[id(v)] = self.builder.like(v, args, kwargs)
        return self.new[id(value)]

    def _kernel(self, calls: list[Value]) -> None:
        group = self.group(calls, self.needed)
        kernel = group.kernel()
        kernel.known = self.known
        whole = Value(kernel, tuple(self.new[id(v)] for v in group.inputs), {}, (), None, "tuple")
        whole.born = min(v.born for v in calls)
        for i, v in enumerate([*group.scalars, *group.stored]):
            made = Value(part, (whole, i), {}, v.shape, v.dtype, v.kind)
            made.born = whole.born
            self.new[id(v)] = made
        for v in calls:
            self.new.setdefault(id(v), v)  # seen by nobody outside
        kernel.arrays = [self.new[id(v)] for v in group.stored]
        kernel.scalars = [self.new[id(v)] for v in group.scalars]


def machine_code(program: Program) -> Program:
    """Return a program as machine code: one loop over the columns if it is small, else stages."""
    try:
        return _one_kernel(program)
    except Unsuited:
        return fuse(seed_scale(program), _is_ours, _alone, _group)


def _is_ours(value: Value) -> bool:
    return is_fusable(value) or is_narrow(value)


def _alone(value: Value) -> Any:
    return id(value) if is_narrow(value) else None


def _group(calls: list[Value], needed: set[int]) -> Group:
    return Tiled(calls, needed) if is_narrow(calls[0]) else MachineCode(calls, needed)


def _one_kernel(program: Program) -> Program:
    chosen = {
        id(v): v
        for v in program.results
        if v.function is not None and (v.kind == "scalar" or (v.kind == "array" and v.shape))
    }
    if not chosen or any(v.dtype != np.float64 for v in chosen.values()):
        raise Unsuited
    inner = Program(program.inputs, list(chosen.values()))
    columns = Columns(inner)
    stored = [v for v in inner.results if v.kind == "array"]
    scalars = [v for v in inner.results if v.kind == "scalar"]
    kernel = Kernel(step_source(columns, stored, scalars))
    inputs = tuple(v for v in program.inputs if id(v) in columns.names)
    whole = Value(kernel, inputs, {}, (), None, "tuple")
    new = {}
    for i, v in enumerate([*scalars, *stored]):
        made = Value(part, (whole, i), {}, v.shape, v.dtype, v.kind)
        made.named_like(v)
        new[id(v)] = made
    kernel.arrays = [new[id(v)] for v in stored]
    kernel.scalars = [new[id(v)] for v in scalars]
    return Program(program.inputs, [new.get(id(v), v) for v in program.results])
