"""What a function reads from outside itself: globals, closures, attributes, defaults, and what these hold.

A recording keeps their values, so a compiled function looks at each call whether they are still the same, and
is recorded again when they are not. While it is recorded, two more things are seen by comparing before with
after: a random draw (the generator's state moved on) and a change made to something outside.
"""

import builtins
import collections
import collections.abc
import contextvars
import ctypes
import functools
import logging
import os
import pickle
import random
import sys
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_course.compiling.tracing.library_code import is_watched
from tinygrad_course.compiling.tracing.names_read import BY_NAME, MODULES, NamesRead, names_read
from tinygrad_course.compiling.tracing.refusals import CannotCompile
from tinygrad_course.compiling.tracing.trace import same
from tinygrad_course.compiling.tracing.tracer import Tracer
from tinygrad_course.engine.tensor import Tensor

_PLAIN = (bool, int, float, complex, str, bytes, range, slice, type(None), np.generic, np.dtype)
_FIXED = (*_PLAIN, types.ModuleType, types.BuiltinFunctionType, types.MethodWrapperType, np.ufunc)
_GENERATORS = (np.random.RandomState, np.random.Generator, np.random.BitGenerator, random.Random)
_CONTAINERS = (list, tuple, dict, set, frozenset, collections.deque, types.MappingProxyType)
_SEQUENCES = (list, tuple, collections.deque)
_MAPPINGS = (dict, types.MappingProxyType)
ITERATOR = (
    "{} is an iterator, and the function gets another item of it each time it is run, which a program can't: "
    "take the item outside, next(...), and pass it as an argument"
)
#: What else is called with what holds it, by the attributes that name it.
_PARTS: list[tuple[Any, tuple[str, ...]]] = [
    (types.MethodType, ("__func__", "__self__")),
    ((staticmethod, classmethod), ("__func__",)),
    (property, ("fget",)),
    ((functools.cached_property, functools.partialmethod), ("func",)),
    (np.vectorize, ("pyfunc",)),
    (ctypes.POINTER(ctypes.c_byte).__base__, ("contents",)),
]
#: What returns something, its path, and what it was.
Watch = tuple[Callable[[], Any], str, Any]
ABSENT = object()  # of a name that nobody has given anything yet
#: Objects of these modules change by themselves and are no numbers.
_BUSY = ("logging", "threading", "concurrent", "asyncio", "importlib", "typing", "abc")
_BUSY_MODULES = ("multiprocessing.synchronize", "multiprocessing.process", "multiprocessing.pool")


