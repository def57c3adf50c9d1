"""Activations beyond the course's: smooth and bounded relatives of ReLU and tanh."""

from typing import Any

import numpy as np
from scipy import special

from tinygrad_course.functions.activations import sigmoid
from tinygrad_course.rules.shapes import inexact, masked
from tinygrad_course.rules.table import primitive, rule

SELU_SCALE = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717
GELU_ROOT = (2 / np.pi) ** 0.5


@primitive
def elu(Z: Any, alpha: float = 1.0) -> Any:
    """Return Z where Z > 0, else alpha (exp(Z) - 1) (Clevert et al., 2016).

    Examples
    --------
    >>> elu(np.array([-np.inf, 0.0, 2.0]))
    array([-1.,  0.,  2.])
    """
    return np.where(Z > 0, Z, alpha * np.expm1(np.minimum(Z, 0)))


rule(elu, lambda g, y, Z, alpha=1.0: np.where(Z > 0, g, g * (alpha * np.exp(np.where(Z > 0, 0.0, Z)))))


def selu(Z: Any) -> Any:
    """Return 1.0507 elu(Z, 1.6733), which keeps mean 0 and variance 1 (Klambauer et al., 2017).

    Examples
    --------
    >>> selu(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-1.1113,  0.    ,  1.0507])
    """
    return SELU_SCALE * elu(Z, SELU_ALPHA)


def gelu(Z: Any, approximate: bool = False) -> Any:
    """Return Z Phi(Z), Phi the normal distribution function (Hendrycks and Gimpel, 2016).

    With `approximate`, 0.5 Z (1 + tanh(sqrt(2 / pi) (Z + 0.044715 Z^3))), as GPT-2 has it.

    Examples
    --------
    >>> gelu(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.1587,  0.    ,  0.8413])
    >>> gelu(np.array([1.0]), approximate=True).round(4)
    array([0.8412])
    """
    if approximate:
        return 0.5 * Z * (1 + np.tanh(GELU_ROOT * (Z + 0.044715 * Z * Z * Z)))
    return Z * special.ndtr(Z)


def silu(Z: Any) -> Any:
    """Return Z sigmoid(Z), also called swish.

    Examples
    --------
    >>> silu(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.2689,  0.    ,  0.7311])
    """
    return Z * sigmoid(Z)


def softplus(Z: Any) -> Any:
    """Return log(1 + exp(Z)), without overflow.

    Examples
    --------
    >>> softplus(np.array([-1000.0, 0.0, 1000.0])).round(4)
    array([0.000e+00, 6.931e-01, 1.000e+03])
    """
    return -special.log_expit(-inexact(Z))


@primitive
def hard_tanh(Z: Any, lower: float = -1.0, upper: float = 1.0) -> Any:
    """Return Z, no less than `lower` and no more than `upper`. Its derivative at both is 0.

    Examples
    --------
    >>> hard_tanh(np.array([-3.0, 0.5, 3.0]))
    array([-1. ,  0.5,  1. ])
    """
    return np.minimum(np.maximum(Z, lower), upper)


rule(hard_tanh, lambda g, y, Z, lower=-1.0, upper=1.0: masked(g, (lower < Z) & (upper > Z)))


def soft_sign(Z: Any) -> Any:
    """Return Z / (1 + |Z|).

    Examples
    --------
    >>> soft_sign(np.array([-1.0, 0.0, 3.0]))
    array([-0.5 ,  0.  ,  0.75])
    """
    return Z / (1 + np.abs(inexact(Z)))


def glu(Z: Any, axis: int = 0) -> Any:
    """Return A sigmoid(B), A and B the two halves of Z along `axis` (Dauphin et al., 2017).

    Examples
    --------
    >>> glu(np.array([[2.0, 4.0], [0.0, 0.0]]))
    array([[1., 2.]])
    """
    n = Z.shape[axis]
    if n % 2:
        raise ValueError(f"glu: Z {Z.shape} has {n} units along axis {axis}, which have no halves")
    before = (slice(None),) * (axis % len(Z.shape))
    return Z[(*before, slice(n // 2))] * sigmoid(Z[(*before, slice(n // 2, n))])
