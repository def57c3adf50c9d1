"""The backward sweep: from a cost to its leaves, each node once, latest first.

Every node carries the number of its birth (see `creation`), and an operation is born after its arguments.
Going through the pending nodes latest first is therefore a topological order: when a node's turn comes,
everything that used it has had its own. No recursion, no search for the order beforehand, and memory only for
what is pending.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from heapq import heappop, heappush, heapreplace
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_course.engine import errors
from tinygrad_course.engine.creation import node as made
from tinygrad_course.engine.errors import blocks
from tinygrad_course.engine.finite_gradients import all_finite, completed, repaired
from tinygrad_course.engine.masked_gradients import (
    Live,
    Partial,
    added,
    chooses,
    masks,
    owned,
    through,
    undefined,
)
from tinygrad_course.engine.partial_writes import WRITE, Overwritten, Own, shares
from tinygrad_course.engine.parts import note_part, with_part
from tinygrad_course.engine.saved_arrays import verify
from tinygrad_course.engine.views import as_of, now, version_of
from tinygrad_course.rules.indexing import astype
from tinygrad_course.rules.shapes import unbroadcast
from tinygrad_course.rules.table import RULES, Rule

if TYPE_CHECKING:
    from tinygrad_course.engine.tensor import Tensor

OLDEST = 1  # greater than any birth number: nothing is too old

#: Arrays larger than this (bytes) are let go of as soon as a backward pass is done with them.
LARGE = 65_536


ONE = np.float64(1.0)
_ndarray, _float64, _ = _NUMBERS = (np.ndarray, np.float64, Overwritten)
_PARTS = {RULES[operator.getitem], WRITE}
RULES[operator.getitem].alone = False
Zeros = Callable[..., list[tuple[Any, Any]]]
_NOTHING: dict[str, Any] = {}
_isfinite = math.isfinite


class Foreign(Exception):  # noqa: N818  (a signal, not an error)
    """The sweep has met a Tensor older than the function's inputs: its result depends on that Tensor too."""


class FreedGraphError(RuntimeError):
    """A graph was used after a backward pass had freed it."""


class _FreedVjps:
    """Stands where a rule's vjps stood, on a node whose graph has been freed: whoever looks is told."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getitem__(self, i: int) -> Any:
        raise FreedGraphError(
            f"The graph behind this {self.name!r} was freed by an earlier backward(). "
            "Compute the cost again, or call backward(retain_graph=True) the first time."
            + " Where a loop has W = W - learning_rate * W.grad, W is computed, and the next backward() goes "
            "through that step too: write W -= learning_rate * W.grad." * (self.name == "subtract")
        )


def freed_twin(rule: Rule) -> Rule:
    """Return the stand-in for `rule` on nodes whose graph has been freed: same name, no derivative left."""
    twin = Rule(rule.function, (), name=rule.name, sequence=rule.sequence, outputs=rule.outputs)
    twin.vjps = _FreedVjps(str(rule.name))  # type: ignore[assignment]
    rule.twin = twin
    return twin


class _Parts(list[Any]):
    """The gradients of a function's several results, None for those that none came to; they add up."""

    def __add__(self, other: Any) -> Any:
        return _Parts(b if a is None else a if b is None else a + b for a, b in zip(self, other, strict=True))


def output_vjp(g: Any, y: Any, outputs: Any, index: int) -> Any:  # noqa: ARG001  (as all vjps)
    """Return the gradient of ``outputs[index]`` in its place among the others."""
    parts = _Parts([None] * len(getattr(outputs, "_data", outputs)))
    parts[index] = g
    return parts


#: One of several results of a function (`np.linalg.svd`); its argument is a node whose data are all of them.
OUTPUT = Rule(tuple.__getitem__, (output_vjp, None), name="output", saves=False)


def conform(g: Any, value: Any, rule: Rule) -> Any:
    """Give a gradient its tensor's shape and dtype, or say that the rule is at fault."""
    if type(g) is Partial:
        return g  # made to fit
    shape = value.shape
    if np.shape(g) != shape or g is None:
        if not rule.elementwise or g is None:
            found = "None" if g is None else f"a gradient of shape {np.shape(g)}"
            raise ValueError(
                f"the rule of {rule.name!r} returned {found} for an argument of shape {shape}; "
                "they must be equal"
            )
        g = unbroadcast(g, shape)
    dtype = value.dtype
    if getattr(g, "dtype", None) is None:
        g = np.asarray(g)[()]
    if g.dtype == dtype:
        return g
    if g.dtype.kind == "c" and dtype.kind != "c":
        g = np.real(g)  # a real tensor moves J by Re(g dx)
    # whole numbers (a rule of the user's own may return them) have gradients that are none
    return g if dtype.kind in "iubO" or g.dtype == dtype else astype(g, dtype)


