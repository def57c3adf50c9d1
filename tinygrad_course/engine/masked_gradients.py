"""Gradients with places where there is none: what `np.where`, `np.maximum` or ``x[0]`` did not take.

A zero that says "no gradient here" is not the number 0: times an infinite derivative it stays no
gradient, where ``0 * inf`` is NaN. (The number 0 must not be taken for it: that the derivative of
``sqrt(x)**2`` at 0 is 1 is lost in 0 * inf, and 0 would be wrong.) So a sweep carries such a gradient as a
`Partial`: the array, 0 in these places, with a mask of where it is *live*. The rule of an elementwise
function gives nothing where nothing is live; what sums, moves or multiplies the entries hands the mask on.
A mask is worked out only when an infinity or a NaN is met: where derivatives are finite, 0 times them is 0
without it. So a sweep does without at first, and begins again with masks if there is a NaN. In a recorded
sweep, whose numbers are not looked at, the masks of what the user's code left out in so many words
(`np.where`) become `np.where` in the recording, so the second derivative has them too, and a compiled
program.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Sized
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_course.rules.shapes import restore

if TYPE_CHECKING:
    from tinygrad_course.rules.table import Rule

#: As what chooses, linear in g whatever the values are: each entry goes to places that the arguments name.
_MOVES = {np.sort, np.partition}

#: Whose derivatives of every order are finite where their values are.
_SMOOTH = {
    *(np.multiply, np.square, np.exp, np.expm1, np.sin, np.cos, np.sinh, np.cosh, np.tanh, np.arctan),
    *(np.sum, np.mean, np.var, np.cumsum, np.prod, np.cumprod, np.max, np.min, np.maximum, np.minimum),
    *(np.where, np.clip),
}
_SMOOTH_LATE = {"expit", "fft", "ifft"}  #: of modules that need not have been imported


class Masks:
    """Whether masks are made, for whoever records a sweep and has another way to see what needs them."""

    made: bool  #: else it is only noted where one would have been
    mended: bool  #: whether what single exponentials lose far out is recorded as the recorder does it
    asked: int = 0  #: how many masks have been worked out, or would have been
    lost: int = 0  #: how many operations on single exponentials were met,
    alone: int = 0  #: and on those that make no sigmoid
    swept: bool = False  #: whether there was a sweep,
    recorded: bool = False  #: and whether one was recorded, for derivatives of the second order
    calls: Sized = ()  #: what has been recorded so far
    since: int = 0  #: how many calls those were when the first mask was worked out

    def __init__(self, *, made: bool, mended: bool = False) -> None:
        self.made, self.mended = made, mended

    def note(self) -> None:
        """Note that a mask is worked out here, or would be."""
        self.since = self.since if self.asked else len(self.calls)
        self.asked += 1

    @property
    def needed(self) -> bool:
        """Whether results may not be finite for want of a mask, or of what would have been mended."""
        return self.asked > 0 or self.alone > 0 or (self.recorded and self.lost > 0)


#: Of a recording whose results are looked at: where they are finite, no mask was needed.
masks: ContextVar[Masks | None] = ContextVar("masks", default=None)


class Live:
    """Where a gradient is live: an array of booleans, made by ``make(*args)`` when it is first asked for."""

    asked: bool  #: whether the user's code left entries out in so many words: their data may be missing
    __slots__ = ("_args", "_make", "_mask", "asked")

    def __init__(self, make: Callable[..., Any] | None, args: tuple[Any, ...], asked: bool) -> None:
        self._make = make
        self._args = args
        self._mask: Any = None
        self.asked = asked

    def mask(self) -> Any:
        """Return the array; it can be broadcast to the gradient's shape."""
        if self._make is not None:
            watched = masks.get()
            if watched is not None:
                watched.note()
            self._mask = self._make(*self._args)
            self._make = None
            self._args = ()
        return self._mask


class Partial:
    """A gradient and where it is live; 0 elsewhere. Two add up, and are live where either is."""

    __slots__ = ("_data", "live")
    __array_ufunc__ = None

    def __init__(self, data: Any, live: Live) -> None:
        self._data = data
        self.live = live

    def __add__(self, other: Any) -> Any:
        if type(other) is not Partial:
            return self._data + other
        return Partial(self._data + other._data, either(self.live, other.live))

    __radd__ = __add__


def either(a: Live, b: Live) -> Live:
    """Return where one of two gradients is live."""
    return Live(lambda: a.mask() | b.mask(), (), a.asked or b.asked)


def added(a: Any, b: Any) -> Any:
    """Return a + b, either of which may be a `Partial`."""
    return b + a if type(b) is Partial else a + b


def owned(g: Any) -> Any:
    """Return the gradient of a leaf: an array of its own."""
    if type(g) is not Partial:
        return g
    return g._data.copy() if type(g._data) is np.ndarray else g._data


