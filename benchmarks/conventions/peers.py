"""The peers' namespaces in NumPy's words, and the gradient that each gives."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.conventions.symbolic_peers import of_casadi, of_pytensor, of_tinygrad
from benchmarks.conventions.words import MASK, Gradient, Words


def numpys(np_: Any, **own: Any) -> Words:
    """Return the words of a module that copies NumPy's names."""
    own.setdefault("var1", lambda x: np_.var(x, ddof=1))
    own.setdefault("svdvals", lambda x: np_.linalg.svd(x, compute_uv=False))
    own.setdefault("rowmax", lambda x: np_.max(x, axis=1))
    own.setdefault("norm2", lambda x: np_.linalg.norm(x, 2))
    own.setdefault("nuclear", lambda x: np_.linalg.norm(x, "nuc"))
    own.setdefault("embedding", lambda E, indices: E[np.array(indices)])
    modules = [m for m in (np_, getattr(np_, "linalg", None)) if m is not None]
    return Words(np_.array if not hasattr(np_, "asarray") else np_.asarray, *modules, **own)


def of_ours() -> Gradient:
    """Return this library's gradient."""
    words = our_words()
    return lambda f, x: words.d(lambda t: f(words, t))(np.array(x)[()])


def our_words() -> Words:
    """Return this library's names."""
    from scipy import special

    from tinygrad_course import functions, grad

    return numpys(
        np,
        d=grad,
        cummax=np.maximum.accumulate,
        logsumexp=functions.logsumexp,
        softmax=functions.softmax,
        log_softmax=lambda z: functions.log_softmax(np.reshape(z, (-1, 1)))[:, 0],
        sigmoid=functions.sigmoid,
        relu=functions.relu,
        relu6=lambda z: np.clip(z, 0, 6),
        leaky_relu=functions.leaky_relu,
        elu=functions.elu,
        selu=functions.selu,
        silu=functions.silu,
        soft_sign=functions.soft_sign,
        softplus=functions.softplus,
        log_sigmoid=special.log_expit,
        hard_tanh=functions.hard_tanh,
        xlogy=special.xlogy,
        entr=special.entr,
        kl_div=special.kl_div,
        logit=special.logit,
        gelu=functions.gelu,
        gelu_tanh=lambda z: functions.gelu(z, approximate=True),
        max_pool=functions.max_pool,
        layer_norm=functions.layer_norm,
        rms_norm=lambda z: functions.rms_norm(z, eps=1e-5),
        batch_norm=lambda z: functions.batch_norm(z, 1.0, 0.0)[0],
        masked_attention=lambda x: np.sum(functions.attention(x, x, x, mask=MASK)[1]),
        embedding=lambda E, indices: functions.embedding(E, np.array(indices)),
        dropout=lambda x, keep_prob: functions.dropout(x, keep_prob, np.random.RandomState(0)),
        huber=functions.huber,
        bce=functions.binary_cross_entropy,
        bce_logits=functions.sigmoid_cross_entropy,
        ce_scores=functions.softmax_cross_entropy,
    )


def of_autograd() -> Gradient:
    """Return autograd's gradient."""
    import autograd
    import autograd.numpy as anp
    from autograd.scipy import special

    words = numpys(
        anp,
        d=autograd.grad,
        eigvalsh=lambda x: anp.linalg.eigh(x)[0],
        logsumexp=special.logsumexp,
        logit=special.logit,
        sigmoid=special.expit,
    )
    return lambda f, x: autograd.grad(lambda t: f(words, t))(np.array(x)[()])


def of_mygrad() -> Gradient:
    """Return MyGrad's gradient."""
    import mygrad
    from mygrad import nnet

    def pooled(x: Any) -> Any:
        return nnet.layers.max_pool(mygrad.transpose(x, (0, 3, 1, 2)), (2, 2), 2)

    words = numpys(
        mygrad,
        relu=nnet.activations.relu,
        leaky_relu=lambda x: nnet.activations.leaky_relu(x, 0.01),
        elu=lambda x, alpha=1.0: nnet.activations.elu(x, alpha),
        selu=nnet.activations.selu,
        soft_sign=nnet.activations.soft_sign,
        hard_tanh=nnet.activations.hard_tanh,
        softmax=lambda x: nnet.activations.softmax(x, axis=0),
        log_softmax=lambda x: nnet.activations.logsoftmax(x, axis=0),
        sigmoid=nnet.activations.sigmoid,
        ce_scores=lambda x, y: nnet.losses.softmax_crossentropy(mygrad.transpose(x), np.argmax(y, axis=0)),
        max_pool=pooled,
        batch_norm=lambda x: nnet.layers.batchnorm(mygrad.transpose(x), eps=1e-5),
    )

    def gradient(f: Any, x: Any) -> Any:
        t = mygrad.tensor(x, dtype=float)
        f(words, t).backward()
        return t.grad

    return gradient


