"""Functions of numbers and arrays as text in LLVM's language.

What is translated is the Python that this package writes: assignments, loops over ranges, ``if``, arithmetic,
comparisons, entries of arrays, calls of `vector_math`. The types of the arguments are given, and from there
every line has one, so that nothing has to be inferred: that is most of what a compiler of all of Python does.
"""

from __future__ import annotations

import ast
import functools
import inspect
from typing import Any

from tinygrad_course.compiling.machine import vector_math
from tinygrad_course.compiling.machine.llvm_expressions import (
    STORED,
    Array,
    Expressions,
    Number,
    OfLibrary,
    in_registers,
    number,
    structure,
)
from tinygrad_course.compiling.machine.register_tiles import vector_bytes
from tinygrad_course.compiling.passes.fuse import NotFused

#: What is called of Python and the system.
DECLARED = (
    "double @PyFloat_AsDouble(ptr)", "i64 @PyLong_AsLongLong(ptr)", "i32 @PyObject_IsTrue(ptr)",
    "ptr @PyErr_Occurred()", "ptr @PyTuple_New(i64)", "i32 @PyTuple_SetItem(ptr, i64, ptr)",
    "ptr @PyFloat_FromDouble(double)", "noalias ptr @PyMem_RawMalloc(i64)", "void @PyMem_RawFree(ptr)",
    "void @llvm.memset.p0.i64(ptr, i8, i64, i1)", "i64 @llvm.smin.i64(i64, i64)",
    "void @llvm.prefetch.p0(ptr, i32, i32, i32)",
)  # fmt: skip


#: Loops take the widest registers there are.
_WIDE = ' "prefer-vector-width"="512"'


@functools.cache
def _library() -> dict[str, ast.FunctionDef]:
    tree = ast.parse(inspect.getsource(vector_math))
    return {f.name: f for f in tree.body if isinstance(f, ast.FunctionDef)}


class Module:
    """The functions of one module."""

    def __init__(self) -> None:
        self.functions: list[str] = []
        self.declared: set[str] = set(DECLARED)
        self.known: dict[str, list[str]] = {}  # the functions of `vector_math`: what they return

    def compute(self, definition: ast.FunctionDef, types: tuple[str, ...]) -> int:
        """Translate a function of arguments of these types; return how many numbers it returns."""
        body = _Body(self.of_library, self.declared)
        parameters = []
        for argument, given in zip(definition.args.args, types, strict=True):
            kind, *form = given.split()
            if kind not in STORED:
                raise NotFused(f"numbers of dtype {kind}")
            name = f"%{argument.arg}"
            if not form:
                parameters.append(f"{in_registers(kind)} {name}")
                body.bind(argument.arg, Number(in_registers(kind), name))
                continue
            axes = int(form[0])
            shape = [Number("i64", f"{name}.n{i}") for i in range(axes)]
            strides = [Number("i64", f"{name}.s{i}") for i in range(axes if len(form) > 1 else 0)]
            parameters += [f"ptr noalias {name}", *map(str, [*shape, *strides])]
            gaps = strides[:-1] if form[1:] == ["rows"] else strides
            body.bind(argument.arg, Array(kind, name, shape, gaps or None))
        body.statements(definition.body)
        for i, x in enumerate(body.returned):
            place = body.result(f"getelementptr double, ptr %results, i64 {i}")
            body.lines.append(f"store {body.convert(x, 'double')}, ptr {place}")
        body.free()
        parameters.append("ptr noalias %results")
        self.functions.append(
            body.function(f"internal void @compute({', '.join(parameters)})", _WIDE, "ret void")
        )
        self.functions += [f"!{i} = distinct !{{!{i}, !0}}" for i in range(1, body.masked + 1)]
        self.functions.append('!0 = !{!"llvm.loop.vectorize.predicate.enable", i1 true}')
        return len(body.returned)

    def of_library(self, name: str, single: bool) -> tuple[str, str, list[str]]:
        """Translate a function of `vector_math`, of single precision if there is one.

        Return its name, the type of its arguments, and the types of what it returns.
        """
        single = single and (name.endswith("4") or f"{name}4" in _library())
        name = f"{name}4" if single and not name.endswith("4") else name
        type = "float" if single else "double"
        if name not in self.known:
            definition = _library()[name]
            body = _Body(self.of_library, self.declared, type)
            arguments = [a.arg for a in definition.args.args]
            for a in arguments:
                body.bind(a, Number(type, f"%{a}"))
            body.statements(definition.body)
            types = self.known[name] = [x.type for x in body.returned]
            whole = structure(types)
            result = str(body.returned[0]) if len(types) == 1 else body.together(body.returned, whole)
            head = f"internal {whole} @{name}({', '.join(f'{type} %{a}' for a in arguments)})"
            self.functions.append(body.function(head, " alwaysinline", f"ret {result}"))
        return name, type, self.known[name]


