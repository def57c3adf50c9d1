"""A submission made runnable: a namespace of its functions, any of which can be swapped for a changed one."""

import ast
import builtins
import contextlib
import copy
import io
import math
import signal
import sys
import threading
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.stubs import GIVEN, PLAIN, StandIn, bind_import, is_strange, missing
from tinygrad_course.audit.source.conventions import keys_of
from tinygrad_course.audit.source.submission import Submission
from tinygrad_course.audit.source.syntax import names_in, nodes

Function = Callable[..., Any]
INTERRUPTIBLE = True
"""Whether a KeyboardInterrupt is the user's: in a process of its own it is the homework's."""


class TooLongError(Exception):
    """A function under test did not come back in time."""


@dataclass
class Outcome:
    """What a call gave: a result, or the exception that ended it."""

    result: Any = None
    error: BaseException | None = None


def snapshot(value: Any, entry: Function | None = None) -> Any:
    """Copy arrays and the containers they lie in, entry by entry; leave anything else alone."""
    copied = entry or snapshot
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    if type(value) is tuple:
        return tuple(copied(item) for item in value)
    return value


class Guard:
    """Puts back what a submission breaks of the modules that it shares with the check."""

    def __init__(self) -> None:
        names = ("numpy", "numpy.linalg", "numpy.random", "math", "scipy.special", "builtins", "random")
        self._modules = [
            (sys.modules[name], dict(vars(sys.modules[name]))) for name in names if name in sys.modules
        ]
        self._errors = np.geterr()
        self.broken: set[str] = set()

    def restore(self) -> None:
        """Undo every change of an attribute, and remember whose it was."""
        for module, saved in self._modules:
            present = vars(module)
            if present == saved:  # compares objects by identity first, at the speed of C
                continue
            for key in [key for key in present if key not in saved]:
                # NumPy loads some of its submodules when they are first asked for; that breaks nothing.
                if isinstance(present[key], types.ModuleType) or key.startswith("__"):
                    saved[key] = present[key]
                else:
                    self.broken.add(f"{module.__name__}.{key}")
                    del present[key]
            for key, value in saved.items():
                if present.get(key) is not value and key != "_":
                    self.broken.add(f"{module.__name__}.{key}")
                    present[key] = value
        if np.geterr() != self._errors:
            np.seterr(**self._errors)


def _stop(*_: object) -> None:
    raise TooLongError


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TooLongError in the body after so many seconds of computing, or ten times as many of waiting.

    Computing is what counts, so that a busy machine changes no verdict. Where the platform has no interval
    timers (Windows), the process that waits for the whole file ends it.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    # The timers fire again and again: a bare `except:` in a loop swallows one exception, not all.
    timers = (
        (signal.ITIMER_VIRTUAL, signal.SIGVTALRM, seconds),
        (signal.ITIMER_REAL, signal.SIGALRM, 10 * seconds),
    )
    previous = [(number, signal.signal(number, _stop)) for _, number, _ in timers]
    for timer, _, limit in timers:
        signal.setitimer(timer, limit, 0.05)
    try:
        yield
    finally:
        for timer, _, _ in timers:
            signal.setitimer(timer, 0)
        for number, handler in previous:
            signal.signal(number, handler)


class _Sink(io.TextIOBase):
    """Where a homework prints to."""

    def write(self, text: str) -> int:
        """Drop the text."""
        return len(text)


_SINK = _Sink()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with (
        np.errstate(all="ignore"),
        warnings.catch_warnings(),
        contextlib.redirect_stdout(_SINK),
        contextlib.redirect_stderr(_SINK),
    ):
        warnings.simplefilter("ignore")
        yield


_NUMBERS = {"float": "__tinygrad_float__", "int": "__tinygrad_int__"}


def _number(value: Any) -> Any:
    """Return the number in an array of one entry; older versions of NumPy did so where one is asked for."""
    return value.item() if isinstance(value, np.ndarray) and value.ndim and value.size == 1 else value


