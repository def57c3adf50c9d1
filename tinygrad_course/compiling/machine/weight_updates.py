"""Steps of a loop that change their large weights where they lie.

W - dZ @ A.T is one call of BLAS's that takes the product from W: the gradient is never written down. And
where X is too large for the cache, going through it is most of a step's time, once in Z1 = W1 @ X and once in
dW1 = dZ1 @ X.T. But between dW1 of one step and Z1 of the next there is only the update of W1, and a row of
X that has given its column of dW1 can give its share of the next Z1 while it is at hand.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_course.compiling.blas import routine, subtract_product
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
)
from tinygrad_course.compiling.numpy_backend.program_body import ProgramBody
from tinygrad_course.compiling.passes.fuse import NotFused
from tinygrad_course.engine import trees

#: With more columns than this, what is at hand for each row of X does not fit into the cache.
MOST = 1024
#: Weights with fewer entries are as soon made anew.
WORTH = 65_536


@dataclass
class Update:
    """W - D @ B in a step's program, or W - (D @ B).T."""

    W: Value
    place: int  # in the state
    product: Value
    upright: bool  # (n_1, n_0), as in W @ A; else (n_0, n_1), as in w.T @ X

    @property
    def factors(self) -> list[tuple[Value, bool]]:
        """D and B, or what they are the transposes of, and whether they are."""
        return [(v, False) if (of := _of_transpose(v)) is None else (of, True) for v in self.product.args]


def find(program: Program, old: list[Value], new: list[Value]) -> list[Update]:
    """Return the updates in a program that makes the `new` state from the `old` one."""
    users = program.users()
    found = []
    for place, (W, value) in enumerate(zip(old, new, strict=True)):
        if value.function is not np.subtract or value.args[0] is not W or users[id(value)]:
            continue
        step: Any = value.args[1]
        upright = isinstance(step, Value) and step.function is np.matmul
        product = step if upright else _of_transpose(step)
        if product is None or product.function is not np.matmul or sum(v is value for v in new) != 1:
            continue
        alone = users[id(step)] == [value] and (upright or users[id(product)] == [step])
        values = [W, value, product, *product.args]
        if alone and {v.dtype.str[1:] for v in values} in ({"f8"}, {"f4"}) and len(product.shape) == 2:
            found.append(Update(W, place, product, upright))
    return found


def _forward(update: Update, users: dict[int, list[Value]]) -> Value | None:
    """Return W @ X where the update is by D @ X.T, and one pass over X can make both."""
    turned = update.product.args[1]
    X = _of_transpose(turned)
    large = X is not None and X.size >= LARGE and len(X.shape) == 2 and 8 <= X.shape[1] <= MOST
    if X is None or not large or not X.is_input or users[id(turned)] != [update.product]:
        return None
    others = [u for u in users[id(X)] if u is not turned]
    if len(others) != 1 or others[0].function is not np.matmul or others[0].args[1] is not X:
        return None
    left: Value = others[0].args[0]
    W = left if update.upright else _of_transpose(left)
    return others[0] if W is update.W and left.shape[0] <= MANY else None


def _of_transpose(value: Any) -> Value | None:
    if isinstance(value, Value) and value.function is np.transpose and len(value.args) == 1:
        of: Value = value.args[0]
        return of
    return None


