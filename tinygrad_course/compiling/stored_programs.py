"""Programs kept on disk: a later process finds what was recorded and the function that was made of it.

What is found is used only if the function, run on tracers, makes the calls that were recorded, one by one,
and returns what it returned. The name of a file says everything else that a program depends on.
"""

from __future__ import annotations

import hashlib
import io
import marshal
import pickle
import types
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy

from tinygrad_course.compiling import code_cache
from tinygrad_course.compiling.dataflow import Program, Value
from tinygrad_course.compiling.machine import jit
from tinygrad_course.compiling.numpy_backend.buffers import first_aligned
from tinygrad_course.compiling.numpy_backend.code_generation import OUR_WORDS, function_of
from tinygrad_course.compiling.tracing.control_flow import ASKING
from tinygrad_course.compiling.tracing.trace import Trace
from tinygrad_course.compiling.tracing.trace_function import Traced, captured_by, is_repeated
from tinygrad_course.engine import trees
from tinygrad_course.rules.table import RULES

#: Programs that are made in fewer seconds than this are not kept, nor those with more bytes of constants.
QUICK, LARGE = 0.1, 1 << 22


class Found(NamedTuple):
    """A program that was kept: what was traced, and what runs it; see `ProgramBody`."""

    traced: Traced
    run: Callable[..., Any]


def name_of_file(f: Callable[..., Any], args: Any, signature: Any, engine: str, *options: Any) -> str | None:
    """Return the name of the file in which a program would be kept; None if it would be in none.

    It says the code that the call ``f(*args)`` may run, the `signature` of its arguments (their outline, and
    the path of each with what is known of it, type first), and whatever else the program depends on.
    """
    outline, leaves = signature
    captured = captured_by(f, args)
    if any(type(known[-1]) is int for _, known in leaves) or captured.reads(ASKING):
        return None  # an object, known by its address; a question that is answered otherwise for a tracer
    told = [(path, kind.__module__, kind.__qualname__, *map(str, rest)) for path, (kind, *rest) in leaves]
    code = sorted(repr(_told(code)) for code in captured.codes)
    try:
        target = jit.target() if engine == "machine" else code_cache.versions()
    except ImportError:
        return None
    versions, name = (np.__version__, scipy.__version__, target), getattr(f, "__qualname__", "")
    whole = repr((versions, engine, options, name, outline, told, code))
    return "p" + hashlib.sha256(whole.encode()).hexdigest()[:40]


def _told(code: types.CodeType) -> Any:
    """Return what code does, wherever it stands."""
    constants = [
        _told(c) if isinstance(c, types.CodeType) else sorted(map(repr, c if type(c) is frozenset else [c]))
        for c in code.co_consts
    ]
    names = code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
    return code.co_code, code.co_exceptiontable, names, constants


def keep(name: str, traced: Traced, run: Callable[..., Any]) -> None:
    """Keep a program, if all that it is made of can be."""
    written = io.BytesIO()
    values: dict[int, Value] = {}
    program, calls = traced.run.program, traced.run.trace.calls
    for value, returned in [*((v, v) for v in program.inputs), *calls]:
        for v in (*value.inputs, value, *(x for _, x in trees.leaves(returned))):
            values[id(v)] = v
    values |= {id(v): v for v in program.results}
    told = [
        (v.function, v.args, v.kwargs, v.shape, v.dtype, v.kind, v.data, v.name, v.kept, v.backward)
        for v in values.values()
    ]
    ends = program.inputs, program.results
    without = traced.run._replace(trace=None, program=None)  # type: ignore[arg-type]
    traced = traced._replace(run=without, captured=None)  # type: ignore[arg-type]
    whole = told, traced, calls, ends, run
    try:
        written.write(len(told).to_bytes(4, "little"))
        with (
            warnings.catch_warnings()
        ):  # SciPy's functions are looked for in all modules, NumPy's old ones too
            warnings.simplefilter("ignore", DeprecationWarning)
            _Writer(written, values).dump(whole)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError, ValueError):
        return  # a function that nobody finds by its name
    code_cache.keep(name, written.getvalue())


