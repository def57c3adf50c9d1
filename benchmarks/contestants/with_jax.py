"""JAX: the step under jit, with its arguments donated; and the whole loop as one program."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.workloads import base
from benchmarks.workloads.base import Arrays, Elementwise, Formula, Gradient, Make, Network, Runner
from benchmarks.workloads.formula import evaluation

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def makers(work: Any) -> dict[str, Make]:
    """Return JAX for this work; its threads were settled by the environment."""
    jax.config.update("jax_enable_x64", True)
    if isinstance(work, Network):
        return {"jax": lambda: network(work), "jax_loop": lambda: whole_loop(work)}
    if isinstance(work, Elementwise):
        return {"jax": lambda: elementwise(work)}
    if isinstance(work, Gradient):
        return {"jax": lambda: gradients(work)}
    return {"jax": lambda: formula(work)}


def training_step(work: Network) -> Any:
    """Return ``step(state, X, Y)``, which returns the next state and the cost."""
    hidden = jnp.tanh if work.hidden == "tanh" else jax.nn.relu
    rate = work.learning_rate

    def cost(p: Any, X: Any, Y: Any) -> Any:
        Z = base.logits(p, X, hidden, base.matrices)
        if work.output == "softmax":
            return -jnp.sum(Y * jax.nn.log_softmax(Z, axis=0)) / X.shape[1]
        return jnp.sum(jax.nn.softplus(Z) - Y * Z) / X.shape[1]

    with_gradients = jax.value_and_grad(cost)

    def descend(p: Any, X: Any, Y: Any) -> Any:
        J, grads = with_gradients(p, X, Y)
        return jax.tree.map(lambda W, dW: W - rate * dW, p, grads), J

    def descend_with_adam(state: Any, X: Any, Y: Any) -> Any:
        p, v, s, t = state
        J, grads = with_gradients(p, X, Y)
        t = t + 1.0
        v = jax.tree.map(lambda v, g: BETA1 * v + (1 - BETA1) * g, v, grads)
        s = jax.tree.map(lambda s, g: BETA2 * s + (1 - BETA2) * g * g, s, grads)
        cv, cs = 1 - BETA1**t, 1 - BETA2**t
        p = jax.tree.map(lambda W, v, s: W - rate * (v / cv) / (jnp.sqrt(s / cs) + EPSILON), p, v, s)
        return (p, v, s, t), J

    return descend_with_adam if work.adam else descend


def start(work: Network) -> Any:
    """Return the first state and a cost."""
    p = {k: jnp.array(v) for k, v in work.parameters.items()}
    J = jnp.zeros((), work.X.dtype)
    if not work.adam:
        return p, J
    return (p, jax.tree.map(jnp.zeros_like, p), jax.tree.map(jnp.zeros_like, p), jnp.zeros(())), J


def read(carry: Any) -> Arrays:
    """Return the parameters and the cost."""
    state, J = carry
    p = state[0] if isinstance(state, tuple) else state
    return {k: np.asarray(v) for k, v in p.items()} | {"J": np.asarray(J)}


def network(work: Network) -> Runner:
    """Return the step under jit, called from Python."""
    step = jax.jit(training_step(work), donate_argnums=0)
    batches = [(jnp.array(X), jnp.array(Y)) for X, Y in work.batches]

    def run(carry: Any, n: int) -> Any:
        state, J = carry
        for _ in range(n):
            for X, Y in batches:
                state, J = step(state, X, Y)
        return jax.block_until_ready((state, J))

    return Runner(lambda: start(work), run, read)


def whole_loop(work: Network) -> Runner:
    """Return n passes over the mini-batches as one compiled program."""
    step = training_step(work)

    def loop(carry: Any, batches: Any, n: Any) -> Any:
        def turn(_: Any, carry: Any) -> Any:
            for X, Y in batches:
                carry = step(carry[0], X, Y)
            return carry

        return lax.fori_loop(0, n, turn, carry)

    program = jax.jit(loop, donate_argnums=0)
    batches = [(jnp.array(X), jnp.array(Y)) for X, Y in work.batches]
    return Runner(
        lambda: start(work), lambda carry, n: jax.block_until_ready(program(carry, batches, n)), read
    )


def elementwise(work: Elementwise) -> Runner:
    """Return value and gradient of the sum."""

    def f(x: Any) -> Any:
        return jnp.sum(jax.nn.sigmoid(x) * jnp.tanh(x) + jnp.log1p(jnp.exp(-jnp.abs(x))))

    program = jax.jit(jax.value_and_grad(f))
    x = jnp.array(work.x)

    def run(state: Any, n: int) -> Any:
        for _ in range(n):
            state = jax.block_until_ready(program(x))
        return state

    return Runner(lambda: None, run, lambda state: {"J": np.asarray(state[0]), "dx": np.asarray(state[1])})


def formula(work: Formula) -> Runner:
    """Return J = 3(a + bc) and its gradients."""
    program = jax.jit(jax.value_and_grad(lambda a, b, c: 3 * (a + b * c), argnums=(0, 1, 2)))

    def f(a: float, b: float, c: float) -> tuple[Any, ...]:
        J, (da, db, dc) = program(a, b, c)
        return J, da, db, dc

    return evaluation(work, f)


def gradients(work: Gradient) -> Runner:
    """Return cost and gradients under jit: the cost as typed, but for windows and the loop over time."""
    cost = {"convolution": convolution, "lstm": lstm}.get(work.key) or work.cost(jnp)
    program = jax.jit(jax.value_and_grad(cost))
    p = {name: jnp.array(W) for name, W in work.parameters.items()}
    arguments = [jnp.array(a) for a in work.arguments]

    def run(state: Any, n: int) -> Any:
        for _ in range(n):
            state = jax.block_until_ready(program(p, *arguments))
        return state

    def read(state: Any) -> Arrays:
        return {f"d{name}": np.asarray(g) for name, g in state[1].items()} | {"J": np.asarray(state[0])}

    return Runner(lambda: None, run, read)


def convolution(p: Any, X: Any, Y: Any) -> Any:
    """Return W9's cost."""

    def layer(x: Any, K: Any, b: Any) -> Any:
        a = jax.nn.relu(lax.conv(x, K, (1, 1), "VALID") + b)
        return lax.reduce_window(a, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    h = layer(layer(X, p["K1"], p["b1"]), p["K2"], p["b2"])
    z = h.reshape(len(X), -1) @ p["W"] + p["b"]
    return -jnp.sum(Y * jax.nn.log_softmax(z, axis=1)) / len(X)


def lstm(p: Any, x: Any, Y: Any) -> Any:
    """Return W10's cost by a scan over time."""
    n_a, m, T = len(p["Wf"]), x.shape[1], x.shape[2]

    def cell(carry: Any, step: Any) -> Any:
        (a, c), (x_t, y_t) = carry, step
        concat = jnp.concatenate([a, x_t])
        f, i, o = (jax.nn.sigmoid(p[f"W{g}"] @ concat + p[f"b{g}"]) for g in "fio")
        c = f * c + i * jnp.tanh(p["Wc"] @ concat + p["bc"])
        a = o * jnp.tanh(c)
        return (a, c), jnp.sum(y_t * jax.nn.log_softmax(p["Wy"] @ a + p["by"], axis=0))

    zeros = jnp.zeros((n_a, m), x.dtype)
    _, logs = lax.scan(cell, (zeros, zeros), (x.transpose(2, 0, 1), Y.transpose(2, 0, 1)))
    return -jnp.sum(logs) / (m * T)
