"""`compiled`: a function that is recorded once for each signature, and runs as a program from then on."""

import functools
import gc
import inspect
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_course.autodiff.transformed import Transformed
from tinygrad_course.compiling import stored_programs
from tinygrad_course.compiling.machine.fusion import machine_code
from tinygrad_course.compiling.numpy_backend.cache_blocking import block_for_cache
from tinygrad_course.compiling.numpy_backend.code_generation import ShapeError
from tinygrad_course.compiling.numpy_backend.guards import MISS, NOT_FINITE, GuardedProgram
from tinygrad_course.compiling.numpy_backend.horizontal_fusion import fuse_horizontally
from tinygrad_course.compiling.numpy_backend.program_body import ProgramBody
from tinygrad_course.compiling.passes.hoist import hoist_scale
from tinygrad_course.compiling.passes.lower import lower
from tinygrad_course.compiling.passes.simplify import simplify
from tinygrad_course.compiling.passes.stacked_einsums import stack_einsums
from tinygrad_course.compiling.readable.program_graph import graph_of
from tinygrad_course.compiling.readable.python_source import Source, substitute
from tinygrad_course.compiling.tracing.arguments import is_foreign, named_arguments, native, signature
from tinygrad_course.compiling.tracing.captured_values import CapturedValues
from tinygrad_course.compiling.tracing.changed_arguments import containers
from tinygrad_course.compiling.tracing.lost_nans import leaves_range
from tinygrad_course.compiling.tracing.refusals import BY_VALUES, CannotCompile, DecidedByError
from tinygrad_course.compiling.tracing.same_results import agrees, fault
from tinygrad_course.compiling.tracing.trace_function import Traced, as_arrays, trace_function
from tinygrad_course.engine import trees
from tinygrad_course.engine.errors import blocks
from tinygrad_course.engine.inputs import title, values_returned
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.graph.node import Graph

#: Programs that are tried one after the other before a call's signature is looked at whole: a loop over
#: mini-batches, the last of them short, needs two.
RECENT = 4
#: More signatures than this, and the function says so: something changes in every call.
MANY = 32
#: So many programs are kept that are made for an object (a model) that is not looked into.
OBJECTS = 8


