"""The calls that random expressions are made of: every rule of the table, and what it is given."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse, special

from tinygrad_course import functions as nn
from tinygrad_course.rules.special import polygamma
from tinygrad_course.rules.table import RULES, entered_late
from tinygrad_course.testing.domains import smooth_domain
from tinygrad_course.testing.guarded_arrays import Guard

REAL = Guard()
SMALL = Guard(low=-0.8, high=0.8)
POSITIVE = Guard(low=0.4, high=2.5)
UNIT = Guard(low=0.2, high=0.8)
LARGE = Guard(low=1.2, high=2.5)
DISTINCT = Guard("distinct")
LOW, HIGH = Guard("lattice", low=0.0), Guard("lattice", low=0.2)
ANY = "..."
_SPARSE = sparse.csr_matrix([[1.5, 0.0], [0.0, -0.5], [2.0, 1.0]])


@dataclass(frozen=True)
class Call:
    """A function with what it may be given.

    Attributes
    ----------
    name : str
        As it is written: ``"np.sum"``.
    function : callable
    guards : tuple of Guard
        For its array arguments, which come first.
    extras : tuple of list
        Choices for each further positional argument.
    options : dict of list
        Choices for keywords, any of which may be left away.
    together : bool
        The arrays are passed as one list.
    broadcasts : bool
        The arrays may have any shapes that broadcast.
    """

    name: str
    function: Callable[..., Any]
    guards: tuple[Guard, ...]
    extras: tuple[list[Any], ...] = ()
    options: dict[str, list[Any]] = field(default_factory=dict)
    together: bool = False
    broadcasts: bool = False


def call(
    name: str,
    *guards: Guard,
    extras: tuple[list[Any], ...] = (),
    together: bool = False,
    broadcasts: bool = False,
    function: Callable[..., Any] | None = None,
    **options: Any,
) -> Call:
    """Return a `Call` of the NumPy function of that name, or of `function`."""
    if function is None:
        function = operator.attrgetter(name.removeprefix("np."))(np)
    assert function is not None  # noqa: S101  (found, or given)
    return Call(name, function, guards, extras, options, together, broadcasts)


def _since_2_2(name: str, *guards: Guard) -> list[Call]:
    """Return the `Call` of a function that NumPy 2.2 has and NumPy 2.0 may not."""
    return [call(name, *guards)] if hasattr(np, name.removeprefix("np.")) else []


def _put(x: Any, v: Any) -> Any:
    y = x * 1.0
    y[..., 0] = v
    return y


def _drop(A: Any) -> Any:
    return nn.drop(A, np.arange(A.size).reshape(A.shape) % 3 > 0, 0.8)


def _weighted_logsumexp(Z: Any, b: Any) -> Any:
    return nn.logsumexp(Z, b=b)


def _real_part(function: Callable[..., Any], *order: Any) -> Callable[[Any], Any]:
    """Return the real part of a function that gives complex numbers, of that order if it has orders."""
    return lambda x: np.real(function(*order, x))


def _of_data(function: Callable[..., Any]) -> Callable[[Any], Any]:
    """Return a cost whose labels depend on the shape alone."""
    return lambda Z: function(Z, (np.arange(Z.size).reshape(Z.shape) % Z.shape[0] == 0) * 1.0)


def _calls_by_hand() -> list[Call]:
    ij, jk = REAL.of_shape("ij"), REAL.of_shape("jk")
    any_, i = REAL.of_shape(ANY), REAL.of_shape("i")
    matrix = DISTINCT.of_shape("ij")
    ends = [None, 0, -1]
    keep: Any = {"axis": ends, "keepdims": [True]}
    regular, definite = Guard("regular", shape="ii"), Guard("definite", shape="ii")
    separated = Guard("separated", shape="ij")
    pictures = REAL.of_shape("b33k")
    return [
        call("np.sum", any_, **keep),
        call("np.mean", any_, **keep),
        call("np.dot", ij, jk),
        call("np.reshape", any_, extras=([-1],)),
        call("np.transpose", ij),
        call("x[0]", any_, function=lambda x: x[0]),
        call("x[::-1]", any_, function=lambda x: x[::-1]),
        call("np.take", any_, extras=([[0, 0, -1]],), axis=[0, -1]),
        call("y[..., 0] = v", ij, REAL.of_shape(""), function=_put),
        call("np.where", LOW, HIGH, broadcasts=True, function=lambda a, b: np.where(a < b, a * a, b)),
        call("np.clip", LOW, extras=([-0.6, -0.2], [0.2, 0.6])),
        call("np.maximum", LOW, HIGH, broadcasts=True),
        call("np.minimum", LOW, HIGH, broadcasts=True),
        # products
        call("np.matmul", REAL.of_shape("bij"), jk),
        call("np.vecdot", ij, ij),
        *_since_2_2("np.matvec", ij, REAL.of_shape("j")),
        *_since_2_2("np.vecmat", i, ij),
        call("np.outer", i, REAL.of_shape("j")),
        call("np.inner", ij, REAL.of_shape("kj")),
        call("np.vdot", ij, ij),
        call("np.tensordot", ij, jk, extras=([1],)),
        call("np.einsum", ij, jk, function=lambda a, b: np.einsum("ij,jk->ki", a, b)),
        call("np.convolve", i, REAL.of_shape("j"), mode=["full", "same"]),
        # reductions
        call("np.prod", any_, **keep),
        call("np.max", DISTINCT.of_shape(ANY), **keep),
        call("np.min", DISTINCT.of_shape(ANY), **keep),
        call("np.amax", DISTINCT.of_shape(ANY), **keep),
        call("np.amin", DISTINCT.of_shape(ANY), **keep),
        call("np.var", any_, **keep),
        call("np.std", DISTINCT.of_shape("i"), function=lambda x: np.std(np.concatenate([x, [9.0]]))),
        call("np.cumsum", any_, axis=ends),
        call("np.cumprod", any_, axis=ends),
        call("np.linalg.norm", matrix, axis=[0, None]),
        call("special.logsumexp", any_, function=nn.logsumexp),
        call("np.logaddexp.reduce", any_, function=np.logaddexp.reduce),
        call("np.trace", ij),
        call("np.diagonal", ij),
        call("np.diag", i),
        call("np.sort", DISTINCT.of_shape(ANY), axis=[0, -1]),
        call("np.partition", DISTINCT.of_shape("i"), extras=([0],)),
        # shapes
        call("np.ravel", any_),
        call("np.squeeze", REAL.of_shape("i1")),
        call("np.expand_dims", REAL, extras=([0, -1],)),
        call("np.copy", REAL),
        call("np.real", REAL),
        call("np.real_if_close", REAL),
        call("np.nan_to_num", REAL),
        call("np.swapaxes", ij, extras=([0], [1])),
        call("np.moveaxis", ij, extras=([0], [-1])),
        call("np.matrix_transpose", ij),
        call("np.broadcast_to", i, function=lambda x: np.broadcast_to(x, (2, *np.shape(x)))),
        call("np.tile", any_, extras=([2],)),
        call("np.repeat", any_, extras=([2],), axis=ends),
        call("np.concatenate", ij, ij, together=True, axis=[0, 1, None]),
        call("np.stack", ij, ij, together=True, axis=[0, -1]),
        call("np.split", REAL.of_shape("2i"), extras=([2],)),
        call("np.array_split", any_, extras=([2],)),
        *_since_2_2("np.unstack", ij),
        call("np.flip", any_, axis=ends),
        call("np.flipud", any_),
        call("np.fliplr", ij),
        call("np.rot90", ij, k=[1, 2]),
        call("np.roll", any_, extras=([1, -2],), axis=ends),
        call("np.tril", ij, k=[0, 1]),
        call("np.triu", ij, k=[0, -1]),
        call("np.pad", any_, extras=([1],), mode=["constant", "edge"]),
        call("np.unwrap", UNIT.of_shape("i")),
        call("np.add.reduceat", any_, extras=([[0]],), axis=[0, -1], function=np.add.reduceat),
        call("sliding_window_view", i, function=lambda x: np.lib.stride_tricks.sliding_window_view(x, 1)),
        # complex numbers on the way
        call("np.imag", any_, function=lambda x: np.imag((1.0 + 2.0j) * x)),
        call("np.angle", any_, function=lambda x: np.angle(x + 1.0j)),
        call("np.fft.fft", any_, function=lambda x: np.real(np.fft.fft(x))),
        call("np.fft.ifft", any_, function=lambda x: np.imag(np.fft.ifft(x, 3))),
        call("np.fft.rfft", any_, function=lambda x: np.real(np.fft.rfft(x, 3))),
        *(
            call(f"special.{f.__name__}", POSITIVE.of_shape(ANY), function=_real_part(f, *order))
            for f, *order in (
                (special.wofz,),
                (special.hankel1, 1),
                (special.hankel2, 1),
                (special.hankel1e, 1),
                (special.hankel2e, 1),
            )
        ),
        call("np.bincount", i, function=lambda w: np.bincount(np.arange(w.size) // 2, w)),
        call("np.fft.irfft", any_, function=lambda x: np.fft.irfft(x, 5)),
        # matrices
        call("np.linalg.inv", regular),
        call("np.linalg.det", regular),
        call("np.linalg.slogdet", regular, function=lambda a: np.linalg.slogdet(a)[1]),
        call("np.linalg.solve", regular, REAL.of_shape("ij")),
        call("np.linalg.pinv", separated),
        call("np.linalg.cholesky", definite),
        call("np.linalg.eigh", definite),
        call("np.linalg.eigvalsh", definite),
        call("np.linalg.eigvals", definite, function=lambda a: np.real(np.linalg.eigvals(np.tril(a)))),
        call("np.linalg.svdvals", separated),
        call("np.linalg.svd", separated, function=lambda a: np.linalg.svd(a, full_matrices=False)),
        call("np.linalg.qr", separated),
        # networks
        call("linear", ij, jk, REAL.of_shape("i1"), function=nn.linear),
        call("relu", HIGH, function=nn.relu),
        call("leaky_relu", HIGH, function=nn.leaky_relu),
        call("softmax", ij, function=nn.softmax),
        call("log_softmax", ij, function=nn.log_softmax),
        call("drop", ij, function=_drop),
        call("sigmoid_cross_entropy", ij, function=_of_data(nn.sigmoid_cross_entropy)),
        call("softmax_cross_entropy", ij, function=_of_data(nn.softmax_cross_entropy)),
        call("logsumexp of weighted terms", ij, POSITIVE.of_shape("ij"), function=_weighted_logsumexp),
        call("masked_softmax", ij, function=lambda Z: nn.masked_softmax(Z, nn.causal_mask(*Z.shape))),
        call("conv", pictures, REAL.of_shape("22kl"), function=nn.conv),
        call("conv_transpose", REAL.of_shape("b22k"), REAL.of_shape("22lk"), function=nn.conv_transpose),
        call("max_pool", DISTINCT.of_shape("b33k"), function=nn.max_pool, stride=[1]),
        call("average_pool", pictures, function=nn.average_pool, stride=[1]),
        call("layer_norm", separated, function=nn.layer_norm),
        call("rms_norm", separated, function=nn.rms_norm),
        call("elu", HIGH, function=nn.elu),
        call("hard_tanh", SMALL, function=nn.hard_tanh),
        call("sparse @ x", REAL.of_shape("2j"), function=lambda x: _SPARSE @ x),
        call("x @ sparse", REAL.of_shape("i3"), function=lambda x: x @ _SPARSE),
        call("special.polygamma", POSITIVE, function=lambda x: polygamma(1, x)),
    ]


#: First, so that examples shrink towards them.
_SIMPLE: tuple[Any, ...] = (
    np.add,
    np.multiply,
    np.subtract,
    np.negative,
    np.divide,
    np.exp,
    np.log,
    np.tanh,
    np.square,
    np.sqrt,
)


@functools.cache
def calls() -> tuple[Call, ...]:
    """Return all calls, simple ones first; a function that acts on each entry is tried where it is smooth."""
    entered_late()  # this module has imported scipy.special
    by_hand = _calls_by_hand()
    taken = {c.function for c in by_hand}
    elementwise = []
    for function in (*_SIMPLE, *(f for f in RULES if f not in _SIMPLE)):
        rule = RULES[function]
        if function in taken or not rule.elementwise:
            continue
        if not isinstance(function, np.ufunc) and function not in _NAMED:
            continue
        domain = smooth_domain(rule, getattr(function, "nin", 1))
        if domain is None:
            continue
        module = "np" if getattr(np, str(rule.name), None) is function else "special"
        elementwise.append(_of_domain(f"{module}.{rule.name}", function, domain))
    return (*elementwise[: len(_SIMPLE)], *by_hand, *elementwise[len(_SIMPLE) :])


_NAMED: tuple[Any, ...] = (np.sinc, np.i0)


def _of_domain(name: str, function: Callable[..., Any], domain: tuple[Any, ...]) -> Call:
    guards = tuple(Guard(low=d[0], high=d[1]) for d in domain if isinstance(d, tuple))
    if all(isinstance(d, tuple) for d in domain):
        return Call(name, function, guards, broadcasts=len(guards) > 1)
    constants = ", ".join("_" if isinstance(d, tuple) else repr(d) for d in domain)

    def with_constants(*arrays: Any) -> Any:
        rest = iter(arrays)
        return function(*(next(rest) if isinstance(d, tuple) else d for d in domain))

    return Call(f"{name}({constants})", with_constants, guards, broadcasts=len(guards) > 1)