class CapturedValues:
    """What some functions could read from outside, as it was when this was made."""

    def __init__(self, *functions: Any) -> None:
        self.names: list[Watch] = []  # that have to stand for the very same thing
        self.contents: list[Watch] = []  # of containers, arrays and objects, which may change
        self.identity = False  # whether some of them ask if one thing is another
        self.generators: list[tuple[str, Any]] = [
            ("np.random", np.random.get_state.__self__),  # type: ignore[attr-defined]
            ("random", random.getstate.__self__),  # type: ignore[attr-defined]
        ]
        self.codes: list[types.CodeType] = []  # what they run, as far as it is the user's
        self._seen: dict[Any, Any] = {}
        self._names: set[str] = set()  # what the code looks up, and the attributes that it reads
        self._iterators: list[str] = []
        self._waiting = [
            (f, getattr(f, "__name__", f"a {type(f).__name__} that it is given")) for f in reversed(functions)
        ]
        while self._waiting:
            self._look(*self._waiting.pop())
        self._seen.clear()
        for path in self._iterators:
            if path.rpartition(".")[2] in self._names:
                raise CannotCompile(ITERATOR.format(path))
        self.states = self._states()

    # ------------------------------------------------------------------ comparing

    def unchanged(self) -> bool:
        """Whether everything is as it was."""
        return self.changed() is None

    def changed(self) -> str | None:
        """Return the path of something that was rebound or changed, or None."""
        for read, path, before in self.names:
            if read() is not before:
                return path
        for read, path, before in self.contents:
            if not _equal(read(), before):
                return path
        return None

    def reads(self, names: set[str]) -> bool:
        """Whether one of these names is in the functions' code."""
        return not names.isdisjoint(self._names)

    def drew(self) -> str | None:
        """Return the path of a random generator that has moved on, or None."""
        after = self._states()
        moved = (path for (path, _), a, b in zip(self.generators, self.states, after, strict=True) if a != b)
        return next(moved, None)

    def leaked(self) -> str | None:
        """Return the path of a container outside that holds a tracer, or None."""
        for read, path, _ in self.contents:
            contents = read()
            if isinstance(contents, np.ndarray):
                continue
            parts = contents.values() if isinstance(contents, _MAPPINGS) else contents
            if any(_traced(x) for x in parts):
                return path
        return None

    def _states(self) -> list[Any]:
        return [_state(generator) for _, generator in self.generators]

    # ------------------------------------------------------------------ looking

    def _look(self, thing: Any, path: str) -> None:
        if isinstance(thing, _FIXED) or _traced(thing) or id(thing) in self._seen:
            return
        self._seen[id(thing)] = thing
        if isinstance(thing, _GENERATORS):
            self.generators.append((path, thing))
        elif thing is os.getenv:
            self._watch(lambda: dict(os.environ), "os.environ")
        elif isinstance(thing, types.FunctionType):
            self._look_into_function(thing, path)
        elif isinstance(thing, type):
            self._look_into_class(thing, path)
        else:
            self._look_into_object(thing, path)

    def _watch(self, read: Callable[[], Any], path: str) -> None:
        contents = read()
        self.contents.append((read, path, _snapshot(contents)))
        if isinstance(contents, _MAPPINGS):
            self._waiting += [(value, f"{path}.{key}") for key, value in contents.items()]
            self._waiting += [(key, path) for key in contents if type(key) is not str]
        elif isinstance(contents, _SEQUENCES):
            self._waiting += [(value, f"{path}[{i}]") for i, value in enumerate(contents)]
        elif isinstance(contents, (set, frozenset)):
            self._waiting += [(value, path) for value in contents]

    def _look_into_function(self, function: types.FunctionType, path: str) -> None:
        watched = is_watched(function.__code__.co_filename)
        names = names_read(function.__code__) if watched else NamesRead()
        self.identity |= names.identity
        self._names |= names.loaded | names.attributes | {*function.__code__.co_freevars}
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            self._bind(functools.partial(_cell, cell), name)
            self._look_at(_cell(cell), name, names.attributes)
        defaults = function.__kwdefaults__ or {}
        for default in (*(function.__defaults__ or ()), *defaults.values()):
            self._waiting.append((default, f"a default of {path}"))
        for name in defaults:
            self._bind(functools.partial(defaults.get, name), name)
        if watched:
            self.codes.append(function.__code__)
            for part in ("__code__", "__defaults__", "__kwdefaults__"):
                self._bind(functools.partial(getattr, function, part), path)
            if vars(function):
                self._watch(lambda: vars(function), path)
            self._look_up(names.loaded, names.attributes, function.__globals__)
            others = names.loaded - names.strings - function.__globals__.keys()
            for name in sorted(others):
                self._bind(functools.partial(function.__globals__.get, name, ABSENT), name)
            own = {key for key, x in vars(builtins).items() if getattr(x, "__module__", "") != "builtins"}
            self._look_up(others & own, names.attributes, vars(builtins))
            installed = "site-packages" in function.__code__.co_filename  # where texts are the library's own
            evaluates = not installed and {"eval", "exec"} & (others - names.strings)
            if names.computes_globals or evaluates:
                raise CannotCompile(
                    f"{path} looks up {'names in a text' if evaluates else 'globals() by a name'} that it "
                    "computes, and a program can't watch what it does not know: put these values into a "
                    "dict, and look them up there"
                )
            by_name = MODULES & (names.loaded | names.attributes)  # sys.modules["settings"]
            for name in names.imported | (names.strings if by_name else set()):
                if name in sys.modules:
                    self._look_at(sys.modules[name], name, names.attributes)

    def _bind(self, read: Callable[[], Any], path: str) -> None:
        self.names.append((read, path, read()))

    def _look_up(self, names: set[str], attributes: set[str], namespace: dict[str, Any]) -> None:
        for name in sorted(names & namespace.keys()):
            self._bind(functools.partial(namespace.get, name, ABSENT), name)
            self._look_at(namespace[name], name, attributes)

    def _look_at(self, value: Any, name: str, attributes: set[str]) -> None:
        if not isinstance(value, types.ModuleType):
            self._waiting.append((value, name))
        elif value is os and attributes & {"environ", "getenv"}:
            self._watch(lambda: dict(os.environ), "os.environ")
        elif value.__name__.partition(".")[0] in sys.stdlib_module_names:
            held, data = vars(value), (*_PLAIN, *_CONTAINERS)
            read = {k for k in attributes & held.keys() if isinstance(held[k], data)}
            self._look_up({k for k in read if held[k] is not sys.modules}, set(), held)  # sys.argv
        elif (id(value), id(attributes)) not in self._seen and is_watched(_file(value)):
            self._seen[id(value), id(attributes)] = value, attributes
            by_name = BY_NAME & attributes  # getattr(settings, f"rate_{i}")
            self._look_up({*vars(value)} if by_name else attributes, attributes, vars(value))

    def _look_into_class(self, cls: type, path: str) -> None:
        if _is_watched_class(cls):
            self._bind(functools.partial(getattr, cls, "__mro__"), path)
            self._waiting.append((type(cls), path))
        for base in cls.__mro__:
            if _is_watched_class(base) and (base is cls or id(base) not in self._seen):
                self._seen[id(base)] = base
                self._watch(functools.partial(_class_attributes, base), path)

    def _look_into_object(self, thing: Any, path: str) -> None:
        for kinds, names in _PARTS:
            if isinstance(thing, kinds):
                for name in names:
                    self._waiting.append((getattr(thing, name), path + ".__self__" * (name == "__self__")))
        read = _reader(thing)
        if read is not None:
            self._watch(read, path)
        elif is_iterator(thing):
            self._iterators.append(path)
        cls = type(thing)
        if _is_watched_class(cls):
            self._waiting.append((cls, path))
        if _has_watched_attributes(cls) and cls is not Tensor:
            self._watch(functools.partial(_attributes, thing), path)
            if hasattr(thing, "__dict__"):  # whose class can be changed
                self._bind(functools.partial(type, thing), path)
        if "__wrapped__" in getattr(thing, "__dict__", ()):  # looked at first: by its own name
            self._waiting.append((thing.__wrapped__, path))