def of_jax() -> Gradient:
    """Return JAX's gradient."""
    import jax

    jax.config.update("jax_enable_x64", True)
    nn, jnp, lax = jax.nn, jax.numpy, jax.lax

    def pooled(x: Any) -> Any:
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def attended(x: Any) -> Any:
        x = x[None, :, None, :]
        return jnp.sum(nn.dot_product_attention(x, x, x, mask=jnp.asarray(MASK)[None, None])[0, 1])

    words = numpys(
        jnp,
        d=jax.grad,
        cummax=lax.cummax,
        logsumexp=nn.logsumexp,
        softmax=nn.softmax,
        log_softmax=nn.log_softmax,
        sigmoid=nn.sigmoid,
        relu=nn.relu,
        relu6=nn.relu6,
        leaky_relu=nn.leaky_relu,
        elu=nn.elu,
        selu=nn.selu,
        silu=nn.silu,
        soft_sign=nn.soft_sign,
        softplus=nn.softplus,
        log_sigmoid=nn.log_sigmoid,
        hard_tanh=nn.hard_tanh,
        xlogy=jax.scipy.special.xlogy,
        entr=jax.scipy.special.entr,
        kl_div=jax.scipy.special.kl_div,
        logit=jax.scipy.special.logit,
        gelu=lambda x: nn.gelu(x, approximate=False),
        gelu_tanh=nn.gelu,
        max_pool=pooled,
        layer_norm=lambda x: nn.standardize(x, axis=0, epsilon=1e-5),
        masked_attention=attended,
        embedding=lambda E, indices: jnp.take(E, jnp.array(indices), axis=0),
    )
    return lambda f, x: jax.grad(lambda t: f(words, t))(jnp.array(x))


def of_torch() -> Gradient:
    """Return PyTorch's gradient."""
    import torch

    F = torch.nn.functional

    def constant(x: Any) -> Any:
        return torch.tensor(x, dtype=torch.float64)

    def attended(x: Any) -> Any:
        return F.scaled_dot_product_attention(x, x, x, attn_mask=torch.tensor(MASK))[1].sum()

    words = Words(
        constant,
        torch.linalg,
        torch,
        d=torch.func.grad,
        var1=lambda x: torch.var(x, correction=1),
        std=lambda x: torch.std(x, correction=0),
        median=lambda x: torch.quantile(x, 0.5),
        lstsq=lambda a, b: torch.linalg.lstsq(a, b[:, None], driver="gelsd"),
        max=torch.max,
        min=torch.min,
        rowmax=lambda x: torch.amax(x, 1),
        cummax=lambda x: torch.cummax(x, 0)[0],
        sort=lambda x: torch.sort(x, stable=True)[0],
        cumprod=lambda x: torch.cumprod(x, 0),
        norm2=lambda x: torch.linalg.norm(x, 2),
        nuclear=lambda x: torch.linalg.norm(x, "nuc"),
        power=torch.pow,
        logsumexp=lambda x: torch.logsumexp(x, 0),
        softmax=lambda x: torch.softmax(x, 0),
        log_softmax=lambda x: torch.log_softmax(x, 0),
        entr=torch.special.entr,
        kl_div=None,  # torch.kl_div takes the logarithm
        relu=torch.relu,
        relu6=F.relu6,
        leaky_relu=F.leaky_relu,
        elu=F.elu,
        selu=F.selu,
        silu=F.silu,
        soft_sign=F.softsign,
        softplus=F.softplus,
        log_sigmoid=F.logsigmoid,
        hard_tanh=F.hardtanh,
        gelu=F.gelu,
        gelu_tanh=lambda x: F.gelu(x, approximate="tanh"),
        max_pool=lambda x: F.max_pool2d(x.permute(0, 3, 1, 2), 2, 2),
        layer_norm=lambda x: F.layer_norm(x.T, (x.shape[0],), eps=1e-5).T,
        rms_norm=lambda x: F.rms_norm(x.T, (x.shape[0],), eps=1e-5),
        batch_norm=lambda x: F.batch_norm(x.T, None, None, training=True),
        masked_attention=attended,
        embedding=lambda E, indices: F.embedding(torch.tensor(indices), E),
        dropout=lambda x, keep_prob: F.dropout(x, 1 - keep_prob),
        huber=F.huber_loss,
        bce=F.binary_cross_entropy,
        bce_logits=F.binary_cross_entropy_with_logits,
        ce_scores=lambda x, y: F.cross_entropy(x.T, y.T),
    )

    def gradient(f: Any, x: Any) -> Any:
        t = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        f(words, t).backward()
        return None if t.grad is None else t.grad.numpy()

    return gradient


PEERS: dict[str, Callable[[], Gradient]] = {
    "autograd": of_autograd,
    "mygrad": of_mygrad,
    "jax": of_jax,
    "torch": of_torch,
    "pytensor": of_pytensor,
    "casadi": of_casadi,
    "tinygrad": of_tinygrad,
}


def text(x: Any) -> str:
    """Return a gradient as the table has it: ``[0,0.5]``."""
    array = np.round(np.asarray(x, dtype=float), 6) + 0.0
    if array.ndim:
        return "[" + ",".join(text(row) for row in array) + "]"
    return f"{float(array):.7g}"


def seen(gradient: Gradient, f: Any, x: Any) -> str:
    """Return what a library gives at a point, or the name of its error.

    "no rule" is a library without the function, or without a derivative of it.
    """
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return text(gradient(f, x))
        except (AttributeError, NotImplementedError, TypeError, KeyError):
            return "no rule"
        except Exception as error:  # noqa: BLE001  (whatever a peer raises is its entry)
            none = "not implemented" in str(error) or "does not require grad" in str(error)
            return "no rule" if none else type(error).__name__.lstrip("_")


def second(first: Any) -> Any:
    """Return the second derivative along a direction: of a gradient times 1, 2, 3, ..., the gradient."""
    from tinygrad_course import grad

    return grad(lambda x: np.sum(np.reshape(first(x), -1) * np.arange(1.0, np.size(x) + 1)))
