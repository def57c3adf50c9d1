"""Every function of networks in a compiled gradient: what the program gives is what the recorder gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_course import CannotCompile, compiled, value_and_grad
from tinygrad_course import functions as F  # noqa: N812
from tinygrad_course.autodiff import checkpoint, flatten
from tinygrad_course.functions import distributions, matrices, signals
from tinygrad_course.functions.differential_equations import odeint, solve_ivp
from tinygrad_course.functions.implicit import fixed_point, root

rng = np.random.default_rng(3)


def normal(*shape: int) -> Any:
    return rng.normal(size=shape)


def squares(y: Any) -> Any:
    return np.sum(y * y)


def cell(weights: str, biases: str) -> dict[str, Any]:
    return {name: normal(3, 5) for name in weights.split()} | {name: normal(3, 1) for name in biases.split()}


def over_time(step: Any, start: Any, p: Any, x: Any) -> Any:
    state, _ = F.scan(lambda s, x_t, p: (step(s, x_t, p)[0], None), start, x, p)
    return squares(state[0] if isinstance(state, tuple) else state)


zeros = np.zeros((3, 4))
labels = rng.integers(0, 5, 6)
CASES: dict[str, tuple[Any, ...]] = {
    "conv": (
        lambda W, x, b: squares(F.conv(x, W, b, 2, 1)),
        normal(3, 3, 2, 4),
        normal(2, 6, 5, 2),
        normal(4),
    ),
    "conv_transpose": (
        lambda W, x: squares(F.conv_transpose(x, W, None, 2, 1)),
        normal(3, 3, 2, 4),
        normal(2, 6, 5, 4),
    ),
    "max_pool": (lambda x: squares(F.max_pool(x)), normal(2, 6, 5, 2)),
    "average_pool": (lambda x: squares(F.average_pool(x, 3, 1, "same")), normal(2, 6, 5, 2)),
    "batch_norm": (
        lambda Z, g, b: squares(F.batch_norm(Z, g, b)[0]),
        normal(4, 5),
        normal(4, 1),
        normal(4, 1),
    ),
    "layer_norm": (lambda Z, g, b: squares(F.layer_norm(Z, g, b)), normal(4, 5), normal(4, 1), normal(4, 1)),
    "rms_norm": (lambda Z, g: squares(F.rms_norm(Z, g)), normal(4, 5), normal(4, 1)),
    "attention": (
        lambda q, k, v: squares(F.attention(q, k, v, causal=True, heads=2)),
        *(normal(2, 3, 4) for _ in "qkv"),
    ),
    "embedding": (lambda E, i: squares(F.embedding(E, i)), normal(4, 3), np.array([0, 1, 1])),
    "rnn_cell": (
        lambda p, x: over_time(F.rnn_cell, zeros, p, x),
        {"Wax": normal(3, 2), "Waa": normal(3, 3), "ba": normal(3, 1)},
        normal(2, 4, 5),
    ),
    "gru_cell": (
        lambda p, x: over_time(F.gru_cell, zeros, p, x),
        cell("Wr Wu Wc", "br bu bc"),
        normal(2, 4, 5),
    ),
    "lstm_cell": (
        lambda p, x: over_time(F.lstm_cell, (zeros, zeros), p, x),
        cell("Wf Wi Wc Wo", "bf bi bc bo"),
        normal(2, 4, 5),
    ),
    "cross_entropy": (F.cross_entropy, normal(5, 6), labels),
    "one-hot": (F.cross_entropy, normal(5, 6), F.one_hot(labels, 5)),
    "focal": (F.focal, normal(5, 6), labels),
    "hinge": (F.hinge, normal(5, 6), labels),
    "negative_log_likelihood": (F.negative_log_likelihood, normal(5, 6), labels),
    "margin_ranking": (F.margin_ranking, normal(6), normal(6), np.array([1.0, -1, 1, 1, 1, -1])),
    "mean_squared_error": (F.mean_squared_error, normal(5, 6), normal(5, 6)),
    "huber": (F.huber, normal(5, 6), normal(5, 6)),
    "logsumexp": (lambda Z, b: squares(F.logsumexp(Z, axis=1, b=b)), normal(5, 6), normal(5, 6) ** 2),
    "gelu, tanh": (lambda Z: squares(F.gelu(Z, approximate=True)), normal(4, 5)),
}


def of_unit(name: str) -> Any:
    return lambda Z: squares(getattr(F, name)(Z))


for name in ("elu", "selu", "gelu", "silu", "softplus", "hard_tanh", "soft_sign", "glu"):
    CASES[name] = (of_unit(name), normal(4, 5))


regular, vector = normal(3, 3) + 3 * np.eye(3), rng.uniform(0.1, 0.9, 5)
CASES |= {
    "norm": (
        lambda x, loc, scale: np.sum(distributions.norm.logpdf(x, loc, scale)),
        vector,
        normal(5),
        vector,
    ),
    "beta": (lambda x, a: np.sum(distributions.beta.logpdf(x, a, 2.0)), vector, vector + 1),
    "poisson": (lambda mu: np.sum(distributions.poisson.logpmf(np.array([0.0, 1, 2, 3, 4]), mu)), vector),
    "expm": (lambda A: squares(matrices.expm(A / 4)), regular),
    "sqrtm": (lambda A: squares(matrices.sqrtm(A)), regular),
    "solve_triangular": (lambda A, b: squares(matrices.solve_triangular(A, b)), regular, normal(3)),
    "convolve": (lambda a, b: squares(signals.convolve(a, b)), vector, normal(3)),
    "checkpoint": (lambda x: squares(checkpoint(np.sin)(x)), vector),
}


@pytest.mark.parametrize("name", list(CASES))
def test_a_compiled_gradient_is_the_recorded_one(name: str) -> None:
    f, *arguments = CASES[name]
    J, gradient = value_and_grad(f)(*arguments)
    program = compiled(value_and_grad(f))
    for _ in range(2):
        J_program, gradient_program = program(*arguments)
        np.testing.assert_allclose(J_program, J, rtol=1e-11)
        np.testing.assert_allclose(flatten(gradient_program)[0], flatten(gradient)[0], rtol=1e-9, atol=1e-12)


def test_other_labels_are_other_labels() -> None:
    """The program of one mini-batch serves the next."""
    program, Z = compiled(value_and_grad(F.cross_entropy)), normal(5, 6)
    for y in (labels, (labels + 1) % 5):
        np.testing.assert_allclose(program(Z, y)[1], value_and_grad(F.cross_entropy)(Z, y)[1], rtol=1e-11)


@pytest.mark.parametrize(
    "search",
    [
        lambda a: np.sum(root(lambda x, a: x**2 - a, np.ones(5), (a,)).x),
        lambda a: np.sum(fixed_point(lambda x, a: np.cos(x) / 2 + a, np.ones(5), (a,))),
        lambda a: np.sum(odeint(lambda y, t, a: -a * y, np.ones(5), np.array([0.0, 1.0]), (a,))),
        lambda a: np.sum(solve_ivp(lambda t, y, a: -a * y, (0, 1), np.ones(5), args=(a,)).y),
    ],
)
def test_a_search_is_no_program(search: Any) -> None:
    assert np.all(np.isfinite(value_and_grad(search)(vector)[1]))
    with pytest.raises(CannotCompile, match="call it outside"):
        compiled(value_and_grad(search))(vector)