@contextlib.contextmanager
def _older(node: ast.stmt) -> Iterator[None]:
    """Let float(b) and Z[i, h, w, c] = z of an array of one entry be its number while a node is compiled."""
    casts = [call.func for call in nodes(node, ast.Call) if ast.unparse(call.func) in _NUMBERS]
    calls = [(name, name.id) for name in casts if isinstance(name, ast.Name)]
    keys = [(one, getattr(one.targets[0], "slice", None)) for one in nodes(node, ast.Assign)]
    stores = [(one, one.value) for one, key in keys if isinstance(key, ast.Tuple) and len(key.elts) == 4]
    for name, word in calls:
        name.id = _NUMBERS[word]
    for statement, value in stores:
        call = ast.Call(ast.Name("__tinygrad_number__", ast.Load()), [value], [])
        statement.value = ast.fix_missing_locations(ast.copy_location(call, value))
    try:
        yield
    finally:
        for name, word in calls:
            name.id = word
        for statement, value in stores:
            statement.value = value


@contextlib.contextmanager
def same_draws(seed: int = 0) -> Iterator[Any]:
    """Begin NumPy's global stream, from which the course draws, at a seed, and put it back after the body.

    So a report is the same whenever it is made, that of dropout's masks too.
    """
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield np.random.get_state()  # noqa: NPY002
    finally:
        np.random.set_state(state)  # noqa: NPY002


