"""The peers that build a graph before they compute, in NumPy's words, and the gradient that each gives."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np

from benchmarks.conventions.words import MASK, Gradient, Words


def of_pytensor() -> Gradient:
    """Return PyTensor's gradient, by its Python linker."""
    import pytensor
    from pytensor import tensor as pt

    pytensor.config.cxx = ""
    pytensor.config.on_opt_error = "ignore"  # as with a row that there is not, which it prints
    mode = pytensor.compile.mode.Mode(linker="py", optimizer="fast_run")
    words = Words(
        pt.constant,
        pt,
        pt.linalg,
        pt.special,
        d=lambda f: lambda x: pytensor.grad(f(x), x),
        rowmax=lambda x: pt.max(x, axis=1),
        var1=lambda x: pt.var(x, ddof=1),
        power=pt.pow,
        remainder=pt.mod,
        floor_divide=pt.int_div,
        nuclear=lambda x: pt.linalg.norm(x, "nuc"),
        norm=pt.linalg.norm,
        norm2=lambda x: pt.linalg.norm(x, 2),
        svdvals=lambda x: pt.linalg.svd(x, compute_uv=False),
        eigvalsh=lambda x: pt.linalg.eigh(x)[0],
        embedding=lambda E, indices: E[np.array(indices)],
        softmax=lambda x: pt.special.softmax(x, axis=0),
        log_softmax=lambda x: pt.special.log_softmax(x, axis=0),
        relu=lambda x: pt.switch(x > 0, x, 0.0),
    )

    def gradient(f: Any, x: Any) -> Any:
        t = pt.tensor("t", dtype="float64", shape=np.shape(x))
        with contextlib.redirect_stderr(io.StringIO()):
            return pytensor.function([t], pytensor.grad(f(words, t), t), mode=mode)(np.array(x))

    return gradient


def of_casadi() -> Gradient:
    """Return CasADi's gradient, of its SX expressions."""
    import casadi as ca

    words = Words(
        ca.DM,
        ca,
        maximum=ca.fmax,
        minimum=ca.fmin,
        abs=ca.fabs,
        max=ca.mmax,
        min=ca.mmin,
        arcsin=ca.asin,
        arccos=ca.acos,
        arccosh=ca.acosh,
        arctanh=ca.atanh,
        arctan2=ca.atan2,
        where=ca.if_else,
        logsumexp=ca.logsumexp,
        sum=lambda x: ca.sum1(ca.sum2(x)),
        clip=lambda x, low, high: ca.fmin(ca.fmax(x, low), high),
        norm=lambda x, p=2: {1: ca.norm_1, 2: ca.norm_2, np.inf: ca.norm_inf}[p](x),
        power=ca.power,
        relu=lambda x: ca.if_else(x > 0, x, 0),
        stack=lambda parts: ca.vertcat(*parts),
        d=lambda f: lambda x: ca.gradient(f(x), x),
        embedding=lambda E, indices: E[list(indices), :],
    )

    def gradient(f: Any, x: Any) -> Any:
        point = np.array(x)
        t = ca.SX.sym("t", *(point.shape or (1, 1)))
        found = ca.Function("g", [t], [ca.gradient(f(words, t), t)])(ca.DM(point))
        return np.reshape(np.array(found), point.shape)

    return gradient


def of_tinygrad() -> Gradient:
    """Return tinygrad's gradient, by its interpreter in Python."""
    import os

    os.environ.setdefault("DEV", "PYTHON")
    from tinygrad import Tensor, dtypes

    def constant(x: Any) -> Any:
        return Tensor(x, dtype=dtypes.float64)

    def method(name: str) -> Any:
        return lambda x, *args, **kwargs: getattr(x, name)(*args, **kwargs)

    def attended(x: Any) -> Any:
        return x.scaled_dot_product_attention(x, x, attn_mask=Tensor(MASK.tolist()))[1].sum()

    methods = {
        name: method(name)
        for name in (
            *(
                "abs",
                "maximum",
                "minimum",
                "clip",
                "sqrt",
                "exp",
                "log",
                "tanh",
                "cosh",
                "sum",
                "mean",
                "max",
            ),
            *("min", "prod", "sign", "round", "floor", "relu", "relu6", "elu", "selu", "silu", "softplus"),
            "leaky_relu",
        )
    }
    words = Words(
        constant,
        **methods,
        arcsin=method("asin"),
        arccos=method("acos"),
        arccosh=method("acosh"),
        arctanh=method("atanh"),
        remainder=method("mod"),
        power=method("pow"),
        norm=lambda x, p=2: x.abs().sum() if p == 1 else (x * x).sum().sqrt(),
        std=lambda x: x.std(correction=0),
        var1=lambda x: x.var(correction=1),
        cumprod=lambda x: x.cumprod(0),
        cummax=lambda x: x.cummax(0)[0],
        sort=lambda x: x.sort()[0],
        rowmax=lambda x: x.max(1),
        where=lambda condition, x, z: condition.where(x, z),
        logaddexp=method("logaddexp"),
        logsumexp=lambda x: x.logsumexp(0),
        softmax=lambda x: x.softmax(0),
        log_softmax=lambda x: x.log_softmax(0),
        sigmoid=method("sigmoid"),
        floor_divide=lambda x, z: x // z,
        fmod=method("fmod"),
        soft_sign=method("softsign"),
        log_sigmoid=method("logsigmoid"),
        hard_tanh=method("hardtanh"),
        gelu_tanh=method("gelu"),
        stack=lambda parts: parts[0].stack(*parts[1:]),
        d=lambda f: lambda x: f(x).sum().gradient(x)[0],
        max_pool=lambda x: x.permute(0, 3, 1, 2).max_pool2d((2, 2)),
        layer_norm=lambda x: x.layernorm(axis=0, eps=1e-5),
        masked_attention=attended,
        embedding=lambda E, indices: E[Tensor(indices)],
        bce=method("binary_crossentropy"),
        bce_logits=method("binary_crossentropy_logits"),
    )

    def gradient(f: Any, x: Any) -> Any:
        point = np.atleast_1d(np.array(x))
        t, ones = constant(point.tolist()), constant(np.ones(point.shape).tolist())
        return np.reshape(f(words, t).sum().gradient(t)[0].mul(ones).numpy(), np.shape(x))

    return gradient
