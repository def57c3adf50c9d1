"""The training loop: mini-batches, progress, history, checkpoints; and `mini_batches` by itself."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_course.autodiff.gradients import value_and_grad
from tinygrad_course.compiling import compiled
from tinygrad_course.engine import trees
from tinygrad_course.functions.streams import Stream, only_stream, stream
from tinygrad_course.training.batches import Array, count_examples, examples, mini_batches
from tinygrad_course.training.optimizers import Optimizer
from tinygrad_course.training.resuming import Book, Run, positions_of, run_of, setup_of

__all__ = ["InterruptedRun", "NotFiniteError", "Run", "fit", "mini_batches"]

Nest = Any
Cost = Callable[[Nest, Any, Any], Any]
Shuffle = int | Stream | Callable[[int], Stream]


class NotFiniteError(FloatingPointError):
    """Training has come to a cost that is NaN or infinite."""


class InterruptedRun(KeyboardInterrupt):
    """Ctrl-C has stopped `fit`; ``run`` is where it stood after its last whole epoch."""

    def __init__(self, message: str, run: Run) -> None:
        super().__init__(message)
        self.run = run


# ------------------------------------------------------------------ the loop


def fit(
    cost: Cost,
    parameters: Nest,
    X: Any,
    Y: Any,
    optimizer: Optimizer,
    *,
    epochs: int,
    batch_size: int | None = None,
    rng: Shuffle = 0,
    axis: int = -1,
    streams: Mapping[str, Stream] | None = None,
    state: Nest = None,
    checkpoint: str | os.PathLike[str] | None = None,
    every: int = 100,
    setup: Mapping[str, Any] | None = None,
    show: bool | None = None,
    after_epoch: Callable[[int, float, Nest], object] | None = None,
    compile: bool = False,
) -> Run:
    """Lower a cost by gradients from its graph.

    Parameters
    ----------
    cost : callable
        ``cost(parameters, X, Y)`` returns the scalar J, written in NumPy and `tinygrad_course.functions`.
    parameters : nest of ndarray
        Where to start; not changed.
    X, Y : arrays with examples as columns, or HDF5 datasets
    optimizer : GradientDescent, Momentum, Adam, or the like
    epochs : int
        Passes through the data. Without mini-batches an epoch is one of the course's iterations.
    batch_size : int, optional
        Examples in a mini-batch; None for all of them, in their order.
    rng : int, RandomState, Generator or callable
        Shuffles before each epoch. A callable is given the number of the epoch, from 0, and returns a stream
        for it alone, as the course does: ``lambda epoch: np.random.RandomState(11 + epoch)``.
    axis : int
        Where the examples are counted in X and Y, see `mini_batches`.
    streams : mapping of str to RandomState or Generator, optional
        What the cost draws from (dropout), so that a checkpoint can put it back.
    state : nest, optional
        The optimiser's, to go on with.
    checkpoint : path, optional
        A file to save in, every `every` epochs, at the end, and on Ctrl-C. If it exists, the run goes on
        from it.
    every : int
        Epochs from one save to the next.
    setup : mapping, optional
        What else tells this run from others, in JSON's terms; it goes into the checkpoint and must be the
        same when the run goes on.
    show : bool, optional
        Show progress; None: where rich is installed and stderr is a terminal.
    after_epoch : callable, optional
        Called with the number of epochs done, the last one's cost, and the parameters. If it returns
        something true, the run ends there.
    compile : bool
        Turn the step, gradient and update together, into a program at its first recording: see `compiled`.
        For a cost that draws nothing at random.

    Returns
    -------
    Run

    Raises
    ------
    NotFiniteError
        At the first cost that is NaN or infinite, with the iteration; and, under `debug()`, the operation.
    CheckpointError
        If `checkpoint` is a damaged file, or one of another run.
    InterruptedRun
        On Ctrl-C, after saving; it is a KeyboardInterrupt.
    CannotCompile
        With `compile`, if the cost draws at random or branches on a value.

    Examples
    --------
    >>> from tinygrad_course.functions import sigmoid, binary_cross_entropy
    >>> from tinygrad_course.training.optimizers import GradientDescent
    >>> def cost(p, X, Y):
    ...     return binary_cross_entropy(sigmoid(np.dot(p["w"], X) + p["b"]), Y)
    >>> X, Y = np.array([[-2.0, -1.0, 1.0, 2.0]]), np.array([[0, 0, 1, 1]])
    >>> run = fit(cost, {"w": np.zeros((1, 1)), "b": np.zeros((1, 1))}, X, Y, GradientDescent(1.0), epochs=10)
    >>> [round(J, 3) for J in run.history["cost"][::3]]
    [0.693, 0.153, 0.095, 0.07]
    """
    if epochs < 0 or every < 1:
        raise ValueError(f"epochs={epochs} and every={every}; expected epochs from 0 and every from 1")
    count_examples(X, Y, axis)
    shuffle = rng if callable(rng) else stream(rng)
    drawn = {name: only_stream(s, f"the stream {name!r}") for name, s in (streams or {}).items()}
    if batch_size is not None and not callable(shuffle):
        drawn["shuffle"] = shuffle
    run = Run(parameters, optimizer.init(parameters) if state is None else state)
    book = None
    if checkpoint is not None:
        told = setup_of(parameters, X, Y, optimizer, batch_size, dict(setup or {}))
        book = Book(Path(checkpoint), every, told, drawn)
        run = book.open(run)
    step = _step(cost, optimizer)
    loop = _Loop(compiled(step) if compile else step, X, Y, batch_size, shuffle, axis)
    return _train(loop, run, epochs, book, drawn, show, after_epoch)


def _step(cost: Cost, optimizer: Optimizer) -> Callable[[Nest, Nest, Any, Any], tuple[Any, Nest, Nest]]:
    """Return the function that computes the cost of a batch, and the parameters and state after it."""
    differentiated = value_and_grad(cost)

    def step(parameters: Nest, state: Nest, X: Any, Y: Any) -> tuple[Any, Nest, Nest]:
        J, grads = differentiated(parameters, X, Y)
        return (J, *optimizer.update(parameters, grads, state))

    return step


class _Loop:
    """One epoch: the batches in turn, a step for each."""

    def __init__(
        self,
        step: Callable[[Nest, Nest, Any, Any], tuple[Any, Nest, Nest]],
        X: Any,
        Y: Any,
        batch_size: int | None,
        shuffle: Stream | Callable[[int], Stream],
        axis: int,
    ) -> None:
        self.step = step
        self.shuffle = shuffle
        self.batch_size = batch_size
        self.axis = axis
        self.X, self.Y = X, Y
        if batch_size is None and not (
            isinstance(X, np.ndarray) and isinstance(Y, np.ndarray) and axis == -1
        ):
            every = np.arange(count_examples(X, Y, axis))
            self.X, self.Y = examples(X, every, axis), examples(Y, every, axis)

    def batches(self, epoch: int) -> Iterator[tuple[Array, Array]]:
        if self.batch_size is None:
            return iter(((self.X, self.Y),))
        rng = self.shuffle(epoch) if callable(self.shuffle) else self.shuffle
        return mini_batches(self.X, self.Y, self.batch_size, rng, self.axis)

    def epoch(self, number: int, parameters: Nest, state: Nest) -> tuple[float, float, Nest, Nest]:
        """Return the mean cost, the last batch's cost, and the parameters and state after one epoch."""
        total, m, J = 0.0, 0, 0.0
        for batch, (X, Y) in enumerate(self.batches(number)):
            try:
                value, after, later = self.step(parameters, state, X, Y)
            except FloatingPointError as error:
                raise NotFiniteError(f"{self.place(number, batch)}: {error}") from error
            J = float(value)
            if not math.isfinite(J):
                raise NotFiniteError(self.diverged(J, number, batch, parameters))
            parameters, state = after, later
            count = X.shape[-1]
            total, m = (J * count, count) if m == 0 else (total + J * count, m + count)
        return (J if m == count else total / m), J, parameters, state

    def place(self, epoch: int, batch: int) -> str:
        if self.batch_size is None:
            return f"iteration {epoch}"
        return f"epoch {epoch}, mini-batch {batch}"

    def diverged(self, J: float, epoch: int, batch: int, parameters: Nest) -> str:
        message = f"the cost is {J} at {self.place(epoch, batch)} (counted from 0)"
        bad = [path for path, value in trees.leaves(parameters) if not np.all(np.isfinite(value))]
        if bad:
            message += f"; NaN or infinity is in {', '.join(bad)} by then"
        return (
            message
            + ". A learning rate that is too large is the usual cause, a log of 0 or an overflow the next. "
            "Run it under `with tinygrad_course.debug():` to see which operation made it first"
        )


