"""One signature of a compiled function: check the call's arguments, run, return what the function returns."""

import copy
import functools
import itertools
import math
import threading
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from tinygrad_course.compiling.numpy_backend.code_generation import python_function
from tinygrad_course.compiling.readable.operator_syntax import nest_text
from tinygrad_course.compiling.readable.python_source import substitute
from tinygrad_course.compiling.tracing.captured_values import CapturedValues
from tinygrad_course.compiling.tracing.changed_arguments import Kept, place_of
from tinygrad_course.compiling.tracing.trace_function import Traced

#: What a program without masks returns where its results are not finite: another is to be made, with masks.
NOT_FINITE: Any = object()
MISS: Any = object()  # what a program returns for a call with another signature


class _Text(str):
    """The text of a result."""

    __slots__ = ()


class GuardedProgram:
    """The entry of a program: a Python function that checks its arguments and runs it.

    Its `call` takes the function's positional arguments, as `args` are, with which it was recorded; it
    returns `MISS` if they have another signature, and `NOT_FINITE` where the `body` (see `ProgramBody`)
    returns None.
    """

    def __init__(self, body: Any, args: Any, traced: Traced) -> None:
        self.body = body
        self.bound: dict[str, Any] = {}
        self.checks: list[str] = []
        self.dynamic = {path: f"x{i}" for i, path in enumerate(traced.run.paths)}
        self.arrays: list[str] = []
        self.containers: dict[str, str] = {}  # the names of dicts and lists, by their paths
        self.miss = self.bind(MISS)
        names = [f"a{i}" for i in range(len(args))]
        taken = zip(names, args, traced.parameters, strict=True)
        for name, arg, parameter in sorted(taken, key=lambda t: not isinstance(t[1], np.ndarray)):
            self._take(name, arg, parameter)  # arrays first: most calls of another signature differ in these
        if traced.run.changes:
            self._check_distinct(self.containers.values())
        if traced.captured.identity:
            self._check_distinct([*self.arrays, *self.containers.values()])
        self._captured(traced.captured)
        lock = self.bind(threading.Lock())
        run = [f"r = {self.bind(body.run)}({', '.join(self.dynamic.values())})"]
        if traced.quiet:
            run = [f"with {self.bind(np.errstate)}(all='ignore'):", f"    {run[0]}"]
        values = (_Text(f"r[{i}]") for i in itertools.count())
        result, changes = substitute((traced.run.result, traced.run.changes), values)
        lines = [f"def call({', '.join(names)}):", *(f"    {line}" for line in self.checks)]
        lines += [f"    if not {lock}.acquire(False): return {self.miss}", "    try:"]
        lines += [f"        {line}" for line in run]
        lines += [f"    finally: {lock}.release()", f"    if r is None: return {self.bind(NOT_FINITE)}"]
        lines += [f"    {line}" for line in self._written(changes)]
        lines.append(f"    return {self._nest(result)}")
        self.code = "\n".join(lines)
        self.call = python_function(self.code, self.bound)

    def bind(self, thing: Any) -> str:
        """Return a new name that stands for `thing` in the code."""
        name = f"g{len(self.bound)}"
        self.bound[name] = thing
        return name

    def _check(self, condition: str) -> None:
        self.checks.append(f"if not ({condition}): return {self.miss}")

    def _take(self, name: str, arg: Any, path: str) -> None:
        """Check the argument called `name`, and load the inputs that are in it."""
        if isinstance(arg, dict):
            self.containers[path] = name
            keys = self.bind(list(arg))
            self._check(f"type({name}) is {self.bind(type(arg))} and [*{name}] == {keys}")
            self._take_items(name, path, arg.items())
        elif isinstance(arg, (list, tuple)):
            if isinstance(arg, list):
                self.containers[path] = name
            self._check(f"type({name}) is {self.bind(type(arg))} and len({name}) == {len(arg)}")
            self._take_items(name, path, enumerate(arg))
        elif path in self.dynamic:
            target = self.dynamic[path]
            if isinstance(arg, np.ndarray):
                self.arrays.append(name)
                kind, dtype = self.bind(type(arg)), self.bind(arg.dtype)
                self._check(
                    f"type({name}) is {kind} and {name}.shape == {arg.shape!r} and {name}.dtype is {dtype}"
                )
            else:
                self._check(f"type({name}) is {self.bind(type(arg))}")
            plain = type(arg) is np.ndarray or not isinstance(arg, np.ndarray)
            self.checks.append(f"{target} = {name if plain else f'{self.bind(np.asarray)}({name})'}")
        elif arg is None or arg is True or arg is False:
            self._check(f"{name} is {arg!r}")
        elif type(arg) in {int, float, str, bytes} or isinstance(arg, np.generic):
            same = f"{name} == {self.bind(arg)}" if arg == arg else f"{name} != {name}"  # noqa: PLR0124
            if isinstance(arg, (float, np.floating)) and arg == 0:
                same += f" and {self.bind(math.copysign)}(1, {name}) == {math.copysign(1, arg)}"
            self._check(f"type({name}) is {self.bind(type(arg))} and {same}")
        else:
            self._check(f"{name} is {self.bind(arg)}")

    def _take_items(self, name: str, path: str, items: Iterable[tuple[Any, Any]]) -> None:
        """Load the items of what is called `name` and has been checked, and check each."""
        for key, item in items:
            inner = f"i{len(self.checks)}"
            place = repr(key) if type(key) in {int, str} else self.bind(key)
            self.checks.append(f"{inner} = {name}[{place}]")
            self._take(inner, item, place_of(path, key))

    def _captured(self, captured: CapturedValues) -> None:
        if len(captured.names) <= 40 and not captured.contents:
            for read, _, before in captured.names:
                self._check(f"{self.bind(read)}() is {self.bind(before)}")
        else:
            self._check(f"{self.bind(captured.unchanged)}()")

    def _check_distinct(self, names: Collection[str]) -> None:
        """Check that no two of these things are one and the same."""
        if len(names) > 1:
            ids = ", ".join(f"{self.bind(id)}({name})" for name in names)
            self._check(f"len({{{ids}}}) == {len(names)}")

    def _written(self, changes: dict[str, Any]) -> list[str]:
        """Return the lines that put into dicts and lists of the caller's what the function puts there."""
        lines = []
        for path, tree in changes.items():
            name, text = self.containers[path], self._nest(tree)
            lines += (
                [f"{name}[:] = {text}"]
                if type(tree) is list
                else [f"{name}.clear()", f"{name}.update({text})"]
            )
        return lines

    def _nest(self, tree: Any) -> str:
        """Return the text of what the function returns."""

        def leaf(x: Any) -> str:
            if type(x) is Kept:
                return self.containers[x]
            if type(x) is _Text:
                return str(x)
            if isinstance(x, dict):  # of a class of the user's own
                empty = copy.copy(x)
                empty.clear()
                return f"{self.bind(functools.partial(_filled, empty))}({self._nest([*x.items()])})"
            if isinstance(x, tuple) and type(x) is not tuple:  # else a key
                return f"{self.bind(type(x))}(*{self._nest(tuple(x))})"
            return repr(x) if x is None or type(x) in {bool, int} else self.bind(x)

        return nest_text(tree, leaf)


def _filled(empty: Any, items: Any) -> Any:
    """Return a dict like an empty one with these items."""
    made = copy.copy(empty)
    for key, value in items:
        made[key] = value
    return made
