"""What a gradient on its way is known to be a multiple of, for when the graph behind it has been freed.

A sweep lets go of large values as it goes on. If an infinite slope is met later, what has no part in the
result for a constant is 0 (see `constant_zeros`) can't be looked up any more, so it is noted on the way: the
constants alone, at which nobody looks before.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from tinygrad_course.engine.masked_gradients import Live, Partial, gathered

_NOTHING: Any = (lambda: None), None


def note_part(noted: dict[Any, Any], node: Any, g: Any, arg: Any, ga: Any) -> None:
    """Note where the gradient `ga` of a node's only Tensor has a part, as long as nothing is added to it."""
    noted[None] = known, live = noted.pop(node, _NOTHING)  # of the present node
    rule, live = node._op, live if known() is g else None
    at = [i for i, a in enumerate(node._args) if a is arg or type(a) is type(node)]
    factor = rule.function is np.multiply or rule.product
    if len(at) != 1 or not (factor or live) or type(ga) is not np.ndarray or not hasattr(g, "shape"):
        return
    if not (rule.elementwise or rule.product or (not rule.saves and not rule.sequence)):
        return
    values = list(node._args if node._values is None else node._values)
    values[at[0]] = np.broadcast_to(1.0, arg.shape)
    make = (rule, at[0], live, np.broadcast_to(1.0, g.shape), values, node._kwargs or {})
    noted[arg] = weakref.ref(ga), Live(_part, make, asked=True)


def _part(rule: Any, i: int, live: Live | None, y: Any, values: list[Any], kwargs: dict[str, Any]) -> Any:
    alive = y if live is None else y * live.mask()
    if rule.elementwise:
        if rule.function is np.multiply:
            alive = alive * np.not_equal(values[1 - i], 0)
        whole = np.broadcast_to(alive != 0, y.shape)
        return gathered(Live(lambda: whole, (), asked=True), y.shape, values[i].shape).mask()
    likes = [np.not_equal(v, 0) * 1.0 if isinstance(v, (np.ndarray, np.generic)) else v for v in values]
    return (
        rule.vjps[i](np.broadcast_to(alive, y.shape), y, *(likes if rule.product else values), **kwargs) != 0
    )


def with_part(noted: dict[Any, Any], node: Any, g: Any) -> Any:
    """Return the gradient of a node, with where it has a part if that was noted of it."""
    from tinygrad_course.engine.constant_zeros import signs_of_zeros  # which few programs need

    for known, live in (noted.get(node, _NOTHING), noted.get(None, _NOTHING)):
        if live is not None and known() is g:
            return g if live.mask().all() or signs_of_zeros(node) else Partial(g, live)
    return g
