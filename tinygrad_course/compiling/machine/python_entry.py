"""A function of machine code as Python calls it: what takes its arguments apart, in LLVM's language."""

from __future__ import annotations

import ast
import struct
from collections.abc import Iterator

from tinygrad_course.compiling.machine.llvm_expressions import in_registers
from tinygrad_course.compiling.machine.llvm_text import Module


def module_text(source: str, types: tuple[str, ...], name: str) -> str:
    """Return a module that makes `source`, which defines ``compute``, a function of Python's called `name`.

    The `types` of the arguments: ``"f8"``, ``"f8 2"`` for an array of two axes whose entries lie in order,
    ``"f8 2 strided"``, or ``"f8 2 rows"`` if those of each row do; of ``"f8 0"`` nobody asks for the shape,
    and one index finds an entry.
    """
    module = Module()
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.FunctionDef)  # noqa: S101
    returned = module.compute(definition, types)
    module.functions.append(_entry(types, returned, name))
    declared = [f"declare {d}" for d in sorted(module.declared)]
    return "\n".join([*declared, *module.functions])


def _entry(types: tuple[str, ...], returned: int, name: str) -> str:
    """Return the function that Python calls: it takes the arguments apart, and returns a tuple of floats."""
    lines: list[str] = [f"%results = alloca double, i64 {max(returned, 1)}"]
    arguments: list[str] = []
    for i, given in enumerate(types):
        lines += [f"%p{i} = getelementptr ptr, ptr %given, i64 {i}", f"%a{i} = load ptr, ptr %p{i}"]
        arguments += _unpacked(i, given, lines)
    arguments.append("ptr %results")
    lines += [
        "%error = call ptr @PyErr_Occurred()",
        "%fine = icmp eq ptr %error, null",
        "br i1 %fine, label %run, label %stop",
        "stop:",
        "ret ptr null",
        "run:",
        f"call void @compute({', '.join(arguments)})",
        f"%tuple = call ptr @PyTuple_New(i64 {returned})",
    ]
    for i in range(returned):
        lines += [
            f"%r{i} = getelementptr double, ptr %results, i64 {i}",
            f"%x{i} = load double, ptr %r{i}",
            f"%o{i} = call ptr @PyFloat_FromDouble(double %x{i})",
            f"call i32 @PyTuple_SetItem(ptr %tuple, i64 {i}, ptr %o{i})",
        ]
    lines.append("ret ptr %tuple")
    inner = "\n".join(f"  {line}" for line in lines)
    return f"define ptr @{name}(ptr %self, ptr %given, i64 %count) {{\n{inner}\n}}"


def _unpacked(i: int, given: str, lines: list[str]) -> Iterator[str]:
    """Go through what `compute` is given for one argument."""
    kind, *form = given.split()
    if not form:
        type = in_registers(kind)
        if type == "i1":
            lines += [f"%t{i} = call i32 @PyObject_IsTrue(ptr %a{i})", f"%v{i} = icmp ne i32 %t{i}, 0"]
        elif type == "i64":
            lines.append(f"%v{i} = call i64 @PyLong_AsLongLong(ptr %a{i})")
        else:
            lines.append(f"%{'v' if type == 'double' else 'd'}{i} = call double @PyFloat_AsDouble(ptr %a{i})")
            if type == "float":
                lines.append(f"%v{i} = fptrunc double %d{i} to float")
        yield f"{type} %v{i}"
        return
    # NumPy's arrays, after what every object of Python's begins with: data, ndim, shape, strides
    axes, fields = int(form[0]), (("data", 0, ""), ("shape", 2, "n"), ("strides", 3, "s"))
    for field, words, letter in fields[: 1 + len(form) if axes else 1]:
        place = object.__basicsize__ + words * struct.calcsize("P")
        lines += [
            f"%{field}{i}.p = getelementptr i8, ptr %a{i}, i64 {place}",
            f"%{field}{i} = load ptr, ptr %{field}{i}.p",
        ]
        if field == "data":
            yield f"ptr %data{i}"
            continue
        for axis in range(axes):
            name = f"%{letter}{i}.{axis}"
            lines += [
                f"{name}.p = getelementptr i64, ptr %{field}{i}, i64 {axis}",
                f"{name} = load i64, ptr {name}.p",
            ]
            yield f"i64 {name}"