def first_seed(J: Any) -> Any:
    """Return the gradient of a cost, which must be real, with respect to itself: 1 in its shape."""
    if type(J) is np.float64:
        return ONE
    if J.dtype.kind == "c":
        raise TypeError(
            f"the cost is complex ({J.dtype}), and only a real number can be made small: "
            "take its real part, np.real(J), or its size, np.abs(J) ** 2"
        )
    one = np.ones_like(J, dtype=None if J.dtype.kind == "f" else np.float64)
    # of a number, and of what stands for one, NumPy makes an array without axes
    return one if isinstance(J, np.ndarray) or type(one) is not np.ndarray else one[()]


def sweep(  # noqa: C901  (one loop: the calls that it saves are its purpose)
    root: Tensor,
    seed: Any,  # its gradient, of its shape and dtype
    oldest: int = OLDEST,  # the birth number of the oldest node of interest: older ones are not followed
    keep: bool = False,  # the graph stays as it is, for another sweep
    mark: bool = True,  # each computed Tensor on the way keeps its gradient
    record: bool = False,  # computed with Tensors: the gradients can be differentiated, and `keep`
    careful: bool = False,  # it is known from the beginning where a gradient is live (see `masked_gradients`)
    zeros: Zeros | None = None,  # `constant_zeros.with_zeros`: no gradient goes to a multiple of a constant 0
) -> dict[Tensor, Any]:
    """Send `seed` back from `root` and return the leaves that it reaches, each with its gradient.

    Nothing of a sweep stands in the graph while it is under way, so several threads may sweep through what
    they share. A node older than `oldest` raises `Foreign`; a recorded sweep passes it over: the result
    depends on it through what is recorded. A graph that an earlier sweep has freed raises `FreedGraphError`.
    """
    if root._state is not None:
        root = now(root)
    if root._op is None:
        # (in memory of its own; NumPy's scalars can't be changed and need none)
        return {root: seed if record or isinstance(seed, np.generic) else seed.copy()}
    cls = type(root)
    if type(root._data) is not _float64 and (watched := masks.get()) is not None:
        watched.swept = True
        watched.recorded |= record
    keep = keep or record
    mark = mark and not record
    found: dict[Tensor, Any] = {}
    pending: dict[Tensor, Any] = {}
    heap: list[tuple[int, Any]] = []
    passed: list[Any] = []
    marked: list[tuple[Any, Any]] = []  # what had a gradient before
    ghosts: dict[int, Tensor] | None = None
    frees = not keep  # large values are let go of
    large = False  # some have been
    # from where gradients can be computed anew, and those until there
    frontier: dict[Tensor, Any] | None = None
    settled: dict[Tensor, Any] | None = None
    careful = careful or record or (blocks.open > 0 and errors.watched.get())
    looks = careful  # or some entries have been chosen
    quiet: Any = None
    live: Any = None
    chosen = lost = again = False
    plain = True  # the gradients found are finite numbers
    second: Any = None  # who else gets a gradient from a node, and which
    second_g: Any = None
    more: list[tuple[Any, Any]] | None = None  # and who besides
    own: Own | None = None
    factors: dict[Any, Any] = {}  # where pending gradients are multiples of constants
    node: Any = root  # untyped from here: the loop is the library's hottest
    arg: Any
    g: Any = seed
    following: Any = None
    following_g: Any = None
    try:
        while True:
            rule = node._op
            y = node._data
            arity = rule.arity
            if looks or arity < 0:
                if careful:
                    arity = -1
                    g, live = (g._data, g.live) if type(g) is Partial else (g, None)
                elif (
                    arity < 0
                    and (rule.chooses is not None or node._kwargs)
                    and chooses(rule, node._args, node._kwargs)
                ):
                    if chosen:
                        again = mark and undefined(g)
                    elif ghosts or type(y) not in _NUMBERS or (y.nbytes > LARGE and not keep):
                        careful = looks = True
                    else:
                        chosen = looks = True
                if arity == -2 and not careful:
                    arity = 2
                if chosen and quiet is None and rule.steep:
                    quiet = np.errstate(all="ignore")  # a warning may be of what was not chosen
                    quiet.__enter__()
            if mark and type(y) is not Overwritten:
                if (before := node._grad) is None:
                    node._grad = g
                else:
                    marked.append((node, before))
                    node._grad = g if rule.outputs else before + g
            if arity == 2:
                a, b = node._args
                if (values := node._values) is not None:
                    first, last = values
                else:
                    first = a._data if type(a) is cls else a
                    last = b._data if type(b) is cls else b
                of_a, of_b = rule.vjps
                if type(a) is cls:
                    arg, ga = a, of_a(g, y, first, last)
                    if type(b) is cls:
                        second, second_g = b, of_b(g, y, first, last)
                else:
                    arg, ga = b, of_b(g, y, first, last)
            elif arity == 1:
                (arg,) = node._args
                values = node._values
                ga = rule.vjps[0](g, y, arg._data if values is None else values[0])
            elif rule.alone and not careful:
                arg, *values = node._args
                values = node._values or (arg._data, *values)
                ga = rule.vjps[0](g, y, *values, **(node._kwargs or _NOTHING))
            else:
                divided = None
                if (
                    rule in _PARTS
                    and not blocks.open
                    and (arg := version_of(node._args[0]))._serial <= oldest
                ):
                    before = following_g if arg is following else pending.get(arg, found.get(arg))
                    own = {} if own is None else own
                    how = {"masked": careful, "record": record}
                    divided = shares(node, arg, g, live, before, own, **how)
                if divided is None:
                    more = _shares(node, g, live, careful, record, oldest, zeros)
                    arg, ga = more.pop() if more else (None, None)
                else:
                    ga, more = divided
                    if record:
                        more = [pair for pair in more if pair[0]._serial <= oldest]
                    if before is not None:
                        if arg is following:
                            following_g = ga
                        else:
                            (pending if arg in pending else found)[arg] = ga
                        arg, ga = more.pop() if more else (None, None)
            if large and arg is not None:
                if second is None and not more:
                    note_part(factors, node, g, arg, ga)
                sent = [ga, *([] if second is None else [second_g]), *[m for _, m in more or ()]]
                if rule.saves and not all_finite(sent):
                    frees = large = False
                    own = None  # they are in the frontier
                    settled, frontier = dict(found), {**pending, node: g}
                    if following is not None:
                        frontier[following] = following_g
                    frontier = {n: with_part(factors, n, g) for n, g in frontier.items()}
            while arg is not None:
                d = arg._data
                kind = type(d)
                if kind is _ndarray:
                    if type(ga) is not kind or ga.dtype is not d.dtype:
                        ga = conform(ga, d, rule)
                    elif ga.shape != d.shape:
                        ga = unbroadcast(ga, d.shape) if rule.elementwise else conform(ga, d, rule)
                elif (type(ga) is not kind or kind is not _float64) and kind is not tuple:
                    ga = conform(ga, d, rule)
                serial = arg._serial
                if serial > oldest:
                    raise Foreign
                if arg._op is None and (arg._state is None or (arg := version_of(arg))._op is None):
                    if arg in found:
                        ga = added(found[arg], ga)
                    elif type(ga) is _ndarray and (ga is g or ga is y or ga.base is not None):
                        ga = ga.copy()  # the leaf's own
                    if type(ga) is not _float64 or not _isfinite(ga):
                        plain = False
                    found[arg] = ga
                else:
                    if frees and kind is _ndarray and d.nbytes > LARGE:
                        if not large:
                            others = [following_g, *pending.values(), *found.values()]
                            others += [second_g, *[m for _, m in more or ()]]
                            frees = all_finite([ga, *others])
                            if frees and second is None and not more:
                                note_part(factors, node, g, arg, ga)
                        lost = large = frees
                    if arg is following:
                        following_g = added(following_g, ga)
                    elif arg in pending:
                        pending[arg] = added(pending[arg], ga)
                    elif following is None:
                        following, following_g = arg, ga
                    elif serial < following._serial:
                        heappush(heap, (following._serial, following))
                        pending[following] = following_g
                        following, following_g = arg, ga
                    else:
                        heappush(heap, (serial, arg))
                        pending[arg] = ga
                if second is not None:
                    arg, ga, second = second, second_g, None
                elif more:
                    arg, ga = more.pop()
                else:
                    break
            if again or (lost and chosen):
                again = True
                break
            about = node._about
            if about is not None and about.holds is not None:
                verify(about.holds, rule.name)
            if not mark:
                pass
            elif lost or (ghosts and frees):
                _free([node])
                ghosts = _release(node, rule, cls, ghosts or {})
                lost = False
            else:
                passed.append(node)
            if following is None:
                if not heap:
                    break
                node = heappop(heap)[1]
                g = pending.pop(node)
            elif heap and heap[0][0] < following._serial:
                pending[following] = following_g
                node = heapreplace(heap, (following._serial, following))[1]
                g = pending.pop(node)
                following = None
            else:
                node, g, following = following, following_g, None
    except BaseException:
        _unmark([*passed, node], marked)
        raise
    finally:
        if quiet is not None:
            quiet.__exit__(None, None, None)
    if careful:
        found = {leaf: owned(g) for leaf, g in found.items()}
        plain = False
    if again or not (plain or all_finite(found.values())):
        if again or (chosen and any(map(undefined, found.values()))):
            _unmark([*passed, node], marked)
            return sweep(root, seed, oldest=oldest, keep=keep, mark=mark, careful=True)
        if all_finite([root]):
            with np.errstate(all="ignore"):
                if record and zeros is None:
                    from tinygrad_course.engine.constant_zeros import with_zeros  # which few programs need

                    zeros = with_zeros(root)
                    return sweep(root, seed, oldest=oldest, keep=keep, mark=mark, record=True, zeros=zeros)
                if record:
                    found = repaired(found)
                else:
                    frontier = frontier or {root: seed}
                    parts = [sweep(n, g, oldest=oldest, record=True) for n, g in frontier.items()]
                    found = completed(found, [settled or {}, *map(repaired, parts)])
    if not keep:
        _free(passed)
    return found


