"""``python -m benchmarks functions``: the functions of networks and of science, held against peers.

Values and gradients by every argument, on random inputs in double precision; the largest difference of each,
relative to the largest entry, is printed with the versions.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

from tinygrad_course import functions as F  # noqa: N812
from tinygrad_course import vjp
from tinygrad_course.functions import distributions, gammas, matrices, signals

Function = Callable[..., Any]
#: Differences in rounding: both sides compute in double precision, in orders of their own.
MOST = 1e-9
DRAWS = 5

rng = np.random.default_rng(0)


def _normal(*shape: int) -> Any:
    return lambda: rng.normal(size=shape)


def _between(low: float, high: float, *shape: int) -> Any:
    return lambda: rng.uniform(low, high, shape)


def _regular(n: int) -> Any:
    return lambda: rng.normal(size=(n, n)) + 3 * np.eye(n)


def _labels(n: int, m: int) -> Any:
    return lambda: rng.integers(0, n, m)


PICTURES, MAPS = _normal(2, 3, 9, 8), _normal(2, 4, 5, 4)
Z, ROWS = _normal(5, 6), _normal(6, 5)
QKV = (_normal(2, 3, 5, 4), _normal(2, 3, 7, 4), _normal(2, 3, 7, 4))
POSITIVE, UNIT = _between(0.2, 3.0, 7), _between(0.05, 0.95, 7)


def _first(function: Function, **settings: Any) -> Function:
    return lambda *x: function(*x, channels="first", **settings)


def torch_lstm_over_time(x: Any, *p: Any) -> Any:
    """Return PyTorch's activations of all steps; x and they are (n, m, T)."""
    import torch

    W, b = torch.cat(p[:4]), torch.cat(p[4:]).ravel()
    n, zero = len(p[0]), torch.zeros(b.shape)
    start = torch.zeros(1, x.shape[1], n)
    weights = [W[:, n:], W[:, :n], b, zero]
    a, _, _ = torch.lstm(x.permute(2, 1, 0), (start, start), weights, True, 1, 0.0, True, False, False)
    return a.permute(2, 1, 0)


