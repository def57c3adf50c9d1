"""Trace a function: it runs on tracers for its arrays, and the calls that it makes are the program."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from tinygrad_course.compiling.dataflow import Program, Value, argument
from tinygrad_course.compiling.tracing.arguments import argument_names, is_dynamic, named_arguments
from tinygrad_course.compiling.tracing.captured_values import CapturedValues, unaltered
from tinygrad_course.compiling.tracing.changed_arguments import Contents
from tinygrad_course.compiling.tracing.control_flow import ASKING, way_taken
from tinygrad_course.compiling.tracing.lost_nans import loses_nan
from tinygrad_course.compiling.tracing.names_in_code import NamesInCode
from tinygrad_course.compiling.tracing.outside_calls import calls_outside, refuse_outside
from tinygrad_course.compiling.tracing.refusals import (
    IN_PLACE,
    RAISING,
    CannotCompile,
    none_swallowed,
)
from tinygrad_course.compiling.tracing.trace import DIFFERS, OTHER_ARRAY, Trace, same
from tinygrad_course.compiling.tracing.tracer import Tracer
from tinygrad_course.engine import trees
from tinygrad_course.engine.creation import clock
from tinygrad_course.engine.finite_gradients import all_finite
from tinygrad_course.engine.inputs import held, values_of_own, values_returned
from tinygrad_course.engine.masked_gradients import Masks, masks
from tinygrad_course.engine.tensor import Tensor

#: Whether what is recorded is being run on plain arrays: compiled functions inside do what theirs do.
as_arrays: ContextVar[bool] = ContextVar("as_arrays", default=False)


class Run(NamedTuple):
    """A function's call on tracers: what it did, and what it returned."""

    trace: Trace
    program: Program
    paths: list[str]  # where each input is in the arguments: "parameters.W1"
    result: Any  # what the function returned, with a `Value` in each array's place
    # what dicts and lists among the arguments hold that it has changed, by their paths
    changes: dict[str, Any]
    shown: Any  # what it returned, and left of its arguments if it changes them; None once that was looked at
    watched: Masks  # how gradients were computed on the way, if they were
    writes: bool  # whether it was given Tensors of tracers, which may be written to

    def numbers(self) -> Any:
        """Return what was returned, in numbers."""
        with np.errstate(all="ignore"):
            return trees.tree_map(lambda x: x.sample if type(x) is Tracer else x, self.shown)


class Traced(NamedTuple):
    """A function as it was recorded.

    `unmasked`: the program is right where its results are finite; gradients were not masked where `np.where`
    and the like take another branch, and 0 times an infinite derivative is NaN there; an exponential may have
    overflowed. `quiet`: it may come by infinities that no result has, of which the recorder says nothing.
    """

    run: Run
    parameters: list[str]  # the names of the function's arguments
    captured: CapturedValues  # what it may have read from outside
    unmasked: bool
    quiet: bool
    # a number for each result, the same for what lies in one memory: a vector and its parts
    memory: list[int]
    plain: Any = None  # what the function returned for plain arrays, and left of them if it changes them

    def without_numbers(self) -> Traced:
        """Return it without what one call has returned."""
        return self._replace(run=self.run._replace(shown=None), plain=None)


def trace_function(
    f: Callable[..., Any], args: Any, moving: Any, *, masked: bool = True, mended: bool = False
) -> Traced:
    """Record one call of `f`.

    The function is recorded twice. Whatever differs between the two recordings does not come from the
    arguments (a random mask, the time of day), so that a program would repeat it wrongly. And it is run as it
    is: what it returns for plain arrays is what the program has to return, which `same_results.agrees` asks.
    What can't be recorded is `CannotCompile`.

    The numbers at the paths `moving` may change between calls, and so are inputs as arrays are. Without masks
    where there would be some (`masked`) the program is shorter; see `Traced.unmasked`. `mended`: what single
    exponentials lose far out is computed by logarithms. NumPy's own numbers have lost it and are no measure,
    so the function has been held against them at an earlier call.
    """
    captured = captured_by(f, args)
    try:
        try:
            recorder = Recorder(f, args, moving)
            run, unmasked, quiet = recorder.record(captured, masked=masked, mended=mended)
        except CannotCompile as error:
            if not error.writes:
                raise
            recorder = Recorder(f, args, moving, writes=True)
            run, unmasked, quiet = recorder.record(captured, masked=masked, mended=mended)
        _refuse_changes(captured.changed())
    except CannotCompile as error:
        error.outside = not captured.unchanged() or captured.drew() is not None
        raise
    memory = [id(base_of(x)) for _, x in trees.leaves(recorder.plain[0] if run.changes else recorder.plain)]
    names = argument_names(f, len(args))
    return Traced(run, names, captured_by(f, args), unmasked, quiet, memory, recorder.plain)


