"""Expressions on numbers and arrays as instructions of LLVM's."""

from __future__ import annotations

import ast
import functools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tinygrad_course.compiling.machine import vector_math
from tinygrad_course.compiling.machine.register_tiles import tile_text

#: Numbers in memory, by the names of their dtypes; integers become 64 bits where they are read.
STORED = {
    "f8": "double", "f4": "float", "b1": "i8", "i8": "i64", "i4": "i32", "i2": "i16", "i1": "i8",
    "u4": "i32", "u2": "i16", "u1": "i8",
}  # fmt: skip
_OPERATORS: dict[type, tuple[str, str]] = {  # on floats, on integers
    ast.Add: ("fadd", "add"), ast.Sub: ("fsub", "sub"), ast.Mult: ("fmul", "mul"),
    ast.Div: ("fdiv", ""), ast.FloorDiv: ("", "sdiv"), ast.Mod: ("", "srem"), ast.BitAnd: ("", "and"),
    ast.BitOr: ("", "or"), ast.LShift: ("", "shl"), ast.RShift: ("", "ashr"),
}  # fmt: skip
_COMPARISONS: dict[type, tuple[str, str]] = {
    ast.Lt: ("olt", "slt"), ast.LtE: ("ole", "sle"), ast.Gt: ("ogt", "sgt"), ast.GtE: ("oge", "sge"),
    ast.Eq: ("oeq", "eq"), ast.NotEq: ("une", "ne"),
}  # fmt: skip
_MATHEMATICS = {
    "sqrt": "llvm.sqrt.f64", "fabs": "llvm.fabs.f64", "copysign": "llvm.copysign.f64", "sin": "llvm.sin.f64",
    "cos": "llvm.cos.f64", "atan": "atan", "sinh": "sinh", "cosh": "cosh",
}  # fmt: skip
#: What is as exact in single precision.
_EXACT = {"llvm.sqrt.f64", "llvm.fabs.f64", "llvm.copysign.f64"}
_TYPES = {"f8": "double", "f4": "float"}
_BITS = {"bits": "i64", "of_bits": "double", "bits4": "i32", "of_bits4": "float"}
_EXTREMES = {"largest": "maximum", "smallest": "minimum"}
_CONSTANTS = {"inf": float("inf"), "nan": float("nan")}
#: FMA instructions are welcome; nothing else of IEEE arithmetic is given up.
CAREFUL = "contract"
#: Sums may be reordered: that is what lets several partial sums run side by side.
REORDERED = "contract reassoc"


@dataclass(frozen=True)
class Number:
    """A number: its type in LLVM's language, what stands for it there, and its value where it is known."""

    type: str
    text: str
    known: float | None = None

    def __str__(self) -> str:
        return f"{self.type} {self.text}"


@dataclass(frozen=True)
class Array:
    """An array: the name of its dtype, where it begins, and its shape; strides, in bytes, if it has gaps.

    Where there is one less than axes, the entries of the last lie one after the other.
    """

    kind: str
    data: str
    shape: list[Number]
    strides: list[Number] | None = None


def number(x: float, type: str = "double") -> Number:
    """Return a number that is written out."""
    if type in {"double", "float"}:
        rounded = struct.unpack("f", struct.pack("f", x))[0] if type == "float" else x
        return Number(type, f"0x{struct.unpack('Q', struct.pack('d', rounded))[0]:016X}", x)
    return Number(type, str(int(x)), x)


def in_registers(kind: str) -> str:
    """Return the type of what is computed with when numbers of a dtype are read."""
    return "i1" if kind == "b1" else STORED[kind] if kind[0] == "f" else "i64"


def structure(types: list[str]) -> str:
    """Return the type of several numbers together."""
    return types[0] if len(types) == 1 else f"{{ {', '.join(types)} }}"


#: A function's name, and whether it is called with single precision.
OfLibrary = Callable[[str, bool], tuple[str, str, list[str]]]


