"""The training loop: `fit`."""

import functools
import importlib.util
import math
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from tinygrad_course.autodiff.gradients import value_and_grad
from tinygrad_course.compiling import compiled
from tinygrad_course.engine import trees
from tinygrad_course.engine.trees import Nest
from tinygrad_course.functions.streams import Position, Stream, only_stream, position, stream
from tinygrad_course.training.batches import count_examples
from tinygrad_course.training.descent import Optimizer, by_name
from tinygrad_course.training.epochs import Cost, Draw, Epochs, Metric, Step, cost_and_kept, measuring
from tinygrad_course.training.progress import progress
from tinygrad_course.training.resuming import SavedRun, data_of, described, setup_of
from tinygrad_course.training.runs import EarlyStopping, Run, monitored
from tinygrad_course.training.schedules import ReduceOnPlateau

Shuffle = int | Stream | Callable[[int], Stream]
Callback = Callable[[Run], object]


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
    optimizer: Optimizer | str,
    *,
    epochs: int,
    batch_size: int | None = None,
    rng: Shuffle = 0,
    axis: int = -1,
    streams: Mapping[str, Stream] | None = None,
    draw: Draw | None = None,
    validation: tuple[Any, Any] | None = None,
    evaluate: Cost | None = None,
    metrics: Mapping[str, Metric] | None = None,
    early_stopping: EarlyStopping | int | None = None,
    callbacks: Callback | Sequence[Callback] = (),
    state: Nest = None,
    checkpoint: str | os.PathLike[str] | None = None,
    every: int = 100,
    setup: Mapping[str, Any] | None = None,
    show: bool | None = None,
    title: str = "epoch",
    compile: bool | str = False,
) -> Run:
    """Lower a cost by gradients from its graph.

    Parameters
    ----------
    cost : callable
        ``cost(parameters, X, Y)`` returns the scalar J, written in NumPy and `tinygrad_course.functions`.
        Or J and a dict of parameters that are not learned but kept, such as batch norm's running means: its
        entries take the place of those that were there.
    parameters : nest of ndarray
        Where to start; not changed.
    X, Y : arrays with examples as columns, or HDF5 datasets
    optimizer : GradientDescent, Momentum, RMSprop, Adam, AdamW, or the like
        Or the name of one, "adam", with its defaults.
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
    draw : callable, optional
        Called with the number of examples before each step; what it returns, a tuple (of dropout masks), goes
        to the cost after X and Y. So a cost that is compiled can have fresh random numbers.
    validation : tuple of X and Y, optional
        Examples that are held out: after each epoch their cost goes into the history.
    evaluate : callable, optional
        The cost of the validation data, where it is another than `cost`: without dropout, say.
    metrics : mapping of str to callable, optional
        ``metric(parameters, X, Y)`` returns a number, which goes into the history after each epoch:
        ``{"accuracy": lambda p, X, Y: np.mean(predict(p, X) == Y)}``.
    early_stopping : EarlyStopping or int, optional
        End after so many epochs without a lower cost (of the validation data, where there are any), and
        return the parameters of the best epoch.
    callbacks : callable, or sequence of callables
        Called after each epoch with the `Run` so far, which they leave as it is. If one returns something
        true, the run ends there.
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
    title : str
        What stands before the progress bar.
    compile : bool or str
        Turn the step, gradient and update together, into a program at its first recording: see `compiled`,
        whose engine a text names, "numpy" or "machine". For a cost that draws nothing at random. "auto" does
        it where the number of steps and their size make up for the time it takes: machine code, where
        llvmlite is installed, for what would take five seconds.

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

    Warns
    -----
    RuntimeWarning
        If the run can't be saved: midway training goes on, and at its end the run is returned all the same.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_course.functions import sigmoid, binary_cross_entropy
    >>> from tinygrad_course.training.descent import GradientDescent
    >>> def cost(p, X, Y):
    ...     return binary_cross_entropy(sigmoid(np.dot(p["w"], X) + p["b"]), Y)
    >>> X, Y = np.array([[-2.0, -1.0, 1.0, 2.0]]), np.array([[0, 0, 1, 1]])
    >>> run = fit(cost, {"w": np.zeros((1, 1)), "b": np.zeros((1, 1))}, X, Y, GradientDescent(1.0), epochs=10)
    >>> [round(J, 3) for J in run.history["cost"][::3]]
    [0.693, 0.153, 0.095, 0.07]
    """
    if epochs != int(epochs) or epochs < 0 or every != int(every) or every < 1:
        raise ValueError(
            f"epochs={epochs!r} and every={every!r}; expected whole numbers, epochs from 0 and every from 1"
        )
    if batch_size is not None and (batch_size != int(batch_size) or batch_size < 1):
        raise ValueError(
            f"batch_size is {batch_size!r}; expected the number of examples in a batch, at least 1, or None"
        )
    count_examples(X, Y, axis)
    optimizer = by_name(optimizer)
    shuffle = rng if callable(rng) else stream(rng)
    drawn = {name: only_stream(s, f"the stream {name!r}") for name, s in (streams or {}).items()}
    if batch_size is not None and not callable(shuffle):
        drawn["shuffle"] = shuffle
    if isinstance(early_stopping, int):
        early_stopping = EarlyStopping(early_stopping)
    elif not isinstance(early_stopping, EarlyStopping | None):
        raise TypeError(
            f"early_stopping is {early_stopping!r}; expected a number of epochs, or EarlyStopping"
        )
    measured = measuring(evaluate or cost, metrics or {}, X, Y, validation, axis)
    run = Run(parameters, optimizer.init(parameters) if state is None else state)
    saved = None
    if checkpoint is not None:
        more = {
            "validation": None if validation is None else [data_of(part) for part in validation],
            "metrics": list(metrics or {}) or None,
            "early_stopping": None if early_stopping is None else described(early_stopping),
        }
        told = setup_of(parameters, X, Y, optimizer, batch_size, {**(setup or {}), **more})
        saved = SavedRun(Path(checkpoint), every, told, drawn)
        run = saved.open(run)
    step = _step(cost, optimizer)
    if compile == "auto":
        m = count_examples(X, Y, axis)
        compile = _engine(parameters, min(batch_size or m, m), epochs * -(-m // (batch_size or m)))
    if compile:
        step = compiled(step, engine=compile if isinstance(compile, str) else "numpy")
    steps = Epochs(step, X, Y, batch_size, shuffle, axis, draw)
    after = (callbacks,) if callable(callbacks) else tuple(callbacks or ())
    training = _Training(steps, measured, optimizer, early_stopping, after, drawn, saved)
    return training.run(run, epochs, show, title)


def _engine(parameters: Nest, columns: int, steps: int) -> str | bool:
    """Return the engine that makes up for the time it takes to compile, judged by sizes, not by the clock.

    So the same run computes the same bits each time. Recorded, a step takes about so many seconds: making a
    program takes a tenth, machine code up to two, and they save a fifth and a third or more.
    """
    shapes = [np.shape(value) for _, value in trees.leaves(parameters)]
    entries, units = sum(map(math.prod, shapes)), sum(shape[0] for shape in shapes if shape)
    seconds = steps * (2e-4 + columns * (2.5e-10 * entries + 2e-8 * units))
    if seconds > 5 and importlib.util.find_spec("llvmlite") is not None:
        return "machine"
    return "numpy" if seconds > 1 else False


def _step(cost: Cost, optimizer: Optimizer) -> Step:
    """Return the function that computes the cost of a batch, and the parameters and state after it."""

    @functools.wraps(cost)  # errors call it by its name
    def both(*given: Any) -> Any:
        return cost_and_kept(cost(*given))

    differentiated = value_and_grad(both, has_aux=True)

    def step(parameters: Nest, state: Nest, X: Any, Y: Any, *drawn: Any) -> tuple[Any, Nest, Nest]:
        (J, kept), grads = differentiated(parameters, X, Y, *drawn)
        after, later = optimizer.update(parameters, grads, state)
        return J, {**after, **kept} if kept else after, later

    return step


@dataclass
class _Training:
    """The epochs one after another, and what is done after each."""

    steps: Epochs
    measured: Callable[[Nest], dict[str, float]]
    optimizer: Optimizer
    stopping: EarlyStopping | None
    callbacks: tuple[Callback, ...]
    streams: Mapping[str, Stream]
    saved: SavedRun | None

    def run(self, run: Run, epochs: int, show: bool | None, title: str) -> Run:
        """Train from where `run` stands, up to so many epochs in all."""
        # What is done is replaced in one assignment, so that Ctrl-C finds a whole epoch whenever it comes.
        if self.stopping is not None and run.epoch > 0:  # a run that goes on
            best = self.stopping.best(monitored(run.history, self.stopping.monitor))
            run = replace(run, best_epoch=None if best is None else best + 1)
        done = (run, self._positions())
        try:
            with progress(title, epochs, done=run.epoch, show=show) as report:
                while run.epoch < epochs and not (
                    self.stopping and run.epoch - (run.best_epoch or 0) >= self.stopping.patience
                ):
                    run = self._after(run, *self.steps.run(run.epoch, run.parameters, run.state))
                    done = (run, self._positions())
                    report(run.epoch, run.history["cost"][-1])
                    if self.saved is not None and run.epoch % self.saved.every == 0 and run.epoch < epochs:
                        self._save(*done, midway=True)
                    if any([callback(run) for callback in self.callbacks]):  # noqa: C419  (each is told)
                        break
            if self.saved is not None:
                self._save(*done)
        except KeyboardInterrupt:
            message = f"stopped by Ctrl-C after epoch {done[0].epoch} of {epochs}; {self._keep(*done)}"
            raise InterruptedRun(message, _of_best(_cut(done[0]))) from None
        return _of_best(run)

    def _after(self, run: Run, J: float, last: float, parameters: Nest, state: Nest) -> Run:
        """Return the run after one more epoch."""
        values = {"cost": J, "last_batch": last, **self.measured(parameters)}
        epoch, history = run.epoch + 1, run.history
        for name, value in values.items():
            # Columns that a run before lacked are NaN there.
            column = history.setdefault(name, [math.nan] * run.epoch)
            del column[run.epoch :]
            column.append(value)
        rate = self.optimizer.learning_rate
        if isinstance(rate, ReduceOnPlateau):
            latest = monitored(history, rate.monitor)[-1]
            state = {**state, "plateau": rate.after_epoch(state["plateau"], latest)}
        best_epoch, best = run.best_epoch, run.best
        if self.stopping is not None:
            read = monitored(history, self.stopping.monitor)
            if self.stopping.better(read[-1], math.nan if best_epoch is None else read[best_epoch - 1]):
                best_epoch, best = epoch, parameters
        return Run(parameters, state, history, epoch, best_epoch, best)

    def _positions(self) -> dict[str, Position]:
        return {name: position(rng) for name, rng in self.streams.items()}

    def _keep(self, run: Run, positions: dict[str, Position]) -> str:
        """Save what was done until Ctrl-C, if possible; say what has become of it."""
        if self.saved is None:
            return "nothing was saved: fit(..., checkpoint='run.h5') saves"
        try:
            self.saved.save(_cut(run), positions)
        except OSError as error:
            return f"it could not be saved ({error}), and is in this error's .run"
        return f"{self.saved.path} holds the run up to there. Run the same program again and it goes on"

    def _save(self, run: Run, positions: dict[str, Position], *, midway: bool = False) -> None:
        """Save; if that fails, there is a warning: training goes on, and at its end returns all the same."""
        saved = cast("SavedRun", self.saved)
        try:
            saved.save(run, positions)
        except OSError as error:
            told = f"after epoch {run.epoch} the run was not saved ({error}); training goes on"
            if not midway:
                rescued = saved.rescue(run, positions)
                elsewhere = "save(path, run.parameters, state=run.state) saves it elsewhere"
                where = f"it was saved as {rescued} instead" if rescued else elsewhere
                told = (
                    f"{saved.path} could not be written after the last epoch, {run.epoch}: "
                    f"{error.strerror or error}. fit returns the run, and {where}"
                )
            warnings.warn(told, RuntimeWarning, stacklevel=4)


def _cut(run: Run) -> Run:
    """Return a run without what an epoch that was interrupted has added to its history."""
    return replace(run, history={name: values[: run.epoch] for name, values in run.history.items()})


def _of_best(run: Run) -> Run:
    return run if run.best is None else replace(run, parameters=run.best)
