"""Engine one: a program as straight-line Python, each line one NumPy call into memory that is kept."""

import marshal
import operator
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import (
    REDUCTIONS,
    WRITES,
    Program,
    Value,
    accumulated,
    concatenated,
    is_elementwise,
    is_reduction,
    is_sum,
    is_view,
    segment,
)
from tinygrad_course.compiling.numpy_backend.buffers import BufferPlan
from tinygrad_course.compiling.passes.fuse import FusedCall, part
from tinygrad_course.compiling.readable.operator_syntax import SYMBOLS, Printer, nest_text
from tinygrad_course.compiling.tracing.refusals import DecidedByError
from tinygrad_course.rules.indexing import add_at, repeats
from tinygrad_course.rules.table import RULES

#: Longer rows are summed by NumPy, which sums in pairs; shorter ones by BLAS, which is quicker.
SUMMED_BY_BLAS = 8192

#: What is the same for a number as an integer and as a float.
_MIXED = {
    *(np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.less, np.less_equal),
    *(np.greater, np.greater_equal, np.equal, np.not_equal),
}


class ShapeError(RuntimeError):
    """A call returned another shape than when it was recorded."""


class StraightLineCode:
    """Emits the body of a function: its `lines`, and what the names in them are `bound` to."""

    def __init__(self, program: Program, targets: dict[int, str] | None = None) -> None:
        self.program = program
        self.bound: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        self._keys: dict[Any, str] = {}
        self.printer = Printer(lambda v: (self.name(v), 16))
        self.layout = BufferPlan(program, is_buffered)
        self.borrowed = self.layout.borrowed
        self.targets = targets or {}  # names of arrays that results are to be written into
        self.lines: list[str] = []
        for i, value in enumerate(program.inputs):
            self._names[id(value)] = f"x{i}"
        for value in self.layout.order:
            self._emit(value)

    # ------------------------------------------------------------------ names

    def bind(self, thing: Any, prefix: str) -> str:
        """Return a name for a function, a buffer or a constant."""
        return self._made(prefix, id(thing), lambda: thing)

    def _made(self, prefix: str, key: Any, make: Callable[[], Any]) -> str:
        """Return a name for what is made once for each key."""
        if key not in self._keys:
            self._keys[key] = name = f"{prefix}{len(self._keys)}"
            self.bound[name] = make()
        return self._keys[key]

    def name(self, value: Value) -> str:
        """Return the name that a value has in the code."""
        known = self._names.get(id(value))
        if known is None:
            place = self.layout.place.get(id(value))
            if value.is_constant:
                dense = 0 not in getattr(value.data, "strides", ())
                known = self.bind(value.data if dense else np.array(value.data, order="C"), "c")
            elif place is not None:
                known = self.bind(place, "b")
            else:
                known = f"v{len(self._names)}"
            self._names[id(value)] = known
        return known

    # ------------------------------------------------------------------ statements

    def _emit(self, value: Value) -> None:
        function = value.function
        if function is part or (is_view(value) and id(value) in self.layout.place):
            return  # there already
        if isinstance(function, FusedCall):
            self._fused(value, function)
            return
        if function in WRITES and is_buffered(value):
            self._write_part(value)
            return
        if function is concatenated and id(value) in self.layout.place:
            for v, slot in self.layout.slots.get(id(value), ()):
                self.lines.append(f"{self.bind(slot, 'b')}[...] = {self.name(v)}")
            return
        if function is segment:
            of, start, shape = value.args
            dtype, make = self.bind(value.dtype, "k"), self.bind(np.ndarray, "f")
            call = f"{make}({shape!r}, {dtype}, {self.name(of)}, {start * value.dtype.itemsize})"
            self.lines.append(f"{self.name(value)} = {call}")
            return
        if function is np.transpose and len(value.args) == 1 and value.args[0].kind == "array":
            self.lines.append(f"{self.name(value)} = {self.name(value.args[0])}.T")
            return
        if value.kind == "array":
            if is_elementwise(value):
                self._write(value, self.bind(function, "f"), [self._operand(a, value) for a in value.args])
                return
            if function is np.matmul and is_buffered(value):
                product = np.dot if len(value.shape) == 2 else function
                self._write(value, self.bind(product, "f"), [self.name(a) for a in value.args])
                return
        if is_reduction(value) and self._reduction(value):
            return
        if value.kind in {"scalar", "python"} and function in SYMBOLS and not value.kwargs:
            self.lines.append(f"{self.name(value)} = {self.printer.call(value)[0]}")
            return
        self._generic(value)

    def _write(self, value: Value, function: str, operands: list[str]) -> None:
        """Call a function that can write into given memory."""
        target = self.targets.get(id(value))
        if target is not None:
            self._names[id(value)] = target
        elif id(value) not in self.layout.place:
            self.lines.append(f"{self.name(value)} = {function}({', '.join(operands)})")
            return
        out = "out=" if value.function in {np.maximum, np.minimum} else ""
        self.lines.append(f"{function}({', '.join(operands)}, {out}{self.name(value)})")

    def _write_part(self, value: Value) -> None:
        """Emit a write to a part of an array: to a copy, unless the array is one that nobody else needs."""
        x, index, written = value.args
        ours, others = (self.layout.place.get(id(v)) for v in (value, x))
        if ours is None:
            self.lines.append(f"{self.name(value)} = {self._fresh(value)}")
        if ours is None or others is None or ours.ctypes.data != others.ctypes.data:
            self.lines.append(f"{self.bind(np.copyto, 'f')}({self.name(value)}, {self.name(x)})")
        place, new = (self._argument(a) for a in (index, written))
        adds = value.function is accumulated
        if adds and (value.inputs[2:] or repeats(index)):
            self.lines.append(f"{self.bind(add_at, 'f')}({self.name(value)}, {place}, {new})")
        else:
            self.lines.append(f"{self.name(value)}[{place}] {'+=' if adds else '='} {new}")

    def _operand(self, x: Any, value: Value) -> str:
        if isinstance(x, Value):
            return self.name(x)
        if type(x) is float or (type(x) is int and value.function in _MIXED):
            # an array of no axes costs half of what a number costs
            dtypes = {o.dtype if o.kind == "array" else None for o in value.inputs}
            dtype = dtypes.pop() if len(dtypes) == 1 else None
            if dtype is not None and dtype.kind == "f":
                return self._made("c", ("number", repr(x), dtype), lambda: np.array(x, dtype))
        return self._plain(x)

    def _plain(self, x: Any) -> str:
        """Return the text of what is no value: a number, or a name for anything else."""
        written = x is None or type(x) in {int, bool} or (type(x) is float and np.isfinite(x))
        return repr(x) if written else self.bind(x, "k")

    def _reduction(self, value: Value) -> bool:
        """Emit a sum over all entries, or a sum or an extreme over one axis of a matrix."""
        a, axes, keepdims = value.args[0], value.kwargs["axis"], value.kwargs["keepdims"]
        place = self.layout.place.get(id(a))
        in_order = None if place is None or not place.flags.c_contiguous else place.reshape(-1)
        adds = is_sum(value) and a.dtype == value.dtype  # as BLAS does, which counts no booleans
        total = axes is None and value.kind == "scalar" and adds
        if total and in_order is not None and 0 < a.size <= SUMMED_BY_BLAS:
            flat, ones = self.bind(in_order, "b"), self._ones((a.size,), a.dtype)
            self.lines.append(f"{self.name(value)} = {self.bind(np.dot, 'f')}({flat}, {ones})")
            return True
        if value.kind != "array" or len(a.shape) != 2 or axes is None or len(axes) != 1:
            return False
        if adds and axes == (1,) and keepdims and 0 < a.shape[1] <= SUMMED_BY_BLAS and a.shape[0]:
            self._write(value, self.bind(np.dot, "f"), [self.name(a), self._ones((a.shape[1], 1), a.dtype)])
            return True
        out = self.name(value) if id(value) in self.layout.place else "None"
        reduce = self.bind(REDUCTIONS[value.function].reduce, "f")
        call = f"{reduce}({self.name(a)}, {axes[0]}, None, {out}, {keepdims})"
        self.lines.append(call if out != "None" else f"{self.name(value)} = {call}")
        return True

    def _ones(self, shape: tuple[int, ...], dtype: Any) -> str:
        return self._made("c", ("ones", shape, dtype), lambda: np.ones(shape, dtype))

    def _fused(self, value: Value, fused: FusedCall) -> None:
        """Call a function on its inputs, its numbers and the arrays that it writes."""
        arguments = [
            self.name(v) if i in fused.strided else self._given(v, rows=i in fused.rows)
            for i, v in enumerate(value.args)
        ]
        arguments += [self._plain(x) for x in fused.numbers]
        for v in fused.arrays:
            if id(v) not in self.layout.place:
                self.lines.append(f"{self.name(v)} = {self._fresh(v)}")
            arguments.append(self.name(v))
        call = f"{self.bind(fused.function, 'f')}({', '.join(arguments)})"
        if fused.scalars:
            call = f"{''.join(self.name(v) + ', ' for v in fused.scalars)} = {call}"
        self.lines.append(call)
        for v in fused.scalars:
            kind = np.asarray if v.kind == "array" else v.dtype.type
            self.lines.append(f"{self.name(v)} = {self.bind(kind, 'f')}({self.name(v)})")

    def _fresh(self, value: Value) -> str:
        """Return the text of memory for a result."""
        return f"{self.bind(np.empty, 'f')}({value.shape!r}, {self.bind(value.dtype, 'k')})"

    def _given(self, value: Value, *, rows: bool) -> str:
        """Return the text of an input of a fused call: a number, or an array with its entries in order.

        Of `rows`, those of each row.
        """
        name = self.name(value)
        if value.shape == ():
            return f"{name}[()]" if value.kind == "array" else name
        if value.is_constant:  # machine code is made for arrays that may be written to
            return self.bind(np.array(value.data, order="C"), "c")
        place = self.layout.place.get(id(value))
        step = value.dtype.itemsize
        if place is not None and (place.flags.c_contiguous or (rows and place.strides[-1] == step)):
            return name
        key = ("rows" if rows else "in order", id(value))
        if key not in self._keys:  # else another call has needed it so
            self._keys[key] = f"w{len(self._keys)}"
            fits = f"{name} if {name}.strides[-1] == {step} else " if rows else ""
            self.lines.append(f"{self._keys[key]} = {fits}{self.bind(np.ascontiguousarray, 'f')}({name})")
        return self._keys[key]

    def _generic(self, value: Value) -> None:
        name = self.name(value)
        args = [self._argument(a) for a in value.args] + [
            f"{k}={self._argument(v)}" for k, v in value.kwargs.items()
        ]
        function = value.function
        if function is operator.getitem and value.args[0].kind == "tuple":
            self.lines.append(f"{name} = {args[0]}[{args[1]}]")
        else:
            self.lines.append(f"{name} = {self.bind(_quickest(value), 'f')}({', '.join(args)})")
        if value.kind == "array" and not is_view(value):
            call = f"{self.bind(_changed, 'f')}({self.bind(function, 'f')}, {name}, {value.shape!r})"
            dtype = self.bind(value.dtype, "k")
            self.lines.append(f"if {name}.shape != {value.shape!r} or {name}.dtype != {dtype}: {call}")

    def _argument(self, x: Any) -> str:
        return nest_text(x, lambda y: self.name(y) if isinstance(y, Value) else self._plain(y))


