"""What a function reads from outside itself: globals, closures, attributes, defaults, and what these hold.

A recording keeps their values, so a compiled function looks at each call whether they are still the same, and
is recorded again when they are not. While it is recorded, two more things are seen by comparing before with
after: a random draw (the generator's state moved on) and a change made to something outside.
"""

from __future__ import annotations

import dis
import functools
import random
import sys
import types
from typing import Any

import numpy as np

from tinygrad_course.compiling.tracing.assigned_names import of_library
from tinygrad_course.compiling.tracing.trace import same
from tinygrad_course.compiling.tracing.tracer import Tracer
from tinygrad_course.engine.tensor import Tensor

_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic, np.dtype)
_GENERATORS = (np.random.RandomState, np.random.Generator, np.random.BitGenerator, random.Random)


class CapturedValues:
    """What `function` could read from outside, as it was when this was made."""

    def __init__(self, *functions: Any) -> None:
        #: LocalNames that stand for something unchangeable: (namespace, key, what it was).
        self.bindings: list[tuple[dict[str, Any], str, Any]] = []
        self.cells: list[tuple[types.CellType, Any]] = []
        #: Containers and arrays, whose contents may change: (what, path, contents).
        self.contents: list[tuple[Any, str, Any]] = []
        self.generators: dict[int, tuple[str, Any]] = {}
        self._seen: set[int] = set()
        self._keep: list[Any] = []
        for function in functions:
            self._look(function, getattr(function, "__name__", "the function"))
        del self._seen
        self.states = self._states()

    # ------------------------------------------------------------------ comparing

    def unchanged(self) -> bool:
        """Whether everything is as it was."""
        for namespace, key, value in self.bindings:
            if namespace.get(key) is not value:
                return False
        for cell, value in self.cells:
            if _cell(cell) is not value:
                return False
        return not self.contents or self.changed() is None

    def changed(self) -> str | None:
        """Return the path of something that was rebound or changed, or None."""
        for namespace, key, value in self.bindings:
            if namespace.get(key) is not value:
                return key
        for cell, value in self.cells:
            if _cell(cell) is not value:
                return "a variable of an enclosing function"
        for thing, path, before in self.contents:
            if not _equal(_contents(thing), before):
                return path
        return None

    def drew(self) -> str | None:
        """Return the path of a random generator that has moved on, or None."""
        for (path, before), (_, after) in zip(self.states, self._states(), strict=True):
            if before != after:
                return path
        return None

    def _states(self) -> list[tuple[str, Any]]:
        states = [("np.random", repr_state(np.random.mtrand._rand)), ("random", random.getstate())]
        return states + [(path, repr_state(g)) for path, g in self.generators.values()]

    # ------------------------------------------------------------------ looking

    def _look(self, thing: Any, path: str) -> None:
        if isinstance(thing, (_PLAIN, types.ModuleType, types.BuiltinFunctionType, np.ufunc, type)):
            return
        if id(thing) in self._seen:
            return
        self._seen.add(id(thing))
        if isinstance(thing, _GENERATORS):
            self.generators[id(thing)] = (path, thing)
        elif isinstance(thing, types.FunctionType):
            self._look_into_function(thing, path)
        elif isinstance(thing, types.MethodType):
            self._look(thing.__func__, path)
            self._look(thing.__self__, f"{path}.__self__")
        elif isinstance(thing, functools.partial):
            for part in (thing.func, *thing.args, *thing.keywords.values()):
                self._look(part, path)
        else:
            self._look_into_object(thing, path)

    def _look_into_function(self, function: types.FunctionType, path: str) -> None:
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            value = _cell(cell)
            self.cells.append((cell, value))
            self._look(value, name)
        for default in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self._look(default, f"a default of {path}")
        if of_library(function.__code__.co_filename):
            return
        loaded, others = _names(function.__code__)
        self._look_up(loaded, others, function.__globals__)

    def _look_up(self, names: set[str], others: set[str], namespace: dict[str, Any]) -> None:
        for name in sorted(names):
            if name not in namespace:
                continue
            value = namespace[name]
            self.bindings.append((namespace, name, value))
            if isinstance(value, types.ModuleType) and not of_library(
                getattr(value, "__file__", None) or "<frozen"
            ):
                self._look_up(others, others, vars(value))  # mynetwork.forward(...)
            else:
                self._look(value, name)

    def _look_into_object(self, thing: Any, path: str) -> None:
        contents: Any = _contents(thing)
        if contents is None:
            return
        self.contents.append((thing, path, _snapshot(contents)))
        if isinstance(contents, dict):
            for key, value in contents.items():
                self._look(value, f"{path}.{key}" if hasattr(thing, "__dict__") else f"{path}[{key!r}]")
        elif isinstance(contents, (list, tuple)):
            for i, value in enumerate(contents):
                self._look(value, f"{path}[{i}]")


