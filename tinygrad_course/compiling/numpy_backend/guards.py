"""One signature of a compiled function: check the call's arguments, run, return what the function returns."""

import math
import threading
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import Program, Value
from tinygrad_course.compiling.numpy_backend.buffers import segment
from tinygrad_course.compiling.numpy_backend.code_generation import (
    SUMMED_BY_BLAS,
    StraightLineCode,
    python_function,
)
from tinygrad_course.compiling.readable.operator_syntax import nest_text
from tinygrad_course.compiling.tracing.captured_values import CapturedValues
from tinygrad_course.compiling.tracing.changed_arguments import Kept
from tinygrad_course.compiling.tracing.trace_function import Traced
from tinygrad_course.engine.trees import leaves, path_of, rebuild

#: What a program without masks returns where its results are not finite: another is to be made, with masks.
NOT_FINITE: Any = object()
MISS: Any = object()  # what a program returns for a call with another signature


class _Text(str):
    """The text of a result."""

    __slots__ = ()


class GuardedProgram:
    """The entry of a program: a Python function that checks its arguments and runs it.

    Parameters
    ----------
    program : Program
    args : list of tuple
        The arguments that it was recorded with, each with its name.
    traced : Traced
        What was recorded.
    tree, changes : nest
        What is returned, and what is put into dicts and lists of the caller's, with the program's values.
    looked_at : list of Value
        Where one of these is not finite, `call` returns `NOT_FINITE`.

    Attributes
    ----------
    call : callable
        Takes the function's positional arguments; returns `MISS` if they have another signature.
    code : str
        The text of `call`.
    """

    def __init__(
        self, program: Program, args: Any, traced: Traced, tree: Any, changes: Any, looked_at: list[Value]
    ) -> None:
        self.body = StraightLineCode(program)
        self.bound = self.body.bound
        self.checks: list[str] = []
        self.dynamic = dict(zip(traced.run.paths, program.inputs, strict=True))
        self.arrays: list[str] = []
        self.containers: dict[str, str] = {}  # the names of dicts and lists, by their paths
        self.fresh: set[int] = set()
        self.miss = self.bind(MISS)
        names = [f"a{i}" for i in range(len(args))]
        taken = list(zip(names, args, strict=True))
        for name, (parameter, arg) in sorted(taken, key=lambda t: not isinstance(t[1][1], np.ndarray)):
            self._take(name, arg, parameter)  # arrays first: most calls of another signature differ in these
        if changes:
            self._check_distinct(self.containers.values())
        if traced.captured.identity:
            self._check_distinct([*self.arrays, *self.containers.values()])
        self._captured(traced.captured)
        lock, inner = self.bind(threading.Lock()), "        "
        returned = self._nest(self._in_memory(tree, traced.memory))
        lines = [f"def call({', '.join(names)}):", *(f"    {line}" for line in self.checks)]
        lines += [f"    if not {lock}.acquire(False): return {self.miss}", "    try:"]
        if traced.quiet:
            lines.append(f"{inner}with {self.bind(np.errstate)}(all='ignore'):")
            inner += "    "
        lines += [f"{inner}{line}" for line in self.body.lines or ["pass"]]
        if looked_at:
            lines += [f"{inner}if {self._infinite(looked_at)}: return {self.bind(NOT_FINITE)}"]
        lines += [f"{inner}{line}" for line in self._written(changes)]
        lines += [f"        return {returned}", "    finally:", f"        {lock}.release()"]
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
            value = self.dynamic[path]
            target = self.body.name(value)
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
            self._take(inner, item, path_of(path, key))

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

    def _infinite(self, looked_at: list[Value]) -> str:
        """Return the text that says whether one of some values is infinite or NaN."""
        whole = [v.args[0] if v.function is segment else v for v in looked_at]
        values = {id(v): v for v in whole if v.dtype.kind in "fc" and not v.is_input}.values()
        real = all(v.dtype.kind == "f" for v in values)
        finite = self.bind(math.isfinite if real else np.isfinite)
        sums = []
        for v in values:
            name = self.body.name(v)
            if 0 < v.size <= SUMMED_BY_BLAS and v.shape:
                name = f"{self.bind(np.vdot)}({name}, {self.bind(np.ones(v.shape, v.dtype))})"
            elif v.shape:
                name = f"{self.bind(np.add.reduce)}({name}, None)"
            sums.append(name)
        return f"not {finite}({' + '.join(sums)})" if sums else "False"

    def _nest(self, tree: Any) -> str:
        """Return the text of what the function returns."""

        def leaf(x: Any) -> str:
            if type(x) is Kept:
                return self.containers[x]
            if type(x) is _Text:
                return str(x)
            if isinstance(x, Value):
                return self._result(x)
            if isinstance(x, dict):  # of a class of the user's own
                return f"{self.bind(type(x))}({self._nest([*x.items()])})"
            if isinstance(x, tuple):
                return f"{self.bind(type(x))}(*{self._nest(tuple(x))})"
            return repr(x) if x is None or type(x) in {bool, int} else self.bind(x)

        return nest_text(tree, leaf)

    def _in_memory(self, tree: Any, memory: list[int]) -> Any:
        """Return a nest with texts for its values: what lay in one memory does so again."""
        results = [x for _, x in leaves(tree)]
        first: dict[int, int] = {}  # for a value, the memory that it is
        for value, place in zip(results, memory, strict=True):
            first.setdefault(id(value), place)

        def text(x: Any, place: int) -> Any:
            if not isinstance(x, Value):
                return x
            owners = self.body.borrowed.get(id(x), (id(x),))
            if len(owners) == 1 and first.get(*owners) == place and not x.is_constant:
                self.fresh.add(id(x))
                return _Text(self.body.name(x))
            return _Text(self._result(x))

        return rebuild(tree, map(text, results, memory))

    def _result(self, value: Value) -> str:
        name = self.body.name(value)
        if value.is_input:
            return str(name)
        again = id(value) in self.fresh
        self.fresh.add(id(value))
        if value.kind == "array" and (again or value.is_constant or id(value) in self.body.borrowed):
            return f"{name}.copy()"
        return str(name)
