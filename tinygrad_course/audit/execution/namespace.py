"""A submission made runnable: a namespace of its functions, any of which can be swapped for a changed one."""

import ast
import builtins
import contextlib
import copy
import functools
import math
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.protection import Guard, quiet, same_draws, time_limit
from tinygrad_course.audit.execution.rewriting import SINGLE, number_in, rewritten
from tinygrad_course.audit.execution.stubs import (
    GIVEN,
    PLAIN,
    Load,
    StandIn,
    bind_import,
    import_inside,
    is_strange,
)
from tinygrad_course.audit.reference.comparison import Named
from tinygrad_course.audit.source.conventions import keys_of
from tinygrad_course.audit.source.neighbours import MAX_FILES
from tinygrad_course.audit.source.signatures import INSIDE, JOINT
from tinygrad_course.audit.source.submission import Submission, SubmissionError
from tinygrad_course.audit.source.syntax import names_in, nodes, stored_names

Function = Callable[..., Any]
KEY = "__tinygrad_key__"
INTERRUPTIBLE = True
"""Whether a KeyboardInterrupt is the user's: in a process of its own it is the homework's."""


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


def _empty(load: Load) -> dict[str, Any]:
    """Return the namespace of a module before anything of it is executed."""
    return {
        "__name__": "homework",
        "__builtins__": {**vars(builtins), "__import__": import_inside(load)},
        "__tinygrad_number__": number_in,
        "__tinygrad_float__": lambda *given: float(*map(number_in, given)),
        "__tinygrad_int__": lambda *given, **base: int(*map(number_in, given), **base),
    }


Imports = ast.Import | ast.ImportFrom


