"""Running experiments, one after another or in several processes, and writing down what they found."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from models import pictures
from models.experiments import experiment
from models.outcome import Options
from models.published import Comparison

__all__ = ["Report", "run_all", "run_one", "several"]


@dataclass
class Report:
    """What one experiment came to."""

    name: str
    comparisons: dict[str, list[Comparison]] = field(default_factory=dict)  #: by the names of the records
    remarks: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)  #: the pictures that were written
    seconds: float = 0.0
    problem: str = ""  #: why it could not be run, or not be drawn


def run_one(name: str, options: Options, out: Path | None) -> Report:
    """Run one experiment, and draw its pictures into a folder of `out`, or none where that is None.

    What hinders it from running, a data set that is not here, a library that is not installed, is told in the
    report.
    """
    row = experiment(name)
    report = Report(name)
    began = time.perf_counter()
    measured: dict[str, dict[str, Any]] = {}
    try:
        outcome = row.run(options)
        measured, report.remarks = outcome.measured, outcome.remarks
        if out is not None:
            report.files = draw(outcome.pictures, outcome.graph, out / name)
    except Exception as error:  # noqa: BLE001  (one that fails must not cost the others their table)
        if not isinstance(error, (OSError, ImportError, ValueError, RuntimeError)):
            traceback.print_exc()
        what = "not drawn" if measured else "could not be run"
        report.problem = f"{what}: {str(error) or type(error).__name__}"
    report.comparisons = {r.name: r.compare(measured.get(r.name, {})) for r in row.records}
    report.seconds = time.perf_counter() - began
    return report


def several(names: Sequence[str], jobs: int | None) -> bool:
    """Whether experiments are run several at a time.

    Raises
    ------
    ValueError
        If there is less than one job.

    Examples
    --------
    >>> several(["flower"], None), several(["flower", "deep"], 1), several(["flower", "deep"], 2)
    (False, False, True)
    """
    jobs = min(2, os.cpu_count() or 1) if jobs is None else jobs
    if jobs < 1:
        raise ValueError(f"--jobs is {jobs}; expected 1 or more")
    return jobs > 1 and len(names) > 1


def draw(drawings: Any, graph: Any, folder: Path) -> list[Path]:
    """Write the pictures and the graph of an experiment; return their paths."""
    files = [pictures.save(make(), folder / f"{name}.png") for name, make in drawings.items()]
    if graph is not None:
        files.append(pictures.drawn(graph(), folder / "graph.png"))
    return files


def run_all(
    names: Sequence[str], options: Options, out: Path | None, jobs: int | None = None
) -> Iterator[Report]:
    """Run experiments, as many at a time as there are jobs; yield their reports in the order of the names.

    Parameters
    ----------
    jobs : int, optional
        By default 2, or 1 on a machine of one core, or where there is one experiment only.
    """
    if not several(names, jobs):
        for name in names:
            yield run_one(name, options, out)
        return
    quiet = Options(fast=options.fast, shown=False)
    longest_first = sorted(names, key=lambda name: -experiment(name).weight)
    # "spawn" is the one way of starting processes that every platform has, and copies no thread of BLAS.
    with ProcessPoolExecutor(jobs or 2, mp_context=get_context("spawn")) as pool:
        futures = {name: pool.submit(run_one, name, quiet, out) for name in longest_first}
        try:
            for name in names:
                yield futures[name].result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
