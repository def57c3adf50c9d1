"""From the text of a function to machine code, through LLVM (llvmlite)."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any

from tinygrad_course.compiling import code_cache
from tinygrad_course.compiling.dataflow import Value
from tinygrad_course.compiling.passes.fuse import NotFused


def type_of(value: Value, axes: int | None = None) -> str:
    """Return the type of a value as an argument, with the number of axes of an array, or with this one."""
    kind: str = value.dtype.str[1:]
    return f"{kind} {len(value.shape) if axes is None else axes}" if value.shape else kind


def text_of(arguments: dict[str, str], lines: list[str]) -> tuple[str, tuple[str, ...]]:
    """Return the text of a function and the types of its arguments, given these by their names."""
    body = "".join(f"    {line}\n" for line in lines)
    return f"def compute({', '.join(arguments)}):\n{body}", tuple(arguments.values())


def function(arguments: dict[str, str], lines: list[str]) -> Callable[..., Any]:
    """Return a function of machine code, given the types of its arguments by their names."""
    return compile_source(*text_of(arguments, lines))


@functools.lru_cache(maxsize=512)
def compile_source(source: str, types: tuple[str, ...]) -> Callable[..., Any]:
    """Return the function of machine code called ``compute`` that `source` defines, or raise `NotFused`.

    It returns a tuple of floats. What it is given is taken for what `types` says, unlooked at.
    """
    engine = _engine()
    name = "f" + hashlib.sha256(repr((engine.target, source, types)).encode()).hexdigest()[:40]
    code = code_cache.load(name)
    if code is None:
        from tinygrad_course.compiling.machine.python_entry import module_text

        code = engine.compile(module_text(source, types, name))
        code_cache.keep(name, code)
    made = engine.function(name, code)
    sources[made] = source, types
    return made


def checked(function: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    """Return a function that raises where the last number that a function returns is not 0."""
    return functools.partial(_check, function, error)


def _check(function: Callable[..., Any], error: Exception, *given: Any) -> Any:
    *scalars, wrong = function(*given)
    if wrong:
        raise type(error)(*error.args)
    return scalars


#: What functions of machine code are made of.
sources: dict[Any, tuple[str, tuple[str, ...]]] = {}


def target() -> tuple[str, ...]:
    """Return what machine code depends on beside its text; an ImportError where there is none."""
    return _engine().target


class _Engine:
    """LLVM for this processor."""

    def __init__(self) -> None:
        try:
            import llvmlite
            import llvmlite.binding as llvm
        except ImportError:
            raise ImportError(
                "machine code is made by llvmlite, which is not installed: "
                "pip install 'tinygrad-course[fast]'"
            ) from None
        if struct.calcsize("P") != 8 or sys.implementation.name != "cpython":
            raise ImportError("machine code is made for CPython on 64 bits: compiled(f) uses NumPy alone")
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self.llvm = llvm
        processor, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
        triple = llvm.get_process_triple()
        self.target = (llvmlite.__version__, triple, processor, features, code_cache.versions())
        self.machine = llvm.Target.from_triple(triple).create_target_machine(
            cpu=processor,
            features=features,
            opt=1,  # a tenth quicker than 3, and no slower code
            reloc="static" if triple.startswith("x86") else "default",
            codemodel="jitdefault",
            jit=True,
        )
        self.runner = llvm.create_mcjit_compiler(llvm.parse_assembly(""), self.machine)
        for name in _CALLED:
            address = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
            llvm.add_symbol(name, address)
        self.lock = threading.Lock()
        _for_good(self.runner)  # it holds the code

    def optimised(self, text: str) -> Any:
        """Return a module as LLVM makes it quicker; `NotFused` if LLVM does not take it."""
        from tinygrad_course.compiling.machine.llvm_expressions import REORDERED

        llvm = self.llvm
        try:
            module = llvm.parse_assembly(text)
        except RuntimeError as error:
            raise NotFused(str(error)) from error
        # what level 3 does beyond this takes a third of the time to compile, and gains nothing, no more than
        # unrolling what is left over, or looking for vectors outside loops
        options = llvm.create_pipeline_tuning_options(speed_level=1)
        options.loop_vectorization, options.slp_vectorization, options.loop_unrolling = True, False, False
        options.loop_interleaving = REORDERED in text  # sums alone wait for one another
        builder = llvm.create_pass_builder(self.machine, options)
        passes = builder.getModulePassManager()
        if "%tile" in text:  # it is written in vectors
            passes = llvm.create_new_module_pass_manager()
            passes.add_sroa_pass()
            passes.add_instruction_combine_pass()
        passes.run(module, builder)
        return module

    def compile(self, text: str) -> bytes:
        """Return a module's machine code; see `optimised`."""
        with self.lock:
            code: bytes = self.machine.emit_object(self.optimised(text))
            return code

    def function(self, name: str, code: bytes) -> Callable[..., Any]:
        """Return what the machine code calls `name` as a function of Python's."""
        with self.lock:
            self.runner.add_object_file(self.llvm.object_file.ObjectFileRef.from_data(code))
            self.runner.finalize_object()
            address = self.runner.get_function_address(name)
            method = _Method(b"compute", address, _FAST, None)
        _for_good(method)  # a function looks there even when it is deleted, and Python ends in any order
        made: Callable[..., Any] = _new_function(ctypes.byref(method), None, None)
        return made


@functools.cache
def _engine() -> _Engine:
    return _Engine()


#: What machine code calls of Python.
_CALLED = (
    "PyErr_Occurred", "PyFloat_AsDouble", "PyFloat_FromDouble", "PyLong_AsLongLong", "PyMem_RawFree",
    "PyMem_RawMalloc", "PyObject_IsTrue", "PyTuple_New", "PyTuple_SetItem",
)  # fmt: skip
_FAST = 0x80  # METH_FASTCALL: the arguments come as an array


class _Method(ctypes.Structure):
    """PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


def _for_good(x: Any) -> None:
    """Keep an object until the process ends, beyond the end of Python's own objects."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(x))


_new_function = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(
    ("PyCFunction_NewEx", ctypes.pythonapi)
)
