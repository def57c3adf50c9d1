"""Inputs of a function that is differentiated: leaves, and what the caller passed behind them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_course.engine.saved_arrays import Hold, hold
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.engine.views import as_of, now
from tinygrad_course.rules.table import RULES

_POSITIVE = RULES[np.positive]


def birth(tensor: Tensor) -> int:
    """Return the number of a Tensor's birth; what is born later has a smaller one."""
    return tensor._serial


def settled(source: Tensor) -> Any:
    """Return the data of a leaf or an operation as a recording keeps them."""
    return source._data if source._state is None else source._settled()


def held(tensor: Tensor) -> tuple[Tensor, Any, Any]:
    """Return the operation recorded last for a Tensor, what it holds, its gradient; record nothing."""
    node = tensor._present()
    return node, node._data, node._grad


def locked(array: np.ndarray[Any, Any], holds: list[Hold]) -> np.ndarray[Any, Any]:
    """Return the caller's array, locked."""
    holds += hold(array)
    return array


def tie(leaf: Tensor, source: Any) -> None:
    """Make an input part of the caller's recording, an alias of the Tensor that was passed."""
    if type(source) is Tensor and leaf._op is None:
        leaf._op = _POSITIVE
        leaf._args = (source,)
        leaf._kwargs = None
        leaf._values = (leaf._data,) if source._op is None else None


def untie(leaf: Tensor, source: Any) -> None:
    """Make an input a leaf again, for another sweep."""
    if type(source) is Tensor:
        leaf._op = leaf._values = None
        leaf._args = ()


def note_cost(gradient: Any, cost: Tensor) -> None:
    """Tell a recorded gradient which cost it is of: pictures tell the three parts of a step apart."""
    cost = now(cost)
    if type(gradient) is Tensor and gradient._serial < cost._serial:  # it was recorded after the cost
        gradient._present()._note().cost_number = -cost._serial


def let_go(error: BaseException, oldest: int) -> None:
    """Unlock what a recording has kept that an error has ended: its traceback keeps the Tensors alive.

    Those that were born after the input with the number `oldest` are of that recording.
    """
    waiting: list[Any] = []
    traceback = error.__traceback__
    while traceback is not None:
        waiting += traceback.tb_frame.f_locals.values()
        traceback = traceback.tb_next
    seen = set()
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, (list, tuple)):
            waiting += thing
        elif isinstance(thing, dict):
            waiting += thing.values()
        elif type(thing) is Tensor and thing._serial <= oldest:
            node = thing._present()
            if node._about is not None:
                node._about.holds = None
            waiting += (node, *as_of(node))
