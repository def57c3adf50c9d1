"""The table of experiments: what `python -m models` runs, and which published records it meets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from models import (
    deep,
    gradient_check,
    initialization,
    logistic_regression,
    optimization,
    regularization,
    shallow,
    vectorization,
)
from models.outcome import Options, Outcome
from models.published import Record, records
from models.unit_cases import CASES
from tinygrad_course.engine.errors import meant
from tinygrad_course.training.progress import progress

__all__ = ["EXPERIMENTS", "Experiment", "experiment"]


@dataclass(frozen=True)
class Experiment:
    """One row of the table."""

    name: str  #: as in ``python -m models NAME``, and the folder of its pictures
    title: str
    run: Callable[[Options], Outcome]
    covers: tuple[str, ...] = ()  #: how the names of its records begin
    weight: int = 1  #: about how many seconds it takes; the longest are begun first

    @property
    def records(self) -> tuple[Record, ...]:
        """The published records that it is held against, in the order of the course."""
        if self.name == "unit_cases":
            return tuple(record for record in records() if record.name in CASES and self.takes(record.name))
        return tuple(record for record in records() if self.takes(record.name))

    def takes(self, name: str) -> bool:
        """Whether a record is this experiment's."""
        unit = " unit " in name
        return name.startswith(self.covers) and unit == (self.name == "unit_cases") if self.covers else False


def unit_cases(options: Options) -> Outcome:
    """Every unit case of the assignments, through `models.course`."""
    out = Outcome()
    names = [name for name in CASES if " unit " in name]
    with progress("unit cases", len(names), show=options.show) as report:
        for done, name in enumerate(names, start=1):
            # Ten thousand steps for figures that nobody can reproduce: not in a shortened run.
            if not (options.fast and name.endswith("nn_model")):
                out.measured[name] = CASES[name]()
            report(done)
    return out


EXPERIMENTS = (
    Experiment("unit_cases", "The unit cases of all assignments", unit_cases, ("1.", "2."), 12),
    Experiment(
        "logistic_regression", "1.2 Logistic regression on the cats", logistic_regression.run, ("1.2 ",), 20
    ),
    Experiment("vectorization", "1.2 Loops and vectors", vectorization.run, (), 3),
    Experiment("flower", "1.3 The planar flower", shallow.flower_run, ("1.3 flower",), 20),
    Experiment("other_shapes", "1.3 Other shapes", shallow.other_shapes_run, (), 8),
    Experiment("deep", "1.4 Deep networks on the cats", deep.run, ("1.4 cats",), 90),
    Experiment("initialization", "2.1 Initialisation", initialization.run, ("2.1 initialization",), 20),
    Experiment("regularization", "2.1 Regularisation", regularization.run, ("2.1 regularization",), 60),
    Experiment("gradient_check", "2.1 Gradient checking", gradient_check.run, ("2.1 gradient check",), 1),
    Experiment("optimization", "2.2 Optimisation", optimization.run, ("2.2 ",), 120),
    Experiment("batches", "2.2 Stochastic, mini-batch and full batch", optimization.batches_run, (), 10),
)


def experiment(name: str) -> Experiment:
    """Return the experiment of that name.

    Raises
    ------
    ValueError
        If there is none; the message lists those there are.

    Examples
    --------
    >>> experiment("flower").title
    '1.3 The planar flower'
    >>> [record.name for record in experiment("logistic_regression").records][-1]
    '1.2 cats, learning rate 0.0001'
    """
    known = {row.name: row for row in EXPERIMENTS}
    if name not in known:
        near = meant(name, known) or "."
        raise ValueError(f"there is no experiment {name!r}{near} There are: {', '.join(known)}")
    return known[name]