def _unmark(passed: list[Any], marked: list[tuple[Any, Any]]) -> None:
    """Take the gradients away that were left on the way, from nodes that had none and from those that had."""
    for node in passed:
        node._grad = None
    for node, before in marked:
        node._grad = before


def _free(nodes: list[Any]) -> None:
    """Let go of what only the vjps of these nodes need."""
    for node in nodes:
        rule = node._op
        node._op = rule.twin or freed_twin(rule)
        node._values = None
        if node._about is not None:
            node._about.holds = None


def _recorded(node: Any, cls: Any) -> tuple[Any, Any]:
    """Return result and arguments of a node for its vjps to be recorded: constants as they were kept."""
    rule, args, values = node._op, as_of(node), node._values
    y = node
    if rule.outputs:
        y = tuple([made(cls, OUTPUT, (node, i), part) for i, part in enumerate(node._data)])
    if values is None:
        return y, args

    def merged(arg: Any, value: Any) -> Any:
        if type(arg) is not cls:
            return value
        if arg._data is not value and not np.array_equal(arg._data, value, equal_nan=True):
            raise RuntimeError(
                f"{arg._label()} was given new data after {rule.name!r} was recorded with it, so the "
                "recorded derivative is out of date. Compute the cost again with the present data."
            )
        return arg

    if rule.sequence:
        members = tuple([merged(a, v) for a, v in zip(args[0], values[0], strict=True)])
        return y, (members, *values[1:])
    return y, [merged(a, v) for a, v in zip(args, values, strict=True)]