def _train(
    loop: _Loop,
    run: Run,
    epochs: int,
    book: Book | None,
    drawn: Mapping[str, Stream],
    show: bool | None,
    after_epoch: Callable[[int, float, Nest], object] | None,
) -> Run:
    # What is done is replaced in one assignment, so that Ctrl-C finds a whole epoch whenever it comes.
    history = run.history
    done = (run.epoch, run.parameters, run.state, positions_of(drawn))
    try:
        with _progress(show, run.epoch, epochs) as report:
            while done[0] < epochs:
                number, parameters, state, _ = done
                J, last, parameters, state = loop.epoch(number, parameters, state)
                history["cost"].append(J)
                history["last_batch"].append(last)
                done = (number + 1, parameters, state, positions_of(drawn))
                report(number + 1, J)
                if book is not None and (number + 1) % book.every == 0:
                    book.save(done, history)
                if after_epoch is not None and after_epoch(number + 1, J, parameters):
                    break
        run = run_of(done, history)
        if book is not None:
            book.save(done, history)
    except KeyboardInterrupt:
        message = f"stopped by Ctrl-C after epoch {done[0]} of {epochs}"
        if book is None:
            message += "; nothing was saved: fit(..., checkpoint='run.h5') saves"
        else:
            book.save(done, history)
            message += f"; {book.path} holds the run up to there. Run the same program again and it goes on"
        raise InterruptedRun(message, run_of(done, history)) from None
    return run


# ------------------------------------------------------------------ progress


@contextmanager
def _progress(show: bool | None, begun: int, epochs: int) -> Iterator[Callable[[int, float], None]]:
    """Give a function that is told of each epoch, and draws with rich where there is somebody to see it."""
    console = None
    if show is not False:
        try:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            console = Console(stderr=True)
        except ModuleNotFoundError:
            if show:
                raise ModuleNotFoundError(
                    "show=True draws with rich, which is not installed: pip install rich"
                ) from None
    if console is None or not (show or console.is_terminal):
        yield lambda epoch, J: None
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("cost {task.fields[cost]}"),
        TimeRemainingColumn(),
    )
    with Progress(TextColumn("epoch"), *columns, console=console, auto_refresh=False) as bar:
        task = bar.add_task("", total=epochs, completed=begun, cost="")
        seen = 0.0

        def report(epoch: int, J: float) -> None:
            nonlocal seen
            if time.monotonic() - seen > 0.1 or epoch == epochs:
                bar.update(task, completed=epoch, cost=f"{J:.6f}", refresh=True)
                seen = time.monotonic()

        yield report
