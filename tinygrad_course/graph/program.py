"""A recorded operation as it can be applied again: to other operands, and on the way back.

A recording is a program: its nodes in order, each with the numbers of its inputs and a `Call`. Whoever wants
to compute with it, draw it, write it as formulas or as source takes it in this form.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_course.engine.operation import Operation
from tinygrad_course.engine.stable_forms import Mended
from tinygrad_course.engine.sweep import OUTPUT, conform
from tinygrad_course.engine.tensor import Tensor
from tinygrad_course.rules.indexing import assign, scatter
from tinygrad_course.rules.table import RULES, Rule

#: Functions whose second argument names places, even where it is an array.
_INDEXED = frozenset({operator.getitem, assign, scatter, OUTPUT.function})


def index_text(index: Any, entry: Callable[[Any], str]) -> str:
    """Write an index as the user did, ``[1:, 0]``: `entry` writes what is neither a slice nor an ellipsis."""
    told = []
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, slice):
            ends = ["" if e is None else str(e) for e in (part.start, part.stop, part.step)]
            told.append(":".join(ends[: 3 if part.step is not None else 2]))
        else:
            told.append("..." if part is Ellipsis else entry(part))
    return f"[{', '.join(told)}]"


class Slot(int):
    """The place of an operand among the arguments: its number among the node's inputs."""

    __slots__ = ()


@dataclass(frozen=True, eq=False)
class Call:
    """A function with its arguments, but for the operands, whose places are marked."""

    rule: Rule  #: the function and its derivative
    #: the arguments, a `Slot` where an operand goes (inside a list too, as in `np.concatenate`)
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    varies: tuple[bool, ...]  #: for each operand whether it was a Tensor; the others are constants
    #: each operand's value as it was recorded, None where nobody could change it since
    saved: tuple[Any, ...]

    def filled(self, operands: Sequence[Any]) -> tuple[Any, ...]:
        """Return the arguments with these operands in their places."""
        return tuple(_filled(arg, operands) for arg in self.args)

    def value(self, operands: Sequence[Any]) -> Any:
        """Apply the function; of several results, a tuple of them."""
        y = self.rule.function(*self.filled(operands), **self.kwargs)
        return tuple(y) if self.rule.outputs else y

    def sent(self, g: Any, y: Any, operands: Sequence[Any]) -> dict[int, Any]:
        """Return what the gradient `g` of the result `y` gives each operand that varies, by its place.

        Of several results g is a tuple, with None for those that nothing depends on; what is sent to a node
        of several results is such a tuple.

        Raises FreedGraphError if the rule went with the graph that was freed: it is in the table no more.
        """
        found = self.pulled(g, y, operands)
        if self.rule.function is OUTPUT.function:
            return found
        return {i: conform(ga, np.asanyarray(operands[i]), self.rule) for i, ga in found.items()}

    def pulled(self, g: Any, y: Any, operands: Sequence[Any], only: int | None = None) -> dict[int, Any]:
        """Return what the rule makes of a gradient, where broadcast not summed; of `only` one operand."""
        rule, kwargs, args = self.rule, dict(self.kwargs), self.filled(operands)
        if rule.function is OUTPUT.function:
            return {0: tuple(g if i == args[1] else None for i in range(len(args[0])))}
        vjps = tuple(rule.vjps)  # of a freed graph's stand-in, this raises
        if rule.outputs and not rule.takes_none:
            g = tuple(np.zeros_like(v) if c is None else c for c, v in zip(g, y, strict=True))
        if rule.sequence:
            assert vjps[0] is not None  # noqa: S101  (a sequence rule has one)
            gradients = vjps[0](g, y, *args, **kwargs)
            return {a: ga for a, ga in zip(self.args[0], gradients, strict=True) if self._is_variable(a)}
        found, last = {}, len(vjps) - 1
        for i, arg in enumerate(self.args):
            vjp = vjps[min(i, last)]
            if self._is_variable(arg) and vjp is not None and only in {None, int(arg)}:
                position = {"argnum": i} if rule.variadic and i >= last else {}
                found[int(arg)] = vjp(g, y, *args, **kwargs, **position)
        return found

    def _is_variable(self, arg: Any) -> bool:
        return type(arg) is Slot and self.varies[arg]


def _filled(arg: Any, operands: Sequence[Any]) -> Any:
    if type(arg) is Slot:
        return operands[arg]
    if type(arg) is tuple and any(type(a) is Slot for a in arg):
        return tuple(_filled(a, operands) for a in arg)
    return arg


def call_of(tensor: Tensor) -> tuple[Call, list[Any], dict[str, Any]]:
    """Return how a Tensor was computed: the call, its operands (arrays, or numbers), its options by name."""
    made = Operation(tensor)
    rule = made.rule
    if type(rule.vjps) is not tuple:  # on a freed graph a stand-in has the rule's place
        rule = RULES.get(made.function, rule)
    kwargs, args, values = dict(made.kwargs), made.args, made.values
    if type(made.function) is Mended:  # its exponentials have overflowed: it is what it amounts to
        rule, kwargs, args, values = RULES[np.positive], {}, args[-1:], values[-1:]
    operands: list[Any] = []
    saved: list[Any] = []
    options: dict[str, Any] = dict(kwargs)

    def place(arg: Any, value: Any) -> Slot:
        operands.append(Operation(arg).original if type(arg) is Tensor else arg)
        saved.append(value)
        return Slot(len(operands) - 1)

    filled: list[Any] = []
    for i, arg in enumerate(args):
        value = None if i >= len(values) else values[i]
        named = rule.names[i] if i < len(rule.names) else f"argument {i}"
        if rule.variadic:  # of np.einsum, whose operands have no names
            named = "subscripts"
        indexed = rule.function in _INDEXED
        if i == 0 and rule.sequence:
            kept = [None] * len(arg) if value is None else value
            filled.append(tuple(place(a, v) for a, v in zip(arg, kept, strict=True)))
        elif indexed and i == 1:
            options["index"] = arg
            filled.append(arg)
        elif (
            type(arg) is Tensor
            or rule.elementwise
            or (isinstance(arg, np.ndarray) and not rule.sequence)
            or (indexed and named == "value")
        ):
            filled.append(place(arg, value))
        else:
            options[named] = arg
            filled.append(arg)
    varies = tuple(type(o) is Tensor for o in operands)
    return Call(rule, tuple(filled), kwargs, varies, tuple(saved)), operands, options
