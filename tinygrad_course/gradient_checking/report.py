"""What a gradient check found, as data and as text."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_course.autodiff.transforms import flatten
from tinygrad_course.engine.recording import peek
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.gradient_checking.noise import Cause

#: The course's threshold for its difference.
THRESHOLD = 1e-7

METHODS = {
    "auto": "central differences, a step for each entry",
    "richardson": "Richardson's extrapolation of central differences",
    "complex": "complex step",
}


def relative_difference(gradient: Any, approximation: Any) -> float:
    """Return the course's difference, ||grad - approx|| / (||grad|| + ||approx||).

    It is 0 where both are equal (or both 0), 1/3 where one is twice the other, and 1 where one of them is 0
    or they are opposite.

    Parameters
    ----------
    gradient, approximation : arrays or nests of arrays
        With the same number of entries.

    Notes
    -----
    Course 2, week 1. A wrong check, J_minus computed from theta plus, gives exactly 1.

    Examples
    --------
    >>> relative_difference({"W": np.array([3.0, 0.0])}, {"W": np.array([6.0, 0.0])})
    0.3333333333333333
    """
    grad, approx = (flatten(peek(Tensor, g))[0] for g in (gradient, approximation))
    if grad.size != approx.size:
        raise ValueError(f"the gradient has {grad.size} entries and the approximation {approx.size}")
    sizes = float(np.linalg.norm(grad)) + float(np.linalg.norm(approx))
    return float(np.linalg.norm(grad - approx)) / sizes if sizes else 0.0


@dataclass(frozen=True)
class Entry:
    """One entry of a gradient, or the derivative along one direction.

    Attributes
    ----------
    name : str
        Of the array: ``"W1"``.
    index : tuple of int, or None
        None for a random direction through the whole array.
    analytic, numeric : float
        What is checked, and what the differences give.
    noise : float
        How far rounding alone can put `numeric` off.
    error : float
        The bound on the error of the best numerical value: noise and truncation.
    step : float
    left, right : float
        The one-sided derivatives, where the entry was looked at closely; else NaN.
    status : str
        "right"; "kink": the sides differ, and the analytic value is one that a convention can choose;
        "wrong"; or "undecided": differences cannot tell here.
    best : float
        The best numerical value, where a closer look found a better one than `numeric`.
    remark : str
    """

    name: str
    index: tuple[int, ...] | None
    analytic: float
    numeric: float
    noise: float
    error: float
    step: float
    left: float
    right: float
    status: str
    best: float
    remark: str = ""

    @property
    def label(self) -> str:
        """``"W1[0, 2]"``."""
        if self.index is None:
            return f"{self.name}, a random direction"
        return f"{self.name}[{', '.join(map(str, self.index))}]" if self.index else self.name

    @property
    def excess(self) -> float:
        """How far off the analytic value is, in units of what the numerical one can tell."""
        off = abs(self.analytic - self.best)
        return off / max(self.error, 1e-300) if np.isfinite(off) else np.inf


@dataclass(frozen=True, repr=False)
class GradientReport:
    """What a gradient check found. ``print(report)`` tells it; ``float(report)`` is the course's difference.

    Attributes
    ----------
    function : str
        What was differentiated.
    entries : list of Entry
        In the order of the parameters.
    shapes : dict
        The arrays, by name.
    method : str
    step : float or None
        The step, where one was asked for.
    order : int
        1; or 2, where the gradient's own derivative along a random direction was checked.
    value, noise : float
        The cost, and the standard deviation of its rounding.
    evaluations : int
        How often the function was computed.
    notes : list of str
    """

    function: str
    entries: list[Entry]
    shapes: dict[str, tuple[int, ...]]
    method: str
    step: float | None
    order: int
    value: float
    noise: float
    evaluations: int
    notes: list[str] = field(default_factory=list)
    find_cause: Callable[[], Cause | None] = field(default=lambda: None, repr=False)

    @property
    def verdict(self) -> str:
        """The verdict: "right", "wrong", or "undecided" where the differences are too noisy to tell."""
        found = {entry.status for entry in self.entries}
        return next((verdict for verdict in ("wrong", "undecided") if verdict in found), "right")

    @property
    def ok(self) -> bool:
        """Whether the verdict is "right"."""
        return self.verdict == "right"

    @property
    def difference(self) -> float:
        """The course's ||grad - approx|| / (||grad|| + ||approx||)."""
        return self._difference(self.entries)

    @staticmethod
    def _difference(entries: list[Entry]) -> float:
        return relative_difference([e.analytic for e in entries], [e.numeric for e in entries])

    def __float__(self) -> float:
        return self.difference

    @property
    def floor(self) -> float:
        """The difference that rounding in the cost makes by itself: expect no less of a right gradient."""
        values = [[e.analytic for e in self.entries], [e.numeric for e in self.entries]]
        sizes = np.sum(np.linalg.norm(values, axis=1))
        noise = np.linalg.norm([self.noise / (np.sqrt(2) * e.step) if e.step else 0.0 for e in self.entries])
        return float(noise / sizes) if sizes else 0.0

    @cached_property
    def cause(self) -> Cause | None:
        """The operation whose rounding reaches the cost most; None if the function does not record."""
        return self.find_cause()

    def worst(self, count: int = 5) -> list[Entry]:
        """Return the entries that are furthest off: wrong ones first, then the undecided."""
        rank = {"wrong": 0, "undecided": 1, "kink": 2, "right": 3}
        key = lambda e: (rank[e.status], -abs(e.analytic - e.best), -e.excess)  # noqa: E731
        return sorted(self.entries, key=key)[:count]

    # -------------------------------------------------------------- as text

    def __repr__(self) -> str:
        """Return ``<GradientReport of cost: right, 9 entries, difference 2.1e-10>``."""
        n = len(self.entries)
        told = f"{n} entr{'y' if n == 1 else 'ies'}, difference {self.difference:.2g}"
        return f"<GradientReport of {self.function}: {self.verdict}, {told}>"

    def __str__(self) -> str:
        what = {1: "gradient", 2: "second derivative (the Hessian times a random direction)"}[self.order]
        of = f"{self.function} with respect to {', '.join(self.shapes)}"
        lines = [f"{what} of {of}: {self.verdict.upper()}", *(f"  {line}" for line in self._summary())]
        if self.verdict != "right":
            lines += ["", *self._table()]
        kinks = [e for e in self.entries if e.status == "kink"]
        if kinks:
            lines += ["", *_kinks(kinks)]
        return "\n".join(lines)

    def _summary(self) -> list[str]:
        directions = sum(e.index is None for e in self.entries)
        entries = len(self.entries) - directions
        told = [f"{directions} random direction{'s' * (directions != 1)}"] if directions else []
        told += [f"{entries} entr{'y' if entries == 1 else 'ies'}"] if entries else []
        how = f"central differences, step {self.step:g}" if self.step else METHODS[self.method]
        lines = [
            f"{' and '.join(told)}; {how}; {self.evaluations} evaluations",
            f"value {self.value:.6g}, computed to about {self.noise:.1e}",
            f"difference {self.difference:.3e}",
        ]
        kinks = [e for e in self.entries if e.status == "kink"]
        smooth = self._difference([e for e in self.entries if e.status != "kink"])
        if kinks:
            lines.append(f"without the {len(kinks)} at a kink: difference {smooth:.3e}")
        if smooth > THRESHOLD and self.verdict == "right" and self.floor > smooth / 10:
            lines[-1] += f", and rounding alone makes about {self.floor:.1e}"
            lines += self._superstition()
        return lines + self.notes

    def _superstition(self) -> list[str]:
        """Say why a right gradient fails the course's threshold."""
        lines = [f"That is above the usual threshold of {THRESHOLD:g}, and yet the gradient is right:"]
        if self.step is None:
            lines.append(
                "it is so small next to the cost that differences see little but the cost's rounding."
            )
        else:
            better = self.floor * self.step / 1e-5
            lines.append(
                f"the cost's own rounding, {self.noise:.1e}, is divided by the step. "
                f"A step of 1e-5 would bring it to about {better:.0e}."
            )
        return [*lines, f"{self.cause}."] if self.cause is not None else lines

    def _table(self) -> list[str]:
        lines = []
        if len(self.shapes) > 1:
            for name, shape in self.shapes.items():
                mine = [e for e in self.entries if e.name == name]
                if mine:
                    told = f"difference {self._difference(mine):.1e}  {_state(mine)}"
                    lines.append(f"  {name:<8} {shape!s:<12} {told}")
            lines.append("")
        else:
            lines += [f"  {state}", ""] if (state := _state(self.entries)) != "wrong" else []
        rows = self.worst()
        width = max(len(e.label) for e in rows)
        lines.append(f"  {'worst entries':<{width}}  {'analytic':>14}  {'numeric':>14}  {'known to':>8}")
        for e in rows:
            if e.status != "right" or e is rows[0]:
                told = f"{e.analytic:>14.8g}  {e.best:>14.8g}  {e.error:>8.0e}"
                lines.append(f"  {e.label:<{width}}  {told}" + f"  {e.remark}" * bool(e.remark))
        return lines


