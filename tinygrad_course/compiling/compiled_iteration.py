"""`compiled_loop`: many steps in one go, without coming back to Python after each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from tinygrad_course.compiling.compiled_function import Compiled
from tinygrad_course.compiling.dataflow import Value
from tinygrad_course.compiling.machine import jit
from tinygrad_course.compiling.machine.columns import Columns, loop_text
from tinygrad_course.compiling.machine.weight_updates import InPlace, Runner, turns
from tinygrad_course.compiling.passes.fuse import NotFused
from tinygrad_course.compiling.passes.hoist import hoist_scale
from tinygrad_course.compiling.passes.lower import lower
from tinygrad_course.compiling.passes.simplify import simplify
from tinygrad_course.compiling.readable.python_source import substitute
from tinygrad_course.compiling.tracing.arguments import named_arguments
from tinygrad_course.compiling.tracing.captured_values import CapturedValues
from tinygrad_course.compiling.tracing.refusals import CannotCompile
from tinygrad_course.compiling.tracing.same_results import agrees
from tinygrad_course.compiling.tracing.trace_function import trace_function
from tinygrad_course.engine import trees
from tinygrad_course.engine.inputs import title

Progress = Callable[[int, int, float], None]

#: After about so many seconds Python gets a look: at Ctrl-C, at the costs, at the progress to report.
LOOK = 0.1


class CompiledLoop:
    """Many steps of a function; see `compiled_loop`.

    Attributes
    ----------
    reached : tuple
        The state and the costs where the last call stopped, also when it was interrupted.
    """

    def __init__(self, step: Callable[..., Any]) -> None:
        self.step = step.function if isinstance(step, Compiled) else step
        self.one = Compiled(self.step, "machine")
        self.reached: tuple[Any, Any] | None = None
        self._runners: dict[Any, Runner] = {}

    def __repr__(self) -> str:
        """Return ``<compiled_loop of step>``."""
        return f"<compiled_loop of {title(self.step)}>"

    def __call__(
        self,
        state: Any,
        *data: Any,
        iterations: int,
        batch_size: int | None = None,
        shuffle: Callable[[int], Any] | None = None,
        progress: Progress | None = None,
    ) -> tuple[Any, Any]:
        """Return the state after `iterations` passes over the data, and the cost of every step.

        Parameters
        ----------
        state : nest of arrays
            The step's first argument: parameters, or parameters and the optimiser's state.
        *data : arrays
            The step's other arguments: X, Y.
        iterations : int
            Passes over the data; without `batch_size` each is one step. With 0 the state comes back as it is.
        batch_size : int, optional
            Each pass takes mini-batches of so many columns, the last one perhaps fewer.
        shuffle : callable, optional
            Returns the order of the columns for a pass, given its number: ``lambda i: rng.permutation(m)``.
        progress : callable, optional
            Called now and then with the steps done, all steps, and the latest cost.

        Raises
        ------
        ValueError
            If `iterations` is negative, `batch_size` is not positive, `shuffle` returns no order of the
            columns, or data whose columns are taken have different numbers of them.
        TypeError
            If the step returns something else than the next state and the cost.
        FloatingPointError
            When a cost is no number or infinite; `reached` has the state then, and the costs.
        """
        if iterations < 0 or (batch_size is not None and batch_size < 1):
            raise ValueError(
                f"iterations={iterations}, batch_size={batch_size}: passes over the data are 0 or more, "
                "and a mini-batch has a column at least"
            )
        if iterations == 0:
            self.reached = state, np.empty(0)
            return self.reached
        spans = self._spans(data, batch_size, shuffled=shuffle is not None)
        total = iterations * sum(count for _, _, count in spans)
        costs = np.empty(total)
        done = 0
        runners = self._find(state, data, spans)
        whole = len(spans) == 1 and spans[0][2] == 1 and shuffle is None
        suits = all(type(r) is InPlace and r.suits(data, whole=whole) for r in runners)
        if not suits and any(type(r) is not _Machine for r in runners):
            runners = [_StepByStep(self.one) for _ in runners]
        holder = runners[0].take(state, total)
        look = _Look(total, progress)
        again = iterations if whole else 1
        turns = self._turns(data, spans, runners)
        try:
            for i in range(iterations // again):
                if shuffle is not None:
                    order = _order(shuffle(i), data)
                    _same_outside(runners)
                    shuffled = tuple(np.ascontiguousarray(x[..., order]) for x in data)
                    turns = self._turns(shuffled, spans, runners)
                for run, batch, hop, count in turns:
                    steps = count * again
                    while steps:
                        n = min(steps, look.pace) if hop == 0 else steps
                        run(holder, batch, hop, n, costs[done : done + n])
                        steps -= n
                        done += n
                        if done >= look.next:
                            look(costs, done)
                            _same_outside(runners if progress else [])
        finally:
            self.reached = runners[0].give(holder), costs[:done]
        return self.reached

    def _turns(
        self, data: tuple[Any, ...], spans: list[tuple[int, int, int]], runners: list[Runner]
    ) -> list[tuple[Any, Any, int, int]]:
        """Return what one pass over the data runs: function, batch, columns from step to step, steps."""
        turns = []
        for (start, width, count), runner in zip(spans, runners, strict=True):
            columns = tuple(x[..., start : start + width * count] for x in data)
            turns.append((runner.run, runner.batch(columns), width if count > 1 else 0, count))
        return turns

    def _spans(
        self, data: tuple[Any, ...], batch_size: int | None, *, shuffled: bool
    ) -> list[tuple[int, int, int]]:
        """Return (first column, columns in a step, steps) for the full batches and the short one."""
        if not all(isinstance(x, np.ndarray) and x.ndim for x in data):
            raise CannotCompile(
                "a loop's data are arrays with the examples in their columns; a number such as the learning "
                "rate is one that the step knows already: functools.partial, or a variable around it"
            )
        widths = {x.shape[-1] for x in data}
        m = max(widths, default=0)
        if len(widths) > 1 and (shuffled or (batch_size is not None and batch_size < m)):
            raise ValueError(
                f"the data have {' and '.join(map(str, sorted(widths)))} columns: a mini-batch, or another "
                "order, is one of the columns of all of them"
            )
        if batch_size is None or batch_size >= m:
            return [(0, m, 1)]
        full, rest = divmod(m, batch_size)
        return [(0, batch_size, full)] + ([(full * batch_size, rest, 1)] if rest else [])

    def _find(self, state: Any, data: tuple[Any, ...], spans: list[tuple[int, int, int]]) -> list[Runner]:
        """Return what runs each span."""
        leaves = trees.leaves(state)
        outline = tuple((p, type(x), getattr(x, "shape", ()), getattr(x, "dtype", None)) for p, x in leaves)
        runners: list[Runner] = []
        for start, width, _ in spans:
            batch = tuple(x[..., start : start + width] for x in data)
            key = outline, tuple((x.shape, x.dtype) for x in batch)
            if key not in self._runners or not self._runners[key].captured.unchanged():
                self._runners[key] = self._runner(state, batch)
            runners.append(self._runners[key])
        return runners

    def _runner(self, state: Any, batch: tuple[Any, ...]) -> Runner:
        with suppress(NotFused, CannotCompile):
            made = _Program(self.step, state, batch)
            with suppress(NotFused):
                return _Machine(made)
            return InPlace(made.program, made.old, made.new, made.cost, made.captured)
        return _StepByStep(self.one)


def compiled_loop(step: Callable[..., Any]) -> CompiledLoop:
    """Return a function that makes many steps of `step` in one go.

    ``step(state, *data)`` returns the next state and the cost. For small networks the whole loop is machine
    code (the extra ``fast``); for others each step is.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_course import value_and_grad
    >>> def step(w, X, Y):
    ...     J, dw = value_and_grad(lambda w: np.mean((np.dot(w, X) - Y) ** 2))(w)
    ...     return w - 0.1 * dw, J
    >>> X = np.linspace(-1, 1, 20).reshape(1, 20)
    >>> w, costs = compiled_loop(step)(np.zeros((1, 1)), X, 3 * X, iterations=200)
    >>> print(w.round(3), costs.shape)
    [[3.]] (200,)
    """
    return CompiledLoop(step)


class _Look:
    """What Python does between stretches of machine code, of some `pace` steps each, after the `next`."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total = total
        self.progress = progress
        self.pace = self.next = 1
        self.seen = 0
        self.clock = self.reported = time.perf_counter()

    def __call__(self, costs: Any, done: int) -> None:
        fresh = costs[self.seen : done]
        if not np.isfinite(fresh).all():
            at = self.seen + int(np.flatnonzero(~np.isfinite(fresh))[0])
            raise FloatingPointError(
                f"the cost is {costs[at]} at step {at + 1} of {self.total}: try a smaller learning rate, or "
                "debug(), which names the operation"
            )
        now = time.perf_counter()
        made, self.clock, elapsed = done - self.seen, now, max(now - self.clock, 1e-9)
        self.pace = max(1, min(8 * made, int(made * LOOK / elapsed)))
        self.seen = done
        self.next = min(done + self.pace, self.total)
        if self.progress is not None and (now - self.reported > LOOK or done == self.total):
            self.reported = now
            self.progress(done, self.total, float(costs[done - 1]))


