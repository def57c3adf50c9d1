"""The peers' namespaces in NumPy's words, and the gradient that each gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Gradient = Callable[[Callable[[Any, Any], Any], Any], Any]


class Words:
    """NumPy's names, looked up in a library's modules one after the other."""

    def __init__(self, constant: Callable[[Any], Any], *modules: Any, **own: Any) -> None:
        self._modules = modules
        self._own = own
        self.c = constant

    def __getattr__(self, name: str) -> Any:
        if name in self._own:
            return self._own[name]
        for module in self._modules:
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(f"no rule: {name}")


def numpys(np_: Any, **own: Any) -> Words:
    """Return the words of a module that copies NumPy's names."""
    own.setdefault("var1", lambda x: np_.var(x, ddof=1))
    own.setdefault("svdvals", lambda x: np_.linalg.svd(x, compute_uv=False))
    modules = [m for m in (np_, getattr(np_, "linalg", None)) if m is not None]
    return Words(np_.array if not hasattr(np_, "asarray") else np_.asarray, *modules, **own)


def our_words() -> Words:
    """Return this library's words."""
    from scipy import special

    from tinygrad_course import functions

    def masked_attention(x: Any) -> Any:
        return np.sum(functions.attention(x, x, x, mask=np.array([[True, True], [False, False]]))[1])

    return numpys(
        np,
        logsumexp=functions.logsumexp,
        softmax=functions.softmax,
        relu=functions.relu,
        leaky_relu=functions.leaky_relu,
        hard_tanh=functions.hard_tanh,
        xlogy=special.xlogy,
        gelu=functions.gelu,
        gelu_tanh=lambda z: functions.gelu(z, approximate=True),
        max_pool=functions.max_pool,
        layer_norm=functions.layer_norm,
        masked_attention=masked_attention,
        embedding=lambda E, indices: functions.embedding(E, np.array(indices)),
    )


def of_ours() -> Gradient:
    """Return this library's gradient."""
    from tinygrad_course import grad

    words = our_words()
    return lambda f, x: grad(lambda t: f(words, t))(np.array(x))


def of_autograd() -> Gradient:
    """Return autograd's gradient."""
    import autograd
    import autograd.numpy as anp

    words = numpys(anp, eigvalsh=lambda x: anp.linalg.eigh(x)[0])
    return lambda f, x: autograd.grad(lambda t: f(words, t))(np.array(x))


def of_mygrad() -> Gradient:
    """Return MyGrad's gradient."""
    import mygrad

    def gradient(f: Any, x: Any) -> Any:
        t = mygrad.tensor(x, dtype=float)
        f(numpys(mygrad, relu=mygrad.nnet.activations.relu), t).backward()
        return t.grad

    return gradient


def of_jax() -> Gradient:
    """Return JAX's gradient."""
    import jax

    jax.config.update("jax_enable_x64", True)
    words = numpys(
        jax.numpy,
        logsumexp=jax.nn.logsumexp,
        softmax=jax.nn.softmax,
        relu=jax.nn.relu,
        leaky_relu=jax.nn.leaky_relu,
        hard_tanh=jax.nn.hard_tanh,
        xlogy=jax.scipy.special.xlogy,
        gelu=lambda x: jax.nn.gelu(x, approximate=False),
        gelu_tanh=jax.nn.gelu,
    )
    return lambda f, x: jax.grad(lambda t: f(words, t))(jax.numpy.array(x))


def of_torch() -> Gradient:
    """Return PyTorch's gradient."""
    import torch

    def constant(x: Any) -> Any:
        return torch.tensor(x, dtype=torch.float64)

    words = Words(
        constant,
        torch,
        torch.linalg,
        var1=lambda x: torch.var(x, correction=1),
        std=lambda x: torch.std(x, correction=0),
        median=lambda x: torch.quantile(x, 0.5),
        max=torch.max,
        min=torch.min,
        sort=lambda x: torch.sort(x, stable=True)[0],
        cumprod=lambda x: torch.cumprod(x, 0),
        power=torch.pow,
        logsumexp=lambda x: torch.logsumexp(x, 0),
        softmax=lambda x: torch.softmax(x, 0),
        relu=torch.relu,
        leaky_relu=torch.nn.functional.leaky_relu,
        hard_tanh=torch.nn.functional.hardtanh,
        gelu=torch.nn.functional.gelu,
        gelu_tanh=lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
        embedding=lambda E, indices: torch.nn.functional.embedding(torch.tensor(indices), E),
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
}


def text(x: Any) -> str:
    """Return a gradient as the table has it: ``[0,0.5]``."""
    array = np.round(np.asarray(x, dtype=float), 6) + 0.0
    if array.ndim:
        return "[" + ",".join(text(row) for row in array) + "]"
    return f"{float(array):.7g}"


def seen(gradient: Gradient, f: Any, x: Any) -> str:
    """Return what a library gives at a point, or the name of its error."""
    with np.errstate(all="ignore"):
        try:
            return text(gradient(f, x))
        except Exception as error:  # noqa: BLE001  (whatever a peer raises is its entry)
            return type(error).__name__
