"""The calls that random expressions are made of: every rule of the table, and what it is given."""

import functools
import itertools
import operator
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse, special

from tinygrad_course import functions as nn
from tinygrad_course.rules.gamma_functions import polygamma
from tinygrad_course.rules.table import RULES, Rule, entered_late
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
    """A function with what it may be given."""

    name: str  #: as it is written: ``"np.sum"``
    function: Callable[..., Any]
    guards: tuple[Guard, ...]  #: for its array arguments, which come first
    extras: tuple[list[Any], ...] = ()  #: choices for each further positional argument
    #: choices for keywords, any of which may be left away
    options: dict[str, list[Any]] = field(default_factory=dict)
    together: bool = False  #: the arrays are passed as one list
    broadcasts: bool = False  #: the arrays may have any shapes that broadcast


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


def _named(names: str, *guards: Guard, broadcasts: bool = False, **options: Any) -> list[Call]:
    """Return the `Call` of each of NumPy's functions that are given the same, but for those it has not."""
    there = [n for n in names.split() if hasattr(np, n.partition(".")[0])]
    return [call(f"np.{n}", *guards, broadcasts=broadcasts, **options) for n in there]


def _put(x: Any, v: Any) -> Any:
    y = x * 1.0
    y[..., 0] = v
    return y


