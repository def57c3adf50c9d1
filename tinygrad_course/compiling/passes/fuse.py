"""Calls that fit together as one call: grouped by what they run over, and by what has to run before them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from scipy import special

from tinygrad_course.compiling.builder import Builder, regrouped
from tinygrad_course.compiling.dataflow import Program, Value

#: Larger arrays are as soon written and read again: what they are made of need not be kept then.
KEPT = 16_384
#: More calls than this are not fused: the time to compile a function grows faster than the function.
MOST = 40


@dataclass(eq=False)
class FusedCall:
    """Several calls as one function, of its inputs, `numbers`, and the arrays that it writes into.

    At the `strided` places are arrays whose entries need not lie one after the other, at the `rows` ones such
    whose rows do not, but the entries of each row.
    """

    function: Callable[..., Any]
    numbers: Sequence[float] = ()
    strided: tuple[int, ...] = ()
    rows: tuple[int, ...] = ()
    arrays: list[Value] = field(default_factory=list)  # what it writes
    scalars: list[Value] = field(default_factory=list)  # what it returns

    __name__ = "fused"

    def __call__(self, *arrays: Any) -> Any:
        """Run."""
        return self.function(*arrays)


def part(results: Any, index: int) -> Any:
    """Return one of the results of a fused call."""
    return results[index]


class NotFused(Exception):  # noqa: N818  (a signal, not an error)
    """Calls that were to be fused stay calls."""


class Group:
    """Calls that become one: of `inputs`, it writes what is `stored` and returns `scalars`."""

    def __init__(self, calls: list[Value], needed: set[int]) -> None:
        inside = {id(v) for v in calls}
        self.calls = calls
        self.inputs = list({id(u): u for v in calls for u in v.inputs if id(u) not in inside}.values())
        self.scalars = [v for v in calls if v.shape == () and id(v) in needed]
        self.stored = [v for v in calls if v.shape != () and id(v) in needed]


def fuse(
    program: Program,
    space: Callable[[Value], Any],
    ends: Callable[[Value], bool],
    fused: Callable[[Group], FusedCall],
    least: int = 1,
) -> Program:
    """Return a program in which calls that fit together are fused, at `least` so many.

    They have the same `space`, which is None of what stays a call; one that `ends` is ready only when all is:
    a sum. What computes a group is `fused`; it raises `NotFused` if there is nothing.
    """
    order = [v for v in program.values() if v.function is not None]
    fitting = {id(v): (over,) for v in order if (over := space(v)) is not None}
    if not fitting:
        return program
    stage: dict[int, int] = {}
    inside: dict[int, Any] = {}  # the space of what is fused
    for value in order:
        mine = fitting.get(id(value))
        at = 0
        for v in value.inputs:
            if v.function is not None:
                later = inside[id(v)] != mine or (mine is not None and ends(v))
                at = max(at, stage[id(v)] + (1 if mine and later else 0))
        stage[id(value)], inside[id(value)] = at, mine
    _postpone(program, order, stage, inside, ends)
    groups: dict[Any, list[Value]] = {}
    for value in order:
        if inside[id(value)]:
            groups.setdefault((stage[id(value)], inside[id(value)]), []).append(value)
    pieces = [calls for whole in groups.values() for calls in _pieces(whole) if len(calls) >= least]
    group_of = {id(v): calls for calls in pieces for v in calls}
    needed = {id(v) for v in program.results}
    needed |= {
        id(v) for user in order for v in user.inputs if group_of.get(id(v)) is not group_of.get(id(user))
    }

    def make(builder: Builder, calls: list[Value], new: dict[int, Value]) -> None:
        try:
            group = Group(calls, needed)
            inputs = [new[id(v)] for v in group.inputs]
            parts = called(fused(group), inputs, group)
            new |= {id(v): v for v in calls} | parts  # some are seen by nobody outside
        except NotFused:
            for v in calls:
                new[id(v)] = builder.again(v, new)

    return regrouped(program, group_of, make) if pieces else program


def called(fused: FusedCall, inputs: Sequence[Value], group: Group) -> dict[int, Value]:
    """Return what stands for scalars and arrays where a group's calls are fused, by the ids of these."""
    whole = Value(fused, tuple(inputs), {}, (), None, "tuple")
    whole.born = min(v.born for v in group.calls)
    new = {}
    for i, v in enumerate([*group.scalars, *group.stored]):
        new[id(v)] = Value(part, (whole, i), {}, v.shape, v.dtype, v.kind)
        new[id(v)].born = whole.born
    fused.arrays = [new[id(v)] for v in group.stored]
    fused.scalars = [new[id(v)] for v in group.scalars]
    return new