#: The file that functions made here say they are of.
OUR_WORDS = "<compiled by tinygrad_course>"


def python_function(text: str, bound: dict[str, Any], blocks: Iterable[Any] = ()) -> Callable[..., Any]:
    """Return the function called ``call`` that a text defines, with `bound` for what its names stand for.

    They are its globals: as variables of a function around it they would take twice the time to compile. Its
    attribute `blocks` is the memory in which its buffers lie.
    """
    space: dict[str, Any] = {"np": np, **bound}  # np.inf and np.nan are written as such
    exec(compile(text, OUR_WORDS, "exec"), space)  # noqa: S102  (our own words)
    made: Callable[..., Any] = space.pop("call")
    vars(made)["blocks"] = tuple(blocks)
    return made


def function_of(code: bytes, bound: dict[str, Any]) -> Callable[..., Any]:
    """Return such a function that was kept: its code, and what the names in it stand for."""
    return FunctionType(marshal.loads(code), {"np": np, **bound})  # noqa: S302  (from our own folder)


def is_buffered(value: Value) -> bool:
    """Whether a call's result goes into a kept buffer."""
    if value.kind != "array" or value.dtype.kind not in "fiub":
        return False
    if value.function in WRITES:
        return isinstance(value.args[0], Value) and value.args[0].kind == "array"
    if is_elementwise(value) or (value.function is np.matmul and len(value.shape) > 1 and not value.kwargs):
        return True
    return is_reduction(value) and len(value.args[0].shape) == 2 and len(value.kwargs["axis"] or ()) == 1


def _quickest(value: Value) -> Callable[..., Any]:
    """Return what the recorder computes a call by: a large contraction is one matrix product."""
    rule = RULES.get(value.function) if value.kind == "array" and value.function is not None else None
    return value.function if rule is None else rule.compute  # type: ignore[return-value]


def _changed(function: Callable[..., Any], y: Any, shape: tuple[int, ...]) -> None:
    name = getattr(function, "__name__", "a call")
    if y.shape == shape:  # eigenvalues are real or complex: the function itself is to be run
        raise DecidedByError(f"{name} returned another dtype, {y.dtype}, than it was recorded with")
    raise ShapeError(
        f"{name} returned shape {np.shape(y)}, and {shape} when the function was recorded: the shape depends "
        "on values, and a program is made for fixed shapes"
    )