def against_torch() -> dict[str, tuple[Function, Function, tuple[Any, ...]]]:
    """Return for each name our function, PyTorch's, and the inputs; ours has columns for examples."""
    import torch
    from torch import distributions as td
    from torch.nn import functional as T  # noqa: N812

    torch.set_default_dtype(torch.float64)

    def gru(c: Any, x: Any, *p: Any) -> Any:
        keys = ("Wu", "bu", "Wr", "br", "Wc", "bc")
        return F.gru_cell(c, x, dict(zip(keys, p, strict=True)))[0]

    lstm_keys = ("Wi", "Wf", "Wc", "Wo", "bi", "bf", "bc", "bo")

    def lstm(a: Any, c: Any, x: Any, *p: Any) -> Any:
        return F.lstm_cell((a, c), x, dict(zip(lstm_keys, p, strict=True)))[0][0]

    def torch_lstm(a: Any, c: Any, x: Any, *p: Any) -> Any:
        W, b = torch.cat(p[:4]), torch.cat(p[4:]).ravel()
        n, zero = a.shape[0], torch.zeros(b.shape)
        return torch.lstm_cell(x.T, (a.T, c.T), W[:, n:], W[:, :n], b, zero)[0].T

    def torch_rnn(a: Any, x: Any, Wax: Any, Waa: Any, ba: Any) -> Any:
        return torch.rnn_tanh_cell(x.T, a.T, Wax, Waa, ba.ravel(), torch.zeros(ba.numel())).T

    def rnn(a: Any, x: Any, Wax: Any, Waa: Any, ba: Any) -> Any:
        return F.rnn_cell(a, x, {"Wax": Wax, "Waa": Waa, "ba": ba})[0]

    def torch_gru(c: Any, x: Any, Wu: Any, bu: Any, Wr: Any, br: Any, Wc: Any, bc: Any) -> Any:
        both = torch.cat([c, x])  # PyTorch's own cell multiplies by r after the product
        u, r = torch.sigmoid(Wu @ both + bu), torch.sigmoid(Wr @ both + br)
        return u * torch.tanh(Wc @ torch.cat([r * c, x]) + bc) + (1 - u) * c

    def of_logits(cost: Function, **settings: Any) -> Function:
        return lambda Z, y: cost(Z.T, y.long(), **settings)

    def focal(Z: Any, y: Any) -> Any:
        log_p = T.log_softmax(Z.T, 1)[torch.arange(Z.shape[1]), y.long()]
        return -torch.mean((1 - torch.exp(log_p)) ** 2 * log_p)

    cell = tuple(_normal(*s) for s in [(3, 7)] * 4 + [(3, 1)] * 4)
    conv = (PICTURES, _normal(4, 3, 3, 3), _normal(4))
    found: dict[str, tuple[Function, Function, tuple[Any, ...]]] = {
        "conv": (_first(F.conv, stride=2, pad=1), lambda x, W, b: T.conv2d(x, W, b, 2, 1), conv),
        "conv, dilated": (_first(F.conv, dilation=2), lambda x, W, b: T.conv2d(x, W, b, dilation=2), conv),
        "conv, same": (_first(F.conv, pad="same"), lambda x, W, b: T.conv2d(x, W, b, padding="same"), conv),
        "conv, depthwise": (
            lambda x, W: F.conv(x, W, groups=3, channels="first"),
            lambda x, W: T.conv2d(x, W, groups=3),
            (PICTURES, _normal(3, 1, 3, 3)),
        ),
        "conv, signals": (_first(F.conv), T.conv1d, (_normal(2, 3, 9), _normal(4, 3, 3), _normal(4))),
        "conv_transpose": (
            _first(F.conv_transpose, stride=2, pad=1, extra=1),
            lambda x, W, b: T.conv_transpose2d(x, W, b, 2, 1, 1),
            (MAPS, _normal(4, 3, 3, 3), _normal(3)),
        ),
        "max_pool": (
            _first(F.max_pool, f=3, stride=2, pad=1),
            lambda x: T.max_pool2d(x, 3, 2, 1),
            (PICTURES,),
        ),
        "average_pool": (_first(F.average_pool), lambda x: T.avg_pool2d(x, 2), (PICTURES,)),
        "average_pool, padded": (
            _first(F.average_pool, f=3, stride=1, pad=1),
            lambda x: T.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
            (PICTURES,),
        ),
        "batch_norm": (
            lambda x, g, b: F.batch_norm(x, g[:, None, None], b[:, None, None], axis=(0, 2, 3))[0],
            lambda x, g, b: T.batch_norm(x, None, None, g, b, training=True),
            (PICTURES, _normal(3), _normal(3)),
        ),
        "layer_norm": (
            lambda x, g, b: F.layer_norm(x, g, b, axis=-1),
            lambda x, g, b: T.layer_norm(x, (5,), g, b),
            (ROWS, _normal(5), _normal(5)),
        ),
        "rms_norm": (
            lambda x, g: F.rms_norm(x, g, axis=-1),
            lambda x, g: T.rms_norm(x, (5,), g, 1e-5),
            (ROWS, _normal(5)),
        ),
        "attention": (F.attention, T.scaled_dot_product_attention, QKV),
        "attention, causal": (
            lambda q, k, v: F.attention(q, k, v, causal=True),
            lambda q, k, v: T.scaled_dot_product_attention(q, k, v, is_causal=True),
            (QKV[0], QKV[0], QKV[0]),
        ),
        "embedding": (F.embedding, lambda E, i: T.embedding(i.long(), E), (_normal(5, 3), _labels(5, 9))),
        "rnn_cell": (
            rnn, torch_rnn, (_normal(3, 2), _normal(4, 2), _normal(3, 4), _normal(3, 3), _normal(3, 1))
        ),
        "gru_cell": (
            gru, torch_gru, (_normal(3, 2), _normal(4, 2), *(_normal(*s) for s in [(3, 7), (3, 1)] * 3))
        ),
        "lstm": (
            lambda x, *p: F.lstm(x, dict(zip(lstm_keys, p, strict=True)))[1],
            torch_lstm_over_time,
            (_normal(4, 2, 5), *cell),
        ),
        "lstm_cell": (lstm, torch_lstm, (_normal(3, 2), _normal(3, 2), _normal(4, 2), *cell)),
        "cross_entropy": (F.cross_entropy, of_logits(T.cross_entropy), (Z, _labels(5, 6))),
        "focal": (F.focal, focal, (Z, _labels(5, 6))),
        "hinge": (
            F.hinge, lambda Z, y: 5 * T.multi_margin_loss(Z.T, y.long()), (Z, _labels(5, 6))
        ),
        "negative_log_likelihood": (F.negative_log_likelihood, of_logits(T.nll_loss), (Z, _labels(5, 6))),
        "margin_ranking": (
            lambda a, b: F.margin_ranking(a, b, np.array([1, -1, 1, 1, -1, 1, 1]), 0.5),
            lambda a, b: T.margin_ranking_loss(a, b, torch.tensor([1, -1, 1, 1, -1, 1, 1]), 0.5),
            (_normal(7), _normal(7)),
        ),
        "mean_squared_error": (F.mean_squared_error, T.mse_loss, (Z, Z)),
        "huber": (F.huber, T.huber_loss, (Z, Z)),
        "sigmoid_cross_entropy": (
            lambda Z: F.sigmoid_cross_entropy(Z, np.eye(5, 6)),
            lambda Z: T.binary_cross_entropy_with_logits(Z, torch.eye(5, 6)) * 5,  # a mean over the units too
            (Z,),
        ),
        "logsumexp": (F.logsumexp, lambda z: torch.logsumexp(z, 0), (Z,)),
        "softmax": (F.softmax, lambda z: torch.softmax(z, 0), (Z,)),
        "log_softmax": (F.log_softmax, lambda z: torch.log_softmax(z, 0), (Z,)),
        "gelu": (F.gelu, T.gelu, (Z,)),
        "gelu, tanh": (
            lambda z: F.gelu(z, approximate=True), lambda z: T.gelu(z, approximate="tanh"), (Z,)
        ),
        "glu": (lambda z: F.glu(z, axis=-1), T.glu, (Z,)),
        "leaky_relu": (F.leaky_relu, T.leaky_relu, (Z,)),
        "soft_sign": (F.soft_sign, T.softsign, (Z,)),
        "hard_tanh": (F.hard_tanh, T.hardtanh, (Z,)),
        "silu": (F.silu, T.silu, (Z,)),
    }  # fmt: skip
    for name in ("sigmoid", "tanh", "relu", "elu", "selu", "softplus"):
        found[name] = getattr(F, name), getattr(T, name), (Z,)
    for name, made, inputs in (
        ("norm", td.Normal, (_normal(7), _normal(7), POSITIVE)),
        ("cauchy", td.Cauchy, (_normal(7), _normal(7), POSITIVE)),
        ("laplace", td.Laplace, (_normal(7), _normal(7), POSITIVE)),
        ("gumbel_r", td.Gumbel, (_normal(7), _normal(7), POSITIVE)),
        ("gamma", td.Gamma, (POSITIVE, POSITIVE)),
        ("beta", td.Beta, (UNIT, POSITIVE, POSITIVE)),
        ("halfnorm", lambda s: td.HalfNormal(1.0 + 0 * s), (POSITIVE,)),
    ):
        ours = getattr(distributions, name).logpdf
        if name == "halfnorm":
            found[name] = ours, lambda x, m=made: m(x).log_prob(x), inputs
        elif name == "gamma":
            found[name] = ours, lambda x, a: td.Gamma(a, torch.ones(())).log_prob(x), inputs
        else:
            found[name] = ours, lambda x, *p, m=made: m(*p).log_prob(x), inputs
    found["t"] = (
        distributions.t.logpdf,
        lambda x, df: td.StudentT(df).log_prob(x),
        (_normal(7), _between(2.0, 9.0, 7)),
    )
    found["multivariate_normal"] = (
        lambda x, mean, L: distributions.multivariate_normal.logpdf(x, mean, L @ L.T),
        lambda x, mean, L: td.MultivariateNormal(mean, L @ L.T).log_prob(x),
        (_normal(4, 3), _normal(3), _regular(3)),
    )
    found["expm"] = matrices.expm, torch.matrix_exp, (_regular(3),)
    found["cholesky"] = (
        lambda A: matrices.cholesky(A @ A.T, lower=True),
        lambda A: torch.linalg.cholesky(A @ A.T),
        (_regular(4),),
    )
    found["solve"] = matrices.solve, torch.linalg.solve, (_regular(4), _normal(4))
    found["solve_triangular"] = (
        matrices.solve_triangular,
        lambda a, b: torch.linalg.solve_triangular(a, b, upper=True),
        (_regular(4), _normal(4, 2)),
    )
    found["multigammaln"] = (
        lambda a: gammas.multigammaln(a, 3), lambda a: torch.mvlgamma(a, 3), (_between(2.0, 5.0, 7),)
    )  # fmt: skip
    found["polygamma"] = lambda x: gammas.polygamma(2, x), lambda x: torch.polygamma(2, x), (POSITIVE,)
    return found


