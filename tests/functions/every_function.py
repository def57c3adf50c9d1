"""A cost of each public function of `tinygrad_course.functions`, with arguments: (cost, *arguments) by name.

A name is that of the function, perhaps with ", " and what is special about the case.
"""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from typing import Any

import numpy as np

from tinygrad_course import functions as F  # noqa: N812
from tinygrad_course.autodiff import checkpoint
from tinygrad_course.functions import distributions, gammas, matrices, signals
from tinygrad_course.functions.distributions import dirichlet, multivariate_normal
from tinygrad_course.functions.families import Continuous, Discrete

__all__ = ["CASES", "public_names"]

rng = np.random.default_rng(3)


def public_names() -> set[str]:
    """The functions and distributions that docs/functions.md names, read from the modules."""
    names = set(F.__all__)
    for module in pkgutil.iter_modules(F.__path__):
        if module.name in SCIENTIFIC:
            found = vars(import_module(f"{F.__name__}.{module.name}")).items()
            here = f"{F.__name__}.{module.name}"
            names |= {
                n
                for n, x in found
                if not n.startswith("_")
                and (getattr(x, "__module__", None) == here or isinstance(x, (Continuous, Discrete)))
                and not inspect.ismodule(x)
            }
    return names - {"check_searchable"} | {"polygamma"}


SCIENTIFIC = {"differential_equations", "distributions", "gammas", "implicit", "matrices", "signals"}


def normal(*shape: int) -> Any:
    return rng.normal(size=shape)


def squares(y: Any) -> Any:
    return np.sum(y * y)


def cell(weights: str, biases: str) -> dict[str, Any]:
    return {name: normal(3, 5) for name in weights.split()} | {name: normal(3, 1) for name in biases.split()}


def over_time(step: Any, start: Any, p: Any, x: Any, every: int = 0) -> Any:
    state, _ = F.scan(lambda s, x_t, p: (step(s, x_t, p)[0], None), start, x, p, every=every)
    return squares(state[0] if isinstance(state, tuple) else state)


zeros, x, Z, A = np.zeros((3, 4)), normal(2, 4, 3), normal(5, 6), rng.uniform(0.1, 0.9, (5, 6))
pictures, labels, positive, Y = (
    normal(2, 6, 5, 2),
    rng.integers(0, 5, 6),
    rng.uniform(0.1, 0.9, 5),
    (rng.random((5, 6)) < 0.5) * 1.0,
)
regular, scale = normal(3, 3) + 3 * np.eye(3), normal(4, 1)
rnn = {"Wax": normal(3, 2), "Waa": normal(3, 3), "ba": normal(3, 1)}