def through(rule: Rule, vjps: Any, live: Live | None, conform: Callable[..., Any]) -> list[Any]:
    """Return vjps that hand on where a gradient is `live` (None: everywhere), each as a `Partial`."""
    return [vjp and functools.partial(step, rule, live, conform, i, vjp) for i, vjp in enumerate(vjps)]


def chooses(rule: Rule, args: Any, kwargs: dict[str, Any] | None) -> bool:
    """Whether a call passes over some of its arguments' entries."""
    if callable(rule.chooses):
        return bool(rule.chooses(*args, **(kwargs or {})))
    return rule.chooses is not None or (
        kwargs is not None and kwargs.get("where", True) is not True and "where" in rule.accepted
    )


def step(
    rule: Rule, live: Live | None, conform: Any, i: int, vjp: Any, g: Any, y: Any, *values: Any, **kwargs: Any
) -> Any:
    """Return the gradient of argument i, as `through` tells."""
    value = values[0][i] if rule.sequence else values[i]
    recorded = hasattr(y, "_data")
    if (
        recorded
        and live is not None
        and live.asked
        and not chooses(rule, values, kwargs)
        and _everywhere(live)
    ):
        return vjp(g, y, *values, **kwargs)
    if rule.elementwise:
        if isinstance(rule.chooses, tuple):
            chosen = rule.chooses[i]
            assert chosen is not None  # noqa: S101
            ga = vjp(g, y, *values, **kwargs)
            live = Live(_chosen, (live, chosen, y, values, kwargs), live.asked if live else rule.covered < 2)
        else:
            assert live is not None  # noqa: S101
            with np.errstate(all="ignore"):  # what is infinite where nothing is live is nobody's concern
                ga = vjp(g, y, *values, **kwargs)
            if rule.saves and _masked(rule, live, ga, recorded):
                ga = np.where(live.mask(), ga, 0.0)
        return Partial(_fitting(conform, ga, value, rule), gathered(live, y.shape, value.shape))
    if rule.product:
        live = live or Live(np.ones, (y.shape, bool), asked=True)
        ga, live = _product(rule, live, i, vjp, g, y, values, kwargs)
        return Partial(_fitting(conform, ga, value, rule), live)
    here = Live(handed_on, (rule, live, i, vjp, y, value, values, kwargs), live is None or live.asked)
    with np.errstate(all="ignore"):
        ga = vjp(g, y, *values, **kwargs)
    if rule.saves and not _moves(rule) and _masked(rule, here, ga, recorded):
        ga = np.where(here.mask(), ga, 0.0)
    return Partial(_fitting(conform, ga, value, rule), here)


def is_steep(rule: Rule) -> bool:
    """Whether derivatives may be infinite, of some order, where the value is not."""
    return rule.steep and rule.function not in _SMOOTH and rule.name not in _SMOOTH_LATE


def _masked(rule: Rule, live: Live, ga: Any, recorded: bool) -> bool:
    """Whether what a rule gives is to be masked."""
    if not recorded:
        needed = not _finite(ga)
    else:  # the next derivative may be infinite where this one is not, as that of x**1.5 at 0
        needed = live.asked or is_steep(rule) or not _finite(getattr(ga, "_data", ga))
    watched = masks.get()
    if needed and watched is not None and not watched.made:
        watched.note()
        return False
    return needed


def _finite(ga: Any) -> bool:
    """Whether all numbers are finite, as far as their sum tells: if one is not, the sum is not."""
    return type(ga) in {np.ndarray, np.float64} and bool(np.isfinite(ga.sum()))


def undefined(g: Any) -> bool:
    """Whether a NaN is among the numbers, or may be."""
    if type(g) is not np.ndarray:
        return type(g) is not np.float64 or bool(g != g)  # noqa: PLR0124  (NaN)
    return g.size > 0 and (found := g.item(g.argmax())) != found  # (a NaN is found first)


def _fitting(conform: Any, ga: Any, value: Any, rule: Rule) -> Any:
    return ga if ga.shape == value.shape and ga.dtype == value.dtype else conform(ga, value, rule)


def _matrices(rule: Rule, values: Any) -> bool:
    """Whether a product is one of matrices, or of stacks of them."""
    if rule.product != "matrices":
        return False
    a, b = getattr(values[0], "ndim", 0), getattr(values[1], "ndim", 0)
    return a == b == 2 or (min(a, b) >= 2 and rule.function is np.matmul)


def _everywhere(live: Live) -> bool:
    """Whether nothing was left out after all, as behind a product with a layer's weights."""
    watched = masks.get()
    if watched is not None and not watched.made:
        return False
    mask = live.mask()
    return type(mask) is np.ndarray and bool(mask.all())


def _chosen(live: Live | None, chosen: Any, y: Any, values: Any, kwargs: dict[str, Any]) -> Any:
    mask = chosen(y, *values, **kwargs)
    return mask if live is None else live.mask() & mask