def against_jax() -> dict[str, tuple[Function, Function, tuple[Any, ...]]]:
    """Return the same for JAX's mirror of SciPy."""
    import jax
    import jax.scipy as js

    jax.config.update("jax_enable_x64", True)
    found: dict[str, tuple[Function, Function, tuple[Any, ...]]] = {
        "convolve": (signals.convolve, js.signal.convolve, (_normal(7), _normal(3))),
        "correlate": (signals.correlate, js.signal.correlate, (_normal(4, 5), _normal(2, 3))),
        "dirichlet": (
            lambda a: distributions.dirichlet.logpdf(np.full(7, 1 / 7), a),
            lambda a: js.stats.dirichlet.logpdf(np.full(7, 1 / 7), a),
            (POSITIVE,),
        ),
    }
    for name, methods, inputs in (
        ("norm", ("logpdf", "pdf", "cdf", "logcdf", "sf", "logsf"), (_normal(7), _normal(7), POSITIVE)),
        ("logistic", ("logpdf", "pdf", "cdf", "sf"), (_normal(7), _normal(7), POSITIVE)),
        ("expon", ("logpdf", "pdf", "cdf", "sf"), (POSITIVE,)),
        ("pareto", ("logpdf", "pdf"), (_between(1.1, 3.0, 7), POSITIVE)),
        ("uniform", ("logpdf",), (UNIT, _between(-2.0, -1.0, 7), _between(4.0, 5.0, 7))),
        ("chi2", ("logpdf", "pdf"), (POSITIVE, POSITIVE)),
        ("t", ("logpdf", "pdf"), (_normal(7), POSITIVE, _normal(7), POSITIVE)),
    ):
        for method in methods:
            of = getattr(distributions, name), getattr(js.stats, name)
            found[f"{name}.{method}"] = getattr(of[0], method), getattr(of[1], method), inputs
    for name, inputs in (("poisson", (POSITIVE,)), ("bernoulli", (UNIT,)), ("geom", (UNIT,))):
        k = np.array([0, 1, 1, 0, 1, 1, 0]) + (name == "geom")
        ours, theirs = getattr(distributions, name), getattr(js.stats, name)
        found[name] = lambda p, k=k, f=ours: f.logpmf(k, p), lambda p, k=k, f=theirs: f.logpmf(k, p), inputs
    return found