class _Body(Expressions):
    """The body of one function."""

    def __init__(self, of_library: OfLibrary, declared: set[str], real: str = "double") -> None:
        super().__init__(of_library, declared, real)
        self.slots: list[str] = []  # memory of variables: LLVM turns it into registers
        self.returned: list[Number] = []
        self.masked = 0  # loops whose last turn is by a vector too, of which a part is masked

    def function(self, head: str, attributes: str, last: str) -> str:
        """Return the text of the whole function."""
        inner = "\n".join(f"  {line}" for line in [*self.slots, *self.lines, last])
        return f"define {head}{attributes} {{\n{inner}\n}}"

    def label(self, name: str) -> None:
        """Begin a block."""
        self.lines += [f"br label %{name}", f"{name}:"]

    def together(self, parts: list[Number], whole: str) -> str:
        """Return numbers as one structure."""
        made = "poison"
        for i, x in enumerate(parts):
            made = self.result(f"insertvalue {whole} {made}, {x}, {i}")
        return f"{whole} {made}"

    def free(self) -> None:
        """Give back the memory of the function's own arrays."""
        for pointer in self.owned:
            self.lines.append(f"call void @PyMem_RawFree(ptr {pointer})")

    # ------------------------------------------------------------------ statements

    def statements(self, body: list[ast.stmt]) -> None:
        """Translate statements."""
        for statement in body:
            getattr(self, f"_{type(statement).__name__.lower()}")(statement)

    def bind(self, name: str, value: Any) -> None:
        """Give a name a value: an array for good, a number in a slot of its type."""
        if isinstance(value, Array):
            self.fixed[name] = value
            return
        place = self.places.get(name)
        if place is None:
            place = self.places[name] = Number(value.type, f"%{name}.slot")
            self.slots.append(f"{place.text} = alloca {place.type}")
        self.lines.append(f"store {self.convert(value, place.type)}, ptr {place.text}")

    def _expr(self, statement: ast.Expr) -> None:
        if not isinstance(statement.value, ast.Constant):  # else a docstring
            self.expression(statement.value)

    def _return(self, statement: ast.Return) -> None:
        value = statement.value
        if isinstance(value, ast.Tuple):
            self.returned = [self.expression(x) for x in value.elts]
        elif not isinstance(value, ast.Constant) or value.value is not None:
            assert value is not None  # noqa: S101
            self.returned = [self.expression(value)]

    def _assign(self, statement: ast.Assign) -> None:
        (target,) = statement.targets
        if not isinstance(target, ast.Tuple):
            self._put(target, self.expression(statement.value))
            return
        given = statement.value
        values = (
            [self.expression(x) for x in given.elts]
            if isinstance(given, ast.Tuple)
            else self.expression(given)
        )
        for t, x in zip(target.elts, values, strict=True):
            self._put(t, x)

    def _put(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self.bind(target.id, value)
            return
        assert isinstance(target, ast.Subscript)  # noqa: S101
        array = self.expression(target.value)
        pointer = self._place(array, target.slice)
        wanted = in_registers(array.kind)
        x = self.convert(value, wanted)
        if wanted == "i1":
            x = self.value("i8", f"zext {x} to i8")
        self.lines.append(f"store {x}, ptr {pointer}, align 1")

    def _augassign(self, statement: ast.AugAssign) -> None:
        target = statement.target
        read = ast.Name(target.id) if isinstance(target, ast.Name) else target
        self._put(target, self.binary(statement.op, self.expression(read), self.expression(statement.value)))

    def _for(self, statement: ast.For) -> None:
        assert isinstance(statement.iter, ast.Call)  # noqa: S101
        assert isinstance(statement.target, ast.Name)  # noqa: S101
        bounds = [self.expression(a) for a in statement.iter.args]
        start, stop = (number(0, "i64"), *bounds) if len(bounds) == 1 else bounds[:2]
        step = bounds[2] if len(bounds) > 2 else number(1, "i64")
        self.count += 1
        head, body, end = (f"{what}{self.count}" for what in ("head", "body", "end"))
        self.bind(statement.target.id, start)
        place = self.places[statement.target.id]
        self.label(head)
        i = self.value("i64", f"load i64, ptr {place.text}")
        inside = self.value("i1", f"icmp slt {i}, {stop.text}")
        self.lines.append(f"br {inside}, label %{body}, label %{end}")
        self.lines.append(f"{body}:")
        self.statements(statement.body)
        i = self.value("i64", f"load i64, ptr {place.text}")
        self.lines.append(f"store {self.arithmetic('add nsw', i, step)}, ptr {place.text}")
        if ast.unparse(statement.iter.func) == "masked" and vector_bytes() == 64:
            self.masked += 1
            self.lines.append(f"br label %{head}, !llvm.loop !{self.masked}")
        else:
            self.lines.append(f"br label %{head}")
        self.lines.append(f"{end}:")

    def _if(self, statement: ast.If) -> None:
        condition = self.expression(statement.test)
        self.count += 1
        then, other, end = (f"{what}{self.count}" for what in ("then", "else", "end"))
        self.lines.append(f"br {condition}, label %{then}, label %{other}")
        self.lines.append(f"{then}:")
        self.statements(statement.body)
        self.lines.append(f"br label %{end}")
        self.lines.append(f"{other}:")
        self.statements(statement.orelse)
        self.label(end)