def repr_state(generator: Any) -> Any:
    """Return the state of a random generator as something that can be compared."""
    if isinstance(generator, random.Random):
        return generator.getstate()
    state: Any
    if isinstance(generator, np.random.RandomState):
        state = generator.get_state(legacy=False)
    elif isinstance(generator, np.random.Generator):
        state = generator.bit_generator.state
    else:
        state = generator.state
    return repr_nest(state)


def repr_nest(state: Any) -> Any:
    """Return a nest of dicts, arrays and numbers as nested tuples."""
    if isinstance(state, dict):
        return tuple((k, repr_nest(v)) for k, v in state.items())
    if isinstance(state, np.ndarray):
        return state.tobytes()
    return state


def _contents(thing: Any) -> Any:
    """Return what in a thing can change: an array itself, a container's items, an object's attributes."""
    if isinstance(thing, np.ndarray):
        return thing
    if isinstance(thing, Tensor):
        return thing._data
    if isinstance(thing, (list, tuple, dict, set, frozenset)):
        return thing
    if _of_library_class(type(thing)) and not isinstance(thing, types.SimpleNamespace):
        return None
    return getattr(thing, "__dict__", None)


def _snapshot(contents: Any) -> Any:
    if isinstance(contents, np.ndarray):
        return contents.copy()
    if isinstance(contents, dict):
        return dict(contents)
    return tuple(contents) if isinstance(contents, (list, tuple)) else frozenset(contents)


def _equal(now: Any, before: Any) -> bool:
    if isinstance(before, np.ndarray):
        return same(now, before)
    if isinstance(before, dict):
        return len(now) == len(before) and all(
            k in now and (now[k] is v or (isinstance(v, _PLAIN) and same(now[k], v)))
            for k, v in before.items()
        )
    if isinstance(before, (list, tuple)):
        return len(now) == len(before) and all(
            a is b or (isinstance(b, _PLAIN) and same(a, b)) for a, b in zip(now, before, strict=True)
        )
    return bool(now == before)


def _cell(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _names(code: types.CodeType) -> tuple[set[str], set[str]]:
    """Return the global names, and the attributes' names, that a function and those inside it use."""
    loaded, others = set(), set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in {"LOAD_GLOBAL", "LOAD_NAME"}:
            loaded.add(instruction.argval)
        elif instruction.opname in {"LOAD_ATTR", "LOAD_METHOD"}:
            others.add(instruction.argval)
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            names, attributes = _names(inner)
            loaded |= names
            others |= attributes
    return loaded, others


def _of_library_class(cls: type) -> bool:
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    return cls.__module__ == "builtins" or (file is not None and of_library(file))


def leaked(captured: CapturedValues) -> str | None:
    """Return the path of a container outside that holds a tracer, or None."""
    for thing, path, _ in captured.contents:
        contents: Any = _contents(thing)
        held = (
            contents.values()
            if isinstance(contents, dict)
            else contents
            if isinstance(contents, (list, tuple))
            else ()
        )
        if any(type(x) is Tracer or (type(x) is Tensor and type(x._data) is Tracer) for x in held):
            return path
    return None
