"""What the library is to reach, row by row."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.measuring import Measured

JAX = ("jax", "jax_loop")
TORCH = ("torch",)
MACHINE = ("machine", "loop")
ENGINES = ("compiled", *MACHINE)
RECORDER = ("raw", "functions")


@dataclass(frozen=True)
class Target:
    """A limit on the best of some contestants.

    Attributes
    ----------
    limit : float
        With `rivals`, of what the best of them took in the same rounds.
    of : str
        What is limited: the "ratio" to the baseline, the "us" of a step, or the "s" of the first call, in
        which a program is made.
    """

    row: str
    contestants: tuple[str, ...]
    limit: float
    of: str = "ratio"
    rivals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """A target, and what was measured."""

    target: Target
    contestant: str
    value: float
    limit: float

    @property
    def met(self) -> bool:
        """Whether the median is within the limit."""
        return self.value <= self.limit


TARGETS = (
    Target("W1", ("functions",), 1.0),
    Target("W1", ("raw",), 1.2),
    Target("W3", ("functions",), 0.50),
    Target("W4", ("functions",), 0.8),
    Target("W5", ("functions",), 0.62),
    Target("W6", ("raw",), 2.0, of="us"),
    Target("W1", ("compiled",), 0.36),
    Target("W3", ("compiled",), 0.46),
    Target("W4", ("compiled",), 0.23),
    Target("W5", ("compiled",), 0.53),
    Target("W7", ("compiled",), 0.53),
    Target("W1", MACHINE, 0.09),
    Target("W2", MACHINE, 0.85),
    Target("W3", MACHINE, 0.46),
    Target("W3s", MACHINE, 0.40),
    Target("W3", ("machine",), 5.0, of="s"),
    Target("W4", MACHINE, 0.03),
    Target("W5", MACHINE, 0.53),
    *(Target(row, MACHINE, 1.0, rivals=JAX) for row in ("W1", "W2", "W3", "W3s", "W4", "W5", "W6", "W7")),
    Target("W1", ("raw",), 1.25, rivals=("bare",)),
    Target("W4", ("raw",), 1.25, rivals=("bare",)),
    Target("W6", ("raw",), 1.5, rivals=("bare",)),
    Target("W5", ENGINES, 1.03, rivals=("products",)),
    Target("W8", RECORDER, 1.15, rivals=TORCH),
    Target("W8", ENGINES, 0.85, rivals=TORCH),
    Target("W8", ENGINES, 0.75, rivals=JAX),
    Target("W9", ("functions",), 1.6, rivals=TORCH),
    Target("W9", ("raw",), 2.5, rivals=TORCH),
    Target("W9", ENGINES, 1.1, rivals=TORCH),
    Target("W10", RECORDER, 1.0, rivals=TORCH),
    Target("W10", ENGINES, 0.3, rivals=TORCH),
    *(
        Target(row, (engine,), 1.0, of="s", rivals=("jax",))
        for row in ("W1", "W2", "W3", "W3s", "W4", "W5", "W6", "W7", "W8", "W9", "W10")
        for engine in MACHINE
    ),
)


def judge(measured: Measured) -> list[Verdict]:
    """Return the verdicts on a row, where the contestants took part."""
    found = []
    for target in TARGETS:
        ours = [c for c in target.contestants if c in measured.seconds]
        rivals = [c for c in target.rivals if c in measured.seconds]
        if target.row != measured.row or not ours or (target.rivals and not rivals):
            continue
        if target.of == "ratio":
            best = min(ours, key=lambda c: measured.quartiles(c)[1])
            value = measured.quartiles(best)[1]
            if not rivals:
                found.append(Verdict(target, best, value, target.limit))
                continue
            # Met or not is decided within the rounds; the limit shown is in the baseline's measure.
            rival = min(rivals, key=lambda c: measured.quartiles(c)[1])
            within = measured.quartiles(best, rival)[1]
            found.append(Verdict(target, best, value, target.limit * value / within))
            continue
        values = {
            c: measured.microseconds(c) if target.of == "us" else measured.judged[c].first
            for c in (*ours, *rivals)
        }
        best = min(ours, key=lambda c: values[c])
        limit = target.limit * min((values[c] for c in rivals), default=1.0)
        found.append(Verdict(target, best, values[best], limit))
    return found
