"""Who takes part, one file each; a peer's file is imported in that peer's own process alone."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import import_module

from benchmarks.workloads.base import Make, Row, Work


@dataclass(frozen=True)
class Contestant:
    """A column of the table: its name there, and the family in whose process it runs."""

    key: str
    label: str
    family: str


#: In the order of the table. The first is the baseline.
CONTESTANTS = {
    c.key: c
    for c in (
        Contestant("numpy", "the course's NumPy", "ours"),
        Contestant("products", "(the products alone)", "ours"),
        Contestant("tuned", "NumPy by hand, tuned", "ours"),
        Contestant("bare", "(a bare recorder, raw formula)", "ours"),
        Contestant("raw", "recorder, raw formula", "ours"),
        Contestant("functions", "recorder, functions", "ours"),
        Contestant("compiled", "compiled, NumPy", "ours"),
        Contestant("machine", "compiled, machine code", "ours"),
        Contestant("loop", "compiled_loop", "ours"),
        Contestant("torch", "PyTorch", "torch"),
        Contestant("jax", "JAX jit", "jax"),
        Contestant("jax_loop", "JAX, whole loop", "jax"),
        Contestant("mygrad", "MyGrad", "mygrad"),
        Contestant("autograd", "autograd", "autograd"),
        Contestant("micrograd", "micrograd", "micrograd"),
    )
}
BASELINE = "numpy"
LIMIT = "products"  # has no result to be checked
YARDSTICKS = {BASELINE, LIMIT, "bare"}  # nobody would use these for their speed
FAMILIES = ("ours", "torch", "jax", "mygrad", "autograd", "micrograd")


def makers(family: str, row: Row, work: Work) -> dict[str, Make]:
    """Return the family's contestants for a row, each a function that makes the runner."""
    module = import_module(
        f"benchmarks.contestants.with_{family}" if family != "ours" else f"{__name__}.ours"
    )
    found: dict[str, Make] = module.makers(work)
    if family == "ours":
        by_hand: dict[str, Make] = {BASELINE: lambda: row.course(work)}
        for name, make in ((LIMIT, row.products), ("tuned", row.tuned)):
            if make is not None:
                by_hand[name] = functools.partial(make, work)
        found = by_hand | found
    return found