def against_mygrad() -> dict[str, tuple[Function, Function, tuple[Any, ...]]]:
    """Return the same for the layers and the recurrent network of MyGrad."""
    from mygrad.nnet import layers, losses

    def gru(X: Any, Uz: Any, Wz: Any, bz: Any, Ur: Any, Wr: Any, br: Any, Uh: Any, Wh: Any, bh: Any) -> Any:
        def stacked(W: Any, U: Any) -> Any:
            return np.concatenate([W, U]).T

        p = {"Wu": -stacked(Wz, Uz), "Wr": stacked(Wr, Ur), "Wc": stacked(Wh, Uh)}  # their z is 1 - gamma_u
        p |= {"bu": -bz[:, None], "br": br[:, None], "bc": bh[:, None]}

        def step(c: Any, x_t: Any, p: Any) -> Any:
            c_next = F.gru_cell(c, x_t, p)[0]
            return c_next, c_next

        return F.scan(step, np.zeros((5, 3)), np.transpose(X, (2, 1, 0)), p)[1]

    def theirs(X: Any, *p: Any) -> Any:
        return layers.gru(X, *p)[1:].transpose(2, 1, 0)

    weights = [_normal(*s) for s in [(2, 5), (5, 5), (5,)] * 3]
    y = rng.integers(0, 4, 6)
    return {
        "conv": (
            _first(F.conv, stride=2, pad=1),
            lambda x, W: layers.conv_nd(x, W, stride=2, padding=1),
            (_normal(2, 3, 7, 9), _normal(4, 3, 3, 3)),
        ),
        "max_pool": (
            _first(F.max_pool, f=(3, 2), stride=2),
            lambda x: layers.max_pool(x, (3, 2), (2, 2)),
            (_normal(2, 3, 7, 6),),
        ),
        "batch_norm": (
            lambda x, g, b: F.batch_norm(x, g[:, None, None], b[:, None, None], axis=(0, 2, 3))[0],
            lambda x, g, b: layers.batchnorm(x, gamma=g, beta=b, eps=1e-5),
            (PICTURES, _normal(3), _normal(3)),
        ),
        "gru_cell with scan": (gru, theirs, (_normal(4, 3, 2), *weights)),
        "cross_entropy": (
            lambda Z: F.cross_entropy(Z.T, y), lambda Z: losses.softmax_crossentropy(Z, y), (_normal(6, 4),)
        ),
        "hinge": (lambda Z: F.hinge(Z.T, y), lambda Z: losses.multiclass_hinge(Z, y), (_normal(6, 4),)),
        "focal": (
            lambda Z: F.focal(Z.T, y, 1.5, 0.7),
            lambda Z: losses.softmax_focal_loss(Z, y, alpha=0.7, gamma=1.5).mean(),
            (_normal(6, 4),),
        ),
    }  # fmt: skip