def _kinks(entries: list[Entry]) -> list[str]:
    told = "the two sides differ, and the value there is a convention (ReLU'(0) = 0): no mistake."
    lines = [f"  At a kink {told}"]
    for e in entries[:5]:
        sides = f"left {e.left:.6g}, right {e.right:.6g}" if np.isfinite(e.left) else e.remark
        lines.append(f"  {e.label}: analytic {e.analytic:.6g}, {sides}")
    if len(entries) > 5:
        lines.append(f"  ... and {len(entries) - 5} more")
    return lines


def _state(entries: list[Entry]) -> str:
    """Return an array's verdict, and how its gradient is wrong where all of it is wrong in the same way."""
    wrong = [e for e in entries if e.status == "wrong"]
    if not wrong:
        return "undecided" if any(e.status == "undecided" for e in entries) else "right"
    analytic, numeric = np.array([e.analytic for e in entries]), np.array([e.best for e in entries])
    large = np.abs(numeric) > 1e-3 * np.max(np.abs(numeric))
    if not np.isfinite(analytic).all() or not np.isfinite(numeric).all():
        return "wrong"
    if np.any(numeric) and not np.any(analytic):
        return "wrong: all zeros"
    if len(entries) > 1 and np.any(large):
        ratio = analytic[large] / numeric[large]
        if np.ptp(ratio) <= 1e-4 * abs(ratio[0]) and np.allclose(analytic, ratio[0] * numeric, 1e-4, 1e-8):
            return f"wrong: {ratio[0]:.6g} times the numerical gradient"
    return "wrong" if len(wrong) == len(entries) else f"wrong in {len(wrong)} of {len(entries)} entries"


class GradientMismatchError(AssertionError):
    """A gradient that is not what the differences say; its text is the report.

    Attributes
    ----------
    report : GradientReport
    graph : Graph or None
        The recording of the function, where it records.
    """

    def __init__(self, report: GradientReport, graph: Any = None) -> None:
        super().__init__(f"{report}")
        self.report = report
        self.graph = graph