def _imports(statement: ast.stmt, load: Load) -> list[Imports]:
    """Return the imports of a statement: of ``try``, those of ``except`` where a module is not to be had."""
    if not isinstance(statement, ast.Try):
        return [statement] if isinstance(statement, Imports) else []
    handled = [one for handler in statement.handlers for one in handler.body]
    own, other = ([one for one in body if isinstance(one, Imports)] for body in (statement.body, handled))
    asked = [
        (one.module or "", one.level) if isinstance(one, ast.ImportFrom) else (part.name, 0)
        for one in own
        for part in one.names
    ]
    lacking = any(is_strange(name) and load(name, level) is None for name, level in asked)
    return other if lacking and other else own


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
        self.namespace: dict[str, Any] = _empty(self._module)
        if submission.is_notebook:
            self.namespace |= {"_": "", "display": print}  # as a notebook has them
        self.modules: dict[Path, types.ModuleType] = {}
        """The modules beside the submission that it imports."""
        self.beside: list[ast.stmt] = []
        """Their statements."""
        self.set_outside = set[str]().union(*map(stored_names, submission.script))
        """What statements of the submission and of theirs set that are not executed, and global ones."""
        for one in submission.statements:
            self.set_outside.update(*(part.names for part in nodes(one, ast.Global)))
        self.homes: dict[str, dict[str, Any]] = {}
        """The namespaces of those functions that are defined in such a module."""
        self.there: dict[str, Function] = {}
        """Those functions as they are, or as they are changed."""
        self.guard = Guard()
        self.convention = keys_of(submission.statements)
        self._trusted = False
        self.callees_of: dict[str, list[str]] = {}
        # As conv_single_step of the course ends: float(Z + b), where b has the shape (1, 1, 1).
        self._casts = any(line.startswith("def conv") for line in submission.lines)
        self._single = any(
            re.search("|".join(SINGLE) + r"|['\"]<?[ef][24]?['\"]", line) for line in submission.lines
        )
        self._build(submission.statements, self.namespace)
        keys = {name: getattr(value, KEY, "") for name, value in self.namespace.items() if callable(value)}
        self.brought = {name: key for name, key in keys.items() if key and name not in self.homes}
        """The functions of other modules that the submission imports, by the names that it has for them."""
        self._draws = any("random" in line for line in submission.lines)
        self._complete()

    def _build(self, statements: list[ast.stmt], namespace: dict[str, Any], path: Path | None = None) -> None:
        """Execute the statements of the submission, or of a module beside it, in their namespace."""
        defined: set[str] = set()
        load = partial(self._module, importer=path)
        for statement in statements:
            brings = isinstance(statement, ast.Import | ast.ImportFrom | ast.Try)
            own = {name: namespace[name] for name in defined if brings and name in namespace}
            if isinstance(statement, ast.FunctionDef):
                defined.add(statement.name)
                if path is None:
                    self.functions[statement.name] = statement
            self._execute(statement, namespace, load)
            if path is not None and isinstance(statement, ast.FunctionDef):
                self._keep(statement, namespace, path)
            if brings:
                namespace.update(own)  # an import below a definition is not judged in its place
        used = set[str]().union(*map(names_in, statements))
        usual = {"np": np, "numpy": np, "math": math, "plt": StandIn("matplotlib.pyplot"), "xrange": range}
        for alias, module in usual.items():
            if alias not in namespace and alias in used:
                namespace[alias] = module
                near = self.submission.near
                where = near.shown(path) if path is not None and near is not None else ""
                note = f"{alias} is used and never imported; the check imports it"
                self.notes.append(f"{where}: {note}" if where else note)

    def _module(self, name: str, level: int, importer: Path | None = None) -> types.ModuleType | None:
        """Load a module that lies beside the submission, as safely as the submission itself."""
        near = self.submission.near
        path = near.find(name, level, importer) if near is not None else None
        if path is None or near is None:
            told = f"{name} is not loaded: it lies above {{}}; --root names a folder that holds both"
            if near is not None and near.outside(name) and told.format(near.root.name) not in self.notes:
                self.notes.append(told.format(near.root.name))
            return None
        if path not in self.modules and len(self.modules) < MAX_FILES:
            module = self.modules[path] = types.ModuleType(name or ".")
            vars(module).update(_empty(partial(self._module, importer=path)))
            if path.is_file():
                try:
                    beside = self.submission.include(path)
                except SubmissionError as error:
                    self.notes.append(f"{near.shown(path)} is not loaded: {error}")
                else:
                    self.beside += beside.statements
                    self.set_outside.update(*map(stored_names, beside.script))
                    self._build(beside.statements, vars(module), path)
        package, _, last = name.rpartition(".")
        outer = self._module(package, level, importer) if package else None
        if outer is not None and path in self.modules:
            setattr(outer, last, self.modules[path])
        return self.modules.get(path)

    def _keep(self, node: ast.FunctionDef, home: dict[str, Any], path: Path) -> None:
        """Let a function of another module be called by its name there, and be swapped for a changed one."""
        function = home.get(node.name)
        if function is None:
            return
        stem = path.stem if path.stem != "__init__" else path.parent.name
        key = f"{node.name}{INSIDE}{stem}"
        while key in self.functions:
            key += "_"
        named = copy.copy(node)
        named.name = key
        self.functions[key], self.homes[key], self.there[key] = named, home, function
        there = self.there

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            return there[key](*args, **kwargs)

        setattr(called, KEY, key)
        home[node.name] = self.namespace[key] = called

    def _complete(self) -> None:
        """Bind what the course gives with an exercise, where the file uses it and has it not."""
        used = set[str]().union(*map(names_in, self.own.values()))
        for name, function in GIVEN.items():
            absent = name not in self.namespace
            if name in used and (absent or isinstance(self.namespace[name], StandIn)):
                if not absent or self.strangers:
                    self.guesses.add(name)
                self.namespace[name] = PLAIN[name] if name in PLAIN and not self._unpacks(name) else function

    @property
    def own(self) -> dict[str, ast.FunctionDef]:
        """The functions of the submission itself."""
        return {name: node for name, node in self.functions.items() if name not in self.homes}

    @property
    def at_hand(self) -> dict[str, ast.FunctionDef]:
        """The functions that the submission can call, by the names that it has for them."""
        return {**{name: self.functions[key] for name, key in self.brought.items()}, **self.own}

    def _unpacks(self, name: str) -> bool:
        """Tell whether what a function returns is unpacked, or asked for an entry: A, cache = sigmoid(Z)."""
        trees = self.functions.values()
        asked = [part.value for tree in trees for part in nodes(tree, ast.Subscript)]
        made = [part for tree in trees for part in nodes(tree, ast.Assign)]
        asked += [part.value for part in made if isinstance(part.targets[0], ast.Tuple)]
        return any(isinstance(value, ast.Call) and ast.unparse(value.func) == name for value in asked)

    def _execute(self, statement: ast.stmt, namespace: dict[str, Any], load: Load) -> None:
        if isinstance(statement, ast.Import | ast.ImportFrom | ast.Try):
            for inner in _imports(statement, load):
                module = inner.module or "." if isinstance(inner, ast.ImportFrom) else ""
                if isinstance(inner, ast.ImportFrom) and any(part.name == "*" for part in inner.names):
                    beside = load(inner.module or "", inner.level)
                    told = beside is not None and any(key[0] != "_" for key in vars(beside))
                    self.strangers += [module] * (is_strange(module) and not told)
                bind_import(inner, namespace, load)
            return
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
            namespace |= dict.fromkeys(names, statement.value.value)
            return
        code = self._compiled(statement)
        try:
            with time_limit(self.seconds), quiet():
                exec(code, namespace)  # noqa: S102 - running the homework is what the check is for
        except BaseException as error:  # noqa: BLE001 - whatever a homework raises, the others are still marked
            line = self.submission.named(statement.lineno)
            if isinstance(error, NameError) and self.submission.skipped:
                return  # it was to be assigned by a statement that is not executed
            self.notes.append(f"{line} raises {type(error).__name__}: {error}".rstrip(": "))
        finally:
            self.guard.restore()

    def _compiled(self, node: ast.stmt) -> types.CodeType:
        with rewritten(node, casts=self._casts, single=self._single):
            return compile(ast.Module([node], []), self.submission.path, "exec")

    def define(self, node: ast.FunctionDef) -> Function:
        """Return the function that a definition makes, over this namespace, without binding its name."""
        spare: dict[str, Any] = {}
        exec(self._compiled(node), self.home(node.name), spare)  # noqa: S102 - as above
        function: Function = spare[node.name]
        return function

    def home(self, name: str) -> dict[str, Any]:
        """Return the namespace of a function: the submission's, or that of the module that defines it."""
        return self.homes.get(name, self.namespace)

    @contextlib.contextmanager
    def bound(self, names: Mapping[str, Any], *, everywhere: bool = False) -> Iterator[None]:
        """Bind names in the namespace, or in those of all modules, for the body of a with statement."""
        others = list(map(vars, self.modules.values())) if everywhere else []
        absent = object()
        saved: list[tuple[dict[str, Any], str, Any]] = []
        for name, value in names.items():
            for space in (self.there if name in self.there else self.namespace, *others):
                saved.append((space, name, space.get(name, absent)))
                space[name] = value
        try:
            yield
        finally:
            for space, name, value in reversed(saved):
                if value is absent:
                    space.pop(name, None)
                else:
                    space[name] = value

    def call(
        self, function: Function, args: tuple[Any, ...], kwargs: Named, seconds: float | None = None
    ) -> Outcome:
        """Call a function of the submission; whatever it does comes back as an outcome."""
        if self._trusted:
            return self._outcome(function, args, kwargs, seconds)
        try:
            with quiet(), same_draws() if self._draws else contextlib.nullcontext():
                return self._outcome(function, args, kwargs, seconds)
        finally:
            self.guard.restore()

    def _outcome(
        self, function: Function, args: tuple[Any, ...], kwargs: Named, seconds: float | None
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
            with quiet():
                yield
        finally:
            self._trusted = False
            self.guard.restore()

    def extensible(self) -> "Program":
        """Return a copy to which functions can be added: its functions read the copy's variables."""
        made = copy.copy(self)
        made.functions, made.namespace, made.callees_of = dict(self.functions), dict(self.namespace), {}
        for name, value in self.namespace.items():
            if isinstance(value, types.FunctionType) and value.__globals__ is self.namespace:
                again = types.FunctionType(
                    value.__code__, made.namespace, value.__name__, value.__defaults__, value.__closure__
                )
                again.__kwdefaults__ = value.__kwdefaults__
                made.namespace[name] = again
        return made

    def callees(self, name: str) -> list[str]:
        """Return the functions that a function calls, directly or not, in the order of their lines."""
        if name in self.callees_of:
            return list(self.callees_of[name])
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            found = self._called(waiting.pop()) - seen - {name}
            seen |= found
            waiting += found
        self.callees_of[name] = sorted(seen, key=lambda found: self.functions[found].lineno)
        return list(self.callees_of[name])

    def _called(self, name: str) -> set[str]:
        """Return the functions that stand in a function, by their own names or a module's: layers.relu."""
        node, home = self.functions.get(name), self.home(name)
        if node is None:
            return set()
        held = [*nodes(node, ast.Attribute)]
        parts = [(one.attr, home.get(one.value.id)) for one in held if isinstance(one.value, ast.Name)]
        values = [vars(holder).get(word) for word, holder in parts if isinstance(holder, types.ModuleType)]
        words = names_in(node)
        for word in {one.attr for one in held}:
            alike = {key for key in self.functions if key.startswith(word + JOINT)}
            own = alike & {word + JOINT + name.partition(JOINT)[2]}
            words |= own or alike  # of its own class, if it has one
        keys = {getattr(value, KEY, "") for value in [*values, *map(home.get, words)] if callable(value)}
        plain = words - self.homes.keys() if name not in self.homes else set()
        return (plain | keys) & self.functions.keys()