def _torch_gradients(f: Function, arrays: list[Any], g: Any) -> tuple[Any, list[Any]]:
    import torch

    given = [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    y = f(*given)
    y.backward(torch.tensor(np.broadcast_to(g(y.shape), tuple(y.shape)).copy()))
    return y.detach().numpy(), [t.grad.numpy() for t in given if t.requires_grad]


def _jax_gradients(f: Function, arrays: list[Any], g: Any) -> tuple[Any, list[Any]]:
    import jax

    y, pullback = jax.vjp(f, *arrays)
    return np.asarray(y), [np.asarray(a) for a in pullback(np.asarray(g(y.shape)))]


def _mygrad_gradients(f: Function, arrays: list[Any], g: Any) -> tuple[Any, list[Any]]:
    import mygrad

    given = [mygrad.tensor(a) for a in arrays]
    y = f(*given)
    y.backward(g(y.shape))
    return y.data, [t.grad for t in given]


def difference(ours: Function, theirs: Function, inputs: tuple[Any, ...], pull: Function) -> float:
    """Return the largest relative difference of the values and gradients, over some draws."""
    largest = 0.0
    for seed in range(DRAWS):
        arrays = [make() for make in inputs]

        def g(shape: Any, seed: int = seed) -> Any:
            return np.random.default_rng(seed).normal(size=tuple(shape))

        y, expected = pull(theirs, arrays, g)
        numbers = [a.dtype.kind == "f" for a in arrays]

        def of(*x: Any, arrays: list[Any] = arrays, numbers: list[bool] = numbers) -> Any:
            rest = iter(x)
            return ours(*(next(rest) if n else a for a, n in zip(arrays, numbers, strict=True)))

        value, pullback = vjp(of, *(a for a, n in zip(arrays, numbers, strict=True) if n))
        found = pullback(np.reshape(g(y.shape), np.shape(value)))
        found = found if isinstance(found, tuple) else (found,)
        for a, b in zip([value, *found], [y, *expected], strict=True):
            scale = np.max(np.abs(b), initial=1e-12)
            largest = max(largest, float(np.max(np.abs(np.reshape(a, np.shape(b)) - b), initial=0.0) / scale))
    return largest


def run(_: argparse.Namespace) -> int:
    """Compare with the peers that are installed; return 1 if something differs."""
    wrong = 0
    peers = (
        ("torch", against_torch, _torch_gradients),
        ("jax", against_jax, _jax_gradients),
        ("mygrad", against_mygrad, _mygrad_gradients),
    )
    for peer, table, pull in peers:
        try:
            cases = table()
        except ImportError:
            print(f"{peer}: not installed")
            continue
        print(f"{peer} {version(peer)}, NumPy {np.__version__}: {len(cases)} functions, {DRAWS} draws each")
        for name, (ours, theirs, inputs) in cases.items():
            found = difference(ours, theirs, inputs, pull)
            wrong += found > MOST
            print(f"  {name:28} {found:.0e}{'  differs' if found > MOST else ''}")
    print("all agree" if not wrong else f"{wrong} differ")
    return 1 if wrong else 0