def _reader(thing: Any) -> Callable[[], Any] | None:
    """Return what returns the contents of a container, an array or a reference, as they are then."""
    if isinstance(thing, _CONTAINERS) or (isinstance(thing, np.ndarray) and not thing.dtype.hasobject):
        return lambda: thing
    if isinstance(thing, logging.Logger):
        return lambda: (thing.getEffectiveLevel(), thing.manager.disable, thing.disabled)
    if isinstance(thing, functools.partial):
        return lambda: (thing.func, thing.args, thing.keywords)
    if isinstance(thing, Tensor):
        return lambda: thing.data
    if isinstance(thing, contextvars.ContextVar):
        return lambda: (thing.get(None),)
    if isinstance(thing, threading.local):
        return lambda: vars(thing)
    if hasattr(type(thing), "__array__"):
        try:
            _as_array(thing)
        except Exception:  # noqa: BLE001  (a sparse array, which is watched by its attributes)
            return None
        return lambda: _as_array(thing)
    try:
        memoryview(thing)
    except TypeError:
        pass
    else:  # a bytearray, array.array, a number of ctypes
        return lambda: memoryview(thing).tobytes()
    if isinstance(thing, collections.abc.ItemsView):
        return lambda: [x for pair in thing for x in pair]
    if isinstance(thing, (collections.abc.KeysView, collections.abc.ValuesView)):
        return lambda: [*thing]
    return (lambda: (thing(),)) if isinstance(thing, weakref.ref) else None


