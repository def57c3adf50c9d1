"""Steps over a large X that read it once: the end of one and the beginning of the next in the same pass.

A step goes through X twice, in Z1 = W1 @ X and in dW1 = dZ1 @ X.T, and where X is too large for the cache
that is most of its time. But between dW1 of one step and Z1 of the next there is only the update of W1, and a
row of X that has given its column of dW1 can give its share of the next Z1 while it is at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_course.compiling.builder import rewritten
from tinygrad_course.compiling.dataflow import Program, Value
from tinygrad_course.compiling.machine.fusion import machine_code
from tinygrad_course.compiling.machine.jit import compile_source
from tinygrad_course.compiling.machine.products import (
    LARGE,
    MANY,
    in_panels,
    out_of_panels,
    product_function,
    single_pass_source,
    single_pass_types,
)
from tinygrad_course.compiling.numpy_backend.program_body import ProgramBody
from tinygrad_course.compiling.passes.fuse import NotFused

#: With more columns than this, what is at hand for each row of X does not fit into the cache.
MOST = 1024


@dataclass
class Pattern:
    """Where a step's program meets the large matrix X: in the products with it and with its transpose.

    W is at this `place` in the state, `upright` if it is (n_1, n_x), as in W1 @ X; else (n_x, n_1), as in w.T
    @ X.
    """

    X: Value
    forward: Value
    backward: Value
    place: int
    upright: bool


def find(program: Program, old: list[Value], new: list[Value]) -> Pattern | None:
    """Return the pattern in a program that makes the `new` state from the `old` one, if it is there."""
    users = program.users()
    for value in program.values():
        if value.function is np.matmul and value.args[1].is_input and is_large(value.args[1]):
            found = _match(value, users, old, new)
            if found is not None:
                return found
    return None


def is_large(x: Any) -> bool:
    """Whether an array (or the value that it is) is a matrix that such a pass is for."""
    return x.size >= LARGE and len(x.shape) == 2 and 8 <= x.shape[1] <= MOST


def _match(
    forward: Value, users: dict[int, list[Value]], old: list[Value], new: list[Value]
) -> Pattern | None:
    left: Value = forward.args[0]
    X: Value = forward.args[1]
    W = left if left.is_input else _of_transpose(left)
    if W is None:
        return None
    upright = W is left
    places = [i for i, v in enumerate(old) if v is W]
    others = [u for u in users[id(X)] if u is not forward]
    if not places or len(others) != 1 or _of_transpose(others[0]) is None or left.shape[0] > MANY:
        return None
    backward = _sole(users, others[0])
    if backward is None or backward.function is not np.matmul or backward.args[1] is not others[0]:
        return None
    step = backward if upright else _sole(users, backward)
    if step is None or (not upright and _of_transpose(step) is not backward):
        return None
    update = _sole(users, step)
    if update is None or update.function is not np.subtract or update.args[0] is not W:
        return None
    if update.args[1] is not step or update is not new[places[0]] or users[id(update)]:
        return None
    if sum(v is update for v in new) != 1 or len({v.dtype for v in (update, X, left, backward)}) != 1:
        return None
    if X.dtype not in {np.dtype("f8"), np.dtype("f4")}:
        return None
    return Pattern(X, forward, backward, places[0], upright)


def _of_transpose(value: Value) -> Value | None:
    if value.function is np.transpose and len(value.args) == 1:
        of: Value = value.args[0]
        return of
    return None


def _sole(users: dict[int, list[Value]], value: Value) -> Value | None:
    found = users[id(value)]
    return found[0] if len(found) == 1 else None


class SinglePass:
    """Runs steps whose program has the pattern."""

    def __init__(
        self, program: Program, old: list[Value], new: list[Value], cost: Value, pattern: Pattern
    ) -> None:
        self.pattern = pattern
        Z = Value(None, (), {}, pattern.forward.shape, pattern.forward.dtype, name="Z")
        others = [v for i, v in enumerate(new) if i != pattern.place]
        results = _without(program, pattern.forward, Z, [pattern.backward.args[0], *others, cost])
        inputs = [v for v in program.inputs if v is not pattern.X]
        self.X_at = program.inputs.index(pattern.X) - len(old)
        program = machine_code(Program([*inputs, Z], results))[0]
        self.between = ProgramBody(program, [(v, i) for i, v in enumerate(program.results)], [], []).run
        if old[pattern.place] in program.values():
            raise NotFused  # who else reads W would find it as it was
        rows, (k, n), dtype = pattern.forward.shape[0], pattern.X.shape, pattern.X.dtype
        self.forward = product_function((rows, k), (k, n), dtype)
        self.backward = product_function((rows, n), (n, k), dtype)
        self.through = compile_source(single_pass_source(rows, (k, n), dtype), single_pass_types(dtype))

    def suits(self, data: tuple[Any, ...]) -> bool:
        """Whether X lies in memory row by row."""
        return bool(data[self.X_at].flags.c_contiguous)

    def run(self, leaves: list[Any], kept: Any, data: tuple[Any, ...], costs: Any, *, last: bool) -> Any:
        """Make a step for each place in `costs`, noted there; return the next leaves, and what to keep.

        That is W @ X, and W as a pass needs it: among the leaves W is as it was, until `finished` or after
        the `last` step, which needs no product with the new W.
        """
        X = data[self.X_at]
        rest = [x for i, x in enumerate(data) if i != self.X_at]
        if kept is None:
            W = self._upright(leaves[self.pattern.place])
            Z, panels = np.empty(self.pattern.forward.shape, X.dtype), in_panels(W)
            self.forward(W, X, Z)
        else:
            Z, panels = (x.copy() for x in kept)  # whoever stops this finds the state before it
        for t in range(len(costs)):
            D, *others, costs[t] = self.between(*leaves, *rest, Z)
            others.insert(self.pattern.place, leaves[self.pattern.place])
            leaves = others
            if last and t == len(costs) - 1:
                W = self._upright(self.finished(leaves, panels)[self.pattern.place])
                slope = np.empty(self.pattern.backward.shape, X.dtype)
                self.backward(D, X.T, slope)
                W -= slope
            else:
                self.through(D, X, panels, Z)
        return leaves, (Z, panels)

    def finished(self, leaves: list[Any], panels: Any) -> list[Any]:
        """Return the leaves with the W that is kept."""
        W = leaves[self.pattern.place] = np.empty_like(leaves[self.pattern.place])
        out_of_panels(panels, self._upright(W))
        return leaves

    def _upright(self, W: Any) -> Any:
        return W if self.pattern.upright else W.T


def _without(program: Program, old: Value, new: Value, wanted: list[Value]) -> list[Value]:
    """Return what computes the `wanted` values, with `new` in the place of `old`."""
    whole = Program(program.inputs, wanted)
    return rewritten(whole, lambda _, value, __: new if value is old else None).results
