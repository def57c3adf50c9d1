"""Rounds: each times every contestant once, in an order of its own; a ratio is taken within its round."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from benchmarks.contestants import BASELINE, CONTESTANTS, FAMILIES
from benchmarks.environment import PEERS, installed
from benchmarks.worker import Judged, serve

#: With all threads: idle ones spin for a while after their work, which is not to disturb the next contestant.
SETTLE = 0.03
PATIENCE = 600.0  # seconds for one answer

Tell = Callable[[str, int, int], None]


@dataclass
class Measured:
    """A row's results.

    Attributes
    ----------
    judged : dict
        What was found out about each contestant before the rounds.
    seconds : dict of list
        Seconds a step, one of each round.
    """

    row: str
    judged: dict[str, Judged] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def ratios(self, name: str, to: str = BASELINE) -> Any:
        """Return the ratios to another contestant, round by round."""
        return np.array(self.seconds[name]) / np.array(self.seconds[to])

    def quartiles(self, name: str, to: str = BASELINE) -> tuple[float, float, float]:
        """Return the first quartile, the median and the third of the ratios."""
        q1, median, q3 = np.percentile(self.ratios(name, to), [25, 50, 75])
        return float(q1), float(median), float(q3)

    def microseconds(self, name: str) -> float:
        """Return the median microseconds a step."""
        return 1e6 * float(np.median(self.seconds[name]))


class Family:
    """A process, seen from the parent."""

    def __init__(self, name: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.name = name
        self.here, there = context.Pipe()
        self.process = context.Process(target=serve, args=(there, name), daemon=True)
        self.process.start()
        there.close()

    def ask(self, *request: Any) -> Any:
        """Return the answer.

        Raises
        ------
        RuntimeError
            If the process has died, or does not answer.
        """
        try:
            self.here.send(request)
            if not self.here.poll(PATIENCE):
                raise RuntimeError(f"{self.name}: no answer to {request} in {PATIENCE:.0f} s")
            answer = self.here.recv()
        except (EOFError, BrokenPipeError) as error:
            raise RuntimeError(f"{self.name}: its process ended at {request}") from error
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """End the process."""
        self.here.close()
        self.process.join(5)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join(5)


class Families:
    """The processes of everybody who takes part; a context manager."""

    def __init__(self, threads: str, contestants: Sequence[str] = tuple(CONTESTANTS)) -> None:
        peers = installed()
        self.contestants = [BASELINE, *(c for c in contestants if c != BASELINE)]
        wanted = {CONTESTANTS[c].family for c in self.contestants}
        self.threads = threads
        self.processes = {f: Family(f) for f in FAMILIES if f in wanted and (f not in PEERS or f in peers)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            process.close()

    def measure(
        self,
        row: str,
        rounds: int,
        *,
        seed: int = 0,
        small: bool = False,
        clock: str = "wall",
        tell: Tell | None = None,
    ) -> Measured:
        """Return a row's measurements."""
        tell = tell or (lambda words, done, total: None)
        result = Measured(row)
        present: list[tuple[str, Family]] = []
        for process in self.processes.values():
            names = process.ask("row", row, self.contestants, small)
            for name in names:
                tell(f"{row}: {CONTESTANTS[name].label}", 0, rounds)
                result.judged[name] = process.ask("prepare", name, clock)
                if not result.judged[name].problem:
                    present.append((name, process))
        result.judged = {c: result.judged[c] for c in CONTESTANTS if c in result.judged}
        result.seconds = {name: [] for name in CONTESTANTS if name in dict(present)}
        shuffle = random.Random(seed)
        for done in range(rounds):
            shuffle.shuffle(present)
            for name, process in present:
                if self.threads == "all":
                    time.sleep(SETTLE)
                result.seconds[name].append(process.ask("sample", name, clock))
            tell(f"{row}: rounds", done + 1, rounds)
        return result


def absent() -> list[str]:
    """Return the contestants whose peer is not installed."""
    here = installed()
    return [c.key for c in CONTESTANTS.values() if c.family in PEERS and c.family not in here]