class Expressions:
    """The instructions of one function, one after the other.

    `of_library` makes a function of `vector_math` part of the module, and returns its name there, the type of
    its arguments and those of its results; `declared` is what the module calls of the outside, `real` the
    type of numbers that are written out.
    """

    def __init__(self, of_library: OfLibrary, declared: set[str], real: str = "double") -> None:
        self.real = real
        self.of_library = of_library
        self.declared = declared
        self.lines: list[str] = []
        self.places: dict[str, Number] = {}  # by a variable's name, its type and its slot
        self.fixed: dict[str, Array] = {}
        self.owned: list[str] = []  # what is to be freed
        self.count = 0

    def result(self, instruction: str) -> str:
        """Append an instruction that has a result, and return its name."""
        self.count += 1
        self.lines.append(f"%.{self.count} = {instruction}")
        return f"%.{self.count}"

    def value(self, type: str, instruction: str) -> Number:
        """Append an instruction whose result is a number, and return that."""
        return Number(type, self.result(instruction))

    # ------------------------------------------------------------------ expressions

    def expression(self, node: ast.expr) -> Any:
        """Translate an expression: return a `Number`, an `Array`, or a list of numbers."""
        if isinstance(node, ast.Constant):
            kind = {float: self.real, int: "i64", bool: "i1"}[type(node.value)]
            return number(node.value, kind)  # type: ignore[arg-type]
        if isinstance(node, ast.Name):
            if node.id in self.fixed:
                return self.fixed[node.id]
            if node.id in self.places:
                place = self.places[node.id]
                return self.value(place.type, f"load {place.type}, ptr {place.text}")
            constant = getattr(vector_math, node.id)
            return number(constant, "i64" if type(constant) is int else self.real)
        if isinstance(node, ast.BinOp):
            return self.binary(node.op, self.expression(node.left), self.expression(node.right))
        if isinstance(node, ast.UnaryOp):
            return self._unary(node)
        if isinstance(node, ast.BoolOp):
            return functools.reduce(
                lambda a, b: self.arithmetic("or", a, b), map(self.expression, node.values)
            )
        if isinstance(node, ast.Compare):
            a, b = (self.expression(n) for n in (node.left, node.comparators[0]))
            # a truth value of one bit is -1 to a signed comparison
            a, b = self._alike(*(self.convert(x, "i64") if x.type == "i1" else x for x in (a, b)))
            names = _COMPARISONS[type(node.ops[0])]
            how = f"fcmp {names[0]}" if a.type in {"double", "float"} else f"icmp {names[1]}"
            return self.value("i1", f"{how} {a}, {b.text}")
        if isinstance(node, ast.Subscript):
            return self._entry(node)
        if isinstance(node, ast.Attribute) and node.attr in _CONSTANTS:
            return number(_CONSTANTS[node.attr], self.real)
        assert isinstance(node, ast.Call)  # noqa: S101
        return self._called(node)

    def arithmetic(self, how: str, a: Number, b: Number) -> Number:
        """Append an instruction on two numbers of one type."""
        return self.value(a.type, f"{how} {a}, {b.text}")

    def binary(self, operator: ast.operator, a: Number, b: Number) -> Number:
        """Return a number made of two."""
        a, b = self._alike(a, b)
        floats = a.type in {"double", "float"}
        if isinstance(operator, ast.Pow):
            return self._of_two("pow", a, b, CAREFUL)
        how = _OPERATORS[type(operator)][0 if floats else 1]
        return self.arithmetic(f"{how} {CAREFUL}" if floats else how, a, b)

    def _of_two(self, name: str, a: Number, b: Number, how: str = "") -> Number:
        """Call one of LLVM's functions of two floats."""
        a, b = self._alike(a, b)
        function = f"@llvm.{name}.{'f32' if a.type == 'float' else 'f64'}"
        self.declared.add(f"{a.type} {function}({a.type}, {a.type})")
        return self.value(a.type, f"call {how} {a.type} {function}({a}, {b})")

    def _unary(self, node: ast.UnaryOp) -> Number:
        x = self.expression(node.operand)
        if isinstance(node.op, ast.Not):
            return self.value("i1", f"xor {x}, true")
        if x.known is not None:
            return number(-x.known, x.type)
        return self.value(x.type, f"fneg {CAREFUL} {x}")

    def _alike(self, a: Number, b: Number) -> tuple[Number, Number]:
        """Return two numbers in the type that can hold both; integers that are written out take any."""
        if a.type == b.type:
            return a, b
        types = [x.type for x in (a, b) if x.type != "i64" or x.known is None] or ["i64"]
        wanted = (
            "double"
            if {"i64", "float"} <= set(types)
            else max(types, key=["i1", "i32", "i64", "float", "double"].index)
        )
        return self.convert(a, wanted), self.convert(b, wanted)

    def convert(self, x: Number, type: str) -> Number:
        """Return a number in another type."""
        if x.type == type:
            return x
        if x.known is not None:
            return number(x.known, type)
        how = {
            ("float", "double"): "fpext", ("double", "float"): "fptrunc", ("i64", "double"): "sitofp",
            ("i64", "float"): "sitofp", ("i1", "double"): "uitofp", ("i1", "float"): "uitofp",
            ("i1", "i64"): "zext",
        }[x.type, type]  # fmt: skip
        return self.value(type, f"{how} {x} to {type}")

    def _place(self, array: Array, index: ast.expr) -> str:
        """Return a pointer to an entry."""
        parts = [self.expression(i) for i in (index.elts if isinstance(index, ast.Tuple) else [index])]
        if array.strides is not None:
            offset = number(0, "i64")
            for i, stride in zip(parts, array.strides, strict=False):
                offset = self.arithmetic("add nsw", offset, self.arithmetic("mul nsw", i, stride))
            start = self.result(f"getelementptr i8, ptr {array.data}, {offset}")
            if len(parts) == len(array.strides):
                return start
            return self.result(f"getelementptr inbounds {STORED[array.kind]}, ptr {start}, {parts[-1]}")
        at = parts[0]
        for i, n in zip(parts[1:], array.shape[1:], strict=True):
            at = self.arithmetic("add nsw", self.arithmetic("mul nsw", at, n), i)
        return self.result(f"getelementptr inbounds {STORED[array.kind]}, ptr {array.data}, {at}")

    def _entry(self, node: ast.Subscript) -> Number:
        if isinstance(node.value, ast.Attribute):  # x.shape[0], x.strides[0]
            array = self.expression(node.value.value)
            assert isinstance(node.slice, ast.Constant)  # noqa: S101
            return getattr(array, node.value.attr)[node.slice.value]  # type: ignore[no-any-return]
        array = self.expression(node.value)
        kind = array.kind
        pointer = self._place(array, node.slice)
        found = self.value(STORED[kind], f"load {STORED[kind]}, ptr {pointer}, align 1")
        if kind == "b1":
            return self.value("i1", f"icmp ne {found}, 0")
        if kind[0] == "f" or kind == "i8":
            return found
        return self.value("i64", f"{'zext' if kind[0] == 'u' else 'sext'} {found} to i64")

    # ------------------------------------------------------------------ calls

    def _called(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Attribute):
            return self._of_module(node.func.attr, node.args)
        assert isinstance(node.func, ast.Name)  # noqa: S101
        name = node.func.id
        special: Callable[..., Any] | None = getattr(self, f"_call_{name}", None)
        if name == "tile":
            return self._tile(node.args)
        if name in _TYPES:
            return self.convert(self.expression(node.args[0]), _TYPES[name])
        values = [self.expression(a) for a in node.args]
        if special is not None:
            return special(*values)
        if name in _BITS:
            return self.value(_BITS[name], f"bitcast {values[0]} to {_BITS[name]}")
        if name in _EXTREMES:
            return self._of_two(_EXTREMES[name], values[0], values[1])
        name, type, types = self.of_library(name, all(x.type == "float" for x in values))
        given = ", ".join(str(self.convert(x, type)) for x in values)
        made = self.value(structure(types), f"call {structure(types)} @{name}({given})")
        if len(types) == 1:
            return made
        return [self.value(t, f"extractvalue {made}, {i}") for i, t in enumerate(types)]

    def _of_module(self, name: str, arguments: list[ast.expr]) -> Any:
        if name in {"zeros", "empty"}:
            return self._fresh(arguments, zeros=name == "zeros")
        function, values = _MATHEMATICS[name], [self.expression(a) for a in arguments]
        single = function in _EXACT and all(x.type == "float" for x in values)
        type = "float" if single else "double"
        function = function.replace("f64", "f32") if single else function
        self.declared.add(f"{type} @{function}({', '.join([type] * len(values))})")
        given = ", ".join(str(self.convert(x, type)) for x in values)
        return self.value(type, f"call {type} @{function}({given})")

    def _fresh(self, arguments: list[ast.expr], *, zeros: bool) -> Array:
        """Return an array of the function's own, as np.zeros(size, x.dtype) says."""
        size, dtype = arguments
        assert isinstance(dtype, ast.Attribute)  # noqa: S101
        kind = self.expression(dtype.value).kind
        count = self.expression(size)
        nbytes = self.arithmetic("mul nsw", count, number(int(kind[1]), "i64"))
        pointer = self.result(f"call noalias ptr @PyMem_RawMalloc({nbytes})")
        self.owned.append(pointer)
        if zeros:
            self.lines.append(f"call void @llvm.memset.p0.i64(ptr {pointer}, i8 0, {nbytes}, i1 false)")
        return Array(kind, pointer, [count])

    def _tile(self, arguments: list[ast.expr]) -> Number:
        values = [self.expression(a) for a in arguments]
        sizes = [int(v.known) for v in values[:3]]
        self.count += 1
        self.lines += tile_text(f"tile{self.count}", STORED[values[3].kind], sizes, values[3:])
        return number(0, "i64")

    def _call_select(self, condition: Number, x: Number, y: Number) -> Number:
        x, y = self._alike(x, y)
        return self.value(x.type, f"select {condition}, {x}, {y}")

    def _call_accumulate(self, total: Number, x: Number) -> Number:
        return self.arithmetic(f"fadd {REORDERED}", *self._alike(total, x))

    def _call_min(self, a: Number, b: Number) -> Number:
        return self.value("i64", f"call i64 @llvm.smin.i64({a}, {b})")