def _pieces(calls: list[Value]) -> list[list[Value]]:
    """Return calls in pieces that are not too long, what is computed from each other together.

    The steps of a loop come out as pieces that are alike, and so are one function.
    """
    if len(calls) <= MOST:
        return [calls]
    piece_of: dict[int, list[Value]] = {}
    for value in calls:
        known = {id(p): p for v in value.inputs if (p := piece_of.get(id(v))) is not None}
        piece, *others = sorted(known.values(), key=len, reverse=True) or [[]]
        for other in others:
            piece += other
            piece_of |= dict.fromkeys(map(id, other), piece)
        piece.append(value)
        piece_of[id(value)] = piece
    place = {id(v): i for i, v in enumerate(calls)}
    pieces = list({id(p): p for p in piece_of.values()}.values())
    for piece in pieces:
        piece.sort(key=lambda v: place[id(v)])
    return [part for piece in pieces for part in _cut(piece)]


def _cut(calls: list[Value]) -> Iterator[list[Value]]:
    """Go through parts of a long piece that are not too long: where it repeats itself, so do they."""
    place = {id(v): i for i, v in enumerate(calls)}
    kinds: dict[Any, str] = {}
    said = ""
    for i, v in enumerate(calls):
        back = [i - place.get(id(a), i) if type(a) is Value else type(a) for a in v.args]
        kind = v.function, *(0 if type(b) is int and b > MOST else b for b in back)
        said += kinds.setdefault(kind, chr(len(kinds)))
    start = 0
    while start < len(calls):
        period = said.find(said[start : start + MOST], start + 1) - start
        period = period if period > 0 else MOST
        end = start + period * max(1, MOST // period)
        size = -(-(end - start) // -(-(end - start) // MOST))
        yield from (calls[i : min(i + size, end)] for i in range(start, min(end, len(calls)), size))
        start = end


def _postpone(
    program: Program,
    order: list[Value],
    stage: dict[int, int],
    inside: dict[int, Any],
    ends: Callable[[Value], bool],
) -> None:
    """Put off what only a later fused call needs until then, if that has no more arrays to be given for it.

    1 - s**2 need not be kept where s is kept anyhow.
    """
    users, results = program.users(), {id(v) for v in program.results}
    for value in reversed(order):
        mine, at = inside[id(value)], stage[id(value)]
        later = {(stage[id(u)], inside[id(u)]) for u in users[id(value)]}
        if mine is None or ends(value) or id(value) in results or len(later) != 1:
            continue
        if value.size > KEPT:
            continue
        if value.function is special.expit:  # sigmoid(-z) has its exponential in common with sigmoid(z)
            continue
        ((then, space),) = later
        if then == at or space != mine:
            continue
        fresh = [  # that nobody else keeps
            v
            for v in value.inputs
            if v.function is not None
            and inside[id(v)] == mine
            and stage[id(v)] == at
            and id(v) not in results
            and all((stage[id(u)], inside[id(u)]) == (at, mine) or u is value for u in users[id(v)])
        ]
        if len({id(v) for v in fresh}) < 2:
            stage[id(value)] = then