def _shares(
    node: Any, g: Any, live: Live | None, careful: bool, record: bool, oldest: int, zeros: Zeros | None
) -> list[tuple[Any, Any]]:
    """Return a node's arguments that have gradients, with these, the last first, and where they are live."""
    cls, rule, args, y, values = type(node), node._op, node._args, node._data, node._values
    kwargs, vjps = node._kwargs or {}, rule.vjps
    if record:
        y, values = _recorded(node, cls)
    elif values is None:
        values = [a._data if type(a) is cls else a for a in args]
    if rule.outputs:
        missing = None if rule.takes_none else np.zeros_like
        g = tuple([missing(v) if c is None and missing else c for c, v in zip(g, node._data, strict=True)])
    if rule.sequence:
        args = args[0]
        vjps = [lambda *_, ga=ga, **__: ga for ga in vjps[0](g, y, *values, **kwargs)]
    elif rule.variadic:
        *vjps, last = vjps
        vjps += [last and functools.partial(last, argnum=i) for i in range(len(vjps), len(args))]
    pairs: Any = None
    if zeros is not None and rule is not OUTPUT:
        pairs = zeros(node, args, vjps, live, conform)
    elif rule is not OUTPUT and (live is not None or (careful and chooses(rule, args, kwargs))):
        vjps = through(rule, vjps, live, conform)
    shares = []
    # (arguments without a vjp are constants)
    for arg, vjp in pairs or zip(args, vjps):  # noqa: B905
        if type(arg) is not cls or vjp is None:
            continue
        if arg._serial > oldest:
            if record:
                continue
            raise Foreign
        ga = vjp(g, y, *values, **kwargs)
        if blocks.open and errors.watched.get():
            errors.watch_gradient(rule, node, version_of(arg), g, ga)
        shares.append((arg, ga))
    return shares[::-1]


def _release(node: Any, rule: Rule, cls: Any, ghosts: dict[int, Tensor]) -> dict[int, Tensor]:
    """Put outlines in the place of the large values that `node` was computed from, so that they can go."""

    def ghost(arg: Any) -> Any:
        arg = version_of(arg)
        if type(arg) is not cls or arg._op is None or getattr(arg._data, "nbytes", 0) <= LARGE:
            return arg
        shadow = ghosts.get(arg._serial)
        if shadow is None:
            shadow = ghosts[arg._serial] = arg._ghost()
        return shadow

    args = node._args
    node._args = (
        (tuple([ghost(a) for a in args[0]]), *args[1:]) if rule.sequence else tuple([ghost(a) for a in args])
    )
    shadow = ghosts.get(node._serial)
    if shadow is not None:
        shadow._args, shadow._op, shadow._kwargs = node._args, node._op, node._kwargs
    return ghosts
