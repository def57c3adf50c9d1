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
    """How an experiment is to be run.

    Parameters
    ----------
    fast : bool
        A tenth of the iterations: enough to hold the first costs against the published ones.
    shown : bool
        Show progress on a terminal.
    """

    fast: bool = False
    shown: bool = True

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
    """What an experiment found.

    Parameters
    ----------
    measured : dict of str to dict
        For each record of `models.published`, the results by the names of its figures. What a shortened run
        cannot measure is left out.
    remarks : list of str
        What else there is to say, a sentence each.
    pictures : dict of str to callable
        The name of each picture, and a function that draws it.
    graph : callable or None
        Records the experiment's cost on a few examples.
    """

    measured: dict[str, dict[str, Any]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    pictures: dict[str, Callable[[], Figure]] = field(default_factory=dict)
    graph: Callable[[], Graph] | None = None