def captured_by(f: Callable[..., Any], args: Any) -> CapturedValues:
    """Return what a function, and what it is given, may read from outside."""
    objects = [x for _, x in named_arguments(f, args) if not isinstance(x, (np.ndarray, np.generic))]
    return CapturedValues(f, *objects)


def is_repeated(f: Callable[..., Any], args: Any, moving: Any, run: Run) -> bool:
    """Whether `f` does what was recorded of it in another process; nothing is computed."""
    captured = captured_by(f, args)
    try:
        again = Recorder(f, args, moving, run.writes).repeat(run)
    except Exception:  # noqa: BLE001  (whatever it is, it does not go as it did)
        return False
    changed = captured.drew() or captured.leaked() or captured.changed()
    return again.paths == run.paths and changed is None


def _refuse_changes(path: str | None) -> None:
    if path is not None:
        raise CannotCompile(
            f"the function changes {path}, which lies outside its program: that changes dicts and lists "
            "among its arguments alone. Pass arrays and return them, as in  state, cost = step(state, X, Y)"
        )


@dataclass
class Recorder:
    """Runs one call of a function: on tracers, on tracers again, and on plain arrays."""

    f: Callable[..., Any]
    args: Any
    moving: Any
    writes: bool = False  #: whether it writes into arrays, as tracers are not, and Tensors are

    def record(
        self, captured: CapturedValues, *, masked: bool = True, mended: bool = False
    ) -> tuple[Run, bool, bool]:
        """Return a run that stands for every call, whether it is without masks, and whether it is quiet."""
        watched = Masks(made=masked, mended=mended)
        try:
            run = self.run(watched)
        except CannotCompile:
            raise
        except Exception as error:
            if isinstance(error.__cause__, CannotCompile):  # NumPy has put words of its own in its place
                raise error.__cause__ from None
            copies = trees.tree_map(lambda x: x.copy("K") if isinstance(x, np.ndarray) else x, self.args)
            self.plainly(copies)  # the error of the function itself, if it has one
            raise CannotCompile(
                f"the function runs on plain arrays, but not on the tracers that it is recorded with: {error}"
            ) from error
        drawn = captured.drew()
        if drawn is not None:
            raise CannotCompile(
                f"random numbers were drawn inside the function (from {drawn}), and a program would repeat "
                "the same ones in every call: draw them outside, and pass them as an argument"
            )
        _refuse_changes(captured.leaked() or captured.changed())
        quiet = watched.needed
        unmasked = quiet and not masked
        alone = watched.alone > 0 or (watched.recorded and watched.lost > 0)
        since = watched.since if watched.asked else None
        # an exponential's square overflows while the exponential is finite, and dividing by it leaves a 0
        squared = watched.recorded and watched.alone > 0
        if squared:
            watched = Masks(made=masked, mended=True)
            run = self.run(watched)
        self._check_the_way(run, asked=captured.reads(ASKING))
        known = all_finite(x for _, x in trees.leaves((run.result, run.changes)))  # (a program is looked at)
        if unmasked and (not known or loses_nan(run.program, run.trace, since, exponentials=alone)):
            return self.record(captured, mended=True)
        return run, unmasked, quiet

    def run(self, watched: Masks, first: Run | None = None) -> Run:
        """Run the function on tracers, for the first time or as it did then."""
        names = NamesInCode()
        tracing = Trace(names) if first is None else Trace(first=first.trace)
        watched.calls = tracing.calls
        inputs: list[Value] = []
        paths: list[str] = []
        since, given = clock(), list[tuple[Tensor, Tracer]]()

        def wrap(path: str, x: Any) -> Any:
            if not is_dynamic(x, path, self.moving):
                return x
            value = argument(x, path) if first is None else first.program.inputs[len(inputs)]
            inputs.append(value)
            paths.append(path)
            tracer = Tracer(tracing, value, np.asarray(x) if isinstance(x, np.memmap) else x)
            if not self.writes or value.kind != "array" or value.dtype.kind != "f":
                return tracer
            given.append((Tensor(tracer), tracer))
            return given[-1][0]

        token = masks.set(watched)
        try:
            standing = trees.rebuild(
                self.args, iter([wrap(p, x) for p, x in named_arguments(self.f, self.args)])
            )
            contents = Contents(dict(zip(argument_names(self.f, len(standing)), standing, strict=True)))
            with names, none_swallowed(), np.errstate(all="ignore"):
                returned = values_returned(self.f, standing, since)
            if any(held(t)[0] is not t or held(t)[1] is not tracer for t, tracer in given):
                raise CannotCompile(IN_PLACE.format("an argument"))
            standing = trees.tree_map(lambda x: values_of_own(x, since), standing)
            results: list[Value] = []
            result = trees.rebuild(
                returned, iter([_result(p, x, tracing, results) for p, x in trees.leaves(returned)])
            )
            changes = contents.changes(
                lambda path, x: _result(path, values_of_own(x, since), tracing, results)
            )
            needed = {id(v) for v in Program(inputs, results).values()}
            asked = [v for v, _ in tracing.calls if v.function in RAISING and id(v) not in needed]
            program = Program(inputs, results + asked)
            if first is None:
                names.give(program)
        finally:
            masks.reset(token)
            tracing.open, tracing.names = False, None  # names know the numbers, which are large
            watched.calls = ()
        shown = (returned, standing) if changes else returned
        return Run(tracing, program, paths, result, changes, shown, watched, self.writes)

    def on(self, args: Any) -> Run:
        """Run the function on tracers for other arguments of the same kind."""
        return replace(self, args=args).run(Masks(made=True))

    def plainly(self, args: Any, changes: Any = ()) -> Any:
        """Return what `f` returns for plain arrays, and what it leaves of them, if it changes them."""
        args = trees.tree_map(lambda x: x, args)  # whose dicts and lists are ours
        before = as_arrays.set(True)
        try:
            with np.errstate(all="ignore"):
                returned = values_returned(self.f, args)
        finally:
            as_arrays.reset(before)
        return (returned, args) if changes else returned

    def _check_the_way(self, run: Run, *, asked: bool) -> None:
        """Run the function on tracers again, without computing anything, and on plain arrays.

        That it does anything else than in its first run is an error.
        """
        with way_taken(watched=asked) as on_tracers:
            self.repeat(run)
        args = trees.tree_map(lambda x: np.asarray(x) if isinstance(x, np.memmap) else x, self.args)
        with way_taken(watched=asked) as on_arrays, calls_outside() as outside:
            self.plain = self.plainly(args, run.changes)
        refuse_outside(outside)
        if on_tracers != on_arrays:
            raise CannotCompile(
                "the function asks for the type of an argument (type(x) is np.ndarray, np.isscalar, "
                "numbers.Number, functools.singledispatch), and runs other code on the tracers that it is "
                "recorded with than on arrays: ask isinstance(x, np.ndarray), np.ndim(x) == 0, or choose "
                "outside"
            )

    def repeat(self, run: Run) -> Run:
        """Run the function on tracers again, without computing anything; doing anything else is an error."""
        again = self.run(Masks(made=run.watched.made, mended=run.watched.mended), first=run)
        _check_alike(run, again)
        return again


