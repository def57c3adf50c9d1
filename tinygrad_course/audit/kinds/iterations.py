"""A training loop, entered as it stands; one iteration as a function of the variables at its beginning."""

import ast
import contextlib
import copy
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_course.audit.execution.namespace import Program
from tinygrad_course.audit.execution.paths import Path, duplicate, label, leaves, plain
from tinygrad_course.audit.execution.protection import same_draws
from tinygrad_course.audit.kinds.as_made import tolerant
from tinygrad_course.audit.kinds.base import Kind, Unfit
from tinygrad_course.audit.kinds.cases import Case
from tinygrad_course.audit.source.signatures import JOINT, argument_names, role_of
from tinygrad_course.audit.source.syntax import called, definition, names_in, nodes, stored_names

SEEN = "__tinygrad_seen__"
_COST = re.compile(r"(?i)(?!.*(grad|deriv|prime|back|plot|print|update)).*(cost|loss|mse|objective)")
HOOK, ONCE, HELD, ITERATIONS = "__tinygrad_caught__", "__tinygrad_once__", "__tinygrad_held__", 3


class _Enough(BaseException):
    """The loop has gone round often enough."""


@dataclass
class Run:
    """What a loop did in a few iterations."""

    starts: list[dict[str, Any]]
    """The variables at the beginning of each iteration."""
    ends: list[dict[str, Any]]
    result: Any = None
    error: BaseException | None = None


