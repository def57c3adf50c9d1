"""How Tensors come to be: recorded operations, leaves and views.

Births are numbered downwards, so that the smallest number, the first out of a heap, is the latest Tensor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tinygrad_course.engine import errors
from tinygrad_course.engine.errors import blocks

if TYPE_CHECKING:
    import weakref

    from tinygrad_course.engine.plain_numbers import Trace
    from tinygrad_course.engine.saved_arrays import Hold
    from tinygrad_course.engine.tensor import Tensor
    from tinygrad_course.rules.table import Rule

clock = count(0, -1).__next__
_new = object.__new__


class About:
    """What few Tensors have."""

    name: str | None = None
    line: str | None = None  #: the user's source line, under `debug()`
    holds: list[Hold] | None = None  #: locks on the large constants that the operation read
    trace: Trace | None = None  #: of an input of a function that is differentiated: the call
    #: of what stands in a freed graph for a large value: the Tensor, if somebody still holds it
    outline_of: weakref.ref[Tensor] | None = None
    kinks: Mapping[Any, Any] = MappingProxyType({})  #: what has a kink where it is 0 (see `kinks`)
    cost_number: int | None = None  #: of a recorded gradient: the number of its cost


def node(
    cls: type[Tensor],
    rule: Rule,
    args: tuple[Any, ...],
    data: Any,
    values: Sequence[Any] | None = None,
    holds: list[Hold] | None = None,
    kwargs: dict[str, Any] | None = None,
) -> Tensor:
    """Return a recorded Tensor: `data` is what `rule` made of `args`, whose data are `values`, where kept."""
    out: Tensor = _new(cls)
    out._data = data
    out._op = rule
    out._args = args
    out._values = values
    out._kwargs = kwargs
    out._state = out._grad = out._about = None
    out._serial = clock()
    if holds:
        out._note().holds = holds
    if rule.mend is not None:
        out = rule.mend(out)
    if blocks.open:
        errors.watch(out)
    return out


def leaf(cls: type[Tensor], data: Any, name: str | None = None, trace: Trace | None = None) -> Tensor:
    """Return a leaf that shares `data`, for callers that see to it that nobody changes them."""
    out: Tensor = _new(cls)
    out._data = data
    out._op = out._kwargs = out._values = out._grad = out._state = None
    out._args = ()
    out._about = None
    out._serial = clock()
    if name is not None or trace is not None:
        out._about = about = About()
        about.name = name
        about.trace = trace
    return out


def twin_of(tensor: Tensor) -> Tensor:
    """Return a Tensor with all that another one is now."""
    twin: Tensor = _new(type(tensor))
    for slot in ("_data", "_op", "_args", "_kwargs", "_values", "_grad", "_about", "_serial", "_state"):
        setattr(twin, slot, getattr(tensor, slot))
    return twin