def gathered(live: Live, shape: tuple[int, ...], target: tuple[int, ...]) -> Live:
    """Undo a broadcast from `target` to `shape`: an entry is live if one of its copies is."""
    return live if shape == target else Live(_any_copy, (live, shape, target), live.asked)


def _any_copy(live: Live, shape: tuple[int, ...], target: tuple[int, ...]) -> Any:
    whole = np.broadcast_to(live.mask(), shape)
    extra = len(shape) - len(target)
    axes = tuple(i for i in range(len(shape)) if i < extra or target[i - extra] == 1)
    return np.any(whole, axis=axes, keepdims=True).reshape(target)


def _any_along(live: Live, shape: tuple[int, ...], axis: int) -> Any:
    return np.any(np.broadcast_to(live.mask(), shape), axis=axis, keepdims=True)


def _any_factor(live: Live, shape: tuple[int, ...], i: int, target: tuple[int, ...]) -> Any:
    """Which rows of the left factor, or columns of the right one, something live was multiplied with."""
    along = _any_along(live, shape, -1 - i)
    extra = along.ndim - len(target)
    axes = tuple(k for k in range(along.ndim - 2) if k < extra or target[k - extra] == 1 != along.shape[k])
    along = np.any(along, axis=axes, keepdims=True)
    return along.reshape(along.shape[extra:])


def _product(
    rule: Rule, live: Live, i: int, vjp: Any, g: Any, y: Any, values: Any, kwargs: dict[str, Any]
) -> tuple[Any, Live]:
    """Hand a mask through a product: an entry is live if something that it was multiplied into is."""
    shape = y.shape
    ga = vjp(g, y, *values, **kwargs)
    if not _matrices(rule, values):
        return ga, Live(_reached, (live, vjp, y, values, kwargs), live.asked)
    if i == 2:  # a bias
        return ga, gathered(live, shape, values[2].shape)
    found = getattr(ga, "_data", ga)
    if live.asked and type(found) is np.ndarray and not np.isfinite(found).all():
        # the other matrix holds infinities or NaN: missing data, say, in examples that the cost leaves out
        other = np.where(_any_along(live, shape, i - 2), values[1 - i], 0.0)
        ga = vjp(g, y, values[0], other, *values[2:]) if i == 0 else vjp(g, y, other, *values[1:])
    return ga, Live(_any_factor, (live, shape, i, values[i].shape), live.asked)


def _reached(live: Live, vjp: Any, y: Any, values: Any, kwargs: dict[str, Any]) -> Any:
    likes = [_unlike(v) if getattr(v, "shape", ()) else v for v in values]
    return vjp(np.where(live.mask(), _unlike(y), 0.0), None, *likes, **kwargs) != 0


def handed_on(
    rule: Rule, live: Live | None, i: int, vjp: Any, y: Any, value: Any, values: Any, kwargs: dict[str, Any]
) -> Any:
    """Return where the gradient of an argument is live, for a function that is not elementwise."""
    alive: Any = np.broadcast_to(live.mask(), y.shape) if live is not None else None
    if _moves(rule):
        probe = _unlike(y) if alive is None else np.where(alive, _unlike(y), 0.0)
        if rule.sequence:
            first = rule.vjps[0]
            assert first is not None  # noqa: S101
            return first(probe, y, *values, **kwargs)[i] != 0
        return vjp(probe, y, *values, **kwargs) != 0
    if alive is None:
        alive = np.ones_like(getattr(y, "_data", y), dtype=bool)
    call = inspect.signature(vjp).bind(None, y, *values, **kwargs)
    call.apply_defaults()
    options = call.arguments
    axis: Any = options.get("axis")
    if axis is None:  # np.cumprod of several axes, or of none, runs along all of them as one
        alive = np.any(alive)
    elif y.ndim == value.ndim:
        alive = np.any(alive, axis=axis, keepdims=True)
    else:
        alive = restore(alive, value.shape, axis, keepdims=False)
    if options.get("where", True) is not True:
        alive = alive & options["where"]
    return np.broadcast_to(alive, value.shape)


def _moves(rule: Rule) -> bool:
    return rule.function in _MOVES or rule.chooses == () or not rule.saves


def _unlike(x: Any) -> Any:
    """Return numbers in the shape of `x` of which no two sums cancel, to see where a gradient can come to."""
    data = getattr(x, "_data", x)
    own = hasattr(data, "__array_function__") and type(np.ones_like(data, dtype=float, shape=()))
    if own and own is not np.ndarray:  # of a GPU, of a cluster
        return np.log(1.5 + np.cumsum(np.ones_like(data, dtype=float))).reshape(x.shape)
    kind = data.dtype if data.dtype == np.float32 else np.dtype(float)
    ready = _ready.get(kind)
    size = math.prod(data.shape)
    if ready is None or ready.size < size:
        ready = _ready[kind] = np.log(1.5 + np.arange(max(size, 4096))).astype(kind)
    return ready[:size].reshape(data.shape)


_ready: dict[Any, Any] = {}
