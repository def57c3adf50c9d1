"""PyTorch on the processor: eager, the costs from the logits, updates in place, its fused Adam."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from benchmarks.workloads.base import Arrays, Elementwise, Make, Network, Runner
from benchmarks.workloads.formula import evaluation


def makers(work: Any) -> dict[str, Make]:
    """Return PyTorch for this work; its threads were settled by the environment."""
    if isinstance(work, Network):
        return {"torch": lambda: network(work)}
    if isinstance(work, Elementwise):
        return {"torch": lambda: elementwise(work)}
    return {"torch": lambda: evaluation(work, formula)}


def network(work: Network) -> Runner:
    """Return the training step."""
    hidden = torch.tanh if work.hidden == "tanh" else torch.relu
    batches = [(torch.from_numpy(X), torch.from_numpy(Y)) for X, Y in work.batches]
    if work.output == "softmax":  # PyTorch's cost wants the classes as rows
        batches = [(X, Y.argmax(dim=0)) for X, Y in batches]

    def cost(p: dict[str, Any], X: Any, Y: Any) -> Any:
        if "w" in p:
            Z = p["w"].T @ X + p["b"]
        else:
            L, A = len(p) // 2, X
            for l in range(1, L):
                A = hidden(p[f"W{l}"] @ A + p[f"b{l}"])
            Z = p[f"W{L}"] @ A + p[f"b{L}"]
        if work.output == "softmax":
            return functional.cross_entropy(Z.T, Y)
        return functional.binary_cross_entropy_with_logits(Z, Y)

    def start() -> Any:
        p = {k: torch.from_numpy(v.copy()).requires_grad_() for k, v in work.parameters.items()}
        adam = torch.optim.Adam(p.values(), lr=work.learning_rate, fused=True) if work.adam else None
        return p, adam, None

    def run(state: Any, n: int) -> Any:
        p, adam, J = state
        rate = work.learning_rate
        for _ in range(n):
            for X, Y in batches:
                J = cost(p, X, Y)
                J.backward()
                if adam is not None:
                    adam.step()
                    adam.zero_grad()
                    continue
                with torch.no_grad():
                    for W in p.values():
                        W.sub_(W.grad, alpha=rate)
                        W.grad = None
        return p, adam, J

    def read(state: Any) -> Arrays:
        p, _, J = state
        return {k: v.detach().numpy() for k, v in p.items()} | {"J": J.detach().numpy()}

    return Runner(start, run, read)


def elementwise(work: Elementwise) -> Runner:
    """Return value and gradient of the sum."""
    x = torch.from_numpy(work.x.copy()).requires_grad_()

    def run(J: Any, n: int) -> Any:
        for _ in range(n):
            x.grad = None
            J = (torch.sigmoid(x) * torch.tanh(x) + torch.log1p(torch.exp(-torch.abs(x)))).sum()
            J.backward()
        return J

    def read(J: Any) -> Arrays:
        return {"J": J.detach().numpy(), "dx": np.array(x.grad)}

    return Runner(lambda: None, run, read)


def formula(a: float, b: float, c: float) -> tuple[Any, ...]:
    """Return J = 3(a + bc) and its gradients."""
    ta = torch.tensor(a, dtype=torch.float64, requires_grad=True)
    tb = torch.tensor(b, dtype=torch.float64, requires_grad=True)
    tc = torch.tensor(c, dtype=torch.float64, requires_grad=True)
    J = 3 * (ta + tb * tc)
    J.backward()
    return J, ta.grad, tb.grad, tc.grad