class Program:
    """The functions of one submission, in a namespace of their own."""

    def __init__(self, submission: Submission, seconds: float = 1.0) -> None:
        self.submission = submission
        self.seconds = seconds
        self.notes: list[str] = []
        self.strangers: list[str] = []
        """The modules that are not loaded and may supply any name: from my_utils import *."""
        self.guesses: set[str] = set()
        """Names imported from a module that is none of the course's, for which its functions stand in."""
        self.functions: dict[str, ast.FunctionDef] = {}
        self.namespace: dict[str, Any] = {"__name__": "homework", "__builtins__": builtins}
        self.namespace["__tinygrad_number__"] = _number
        self.namespace["__tinygrad_float__"] = lambda *given: float(*map(_number, given))
        self.namespace["__tinygrad_int__"] = lambda *given, **base: int(*map(_number, given), **base)
        if submission.cells:
            self.namespace |= {"_": "", "display": print}  # as a notebook has them
        self.guard = Guard()
        self.convention = keys_of(submission.statements)
        self._trusted = False
        self.callees_of: dict[str, list[str]] = {}
        self._draws = any("random" in line for line in submission.lines)
        # As conv_single_step of the course ends: float(Z + b), where b has the shape (1, 1, 1).
        self._casts = any(line.startswith("def conv") for line in submission.lines)
        self._build()

    def _build(self) -> None:
        for statement in self.submission.statements:
            brings = isinstance(statement, ast.Import | ast.ImportFrom | ast.Try)
            own = {name: self.namespace[name] for name in self.functions if brings and name in self.namespace}
            if isinstance(statement, ast.FunctionDef):
                self.functions[statement.name] = statement
            elif isinstance(statement, ast.ImportFrom) and any(part.name == "*" for part in statement.names):
                self.strangers += [statement.module or "."] * is_strange(statement.module or ".")
            self._execute(statement)
            if brings:
                self.namespace.update(own)  # an import below a definition is not judged in its place
        used = set[str]().union(*map(names_in, self.functions.values()))
        usual = {"np": np, "numpy": np, "math": math, "plt": StandIn("matplotlib.pyplot")}
        for alias, module in usual.items():
            if alias not in self.namespace and alias in used:
                self.namespace[alias] = module
                self.notes.append(f"{alias} is used and never imported; the check imports it")
        for name, function in GIVEN.items():
            absent = name not in self.namespace
            if name in used and (absent or missing(self.namespace[name])):
                if not absent or self.strangers:
                    self.guesses.add(name)
                self.namespace[name] = PLAIN[name] if name in PLAIN and not self._unpacks(name) else function

    def _unpacks(self, name: str) -> bool:
        """Tell whether what a function returns is unpacked, or asked for an entry: A, cache = sigmoid(Z)."""
        asked: list[ast.expr] = []
        for function in self.functions.values():
            pairs = (node for node in nodes(function, ast.Assign) if isinstance(node.targets[0], ast.Tuple))
            asked += [
                *(node.value for node in nodes(function, ast.Subscript)),
                *(node.value for node in pairs),
            ]
        return any(isinstance(value, ast.Call) and ast.unparse(value.func) == name for value in asked)

    def _execute(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Import | ast.ImportFrom | ast.Try):
            for inner in statement.body if isinstance(statement, ast.Try) else [statement]:
                if isinstance(inner, ast.Import | ast.ImportFrom):
                    bind_import(inner, self.namespace)
            return
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
            self.namespace |= dict.fromkeys(names, statement.value.value)
            return
        code = self._compiled(statement)
        try:
            with time_limit(self.seconds), _quiet():
                exec(code, self.namespace)  # noqa: S102 - running the homework is what the check is for
        except BaseException as error:  # noqa: BLE001 - whatever a homework raises, the others are still marked
            line = self.submission.place(statement.lineno)[1]
            if isinstance(error, NameError) and self.submission.skipped:
                return  # it was to be assigned by a statement that is not executed
            self.notes.append(f"line {line} raises {type(error).__name__}: {error}".rstrip(": "))
        finally:
            self.guard.restore()

    def _compiled(self, node: ast.stmt) -> types.CodeType:
        with _older(node) if self._casts else contextlib.nullcontext():
            return compile(ast.Module([node], []), self.submission.path, "exec")

    def define(self, node: ast.FunctionDef) -> Function:
        """Return the function that a definition makes, over this namespace, without binding its name."""
        spare: dict[str, Any] = {}
        exec(self._compiled(node), self.namespace, spare)  # noqa: S102 - as above
        function: Function = spare[node.name]
        return function

    @contextlib.contextmanager
    def bound(self, functions: Mapping[str, Any]) -> Iterator[None]:
        """Bind names in the namespace for the body of a with statement."""
        absent = object()
        saved = {name: self.namespace.get(name, absent) for name in functions}
        self.namespace.update(functions)
        try:
            yield
        finally:
            for name, value in saved.items():
                if value is absent:
                    self.namespace.pop(name, None)
                else:
                    self.namespace[name] = value

    def call(
        self,
        function: Function,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        seconds: float | None = None,
    ) -> Outcome:
        """Call a function of the submission; whatever it does comes back as an outcome."""
        if self._trusted:
            return self._outcome(function, args, kwargs, seconds)
        try:
            with _quiet(), same_draws() if self._draws else contextlib.nullcontext():
                return self._outcome(function, args, kwargs, seconds)
        finally:
            self.guard.restore()

    def _outcome(
        self, function: Function, args: tuple[Any, ...], kwargs: Mapping[str, Any], seconds: float | None
    ) -> Outcome:
        try:
            with time_limit(self.seconds if seconds is None else seconds):
                return Outcome(function(*args, **kwargs))
        except BaseException as error:
            if INTERRUPTIBLE and isinstance(error, KeyboardInterrupt):
                raise
            return Outcome(error=error)

    @contextlib.contextmanager
    def trials(self) -> Iterator[None]:
        """Guard a thousand calls as one: of changed versions of functions that leave everything alone."""
        self._trusted = not self.guard.broken and not self._draws
        try:
            with _quiet():
                yield
        finally:
            self._trusted = False
            self.guard.restore()

    def extensible(self) -> "Program":
        """Return a copy to which functions can be added."""
        made = copy.copy(self)
        made.functions, made.namespace, made.callees_of = dict(self.functions), dict(self.namespace), {}
        return made

    def callees(self, name: str) -> list[str]:
        """Return the functions that a function calls, directly or not, in the order of their lines."""
        if name in self.callees_of:
            return list(self.callees_of[name])
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            node = self.functions.get(waiting.pop())
            found = names_in(node) & self.functions.keys() - seen - {name} if node is not None else set()
            seen |= found
            waiting += found
        self.callees_of[name] = sorted(seen, key=lambda found: self.functions[found].lineno)
        return list(self.callees_of[name])