class Runner:
    """Makes steps, in a way of its own; a box holds the state on the way, and what else the way needs."""

    captured: Any  # what the step reads from outside

    def take(self, state: Any, total: int) -> Any:
        """Return a box: the state, what is kept from one step to the next, the steps to come."""
        return [state, [], total]

    def give(self, box: Any) -> Any:
        """Return the state."""
        return box[0]

    def batch(self, columns: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return what `run` needs of the data."""
        return columns

    def run(self, box: Any, batch: tuple[Any, ...], hop: int, count: int, costs: Any) -> None:
        """Make `count` steps, each `hop` columns further on in the data than the one before."""
        raise NotImplementedError


def turns(batch: tuple[Any, ...], hop: int, count: int) -> Iterator[tuple[Any, ...]]:
    """Go through the data of so many steps, each `hop` columns further on than the one before."""
    for i in range(count):
        columns = slice(i * hop, (i + 1) * hop)
        yield tuple(np.ascontiguousarray(x[..., columns]) for x in batch) if hop else batch


class InPlace(Runner):
    """Runs steps that change weights where they lie; `NotFused` for a program without such.

    With a large X it keeps W @ X, and W as a pass needs it: in the state W is as it was, until it is given
    or after the last step, which needs no product with the new W.
    """

    def __init__(
        self, program: Program, old: list[Value], new: list[Value], cost: Value, captured: Any
    ) -> None:
        self.captured = captured
        users, found, inputs = program.users(), find(program, old, new), program.inputs
        passes = [(u, f) for u in found if (f := _forward(u, users)) is not None]
        self.large: Update | None = passes[0][0] if passes else None
        worth = [u for u in found if u.upright and u.W.size >= WORTH and routine("gemm", u.W.dtype)]
        self.updates = [u for u in worth if u is not self.large]
        changed = {id(u.W): u.place for u in found if u is self.large or u in self.updates}
        if not changed or len(inputs) <= len(old):
            raise NotFused
        self.places = set(changed.values())
        self.turned = [[turned for _, turned in u.factors] for u in self.updates]
        results = [v for u in self.updates for v, _ in u.factors]
        results += [v for i, v in enumerate(new) if i not in self.places]
        program = Program(inputs, [*results, cost])
        if self.large is not None:
            forward = passes[0][1]
            left, X = forward.args
            Z = Value(None, (), {}, forward.shape, forward.dtype, name="Z")
            program.results.insert(0, self.large.product.args[0])
            program = rewritten(program, lambda _, value, __: Z if value is forward else None)
            if self.large.W in program.values():
                raise NotFused  # who else reads W would find it as it was
            inputs = [*(v for v in inputs if v is not X), Z]
            self.X_at = program.inputs.index(X) - len(old)
            (rows, _), (k, n), dtype = left.shape, X.shape, X.dtype
            self.forward = product_function((rows, k), (k, n), dtype)
            self.backward = product_function((rows, n), (n, k), dtype)
            self.through = compile_source(*single_pass_source(rows, (k, n), dtype))
        if _may_show(program.results, changed):
            raise NotFused
        program = machine_code(Program(inputs, program.results))[0]
        self.between = ProgramBody(program, [(v, i) for i, v in enumerate(program.results)], [], []).run

    def suits(self, data: tuple[Any, ...], *, whole: bool) -> bool:
        """Whether steps can be made of these data: a large X has to be the `whole`, and lie row by row."""
        return self.large is None or (whole and bool(data[self.X_at].flags.c_contiguous))

    def run(self, box: Any, batch: tuple[Any, ...], hop: int, count: int, costs: Any) -> None:
        """Make steps, and note their costs."""
        state, kept, ahead = box
        leaves = [x for _, x in trees.leaves(state)]
        kept = [x.copy() for x in kept]  # whoever stops this finds the state before it
        for update in self.updates:
            leaves[update.place] = leaves[update.place].copy()
        for t, data in enumerate(turns(batch, hop, count)):
            if self.large is not None:
                X, data = data[self.X_at], (*data[: self.X_at], *data[self.X_at + 1 :])
                if not kept:
                    W = self._upright(leaves)
                    kept = [np.empty((len(W), X.shape[1]), X.dtype), in_panels(W)]
                    self.forward(W, X, kept[0])
            made = iter(self.between(*leaves, *data, *kept[:1]))
            D = None if self.large is None else next(made)
            factors = [[next(made).T if turned else next(made) for turned in u] for u in self.turned]
            leaves = [x if i in self.places else next(made) for i, x in enumerate(leaves)]
            costs[t] = next(made)
            for update, (left, right) in zip(self.updates, factors, strict=True):
                subtract_product(leaves[update.place], left, right)
            if D is not None and t == ahead - 1:
                leaves = self._finished(leaves, kept)
                W = self._upright(leaves)
                slope = np.empty(W.shape, X.dtype)
                self.backward(D, X.T, slope)
                W -= slope
            elif D is not None:
                self.through(D, X, kept[1], kept[0])
        box[:] = trees.rebuild(state, iter(leaves)), kept, ahead - count

    def give(self, box: Any) -> Any:
        """Return the state, with the W that is kept."""
        state, kept, ahead = box
        leaves = [x for _, x in trees.leaves(state)]
        return trees.rebuild(state, iter(self._finished(leaves, kept if ahead else [])))

    def _finished(self, leaves: list[Any], kept: Any) -> list[Any]:
        """Return the leaves with the W that is kept."""
        if kept and self.large is not None:
            place = self.large.place
            leaves = [*leaves[:place], np.empty_like(leaves[place]), *leaves[place + 1 :]]
            out_of_panels(kept[1], self._upright(leaves))
        return leaves

    def _upright(self, leaves: list[Any]) -> Any:
        assert self.large is not None  # noqa: S101
        W = leaves[self.large.place]
        return W if self.large.upright else W.T


def _may_show(results: list[Value], changed: Container[int]) -> bool:
    """Whether a result may lie in the memory of what is changed."""
    waiting, seen = list(results), set()
    while waiting:
        value = waiting.pop()
        if id(value) in changed:
            return True
        fresh = isinstance(value.function, np.ufunc) or value.function is np.matmul or value.kind != "array"
        if id(value) not in seen and not fresh:
            seen.add(id(value))
            waiting += value.inputs
    return False