CASES: dict[str, tuple[Any, ...]] = {
    # pictures
    "conv": (
        lambda W, x, b: squares(F.conv(x, W, b, 2, 1)),
        normal(3, 3, 2, 4),
        normal(2, 6, 5, 2),
        normal(4),
    ),
    "conv, depthwise": (
        lambda W, x: squares(F.conv(x, W, None, 1, "same", 2, groups=2, channels="first")),
        normal(4, 1, 3, 3),
        normal(2, 2, 6, 5),
    ),
    "conv_transpose": (
        lambda W, x: squares(F.conv_transpose(x, W, None, 2, 1)),
        normal(3, 3, 2, 4),
        normal(2, 6, 5, 4),
    ),
    "max_pool": (lambda x: squares(F.max_pool(x)), normal(2, 6, 5, 2)),
    "max_pool, overlapping": (lambda x: squares(F.max_pool(x, 3, 1, 1)), normal(2, 6, 5, 2)),
    "average_pool": (lambda x: squares(F.average_pool(x, 3, 1, "same")), normal(2, 6, 5, 2)),
    # normalisation
    "batch_norm": (lambda Z, g, b: squares(F.batch_norm(Z, g, b)[0]), normal(4, 5), scale, normal(4, 1)),
    "batch_norm, predicting": (
        lambda Z, g, mean, variance: squares(
            F.batch_norm(Z, g, 0.0, {"mean": mean, "variance": variance}, training=False)[0]
        ),
        normal(4, 5),
        scale,
        normal(4, 1),
        scale**2,
    ),
    "batch_norm, pictures": (
        lambda Z, g, b: squares(F.batch_norm(Z, g, b, axis=(0, 1, 2))[0]),
        normal(2, 3, 3, 2),
        normal(2),
        normal(2),
    ),
    "layer_norm": (lambda Z, g, b: squares(F.layer_norm(Z, g, b)), normal(4, 5), scale, normal(4, 1)),
    "rms_norm": (lambda Z, g: squares(F.rms_norm(Z, g)), normal(4, 5), scale),
    "dropout": (lambda A: squares(F.dropout(A, 0.5, np.random.RandomState(1))), A),
    "dropout_mask": (lambda A: squares(A * F.dropout_mask((5, 6), 0.5, np.random.RandomState(1))), A),
    "drop": (lambda A, D: squares(F.drop(A, D, 0.5)), Z, A < 0.5),
    # sequences
    "attention": (lambda q, k, v: squares(F.attention(q, k, v, heads=2)), *(normal(2, 3, 4) for _ in "qkv")),
    "causal_mask": (
        lambda q, k, v: squares(F.attention(q, k, v, mask=F.causal_mask(3, 5))),
        normal(2, 3, 4),
        normal(2, 5, 4),
        normal(2, 5, 6),
    ),
    "masked_softmax": (
        lambda Z, mask: squares(F.masked_softmax(Z, mask)),
        normal(4, 5),
        rng.random((4, 5)) < 0.6,
    ),
    "embedding": (lambda E, i: squares(F.embedding(E, i)), normal(4, 3), np.array([[0, 1], [1, 3]])),
    "rnn_cell": (lambda p, x: over_time(F.rnn_cell, zeros, p, x), rnn, normal(2, 4, 5)),
    "scan": (lambda p, x: over_time(F.rnn_cell, zeros, p, x, every=2), rnn, normal(2, 4, 5)),
    "gru_cell": (
        lambda p, x: over_time(F.gru_cell, zeros, p, x),
        cell("Wr Wu Wc", "br bu bc"),
        normal(2, 4, 3),
    ),
    "lstm_cell": (
        lambda p, x: over_time(F.lstm_cell, (zeros, zeros), p, x),
        cell("Wf Wi Wc Wo", "bf bi bc bo"),
        normal(2, 4, 3),
    ),
    "lstm": (
        lambda p, x: squares(F.lstm(x, p)[1]),
        cell("Wf Wi Wc Wo", "bf bi bc bo"),
        normal(2, 4, 3),
    ),
    "linear": (lambda W, X, b: squares(F.linear(W, X, b)), normal(3, 5), normal(5, 6), normal(3, 1)),
    # costs
    "cross_entropy": (F.cross_entropy, Z, labels),
    "cross_entropy, one-hot": (F.cross_entropy, Z, F.one_hot(labels, 5)),
    "one_hot": (lambda Z: F.softmax_cross_entropy(Z, F.one_hot([0, 1, 2, 3, 4, 0], 5)), Z),
    "focal": (F.focal, Z, labels),
    "hinge": (F.hinge, Z, labels),
    "negative_log_likelihood": (F.negative_log_likelihood, Z, labels),
    "margin_ranking": (F.margin_ranking, normal(6), normal(6), np.array([1, -1, 1, 1, 1, -1])),
    "mean_squared_error": (F.mean_squared_error, Z, A),
    "huber": (F.huber, Z, A),
    "binary_cross_entropy": (lambda Z, Y: F.binary_cross_entropy(F.sigmoid(Z), Y), Z, Y),
    "binary_cross_entropy, of probabilities": (F.binary_cross_entropy, A, Y),
    "sigmoid_cross_entropy": (F.sigmoid_cross_entropy, Z, Y),
    "categorical_cross_entropy": (F.categorical_cross_entropy, A, Y),
    "softmax_cross_entropy": (F.softmax_cross_entropy, Z, F.one_hot(labels, 5)),
    "l2_term": (lambda p: F.l2_term(p, 0.7, 6), {"W1": normal(3, 2), "b1": normal(3, 1), "W2": normal(1, 3)}),
    # activations
    "logsumexp": (lambda Z, b: squares(F.logsumexp(Z, axis=1, b=b)), Z, A),
    "softmax": (lambda Z: squares(F.softmax(Z)), Z),
    "softmax, of rows": (lambda Z: squares(F.softmax(Z, axis=1)), Z),
    "log_softmax": (lambda Z: squares(F.log_softmax(Z, axis=-1)), Z),
    "gelu, tanh": (lambda Z: squares(F.gelu(Z, approximate=True)), Z),
    # the shapes and loops that programs have
    "checkpoint": (lambda x: squares(checkpoint(lambda x: np.sin(np.exp(x)))(x)), positive),
    "entries of a vector": (lambda p, Z: squares(np.tanh(p[0] * Z + p[1] ** 2) - p[2]), normal(3), Z),
    "keepdims": (
        lambda Z: squares(Z / np.sqrt(np.sum(Z * Z, axis=(0, 1), keepdims=True)) - Z.mean(1, keepdims=True)),
        Z,
    ),
    "reshapes": (
        lambda x: squares(np.swapaxes(x.reshape(4, 2, 3), 0, 1).reshape(-1)[::2] * x.ravel()[:12].T),
        x,
    ),
    "batched products": (lambda x, y: squares(np.tanh(x @ np.swapaxes(y, -1, -2)) @ y), x, normal(2, 5, 3)),
    "a loop over time": (lambda k: squares(euler(k, 40)), np.array([1.0, 0.3])),
}