class _Program:
    """A step as a program from one state to the next."""

    def __init__(self, step: Callable[..., Any], state: Any, batch: tuple[Any, ...]) -> None:
        self.state = state
        self.leaves = leaves = trees.leaves(state)
        args = state, *batch
        numbers = {path for path, x in named_arguments(step, args) if type(x) in {int, float}}
        recording = trace_function(step, args, numbers)
        agrees(recording, step, args, numbers, lambda *_: None)
        self.program = hoist_scale(lower(simplify(recording.run.program), machine=True))
        tree = substitute(recording.run.result, self.program.results)
        if recording.run.changes or not (
            isinstance(tree, tuple) and len(tree) == 2 and isinstance(tree[1], Value) and tree[1].shape == ()
        ):
            raise NotFused
        self.captured = recording.captured
        self.cost = tree[1]
        self.new = [x for _, x in trees.leaves(tree[0])]
        self.old = self.program.inputs[: len(leaves)]
        old = [(p, np.shape(x), np.asarray(x).dtype) for p, x in leaves]
        if (
            not all(isinstance(v, Value) for v in self.new)
            or any(v.is_constant for v in self.new)
            or old != [(p, v.shape, v.dtype) for p, v in trees.leaves(tree[0])]
        ):
            raise NotFused


class _Machine(Runner):
    """The whole loop as machine code, over a flat state."""

    def __init__(self, made: _Program) -> None:
        leaves, program, old, new = made.leaves, made.program, made.old, made.new
        self.captured = made.captured
        if {type(x) for _, x in leaves if getattr(x, "dtype", None) != np.float64} - {int, float}:
            raise NotFused
        columns = Columns(program)
        used = {id(v) for v in program.values()}
        for v in old:
            if id(v) not in columns.names:
                columns.load(v)
            if columns.wide[id(v)]:  # a number for each example
                raise NotFused
        self.places = [i for i, v in enumerate(program.inputs[len(leaves) :]) if id(v) in used]
        data = [program.inputs[len(leaves) + i] for i in self.places]
        self.width, self.numbers = columns.m, columns.numbers.values
        text = loop_text(columns, list(zip(old, new, strict=True)), data, made.cost)
        self.function = jit.function(*text)
        self.tree = made.state
        self.kinds = [(type(x), np.shape(x)) for _, x in leaves]

    def take(self, state: Any, _: int) -> Any:
        parts = [np.asarray(x, dtype=np.float64).reshape(-1) for _, x in trees.leaves(state)]
        return np.concatenate(parts) if parts else np.empty(0)

    def give(self, flat: Any) -> Any:
        sizes = [math.prod(shape) for _, shape in self.kinds]
        parts = zip(self.kinds, np.split(flat, np.cumsum(sizes)), strict=False)
        values = [x.reshape(s).copy() if kind is np.ndarray else kind(x[0]) for (kind, s), x in parts]
        return trees.rebuild(self.tree, iter(values))

    def batch(self, columns: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(np.ascontiguousarray(columns[i]) for i in self.places)

    def run(self, flat: Any, batch: tuple[Any, ...], hop: int, count: int, costs: Any) -> None:
        self.function(flat, *batch, hop, count, self.width, *self.numbers, costs)


class _StepByStep(Runner):
    """A compiled step after the other."""

    def __init__(self, step: Callable[..., Any]) -> None:
        self.step = step
        self.captured = CapturedValues()  # nothing: each step looks

    def run(self, box: Any, batch: tuple[Any, ...], hop: int, count: int, costs: Any) -> None:
        for i, turn in enumerate(turns(batch, hop, count)):
            returned = self.step(box[0], *turn)
            if not (isinstance(returned, tuple) and len(returned) == 2 and np.shape(returned[1]) == ()):
                raise TypeError(
                    "the step of compiled_loop returns the next state and the cost, a number, in this order: "
                    "return parameters, J"
                )
            box[0], costs[i] = returned


def _same_outside(runners: list[Runner]) -> None:
    """Raise if something that the step reads from outside has changed while the loop runs."""
    for path in filter(None, (r.captured.changed() for r in runners)):
        raise CannotCompile(
            f"shuffle or progress has changed {path}, which the step reads, and machine code keeps what it "
            "was: make it a part of the state"
        )


def _order(order: Any, data: tuple[Any, ...]) -> Any:
    """Return an order of the columns, if it is one."""
    columns = data[0].shape[-1] if data else 0
    found = np.asarray(order)
    if found.shape != (columns,) or not np.array_equal(np.sort(found), np.arange(columns)):
        raise ValueError(
            f"shuffle returned an array of shape {found.shape}; it returns the order of the {columns} "
            f"columns: rng.permutation({columns})"
        )
    return found
