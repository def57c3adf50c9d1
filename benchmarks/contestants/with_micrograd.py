"""micrograd: scalars alone, so W6 alone."""

from __future__ import annotations

from typing import Any

from micrograd.engine import Value

from benchmarks.workloads.base import Formula, Make
from benchmarks.workloads.formula import evaluation


def makers(work: Any) -> dict[str, Make]:
    """Return micrograd for this work."""
    return {"micrograd": lambda: evaluation(work, formula)} if isinstance(work, Formula) else {}


def formula(a: float, b: float, c: float) -> tuple[Any, ...]:
    """Return J = 3(a + bc) and its gradients."""
    va, vb, vc = Value(a), Value(b), Value(c)
    J = 3 * (va + vb * vc)
    J.backward()
    return J.data, va.grad, vb.grad, vc.grad