class Compiled(Transformed):
    """A function that runs as a program; see `compiled`."""

    def __init__(self, function: Callable[..., Any], engine: str = "numpy") -> None:
        super().__init__(function, compiled, function, engine)
        self.function = function
        self.engine = engine
        self.masked: set[Any] = set()  # the signatures whose programs need masks
        self.moving: set[str] = set()  # the paths of numbers that have changed between calls
        self.fixed: set[str] = set()  # those of numbers that the program is made for
        self._forget()
        self._recording_one = threading.RLock()

    def _forget(self) -> None:
        self.programs: dict[Any, tuple[Traced, GuardedProgram]] = {}
        self._last: Callable[..., Any] = lambda *_: MISS
        self._recent: list[tuple[Callable[..., Any], Traced]] = []  # the latest first

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the function returns."""
        if kwargs:
            args = self._positional(args, kwargs)
        if blocks.open:
            return values_returned(self.function, args)
        try:
            try:
                result = self._last(*args)
            except TypeError:
                if len(args) == _count(self._last):  # (-1.5) ** 0.5 is a complex number of Python's
                    return values_returned(self.function, args)
                result = MISS
            return self._find(args) if result is MISS or result is NOT_FINITE else result
        except OverflowError:  # of an integer beyond 64 bits
            return values_returned(self.function, args)
        except ShapeError:  # of np.unique, say
            if self._fix_numbers(args):
                return self._find(args)
        except (*BY_VALUES, DecidedByError):  # of a singular matrix: the function may know what to do then
            pass
        return values_returned(self.function, args)

    # ------------------------------------------------------------------ what it shows

    def __repr__(self) -> str:
        """Return ``<compiled step: numpy, recorded for 2 signatures>``."""
        n = len(self.programs)
        told = f"recorded for {n} signature{'s' * (n != 1)}" if n else "not recorded yet"
        return f"<compiled {title(self.function)}: {self.engine}, {told}>"

    @property
    def source(self) -> str:
        """The latest program as readable Python in the function's names; needs ``import numpy as np``."""
        return self._source().text

    @property
    def constants(self) -> dict[str, Any]:
        """Arrays in `source` that are too large to be printed: its last arguments."""
        return self._source().constants

    @property
    def graph(self) -> Graph:
        """The latest program, simplified, as a graph: ``step.graph.render("step.svg")``."""
        return graph_of(simplify(self._recording().run.program, readable=True))

    @property
    def recorded(self) -> Graph:
        """The same as it was recorded, before anything was simplified."""
        return graph_of(self._recording().run.program)

    def _source(self) -> Source:
        recording = self._recording()
        program = simplify(recording.run.program, readable=True)
        tree, changes = substitute((recording.run.result, recording.run.changes), program.results)
        name = self.function.__name__ if self.function.__name__.isidentifier() else "step"
        return Source(name, program, recording.run.paths, tree, changes, recording.parameters)

    def _recording(self) -> Traced:
        if not self._recent:
            raise RuntimeError(
                f"{title(self.function)} is recorded at its first call: call it once, then look"
            )
        return self._recent[0][1]

    # ------------------------------------------------------------------ finding the program of a call

    def _use(self, call: Callable[..., Any], recording: Traced) -> None:
        """Try this program first from now on."""
        self._recent = [(call, recording), *[r for r in self._recent if r[0] is not call][: RECENT - 1]]
        self._last = call

    def _find(self, args: tuple[Any, ...]) -> Any:
        for call, recording in self._recent[1:]:
            if len(args) == _count(call):
                result = call(*args)
                if result is not MISS and result is not NOT_FINITE:
                    self._use(call, recording)
                    return result
        leaves = named_arguments(self.function, args)
        if as_arrays.get() or any(type(x) is Tensor or is_foreign(x) for _, x in leaves):
            return values_returned(self.function, args)
        if any(native(x) is not x for _, x in leaves):
            result = self._find(trees.tree_map(native, args))
            return (
                values_returned(self.function, args)
                if self._recent and self._recording().run.changes
                else result
            )
        things = [x for _, x in leaves if isinstance(x, np.ndarray)]
        things += [x for arg in args for _, x in containers(arg, "")]
        if len({*map(id, things)}) < len(things) and CapturedValues(self.function, *args).identity:
            return values_returned(self.function, args)  # which asks whether X is Y
        key = self._key(args, leaves)
        known = self.programs.get(key)
        if known is not None and known[0].captured.unchanged():
            traced, program = known
            result = program.call(*args)
            if result is MISS:  # another thread is running it: a program of its own memory
                result = self._make(traced, args).call(*args)
            if result is not NOT_FINITE or not traced.unmasked:
                self._use(program.call, traced)
                return self._right(result, args)
            self.masked.add(key)
        return self._new(args, key, leaves)

    def _new(
        self,
        args: tuple[Any, ...],
        key: Any,
        leaves: list[tuple[str, Any]],
        refused: CannotCompile | None = None,
    ) -> Any:
        """Record a call, and return what its program returns."""
        try:
            with self._recording_one, _uncollected():  # whose key says what has moved while it was recorded
                self._notice(key, leaves)
                traced, program, result = self._record(args, leaves)
                self.programs[self._key(args, leaves)] = traced, program
                objects = [k for k in self.programs if any(type(s[1]) is int for _, s in k[1])]
                for old in objects[:-OBJECTS]:  # an object that is made for each call is not held for ever
                    del self.programs[old]
        except CannotCompile as error:
            if isinstance(error, DecidedByError):
                raise
            if self._changes_by_itself(100 if error.outside else 40):
                return values_returned(self.function, args)
            if refused or not error.outside:
                raise (refused or error) from None
            return self._new(args, key, leaves, error)  # another thread may have been at work that once
        self._use(program.call, traced)
        if len(self.programs) == MANY + 1:
            warnings.warn(
                f"{title(self.function)} has been recorded for {MANY} signatures, which takes longer than it "
                "saves: an argument that is not an array, or a shape, changes from call to call. Pass "
                "changing numbers as np.float64(x).",
                RuntimeWarning,
                stacklevel=4,
            )
        result = program.call(*args) if result is None else result
        return self._find(args) if result is NOT_FINITE else self._right(result, args)

    def _fix_numbers(self, args: tuple[Any, ...]) -> bool:
        """Make programs for the values of numbers that move, as x[:n] needs; return whether there are any."""
        with self._recording_one:
            numbers = self._fixed({path for path, _ in named_arguments(self.function, args)})
            if numbers:
                self._forget()
        return bool(numbers)

    def _fixed(self, paths: set[str]) -> set[str]:
        """Return those of some numbers that move, whose values matter: programs are made for these."""
        numbers = paths & self.moving
        self.moving -= numbers
        self.fixed |= numbers
        return numbers

    def _right(self, result: Any, args: tuple[Any, ...]) -> Any:
        """Return a result, or the function's own: the recorder computes again what has left the range."""
        # (MISS: another thread has just changed what the function reads)
        return values_returned(self.function, args) if result is MISS or result is NOT_FINITE else result

    def _changes_by_itself(self, looks: int) -> bool:
        """Whether another thread is changing what the function reads, or draws random numbers."""
        before = CapturedValues(self.function)
        for _ in range(looks):
            time.sleep(0.0007)
            if before.changed() or before.drew():
                return True
        return False

    def _record(
        self, args: tuple[Any, ...], leaves: list[tuple[str, Any]]
    ) -> tuple[Traced, GuardedProgram, Any]:
        try:
            return self._recorded(args, self._key(args, leaves))
        except CannotCompile:
            if not self._fixed({path for path, x in leaves if type(x) in {int, float}}):
                raise
        return self._recorded(args, self._key(args, leaves))

    def _recorded(self, args: tuple[Any, ...], key: Any) -> tuple[Traced, GuardedProgram, Any]:
        """Return the program of a call as it is kept on disk, or made now, and its result if it has run."""
        masked = key in self.masked
        name = stored_programs.name_of_file(self.function, args, key, self.engine, masked)
        found = name and stored_programs.find(name, self.function, args, self.moving)
        if found:
            return found.traced, GuardedProgram(found, args, found.traced), None
        begin = time.perf_counter()
        for made_with in (masked, True):
            recording = trace_function(self.function, args, self.moving, masked=made_with, mended=masked)
            try:
                made = self._make(recording, args)
            except BY_VALUES as error:  # not of the function's: it has run
                raise fault(self.function, self.engine) from error
            call = functools.partial(_tried, made.call)
            right, result = agrees(
                recording, self.function, args, self.moving, call, self.engine, held=masked
            )
            if right:
                break
        recording = recording.without_numbers()
        if name and time.perf_counter() - begin > stored_programs.QUICK:
            stored_programs.keep(name, recording, made.body.run)
        return recording, made, result

    def _make(self, recording: Traced, args: tuple[Any, ...]) -> GuardedProgram:
        machine = self.engine == "machine"
        program = stack_einsums(simplify(recording.run.program))
        program = lower(program if machine else hoist_scale(program), machine=machine)
        count = len(program.results)
        looks = recording.unmasked or (recording.run.watched.swept and leaves_range(program))
        if machine:
            program, looked_at = machine_code(program, looks=looks)
        else:
            program = block_for_cache(fuse_horizontally(program))
            looked_at = program.results
        tree, changes = substitute((recording.run.result, recording.run.changes), program.results[:count])
        returned = [x for _, x in trees.leaves(tree)]
        body = ProgramBody(
            program,
            list(zip(returned, recording.memory, strict=True)),
            [x for _, x in trees.leaves(changes)],
            looked_at if looks else [],
        )
        return GuardedProgram(body, args, recording)

    def _notice(self, key: Any, leaves: list[tuple[str, Any]]) -> None:
        """Find numbers in which this call alone differs from an earlier one: they become inputs."""
        numbers = {path for path, x in leaves if type(x) in {int, float}} - self.fixed
        for other in self.programs:
            differing = {a[0] for a, b in zip(key[1], other[1], strict=False) if a != b}
            if key[0] == other[0] and differing and differing <= numbers:
                self.moving |= differing
                return

    def _key(self, args: Any, leaves: list[tuple[str, Any]]) -> Any:
        outline = repr(trees.rebuild(args, iter(["."] * len(leaves))))
        return outline, tuple((path, signature(x, path, self.moving)) for path, x in leaves)

    def _positional(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        bound = inspect.signature(self.function).bind(*args, **kwargs)
        named = bound.kwargs
        bound.apply_defaults()
        if named:
            raise CannotCompile(
                f"{title(self.function)} takes {sorted(named)} by keyword only; a compiled function's "
                "arguments can all be given by position"
            )
        return bound.args


def _tried(call: Callable[..., Any], *args: Any) -> Any:
    try:
        result = call(*args)
    except (OverflowError, ShapeError, *BY_VALUES, DecidedByError):
        return None
    return None if result is MISS or result is NOT_FINITE else result


def compiled(function: Callable[..., Any], engine: str = "numpy") -> Compiled:
    """Return a function that runs as a program of its own, without the recorder.

    The function is recorded at its first call, and once more for every new signature: shapes and dtypes of
    arrays, the values of other arguments. What it reads from outside (globals, closures) belongs to the
    signature. Calls of `value_and_grad`, `grad` and optimisers inside are part of the program.

    Parameters
    ----------
    function : callable
        Of arrays, numbers and nests of them; it may call for gradients.
    engine : {"numpy", "machine"}
        What runs the program: NumPy, or machine code (the extra ``fast``), which takes seconds to make.

    Returns
    -------
    Compiled
        Takes and returns what the function took and returned. ``.source`` is the program as Python text,
        ``.graph`` as a graph, ``.recorded`` the graph before it was simplified.

    Raises
    ------
    CannotCompile
        At the first call, if the function does what a program can't repeat: decides by a value
        (``if cost < 1``), prints one, draws random numbers, changes something outside itself.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_course import value_and_grad
    >>> def cost(w, X, Y):
    ...     A = 1 / (1 + np.exp(-np.dot(w.T, X)))
    ...     return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / X.shape[1]
    >>> @compiled
    ... def step(w, X, Y):
    ...     J, dw = value_and_grad(cost)(w, X, Y)
    ...     return w - 0.5 * dw, J
    >>> X, Y = np.array([[1.0, -2.0]]), np.array([[1.0, 0.0]])
    >>> w, J = step(np.zeros((1, 1)), X, Y)
    >>> print(w, J)
    [[0.375]] 0.6931471805599453
    """
    if not callable(function):
        raise TypeError(f"compiled() takes a function, and this is {type(function).__name__}")
    if engine not in {"numpy", "machine"}:
        raise ValueError(f"engine={engine!r}: the engines are 'numpy' and 'machine'")
    return Compiled(function, engine)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Leave the garbage collector alone: recording makes many objects that stay, and no circles."""
    enabled, frozen = gc.isenabled(), gc.get_freeze_count()
    gc.disable()
    try:
        yield
    finally:
        if enabled and not frozen:  # it counts them among the old ones, without looking at each
            gc.freeze()
            gc.unfreeze()
        if enabled:
            gc.enable()


def _count(call: Callable[..., Any]) -> int:
    return call.__code__.co_argcount
