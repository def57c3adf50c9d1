"""Where values live: which of them share memory, by when each is last needed.

An intermediate array gets a buffer that is kept from call to call. A buffer is free again after the last use
of what lies in it, and an elementwise call may write over an operand that it is the last to use. Results are
never put into buffers: what the user is given stays as it is.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import (
    WRITES,
    Program,
    Value,
    concatenated,
    is_elementwise,
    is_view,
    segment,
)
from tinygrad_course.compiling.passes.fuse import FusedCall, part

#: What is no slower when it writes over its operand: NumPy's exp, log and the like leave vector instructions
#: alone then.
IN_PLACE = {np.add, np.subtract, np.multiply, np.divide, np.negative, np.absolute, np.square, np.sqrt}
#: Buffers begin at multiples of this (bytes): a line of the processor's cache.
ALIGNMENT = 64


class BufferPlan:
    """The memory of a program; `buffered` says whether a call's result goes into a buffer."""

    def __init__(self, program: Program, buffered: Callable[[Value], bool]) -> None:
        self.order = [v for v in program.values() if v.function is not None]  # as the calls run
        # where each value is always found, by its id: a buffer, or a view of one
        self.place: dict[int, Any] = {}
        self.blocks: list[Any] = []  # the arrays that all this memory belongs to
        self._buffered = buffered
        self._shown = self._find_shown()
        self._last = self._last_uses(program)
        if any(v.function in WRITES for v in self.order):
            self._postpone_writes()
            self._last = self._last_uses(program)
        self._free: dict[int, list[Any]] = {}  # by their size
        self._held: dict[int, Any] = {}  # the block of bytes behind each buffered value
        self._arrays: dict[Any, Any] = {}  # blocks, and the arrays that they have been
        results = {id(v) for v in program.results}
        self.borrowed = {  # what results may show of buffers: the user gets a copy
            id(v): self._shown[id(v)]
            for v in program.results
            if self._shown.get(id(v)) and v.function is not segment
        }
        # what is copied to concatenated arrays, and where
        self.slots: dict[int, list[tuple[Value, Any]]] = {}
        results |= {id(v.args[0]) for v in program.results if v.function is segment}
        self._slots_in: dict[int, Any] = {}  # of values that are computed right there, their places
        given = {owner for v in program.results for owner in self._owners(v)}
        for value in self.order:
            if value.function is concatenated and id(value) not in given:
                self._concatenate(value, results)
        for i, value in enumerate(self.order):
            fused = value.function.arrays if isinstance(value.function, FusedCall) else []
            for made in fused or [value]:  # while the inputs still have their memory
                self._last.setdefault(id(made), i)
                if id(made) in self._slots_in:
                    self.place[id(made)] = self._slots_in[id(made)]
                elif (fused or buffered(value)) and id(made) not in results:
                    self._put(made, i)
                elif is_view(made):
                    self._view(made)
            owners = dict.fromkeys(o for v in value.inputs for o in self._owners(v))  # in order
            for owner in (*map(id, fused), *owners):
                if self._last[owner] == i and owner in self._held:
                    block = self._held.pop(owner)
                    self._free.setdefault(block.nbytes, []).append(block)

    def _concatenate(self, value: Value, results: set[int]) -> None:
        """Give concatenated arrays memory of their own, where each is computed if it can be."""
        flat = self._take(value.nbytes)[: value.nbytes].view(value.dtype)
        self.place[id(value)] = flat
        start = 0
        for v in value.args:
            slot = flat[start : start + v.size].reshape(v.shape)
            start += v.size
            made = self._buffered(v) or (v.function is part and v.kind == "array")
            if made and id(v) not in results and id(v) not in self._slots_in:
                self._slots_in[id(v)] = slot
            else:
                self.slots.setdefault(id(value), []).append((v, slot))

    def _put(self, value: Value, i: int) -> None:
        block = self._dying(value, i)
        if block is None:
            block = self._take(value.nbytes)
        self._held[id(value)] = block
        key = id(block), value.dtype, value.shape
        if key not in self._arrays:
            self._arrays[key] = block, block[: value.nbytes].view(value.dtype).reshape(value.shape)
        self.place[id(value)] = self._arrays[key][1]

    def _view(self, value: Value) -> None:
        base = self.place.get(id(value.args[0]))
        if base is not None and (value.function is not np.reshape or base.flags.c_contiguous):
            assert value.function is not None  # noqa: S101
            self.place[id(value)] = value.function(base, *value.args[1:])

    # ------------------------------------------------------------------ how long a value is needed

    def _owners(self, value: Value) -> Iterable[int]:
        return self._shown.get(id(value), (id(value),))

    def _find_shown(self) -> dict[int, frozenset[int]]:
        """Return the values whose memory each value may show: views do, and so may unknown functions."""
        self._shown = {}
        for value in self.order:
            own = isinstance(value.function, (np.ufunc, FusedCall)) or value.function is part
            if own or self._buffered(value) or value.kind in {"scalar", "python"}:
                continue
            owners = [o for v in value.inputs if v.function is not None for o in self._owners(v)]
            self._shown[id(value)] = frozenset([id(value)] if value.function is concatenated else owners)
        return self._shown

    def _last_uses(self, program: Program) -> dict[int, int]:
        last: dict[int, int] = {}
        for i, value in enumerate(self.order):
            for v in value.inputs:
                last.update(dict.fromkeys(self._owners(v), i))
        for result in program.results:
            last.update(dict.fromkeys(self._owners(result), len(self.order)))
        return last

    def _postpone_writes(self) -> None:
        """Put writes off until what they write over has been read, where nobody needs them sooner."""
        first: dict[int, int] = {}
        for i, value in enumerate(self.order):
            for v in value.inputs:
                first.setdefault(id(v), i)
        turn = {}
        for i, value in enumerate(self.order):
            over = self._owners(value.inputs[0]) if value.function in WRITES else ()
            last = max((self._last.get(owner, i) for owner in over), default=i)
            turn[id(value)] = last + 0.5 if i < last < first.get(id(value), 0) else i
        self.order.sort(key=lambda v: turn[id(v)])

    # ------------------------------------------------------------------ memory

    def _dying(self, value: Value, i: int) -> Any:
        """Return the memory of an operand that this call is the last to need, to write over it."""
        operands = value.inputs
        if value.function in WRITES:
            x, *others = operands
            operands = [] if any(id(x) in self._owners(v) for v in others) else [x]
        elif not is_elementwise(value) or value.function not in IN_PLACE or any(map(is_view, operands)):
            return None
        for v in operands:
            if (
                id(v) in self._held
                and self._last[id(v)] == i
                and (v.shape, v.dtype) == (value.shape, value.dtype)
            ):
                return self._held.pop(id(v))
        return None

    def _take(self, nbytes: int) -> Any:
        most = max(2 * nbytes, 4096)
        fitting = [size for size, blocks in self._free.items() if blocks and nbytes <= size <= most]
        if fitting:
            return self._free[min(fitting)].pop(0)
        size = -(-max(nbytes, 1) // ALIGNMENT) * ALIGNMENT
        raw = np.zeros(size + ALIGNMENT, np.uint8)
        self.blocks.append(raw)
        start = first_aligned(raw)
        return raw[start : start + size]


def first_aligned(block: Any) -> int:
    """Return the place in a block of memory where buffers may begin."""
    return -int(block.ctypes.data) % ALIGNMENT
