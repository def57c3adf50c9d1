"""What an experiment is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tinygrad_course.graph import Graph

__all__ = ["Options", "Outcome"]


@dataclass(frozen=True)
class Options:
    """How an experiment is to be run."""

    fast: bool = False  #: a tenth of the iterations: enough for the first published costs
    shown: bool = True  #: show progress on a terminal

    def iterations(self, full: int) -> int:
        """Return how many of the published number of iterations to run.

        Examples
        --------
        >>> Options(fast=True).iterations(2000), Options().iterations(2000)
        (201, 2000)
        """
        return full // 10 + 1 if self.fast else full

    @property
    def show(self) -> bool | None:
        """What `fit` is told of progress: nothing, or to show it where there is a terminal."""
        return None if self.shown else False


@dataclass
class Outcome:
    """What an experiment found."""

    #: for each record of `models.published`, the results by the names of its figures; what a shortened run
    #: cannot measure is left out
    measured: dict[str, dict[str, Any]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)  #: what else there is to say, a sentence each
    pictures: dict[str, Callable[[], Figure]] = field(default_factory=dict)  #: by name, what draws each
    graph: Callable[[], Graph] | None = None  #: records the experiment's cost on a few examples
