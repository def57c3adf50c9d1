"""One signature of a compiled function: check the call's arguments, run, return what the function returns."""

from __future__ import annotations

import math
import threading
from collections.abc import Collection
from typing import Any

import numpy as np

from tinygrad_course.compiling.dataflow import Program, Value
from tinygrad_course.compiling.numpy_backend.code_generation import StraightLineCode, python_function
from tinygrad_course.compiling.tracing.captured_values import ABSENT, CapturedValues
from tinygrad_course.compiling.tracing.changed_arguments import Kept
from tinygrad_course.engine.trees import path_of

#: What a program without masks returns where its results are not finite: another is to be made, with masks.
NOT_FINITE: Any = object()
MISS: Any = object()  # what a program returns for a call with another signature


class GuardedProgram:
    """A program, with the Python function that checks and runs it.

    Attributes
    ----------
    call : callable
        Takes the function's positional arguments; returns `MISS` if they have another signature.
    code : str
        The text of `call`.
    """

    def __init__(
        self,
        body: Any,
        args: Any,
        dynamic: dict[str, Value],
        tree: Any,
        changes: dict[str, Any],
        captured: CapturedValues,
        *,
        finite: list[Value] | None,
        quiet: bool,
    ) -> None:
        self.bound: dict[str, Any] = body.bound
        self.body = body
        self.checks: list[str] = []
        self.loads: list[str] = []
        self.count = 0
        names = [f"a{i}" for i in range(len(args))]
        self.dynamic = dynamic
        self.arrays: list[str] = []
        self.containers: dict[str, str] = {}  # the names of dicts and lists, by their paths
        taken = list(zip(names, args, strict=True))
        for name, (parameter, arg) in sorted(taken, key=lambda t: not isinstance(t[1][1], np.ndarray)):
            self._take(name, arg, parameter)  # arrays first: most calls of another signature differ in these
        if changes:
            self._check_distinct(self.containers.values())
        if captured.identity:
            self._check_distinct([*self.arrays, *self.containers.values()])
        self._captured(captured)
        lock = self.bind(threading.Lock())
        miss = self.bind(MISS)
        self.fresh: set[int] = set()
        returned = self._nest(tree)
        lines = [f"def call({', '.join(names)}):"]
        lines += [f"    {line}" for line in self._guarded(miss)]
        lines += [f"    if not {lock}.acquire(False): return {miss}", "    try:"]
        inner = "        "
        if quiet:
            lines.append(f"{inner}with {self.bind(np.errstate)}(all='ignore'):")
            inner += "    "
        lines += [f"{inner}{line}" for line in body.lines or ["pass"]]
        if finite is not None:
            lines += [f"{inner}if {self._infinite(finite)}: return {self.bind(NOT_FINITE)}"]
        lines += [f"{inner}{line}" for line in self._written(changes)]
        lines += [f"        return {returned}", "    finally:", f"        {lock}.release()"]
        self.code = "\n".join(lines)
        self.call = python_function(self.code, self.bound)

    def bind(self, thing: Any) -> str:
        """Return a new name that stands for `thing` in the code."""
        name = f"g{len(self.bound)}"
        self.bound[name] = thing
        return name

    def _guarded(self, miss: str) -> list[str]:
        # loads and checks alternate: an item is looked up after its container was checked
        return [line.replace("MISS", miss) for line in self.checks]

    def _check(self, condition: str) -> None:
        self.checks.append(f"if not ({condition}): return MISS")

    def _take(self, name: str, arg: Any, path: str) -> None:
        """Check the argument called `name`, and load the inputs that are in it."""
        if isinstance(arg, dict):
            self.containers[path] = name
            keys = self.bind(list(arg))
            self._check(f"type({name}) is {self.bind(type(arg))} and [*{name}] == {keys}")
            for key, item in arg.items():
                inner = self._new()
                self.checks.append(
                    f"{inner} = {name}[{self.bind(key) if not isinstance(key, str) else repr(key)}]"
                )
                self._take(inner, item, path_of(path, key))
        elif isinstance(arg, (list, tuple)):
            if isinstance(arg, list):
                self.containers[path] = name
            self._check(f"type({name}) is {self.bind(type(arg))} and len({name}) == {len(arg)}")
            for i, item in enumerate(arg):
                inner = self._new()
                self.checks.append(f"{inner} = {name}[{i}]")
                self._take(inner, item, f"{path}[{i}]")
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

    def _new(self) -> str:
        self.count += 1
        return f"i{self.count}"

    def _captured(self, captured: CapturedValues) -> None:
        if len(captured.bindings) + len(captured.cells) <= 40 and not captured.contents:
            absent = self.bind(ABSENT)
            for namespace, key, value in captured.bindings:
                self._check(f"{self.bind(namespace)}.get({key!r}, {absent}) is {self.bind(value)}")
            for cell, value in captured.cells:
                self._check(f"{self.bind(cell)}.cell_contents is {self.bind(value)}")
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
        values = {id(x): x for x in looked_at if x.dtype.kind in "fc"}
        total, finite = self.bind(np.add.reduce), self.bind(np.isfinite)
        sums = [
            f"{total}({self.body.name(v)}, None)" if v.shape else self.body.name(v)
            for v in values.values()
            if not v.is_input
        ]
        return f"not {finite}({' + '.join(sums)})" if sums else "False"

    def _nest(self, tree: Any) -> str:
        """Return the text of what the function returns."""
        if type(tree) is Kept:
            return self.containers[tree]
        if isinstance(tree, Value):
            return self._result(tree)
        if type(tree) is dict:
            return (
                "{"
                + ", ".join(
                    f"{self.bind(k) if not isinstance(k, str) else repr(k)}: {self._nest(v)}"
                    for k, v in tree.items()
                )
                + "}"
            )
        if isinstance(tree, dict):
            pairs = ", ".join(f"({self.bind(k)}, {self._nest(v)})" for k, v in tree.items())
            return f"{self.bind(type(tree))}([{pairs}])"
        if type(tree) is list:
            return "[" + ", ".join(self._nest(v) for v in tree) + "]"
        if isinstance(tree, tuple):
            inner = "".join(self._nest(v) + ", " for v in tree)
            return f"({inner})" if type(tree) is tuple else f"{self.bind(type(tree))}({inner})"
        return repr(tree) if tree is None or type(tree) in {bool, int} else self.bind(tree)

    def _result(self, value: Value) -> str:
        name = self.body.name(value)
        if value.is_input:
            return str(name)
        again = id(value) in self.fresh
        self.fresh.add(id(value))
        if value.kind == "array" and (again or value.is_constant or id(value) in self.body.borrowed):
            return f"{name}.copy()"
        return str(name)


def guarded_program(
    program: Program,
    args: Any,
    dynamic: dict[str, Value],
    tree: Any,
    changes: dict[str, Any],
    captured: CapturedValues,
    *,
    finite: list[Value] | None,
    quiet: bool,
) -> GuardedProgram:
    """Return the entry of a program that is run by NumPy alone.

    Where one of the values that are to be `finite` is not, it returns `NOT_FINITE`.
    """
    code = StraightLineCode(program)
    return GuardedProgram(code, args, dynamic, tree, changes, captured, finite=finite, quiet=quiet)