def find(name: str, f: Callable[..., Any], args: Any, moving: Any) -> Found | None:
    """Return the program that is kept under a name, if `f` does what was recorded there."""
    content = code_cache.load(name)
    if content is None:
        return None
    try:
        reader = _Reader(content)
        told, traced, calls, ends, run = reader.load()
    except Exception:  # noqa: BLE001  (what is named there is there no more)
        return None
    for value, state in zip(reader.values, told, strict=True):
        Value.__init__(value, *state[:-2])
        value.kept, value.backward = state[-2:]
    trace = Trace()
    trace.open, trace.calls = False, calls
    known = traced.run._replace(trace=trace, program=Program(*ends))
    if not is_repeated(f, args, moving, known):
        return None
    return Found(traced._replace(run=known, captured=captured_by(f, args)), run)


# ------------------------------------------------------------------ functions and memory as bytes


class _Writer(pickle.Pickler):
    """Writes a program: values by their numbers, functions that were made as code, memory by its size."""

    def __init__(self, file: Any, values: dict[int, Value]) -> None:
        super().__init__(file, protocol=5)
        self.numbers = {key: i for i, key in enumerate(values)}
        self.nbytes = 0
        self.blocks: dict[int, int] = {}  # arrays whose content does not matter: their ids, where they begin

    def reducer_override(self, thing: Any) -> Any:
        """Return how something is made again, for what pickle would find by name or copy."""
        if type(thing) is Value:
            return _numbered, (self.numbers[id(thing)],)
        if type(thing) is np.ndarray:
            return self._array(thing)
        if isinstance(thing, np.dtype):  # pickle makes a copy, which is another than those of arrays
            return np.dtype, (thing.str,)
        if type(thing) is types.BuiltinFunctionType and (made := jit.sources.get(thing)) is not None:
            return jit.compile_source, made
        if type(thing) is types.FunctionType and thing.__code__.co_filename == OUR_WORDS:
            for block in vars(thing)["blocks"]:
                self.blocks[id(block)] = block.ctypes.data + first_aligned(block)
            bound = {k: v for k, v in thing.__globals__.items() if k not in {"np", "__builtins__"}}
            return function_of, (marshal.dumps(thing.__code__), bound)
        if type(thing) is types.FunctionType and "<locals>" in thing.__qualname__:
            of = next((f for f, rule in RULES.items() if rule.compute is thing), None)
            return NotImplemented if of is None else (_quicker, (of,))
        return NotImplemented

    def _array(self, array: Any) -> Any:
        if id(array) in self.blocks:
            return np.zeros, (array.nbytes, np.uint8)
        base = array.base
        if base is None or id(base) not in self.blocks:
            return self._constant(array)
        start = array.__array_interface__["data"][0] - self.blocks[id(base)]
        return _view, (base, array.shape, array.dtype, start, array.strides)

    def _constant(self, array: Any) -> Any:
        first = array.reshape(-1)[:1]
        if array.size > 1 and (array.tobytes() == first.tobytes() * array.size):
            return np.full, (array.shape, first[0])
        self.nbytes += array.nbytes
        if self.nbytes > LARGE:
            raise pickle.PicklingError
        return NotImplemented


def _quicker(function: Any) -> Any:
    """Return what the recorder computes a function by."""
    return RULES[function].compute


def _view(block: Any, shape: Any, dtype: Any, start: int, strides: Any) -> Any:
    return np.ndarray(shape, dtype, block, start + first_aligned(block), strides)


def _numbered(number: int) -> Value:
    """Stand for the value of a number, in what is written."""
    raise NotImplementedError


class _Reader(pickle.Unpickler):
    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content[4:]))
        self.values = [Value.__new__(Value) for _ in range(int.from_bytes(content[:4], "little"))]

    def find_class(self, module: str, name: str) -> Any:
        """Return what has a name; the values are those of this program."""
        return self.values.__getitem__ if name == _numbered.__name__ else super().find_class(module, name)