def _as_array(thing: Any) -> Any:
    """Return the values of another library's array; of a tensor of PyTorch's, wherever it is."""
    array = np.asarray(thing.detach().cpu() if hasattr(thing, "detach") else thing)
    return array.ravel().tolist() if array.dtype.hasobject else array


def is_iterator(thing: Any) -> bool:
    """Whether it is one of Python's own iterators, which don't show where they are."""
    return isinstance(thing, collections.abc.Iterator) and type(thing).__module__ in {"builtins", "itertools"}


def _file(module: types.ModuleType) -> str:
    """Return where a module, or a package without a file of its own, lies."""
    held = vars(module)
    if held.get("__spec__") is None and "__file__" not in held:
        return ""  # made at run time
    path = held.get("__path__")
    places = [held.get("__file__"), *(path if isinstance(path, collections.abc.Iterable) else ()), "<frozen"]
    return next(str(place) for place in places if isinstance(place, str) and place)


def _is_watched_class(cls: type) -> bool:
    module = sys.modules.get(cls.__module__)  # None, if it was loaded by its path
    return cls.__module__ == "__main__" or (
        cls.__module__ != "builtins" and (module is None or is_watched(_file(module)))
    )


def _has_watched_attributes(cls: type) -> bool:
    """Whether the attributes of a class's instances may be numbers that a user changes."""
    if cls.__module__.split(".")[0] in {"builtins", "functools", "numba", *_BUSY}:
        return False
    if cls.__module__ in _BUSY_MODULES:
        return False
    return not cls.__module__.startswith("tinygrad_course.compiling")


def _class_attributes(cls: type) -> dict[str, Any]:
    return {name: value for name, value in vars(cls).items() if not name.startswith("__") or callable(value)}


def _attributes(thing: Any) -> Any:
    state = object.__getstate__(thing)
    own, slots = state if type(state) is tuple else (state, None)
    if slots:
        own = {**(own or {}), **slots}
    if type(thing).__module__.split(".")[0] in {"numpy", "scipy"}:  # they note flags of their own
        return {k: v for k, v in (own or {}).items() if isinstance(v, (np.ndarray, *_CONTAINERS))}
    return own or {}


def _state(generator: Any) -> Any:
    """Return the state of a random generator as something that can be compared."""
    if isinstance(generator, random.Random):
        return generator.getstate()
    if isinstance(generator, np.random.RandomState):
        return pickle.dumps(generator.get_state(legacy=False))
    bits = generator.bit_generator if isinstance(generator, np.random.Generator) else generator
    return pickle.dumps(bits.state)


def _traced(value: Any) -> bool:
    """Whether this is a number of the call that is being recorded, or of one that was."""
    return type(value) is Tracer or (type(value) is Tensor and type(value.data) is Tracer)


def _snapshot(contents: Any) -> Any:
    if isinstance(contents, np.ndarray):
        return contents.copy()
    if isinstance(contents, _MAPPINGS):
        return dict(contents)
    return contents if isinstance(contents, bytes) else tuple(contents)


def _equal(now: Any, before: Any) -> bool:
    if isinstance(before, np.ndarray):
        return same(now, before)
    if isinstance(before, bytes):
        return bool(now == before)
    if len(now) != len(before) or not all(map(unaltered, now, before)):  # of a dict: the keys, in order
        return False
    return not isinstance(before, dict) or all(map(unaltered, now.values(), before.values()))


def unaltered(now: Any, before: Any) -> bool:
    """Whether something is what it was, or a plain number or text that is equal."""
    return now is before or (isinstance(before, _PLAIN) and same(now, before))


def _cell(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None
