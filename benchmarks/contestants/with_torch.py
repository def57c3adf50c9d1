"""PyTorch on the processor: eager, the costs from the logits, updates in place, its fused Adam."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from benchmarks.workloads.base import Arrays, Elementwise, Gradient, Make, Network, Runner, logits, matrices
from benchmarks.workloads.formula import evaluation


def makers(work: Any) -> dict[str, Make]:
    """Return PyTorch for this work; its threads were settled by the environment."""
    if isinstance(work, Network):
        return {"torch": lambda: network(work)}
    if isinstance(work, Elementwise):
        return {"torch": lambda: elementwise(work)}
    if isinstance(work, Gradient):
        return {"torch": lambda: gradients(work)}
    return {"torch": lambda: evaluation(work, formula)}


def network(work: Network) -> Runner:
    """Return the training step."""
    hidden = torch.tanh if work.hidden == "tanh" else torch.relu
    batches = [(torch.from_numpy(X), torch.from_numpy(Y)) for X, Y in work.batches]
    if work.output == "softmax":  # PyTorch's cost wants the classes as rows
        batches = [(X, Y.argmax(dim=0)) for X, Y in batches]

    def cost(p: dict[str, Any], X: Any, Y: Any) -> Any:
        Z = logits(p, X, hidden, matrices)
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


def gradients(work: Gradient) -> Runner:
    """Return cost and gradients in PyTorch's own fused functions."""
    cost = {"gpt": gpt, "convolution": convolution, "lstm": lstm}[work.key]
    p = {name: torch.from_numpy(W.copy()).requires_grad_() for name, W in work.parameters.items()}
    arguments = [torch.from_numpy(a) for a in work.arguments]
    if work.key != "gpt":  # PyTorch's cost wants the classes
        arguments[1] = arguments[1].argmax(dim=1 if work.key == "convolution" else 0)

    def run(J: Any, n: int) -> Any:
        for _ in range(n):
            for W in p.values():
                W.grad = None
            J = cost(p, *arguments)
            J.backward()
        return J

    def read(J: Any) -> Arrays:
        return {f"d{name}": np.array(W.grad) for name, W in p.items()} | {"J": J.detach().numpy()}

    return Runner(lambda: None, run, read)


def gpt(p: dict[str, Any], x: Any, y: Any) -> Any:
    """Return W8's cost."""
    (B, T), (V, D), H = x.shape, p["tok"].shape, 4
    h = p["tok"][x] + p["pos"]
    for l in range(2):
        a = functional.layer_norm(h, (D,), p[f"g1{l}"], p[f"b1{l}"]) @ p[f"qkv{l}"]
        q, k, v = a.reshape(B, T, 3, H, D // H).permute(2, 0, 3, 1, 4)
        o = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        h = h + o.permute(0, 2, 1, 3).reshape(B, T, D) @ p[f"o{l}"]
        n = functional.layer_norm(h, (D,), p[f"g2{l}"], p[f"b2{l}"])
        h = h + functional.relu(n @ p[f"v{l}"]) @ p[f"w{l}"]
    return functional.cross_entropy((h @ p["tok"].T).reshape(-1, V), y.reshape(-1))


def convolution(p: dict[str, Any], X: Any, y: Any) -> Any:
    """Return W9's cost."""
    h = functional.max_pool2d(functional.relu(functional.conv2d(X, p["K1"], p["b1"].ravel())), 2)
    h = functional.max_pool2d(functional.relu(functional.conv2d(h, p["K2"], p["b2"].ravel())), 2)
    return functional.cross_entropy(h.reshape(len(X), -1) @ p["W"] + p["b"], y)


def lstm(p: dict[str, Any], x: Any, y: Any) -> Any:
    """Return W10's cost by the fused LSTM, whose gates are the rows of one matrix."""
    n_a = len(p["Wf"])
    W = torch.cat([p[f"W{gate}"] for gate in "ifco"])
    b = torch.cat([p[f"b{gate}"] for gate in "ifco"]).ravel()
    zeros = x.new_zeros(1, x.shape[1], n_a)
    weights = [W[:, n_a:], W[:, :n_a], b, torch.zeros_like(b)]
    a, _, _ = torch.lstm(x.permute(2, 1, 0), (zeros, zeros), weights, True, 1, 0.0, True, False, False)
    z = a @ p["Wy"].T + p["by"].ravel()
    return functional.cross_entropy(z.reshape(-1, z.shape[-1]), y.T.reshape(-1))
