"""One family's process: makes its contestants, checks them against the course's NumPy, times samples.

Each family has a process of its own, so that nobody's threads, allocator or garbage meets another's. The
parent asks; one of them works at a time.
"""

from __future__ import annotations

import gc
import time
import traceback
import warnings
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from benchmarks.contestants import LIMIT, makers
from benchmarks.workloads import ROWS
from benchmarks.workloads.base import Arrays, Runner

#: A sample lasts at least so many seconds, unless one unit of work lasts longer.
SAMPLE = 0.025
MOST = 50_000  # units in a sample

#: How far results may be from the baseline's: of the largest entry; and, of what training has moved, of the
#: largest change. A step in double precision is good to some 1e-13 of both; Adam divides gradients by their
#: own size, so that small ones lose more. In single precision an update is some 1e-4 of the parameters that
#: carry it, and with their 6e-8 it can be told to 1e-3; where rounding decides a relu at 0, one example of
#: 128 comes or goes.
TOLERANCES = {"float64": (1e-9, 1e-6), "float32": (1e-3, 1e-2)}


@dataclass
class Judged:
    """What a contestant turned out to be before the first round."""

    key: str
    steps: int = 0  # steps in a sample
    units: int = 0
    first: float = 0.0  # seconds of the first unit of work: recording and compiling are in it
    threads: float = 0.0  # seconds of processor time in a second
    difference: float = 0.0  # from the baseline, the worse of the two measures, 1 is the tolerance
    problem: str = ""


def difference(found: Arrays, expected: Arrays, begin: Arrays, dtype: str) -> float:
    """Return how far results are from the baseline's, in tolerances: up to 1 is equal.

    Raises
    ------
    ValueError
        If a result is missing, or has another shape.
    """
    whole, update = TOLERANCES[dtype]
    if found.keys() != expected.keys():
        raise ValueError(f"returned {sorted(found)}; the baseline returns {sorted(expected)}")
    worst = 0.0
    for name, right in expected.items():
        value = np.asarray(found[name], np.float64)
        if value.shape != right.shape:
            raise ValueError(f"{name} is {value.shape}; the baseline's is {right.shape}")
        off = float(np.max(np.abs(value - right)))
        if not np.isfinite(off):
            return np.inf
        allowed = whole * float(np.max(np.abs(right)))
        if name in begin:
            changed = update * float(np.max(np.abs(right - begin[name])))
            allowed = min(allowed, changed) if np.any(begin[name]) else changed
        worst = max(worst, off / (allowed or whole))
    return worst


def timed(runner: Runner, units: int) -> tuple[float, float]:
    """Return the seconds of wall and of processor time that so many units take from a fresh state."""
    state = runner.start()
    gc.collect()
    processor = time.process_time()
    begin = time.perf_counter()
    runner.run(state, units)
    wall = time.perf_counter() - begin
    return wall, time.process_time() - processor


class Bench:
    """The contestants of one family in one row."""

    def __init__(self, family: str, key: str, only: list[str], *, small: bool = False) -> None:
        row = ROWS[key]
        self.work: Any = row.make(small)
        self.makers = makers(family, row, self.work)
        self.only = [name for name in self.makers if name in only]
        self.runners: dict[str, Runner] = {}
        self.judged: dict[str, Judged] = {}
        course = row.course(self.work)
        self.expected = {
            units: {
                k: np.asarray(v, np.float64)
                for k, v in course.read(course.run(course.start(), units)).items()
            }
            for units in (1, 3)
        }
        parts = getattr(self.work, "X", getattr(self.work, "x", np.zeros(0)))
        self.dtype = parts.dtype.name

    def prepare(self, name: str, clock: str = "wall") -> Judged:
        """Make a contestant, check it, and find how much work makes a sample."""
        now = time.process_time if clock == "processor" else time.perf_counter
        judged = self.judged[name] = Judged(name)
        try:
            runner = self.makers[name]()
            begin = now()
            state = runner.run(runner.start(), 1)
            judged.first = now() - begin
            if name != LIMIT:
                judged.difference = self._check(runner, 1, state)
                judged.difference = max(judged.difference, self._check(runner, 3))
            if not judged.difference <= 1:
                judged.problem = (
                    f"differs from the course's NumPy: {judged.difference:.2g} times the tolerance"
                )
        except Exception as error:  # noqa: BLE001  (a contestant that fails is reported, and the rest go on)
            last = traceback.extract_tb(error.__traceback__)[-1]
            judged.problem = f"{type(error).__name__}: {error} ({last.filename}:{last.lineno})"
        if not judged.problem:
            self._warm_up(runner, judged)
            self.runners[name] = runner
        gc.freeze()  # a collection before each sample then costs nobody for the modules that it has imported
        return judged

    def _check(self, runner: Runner, units: int, state: Any = None) -> float:
        state = runner.run(runner.start(), units) if state is None else state
        return difference(runner.read(state), self.expected[units], self.work.begin, self.dtype)

    def _warm_up(self, runner: Runner, judged: Judged) -> None:
        units = 1
        while True:
            wall, processor = timed(runner, units)
            if wall >= 0.6 * SAMPLE or units >= MOST:
                break
            units = min(MOST, max(2 * units, int(units * SAMPLE / max(wall, 1e-7))))
        judged.units = units
        judged.steps = units * self.work.steps
        judged.threads = processor / wall

    def sample(self, name: str, clock: str = "wall") -> float:
        """Return seconds a step, on the wall or of the processor."""
        judged = self.judged[name]
        wall, processor = timed(self.runners[name], judged.units)
        return (processor if clock == "processor" else wall) / judged.steps


def serve(connection: Connection, family: str) -> None:
    """Answer the parent until it hangs up."""
    warnings.simplefilter("ignore")
    bench: Bench | None = None
    while True:
        try:
            request, *args = connection.recv()
        except EOFError:
            return
        try:
            if request == "row":
                bench = None
                gc.unfreeze()
                gc.collect()
                bench = Bench(family, args[0], args[1], small=args[2])
                answer: Any = bench.only
            elif request == "prepare" and bench is not None:
                answer = bench.prepare(*args)
            elif request == "sample" and bench is not None:
                answer = bench.sample(*args)
            else:
                return
        except Exception as error:  # noqa: BLE001  (told to the parent)
            answer = error
        connection.send(answer)