def _first_order(function: Callable[..., Any]) -> Callable[[Any], Any]:
    """Return the real part of a function that gives complex numbers."""
    return lambda x: np.real(function(1, x))


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
        *_named("sum mean", any_, **keep),
        call("np.dot", ij, jk),
        call("np.reshape", any_, extras=([-1],)),
        call("np.transpose", ij),
        call("x[0]", any_, function=lambda x: x[0]),
        call("x[::-1]", any_, function=lambda x: x[::-1]),
        call("np.take", any_, extras=([[0, 0, -1]],), axis=[0, -1]),
        call("y[..., 0] = v", ij, REAL.of_shape(""), function=_put),
        call("np.where", LOW, HIGH, broadcasts=True, function=lambda a, b: np.where(a < b, a * a, b)),
        call("np.clip", LOW, extras=([-0.6, -0.2], [0.2, 0.6])),
        *_named("maximum minimum", LOW, HIGH, broadcasts=True),
        # products
        call("np.matmul", REAL.of_shape("bij"), jk),
        *_named("vecdot vdot", ij, ij),
        *_named("matvec", ij, REAL.of_shape("j")),
        *_named("vecmat", i, ij),
        call("np.outer", i, REAL.of_shape("j")),
        call("np.inner", ij, REAL.of_shape("kj")),
        call("np.tensordot", ij, jk, extras=([1],)),
        call("np.einsum", ij, jk, function=lambda a, b: np.einsum("ij,jk->ki", a, b)),
        call("np.convolve", i, REAL.of_shape("j"), mode=["full", "same"]),
        call("np.correlate", i, REAL.of_shape("j"), mode=["valid", "full"]),
        # reductions
        *_named("prod var", any_, **keep),
        *_named("max min amax amin", DISTINCT.of_shape(ANY), **keep),
        call("np.std", DISTINCT.of_shape("i"), function=lambda x: np.std(np.concatenate([x, [9.0]]))),
        *_named("cumsum cumprod", any_, axis=ends),
        call("np.linalg.norm", matrix, axis=[0, None]),
        call("special.logsumexp", any_, function=nn.logsumexp),
        call("np.logaddexp.reduce", any_, function=np.logaddexp.reduce),
        *_named("trace diagonal", ij),
        call("np.diag", i),
        call("np.sort", DISTINCT.of_shape(ANY), axis=[0, -1]),
        call("np.partition", DISTINCT.of_shape("i"), extras=([0],)),
        # shapes
        *_named("ravel flipud", any_),
        call("np.squeeze", REAL.of_shape("i1")),
        call("np.expand_dims", REAL, extras=([0, -1],)),
        *_named("copy real real_if_close nan_to_num", REAL),
        call("np.swapaxes", ij, extras=([0], [1])),
        call("np.moveaxis", ij, extras=([0], [-1])),
        *_named("matrix_transpose fliplr unstack", ij),
        call("np.broadcast_to", i, function=lambda x: np.broadcast_to(x, (2, *np.shape(x)))),
        call("np.tile", any_, extras=([2],)),
        call("np.repeat", any_, extras=([2],), axis=ends),
        call("np.concatenate", ij, ij, together=True, axis=[0, 1, None]),
        call("np.stack", ij, ij, together=True, axis=[0, -1]),
        call("np.split", REAL.of_shape("2i"), extras=([2],)),
        call("np.array_split", any_, extras=([2],)),
        call("np.flip", any_, axis=ends),
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
        call("special.wofz", POSITIVE.of_shape(ANY), function=lambda x: np.real(special.wofz(x))),
        *(
            call(f"special.{hankel.__name__}", POSITIVE.of_shape(ANY), function=_first_order(hankel))
            for hankel in (special.hankel1, special.hankel2, special.hankel1e, special.hankel2e)
        ),
        call("np.bincount", i, function=lambda w: np.bincount(np.arange(w.size) // 2, w)),
        call("np.fft.irfft", any_, function=lambda x: np.fft.irfft(x, 5)),
        # matrices
        *_named("linalg.inv linalg.det", regular),
        call("np.linalg.slogdet", regular, function=lambda a: np.linalg.slogdet(a)[1]),
        call("np.linalg.solve", regular, REAL.of_shape("ij")),
        *_named("linalg.cholesky linalg.eigh linalg.eigvalsh", definite),
        call("np.linalg.eigvals", definite, function=lambda a: np.real(np.linalg.eigvals(np.tril(a)))),
        *_named("linalg.pinv linalg.svdvals linalg.qr", separated),
        call("np.linalg.svd", separated, function=lambda a: np.linalg.svd(a, full_matrices=False)),
        # networks
        call("linear", ij, jk, REAL.of_shape("i1"), function=nn.linear),
        *(call(f.__name__, HIGH, function=f) for f in (nn.relu, nn.leaky_relu, nn.elu)),
        *(call(f.__name__, ij, function=f) for f in (nn.softmax, nn.log_softmax)),
        call("drop", ij, function=lambda A: nn.drop(A, np.arange(A.size).reshape(A.shape) % 3 > 0, 0.8)),
        *(
            call(f.__name__, ij, function=_of_data(f))
            for f in (nn.sigmoid_cross_entropy, nn.softmax_cross_entropy)
        ),
        call(
            "logsumexp of weighted terms",
            ij,
            POSITIVE.of_shape("ij"),
            function=lambda Z, b: nn.logsumexp(Z, b=b),
        ),
        call("masked_softmax", ij, function=lambda Z: nn.masked_softmax(Z, nn.causal_mask(*Z.shape))),
        call("conv", pictures, REAL.of_shape("22kl"), function=nn.conv),
        call("conv_transpose", REAL.of_shape("b22k"), REAL.of_shape("22lk"), function=nn.conv_transpose),
        call("max_pool", DISTINCT.of_shape("b33k"), function=nn.max_pool, stride=[1]),
        call("average_pool", pictures, function=nn.average_pool, stride=[1]),
        *(call(f.__name__, separated, function=f) for f in (nn.layer_norm, nn.rms_norm)),
        call("hard_tanh", SMALL, function=nn.hard_tanh),
        call("sparse @ x", REAL.of_shape("2j"), function=lambda x: _SPARSE @ x),
        call("x @ sparse", REAL.of_shape("i3"), function=lambda x: x @ _SPARSE),
        call("special.polygamma", POSITIVE, function=lambda x: polygamma(1, x)),
    ]


#: First, so that examples shrink towards them.
_SIMPLE: tuple[Any, ...] = (
    np.add, np.multiply, np.subtract, np.negative, np.divide, np.exp, np.log, np.tanh, np.square, np.sqrt,
)  # fmt: skip


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


# ------------------------------------------------------- where a function is smooth, found by trying

Interval = tuple[float, float]

# Wide ones first; the later ones keep two arguments apart, or are inside of what the inverse functions take.
_INTERVALS: tuple[Interval, ...] = ((-2.0, 2.0), (0.4, 2.0), (0.2, 0.8), (1.3, 2.5), (-0.8, -0.2), (2.8, 3.2))
#: For arguments without a derivative: degrees, orders, exponents of 2.
_CONSTANTS: tuple[Any, ...] = (2, 1, 0.5)


@functools.cache
def smooth_domain(rule: Rule, count: int) -> tuple[Any, ...] | None:
    """Return for each of `count` arguments an interval on which a rule's function is smooth, or a constant.

    >>> from tinygrad_course.rules.table import RULES
    >>> smooth_domain(RULES[np.log], 1), smooth_domain(RULES[np.arcsin], 1)
    (((0.4, 2.0),), ((0.2, 0.8),))
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        choices = [_INTERVALS if _has_derivative(rule, i, count) else _CONSTANTS for i in range(count)]
        if _INTERVALS not in choices:
            return None
        places = itertools.product(*(range(len(choice)) for choice in choices))
        for order in sorted(places, key=sum):
            domain = tuple(choice[i] for choice, i in zip(choices, order, strict=True))
            if _smooth_on(rule, domain):
                return domain
    return None


def _has_derivative(rule: Rule, i: int, count: int) -> bool:
    """Whether the rule knows the derivative by an argument; that by an order or degree few rules know."""
    vjp = rule.vjps[min(i, len(rule.vjps) - 1)]
    if vjp is None:
        return False
    for value in (np.float64(0.5), 1):
        args = [value] * count
        try:
            with np.errstate(all="ignore"):
                y = rule.function(*args)
                vjp(y, y, *args)  # the function's own values serve as the gradient from above
            return True
        except (TypeError, ValueError, Warning):
            continue
    return False


def _smooth_on(rule: Rule, domain: tuple[Any, ...]) -> bool:
    """Whether the function varies on lines through a box, finite with its derivatives, and without a kink."""
    varies = False
    for ends in _lines(domain):
        values = []
        for t in _POINTS:
            args = [
                a if not isinstance(a, tuple) else begin + (end - begin) * t
                for a, (begin, end) in zip(domain, ends, strict=True)
            ]
            try:
                with np.errstate(all="ignore"):
                    found = rule.function(*args)
                    if not _finite_derivatives(rule, found, args, domain):
                        return False
            except (TypeError, ValueError, Warning):
                return False
            values.append([np.asarray(y) for y in (found if isinstance(found, tuple) else (found,))])
        for coarse, fine in zip(*values, strict=True):
            if coarse.dtype.kind == "f":
                if not _smooth(coarse, fine):
                    return False
                varies = varies or float(np.ptp(fine)) > 1e-6
    return varies


def _finite_derivatives(rule: Rule, y: Any, args: list[Any], domain: tuple[Any, ...]) -> bool:
    asked = [vjp for vjp, a in zip(rule.vjps, domain, strict=False) if vjp and isinstance(a, tuple)]
    return all(bool(np.isfinite(vjp(y, y, *args)).all()) for vjp in asked)


def _lines(domain: tuple[Any, ...]) -> Iterator[list[Any]]:
    rng = np.random.default_rng(0)
    for k in range(5):
        drawn: Any = rng.permutation if k < 2 else lambda ends: rng.uniform(ends[0], ends[1], 2)
        yield [drawn(a) if isinstance(a, tuple) else (a, a) for a in domain]


_POINTS = (np.linspace(0.0, 1.0, 33), np.linspace(0.0, 1.0, 129))


def _smooth(coarse: Any, fine: Any) -> bool:
    if not (np.isfinite(coarse).all() and np.isfinite(fine).all()) or np.max(np.abs(fine)) > 100:
        return False
    bends = [float(np.max(np.abs(np.diff(y, 2)))) for y in (coarse, fine)]
    # Of four times the points, the second differences are 16 times smaller where smooth, 4 times at a kink.
    return bends[1] <= bends[0] / 9 + 1e-13