class Iterations(Kind):
    """What the iterations of a loop do with their variables."""

    owns = True

    def __init__(
        self, program: Program, node: ast.FunctionDef, loop: ast.For | ast.While, shared: tuple[str, ...]
    ) -> None:
        self.whole, self.loop, self.shared = node, loop, shared
        """`shared` are the variables outside functions that an iteration reads and sets as its own."""
        self.program = program
        self.program.namespace[HELD] = self._held
        self.node = self._step([])
        self.variables: list[str] | None = None
        self.around: dict[str, Any] = {}
        """The data that the function reads from outside."""
        self.last = Run([], [])
        """What the loop did last."""
        self._watching: dict[tuple[str, ...], Callable[..., Any]] = {}
        self.remarks: dict[str, str] = {}
        self.parameters: set[Path] = set()
        """The variables that it trains."""
        self.paths: dict[str, Path] = {}
        """Where it holds what is asked for, by label."""

    def _step(self, names: list[str]) -> ast.FunctionDef:
        """Return the iteration as a function of the variables that it begins with."""
        head = f"def {self.whole.name}({', '.join(name for name in names if name not in self.shared)}):\n"
        kept = f"{{**locals(), **{HELD}()}}" if self.shared else "locals()"
        loop = f"    for {ONCE} in (0,):\n        pass\n    return {kept}"
        declared = f"    global {', '.join(self.shared)}\n" if self.shared else ""
        made = definition(head + declared + loop)
        inner = next(nodes(made, ast.For))
        inner.body = copy.deepcopy(self.loop.body)
        for part in (made, *made.body):
            part.lineno = part.end_lineno = self.loop.lineno
        ast.fix_missing_locations(made)
        return made

    def _held(self) -> dict[str, Any]:
        """Return the variables outside functions as they are."""
        return {name: self.program.namespace[name] for name in self.shared if name in self.program.namespace}

    @contextlib.contextmanager
    def _around(self) -> Iterator[None]:
        """Let the homework set variables outside functions for the body of a with statement."""
        space = self.program.namespace
        before = dict(space)
        space.update(self.around)
        try:
            yield
        finally:
            if self.shared or self.around:
                space.clear()
                space.update(before)

    def run(self, arguments: Mapping[str, Any], iterations: int = ITERATIONS) -> Run:
        """Run the whole function for a few iterations, and keep its variables."""
        caught = Run([], [])

        def hook(local: dict[str, Any], place: str) -> None:
            if place == "start" and len(caught.starts) >= iterations + 2:
                raise _Enough
            variables = {**local, **self._held()}
            kept = duplicate({name: value for name, value in variables.items() if name != ONCE})
            (caught.starts if place == "start" else caught.ends).append(kept)

        with self.program.bound({HOOK: hook}):
            function = self._hooked()
            with same_draws():
                outcome = self.program.call(function, (), duplicate(dict(arguments)))
        caught.result = outcome.result
        caught.error = None if isinstance(outcome.error, _Enough) else outcome.error
        return caught

    def _hooked(self) -> Callable[..., Any]:
        """Return the whole function, which calls the hook where an iteration begins and where it ends."""
        body = self.loop.body
        start, end = (ast.parse(f"{HOOK}(locals(), {text!r})").body[0] for text in ("start", "end"))
        for call in (start, end):
            ast.increment_lineno(call, self.loop.lineno - 1)
        self.loop.body = [start, *body, end]
        try:
            return self.program.define(self.whole)
        finally:
            self.loop.body = body

    def _iterate_of(self, start: dict[str, Any]) -> dict[str, Any]:
        """Run one iteration, made a function of the variables that there are."""
        names = sorted(start)
        if self.variables != names:
            self.variables = names
            self.node = self._step(names)
            self.program.functions[self.node.name] = self.node
            self.program.callees_of.pop(self.node.name, None)
            self.program.namespace[self.node.name] = self.program.define(self.node)
        return self._iterated(self.program.namespace[self.node.name], duplicate(start))

    def mistakes(self) -> list[tuple[str, str, int]]:
        """Return the mistakes of the loop itself: (name, words, line)."""
        run, found = self.last, list[tuple[str, str, int]]()
        if run.error is not None:
            return []
        first, last = dict(leaves(run.starts[0])), dict(leaves(run.ends[-1]))
        counted = any(role_of(name, ["iterations"]) for name in argument_names(self.whole))
        same = [path for path in self.parameters if np.array_equal(first.get(path, 0), last.get(path, 0))]
        if counted and same and len(same) == len(self.parameters):
            found.append(("not_updated", "the parameters are what they were before", self.loop.lineno))
        returns = [inner.lineno for inner in nodes(self.whole, ast.Return)]
        back = {plain(path): value for path, value in leaves({"": run.result})}
        moved = [path for path in self.parameters if plain(path) in back and path not in same]
        moved = [path for path in moved if np.array_equal(back[plain(path)], first.get(path, 0))]
        old = sorted(label(at) for at in moved if not np.array_equal(back[plain(at)], last.get(at, 0)))
        if old and returns:
            words = f"{', '.join(old)} is returned as it was before the training"
            found.append(("old_parameters", words, max(returns)))
        ended = any([*nodes(one, ast.Return, ast.Break)] for one in nodes(self.loop, ast.If))
        if counted and len(run.ends) % ITERATIONS and len(run.ends) < ITERATIONS and not ended:
            words = f"for {ITERATIONS} iterations the loop goes round {len(run.ends)} times"
            found.append(("loop_count", words, self.loop.lineno))
        return found

    def _iterated(self, function: Callable[..., Any], start: dict[str, Any]) -> dict[str, Any]:
        """Call an iteration in its variables, and return them as they are then."""
        own = {name: value for name, value in start.items() if name not in self.shared}
        with same_draws(2), self._around():
            self.program.namespace.update({name: start[name] for name in self.shared if name in start})
            after = Unfit.unless(self.program.call(function, (), own), "an iteration")
        return {name: value for name, value in after.items() if name != ONCE}

    def read(self, result: Any, expression: ast.expr | None, case: Case) -> dict[str, Any]:
        """Read the gradients and the parameters from the variables at the end."""
        held = dict(leaves({name: value for name, value in result.items() if name != ONCE}))
        return {key: held[self.paths[key]] for key in case.required if self.paths.get(key) in held}

    def _seen(self, start: dict[str, Any]) -> dict[str, Any]:
        """Run one iteration in its variables; return what was first set in each, and what was returned."""
        found: dict[str, Any] = {}
        counts: dict[str, int] = {}

        def keep(name: str, value: Any) -> None:
            number = isinstance(value, float | np.floating)
            if number or (isinstance(value, np.ndarray) and value.dtype.kind in "fi" and value.size):
                found.setdefault(name, np.array(value))

        def returned(frame: FrameType, event: str, value: Any) -> None:
            code = frame.f_code
            if event == "return" and code.co_filename == self.program.submission.path:
                counts[code.co_name] = counts.get(code.co_name, 0) + 1
                parts = value if isinstance(value, tuple) else (value,)
                for place, part in enumerate(parts[:4]):
                    name = f"{code.co_name.split(JOINT)[0]}()" + f" {counts[code.co_name]}.{place}" * (
                        counts[code.co_name] > 1 or place > 0
                    )
                    keep(name, part)

        names = tuple(sorted(start))
        if names not in self._watching:
            self._watching[names] = self.program.define(self._watched(names))
        self.program.namespace[SEEN] = keep
        old = {id(value) for _, value in leaves(start)}
        before = sys.getprofile()
        sys.setprofile(returned)
        try:
            result = self._iterated(self._watching[names], start)
        finally:
            sys.setprofile(before)
        for path, value in leaves(result):
            if id(value) not in old:
                keep(label(path) if len(path) == 1 else ".".join(map(str, path)), value)
        return found

    def _watched(self, names: tuple[str, ...]) -> ast.FunctionDef:
        """Return the iteration as a function that tells of each variable when it is set."""
        made = self._step(list(names))
        inner = next(nodes(made, ast.For))
        body, inner.body = inner.body, []
        # A cost may be computed after the update: it is looked at before it, too.
        calls = [call for part in body for call in nodes(part, ast.Call) if isinstance(call.func, ast.Name)]
        for call in [one for one in calls if _COST.match(called(one))]:
            if names_in(call) <= {*names, *self.program.namespace}:
                words = ast.unparse(call)
                inner.body.append(tolerant(ast.parse(f"{SEEN}({words!r}, {words})").body[0]))
        for part in body:
            inner.body.append(part)
            for name in dict.fromkeys(stored_names(part)):
                # What a branch that is not taken sets is not there.
                told = f"{SEEN}({name!r}, locals().get({name!r}, globals().get({name!r})))"
                inner.body += ast.parse(told).body
        return ast.fix_missing_locations(made)