def euler(k: Any, steps: int) -> Any:
    x, v = 1.0, 0.0
    for _ in range(steps):
        x, v = x + 0.05 * v, v - 0.05 * (k[0] * x + k[1] * v * np.abs(v))
    return x


def of_unit(name: str) -> Any:
    return lambda Z: squares(getattr(F, name)(Z))


UNITS = "sigmoid tanh relu leaky_relu elu selu gelu silu softplus hard_tanh soft_sign"
CASES |= {name: (of_unit(name), Z) for name in UNITS.split()} | {"glu": (of_unit("glu"), normal(4, 6))}

k = np.array([0, 1, 1, 3, 2])
SHAPES: dict[str, tuple[Any, ...]] = {
    "t": (positive + 2,),
    "gamma": (positive + 1,),
    "invgamma": (positive + 1,),
    "chi2": (positive + 3,),
    "beta": (positive + 1, positive),
    "lognorm": (positive,),
    "weibull_min": (positive + 1,),
    "pareto": (positive,),
    "poisson": (positive,),
    "bernoulli": (positive,),
    "binom": (np.full(5, 4), positive),
    "geom": (positive,),
    "nbinom": (np.full(5, 3), positive),
}
SHAPES |= dict.fromkeys(("lognorm", "pareto", "poisson", "bernoulli", "geom"), (positive,))


def every_method(family: Any, smooth: bool) -> Any:
    """A cost of all that a family can say; shapes without a derivative of the distribution are constant."""

    def cost(x: Any, *shapes: Any) -> Any:
        if isinstance(family, Discrete):
            masses = family.logpmf(x, *shapes) * family.pmf(x, *shapes)
            return np.sum(masses + family.cdf(x, *shapes) + family.logcdf(x, *shapes))
        given = shapes if smooth else SHAPES.get(family.name, ())
        above = family.sf(x, *given) + family.logsf(x, *given)
        below = family.cdf(x, *given) + family.logcdf(x, *given)
        return np.sum(family.logpdf(x, *shapes) + family.pdf(x, *shapes) + above + below)

    return cost


for name, family in vars(distributions).items():
    if isinstance(family, (Continuous, Discrete)):
        at = k + 1 if name == "geom" else np.minimum(k, 1) if name == "bernoulli" else k
        at = (
            at
            if isinstance(family, Discrete)
            else positive + family.lower
            if family.lower > -1
            else normal(5)
        )
        CASES[name] = (
            every_method(family, name in ("lognorm", "weibull_min", "pareto")),
            at,
            *SHAPES.get(name, ()),
        )

shares = np.array([0.2, 0.3, 0.5])
CASES |= {
    "dirichlet": (
        lambda alpha: dirichlet.logpdf(shares, alpha) + dirichlet.pdf(shares, alpha),
        positive[:3] + 1,
    ),
    "multivariate_normal": (
        lambda x, mean, root: (
            np.sum(multivariate_normal.logpdf(x, mean, root @ root.T))
            + multivariate_normal.entropy(None, root @ root.T)
        ),
        normal(4, 3),
        normal(3),
        regular,
    ),
    "multigammaln": (lambda a: np.sum(gammas.multigammaln(a, 2)), positive + 2),
    "polygamma": (lambda x: np.sum(gammas.polygamma(1, x)), positive),
    "expm": (lambda A: squares(matrices.expm(A / 4)), regular),
    "sqrtm": (lambda A: squares(matrices.sqrtm(A)), regular),
    "cholesky": (lambda A: squares(matrices.cholesky(A @ A.T)), regular),
    "solve": (lambda A, b: squares(matrices.solve(A, b)), regular, normal(3)),
    "solve_triangular": (lambda A, b: squares(matrices.solve_triangular(A, b)), regular, normal(3)),
    "solve_banded": (
        lambda ab, b: squares(matrices.solve_banded((1, 1), ab, b)),
        normal(3, 4) + 3,
        normal(4),
    ),
    "solve_sylvester": (
        lambda a, b, q: squares(matrices.solve_sylvester(a, b, q)),
        regular,
        regular + 1,
        normal(3, 3),
    ),
    "convolve": (lambda a, b: squares(signals.convolve(a, b)), positive, normal(3)),
    "correlate": (lambda a, b: squares(signals.correlate(a, b, "same")), positive, normal(3)),
}