def _check_alike(first: Run, again: Run) -> None:
    """Raise if a function did anything else when it ran for the second time."""
    results = list(zip(first.program.results, again.program.results, strict=False))
    constants = [a.is_constant and b.is_constant for a, b in results]
    for (one, other), constant in zip(results, constants, strict=True):
        if constant and not same(one.data, other.data):
            raise CannotCompile(OTHER_ARRAY.format(one.shape))
    alike = [a is b or constant for (a, b), constant in zip(results, constants, strict=True)]
    counts = [(len(run.trace.calls), len(run.program.results)) for run in (first, again)]
    if not all(alike) or counts[0] != counts[1]:
        raise CannotCompile(DIFFERS)
    returned = [trees.leaves([run.result, run.changes]) for run in (first, again)]
    if _outline([first.result, first.changes]) != _outline([again.result, again.changes]):
        raise CannotCompile(DIFFERS)
    for (path, one), (_, other) in zip(*returned, strict=True):
        if type(one) is not Value and not unaltered(one, other):
            raise CannotCompile(
                f"the function returns a {type(one).__name__} of its own making ({path or 'its result'}), "
                "and a program makes none: return arrays and numbers in dicts, lists and tuples"
            )


def _outline(tree: Any) -> Any:
    """Return the kinds of dicts, lists and tuples in a nest, with their keys."""
    if isinstance(tree, dict):
        return type(tree), *tree, *map(_outline, tree.values())
    return (type(tree), *map(_outline, tree)) if isinstance(tree, (list, tuple)) else tree is None


def base_of(x: Any) -> Any:
    """Return the array whose memory an array shows."""
    while isinstance(x, np.ndarray) and x.base is not None:
        x = x.base
    return x


def _result(path: str, x: Any, tracing: Trace, results: list[Value]) -> Any:
    if type(x) is Tensor:
        raise CannotCompile(
            f"the function returns a Tensor ({path or 'its result'}), and a compiled function keeps no "
            "graph: return its .data, or the gradients that value_and_grad gives"
        )
    if type(x) is Tracer:
        results.append(x.recorded)
        return x.recorded
    if isinstance(x, np.ndarray):
        results.append(tracing.constant(x))
        return results[-1]
    return x
